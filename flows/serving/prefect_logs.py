"""What Prefect's processes are told of logging, by their environment. No part of Prefect is imported here."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pipeline.errors import ClampdownError
from pipeline.logs import OURS, hide, secrets_of, set_up
from pipeline.settings import load
from pipeline.settings_sections import LogSettings

DEFAULTS: Final[Mapping[str, str]] = {
    "PREFECT_LOGGING_SETTINGS_PATH": str(Path(__file__).with_name("logging.yml")),
    "PREFECT_LOGGING_EXTRA_LOGGERS": ",".join(OURS),
    # What is logged while no flow runs has no page to be shown on.
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    # Else each line that can't be sent while the server starts anew is an error of its own.
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
}
"""By these Prefect logs as we do, shows our lines with its own, and sends no secret to its server.

They are read when prefect is imported.
"""


def environment(log: LogSettings) -> dict[str, str]:
    """The same for processes that are started, with what is said of logs in the settings of this one."""
    return {**DEFAULTS, "CLAMPDOWN_LOG__LEVEL": log.level, "CLAMPDOWN_LOG__FORMAT": log.format}


def begin(who: str) -> None:
    """Have this process log as the settings say, as `who`. Where they can't be read, whoever needs them says so."""
    try:
        settings = load().settings
    except ClampdownError:
        return
    set_up(settings.log, who=who)
    hide(secrets_of(settings, os.environ))

"""The options that stand before the command, and the settings they lead to."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from pipeline.settings import LoadedSettings


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """Where the settings file and the data folder are, as far as the command line says."""

    config: Path | None = None
    data_dir: Path | None = None


def again(context: typer.Context) -> str:
    """How a command that is proposed begins, so that it speaks of the same data: "clampdown -d sample-data"."""
    given: GlobalOptions = context.obj
    said = (("-c", given.config), ("-d", given.data_dir))
    return " ".join(["clampdown", *(f"{flag} {shlex.quote(str(path))}" for flag, path in said if path)])


def load_settings(context: typer.Context, flags: Mapping[str, Any] | None = None) -> "LoadedSettings":
    """Load the settings for this command; `flags` are its own options by dotted key, None where not given.

    From here on it logs as they say: warnings alone, unless `log.level` is set.
    """
    from pipeline.logs import hide, secrets_of, set_up
    from pipeline.settings import load

    given: GlobalOptions = context.obj
    # A path on the command line is relative to the current folder, one in the settings file to that file.
    data_dir = given.data_dir.absolute() if given.data_dir else None
    loaded = load(given.config, {"data_dir": data_dir, **(flags or {})})
    settings, is_default = loaded.settings, loaded.origins["log.level"] == "default"
    set_up(settings.log, least="warning" if is_default else None)
    hide(secrets_of(settings, os.environ))
    return loaded

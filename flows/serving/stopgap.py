"""Scheduled flows without Prefect: what the supervisor does while its server, or our runner, can't be had for long.

`python -m flows.serving.stopgap ingest 2026-11-22T14:00:00+00:00` does one flow for its time, through the same
`perform` as always, and no part of Prefect is imported.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from flows.serving.overdue import first_run, missed_now
from flows.serving.processes import as_parent, die_with_parent, end
from pipeline.errors import ClampdownError
from pipeline.flow_log import Told
from pipeline.logs import about, hide, secrets_of, set_up
from pipeline.settings import Settings, load

log = logging.getLogger(__name__)

AFTER: Final = 600.0
"""Seconds without Prefect after which flows are done without it. A restart, or a new version of it, takes less."""

STOP_WITHIN: Final = 20.0
"""Seconds that a flow has to end in order once it is told to."""

LATE: Final = timedelta(minutes=5)
"""How late a flow is by then."""


@dataclass(slots=True)
class Stopgap:
    """Does missed flows directly, one at a time, for as long as it is told that Prefect is gone."""

    settings: Settings
    environ: Mapping[str, str]
    after: float = AFTER
    _gone_since: float | None = None
    _process: subprocess.Popen[bytes] | None = None

    def look(self, *, is_ready: bool) -> None:
        """Start what is missing. Called by the main thread: a child ends with the thread that started it."""
        if self._process is not None and self._process.poll() is not None:
            self._process = None
        if is_ready:
            self._gone_since = None
            return
        now = time.monotonic()
        if self._gone_since is None:
            self._gone_since = now
        if self._process is None and now - self._gone_since >= self.after:
            self._begin()

    def stop(self) -> None:
        """End the flow that runs, if any; what it has committed stays."""
        if self._process is None:
            return
        end(self._process, STOP_WITHIN)

    def _begin(self) -> None:
        found = missed_now(self.settings, first_run(self.settings), datetime.now(UTC), LATE)
        if not found:
            return
        one = found[0]
        log.warning("%s of %s is done without Prefect, which can't be had", one.flow, f"{one.at:%Y-%m-%d %H:%M} UTC")
        self._process = subprocess.Popen(  # noqa: S603  # our own module
            [sys.executable, "-m", "flows.serving.stopgap", one.flow, one.at.isoformat()],
            env={**self.environ, **as_parent()},
            stdin=subprocess.DEVNULL,
        )


def main() -> None:
    """Do the flow that the arguments name, for the time that they name. Exits with 1 where it fails."""
    die_with_parent()
    flow, at = sys.argv[1], datetime.fromisoformat(sys.argv[2])
    # Heavy, and not for the supervisor, which imports this module as well.
    from flows.maintain import maintain
    from flows.serving import duties
    from flows.serving.perform import perform

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    settings = load().settings
    set_up(settings.log, who=flow)
    hide(secrets_of(settings, os.environ))
    works: dict[str, Callable[[Told], object]] = {
        "ingest": lambda told: duties.ingest_duty(settings, told),
        "digest": lambda told: duties.digest_duty(settings, told),
        "maintain": lambda told: maintain(settings, told),
    }
    with about(flow):
        try:
            perform(flow, settings, works[flow], scheduled_at=at, wait=None if flow == "digest" else 0.0)
        except ClampdownError as error:
            log.error("failed: %s", error)
            sys.exit(1)


if __name__ == "__main__":
    main()

"""Sending mail and webhooks while `clampdown serve` runs: a short process whenever something is due, and none else.

`python -m flows.serving.sender` sends what is due and ends. It needs no Prefect: mail goes out while that is away, too.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import FrameType
from typing import Final

from flows.serving.processes import as_parent, die_with_parent, end
from pipeline.errors import ClampdownError
from pipeline.logs import about, hide, secrets_of, set_up
from pipeline.outbox_intake import is_due
from pipeline.settings import Settings, load

log = logging.getLogger(__name__)

LOOK_EVERY: Final = 30.0
"""Seconds between two looks at whether anything is due."""

STOP_WITHIN: Final = 20.0
"""Seconds that a sender has to come to the end of the message that it is at."""

LONGEST: Final = 3 * 3600.0
"""Seconds after which a sender is taken for hung."""


@dataclass(slots=True)
class Sender:
    """Starts a process that sends, one at a time. Called by the main thread: a child ends with who started it."""

    settings: Settings
    environ: Mapping[str, str]
    every: float = LOOK_EVERY
    _look_at: float = 0.0
    _began_at: float = 0.0
    _process: subprocess.Popen[bytes] | None = None

    def look(self) -> None:
        """Start a sender if anything is due, and note the end of the one before."""
        now = time.monotonic()
        if self._process is not None:
            if self._process.poll() is None:
                if now - self._began_at > LONGEST:
                    log.error("sending mail hangs: its process is ended")
                    self._process.kill()
                return
            self._process = None
        if now < self._look_at:
            return
        self._look_at = now + self.every
        if self._is_due():
            self._begin(now)

    def stop(self) -> None:
        """Have the sender end after the message that it is at."""
        if self._process is None:
            return
        end(self._process, STOP_WITHIN)

    def _is_due(self) -> bool:
        try:
            return is_due(self.settings, datetime.now(UTC))
        except (ClampdownError, OSError) as error:
            # What can't be read is mended by the next one who sends.
            log.debug("%s", error)
            return True

    def _begin(self, now: float) -> None:
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "flows.serving.sender"],
                env={**self.environ, **as_parent()},
                stdin=subprocess.DEVNULL,
                # An interrupt typed at a terminal is for its parent, which lets it come to an end.
                process_group=0,
            )
        except OSError as error:
            # Too many processes, or no memory for one more: that passes.
            log.error("mail can't be sent: no process can be started: %s", error)
            return
        self._began_at = now


class _Stop:
    """Whether somebody has asked for the end."""

    def __init__(self) -> None:
        self.is_asked = False
        signal.signal(signal.SIGTERM, self._ask)
        signal.signal(signal.SIGINT, self._ask)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.is_asked = True


def main() -> None:
    """Send what is due. Exits with 1 where that can't be done at all."""
    die_with_parent()
    stop = _Stop()
    # Not for the supervisor, which imports this module as well.
    from flows.sending import send_due

    settings = load().settings
    set_up(settings.log, who="send")
    hide(secrets_of(settings, os.environ))
    with about("send"):
        try:
            done = send_due(settings, enough=lambda: stop.is_asked)
        except ClampdownError as error:
            log.error("failed: %s", error)
            sys.exit(1)
        if done.moved:
            told = ", ".join(f"{number} {state.value}" for state, number in sorted(done.moved.items()))
            log.info("outbox: %s", told)


if __name__ == "__main__":
    main()

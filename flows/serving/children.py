"""One process that is to run for ever: started, watched, started again with growing gaps."""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from flows.serving.processes import ADRIFT, ALIVE, ALIVE_EVERY, NOTES, READY, REFUSED, as_parent

log = logging.getLogger(__name__)

FIRST_GAP, LONGEST_GAP = 1.0, 60.0
"""Seconds before a process that ended is started again: doubled each time."""

SETTLED_AFTER = 300.0
"""Seconds of work after which the gaps begin anew."""

SILENT_AFTER = 9 * ALIVE_EVERY
"""Seconds without a sign of life after which a process is taken for hung, and ended."""

END_WITHIN = 25.0
"""Seconds that a process has to end in order, where it is to be started anew."""

START_WITHIN = 300.0
"""Seconds within which a process must say that it is ready, or is ended, where it has nothing to wait for."""


@dataclass(slots=True)
class Child:
    """A process, and what it said. `failures` counts its ends before it was ready, since it last was.

    One that `waits` for others may take as long as it likes to get ready.

    It has a process group of its own: an interrupt typed at a terminal reaches its parent alone, and what it leaves
    behind can be ended with it.
    """

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    waits: bool = False
    is_ready: bool = False
    refusal: str = ""
    failures: int = 0
    starts: int = 0
    begun_at: float = 0.0
    restart_at: float = 0.0
    notes: int | None = None
    _process: subprocess.Popen[bytes] | None = None
    _heard_at: float = 0.0
    _renewed_at: float | None = None
    _gap: float = FIRST_GAP
    _unread: bytes = field(default=b"", repr=False)

    @property
    def pid(self) -> int | None:
        """Its process id, or None while it does not run."""
        return None if self._process is None else self._process.pid

    @property
    def is_renewed(self) -> bool:
        """Whether it was told to end, and is to be started again at once."""
        return self._renewed_at is not None

    def start(self) -> None:
        """Start the process. Raises OSError where the system can't."""
        self.notes, theirs = os.pipe()
        os.set_blocking(self.notes, False)
        try:
            self._process = subprocess.Popen(  # noqa: S603  # our own modules
                self.command,
                env={**self.environ, **as_parent(), NOTES: str(theirs)},
                pass_fds=[theirs],
                stdin=subprocess.DEVNULL,
                process_group=0,
            )
        except OSError:
            os.close(self.notes)
            self.notes = None
            raise
        finally:
            os.close(theirs)
        self.is_ready, self.starts = False, self.starts + 1
        self.begun_at = self._heard_at = time.monotonic()
        log.debug("%s: process %d", self.name, self._process.pid)

    def hear(self) -> Iterator[str]:
        """Read what it has said, and yield the words."""
        while self.notes is not None:
            try:
                said = os.read(self.notes, 4096)
            except BlockingIOError:
                return
            if not said:
                self._close_notes()
                return
            *lines, self._unread = (self._unread + said).split(b"\n")
            for line in lines:
                yield self._take(line.decode(errors="replace"))

    def _take(self, line: str) -> str:
        word, _, text = line.partition(" ")
        self._heard_at = time.monotonic()
        if word == READY:
            self.is_ready, self.failures = True, 0
        elif word == ADRIFT:
            self.is_ready = False
        elif word == REFUSED:
            self.refusal = text or "it can't be said why"
        elif word != ALIVE:
            log.debug("%s said %s", self.name, line)
        return word

    def ended(self) -> int | None:
        """The exit status if the process has ended since the last look; plans the next start. Else None."""
        if self._process is None or not self._has_exited():
            return None
        # While it is not yet taken note of, its id, which is its group's, can't be another's.
        self._end_group()
        status = self._process.wait()
        self._process = None
        # What it said at its very end is still in the pipe.
        list(self.hear())
        self._close_notes()
        now = time.monotonic()
        if not self.is_ready:
            self.failures += 1
        if now - self.begun_at >= SETTLED_AFTER:
            self._gap = FIRST_GAP
        self.is_ready = False
        if self.is_renewed:
            self.restart_at, self._renewed_at = now, None
            return status
        self.restart_at = now + self._gap
        self._gap = min(self._gap * 2, LONGEST_GAP)
        return status

    def overdue(self) -> str:
        """Why the process is taken for hung, or ""."""
        if self._process is None:
            return ""
        now = time.monotonic()
        if self._renewed_at is not None and now - self._renewed_at > END_WITHIN:
            return f"told to end {now - self._renewed_at:.0f} s ago"
        if now - self._heard_at > SILENT_AFTER:
            return f"no sign of life for {now - self._heard_at:.0f} s"
        if not self.is_ready and not self.waits and now - self.begun_at > START_WITHIN:
            return f"not ready after {now - self.begun_at:.0f} s"
        return ""

    def renew(self) -> None:
        """Have the process end in order; its next start is due as soon as it has."""
        self._renewed_at = time.monotonic()
        self.signal(signal.SIGTERM)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process itself."""
        if self._process is not None:
            # Popen's own way takes note of an end, and nobody else would hear of it. Until then the id is its own.
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        """End the process and what it started."""
        if self._process is not None:
            self._end_group()

    def _close_notes(self) -> None:
        if self.notes is not None:
            os.close(self.notes)
        self.notes, self._unread = None, b""

    def _has_exited(self) -> bool:
        assert self._process is not None
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _end_group(self) -> None:
        assert self._process is not None
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            # Nobody is left in it. (Some systems say so by forbidding it.)
            pass

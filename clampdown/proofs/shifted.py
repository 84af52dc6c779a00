"""A clock that a proof sets, for whole trees of processes: what they are told is the time, and days pass in a moment.

The library libfaketime is loaded into them. It reads from a file how far the time is from the machine's, once a second;
so one write moves the clock of all. What measures durations (the monotonic clock) goes on as ever, and so do the times
of files.
"""

import os
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from time import time
from typing import Final

from clampdown.proofs.claims import NotPossible

_LIBRARY: Final = "vendor/libfaketime/src/libfaketime.so.1"
_SHARED: Final = Path("/dev/shm")  # noqa: S108 - where the library keeps what processes share


class ShiftedClock:
    """The time that processes see which are started with `environment`. `file` is where the shift is kept."""

    def __init__(self, file: Path, moment: datetime) -> None:
        self._library = _library()
        self._file = file
        self._shift = 0.0
        self.set(moment)

    def now(self) -> datetime:
        """What the clock shows, to those who have noticed that it was moved: all do within a second."""
        return datetime.fromtimestamp(time() + self._shift, UTC)

    def set(self, moment: datetime) -> None:
        """Let it be `moment`; time goes on from there."""
        self._shift = moment.timestamp() - time()
        unfinished = self._file.with_suffix(".new")
        unfinished.write_text(f"{self._shift:+.3f}\n", "ascii")
        unfinished.replace(self._file)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that processes are to be started with."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file.absolute()),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # Else threads that wait for the interpreter's lock spin.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
            "NO_FAKE_STAT": "1",
        }


def sweep(pid: int) -> None:
    """Remove what the library leaves behind of a process that was killed."""
    for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}"):
        (_SHARED / name).unlink(missing_ok=True)


def _library() -> Path:
    """Where the library is. Raises NotPossible where it is not installed, or this is no Linux."""
    found = find_spec("libfaketime")
    if found is not None and found.origin is not None and os.uname().sysname == "Linux":
        path = Path(found.origin).parent / _LIBRARY
        if path.exists():
            return path
    raise NotPossible(
        "this proof moves the clock by the library libfaketime, which is not here",
        hint="On Linux: install the package libfaketime beside clampdown.",
    )

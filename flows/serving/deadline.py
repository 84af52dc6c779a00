"""A time by which work has ended, however it hangs: first an exception, then the end of the process."""

import faulthandler
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from pipeline.errors import Overdue

GRACE: Final = 300.0
"""Seconds from the exception to the end of the process: time to close what is open."""

_reasons: deque[str] = deque()
_told_to: list[str] = []
"""Why the main thread was told to give up: some libraries make an error of their own of it."""


@contextmanager
def deadline(seconds: float, what: str, grace: float = GRACE) -> Iterator[None]:
    """Raise Overdue in the main thread, which is to call this, where the block takes longer than so many seconds.

    An exception can't reach a thread that waits inside a library for ever. So a process that has not left the block
    `grace` seconds later is ended, with the stacks of all its threads on standard error: whatever it dies of, the next
    run goes on where it was. Steps within the block may have an `alarm` of their own.
    """
    _reasons.clear()
    _told_to.clear()
    signal.signal(signal.SIGUSR1, _give_up)
    faulthandler.dump_traceback_later(seconds + grace, exit=True, file=sys.__stderr__ or 2)
    try:
        with alarm(seconds, what):
            yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        # Not the default, which would end the process if an alarm rings just now.
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)


@contextmanager
def alarm(seconds: float, what: str) -> Iterator[None]:
    """Within a `deadline`, raise Overdue in the main thread where this block, in any thread, takes longer."""
    timer = threading.Timer(seconds, _ring, (seconds, what))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _ring(seconds: float, what: str) -> None:
    main = threading.main_thread().ident
    if main is None or signal.getsignal(signal.SIGUSR1) is not _give_up:
        # Nobody has set a deadline, or it is over.
        return
    _reasons.append(f"{what} has taken longer than {_told(seconds)}, and was given up")
    signal.pthread_kill(main, signal.SIGUSR1)


def _give_up(number: int, frame: FrameType | None) -> None:
    _told_to.append(_reasons.popleft() if _reasons else "given up: it has taken too long")
    raise Overdue(_told_to[-1])


def given_up() -> Overdue | None:
    """What the main thread was told in the present deadline, or None: for those who meet a library's words for it."""
    return Overdue(_told_to[-1]) if _told_to else None


def _told(seconds: float) -> str:
    return f"{seconds / 3600:g} hours" if seconds >= 3600 else f"{seconds:g} seconds"

"""A time by which work has ended, however it hangs: first an exception, then the end of the process."""

import faulthandler
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from pipeline.errors import Overdue

GRACE: Final = 300.0
"""Seconds from the exception to the end of the process: time to close what is open."""


@contextmanager
def deadline(seconds: float, what: str, grace: float = GRACE) -> Iterator[None]:
    """Raise Overdue in the main thread where the block takes longer than so many seconds.

    An exception can't reach a thread that waits inside a library for ever. So a process that has not left the block
    `grace` seconds later is ended, with the stacks of all its threads on standard error: whatever it dies of, the next
    run goes on where it was.
    """
    main = threading.main_thread()
    is_main = threading.current_thread() is main

    def give_up(number: int, frame: FrameType | None) -> None:
        raise Overdue(f"{what} has taken longer than {_told(seconds)}, and was given up")

    def ring() -> None:
        assert main.ident is not None, "the main thread has started"
        signal.pthread_kill(main.ident, signal.SIGUSR1)

    timer = threading.Timer(seconds, ring)
    timer.daemon = True
    if is_main:
        signal.signal(signal.SIGUSR1, give_up)
        timer.start()
    faulthandler.dump_traceback_later(seconds + grace, exit=True, file=sys.__stderr__ or 2)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        timer.cancel()
        if is_main:
            # Not the default, which would end the process if the timer rings just now.
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)


def _told(seconds: float) -> str:
    return f"{seconds / 3600:g} hours" if seconds >= 3600 else f"{seconds:g} seconds"

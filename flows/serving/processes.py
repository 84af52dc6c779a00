"""Processes that end with the one that started them, and that tell it how they are. The standard library only.

The parent's id and the pipe's number travel in the environment. Their names don't begin as settings do, because an
unknown setting is an error.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from typing import NoReturn

PARENT = "_CLAMPDOWN_PARENT"
NOTES = "_CLAMPDOWN_NOTES"

READY, ADRIFT, ALIVE, REFUSED = "ready", "adrift", "alive", "refused"
"""What a child says: that it does its work, that it can't just now, that it lives, and that starting it again would not
help (why)."""

REFUSED_STATUS = 3
"""The exit status of a process that has said so."""

ALIVE_EVERY = 20.0
"""Seconds between two signs of life."""

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """End this process when the one that started it ends, whatever that dies of.

    Does nothing where no process of ours started this one (`PARENT` is not set): a worker of someone else's may run
    our flows, and ends them in its own way.
    """
    expected = os.environ.get(PARENT, "")
    if not expected:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(int(expected),), daemon=True).start()
    if os.getppid() != int(expected):
        # It was gone before the system was asked to tell.
        os.kill(os.getpid(), signal.SIGKILL)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGKILL)


def as_parent() -> dict[str, str]:
    """What the environment of a child holds, so that it can end with this process."""
    return {PARENT: str(os.getpid())}


def tell(word: str, text: str = "") -> None:
    """Say `READY`, `ADRIFT`, `ALIVE` or `REFUSED` (and why) to the process that started this one, if it listens."""
    descriptor = os.environ.get(NOTES, "")
    if not descriptor:
        return
    try:
        os.write(int(descriptor), f"{word} {' '.join(text.split())}".strip().encode() + b"\n")
    except OSError:
        # Nobody listens any more: then this process is about to end, too.
        pass


def refuse(why: str, hint: str | None = None) -> NoReturn:
    """End this process, and say why starting it again would not help."""
    tell(REFUSED, f"{why} ({hint})" if hint else why)
    sys.exit(REFUSED_STATUS)


def end(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    """Ask a process to end, and end it where it has not within so many seconds."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

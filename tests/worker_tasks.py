"""What the tests of the workers have them do."""

import ctypes
import mmap
import os
import re
import signal
import sys
import time
from pathlib import Path


def double(number: int) -> int:
    return 2 * number


def pid(_: object) -> int:
    return os.getpid()


def crash(_: object) -> None:
    ctypes.string_at(0)


def leave(status: int) -> None:
    os._exit(status)


def backtrack(length: int) -> bool:
    """A regular expression that takes for ever, in C code that no exception can interrupt."""
    return re.fullmatch(r"(a+)+b", "a" * length) is not None


def stand_still(seconds: float) -> None:
    time.sleep(seconds)


def alarm(_: object) -> float:
    """Seconds by the clock that this task has left."""
    return signal.getitimer(signal.ITIMER_REAL)[0]


def dawdle(number: int) -> int:
    time.sleep(0.1)
    return number


def do(what: str | int) -> int:
    """Do what is named, or return the number."""
    if isinstance(what, int):
        return what
    {"crash": crash, "swell": lambda _: swell(2000), "refuse": refuse}[what](what)
    return -1


def swell(mebibytes: int) -> int:
    return len(bytearray(mebibytes * 1024 * 1024))


def swell_in_c(mebibytes: int) -> int:
    return len(mmap.mmap(-1, mebibytes * 1024 * 1024))


def keep(mebibytes: int) -> int:
    """Leak: what is kept here stays until the worker is replaced."""
    LEAK.append(b"x" * (mebibytes * 1024 * 1024))
    return os.getpid()


def killed_once(marker: str) -> int:
    """Be killed by the system the first time, as an out-of-memory killer would, and do well the second time."""
    path = Path(marker)
    if path.exists():
        return os.getpid()
    path.mkdir()
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def die_from_outside(_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(text: str) -> None:
    raise ValueError(text)


def nothing_to_pickle(_: object) -> object:
    return lambda: None


def write(path: str) -> None:
    Path(path).write_text("escaped")


def speak(text: str) -> None:
    os.write(1, text.encode())
    os.write(2, text.encode())


def recurse(_: object) -> None:
    recurse(_)


LEAK: list[bytes] = []


def echo(value: object) -> object:
    return value


def is_loaded(module: str) -> bool:
    return module in sys.modules

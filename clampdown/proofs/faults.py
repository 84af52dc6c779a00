"""What a parser can do to its process, on demand: pages and feeds that carry a mark break their reader.

Known crashers of lxml or trafilatura are mended one by one; the next one is not known yet. So the faults themselves are
put where a page is read, in the same worker and under the same limits.
"""

import ctypes
import mmap
import os
import re
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flows.jobs import FeedJob, PageJob, Reading, read_feed, read_page
from pipeline.protocols import Workers
from pipeline.types import ParsedFeed

MARK = re.compile(rb"<!-- fault: (\w+) -->")


def _crash() -> None:
    ctypes.string_at(0)


def _loop() -> None:
    while True:
        pass


def _swell() -> None:
    grown = [bytearray(64 * 1024 * 1024)]
    while True:
        grown.append(bytearray(64 * 1024 * 1024))


def _swell_in_c() -> None:
    mmap.mmap(-1, 1 << 40)


def _recurse() -> None:
    _recurse()


def _raise_what_no_parser_should() -> None:
    raise AttributeError("'NoneType' object has no attribute 'tag'")


FAULTS: Mapping[str, tuple[Callable[[], object], str]] = {
    "crash": (_crash, "crashed (SIGSEGV)"),
    "abort": (os.abort, "crashed (SIGABRT)"),
    "leave": (lambda: os._exit(0), "ended (status 0)"),
    "backtrack": (lambda: re.fullmatch(r"(a+)+b", "a" * 60), "of CPU time"),
    "loop": (_loop, "of CPU time"),
    "swell": (_swell, "of memory"),
    "swell_in_c": (_swell_in_c, "OSError"),
    "recurse": (_recurse, "RecursionError"),
    "blunder": (_raise_what_no_parser_should, "AttributeError"),
    "stand_still": (lambda: time.sleep(3600), "stood still"),
    "be_killed": (lambda: os.kill(os.getpid(), signal.SIGKILL), "ended from outside by SIGKILL"),
}
"""What happens, and the words by which its quarantine must tell it."""


def mark(fault: str) -> str:
    """Return the mark that makes a page break as `fault` says."""
    return f"<!-- fault: {fault} -->"


def read_page_or_break(job: PageJob) -> Reading:
    """Read a page as a run does, unless it is marked."""
    _break(b"" if job.response is None else job.response.body)
    return read_page(job)


def read_feed_or_break(job: FeedJob) -> ParsedFeed:
    """Read a feed as a run does, unless it is marked."""
    _break(job.body)
    return read_feed(job)


def _break(body: bytes) -> None:
    if found := MARK.search(body):
        FAULTS[found[1].decode()][0]()


_BREAKABLE: Mapping[Any, Callable[[Any], Any]] = {read_page: read_page_or_break, read_feed: read_feed_or_break}


class BreakablePool:
    """A pool of workers in which marked pages and feeds break; all else is as in the pool behind it."""

    def __init__(self, pool: Workers) -> None:
        self._pool = pool

    def map(self, function: Callable[[Any], Any], items: Sequence[Any], *, seconds: float) -> list[Any]:
        """Run `function` on each item, what reads pages and feeds with its faults."""
        return self._pool.map(_BREAKABLE.get(function, function), items, seconds=seconds)

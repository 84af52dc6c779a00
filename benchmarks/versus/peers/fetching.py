"""Others that fetch pages over HTTP and read their text, in as many processes as there are cores.

Each is given addresses and asks for one page after another in each process, as its manual shows; none stores anything.
"""

import multiprocessing
import os
import time
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

Counted = dict[str, float]


def read(name: str, addresses: Sequence[str], processes: int) -> Counted:
    """Fetch and read all pages; return pages that had a text, seconds by the clock and of CPU, and megabytes."""
    context = multiprocessing.get_context("fork")
    import_module(MODULES[name])  # raises ImportError where it is not installed
    READERS[name](addresses[0])  # what it imports on the way is there before the clock starts, for all processes
    start, cpu = time.perf_counter(), _cpu()
    with context.Pool(processes) as pool:
        parts = pool.starmap(_part, [(name, list(addresses[number::processes])) for number in range(processes)], 1)
        seconds = time.perf_counter() - start
        pool.close()
        pool.join()
    return {
        "read": sum(read for read, _ in parts),
        "seconds": seconds,
        "cpu": _cpu() - cpu,
        "megabytes": sum(peak for _, peak in parts),
    }


def _part(name: str, addresses: list[str]) -> tuple[int, float]:
    read = sum(bool(READERS[name](address)) for address in addresses)
    return read, _megabytes()


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _megabytes() -> float:
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def _trafilatura(address: str) -> Any:
    import trafilatura

    # Its own fetch_url, rightly, connects to no private address: loopback is asked through the library beneath it.
    page = _pool().request("GET", address).data
    return trafilatura.extract(page, url=address, favor_precision=True, with_metadata=True)


@cache
def _pool() -> Any:
    import urllib3

    return urllib3.PoolManager()


def _newspaper(address: str) -> Any:
    import newspaper

    article = newspaper.Article(address, fetch_images=False, language="en")
    article.download()
    article.parse()
    return article.text


def _news_please(address: str) -> Any:
    from newsplease import NewsPlease

    article = NewsPlease.from_url(address, fetch_images=False)
    return article and article.maintext


def _guarded(reader: Any) -> Any:
    def read(address: str) -> Any:
        try:
            return reader(address)
        except Exception:  # whatever a reader makes of a page that it can't read, also that it wants one more library
            return None

    return read


MODULES = {"trafilatura": "trafilatura", "newspaper4k": "newspaper", "news-please": "newsplease"}
READERS = {
    "trafilatura": _guarded(_trafilatura),
    "newspaper4k": _guarded(_newspaper),
    "news-please": _guarded(_news_please),
}

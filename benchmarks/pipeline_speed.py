"""The whole pipeline against bare trafilatura, in pages per second on the same cores in the same run.

    python -m benchmarks.pipeline_speed ARTICLE_EXTRACTION_BENCHMARK.tar.gz

The 181 pages are multiplied to `--pages`. A server in a process of its own names them in feeds and serves them; the
pipeline polls, fetches, archives, reads, gates, extracts, places and stores them. Trafilatura reads the same pages from
memory, with the options that the pipeline reads with, in as many processes: half of them before the pipeline's turn and
half after it, so that a machine that grows slower or faster does so for both.

`--copies distinct` (the default) ends each paragraph of each copy with a word of its own, so that none is an exact copy
of another and all of them go through gate and model; `exact` serves them as they are, and all but the first 181 end as
copies.
"""

import argparse
import asyncio
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.article_pages import Sample, load
from flows.house import open_house
from flows.ingest import ingest
from flows.jobs import PROBE
from pipeline.settings import FetchSettings, PollSettings, Settings
from pipeline.types import Source

HOSTS = 8
"""Addresses of loopback that the pages are spread over, each with a feed of its own."""

EVERY = 500

OPTIONS = {"favor_precision": True, "include_comments": False, "include_tables": True}


def page_of(samples: Sequence[Sample], number: int, *, distinct: bool) -> bytes:
    """Return the page of this number: a copy of one of the samples, with a word of its own after each paragraph."""
    copy, place = divmod(number, len(samples))
    page = samples[place].page
    return page.replace(b"</p>", f" Copy{copy}</p>".encode()) if distinct and copy else page


class _Farm(asyncio.Protocol):
    """The least of an HTTP server: what it costs is taken from the pipeline's share of the cores."""

    def __init__(self, samples: Sequence[Sample], pages: int, *, distinct: bool) -> None:
        self._samples, self._pages, self._distinct = samples, pages, distinct
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        for request in data.split(b"\r\n\r\n")[:-1]:
            self._transport.write(self._reply(request.split(b" ", 2)[1].decode()))

    def _reply(self, path: str) -> bytes:
        if path.startswith("/page/"):
            return _http(page_of(self._samples, int(path[6:]), distinct=self._distinct), "text/html; charset=utf-8")
        if path.startswith("/feed/"):
            return _http(_feed(range(int(path[6:]), self._pages, HOSTS)), "application/rss+xml")
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def _http(body: bytes, kind: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _feed(numbers: range) -> bytes:
    items = "".join(
        f"<item><title>Page {n}</title><link>/page/{n}</link><guid isPermaLink='false'>{n}</guid></item>"
        for n in numbers
    )
    return f"<rss version='2.0'><channel><title>Pages</title>{items}</channel></rss>".encode()


def _serve(samples: Sequence[Sample], pages: int, distinct: bool, ready: Connection) -> None:
    async def live() -> None:
        loop = asyncio.get_running_loop()
        hosts = [f"127.0.0.{number + 2}" for number in range(HOSTS)]
        server = await loop.create_server(lambda: _Farm(samples, pages, distinct=distinct), hosts[0], 0)
        port = server.sockets[0].getsockname()[1]
        for host in hosts[1:]:
            await loop.create_server(lambda: _Farm(samples, pages, distinct=distinct), host, port)
        ready.send([f"{host}:{port}" for host in hosts])
        await asyncio.Event().wait()

    asyncio.run(live())


@contextmanager
def serving(samples: Sequence[Sample], pages: int, *, distinct: bool) -> Iterator[list[str]]:
    """Serve the pages from another process; yield the hosts."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_serve, args=(samples, pages, distinct, theirs))
    process.start()
    try:
        yield ours.recv()
    finally:
        process.kill()
        process.join()


def _read_bare(samples: Sequence[Sample], numbers: range, distinct: bool, ready: Connection) -> None:
    import trafilatura

    trafilatura.bare_extraction(samples[0].page, **OPTIONS)
    ready.send(None)
    ready.recv()
    for number in numbers:
        trafilatura.bare_extraction(page_of(samples, number, distinct=distinct), **OPTIONS)
    ready.send(None)


def bare_seconds(samples: Sequence[Sample], numbers: range, processes: int, *, distinct: bool) -> float:
    """Return the seconds that trafilatura alone takes for these pages, spread over processes that are warm."""
    pipes, workers = [], []
    for part in range(processes):
        ours, theirs = multiprocessing.Pipe()
        worker = multiprocessing.get_context("fork").Process(
            target=_read_bare, args=(samples, numbers[part::processes], distinct, theirs)
        )
        worker.start()
        pipes.append(ours)
        workers.append(worker)
    for pipe in pipes:
        pipe.recv()
    start = time.perf_counter()
    for pipe in pipes:
        pipe.send(None)
    for pipe in pipes:
        pipe.recv()
    seconds = time.perf_counter() - start
    for worker in workers:
        worker.join()
    return seconds


class Watch:
    """Hears of progress, and weighs this process and its family every EVERY articles: articles done, megabytes.

    Each weighing costs a quarter of a second, most of it the kernel's.
    """

    def __init__(self) -> None:
        self.weights: list[tuple[int, float]] = []
        self.seconds: dict[int, float] = {}
        """CPU seconds by process."""
        self._before: dict[int, float] = {}
        self._done = 0

    def begin(self, stage: str, total: int) -> None:
        pass

    def advance(self, stage: str, done: int) -> None:
        if stage == "articles":
            before, self._done = self._done, self._done + done
            if before // EVERY < self._done // EVERY:
                self.weigh()

    def start(self) -> None:
        """Count CPU time from now on."""
        self._before = {pid: _cpu_seconds(pid) for pid in _family()}

    def weigh(self) -> None:
        """Weigh now."""
        family = _family()
        self.weights.append((self._done, sum(map(_megabytes, family))))
        self.seconds |= {pid: _cpu_seconds(pid) - self._before.get(pid, 0.0) for pid in family}


def _family() -> set[int]:
    """This process and all its descendants."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    family = {os.getpid()}
    while new := {child for child, parent in parents.items() if parent in family} - family:
        family |= new
    return family


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _megabytes(pid: int) -> float:
    """The share of memory that counts for one process: what several use is divided among them."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in rollup.splitlines() if line.startswith("Pss:")), 0.0)


def pipeline_seconds(hosts: Sequence[str], folder: Path, watch: Watch) -> tuple[float, dict[str, int]]:
    """Run the pipeline once; return the seconds from the first poll to the published snapshot, and the outcomes."""
    settings = Settings(
        data_dir=folder,
        fetch=FetchSettings(host_gap=0, allow_hosts=tuple(hosts)),
        poll=PollSettings(min_interval=0, max_interval=0),
    )
    sources = [Source(f"host-{n}", f"Host {n}", f"http://{host}/feed/{n}") for n, host in enumerate(hosts)]
    with open_house(settings) as house:
        # As trafilatura's processes, ours are warm before the clock starts: libraries imported, the model open.
        house.extractor.extract([PROBE] * 20 * house.settings.workers.processes)
        watch.start()
        start = time.perf_counter()
        report = ingest(house, sources, progress=watch)
        seconds = time.perf_counter() - start
        watch.weigh()  # once more, with the snapshot published
    return seconds, {outcome.value: count for outcome, count in report.summary.outcomes.items()}


def main() -> None:
    """Print one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--pages", type=int, default=3000)
    parser.add_argument("--copies", choices=("distinct", "exact"), default="distinct")
    options = parser.parse_args()
    if not options.archive.is_file():
        sys.exit(f"{options.archive}: not there; the corpora are not part of this project")
    samples = load(options.archive)
    distinct = options.copies == "distinct"
    processes = len(os.sched_getaffinity(0))
    half = options.pages // 2
    before = bare_seconds(samples, range(half), processes, distinct=distinct)
    watch = Watch()
    with serving(samples, options.pages, distinct=distinct) as hosts, tempfile.TemporaryDirectory() as folder:
        seconds, outcomes = pipeline_seconds(hosts, Path(folder), watch)
    after = bare_seconds(samples, range(half, options.pages), processes, distinct=distinct)
    bare, ours = options.pages / (before + after), options.pages / seconds
    print(f"pages {options.pages}, {options.copies} copies, {processes} cores")
    print(f"bare trafilatura   {bare:6.1f} pages/s ({before:.1f} s and {after:.1f} s for half of them each)")
    print(f"the whole pipeline {ours:6.1f} pages/s ({seconds:.1f} s), {ours / bare:.0%} of bare")
    parent = watch.seconds.pop(os.getpid(), 0.0) * 1000 / options.pages
    rest = sum(watch.seconds.values()) * 1000 / options.pages
    print(f"CPU time a page    {parent:.1f} ms in this process, {rest:.1f} ms in workers and the pages' server")
    print("outcomes           " + ", ".join(f"{count} {name}" for name, count in sorted(outcomes.items())))
    print("memory of all      " + ", ".join(f"{weight:.0f} MB after {done}" for done, weight in watch.weights))
    print(f"peak of the parent {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()

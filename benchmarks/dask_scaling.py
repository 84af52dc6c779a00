"""Text and extraction, the heavy stage of a run, on a Dask cluster of one worker and of two, on the same cores.

    python -m benchmarks.dask_scaling [--pages 200] [--rounds 3] [--pool]

The work is that of a run over the bundled sample, whose pages are taken again and again until there are `--pages`,
handed on in batches as a run does: each page is read as an article and held against the gate, what passes is read for
events by the bundled model. Each Dask worker has one thread, hence one caged process. Both clusters take their turns in
each round, so that a machine that is busy with other things is so for both; with `--pool` the worker processes of a run
without Dask do, too. Everything is warm before the clock starts.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path

from clampdown.proofs.dask_cluster import cluster
from clampdown.sample_content import load
from clampdown.sample_pages import render
from clampdown.sample_site import samples_folder
from extractors.extractor import load_extractor
from flows.dask_workers import DaskWorkers
from flows.jobs import NURSERY, PageJob, PooledExtractor, Reading, read_page
from pipeline.batching import batches
from pipeline.protocols import Workers
from pipeline.settings import Settings, WorkerSettings
from pipeline.types import Document, Entry, Response
from pipeline.workers import WorkerPool

WARMING = 20
"""Pages that each reads before the clock starts."""


def pages() -> Iterator[PageJob]:
    """Yield the pages of the sample's articles, each with its entry."""
    sample = load(samples_folder())
    rendered = render(sample, {outlet.id: f"https://{outlet.id}.example" for outlet in sample.outlets})
    for article in sample.articles:
        page = rendered[article.outlet].get(article.path)
        if page is not None and page.status == 200 and page.content_type.startswith("text/html"):
            url = f"https://{article.outlet}.example{article.path}"
            headers = (("content-type", page.content_type),)
            response = Response(url, url, 200, headers, page.body, datetime.now(UTC))
            yield PageJob(Entry(article.outlet, url, url, url, article.title), response, for_encoder=True)


def seconds_of(workers: Workers, jobs: list[PageJob], settings: Settings, revision: str) -> tuple[float, int]:
    """Do the work batch by batch. Returns the seconds, and how many mentions were found."""
    extractor = PooledExtractor(workers, revision, settings)
    start, found = time.perf_counter(), 0
    for batch in batches(jobs, settings.run.batch_size):
        readings = workers.map(read_page, batch, seconds=settings.workers.page_seconds)
        texts = [one.article for one in readings if isinstance(one, Reading) and one.passes]
        for mentions in extractor.extract([Document(text.id, text.text) for text in texts]):
            assert isinstance(mentions, list), f"{mentions}"
            found += len(mentions)
    return time.perf_counter() - start, found


def measure(number: int, rounds: int, *, pool: bool) -> Mapping[str, list[float]]:
    """Let all take their turns with so many pages. Returns the seconds of each round by who worked."""
    settings = Settings()
    revision = load_extractor(settings.extract).revision
    jobs = list(islice(cycle(pages()), number))
    taken: dict[str, list[float]] = {}
    counts: set[int] = set()
    with tempfile.TemporaryDirectory(prefix="clampdown-scaling-") as folder, ExitStack() as stack:
        turns: dict[str, Workers] = {}
        for size in (1, 2):
            started = stack.enter_context(cluster(Path(folder) / str(size), size))
            over_there = stack.enter_context(DaskWorkers(WorkerSettings(runner="dask", dask_address=started.address)))
            while len(over_there.threads()) < size:
                time.sleep(0.1)
            turns[f"Dask, workers: {size}"] = over_there
            if pool:
                processes = WorkerPool(WorkerSettings(processes=size), preload=NURSERY)
                turns[f"pool, processes: {size}"] = stack.enter_context(processes)
        for name, workers in turns.items():
            seconds_of(workers, jobs[:WARMING], settings, revision)
            taken[name] = []
        for _ in range(rounds):
            for name, workers in turns.items():
                seconds, found = seconds_of(workers, jobs, settings, revision)
                taken[name].append(seconds)
                counts.add(found)
    assert len(counts) == 1, "all find the same"
    return taken


def main() -> None:
    """Print a line for each who worked, and how much faster two are than one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pool", action="store_true")
    options = parser.parse_args()
    taken = measure(options.pages, options.rounds, pool=options.pool)
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[1]
    print(f"{options.pages} pages, {options.rounds} rounds, {cores} cores with a load of {load:.1f}; median and range")
    for name, seconds in taken.items():
        median = statistics.median(seconds)
        print(
            f"{name:<20} {median:6.2f} s ({min(seconds):.2f}–{max(seconds):.2f}), {options.pages / median:5.1f} pages/s"
        )
    for kind in ("Dask, workers", *(("pool, processes",) if options.pool else ())):
        one, two = taken[f"{kind}: 1"], taken[f"{kind}: 2"]
        ratio = statistics.median(a / b for a, b in zip(one, two, strict=True))
        print(f"{kind}: two are {ratio:.2f} × one (median of rounds), {min(one) / min(two):.2f} × (best of each)")


if __name__ == "__main__":
    main()

"""How well, how fast and how safely is article text read from pages?

Text, titles and days of the 181 pages of scrapinghub's article-extraction-benchmark. Precision, recall and F1 are those
of its own `evaluate.py`: multisets of four-word shingles per page, averaged over pages. Titles and days are held to
what a reader of each page sees (`benchmarks/truth/article_pages.json`).
"""

import statistics
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from benchmarks.article_pages import Sample, load, score
from benchmarks.page_facts import Found, Page, truth_of_pages
from benchmarks.page_facts import measure as facts_of
from benchmarks.versus.record import Column, Figure, Missing, Row, Section, Table, corpus, exact, figure
from benchmarks.versus.worker import BENCH, OWN, Failed, Hung, NotInstalled, Worker
from clampdown.proofs.hostile_pages import heavy_pages, slow_pages

PEERS: Final = "benchmarks.versus.peers.text"
SELDOM: Final = 4
"""One page in so many is read again in each round, for the time."""
HOSTILE: Final = (
    "a table of cells that span a thousand columns and rows",
    "bold words and plain ones in turn",
    "hidden elements and what follows them",
    "elements within elements",
)
ALIKE: Final = ("trafilatura, default", "trafilatura, precision")
"""What meets hostile pages as others of the same library do."""
CPU_SECONDS: Final = 6
MEMORY_MB: Final = 2_000
WARM: Final = b"<html><head><title>T</title></head><body><article><p>Some words of text.</p></article></body></html>"

Text = tuple[str, str | None, str | None]


@dataclass(frozen=True, slots=True)
class Reader:
    """Someone who reads pages: the function that does it, and what it can't do."""

    subject: str
    function: str
    python: Path = BENCH
    note: str = ""
    dates: bool = True
    titles: bool = True


READERS: Final = (
    Reader("clampdown", "benchmarks.versus.own:article_text", OWN),
    Reader("trafilatura, fast", f"{PEERS}:trafilatura_fast", dates=False, titles=False),
    Reader("trafilatura, default", f"{PEERS}:trafilatura_default", dates=False, titles=False),
    Reader("trafilatura, precision", f"{PEERS}:trafilatura_precision", dates=False, titles=False),
    Reader("trafilatura, precision, metadata", f"{PEERS}:trafilatura_metadata"),
    Reader("newspaper4k", f"{PEERS}:newspaper4k"),
    Reader("news-please", f"{PEERS}:news_please", note="runs newspaper4k, readability and readers of its own"),
    Reader("readability-lxml", f"{PEERS}:readability_lxml", dates=False),
    Reader("justext", f"{PEERS}:justext", dates=False, titles=False),
    Reader("goose3", f"{PEERS}:goose3"),
    Reader("resiliparse", f"{PEERS}:resiliparse", dates=False, note="its title is the page's <title>"),
    Reader("boilerpy3", f"{PEERS}:boilerpy3", dates=False, note="its title is the page's <title>"),
)
DISTRIBUTIONS: Final = (
    "trafilatura", "newspaper4k", "news-please", "readability-lxml", "justext", "goose3", "resiliparse", "boilerpy3",
    "lxml",
)  # fmt: skip
QUALITY: Final = (
    Column("F1", better="higher"),
    Column("precision", better="higher"),
    Column("recall", better="higher"),
    Column("titles right", "%", "higher", 1),
    Column("days right", "%", "higher", 1),
    Column("CPU", "ms a page", "lower", 1),
    Column("memory", "MB", "lower", 0),
    Column("failed", "pages", "lower", 0),
)
SAFETY: Final = (
    Column("read", "pages", "higher", 0),
    Column("over time", "pages", "lower", 0),
    Column("failed", "pages", "lower", 0),
    Column("slowest read", "s", "lower", 1),
)


def measure(rounds: int) -> Section:
    """Measure all readers that are installed."""
    samples = load(corpus("article_extraction_benchmark.tar.gz"))[:: 1 if rounds else 30]
    hostile = {name: page for name, page in (slow_pages() | heavy_pages()).items() if name in HOSTILE[: rounds * 99]}
    missing: list[Missing] = []
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for reader in READERS:
            try:
                worker = stack.enter_context(Worker(reader.python))
                worker.call(reader.function, WARM, "https://example.org/a")
                workers[reader.subject] = worker
            except NotInstalled as error:
                missing.append(Missing(reader.subject, str(error)))
        readers = [reader for reader in READERS if reader.subject in workers]
        quality = _quality(readers, workers, samples, max(rounds, 1))
        versions = next((workers[reader.subject].versions(*DISTRIBUTIONS) for reader in readers[1:]), {})
    tables = [Table("Pages of news, read once for the quality and again for the time", QUALITY, tuple(quality))]
    if hostile:
        rows = [_survives(reader, hostile) for reader in readers if reader.subject not in ALIKE]
        tables.append(
            Table(f"{len(hostile)} pages of a megabyte made to cost more than their size", SAFETY, tuple(rows))
        )
    return Section(
        title="Text of articles",
        data=f"{len(samples)} news pages of scrapinghub's article-extraction-benchmark, with the text, title and day "
        f"that a reader sees on them. Time is taken on one page in {SELDOM}, in turns; memory is the peak of a process "
        "that reads all pages. Figures of our own are those of `read_article`, which finds title, authors, dates, "
        "language, canonical link and hidden text on the way; its rules for titles and days were chosen on about half "
        "of the pages.",
        tables=tuple(tables),
        versions=versions,
        missing=tuple(missing),
        remarks=(
            f"Hostile pages are read in a process with {MEMORY_MB:,} MB of address space and {CPU_SECONDS} s of CPU "
            "time for each. Clampdown always runs its reader in such workers, so a page over time is put aside with a "
            "reason; with the other readers that is up to the caller.",
        ),
    )


def _quality(
    readers: Sequence[Reader], workers: dict[str, Worker], samples: Sequence[Sample], rounds: int
) -> list[Row]:
    found: dict[str, dict[str, Text]] = {reader.subject: {} for reader in readers}
    failed = dict.fromkeys(found, 0)
    peaks = dict.fromkeys(found, 0.0)
    for sample in samples:
        for reader in readers:
            try:
                answer = workers[reader.subject].call(reader.function, sample.page, sample.url)
                found[reader.subject][sample.key] = answer.value
                peaks[reader.subject] = answer.peak_mb
            except (Failed, Hung, NotInstalled):
                failed[reader.subject] += 1
                found[reader.subject][sample.key] = ("", None, None)
    times = _times(readers, workers, samples[::SELDOM], rounds)
    return [
        Row(
            reader.subject,
            {
                **_text_figures(samples, found[reader.subject]),
                **_fact_figures(reader, samples, found[reader.subject]),
                "CPU": times[reader.subject],
                "memory": exact(peaks[reader.subject]),
                "failed": exact(failed[reader.subject]),
            },
            reader.note,
        )
        for reader in readers
    ]


def _times(
    readers: Sequence[Reader], workers: dict[str, Worker], samples: Sequence[Sample], rounds: int
) -> dict[str, Figure]:
    """Milliseconds of CPU time a page, the mean over the pages in each round. Readers take turns on each page."""
    taken: dict[str, list[float]] = {reader.subject: [] for reader in readers}
    for _ in range(rounds):
        seconds: dict[str, list[float]] = {reader.subject: [] for reader in readers}
        for sample in samples:
            for reader in readers:
                try:
                    answer = workers[reader.subject].call(reader.function, sample.page, sample.url)
                except (Failed, Hung, NotInstalled):
                    continue
                seconds[reader.subject].append(answer.cpu)
        for subject, some in seconds.items():
            taken[subject].append(1000 * statistics.fmean(some))
    return {subject: figure(values) for subject, values in taken.items()}


def _text_figures(samples: Sequence[Sample], found: dict[str, Text]) -> dict[str, Figure]:
    scores = [score(sample.text, found[sample.key][0]) for sample in samples]
    precision = statistics.fmean(value for value, _ in scores)
    recall = statistics.fmean(value for _, value in scores)
    f1 = 2 * precision * recall / (precision + recall)
    return {"F1": exact(f1), "precision": exact(precision), "recall": exact(recall)}


def _fact_figures(reader: Reader, samples: Sequence[Sample], found: dict[str, Text]) -> dict[str, Figure]:
    pages = [Page(sample.key, sample.url, sample.page) for sample in samples]
    answers = {
        key: Found(title=title, published=date.fromisoformat(day) if day else None)
        for key, (_, title, day) in found.items()
    }
    scores = facts_of(pages, answers, truth_of_pages())
    figures = {"titles right": exact(100 * scores["title"].share)} if reader.titles else {}
    return figures | ({"days right": exact(100 * scores["published"].share)} if reader.dates else {})


def _survives(reader: Reader, pages: dict[str, bytes]) -> Row:
    """How a reader fares with pages made to be slow; two at a time, since CPU time is what counts."""

    def end(page: bytes) -> tuple[str, float]:
        with Worker(reader.python, memory_mb=MEMORY_MB, cpu_seconds=CPU_SECONDS) as worker:
            try:
                worker.call(reader.function, WARM, "https://example.org/a")
                answer = worker.call(reader.function, page, "https://example.org/a")
            except Hung:
                return "over time", 0.0
            except Failed:
                return "failed", 0.0
        return ("read" if answer.cpu <= CPU_SECONDS else "over time"), answer.cpu

    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(end, pages.values()))
    figures = {kind: exact(sum(ending == kind for ending, _ in ends)) for kind in ("read", "over time", "failed")}
    slowest = [seconds for ending, seconds in ends if ending == "read"]
    return Row(reader.subject, figures | ({"slowest read": exact(max(slowest))} if slowest else {}))

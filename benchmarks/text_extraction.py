"""How well and how fast article text is read from pages, beside trafilatura alone.

    python benchmarks/text_extraction.py ARTICLE_EXTRACTION_BENCHMARK.tar.gz --rounds 3

Reads the pages and texts of scrapinghub's article-extraction-benchmark (181 news pages). Precision, recall and F1 are
those of its own `evaluate.py`: multisets of four-word shingles per page, averaged over pages.

Time is the CPU's, of one core. The readers take turns on each page, so that what else the machine does hits them alike;
of the rounds the median per page counts. `x` is the share of plain trafilatura's time. Plain trafilatura gives the text
alone; clampdown's time has the title, dates, authors, language, canonical link and labels of the article in it.
"""

import argparse
import gzip
import json
import re
import resource
import statistics
import tarfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import trafilatura

from pipeline.errors import ParseError
from pipeline.text import read_article
from pipeline.types import Entry, Response
from pipeline.urls import canonical_url

SHINGLE = 4


@dataclass(frozen=True, slots=True)
class Sample:
    """One page and the text that its readers see as the article."""

    key: str
    url: str
    page: bytes
    text: str


def load(path: Path) -> list[Sample]:
    """Return the benchmark's pages, in the order of their names."""
    texts, pages = {}, {}
    with tarfile.open(path) as archive:
        for member in archive:
            handle = archive.extractfile(member)
            if handle is None:
                continue
            name = Path(member.name).name
            if name == "ground-truth.json":
                texts = json.load(handle)
            elif name.endswith(".html.gz"):
                pages[name.removesuffix(".html.gz")] = gzip.decompress(handle.read())
    return [
        Sample(key, texts[key]["url"], pages[key], texts[key]["articleBody"]) for key in sorted(texts) if key in pages
    ]


def shingles(text: str) -> Counter[tuple[str, ...]]:
    words = re.findall(r"\w+", text)
    if len(words) < SHINGLE:
        return Counter([tuple(words)] if words else [])
    return Counter(tuple(words[start : start + SHINGLE]) for start in range(len(words) - SHINGLE + 1))


def score(expected: str, found: str) -> tuple[float, float]:
    """Return precision and recall of one page; 1.0 where there is nothing to be wrong about."""
    want, have = shingles(expected), shingles(found)
    right = sum((want & have).values())
    return (right / sum(have.values()) if have else 1.0), (right / sum(want.values()) if want else 1.0)


def trafilatura_alone(sample: Sample) -> str:
    document = trafilatura.bare_extraction(
        sample.page, favor_precision=True, include_comments=False, include_tables=True
    )
    return (document.text or "") if document else ""


def trafilatura_with_metadata(sample: Sample) -> str:
    document = trafilatura.bare_extraction(
        sample.page, url=sample.url, favor_precision=True, include_comments=False, with_metadata=True
    )
    return (document.text or "") if document else ""


def ours(sample: Sample) -> str:
    url = sample.url
    entry = Entry("benchmark", url, url, canonical_url(url) or url, "")
    headers = (("content-type", "text/html"),)
    try:
        return read_article(entry, Response(url, url, 200, headers, sample.page, datetime.now(UTC))).body
    except ParseError:
        return ""


def measure(
    readers: dict[str, Callable[[Sample], str]], samples: list[Sample], rounds: int
) -> tuple[dict[str, list[str]], dict[str, float]]:
    """Return each reader's texts, and its CPU seconds for all pages (per page the median of the rounds)."""
    # The first pass loads word lists and models that are read once per process.
    texts = {name: [read(sample) for sample in samples] for name, read in readers.items()}
    seconds = dict.fromkeys(readers, 0.0)
    for sample in samples:
        taken: dict[str, list[float]] = {name: [] for name in readers}
        for _ in range(rounds):
            for name, read in readers.items():
                start = time.process_time()
                read(sample)
                taken[name].append(time.process_time() - start)
        for name, times in taken.items():
            seconds[name] += statistics.median(times)
    return texts, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive", type=Path)
    parser.add_argument("--rounds", type=int, default=1, help="how often each page is read for the time (default 1)")
    options = parser.parse_args()
    samples = load(options.archive)
    readers: dict[str, Callable[[Sample], str]] = {
        "trafilatura": trafilatura_alone,
        "trafilatura with metadata": trafilatura_with_metadata,
        "clampdown": ours,
    }
    texts, seconds = measure(readers, samples, max(options.rounds, 1))
    print(f"{'reader':<28}{'precision':>10}{'recall':>10}{'F1':>10}{'ms/page':>10}{'pages/s':>10}{'x':>8}")
    for name, found in texts.items():
        scores = [score(sample.text, text) for sample, text in zip(samples, found, strict=True)]
        precision = sum(value for value, _ in scores) / len(scores)
        recall = sum(value for _, value in scores) / len(scores)
        f1 = 2 * precision * recall / (precision + recall)
        figures = f"{precision:>10.4f}{recall:>10.4f}{f1:>10.4f}{1000 * seconds[name] / len(samples):>10.2f}"
        ratio = seconds[name] / seconds["trafilatura"]
        print(f"{name:<28}{figures}{len(samples) / seconds[name]:>10.1f}{ratio:>8.2f}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()

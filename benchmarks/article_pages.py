"""The pages of scrapinghub's article-extraction-benchmark (181 news pages), and how a reader's text of one is scored.

Precision and recall are those of its own `evaluate.py`: multisets of four-word shingles per page. What readers reach is
measured by `python -m benchmarks.versus text`.
"""

import gzip
import json
import re
import tarfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

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

"""A document as the normaliser reads it: its text with every hit of the gazetteer, tagged once for all its mentions."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from extractors.gazetteer import Hit, tag
from pipeline.types import Document, Quote

_SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)]*\s+(?=[\"'“‘(]*[A-Z0-9])|\n+")


@dataclass(frozen=True, slots=True)
class Reading:
    """A text, its hits by kind, where its sentences begin, and the day it was published (None if unknown)."""

    text: str
    published: date | None
    hits: Mapping[str, Sequence[Hit]]
    sentences: Sequence[int]

    def of(self, *kinds: str) -> list[Hit]:
        """Return the hits of `kinds`, in the order of the text."""
        found = [hit for kind in kinds for hit in self.hits.get(kind, ())]
        return sorted(found, key=lambda hit: (hit.start, hit.end)) if len(kinds) > 1 else found

    def within(self, quote: Quote, *kinds: str) -> list[Hit]:
        """Return the hits of `kinds` that lie inside `quote`."""
        return [hit for hit in self.of(*kinds) if quote.start <= hit.start and hit.end <= quote.end]

    def whole(self, quote: Quote, *kinds: str) -> Quote:
        """Return the words of the longest hit of `kinds` of which `quote` is a part, or `quote` itself."""
        covering = [hit for hit in self.of(*kinds) if hit.start <= quote.start and quote.end <= hit.end]
        hit = max(covering, key=lambda hit: hit.end - hit.start, default=None)
        if hit is None or hit.end - hit.start <= quote.end - quote.start:
            return quote
        return Quote(self.text[hit.start : hit.end], hit.start, hit.end)

    def words(self, hit: Hit) -> str:
        """Return a hit as it is written."""
        return self.text[hit.start : hit.end]

    def sentence(self, position: int) -> tuple[int, int]:
        """Return the bounds of the sentence that holds `position`."""
        place = bisect_right(self.sentences, position)
        end = self.sentences[place] if place < len(self.sentences) else len(self.text)
        return self.sentences[place - 1], end


def read(document: Document) -> Reading:
    """Tag a document's text. The last few readings are kept, since a document's mentions come one after another."""
    return _read(document.text, document.published)


def gap(start: int, end: int, hit: Hit) -> int:
    """Return how many characters part [start, end) from `hit`; 0 where they touch or overlap."""
    return max(hit.start - end, start - hit.end, 0)


def nearest(hits: Iterable[Hit], quote: Quote) -> Hit | None:
    """Return the hit nearest to `quote`, the earlier of two that are equally near."""
    return min(hits, key=lambda hit: (gap(quote.start, quote.end, hit), hit.start), default=None)


@lru_cache(maxsize=32)
def _read(text: str, published: date | None) -> Reading:
    starts = (0, *(match.end() for match in _SENTENCE_END.finditer(text)))
    hits: dict[str, list[Hit]] = {}
    for hit in tag(text):
        hits.setdefault(hit.kind, []).append(hit)
    return Reading(text=text, published=published, hits=hits, sentences=starts)

"""Are the words that a model quotes in the text? If so, where exactly.

First as they stand, then ignoring case, white space, punctuation and look-alike characters, but always whole words.
What is returned is the text's own slice, never the model's spelling.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate

from extractors.folding import fold, key
from pipeline.types import Quote

Bounds = tuple[int, int]

_LEADING = re.compile(r"(?:[\s,.;:!?)\]}'’\"”“‘–—|-]|(?:the|an?)\s)+", re.IGNORECASE)
_TRAILING = re.compile(r"[\s,.;:!?(\[{'’\"”“‘–—|-]+$")
_WORD = re.compile(r"\S+")
_SAYS_NOTHING = frozenset(("", "the", "a", "an"))


class QuotedText:
    """Stretches of a text in which quotes are looked for; folded once, when the first quote is not found as it is."""

    def __init__(self, text: str, stretches: Sequence[Bounds]) -> None:
        self._text = text
        self._stretches = stretches

    def find(self, words: str, near: Bounds) -> Quote | None:
        """Return the occurrence of `words`, leading articles and outer punctuation aside, nearest to `near`."""
        return min(self.find_all(words), key=lambda quote: (_gap(quote, near), quote.start), default=None)

    def find_all(self, words: str) -> list[Quote]:
        """Return all occurrences, exact ones if there are any, else tolerant ones."""
        trimmed = words[slice(*_trim(words, 0, len(words)))]
        if key(trimmed) in _SAYS_NOTHING:
            return []
        found = [self._quote(*bounds) for bounds in self._exact(trimmed)]
        return found or [self._quote(*_trim(self._text, *bounds)) for bounds in self._tolerant(key(trimmed))]

    def _quote(self, start: int, end: int) -> Quote:
        return Quote(self._text[start:end], start, end)

    def _exact(self, words: str) -> Iterator[Bounds]:
        for first, last in self._stretches:
            start = self._text.find(words, first, last)
            while start >= 0:
                if self._is_whole(start, start + len(words)):
                    yield start, start + len(words)
                start = self._text.find(words, start + 1, last)

    def _is_whole(self, start: int, end: int) -> bool:
        """Whether no word is cut at either end."""
        text = self._text
        return not (
            (start > 0 and text[start - 1].isalnum() and text[start].isalnum())
            or (end < len(text) and text[end - 1].isalnum() and text[end].isalnum())
        )

    def _tolerant(self, wanted: str) -> Iterator[Bounds]:
        padded = f" {wanted} "
        for haystack, edges, spans in self._folded:
            place = haystack.find(padded)
            while place >= 0:
                first = bisect_left(edges, place)
                yield spans[first][0], spans[first + wanted.count(" ")][1]
                place = haystack.find(padded, place + 1)

    @cached_property
    def _folded(self) -> list[tuple[str, list[int], list[Bounds]]]:
        """Each stretch as " word word ", where each word's leading blank is in it, and the words' bounds."""
        laid_out = []
        for first, last in self._stretches:
            folded = fold(self._text[first:last])
            words, spans = [], []
            for match in _WORD.finditer(folded.text):
                start, end = folded.span(*match.span())
                words.append(match[0])
                spans.append((first + start, first + end))
            edges = list(accumulate((len(word) + 1 for word in words), initial=0))
            laid_out.append((f" {' '.join(words)} ", edges, spans))
        return laid_out


def _trim(text: str, start: int, end: int) -> Bounds:
    """Leave out leading articles and the punctuation around, unless nothing would be left."""
    piece = text[start:end]
    head = match.end() if (match := _LEADING.match(piece)) else 0
    tail = match.start() if (match := _TRAILING.search(piece)) else len(piece)
    return (start + head, start + tail) if head < tail else (start, end)


def _gap(quote: Quote, near: Bounds) -> int:
    return max(quote.start - near[1], near[0] - quote.end, 0)

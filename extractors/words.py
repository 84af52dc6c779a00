"""Words and windows: how a text of any length is cut for the encoder without losing a character or an offset.

A word is a run of letters and digits or one other visible character; words and white space together are the text.
A window is what the encoder reads at once: the headline, then a stretch of the text. Neighbouring windows overlap, and
each word is *owned* by exactly one window, the one that shows most of its surroundings; a trigger is reported only by
the window that owns it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_WORD = re.compile(r"\w{1,32}|[^\w\s]")  # the cap keeps an endless "word" from filling a window
HEADLINE_WORDS = 40
MAX_PIECES = 320  # per window, the two special pieces included; the trained length
_MIN_BODY = 96


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one text: `starts[i]:ends[i]` are its slices; the first `headline` words are its headline."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    headline: int

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: int) -> str:
        return self.text[self.starts[index] : self.ends[index]]

    def slice(self, first: int, last: int) -> str:
        """Return the text from word `first` up to, not including, word `last`."""
        return self.text[self.starts[first] : self.ends[last - 1]]


@dataclass(frozen=True, slots=True)
class Window:
    """Word numbers in reading order, and the half-open range of words that this window owns."""

    words: tuple[int, ...]
    own_start: int
    own_end: int


def split(text: str) -> Words:
    """Cut `text` into words. Its headline is its first line, if more follows and the line is not a paragraph."""
    spans = [match.span() for match in _WORD.finditer(text)]
    first_line = text.find("\n")
    headline = sum(1 for start, _ in spans[: HEADLINE_WORDS + 1] if start < first_line)
    if headline > HEADLINE_WORDS or headline == len(spans):
        headline = 0
    return Words(text, tuple(start for start, _ in spans), tuple(end for _, end in spans), headline)


def windows(lengths: Sequence[int], headline: int, max_pieces: int = MAX_PIECES) -> list[Window]:
    """Cut words with `lengths` pieces each into overlapping windows of at most `max_pieces` pieces.

    The first `headline` words head every window. Together the windows own every word exactly once.
    """
    total = len(lengths)
    if not total:
        return []
    budget = max_pieces - 2
    if sum(lengths) <= budget:
        return [Window(tuple(range(total)), 0, total)]
    if budget - sum(lengths[:headline]) < _MIN_BODY:
        headline = 0
    head = tuple(range(headline))
    budget -= sum(lengths[:headline])
    found: list[Window] = []
    start, owned = headline, 0
    while True:
        end, used = start, 0
        while end < total and (used + lengths[end] <= budget or end == start):
            used += lengths[end]
            end += 1
        if end == total:
            found.append(Window((*head, *range(start, end)), owned, total))
            return found
        back, overlap = end, 0
        while back > start + 1 and overlap < budget // 3:
            back -= 1
            overlap += lengths[back]
        boundary = (back + end) // 2
        found.append(Window((*head, *range(start, end)), owned, boundary))
        start, owned = back, boundary

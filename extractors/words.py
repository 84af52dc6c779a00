"""Words and windows: how a text of any length is cut for the encoder without losing a character or an offset.

A word is a run of letters and digits or one other visible character; words and white space together are the text.
A window is what the encoder reads at once: the headline, then a stretch of the text. Neighbouring windows overlap, and
each word is *owned* by exactly one window, the one that shows most of its surroundings; a trigger is reported only by
the window that owns it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from extractors.folding import plain_letters

# What is not seen does not part a word: soft hyphens, zero-width characters, marks that combine with a letter.
_UNSEEN = "\u00ad\u0300-\u036f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff"
# The cap keeps an endless "word" from filling a window.
_WORD = re.compile(rf"(?:\w[{_UNSEEN}]*){{1,32}}|[^\w\s{_UNSEEN}]")
HEADLINE_WORDS = 40
_LONGEST_HEADLINE = 2000  # characters
MAX_PIECES = 320  # per window, the two special pieces included; the trained length
_MIN_BODY = 96
LONG = 60_000
"""Characters beyond which a text is looked through section by section."""
SHORT = 1_400
"""Characters up to which a text is read as a whole; it fills about one window."""
_SECTION = 900  # with its surroundings and the headline a section fills one window
_MARGIN = 150
_CONTEXT = 330  # characters to either side of a place that are read with it: fields stand a sentence or two away
_OWNED = 80  # of these, the ones in which triggers count that nobody pointed at
_ENDS = re.compile(r"\n|(?<=[.!?])\s")


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one text: `starts[i]:ends[i]` are its slices; the first `headline` words are its headline.

    `words[i]` is a word as a reader sees it, `words.slice` the text as it is.
    """

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    headline: int
    seam: int = 0
    """The number of the word that does not follow its predecessor in the text: the first of a section; 0 if none."""

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: int) -> str:
        word = self.text[self.starts[index] : self.ends[index]]
        return word if word.isascii() else seen(word)

    def slice(self, first: int, last: int) -> str:
        """Return the text from word `first` up to, not including, word `last`."""
        return self.text[self.starts[first] : self.ends[last - 1]]


@dataclass(frozen=True, slots=True)
class Window:
    """Word numbers in reading order, and the half-open range of words that this window owns."""

    words: tuple[int, ...]
    own_start: int
    own_end: int


@lru_cache(maxsize=16384)
def seen(word: str) -> str:
    """Return a word as a reader sees it, in composed letters; stray look-alikes of Latin letters become these."""
    return plain_letters(word) if word[0].isalnum() or word[0] == "_" else word


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch [start, end) of a long text, of which it owns [own_start, own_end); the rest is its surroundings."""

    start: int
    end: int
    own_start: int
    own_end: int


def sections(text: str) -> Iterator[Section]:
    """Yield the sections of a text, which together own every character once; a text that is not LONG is one."""
    if len(text) <= LONG:
        yield Section(0, len(text), 0, len(text))
        return
    start = 0
    while start < len(text):
        end = min(start + _SECTION, len(text))
        if end < len(text):
            half = start + _SECTION // 2
            breaks = [match.end() for match in _ENDS.finditer(text, half, end)]
            end = breaks[-1] if breaks else _blank(text, end, half)
        before, after = max(0, start - _MARGIN), min(len(text), end + _MARGIN)
        yield Section(_blank(text, before, max(0, before - 40)), _blank(text, after, end), start, end)
        start = end


def excerpts(text: str, places: Iterable[tuple[int, int]]) -> Iterator[Section]:
    """Yield sections that together own `places` of a text, stretches in order, with what stands around them.

    Neighbours are read together where one section holds them. A text of at most `SHORT` characters is one section.
    """
    if len(text) <= SHORT:
        yield from (Section(0, len(text), 0, len(text)) for _ in islice(places, 1))
        return
    joined: list[tuple[int, int]] = []
    for start, end in places:
        if joined and end - joined[-1][0] <= _SECTION // 2:
            joined[-1] = joined[-1][0], end
        else:
            joined.append((start, end))
    owned = 0
    for number, (start, end) in enumerate(joined):
        following = joined[number + 1][0] if number + 1 < len(joined) else len(text)
        own_end = max(end, min(end + _OWNED, (end + following) // 2))
        yield Section(
            _sentence(text, max(0, start - _CONTEXT), start),
            _sentence(text, min(len(text), end + _CONTEXT), len(text)),
            max(owned, start - _OWNED),
            own_end,
        )
        owned = own_end


def _sentence(text: str, at: int, before: int) -> int:
    """Return where the first sentence that begins at `at` or after does, or `at` where none does within a margin."""
    if at in (0, len(text)):
        return at
    begin = _ENDS.search(text, at, min(before, at + _MARGIN))
    return at if begin is None else begin.end()


def _blank(text: str, at: int, least: int) -> int:
    """Return the last place from `least` to `at` that follows white space, or `at` if there is none."""
    if at in (0, len(text)):
        return at
    return next((place for place in range(at, least, -1) if text[place - 1].isspace()), at)


def split(text: str, section: Section | None = None) -> Words:
    """Cut `text`, or a section of it, into words.

    The headline is the text's first line, if more follows and the line is not a paragraph; it heads each section.
    """
    first_line = text.find("\n", 0, _LONGEST_HEADLINE)
    head = [match.span() for match in islice(_WORD.finditer(text, 0, max(first_line, 0)), HEADLINE_WORDS + 1)]
    headline = 0 if len(head) > HEADLINE_WORDS or not text[max(first_line, 0) :].strip() else len(head)
    if section is None or section.start <= max(first_line, 0):
        spans = [match.span() for match in _WORD.finditer(text, 0, len(text) if section is None else section.end)]
        headline, seam = 0 if headline == len(spans) else headline, 0
    else:
        spans = [*head[:headline], *(match.span() for match in _WORD.finditer(text, section.start, section.end))]
        seam = headline
    return Words(text, tuple(start for start, _ in spans), tuple(end for _, end in spans), headline, seam)


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

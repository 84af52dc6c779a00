"""An article's text with the words marked that state an event; what lies far from them is folded.

Spans may overlap and may reach over the end of a paragraph. Nothing is left out: put together again, the pieces are the
text, but for its line breaks.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from reports.inert import visible

SHORT: Final = 2400
"""Characters up to which a text is shown whole."""

LEAD: Final = 700
"""Characters of its beginning that are always shown, as far as whole lines of it fit."""

LONGEST: Final = 1200
"""Characters of a paragraph with spans that is shown whole; of a longer one, what stands around them."""

AROUND: Final = 400
"""Characters shown on either side of a span in a paragraph that is too long."""

LEAST: Final = 300
"""What is folded is at least so long."""

_LINE = re.compile(r"[^\n]+")


@dataclass(frozen=True, slots=True)
class Span:
    """Words of a text that state a field, by their offsets. `is_chosen` where it is the mention that was asked for."""

    start: int
    end: int
    field: str
    is_chosen: bool = True


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of characters in the same spans, the widest first; none for plain text.

    `begins` and `ends` are those of the spans that begin with it and end with it.
    """

    text: str
    spans: tuple[Span, ...] = ()
    begins: tuple[Span, ...] = ()
    ends: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A line of the text or, where it is cut, a part of one. The first of a text may be its title."""

    segments: tuple[Segment, ...]
    is_title: bool = False
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """Paragraphs that are shown, or folded together; `words` counts the words in them."""

    is_folded: bool
    paragraphs: tuple[Paragraph, ...]
    words: int


def pieces(text: str, spans: Iterable[Span], title: str = "") -> tuple[Piece, ...]:
    """The text in pieces, in its order. `title` is what it begins with, if it does.

    Spans that do not lie within the text are left out; of several alike one is kept, a chosen one first.
    """
    kept: dict[tuple[int, int, str], Span] = {}
    for span in sorted(spans, key=lambda one: not one.is_chosen):
        if 0 <= span.start < span.end <= len(text):
            kept.setdefault((span.start, span.end, span.field), span)
    some = sorted(kept.values(), key=lambda one: (one.start, -one.end, one.field))
    lines = [(found.start(), found.end()) for found in _LINE.finditer(text) if not found[0].isspace()]
    is_titled = bool(title.strip()) and text.startswith(title)
    shown = [(0, len(text))] if len(text) <= SHORT else _shown(text, lines, some)
    made = []
    for start, end, is_folded in _parts(shown, len(text)):
        found = tuple(_paragraphs(text, lines, (start, end), some, is_titled=is_titled))
        if found:
            made.append(Piece(is_folded, found, len(text[start:end].split())))
    return tuple(made)


def _shown(text: str, lines: Sequence[tuple[int, int]], spans: Sequence[Span]) -> list[tuple[int, int]]:
    """Which characters are shown, in ranges that do not touch: what a text begins with, and what is around spans."""
    ranges = [_beginning(text, lines, LEAD if spans else SHORT)] if lines else []
    for line in lines:
        held = [span for span in spans if span.start < line[1] and span.end > line[0]]
        if held and line[1] - line[0] <= LONGEST:
            ranges.append(line)
        else:
            ranges += [_cut(text, line, span.start - AROUND, span.end + AROUND) for span in held]
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start - joined[-1][1] < LEAST:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _beginning(text: str, lines: Sequence[tuple[int, int]], length: int) -> tuple[int, int]:
    """The first lines of a text, as many as fit; a part of the first where not even that does."""
    ends = [end for _, end in lines if end <= length]
    return (0, ends[-1]) if ends else _cut(text, lines[0], 0, length)


def _cut(text: str, line: tuple[int, int], start: int, end: int) -> tuple[int, int]:
    """A part of a line, cut between words where there are any within reach."""
    first, last = max(line[0], start), min(line[1], end)
    if first > line[0]:
        blank = text.rfind(" ", max(line[0], first - 40), first)
        first = first if blank < 0 else blank + 1
    if last < line[1]:
        blank = text.find(" ", last, min(line[1], last + 40))
        last = last if blank < 0 else blank
    return first, last


def _parts(shown: Sequence[tuple[int, int]], length: int) -> Iterator[tuple[int, int, bool]]:
    """Ranges that are shown and, between them, those that are folded; short ones before and after are shown, too."""
    at = 0
    for start, end in shown:
        if at == 0 and start < LEAST:
            start = 0
        if start > at:
            yield at, start, True
        at = length if length - end < LEAST else end
        yield start, at, False
    if at < length:
        yield at, length, True


def _paragraphs(
    text: str,
    lines: Sequence[tuple[int, int]],
    part: tuple[int, int],
    spans: Sequence[Span],
    *,
    is_titled: bool,
) -> Iterator[Paragraph]:
    for number, (first, last) in enumerate(lines):
        start, end = max(first, part[0]), min(last, part[1])
        if start < end and not text[start:end].isspace():
            yield Paragraph(tuple(_segments(text, start, end, spans)), is_titled and number == 0, goes_on=start > first)


def _segments(text: str, start: int, end: int, spans: Sequence[Span]) -> Iterator[Segment]:
    held = [span for span in spans if span.start < end and span.end > start]
    places = sorted({start, end, *(place for span in held for place in (span.start, span.end) if start < place < end)})
    for one, other in pairwise(places):
        over = tuple(span for span in held if span.start <= one and span.end >= other)
        yield Segment(
            visible(text[one:other]),
            over,
            tuple(span for span in over if span.start == one),
            tuple(span for span in over if span.end == other),
        )

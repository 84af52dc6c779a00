"""Excerpts: how a text of any length is put before a language model, sentence by sentence, without losing an offset.

Neighbouring excerpts overlap, and each sentence is *owned* by exactly one of them, the one that shows most of its
surroundings; an event is taken only from the excerpt that owns its trigger. All excerpts show the headline.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from extractors.reading import read
from extractors.words import split
from pipeline.types import Document

OVERLAP = 5
"""One part in so many of an excerpt is shown again by the next one, at least."""

Bounds = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A stretch of `text` (the whole document): bounds of its sentences and, where it isn't among them, the headline.

    `own_start:own_end` are the offsets of the triggers for which this excerpt speaks.
    """

    text: str
    sentences: tuple[Bounds, ...]
    headline: Bounds | None
    own_start: int
    own_end: int

    @property
    def start(self) -> int:
        return self.sentences[0][0]

    @property
    def end(self) -> int:
        return self.sentences[-1][1]

    def owns(self, position: int) -> bool:
        return self.own_start <= position < self.own_end


def excerpts(document: Document, size: int) -> list[Excerpt]:
    """Cut a document into excerpts of about `size` characters. Together they show every visible character."""
    text = document.text
    sentences = list(_sentences(text, read(document).sentences, size // 2))
    if not sentences:
        return []
    headline = _headline(text)
    room = size
    if headline is not None and sentences[-1][1] > size:
        room = max(size - (headline[1] - headline[0]), size // 2)
    found: list[Excerpt] = []
    first, owned = 0, 0
    while True:
        last = _fill(sentences, first, room)
        shown = None if headline is None or sentences[first][0] < headline[1] else headline
        if last == len(sentences):
            found.append(Excerpt(text, tuple(sentences[first:]), shown, owned, len(text)))
            return found
        following = _step_back(sentences, first, last, room // OVERLAP)
        boundary = sentences[(following + last) // 2][0]
        found.append(Excerpt(text, tuple(sentences[first:last]), shown, owned, boundary))
        first, owned = following, boundary


def _headline(text: str) -> Bounds | None:
    words = split(text)
    return (words.starts[0], words.ends[words.headline - 1]) if words.headline else None


def _sentences(text: str, starts: Sequence[int], longest: int) -> Iterator[Bounds]:
    """Yield the bounds of all that is visible, sentence by sentence; endless ones are cut, at a blank if possible."""
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        while end - start > longest:
            cut = max(text.rfind(" ", start + 1, start + longest), text.rfind("\n", start + 1, start + longest))
            cut = cut if cut > start else start + longest
            yield from _visible(text, start, cut)
            start = cut
        yield from _visible(text, start, end)


def _visible(text: str, start: int, end: int) -> Iterator[Bounds]:
    piece = text[start:end]
    if stripped := piece.strip():
        start += len(piece) - len(piece.lstrip())
        yield start, start + len(stripped)


def _fill(sentences: Sequence[Bounds], first: int, room: int) -> int:
    """Return the number after the last sentence that fits into `room` characters; one always does."""
    last = first + 1
    while last < len(sentences) and sentences[last][1] - sentences[first][0] <= room:
        last += 1
    return last


def _step_back(sentences: Sequence[Bounds], first: int, last: int, overlap: int) -> int:
    """Return the sentence with which the next excerpt begins: `overlap` characters before `last`, but after `first`."""
    start = last
    while start > first + 1 and sentences[last - 1][1] - sentences[start][0] < overlap:
        start -= 1
    return start

"""Words of articles within their sentences, as lists quote them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from pipeline.passages import sentence_at
from reports.dashboard.snapshots import Held
from reports.inert import visible
from warehouse.dashboard.asking import Sql
from warehouse.texts import texts_of

AROUND: Final = 220
"""Characters of the sentence that are shown around the words; a longer one is cut between words."""

_WORD: Final = 40
"""Characters in which the end of a word is looked for: not all scripts part words."""


class Place(NamedTuple):
    """Where words stand: in which version of an article, from which to which character of its text."""

    article_id: str
    version: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """Words of an article, and what stands before and after them in their sentence: nothing where no text is kept."""

    before: str
    quote: str
    after: str

    @property
    def is_alone(self) -> bool:
        """Whether nothing is around the words."""
        return not (self.before or self.after).strip()


def sentences(data: Held, sql: Sql, quotes: Sequence[tuple[str, Place]]) -> Sequence[Sentence]:
    """The sentences of some quotes, in their order. They are the answer to `sql`, by which they are remembered."""
    return data.remember(f"sentences {sql}", lambda: _read(data, quotes))


def _read(data: Held, quotes: Sequence[tuple[str, Place]]) -> Sequence[Sentence]:
    if not quotes:
        return []
    with data.reader() as reader:
        texts = texts_of(reader, [place.article_id for _, place in quotes])
    return [sentence(quote, place, texts) for quote, place in quotes]


def sentence(quote: str, place: Place, texts: Mapping[tuple[str, int], str]) -> Sentence:
    """One quote in its sentence. `texts` are those of articles, by id and version."""
    text = texts.get((place.article_id, place.version))
    if text is None:
        return Sentence("", visible(quote), "")
    begin, stop = sentence_at(text, place.start, place.end)
    before, after = visible(text[begin : place.start]), visible(text[place.end : stop])
    # What one side does not need, the other has.
    half = AROUND // 2
    room = max(half, AROUND - len(after)), max(half, AROUND - len(before))
    return Sentence(_last(before, room[0]), visible(quote), _first(after, room[1]))


def _last(text: str, width: int) -> str:
    if len(text) <= width:
        return text
    blank = text.find(" ", len(text) - width - 1, len(text) - width + _WORD)
    return f"… {text[blank + 1 :] if blank >= 0 else text[-width:]}"


def _first(text: str, width: int) -> str:
    if len(text) <= width:
        return text
    blank = text.rfind(" ", width - _WORD, width + 1)
    return f"{text[:blank] if blank >= 0 else text[:width]} …"

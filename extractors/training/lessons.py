"""What the relevance network learns from: where the encoder finds events in texts of all kinds, and where we did.

The encoder reads each text once, every window of it; what it finds is kept beside the texts' hashes, so that training
again costs minutes. Texts stay where they are.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extractors import model as models
from extractors.encoder import Tagger
from extractors.relevance import SLACK, Ints, Sketch, sketch, word_offsets
from extractors.training.corpora import text_hash
from extractors.training.data import Passage, load_split, shared_folder
from extractors.training.everyday import everyday
from pipeline.types import Document

SEEN = 0.05
"""Least score of a mention that the teacher tells; where one scores less, there is nothing."""
DOUBTFUL = 0.5
"""Share of the cut from which on a mention counts as one, with less weight."""
LENGTH = 192
"""Words of a lesson."""
_GOLD = 0.5  # weight of an event that only the annotator found
_AROUND = 30  # words around something that is neither plainly an event nor plainly none
_BATCH = 512


@dataclass(frozen=True, slots=True)
class Text:
    """A text, what an annotator found in it, and whether it is held out."""

    corpus: str
    text: str
    gold: tuple[tuple[int, int], ...]
    """Offsets of the triggers of annotated events; optional ones too."""
    annotated: bool
    held_out: bool


@dataclass(frozen=True, slots=True)
class Told:
    """A trigger that the teacher found: its offsets, and the event's score."""

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Bag:
    """Words [start, end), of which at least one is to be found; `weight` says how much that matters."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Lesson:
    """Some words of a text: their numbers and marks, which of them tell of nothing for certain, and what is told."""

    words: NDArray[np.int32]
    marks: NDArray[np.uint8]
    empty: NDArray[np.bool_]
    bags: tuple[Bag, ...]


def texts(splits: Sequence[str] = ("train",)) -> Iterator[Text]:
    """Yield annotated passages of these splits, then everyday texts that are none of them.

    A fifth of the real ones is held out, by groups that belong together, and one corpus as a whole.
    """
    annotated: set[str] = set()
    for split in splits:
        for passages, corpus in zip(load_split(split), ("real", "own"), strict=True):
            for passage in passages:
                annotated.add(passage.text)
                yield Text(corpus, passage.text, _triggers(passage), True, corpus == "real" and _fifth(passage.id))
    for split in {"dev", "test"} - set(splits):
        annotated |= {passage.text for passages in load_split(split) for passage in passages}
    for reading in everyday(shared_folder() / "corpus"):
        if reading.text not in annotated:
            yield Text(reading.corpus, reading.text, (), False, reading.corpus == "rams" or _fifth(reading.group))


def taught(folder: Path, wanted: Iterable[Text], cache: Path) -> Iterator[tuple[Text, list[Told]]]:
    """Yield each text with what the model in `folder` finds in it; answers known to `cache` are not asked again."""
    tagger = Tagger(replace(models.load(folder), relevance=None))
    teacher = _teacher(folder)
    known = _known(cache, teacher)
    cache.parent.mkdir(parents=True, exist_ok=True)
    with cache.open("a", encoding="utf-8") as notes:
        remaining = iter(wanted)
        while batch := list(islice(remaining, _BATCH)):
            new = [text for text in batch if text_hash(text.text) not in known]
            answers = tagger.tag([Document(str(number), text.text) for number, text in enumerate(new)])
            for text, mentions in zip(new, answers, strict=True):
                triggers = {(m.trigger.start, m.trigger.end): m.score for m in sorted(mentions, key=lambda m: m.score)}
                told = [(*place, round(score, 4)) for place, score in triggers.items() if score >= SEEN]
                known[text_hash(text.text)] = told
                notes.write(json.dumps([teacher, text_hash(text.text), told]) + "\n")
            for text in batch:
                yield text, [Told(*told) for told in known[text_hash(text.text)]]


def lessons(
    text: Text, told: Sequence[Told], cut: float, vocabulary: dict[str, int], seen: Sketch | None = None
) -> Iterator[Lesson]:
    """Cut a text into lessons. An event counts more where the teacher finds it than where only an annotator does."""
    seen = sketch(text.text) if seen is None else seen
    spans = word_offsets(text.text)
    count = len(seen.words)
    words = np.array([vocabulary.get(word, 0) for word in seen.words], np.int32)
    empty = np.ones(count, np.bool_)
    weights: dict[tuple[int, int], float] = {}
    found = [(place, _GOLD) for place in text.gold]
    found += [((t.start, t.end), 2.0 if t.score >= cut else 0.7 if t.score >= DOUBTFUL * cut else 0.0) for t in told]
    for place, weight in found:
        first, last = words_of(spans, *place)
        empty[max(0, first - _AROUND) : last + _AROUND] = False
        weights[first, last] = max(weight, weights.get((first, last), 0.0))
    for start in range(0, count, LENGTH):
        end = min(start + LENGTH, count)
        bags = (
            Bag(max(first - SLACK, start) - start, min(last + SLACK, end) - start, weight)
            for (first, last), weight in weights.items()
            if weight and start <= (first + last) // 2 < end
        )
        yield Lesson(words[start:end], seen.marks[start:end].astype(np.uint8), empty[start:end], tuple(bags))


def words_of(spans: Ints, start: int, end: int) -> tuple[int, int]:
    """Return the numbers [first, last) of the words that [start, end) of the text touches; one at least."""
    first = int(np.searchsorted(spans[:, 1], start, side="right"))
    first = min(first, len(spans) - 1)
    return first, max(int(np.searchsorted(spans[:, 0], end, side="left")), first + 1)


def _triggers(passage: Passage) -> tuple[tuple[int, int], ...]:
    return tuple(event.spans["trigger"] for event in passage.events if "trigger" in event.spans)


def _fifth(name: str) -> bool:
    return hashlib.sha256(name.encode()).digest()[1] % 5 == 0


def _teacher(folder: Path) -> str:
    """Return the model's revision as it is without a relevance network: another pupil is no other teacher."""
    manifest = models.read_manifest(folder)
    files = {name: digest for name, digest in manifest["files"].items() if name != models.RELEVANCE}
    return models.revision(manifest | {"files": files})


def _known(cache: Path, teacher: str) -> dict[str, list[tuple[int, int, float]]]:
    if not cache.is_file():
        return {}
    with cache.open(encoding="utf-8") as notes:
        records = map(json.loads, notes)
        return {name: [tuple(t) for t in told] for told_by, name, told in records if told_by == teacher}

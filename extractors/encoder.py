"""The encoder at work: documents in, raw mentions out, windows of all documents spread over the cores."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extractors import model as models
from extractors.decode import Array, RawMention, Span, TriggerScores, mentions, reading_order, trigger_spans
from extractors.features import WIDTH, word_features
from extractors.model import Model, bundled_relevance, word_pieces
from extractors.words import LONG, Section, Window, Words, excerpts, split, windows
from pipeline.types import Document

_WAITING = 64  # windows laid out ahead of the encoder: bounds memory
_DISTANCES = np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192], np.int64)
DISTANCE_BUCKETS = 2 * (len(_DISTANCES) + 1) + 1
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Piecewise:
    """A window as the graphs take it: piece ids, each word's first piece, and the features of each piece."""

    ids: Ints
    first: Ints
    features: Array


@dataclass(frozen=True, slots=True)
class _Place:
    document: int
    words: Words
    section: Section
    window: Window
    input: Piecewise


def window_input(
    pieces: Sequence[Sequence[int]], features: Array, window: Window, first_id: int, last_id: int
) -> Piecewise:
    """Lay out one window: the first special piece, the words' pieces, the last special piece."""
    lengths = np.array([len(pieces[word]) for word in window.words], np.int64)
    ids = np.empty(int(lengths.sum()) + 2, np.int64)
    ids[0], ids[-1] = first_id, last_id
    ids[1:-1] = np.fromiter((piece for word in window.words for piece in pieces[word]), np.int64, len(ids) - 2)
    table = np.zeros((len(ids), WIDTH), np.float32)
    table[1:-1] = np.repeat(features[np.array(window.words)], lengths, axis=0)
    return Piecewise(ids, 1 + np.concatenate(([0], lengths.cumsum()[:-1])), table)


def distance_buckets(marked: NDArray[np.bool_]) -> Ints:
    """Return, for each piece, in which bucket its signed distance from the marked pieces falls (0 is within)."""
    where = np.flatnonzero(marked)
    places = np.arange(len(marked))
    before, after = where[0] - places, places - where[-1]
    near = np.searchsorted(_DISTANCES, np.maximum(before, after), side="right")
    buckets = np.where(before > 0, near, np.where(after > 0, near + len(_DISTANCES) + 1, 0))
    return buckets.astype(np.int64)


class Tagger:
    """The encoder with its decoding. Safe to share between threads: it keeps no state between calls."""

    def __init__(self, model: Model, threads: int = 0) -> None:
        self._model = model
        self.threads = threads or len(os.sched_getaffinity(0))

    @classmethod
    def load(cls, folder: Path | None = None, threads: int = 0) -> "Tagger":
        """Open the model in `folder`, or the bundled one. Raises ModelError. `threads` 0 takes one per core."""
        return cls(models.load(folder), threads)

    @property
    def revision(self) -> str:
        """Identifies weights, thresholds and decoding together."""
        return self._model.revision

    @property
    def least(self) -> float:
        """The default cut that was chosen for these weights: events scored below it are left out."""
        return self._model.thresholds.least

    def tag(self, documents: Sequence[Document]) -> list[list[RawMention]]:
        """Return each document's raw mentions, in the order of the text, whatever their score; repeats are not merged.

        Read are the places where the model's relevance network sees a chance of an event, with their surroundings and
        the headline; a model without one reads all, save of texts of more than `LONG` characters. What does not fit one
        window is read in several that overlap. A window's answer depends on that window alone, never on what else is
        read: int8 arithmetic scales by what it sees at once, so windows that shared a pass would change each other.
        They are spread over threads instead.
        """
        found: list[list[RawMention]] = [[] for _ in documents]
        waiting: deque[tuple[int, Future[list[RawMention]]]] = deque()
        with ThreadPoolExecutor(self.threads) as pool:
            for place in self.places(documents):
                waiting.append((place.document, pool.submit(self._read, place)))
                if len(waiting) >= _WAITING:
                    document, answer = waiting.popleft()
                    found[document].extend(answer.result())
            for document, answer in waiting:
                found[document].extend(answer.result())
        return [sorted(mentions_there, key=reading_order) for mentions_there in found]

    def places(self, documents: Sequence[Document]) -> Iterator[_Place]:
        model = self._model
        for number, document in enumerate(documents):
            for section in self._sections(document.text):
                words = split(document.text, section)
                pieces = word_pieces(model.tokenizer, [words[i] for i in range(len(words))], model.unknown)
                features = word_features(words)
                for window in windows([len(ids) for ids in pieces], words.headline, model.max_pieces):
                    laid = window_input(pieces, features, window, model.first, model.last)
                    yield _Place(number, words, section, window, laid)

    def _sections(self, text: str) -> Iterator[Section]:
        relevance = self._model.relevance
        if relevance is None and len(text) > LONG:
            relevance = bundled_relevance()
        if relevance is None:
            return iter((Section(0, len(text), 0, len(text)),))
        return excerpts(text, relevance.places(text))

    def _read(self, place: _Place) -> list[RawMention]:
        given = place.input
        log_probs, hidden = self._model.encoder.run(
            None, {"ids": given.ids[None], "features": given.features[None], "first": given.first[None]}
        )
        spans = [span for span in trigger_spans(log_probs[0], self._model.thresholds.trigger) if _owned(place, span)]
        found: list[RawMention] = []
        for span in spans:
            marked = marked_pieces(given, span.start, span.end)
            answers = self._model.arguments.run(
                None,
                {
                    "hidden": hidden,
                    "marked": marked[None].astype(np.float32),
                    "distance": distance_buckets(marked)[None],
                    "first": given.first[None],
                },
            )
            found.extend(
                mentions(place.words, place.window.words, span, trigger_scores(answers, 0), self._model.thresholds)
            )
        return found


def marked_pieces(window: Piecewise, start: int, end: int) -> NDArray[np.bool_]:
    """Return which pieces of a window belong to its words `start` up to `end`."""
    marked = np.zeros(len(window.ids), np.bool_)
    stop = window.first[end] if end < len(window.first) else len(window.ids) - 1
    marked[window.first[start] : stop] = True
    return marked


def trigger_scores(answers: Sequence[Array], number: int, words: int | None = None) -> TriggerScores:
    """Take one trigger's scores from the argument graph's outputs; `words` cuts padding off."""
    valid, action, status, roles, reasons, actors, services, no_actor = answers
    return TriggerScores(
        valid=float(valid[number]),
        action=action[number],
        status=status[number],
        roles=roles[number, :words],
        reasons=reasons[number, :words],
        actors=actors[number, :words],
        services=services[number, :words],
        no_actor=no_actor[number],
    )


def _owned(place: _Place, span: Span) -> bool:
    word = place.window.words[(span.start + span.end - 1) // 2]
    mine = place.window.own_start <= word < place.window.own_end
    return mine and place.section.own_start <= place.words.starts[word] < place.section.own_end

"""Where in a text an event may be told: a small network that looks at every word, for a microsecond or less.

The encoder taught it, by what it finds in everyday news and what it does not, and the annotation did
(`extractors.training.relevance`). It decides which texts pass the gate and which windows the encoder reads, so it is
set to miss hardly anything.

A word is seen as its folded form, its shape and the gazetteer's kinds; two convolutions look at its neighbours, and the
strongest signals within some 15 and some 60 words are added before each word gets its log-odds.
"""

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.folding import fold, fold_char
from extractors.gazetteer import KINDS, gazetteer
from extractors.words import sections

Array = NDArray[np.float32]
Ints = NDArray[np.int64]

SHAPES = ("capital", "capitals", "digits", "sentence_start", "line_start")
MARKS = len(SHAPES) + len(KINDS) + 1
"""Columns of `Sketch.marks`: shapes, the gazetteer's kinds, and names that count in some contexts only."""
NEAR, FAR = (1, 2, 4, 8), (15, 30)
"""Steps by which the strongest signals spread: together 15 words to either side, then 45 more."""
SLACK = 8
"""Words around a likely one that may hold the trigger: the network is free to point at any of them."""

_ONE_THREAD = 1 << 18  # multiplications in a product that OpenBLAS does not spread over threads
_MANY = 24  # different characters beyond ASCII, from which on one pass over the text is cheaper than one for each
_SPACED = {code: chr(code) if chr(code).isalnum() else " " for code in range(128)}
_LETTER, _CAPITAL, _DIGIT, _END, _LINE = 1, 2, 4, 8, 16


def _class(char: str) -> int:
    letter = _LETTER * char.isalnum() + _CAPITAL * char.isupper() + _DIGIT * char.isdigit()
    return letter + _END * (char in ".!?\n") + _LINE * (char == "\n")


_CLASSES = np.array([_class(chr(code)) for code in range(128)], np.uint8)


@dataclass(frozen=True, slots=True)
class Sketch:
    """The words of a text, folded, and a (words, MARKS) table of zeros and ones on each."""

    words: list[str]
    marks: Array


def sketch(text: str) -> Sketch:
    """Return what the network is told of `text`."""
    plain = _unaccented(text)
    lower = plain.translate(_SPACED).lower()
    words = lower.split()
    marks = np.zeros((len(words), MARKS), np.float32)
    if not words:
        return Sketch(words, marks)
    classes = _classes(plain)
    begins = (classes & _LETTER).view(np.bool_)
    begins[1:] &= ~(classes[:-1] & _LETTER).view(np.bool_)
    starts = np.flatnonzero(begins)
    first = classes[starts]
    marks[:, 0] = first & _CAPITAL
    marks[:, 1] = marks[:, 0] * (classes[np.minimum(starts + 1, len(classes) - 1)] & _CAPITAL)
    marks[:, 2] = first & _DIGIT
    for place, sign in ((3, _END), (4, _LINE)):
        passed = np.cumsum((classes & sign) != 0, dtype=np.int32)[starts]
        marks[0, place] = 1
        marks[1:, place] = passed[1:] - passed[:-1]
    np.minimum(marks, 1, out=marks)
    kinds, starting, ending = gazetteer().mentioned(f" {lower} ")
    # A name's first and last words are marked; what lies between them is inside it anyway.
    for word in (np.searchsorted(starts, starting), np.searchsorted(starts, ending) - 1):
        np.maximum.at(marks[:, len(SHAPES) :], word, kinds)
    return Sketch(words, marks)


def word_offsets(text: str) -> Ints:
    """Return a (words, 2) array: where each word of `sketch(text)` starts and ends in `text`."""
    folded = fold(text)
    letters = np.fromiter((char != " " for char in folded.text), np.int8, len(folded.text))
    edges = np.diff(np.concatenate(([0], letters, [0])))
    spans = np.stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)], axis=1)
    if folded.starts is None:
        return spans
    starts = np.array(folded.starts, np.int64)
    return np.stack([starts[spans[:, 0]], starts[spans[:, 1] - 1] + 1], axis=1)


@dataclass(frozen=True, slots=True)
class Cuts:
    """Log-odds from which on a word is taken for one of an event: for a text to pass the gate, and to be encoded.

    The gate keeps what any reader may find, the other cut what the encoder finds: it would find nothing in the rest.
    """

    passing: float
    reading: float


class Relevance:
    """The network over a vocabulary. Safe to share between threads: it keeps no state between calls."""

    def __init__(self, words: Mapping[str, int], weights: Mapping[str, Array], cuts: Cuts) -> None:
        """`words` numbers the known words from 1; `weights` are named as in `extractors.training.relevance`."""
        self._words = words
        self._weights = weights
        self.cuts = cuts

    @classmethod
    def parse(cls, content: bytes) -> "Relevance":
        """Open a safetensors file. Raises ValueError, KeyError or zlib.error where it is none of ours."""
        tensors, about = _read_safetensors(content)
        listed = zlib.decompress(tensors.pop("words").tobytes()).decode().split("\n")
        words = {word: number for number, word in enumerate(listed, 1)}
        embedding = tensors.pop("embedding").astype(np.float32) * tensors.pop("scale")
        cuts = Cuts(passing=float(about["passing"]), reading=float(about["reading"]))
        return cls(words, {**tensors, "embedding": embedding}, cuts)

    def scores(self, seen: Sketch) -> Array:
        """Return each word's log-odds of standing where an event is told."""
        weights = self._weights
        number = self._words.get
        rows = np.fromiter((number(word, 0) for word in seen.words), np.int64, len(seen.words))
        table = np.concatenate([weights["embedding"][rows], seen.marks], axis=1)
        hidden = np.maximum(_product(_neighbours(table, 2), weights["first"]) + weights["first_bias"], 0)
        hidden += np.maximum(_product(_neighbours(hidden, 1), weights["second"]) + weights["second_bias"], 0)
        near = _spread(hidden, NEAR)
        far = _spread(near, FAR)
        joined = np.concatenate([hidden, near, far], axis=1)
        third = np.maximum(_product(joined, weights["third"]) + weights["third_bias"], 0)
        scores: Array = third @ weights["last"] + weights["last_bias"]
        return scores

    def possible(self, text: str) -> bool:
        """Whether `text` may tell an event that somebody finds."""
        return next(self._places(text, self.cuts.passing), None) is not None

    def readable(self, text: str) -> bool:
        """Whether there is anything in `text` that the encoder would read."""
        return next(self.places(text), None) is not None

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the stretches [start, end) of `text` in which the encoder may find an event's trigger, in order."""
        return self._places(text, self.cuts.reading)

    def _places(self, text: str, least: float) -> Iterator[tuple[int, int]]:
        reached = 0
        for section in sections(text):
            part = text[section.start : section.end]
            seen = sketch(part)
            found = np.flatnonzero(self.scores(seen) >= least) if seen.words else np.empty(0, np.int64)
            for start, end in _stretches(word_offsets(part), found) if len(found) else ():
                first, last = max(section.start + start, reached), section.start + end
                if first < last and first < section.own_end and last > section.own_start:
                    yield first, last
                    reached = last


def _stretches(spans: Ints, found: Ints) -> Iterator[tuple[int, int]]:
    """Join the words numbered by `found`, with `SLACK` words around each, to stretches that don't touch."""
    for group in np.split(found, np.flatnonzero(np.diff(found) > 2 * SLACK) + 1):
        yield int(spans[max(0, group[0] - SLACK), 0]), int(spans[min(len(spans) - 1, group[-1] + SLACK), 1])


def _unaccented(text: str) -> str:
    """Fold what is not ASCII; capitals and punctuation stay."""
    if text.isascii():
        return text
    table = {char: fold_char(char) for char in set(text) if not char.isascii()}
    if len(table) > _MANY:
        return text.translate({ord(char): plain for char, plain in table.items()})
    for char, plain in table.items():
        text = text.replace(char, plain)
    return text


def _classes(plain: str) -> NDArray[np.uint8]:
    if plain.isascii():
        return _CLASSES[np.frombuffer(plain.encode(), np.uint8)]
    codes = np.frombuffer(plain.encode("utf-32-le", "surrogatepass"), np.uint32)
    # What folding left beyond ASCII are letters and digits.
    return np.where(codes < len(_CLASSES), _CLASSES[np.minimum(codes, len(_CLASSES) - 1)], np.uint8(_LETTER))


def _product(one: Array, other: Array) -> Array:
    """Return `one @ other` in blocks that the linear algebra library leaves to one thread.

    On several it is no faster at this size, and where cores are busy its threads wait for each other at full speed.
    """
    product = np.empty((len(one), other.shape[1]), np.float32)
    rows = max(1, _ONE_THREAD // other.size)
    for start in range(0, len(one), rows):
        np.matmul(one[start : start + rows], other, out=product[start : start + rows])
    return product


def _neighbours(table: Array, reach: int) -> Array:
    """Return beside each row the `reach` rows before and after it; beyond the ends there are zeros."""
    count, width = table.shape
    wide = np.zeros((count, (2 * reach + 1) * width), np.float32)
    for step in range(-reach, reach + 1):
        low, high = max(0, -step), min(count, count - step)
        if low < high:
            column = (step + reach) * width
            wide[low:high, column : column + width] = table[low + step : high + step]
    return wide


def _spread(table: Array, steps: tuple[int, ...]) -> Array:
    """Return for each row the maxima of the rows around it, as far as the steps lead."""
    for step in steps:
        spread = table.copy()
        if step < len(table):
            np.maximum(spread[step:], table[:-step], out=spread[step:])
            np.maximum(spread[:-step], table[step:], out=spread[:-step])
        table = spread
    return table


_TYPES = {"F32": np.float32, "I8": np.int8, "U8": np.uint8}


def _read_safetensors(content: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Return the tensors and the metadata of a safetensors file."""
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + size])
    about = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        start, end = (8 + size + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(content[start:end], _TYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors, about

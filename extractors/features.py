"""What the encoder is told of each word beside its letters: shape, place in the text, and what the gazetteer knows.

The base encoder is uncased, so case comes in here. Training and runtime call this one function.
"""

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from extractors import gazetteer
from extractors.words import Words

SHAPES = ("lower", "title", "upper", "mixed", "digits", "punctuation", "other")
PLACES = ("headline", "line_start", "sentence_start")
KINDS = (
    "service",
    "technology",
    "country",
    "demonym",
    "subdivision",
    "body_noun",
    "body",
    "restriction",
    "date",
)
WIDTH = len(SHAPES) + len(PLACES) + len(KINDS)
FIRST_KIND = len(SHAPES) + len(PLACES)
_KIND_COLUMN = {kind: FIRST_KIND + column for column, kind in enumerate(KINDS)}


def word_features(words: Words) -> NDArray[np.float32]:
    """Return a (words, WIDTH) array of zeros and ones."""
    table = np.zeros((len(words), WIDTH), np.float32)
    text = words.text
    previous_end = 0
    sentence_start = True
    for row, (start, end) in enumerate(zip(words.starts, words.ends, strict=True)):
        word = words[row]
        table[row, _shape(word)] = 1
        line_start = row == 0 or "\n" in text[previous_end:start]
        table[row, len(SHAPES) + 0] = row < words.headline
        table[row, len(SHAPES) + 1] = line_start
        table[row, len(SHAPES) + 2] = line_start or sentence_start
        sentence_start = word in ".!?"
        previous_end = end
    for begin, end, low, high in _stretches(words):
        for hit in gazetteer.tag(text[begin:end]):
            column = _KIND_COLUMN.get(hit.kind)
            if column is not None:
                first = bisect_left(words.ends, begin + hit.start + 1, low, high)
                last = bisect_left(words.starts, begin + hit.end, low, high)
                table[first:last, column] = 1
    return table


def _stretches(words: Words) -> list[tuple[int, int, int, int]]:
    """Return what the words are of the text, in one or two stretches: its bounds, and those of their numbers."""
    count = len(words)
    if not count:
        return []
    if not words.seam:
        return [(0, words.ends[-1], 0, count)]
    cuts = [(0, words.seam), (words.seam, count)] if words.seam < count else [(0, count)]
    return [(words.starts[low], words.ends[high - 1], low, high) for low, high in cuts]


def _shape(word: str) -> int:
    if word.isdigit():
        return 4
    if not word[0].isalnum():
        return 5
    if word.islower():
        return 0
    if word.isupper():
        return 1 if len(word) == 1 else 2
    if word[0].isupper() and word[1:].islower():
        return 1
    return 3 if word.upper() != word.lower() else 6

"""How much the passages around two mentions have in common, beside what their fields say already.

The words of service, actor and country say nothing new, so they are put aside on both sides. Everything is measured on
the pair alone: what other mentions there are makes no pair more alike or less.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from pipeline.country_words import COUNTRY_OF
from pipeline.passages import fold
from pipeline.statements import Statement

Codes = npt.NDArray[np.int8]
Counts = npt.NDArray[np.float32]


class Words(StrEnum):
    """How many of the telling words around two mentions are the same."""

    MANY = "many words in common"
    SOME = "some words in common"
    FEW = "few words in common"
    UNKNOWN = "too few words to compare"


class Names(StrEnum):
    """Whether people, places and bodies stand beside both mentions."""

    SEVERAL = "several names in common"
    ONE = "a name in common"
    NONE = "no name in common"
    UNKNOWN = "no names to compare"


WORDS, NAMES = tuple(Words), tuple(Names)
"""What the codes mean that the functions of this module return."""

MANY, SOME = 0.3, 0.1
"""Least share of words in common: their number over the geometric mean of the two sides' numbers."""

LEAST = 5
"""Words that a side must have."""

_RARE = 32
"""A word on so few sides is counted pair by pair, a more frequent one by a product of matrices."""


def compare_words(rows: Sequence[Statement], columns: Sequence[Statement]) -> Codes:
    """Compare the words around all pairs: indices into WORDS."""
    left, right = [_telling(s)[0] for s in rows], [_telling(s)[0] for s in columns]
    a, b = _sizes(left)[:, None], _sizes(right)[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = _shared(left, right) / np.sqrt(a * b)
    cases = [(a < LEAST) | (b < LEAST), share >= MANY, share >= SOME]
    return np.select(cases, [np.int8(3), np.int8(0), np.int8(1)], np.int8(2))


def compare_names(rows: Sequence[Statement], columns: Sequence[Statement]) -> Codes:
    """Compare the names beside all pairs: indices into NAMES."""
    left, right = [_telling(s)[1] for s in rows], [_telling(s)[1] for s in columns]
    shared = _shared(left, right)
    cases = [(_sizes(left)[:, None] == 0) | (_sizes(right)[None, :] == 0), shared >= 2, shared == 1]
    return np.select(cases, [np.int8(3), np.int8(0), np.int8(1)], np.int8(2))


def _sizes(sets: Sequence[frozenset[str]]) -> Counts:
    return np.array([len(one) for one in sets], dtype=np.float32)


def _shared(left: Sequence[frozenset[str]], right: Sequence[frozenset[str]]) -> Counts:
    """Count what each set on the left shares with each on the right."""
    places: dict[str, tuple[list[int], list[int]]] = {}
    for side, sets in enumerate((left, right)):
        for number, one in enumerate(sets):
            for word in one:
                places.setdefault(word, ([], []))[side].append(number)
    found = np.zeros((len(left), len(right)), dtype=np.float32)
    frequent = []
    for some, others in places.values():
        if not some or not others:
            continue
        if len(some) <= _RARE or len(others) <= _RARE:
            found[np.array(some)[:, None], np.array(others)] += 1
        else:
            frequent.append((some, others))
    if frequent:
        a = np.zeros((len(left), len(frequent)), dtype=np.float32)
        b = np.zeros((len(frequent), len(right)), dtype=np.float32)
        for number, (some, others) in enumerate(frequent):
            a[some, number] = 1
            b[number, others] = 1
        found += a @ b
    return found


def _telling(statement: Statement) -> tuple[frozenset[str], frozenset[str]]:
    """Return the stems and the names around a mention, without those that its fields hold."""
    mention, passage = statement.context.mention, statement.context.passage
    quotes = (mention.service, mention.actor)
    stated = (mention.service_canonical, mention.actor_canonical, *(quote.text for quote in quotes if quote))
    return _without(passage.words, passage.names, " ".join(filter(None, stated)))


@lru_cache(maxsize=65_536)
def _without(words: frozenset[str], names: frozenset[str], stated: str) -> tuple[frozenset[str], frozenset[str]]:
    said = {fold(word) for word in re.findall(r"[^\W_]+", stated)}
    stems = {_stem(word) for word in words if (word,) not in COUNTRY_OF}
    return frozenset(stems - {_stem(word) for word in said}), frozenset(
        name for name in names if name not in said and (name,) not in COUNTRY_OF
    )


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) >= len(ending) + 4:
            return word.removesuffix(ending)
    return word

"""How much the passages around two mentions have in common, beside what their fields say already.

The words of service, actor and country say nothing new, so they are put aside on both sides. Everything is measured on
the pair alone: what other mentions there are makes no pair more alike or less.
"""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from pipeline.country_words import COUNTRY_OF
from pipeline.passages import fold
from pipeline.statements import Statement

Codes = npt.NDArray[np.int8]
Counts = npt.NDArray[np.float32]
Hashes = npt.NDArray[np.int64]


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

_AT_ONCE = 1_000_000
"""Pairs of equal words that are counted at once."""


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


def _sizes(sets: Sequence[Hashes]) -> Counts:
    return np.array([len(one) for one in sets], dtype=np.float32)


def _shared(left: Sequence[Hashes], right: Sequence[Hashes]) -> Counts:
    """Count what each set on the left shares with each on the right."""
    found = np.zeros((len(left), len(right)), dtype=np.float32)
    if not found.size:
        return found
    rows, columns = (np.repeat(np.arange(len(sets)), [len(one) for one in sets]) for sets in (left, right))
    known, words = np.unique(np.concatenate([*left, *right]), return_inverse=True)
    row_words, column_words = words[: len(rows)], words[len(rows) :]
    wanted, held = (np.bincount(some, minlength=len(known)) for some in (row_words, column_words))
    frequent = np.flatnonzero((wanted > _RARE) & (held > _RARE))
    if len(frequent):
        place = np.full(len(known), -1)
        place[frequent] = np.arange(len(frequent))
        some, others = place[row_words], place[column_words]
        a = np.zeros((len(left), len(frequent)), dtype=np.float32)
        b = np.zeros((len(frequent), len(right)), dtype=np.float32)
        a[rows[some >= 0], some[some >= 0]] = 1
        b[others[others >= 0], columns[others >= 0]] = 1
        found += a @ b
        rows, row_words = rows[some < 0], row_words[some < 0]
    # Each word of a row meets its places among the columns, which lie together once these are sorted by word.
    columns, begins = columns[np.argsort(column_words, kind="stable")], np.cumsum(held) - held
    total = np.cumsum(held[row_words])
    for part in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(total // _AT_ONCE)) + 1):
        counts = held[row_words[part]]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        met = columns[np.repeat(begins[row_words[part]], counts) + within]
        pairs = np.repeat(rows[part], counts) * len(right) + met
        found += np.bincount(pairs, minlength=found.size).reshape(found.shape)
    return found


def _telling(statement: Statement) -> tuple[Hashes, Hashes]:
    """Return the stems and the names around a mention, without those that its fields hold."""
    mention, passage = statement.context.mention, statement.context.passage
    quotes = (mention.service, mention.actor)
    stated = (mention.service_canonical, mention.actor_canonical, *(quote.text for quote in quotes if quote))
    return _without(passage.words, passage.names, " ".join(filter(None, stated)))


@lru_cache(maxsize=32_768)
def _without(words: frozenset[str], names: frozenset[str], stated: str) -> tuple[Hashes, Hashes]:
    said = {fold(word) for word in re.findall(r"[^\W_]+", stated)}
    stems = {_stem(word) for word in words if (word,) not in COUNTRY_OF}
    return _hashes(stems - {_stem(word) for word in said}), _hashes(
        name for name in names if name not in said and (name,) not in COUNTRY_OF
    )


def _hashes(words: Iterable[str]) -> Hashes:
    """Words as numbers that are quickly compared: of 64 bits, and only good within this process."""
    return np.fromiter(map(hash, words), dtype=np.int64)


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) >= len(ending) + 4:
            return word.removesuffix(ending)
    return word

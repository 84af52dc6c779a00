"""Happenings that may be one and may be two: what the table of features leaves open, for a person to decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
import numpy.typing as npt

from pipeline.happenings import Happening
from pipeline.matching import DIFFERENT_BELOW, Comparison, Verdict
from pipeline.statements import Statement

MOST = 400
"""Statements compared at once; beyond, the block has too much in common for a question to a person to help."""


@dataclass(frozen=True, slots=True)
class UnsurePair:
    """Two happenings of a block that the machine could not tell apart nor join, and their nearest mentions.

    `month` is that of the reports that raised the question, `why` the features in words.
    """

    happening_a: str
    happening_b: str
    block: str
    month: str
    points: float
    why: str
    mention_a: str
    mention_b: str


def unsure_pairs(block: str, month: str, grown: Sequence[Happening], around: Sequence[Happening]) -> list[UnsurePair]:
    """Return the pairs of a happening that has `grown` and one `around` it whose nearest mentions are UNSURE."""
    rows = [(h, s) for h in grown for s in h.voices]
    columns = [(h, s) for h in around for s in h.voices]
    if not rows or len(columns) < 2 or len(rows) > MOST or len(columns) > MOST:
        return []
    comparison = Comparison([s for _, s in rows], [s for _, s in columns])
    # Which happenings no pair of statements forbids to be one, spread over their statements again.
    forbidden = np.logical_or.reduceat(comparison.vetoes, _begins(rows), axis=0)
    forbidden = np.logical_or.reduceat(forbidden, _begins(columns), axis=1)
    open_ = ~forbidden[_numbers(rows)[:, None], _numbers(columns)] & (comparison.points >= DIFFERENT_BELOW)
    best: dict[tuple[str, str], tuple[float, int, int]] = {}
    for i, j in np.argwhere(open_).tolist():
        a, b = rows[i][0], columns[j][0]
        if a is b or a.family is not b.family:
            continue
        key = (a.id, b.id) if a.id < b.id else (b.id, a.id)
        points = float(comparison.points[i, j])
        if points > best.get(key, (-inf, 0, 0))[0]:
            best[key] = (points, i, j)
    found = []
    for (first, second), (points, i, j) in sorted(best.items()):
        judged = comparison.judgement(i, j)
        if judged.verdict is Verdict.DIFFERENT:
            continue
        sides = {rows[i][0].id: rows[i][1].mention_id, columns[j][0].id: columns[j][1].mention_id}
        why = judged.words.partition(": ")[2]
        found.append(UnsurePair(first, second, block, month, points, why, sides[first], sides[second]))
    return found


def _begins(told: Sequence[tuple[Happening, Statement]]) -> npt.NDArray[np.intp]:
    """Where in a list, in which the statements of each happening lie together, those of the next one begin."""
    return np.flatnonzero([i == 0 or told[i - 1][0] is not h for i, (h, _) in enumerate(told)])


def _numbers(told: Sequence[tuple[Happening, Statement]]) -> npt.NDArray[np.intp]:
    """Of which happening each statement is, by the order of these."""
    return np.cumsum([i > 0 and told[i - 1][0] is not h for i, (h, _) in enumerate(told)])

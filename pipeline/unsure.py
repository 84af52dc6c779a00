"""Happenings that may be one and may be two: what the table of features leaves open, for a person to decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from pipeline.happenings import Happening
from pipeline.matching import Comparison, Verdict

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
    best: dict[tuple[str, str], tuple[float, int, int]] = {}
    barred: set[tuple[str, str]] = set()
    for i, (a, _) in enumerate(rows):
        for j, (b, _) in enumerate(columns):
            if a is b or a.family is not b.family:
                continue
            key = (a.id, b.id) if a.id < b.id else (b.id, a.id)
            if comparison.vetoes[i, j]:
                barred.add(key)
                continue
            points = float(comparison.points[i, j])
            if points > best.get(key, (-inf, 0, 0))[0]:
                best[key] = (points, i, j)
    found = []
    for (first, second), (points, i, j) in sorted(best.items()):
        judged = comparison.judgement(i, j)
        if (first, second) in barred or judged.verdict is Verdict.DIFFERENT:
            continue
        sides = {rows[i][0].id: rows[i][1].mention_id, columns[j][0].id: columns[j][1].mention_id}
        why = judged.words.partition(": ")[2]
        found.append(UnsurePair(first, second, block, month, points, why, sides[first], sides[second]))
    return found

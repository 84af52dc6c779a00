"""Points for the table of features, fitted on labelled pairs: `python -m benchmarks.pairs`.

A pair is two mentions of one block and one family of labels, without a veto or a bar; the golden cases of the resolver
are there too. What each value of a feature is worth is the maximum of a logistic likelihood under these terms:

* a normal prior around the points that were set by hand before there were labels (`PRIOR`), so that a value of which
  few pairs tell keeps them;
* the order of values that only make sense in one order (`ORDER`): equal dates are worth no less than near ones;
* values that say nothing are worth nothing (`NOTHING`);
* each happening counts as much as it has mentions, not as it has pairs; a golden case, which states a rule, counts
  `GOLDEN` times.

Blocks are fitted or held out whole (`benchmarks.gold`); golden cases are fitted. Points are rounded to halves. Then
`SAME_FROM` is the least half at which no more than `WRONG` of the fitted pairs called SAME are wrong, and
`DIFFERENT_BELOW` the greatest one at which no more than `LOST` of the same pairs are called DIFFERENT.

    --freeze    write the pairs' features, the points and the figures to `benchmarks/frozen/pairs.json`
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.gold import articles, lineage, mentions
from pipeline.likeness import Names, Words
from pipeline.matching import (
    BARS,
    DIFFERENT_BELOW,
    POINTS,
    SAME_FROM,
    Actor,
    Comparison,
    Country,
    Deed,
    Origin,
    Value,
)
from pipeline.scopes import ScopeRelation
from pipeline.statements import Statement, block_key, read_statement
from pipeline.times import Step, Time
from tests.event_cases import load_cases

FROZEN = Path(__file__).parent / "frozen" / "pairs.json"
WRONG = 0.015
"""As pairs by themselves. What is merged must agree on average over a cluster and hold no pair that is DIFFERENT, which
leaves a seventh of these errors: of the fitted half's pairs that are put together, 0.2 % are wrong. Were no more than
that wrong before, SAME_FROM would be 10, and half as many again of the happenings would be told in parts.
"""

LOST = 0.001
SPREAD = 1.0
"""Standard deviation of the prior, in points."""

GOLDEN = 5.0

PRIOR: Mapping[Value, float] = {
    Actor.SAME: 4,
    Actor.NEITHER: 1,
    Country.SAME: 1,
    Country.DIFFERENT: -2,
    Deed.SAME: 2,
    Deed.LESSER: 0,
    Deed.REMOVAL: -1,
    ScopeRelation.SAME: 2,
    ScopeRelation.CLOSE: 1,
    ScopeRelation.ODD: -2,
    ScopeRelation.NOWHERE: -2,
    Step.PROPOSED_AND_DECIDED: -0.5,
    Step.REFUSED_AND_DONE: -3,
    Time.SAME_DAY: 3,
    Time.OVERLAP: 2,
    Time.ROUGH: 1.5,
    Time.ADJACENT: 2,
    Time.NEAR: 2,
    Time.STEPS: 1,
    Time.APART: -2,
    Time.TOLD_NEAR: 2,
    Time.TOLD_LATER: 0,
    Time.TOLD_AGAIN: -2,
    Time.TOLD_BEFORE: -4,
    Origin.STORY: 2,
    Origin.DOCUMENT_AGREES: 3,
    Origin.CORRECTED: 3,
    Words.MANY: 1,
    Words.SOME: 0,
    Words.FEW: -0.5,
    Names.SEVERAL: 1,
    Names.ONE: 0.5,
    Names.NONE: 0,
}
NOTHING: frozenset[Value] = frozenset(
    {
        Country.UNKNOWN,
        Deed.KINDRED,
        ScopeRelation.OPEN,
        Step.COMPATIBLE,
        Time.UNKNOWN,
        Origin.OTHER,
        Words.UNKNOWN,
        Names.UNKNOWN,
    }
)
ORDER: Sequence[Sequence[Value]] = (
    (Actor.SAME, Actor.NEITHER),
    (Country.SAME, Country.UNKNOWN, Country.DIFFERENT),
    (Deed.SAME, Deed.KINDRED, Deed.LESSER),
    (Deed.SAME, Deed.REMOVAL),
    (ScopeRelation.SAME, ScopeRelation.CLOSE, ScopeRelation.OPEN, ScopeRelation.ODD),
    (ScopeRelation.OPEN, ScopeRelation.NOWHERE),
    (Time.SAME_DAY, Time.OVERLAP, Time.ROUGH, Time.APART),
    (Time.SAME_DAY, Time.ADJACENT, Time.NEAR, Time.STEPS, Time.APART),
    (Time.ADJACENT, Time.TOLD_NEAR, Time.TOLD_LATER, Time.TOLD_AGAIN),
    (Time.TOLD_LATER, Time.UNKNOWN, Time.APART),
    (Time.TOLD_AGAIN, Time.TOLD_BEFORE),
    (Step.COMPATIBLE, Step.PROPOSED_AND_DECIDED, Step.REFUSED_AND_DONE),
    (Origin.STORY, Origin.OTHER),
    (Origin.DOCUMENT_AGREES, Origin.OTHER),
    (Words.MANY, Words.SOME, Words.FEW),
    (Names.SEVERAL, Names.ONE, Names.NONE),
)
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pair:
    """The values of a pair of mentions, whether they tell the same, and how much it weighs."""

    values: tuple[Value, ...]
    same: bool
    weight: float
    held_out: bool


def labelled_pairs() -> list[Pair]:
    """Return all pairs of the labelled sets and the golden cases that no veto and no bar decides."""
    groups: dict[tuple[str, str], list[tuple[str, Statement]]] = defaultdict(list)
    held: dict[tuple[str, str], bool] = {}
    for one in mentions(articles()):
        key = (one.family, block_key(one.context.mention))
        groups[key].append((one.happening, read_statement(one.context, lineage())))
        held[key] = held.get(key, False) or one.held_out
    for case in load_cases():
        for number, keys in enumerate(case.clusters):
            for name in keys:
                key = (f"golden {case.name}", block_key(case.contexts[name].mention))
                groups[key].append((str(number), read_statement(case.contexts[name])))
                held[key] = False
    return [
        pair
        for key, some in sorted(groups.items())
        for pair in _pairs(some, held[key], GOLDEN if key[0].startswith("golden") else 1.0)
    ]


def _pairs(some: Sequence[tuple[str, Statement]], held_out: bool, times: float) -> Iterable[Pair]:
    comparison = Comparison([statement for _, statement in some])
    sizes = Counter(happening for happening, _ in some)
    for i, j in combinations(range(len(some)), 2):
        values = comparison.judgement(i, j).values
        if comparison.vetoes[i, j] or BARS & set(values):
            continue
        a, b = some[i][0], some[j][0]
        weight = 2 / (sizes[a] - 1) if a == b else 1 / (sizes[a] * sizes[b]) ** 0.5
        yield Pair(values, a == b, times * min(1.0, weight), held_out)


class Model:
    """Points per value, fitted: `points` as they come out, `rounded` to halves."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self.values = [value for value, points in POINTS.items() if points is not None and value not in BARS]
        self._place = {value: i for i, value in enumerate(self.values)}
        self._prior = np.array([PRIOR.get(value, 0.0) for value in self.values])
        self._free = np.array([value not in NOTHING for value in self.values])
        design = np.zeros((len(pairs), len(self.values)))
        for row, pair in enumerate(pairs):
            for value in pair.values:
                design[row, self._place[value]] = 1
        same = np.array([pair.same for pair in pairs], dtype=np.float64)
        weights = np.array([pair.weight for pair in pairs])
        self.scale, self.middle = _calibrate(design @ self._prior, same, weights)
        self.points = self._fit(design, same, weights)

    @property
    def rounded(self) -> dict[Value, float]:
        """The points, rounded to halves in a way that keeps the order."""
        halves = np.round(self.points * 2) / 2
        return {value: float(halves[i]) for i, value in enumerate(self.values)}

    def _fit(self, design: Floats, same: Floats, weights: Floats) -> Floats:
        """Newton's method on the penalised likelihood; the order is kept by a steep penalty, then exactly."""
        pairs = [(self._place[a], self._place[b]) for chain in ORDER for a, b in pairwise(chain)]
        points = self._prior.copy()
        precision = 1 / SPREAD**2
        for _ in range(100):
            chance = 1 / (1 + np.exp(-self.scale * (design @ points - self.middle)))
            slope = self.scale * design.T @ (weights * (chance - same)) + precision * (points - self._prior)
            bend = self.scale**2 * (design.T * (weights * chance * (1 - chance))) @ design
            bend += precision * np.eye(len(points))
            for upper, lower in pairs:
                if points[lower] > points[upper]:
                    difference = np.zeros(len(points))
                    difference[upper], difference[lower] = -1, 1
                    slope += 1000 * (points[lower] - points[upper]) * difference
                    bend += 1000 * np.outer(difference, difference)
            step = np.zeros(len(points))
            free = np.flatnonzero(self._free)
            step[free] = np.linalg.solve(bend[np.ix_(free, free)], slope[free])
            points = points - np.clip(step, -0.5, 0.5)
            if np.abs(step).max() < 1e-6:
                break
        return points


def _calibrate(sums: Floats, same: Floats, weights: Floats) -> tuple[float, float]:
    """Fit chance = σ(scale · (sum − middle)) to sums of points; returns scale and middle."""
    design = np.stack([sums, np.ones_like(sums)], axis=1)
    found = np.zeros(2)
    for _ in range(100):
        chance = 1 / (1 + np.exp(-design @ found))
        slope = design.T @ (weights * (chance - same)) + 1e-3 * found
        bend = (design.T * (weights * chance * (1 - chance))) @ design + 1e-3 * np.eye(2)
        found = found - np.linalg.solve(bend, slope)
    return float(found[0]), float(-found[1] / found[0])


@dataclass(frozen=True, slots=True)
class Figures:
    """How pairs are judged: counts by what they are (same or not) and what they are called."""

    same: int
    same_unsure: int
    same_different: int
    other_same: int
    other_unsure: int
    other: int

    @property
    def wrong(self) -> float:
        """Share of the pairs called SAME that are not."""
        return self.other_same / max(1, self.same + self.other_same)

    @property
    def unsure(self) -> float:
        """Share of all pairs that are left UNSURE."""
        return (self.same_unsure + self.other_unsure) / max(1, self.count)

    @property
    def lost(self) -> float:
        """Share of the same pairs that are called DIFFERENT."""
        return self.same_different / max(1, self.same + self.same_unsure + self.same_different)

    @property
    def count(self) -> int:
        return self.same + self.same_unsure + self.same_different + self.other_same + self.other_unsure + self.other

    def __str__(self) -> str:
        return (
            f"{self.count} pairs; same: {self.same} SAME, {self.same_unsure} UNSURE, {self.same_different} DIFFERENT;"
            f" not the same: {self.other_same} SAME, {self.other_unsure} UNSURE, {self.other} DIFFERENT;"
            f" {self.wrong:.2%} of SAME are wrong, {self.unsure:.1%} are UNSURE, {self.lost:.1%} of the same are lost"
        )


def figures(
    pairs: Iterable[Pair],
    points: Mapping[Value, float | None] = POINTS,
    same_from: float = SAME_FROM,
    different_below: float = DIFFERENT_BELOW,
) -> Figures:
    """Judge pairs by points and thresholds, and count."""
    counts: Counter[tuple[bool, int]] = Counter()
    for pair in pairs:
        total = sum(points[value] or 0 for value in pair.values)
        counts[pair.same, 0 if total >= same_from else 2 if total < different_below else 1] += 1
    return Figures(*(counts[same, verdict] for same in (True, False) for verdict in (0, 1, 2)))


def thresholds(pairs: Sequence[Pair], points: Mapping[Value, float | None]) -> tuple[float, float]:
    """Choose SAME_FROM and DIFFERENT_BELOW by the stated aims."""
    steps = [half / 2 for half in range(-10, 40)]
    same_from = next((at for at in steps if figures(pairs, points, at, at).wrong <= WRONG), steps[-1])
    below = [at for at in steps if at <= same_from and figures(pairs, points, same_from, at).lost <= LOST]
    return same_from, max(below, default=steps[0])


def frozen_rows(pairs: Sequence[Pair]) -> list[str]:
    """Return the pairs' features, each combination with how often it occurs, without anything of their texts."""
    counts = Counter((pair.held_out, pair.same, pair.values) for pair in pairs)
    return sorted(
        json.dumps([count, held_out, same, [f"{type(v).__name__}.{v.name}" for v in values]])
        for (held_out, same, values), count in counts.items()
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, and print points and figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--freeze", action="store_true")
    given = parser.parse_args(arguments)
    pairs = labelled_pairs()
    halves = {"fitted": [p for p in pairs if not p.held_out], "held out": [p for p in pairs if p.held_out]}
    model = Model(halves["fitted"])
    told: Counter[Value] = Counter(value for pair in halves["fitted"] for value in pair.values)
    print(f"scale {model.scale:.3f}, middle {model.middle:.2f}")
    for i, value in enumerate(model.values):
        name = f"{type(value).__name__}.{value.name}"
        print(f"{name:30} {told[value]:6} pairs  prior {PRIOR.get(value, 0):5.1f}  fitted {model.points[i]:6.2f}"
              f"  table {POINTS[value]:5.1f}")  # fmt: skip
    fitted: dict[Value, float | None] = dict(model.rounded)
    chosen = thresholds(halves["fitted"], fitted)
    print(f"fitted points would have SAME_FROM {chosen[0]}, DIFFERENT_BELOW {chosen[1]}")
    for name, some in halves.items():
        print(f"{name}, table: {figures(some)}")
        print(f"{name}, fitted: {figures(some, fitted, *chosen)}")
    if given.freeze:
        head = {
            "same_from": SAME_FROM,
            "different_below": DIFFERENT_BELOW,
            "points": {f"{type(v).__name__}.{v.name}": points for v, points in POINTS.items()},
            "figures": {
                name: {"wrong": round(found.wrong, 5), "unsure": round(found.unsure, 5), "lost": round(found.lost, 5)}
                for name, some in halves.items()
                for found in (figures(some),)
            },
        }
        rows = ",\n".join(f"  {row}" for row in frozen_rows(pairs))
        FROZEN.write_text(f'{json.dumps(head, indent=1)[:-2]},\n "pairs": [\n{rows}\n ]\n}}\n', encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

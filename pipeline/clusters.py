"""Statements that belong together, by average link under constraints.

Two clusters merge where the points of their pairs reach `SAME_FROM` on average and no pair of them is DIFFERENT, the
nearest clusters first. So a chain of half-alike statements never joins its two ends, and one odd statement neither
glues strangers nor splits a well-founded event. The result depends on the statements alone, not on their order.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pipeline.matching import SAME_FROM, Comparison
from pipeline.names import BodyName
from pipeline.statements import Family, Statement
from pipeline.types import ActorKind

AT_ONCE = 1500
"""Statements compared pair by pair at once; a matrix of points takes 4 bytes a pair. Longer lists go piece by piece."""

_SPOKESMEN = 6

Apart = Callable[[Sequence[Statement], Sequence[Statement]], npt.NDArray[np.bool_]]
"""Which pairs of two lists must stay apart for reasons beyond the pair itself, as a matrix."""


@dataclass(slots=True)
class Happening:
    """Statements held to be one happening while events are being made: `told` of it, and `lifts` of its end.

    `body` is the name that stands for its actor; None where none is named, or only a sort of body.
    """

    family: Family
    body: BodyName | None
    told: list[Statement]
    lifts: list[Statement] = field(default_factory=list)

    @property
    def start(self) -> int | None:
        """The earliest day that is stated or reported, as an ordinal."""
        days = [day for s in self.told for day in (s.first, s.reported) if day is not None]
        return min(days, default=None)

    @property
    def country(self) -> str | None:
        """The country of most statements."""
        known = sorted(s.country for s in self.told if s.country is not None)
        return max(known, key=known.count, default=None)

    @property
    def kind(self) -> ActorKind | None:
        """The sort of body that most statements give."""
        known = sorted(kind for s in self.told if (kind := s.context.mention.actor_kind) is not None)
        return max(known, key=known.count, default=None)

    @property
    def order(self) -> tuple[int, int, str]:
        """Sort key: that of its first statement."""
        return min(time_order(s) for s in self.told)


def cluster(
    statements: Sequence[Statement], apart: Apart | None = None, at_once: int = AT_ONCE
) -> list[list[Statement]]:
    """Group statements of one service. Beyond `at_once` they go piece by piece; each meets spokesmen of the former."""
    ordered = sorted(statements, key=time_order)
    if len(ordered) == 1:
        return [ordered]
    groups: list[list[Statement]] = []
    for begin in range(0, len(ordered), at_once):
        piece = ordered[begin : begin + at_once]
        seeds = [spokesmen(group) for group in groups]
        flat = [s for seed in seeds for s in seed] + piece
        held = np.repeat(np.arange(len(seeds)), [len(seed) for seed in seeds])
        labels = _agglomerate(flat, np.concatenate([held, len(seeds) + np.arange(len(piece))]), apart)
        merged: dict[int, list[Statement]] = {}
        for number, group in enumerate([*groups, *([s] for s in piece)]):
            merged.setdefault(labels[number], []).extend(group)
        groups = list(merged.values())
    return [sorted(group, key=time_order) for group in groups]


def time_order(statement: Statement) -> tuple[int, int, str]:
    """Sort key: the day stated or else reported, then the report, then the mention; what has no date comes last."""
    never = 10**7
    reported = never if statement.reported is None else statement.reported
    return (reported if statement.first is None else statement.first, reported, statement.mention_id)


def spokesmen(group: Sequence[Statement]) -> list[Statement]:
    """Pick the statements that differ in what counts, a few at most, spread over the group's order."""
    kinds: dict[Hashable, Statement] = {}
    for s in group:
        days = (s.reported, None) if s.first is None else (s.first, s.last)
        kinds.setdefault((s.context.mention.action, s.context.mention.status, s.scope, days), s)
    picked = list(kinds.values())
    step = -(-len(picked) // _SPOKESMEN)
    return picked[::step]


def _agglomerate(flat: Sequence[Statement], members: npt.NDArray[np.intp], apart: Apart | None) -> list[int]:
    """Merge by chains of nearest neighbours; `members[i]` is the initial cluster of statement i.

    Average link is reducible – a merged pair is never nearer to a third cluster than the nearer of the two – and stays
    so under constraints, hence the chains find the same merges as taking the best pair each time, in quadratic time.
    Returns a label per initial cluster.
    """
    comparison = Comparison(flat)
    count = int(members.max()) + 1 if len(members) else 0
    forbidden = comparison.different
    if apart is not None:
        forbidden = forbidden | apart(flat, flat)
    sums, blocked, sizes = comparison.points.astype(np.float64), forbidden, np.ones(len(flat))
    if count < len(flat):
        order = np.flatnonzero(np.diff(members, prepend=-1))
        sums = np.add.reduceat(np.add.reduceat(sums, order, axis=0), order, axis=1)
        blocked = np.logical_or.reduceat(np.logical_or.reduceat(blocked, order, axis=0), order, axis=1)
        sizes = np.bincount(members).astype(np.float64)
    sums[blocked] = -np.inf
    np.fill_diagonal(sums, -np.inf)

    labels = np.arange(count)
    alive = np.ones(count, dtype=np.bool_)
    chain: list[int] = []
    for seed in range(count):
        if alive[seed]:
            chain = [seed]
        while chain:
            tip = chain[-1]
            links = np.where(alive, sums[tip] / (sizes[tip] * sizes), -np.inf)
            best = int(np.argmax(links))
            if links[best] < SAME_FROM:
                # Nothing is near enough, and nothing will be: this cluster is done.
                alive[chain.pop()] = False
            elif len(chain) > 1 and links[chain[-2]] == links[best]:
                kept, gone = sorted((chain.pop(), chain.pop()))
                sums[kept] += sums[gone]
                sums[:, kept] = sums[kept]
                sums[kept, kept] = -np.inf
                sizes[kept] += sizes[gone]
                alive[gone] = False
                labels[labels == gone] = kept
                chain = chain or [kept]
            else:
                chain.append(best)
    return [int(label) for label in labels]

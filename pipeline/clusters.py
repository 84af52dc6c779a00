"""Statements that belong together, by average link under constraints.

Two clusters merge where the points of their pairs reach `SAME_FROM` on average and no pair of them is DIFFERENT, the
nearest clusters first. So a chain of half-alike statements never joins its two ends, and one odd statement neither
glues strangers nor splits a well-founded event. Happenings that stood before take part through a few of their
statements; no two of them merge. The result depends on the statements alone, not on their order.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from pipeline.happenings import Happening, spokesmen, time_order
from pipeline.matching import SAME_FROM, Comparison
from pipeline.statements import Statement

AT_ONCE = 1500
"""Statements compared pair by pair at once; a matrix of points takes 4 bytes a pair. Longer lists go piece by piece."""

Apart = Callable[[Sequence[Statement], Sequence[Statement]], npt.NDArray[np.bool_]]
"""Which pairs of two lists must stay apart for reasons beyond the pair itself, as a matrix."""

Group = tuple[Happening | None, list[Statement]]
"""New statements, and the standing happening that they tell; None where they tell a new one."""


def cluster(
    statements: Sequence[Statement],
    apart: Apart | None = None,
    standing: Sequence[Happening] = (),
    at_once: int = AT_ONCE,
) -> list[Group]:
    """Group new statements of one service, with the `standing` happenings that they may tell.

    Beyond `at_once` they go piece by piece; each meets spokesmen of the former.
    """
    ordered = sorted(statements, key=time_order)
    if len(ordered) == 1 and not standing:
        return [(None, ordered)]
    groups: list[Group] = [(happening, []) for happening in standing]
    for begin in range(0, len(ordered), at_once):
        piece = ordered[begin : begin + at_once]
        seeds = [_seeds(group) for group in groups]
        flat = [s for seed in seeds for s in seed] + piece
        held = np.repeat(np.arange(len(seeds)), [len(seed) for seed in seeds])
        members = np.concatenate([held, len(seeds) + np.arange(len(piece))])
        labels = _agglomerate(flat, members, apart, len(standing))
        merged: dict[int, Group] = {}
        for number, (happening, some) in enumerate([*groups, *((None, [s]) for s in piece)]):
            found = merged.get(labels[number])
            if found is None:
                merged[labels[number]] = (happening, list(some))
            else:
                merged[labels[number]] = (found[0] or happening, found[1] + some)
        groups = list(merged.values())
    return [(happening, sorted(some, key=time_order)) for happening, some in groups if some]


def _seeds(group: Group) -> list[Statement]:
    happening, some = group
    if happening is None:
        return spokesmen(some)
    return spokesmen([*happening.voices, *some]) if some else happening.voices


def _agglomerate(
    flat: Sequence[Statement], members: npt.NDArray[np.intp], apart: Apart | None, standing: int
) -> list[int]:
    """Merge statements; `members[i]` is the initial cluster of statement i. Returns a label per initial cluster.

    The first `standing` clusters never merge with each other.
    """
    comparison = Comparison(flat)
    count = int(members.max()) + 1
    forbidden = comparison.different
    if apart is not None:
        forbidden = forbidden | apart(flat, flat)
    sums, blocked, sizes = comparison.points.astype(np.float64), forbidden, np.ones(len(flat))
    if count < len(flat):
        order = np.flatnonzero(np.diff(members, prepend=-1))
        sums = np.add.reduceat(np.add.reduceat(sums, order, axis=0), order, axis=1)
        blocked = np.logical_or.reduceat(np.logical_or.reduceat(blocked, order, axis=0), order, axis=1)
        sizes = np.bincount(members).astype(np.float64)
    blocked[:standing, :standing] = True
    sums[blocked] = -np.inf
    return average_link(sums, sizes, SAME_FROM)


def average_link(sums: npt.NDArray[np.float64], sizes: npt.NDArray[np.float64], least: float) -> list[int]:
    """Merge clusters while the pairs of the two nearest have `least` points on average. Returns a label for each.

    `sums` holds for each two clusters the points of all pairs between them, -inf where they may not merge; it is used
    up. `sizes` are the numbers of their members. Average link is reducible – a merged pair is never nearer to a third
    cluster than the nearer of the two – and stays so under constraints, hence chains of nearest neighbours find the
    same merges as taking the best pair each time, in quadratic time.
    """
    np.fill_diagonal(sums, -np.inf)
    count = len(sums)
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
            if links[best] < least:
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

"""Statements that lack a deciding fact – an actor, a date – and join the one happening that they can mean, or none.

What stood before this month's reports counts among the ones that can be meant, but of two that stood neither joins the
other: that was decided when the later of them came.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from pipeline.clusters import AT_ONCE, Apart
from pipeline.happenings import Happening, spokesmen
from pipeline.matching import Comparison, Deed, Origin, Value
from pipeline.names import Relation, relate
from pipeline.scopes import ScopeRelation
from pipeline.statements import Family, Statement, is_recurring
from pipeline.times import Bools, Time
from pipeline.types import ActorKind, ScopeClass

LEAST_POINTS = 4.0
"""Average points, short of a match, with which a statement without a date may join its body's one dated happening."""

FEW = 100
"""Statements of a happening that are all looked at; of more, spokesmen are."""

_FOR_THE_COUNTRY = frozenset(
    {
        ActorKind.GOVERNMENT,
        ActorKind.MINISTRY,
        ActorKind.REGULATOR,
        ActorKind.DATA_PROTECTION,
        ActorKind.COURT,
        ActorKind.LEGISLATURE,
        ActorKind.INTERNATIONAL,
    }
)
_NEAR = (Time.SAME_DAY, Time.OVERLAP, Time.ROUGH, Time.ADJACENT, Time.NEAR, Time.TOLD_NEAR)
_NARROW = frozenset(
    {
        ScopeClass.SUBNATIONAL,
        ScopeClass.GOVERNMENT_DEVICES,
        ScopeClass.MILITARY,
        ScopeClass.WORKPLACE,
        ScopeClass.SCHOOLS,
    }
)


def adopt_undated(happenings: Sequence[Happening], apart: Apart | None) -> list[Happening]:
    """Let restrictions by one body that no statement dates join the one dated restriction that they can mean.

    A fine or a warning without a date may as well be another one.
    """
    lost = [
        h for h in happenings if h.family is Family.RESTRICT and not h.stands and all(s.first is None for s in h.told)
    ]
    hosts = [h for h in happenings if any(s.first is not None for s in h.told)]
    if not lost or not hosts or is_recurring(hosts[0].told[0].context.mention.service_canonical):
        return list(happenings)
    moves = []
    for some in _batches(lost, hosts):
        pairs = _Pairs(some, hosts, apart=apart)
        moves += [(some[i], hosts[j]) for i, j in _only(pairs.possible & (pairs.points >= LEAST_POINTS))]
    return _move(happenings, moves)


def adopt_unnamed(happenings: Sequence[Happening]) -> list[Happening]:
    """Let happenings whose actor is unnamed, or only described, join the one named one of their country that fits.

    A body fits that acts for the country, or whose scope is stated on both sides and agrees; a company's rule for its
    staff is never what "was banned in the country" means.
    """
    groups: dict[tuple[str, str], tuple[list[Happening], list[Happening]]] = defaultdict(lambda: ([], []))
    for h in happenings:
        if h.country is not None:
            unnamed = h.body is None or h.body.is_descriptive
            groups[h.country, h.family][0 if unnamed else 1].append(h)
    moves = []
    for lost, hosts in groups.values():
        for some in _batches(lost, hosts):
            moves += _meant(some, hosts)
    return _move(happenings, moves)


def _meant(lost: Sequence[Happening], hosts: Sequence[Happening]) -> list[tuple[Happening, Happening]]:
    """Find for each lost happening the only host that it can mean, where that one is meant."""
    pairs = _Pairs(lost, hosts, actors=False)
    may = np.array([[_names_allow(one, host) for host in hosts] for one in lost])
    same = pairs.has(Deed.SAME) & ~pairs.has(ScopeRelation.ODD)
    alike = pairs.has(ScopeRelation.SAME, ScopeRelation.CLOSE, Origin.STORY)
    return [
        (lost[i], hosts[j])
        for i, j in _only(may & pairs.possible & pairs.has(*_NEAR))
        if same[i, j] and (alike[i, j] or (acts_for_country(hosts[j]) and not _is_narrow(lost[i])))
    ]


class _Pairs:
    """All pairs of two lists of happenings, through the pairs of their statements."""

    def __init__(
        self,
        guests: Sequence[Happening],
        hosts: Sequence[Happening],
        *,
        actors: bool = True,
        apart: Apart | None = None,
    ) -> None:
        rows, self._row_starts = _laid_out(guests)
        columns, self._column_starts = _laid_out(hosts)
        self._comparison = Comparison(rows, columns, actors=actors)
        forbidden = self._comparison.vetoes
        if apart is not None:
            forbidden = forbidden | apart(rows, columns)
        self.possible = ~self._any(forbidden)
        sums = np.add.reduceat(self._comparison.points.astype(np.float64), self._row_starts, axis=0)
        sums = np.add.reduceat(sums, self._column_starts, axis=1)
        counts = np.diff([*self._row_starts, len(rows)])[:, None] * np.diff([*self._column_starts, len(columns)])
        self.points = sums / counts

    def has(self, *wanted: Value) -> Bools:
        """Whether some pair of statements has one of the values, for each pair of happenings."""
        return self._any(self._comparison.holds(*wanted))

    def _any(self, pairs: Bools) -> Bools:
        by_guest = np.logical_or.reduceat(pairs, self._row_starts, axis=0)
        return np.asarray(np.logical_or.reduceat(by_guest, self._column_starts, axis=1))


def _batches(lost: Sequence[Happening], hosts: Sequence[Happening]) -> Iterator[Sequence[Happening]]:
    """Cut `lost` so that the matrices of one batch stay small."""
    tallest = max((min(FEW, len(h.told)) for h in lost), default=1)
    width = sum(min(FEW, len(h.told)) for h in hosts)
    size = max(1, AT_ONCE * AT_ONCE // max(1, tallest * width))
    for begin in range(0, len(lost) if hosts else 0, size):
        yield lost[begin : begin + size]


def _laid_out(happenings: Sequence[Happening]) -> tuple[list[Statement], npt.NDArray[np.intp]]:
    """Return the statements of happenings in a row, and where each happening's begin."""
    some = [h.told if len(h.told) <= FEW else spokesmen(h.told) for h in happenings]
    lengths = [len(statements) for statements in some]
    return [s for statements in some for s in statements], np.cumsum([0, *lengths[:-1]])


def _only(meant: Bools) -> list[tuple[int, int]]:
    """Return the pairs (row, column) of the rows that have exactly one True."""
    rows = np.flatnonzero(meant.sum(axis=1) == 1)
    return [(int(row), int(np.argmax(meant[row]))) for row in rows]


def _names_allow(one: Happening, host: Happening) -> bool:
    if one.body is not None and host.body is not None and relate(one.body, host.body) is not Relation.UNKNOWN:
        return False
    return one.kind is None or host.kind is None or one.kind is host.kind


def acts_for_country(happening: Happening) -> bool:
    """Whether a happening is what "it was banned there" means: a national body's act that is not for a few only."""
    national = happening.kind in _FOR_THE_COUNTRY or (happening.body is not None and happening.body.is_country)
    return national and not _is_narrow(happening)


def _is_narrow(happening: Happening) -> bool:
    return any(s.scope.kind in _NARROW for s in happening.told)


def _move(happenings: Sequence[Happening], moves: Sequence[tuple[Happening, Happening]]) -> list[Happening]:
    """Move guests to their hosts, in order of time, unless one differs from a guest that came before it.

    Of guest and host the one that stood keeps its id.
    """
    guests: dict[int, list[Happening]] = defaultdict(list)
    gone = set()
    for guest, host in sorted(moves, key=lambda move: move[0].order):
        earlier = guests[id(host)]
        several = (guest, host, *earlier)
        if sum(h.stands for h in several) > 1:
            continue
        if not earlier or _Pairs([guest], earlier).possible.all():
            earlier.append(guest)
            gone.add(id(guest))
    for host in happenings:
        for guest in guests[id(host)]:
            host.told += guest.told
            host.lifts += guest.lifts
            host.id = host.id or guest.id
            host.ends = host.ends or guest.ends
    return [h for h in happenings if id(h) not in gone]

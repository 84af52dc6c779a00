"""Statements that lack a deciding fact – an actor, a date – and join the one happening that they can mean, or none."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from pipeline.clusters import Apart, Happening, spokesmen
from pipeline.matching import Comparison, Deed, Origin, Time, Value
from pipeline.names import Relation, relate
from pipeline.scopes import ScopeRelation
from pipeline.statements import Family, Statement, is_recurring
from pipeline.types import ActorKind, ScopeClass

WINDOW_DAYS = 31
"""Farthest that two happenings may lie apart to be compared at all."""

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
_NEAR = (Time.SAME_DAY, Time.OVERLAP, Time.NEAR, Time.TOLD_NEAR)
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
    lost = [h for h in happenings if h.family is Family.RESTRICT and all(s.first is None for s in h.told)]
    hosts = [h for h in happenings if any(s.first is not None for s in h.told)]
    if not lost or not hosts or is_recurring(hosts[0].told[0].context.mention.service_canonical):
        return list(happenings)
    found = []
    for one in lost:
        pairs = [_Pair(one, host, apart=apart) for host in hosts]
        found.append([pair for pair in pairs if pair.possible and pair.points >= LEAST_POINTS])
    return _move(happenings, found)


def adopt_unnamed(happenings: Sequence[Happening]) -> list[Happening]:
    """Let happenings whose actor is unnamed, or only described, join the one named one of their country that fits.

    A body fits that acts for the country, or whose scope is stated on both sides and agrees; a company's rule for its
    staff is never what "was banned in the country" means.
    """
    hosts: dict[tuple[str | None, str], list[Happening]] = defaultdict(list)
    for h in happenings:
        if h.body is not None and not h.body.is_descriptive:
            hosts[h.country, h.family].append(h)
    found = []
    for one in happenings:
        if one.country is not None and (one.body is None or one.body.is_descriptive):
            some = [host for host in hosts[one.country, one.family] if _may_mean(one, host)]
            pairs = [_Pair(one, host, actors=False) for host in some]
            meant = [pair for pair in pairs if pair.possible and pair.has(*_NEAR)]
            found.append(meant if len(meant) == 1 and _fits(meant[0]) else [])
    return _move(happenings, found)


class _Pair:
    """Two happenings, compared through the pairs of their statements."""

    def __init__(self, guest: Happening, host: Happening, *, actors: bool = True, apart: Apart | None = None) -> None:
        self.guest, self.host = guest, host
        some, others = _few(guest.told), _few(host.told)
        self._comparison = Comparison([*some, *others], actors=actors)
        self._cross = np.ix_(range(len(some)), range(len(some), len(some) + len(others)))
        forbidden = self._comparison.vetoes
        if apart is not None:
            forbidden = forbidden | apart(self._comparison.statements)
        self.possible = not forbidden[self._cross].any()
        self.points = float(self._comparison.points[self._cross].mean())

    def has(self, *wanted: Value) -> bool:
        """Whether some pair of statements has one of the values."""
        return bool(self._comparison.holds(*wanted)[self._cross].any())


def _few(told: Sequence[Statement]) -> Sequence[Statement]:
    return told if len(told) <= FEW else spokesmen(told)


def _may_mean(one: Happening, host: Happening) -> bool:
    """Whether names, sorts of body and time allow it: a cheap test before the pairs are looked at."""
    if one.body is not None and host.body is not None and relate(one.body, host.body) is not Relation.UNKNOWN:
        return False
    kind, host_kind = one.kind, host.kind
    if kind is not None and host_kind is not None and kind is not host_kind:
        return False
    (begin, end), (host_begin, host_end) = _hull(one), _hull(host)
    return begin <= host_end + WINDOW_DAYS and host_begin <= end + WINDOW_DAYS


def _hull(happening: Happening) -> tuple[int, int]:
    days = [day for s in happening.told for day in (s.first, s.last, s.reported) if day is not None]
    return min(days, default=0), max(days, default=0)


def _fits(pair: _Pair) -> bool:
    """Whether the only happening that can be meant is meant."""
    guest, host = pair.guest, pair.host
    if not pair.has(Deed.SAME) or pair.has(ScopeRelation.ODD):
        return False
    if pair.has(ScopeRelation.SAME, ScopeRelation.CLOSE, Origin.STORY):
        return True
    return acts_for_country(host) and not any(s.scope.kind in _NARROW for s in guest.told)


def acts_for_country(happening: Happening) -> bool:
    """Whether a happening is what "it was banned there" means: a national body's act that is not for a few only."""
    national = happening.kind in _FOR_THE_COUNTRY or (happening.body is not None and happening.body.is_country)
    return national and not any(s.scope.kind in _NARROW for s in happening.told)


def _move(happenings: Sequence[Happening], found: Sequence[Sequence[_Pair]]) -> list[Happening]:
    """Move what has exactly one host, in order of time, unless it differs from what was moved there before it."""
    guests: dict[int, list[Happening]] = defaultdict(list)
    gone = set()
    for (pair,) in sorted((some for some in found if len(some) == 1), key=lambda some: some[0].guest.order):
        if all(_Pair(pair.guest, other).possible for other in guests[id(pair.host)]):
            guests[id(pair.host)].append(pair.guest)
            gone.add(id(pair.guest))
    for host in happenings:
        host.told += [s for guest in guests[id(host)] for s in guest.told]
    return [h for h in happenings if id(h) not in gone]

"""What a lift does to restrictions: it parts the earlier from the later, and ends the one that it is about."""

from collections.abc import Sequence

import numpy as np

from pipeline.adoption import acts_for_country
from pipeline.clusters import Apart, Happening
from pipeline.matching import Bools
from pipeline.scopes import ScopeRelation, compare_scopes, stated_apart
from pipeline.statements import Family, Statement, is_recurring
from pipeline.types import Status

ECHO_DAYS = 30
"""Days after a lift in which a restriction told without a date is taken for the lifted one."""

CLEAR_DAYS = 45
"""Of two restrictions that an unscoped lift may end, the later is meant when they began at least this far apart."""

UNNAMED_DAYS, RECURRING_DAYS = 365, 60
"""Longest time from a restriction's last report to its lift, where the lift names no actor, and for all cut-offs."""

_SLACK = 7


def parted_by(lifts: Sequence[Happening]) -> Apart | None:
    """Return what keeps restrictions before a lift from those after it, or None where nothing was lifted."""
    effective = [lift for lift in lifts if _in_force(lift)]
    if not effective:
        return None

    def apart(statements: Sequence[Statement]) -> Bools:
        parted = np.zeros((len(statements), len(statements)), dtype=np.bool_)
        for lift in effective:
            sides = np.array([_side(statement, lift) for statement in statements])
            parted |= (sides[:, None] * sides[None, :]) < 0
        return parted

    return apart


def attach_lifts(lifts: Sequence[Happening], happenings: Sequence[Happening]) -> list[Happening]:
    """Give each lift to the restriction that it ends; lifts without one stay happenings of their own."""
    alone = []
    restrictions = sorted((h for h in happenings if h.family is Family.RESTRICT), key=lambda h: h.order)
    for lift in sorted(lifts, key=lambda h: h.order):
        target = _target(lift, restrictions)
        if target is None:
            alone.append(lift)
        else:
            target.lifts += lift.told
    return [*happenings, *alone]


def _in_force(lift: Happening) -> list[Statement]:
    return [s for s in lift.told if s.context.mention.status is Status.IN_FORCE]


def _days(lift: Happening) -> tuple[int, int] | None:
    """Return first and last day on which a lift may have taken effect, by its first statement that tells."""
    statements = _in_force(lift) or lift.told
    for s in statements:
        if s.first is not None and s.last is not None:
            return s.first, s.last
    reported = [s.reported for s in statements if s.reported is not None]
    return (min(reported), min(reported)) if reported else None


def _side(statement: Statement, lift: Happening) -> int:
    """Say on which side of a lift a restriction lies: -1 before, 1 after, 0 where it can't be told."""
    days = _days(lift)
    if days is None or stated_apart([statement.scope], [s.scope for s in lift.told]):
        return 0
    first, last = days
    if statement.first is not None and statement.last is not None:
        return -1 if statement.last < first else 1 if statement.first > last else 0
    if statement.reported is None:
        return 0
    beside = any(
        statement.context.article_id == s.context.article_id or statement.context.story_id == s.context.story_id
        for s in lift.told
    )
    return -1 if beside or statement.reported <= last + ECHO_DAYS else 1


def _target(lift: Happening, restrictions: Sequence[Happening]) -> Happening | None:
    days = _days(lift)
    open_ = [h for h in restrictions if _may_end(lift, h, days)]
    if lift.body is None:
        alone = len(open_) == 1 and days is not None and _recent(open_[0], days[0])
        return open_[0] if alone and _may_be_passive(lift, open_[0]) else None
    if len(open_) <= 1:
        return open_[0] if open_ else None
    articles = {s.context.article_id for s in lift.told}
    beside = [h for h in open_ if any(s.context.article_id in articles for s in h.told)]
    if len(beside) == 1:
        return beside[0]
    alike = [h for h in open_ if _same_scope(h, lift)]
    if len(alike) == 1:
        return alike[0]
    starts = sorted((h.start or 0, i) for i, h in enumerate(open_))
    clear = starts[-1][0] - starts[-2][0] >= CLEAR_DAYS
    return open_[starts[-1][1]] if clear else None


def _may_end(lift: Happening, restriction: Happening, days: tuple[int, int] | None) -> bool:
    if lift.body is not None:
        same_actor = restriction.body == lift.body
    else:
        # "A court" is somebody, and hardly the one who restricted.
        nobody = all(s.body is None for s in lift.told)
        same_actor = nobody and lift.country is not None and restriction.country == lift.country
    began = days is None or _began_by(restriction, days[1])
    if days is not None and is_recurring(restriction.told[0].context.mention.service_canonical):
        began = began and _recent(restriction, days[0])
    ended = any(s.context.mention.status is Status.IN_FORCE for s in restriction.lifts)
    apart = stated_apart([s.scope for s in restriction.told], [s.scope for s in lift.told])
    holds = any(s.context.mention.status in (Status.IN_FORCE, Status.ANNOUNCED) for s in restriction.told)
    return same_actor and began and holds and not ended and not apart


def _began_by(restriction: Happening, day: int) -> bool:
    stated = [s.first for s in restriction.told if s.first is not None]
    if stated:
        return min(stated) <= day
    return restriction.start is None or restriction.start <= day + _SLACK


def _may_be_passive(lift: Happening, restriction: Happening) -> bool:
    """Whether "was restored" can be said of a restriction: it is the country's, or told beside it, or of one scope."""
    origins = {origin for s in lift.told for origin in (s.context.article_id, s.context.story_id)}
    beside = any(s.context.article_id in origins or s.context.story_id in origins for s in restriction.told)
    return beside or restriction.body is None or acts_for_country(restriction) or _same_scope(restriction, lift)


def _recent(restriction: Happening, day: int) -> bool:
    heard = [d for s in restriction.told for d in (s.last, s.reported) if d is not None]
    recurring = is_recurring(restriction.told[0].context.mention.service_canonical)
    return bool(heard) and day - max(heard) <= (RECURRING_DAYS if recurring else UNNAMED_DAYS)


def _same_scope(restriction: Happening, lift: Happening) -> bool:
    agree = (ScopeRelation.SAME, ScopeRelation.CLOSE)
    return any(compare_scopes(a.scope, b.scope) in agree for a in restriction.told for b in lift.told)

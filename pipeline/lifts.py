"""What a lift does to restrictions: it parts the earlier from the later, and ends the one that it is about."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.adoption import acts_for_country
from pipeline.clusters import Apart
from pipeline.happenings import Happening
from pipeline.names import BodyName
from pipeline.scopes import ScopeRelation, compare_scopes, stated_apart
from pipeline.statements import Family, Statement, is_recurring
from pipeline.times import Bools
from pipeline.types import ActorKind, Status

ECHO_DAYS = 30
"""Days after a lift in which a restriction told without a date is taken for the lifted one."""

CLEAR_DAYS = 45
"""Of two restrictions that an unscoped lift may end, the later is meant when they began at least this far apart."""

UNNAMED_DAYS, RECURRING_DAYS = 365, 60
"""Longest time from a restriction's last report to its lift, where the lift names no actor, and for all cut-offs."""

_SLACK = 7


def parted_by(lifts: Sequence[Happening]) -> Apart | None:
    """Return what keeps restrictions before a lift from those after it, or None where nothing was lifted."""
    effective = [_Lift(lift) for lift in lifts if _in_force(lift)]
    if not effective:
        return None
    known: dict[str, list[int]] = {}

    def sides(statements: Sequence[Statement]) -> npt.NDArray[np.int8]:
        for s in statements:
            if s.mention_id not in known:
                known[s.mention_id] = [lift.side(s) for lift in effective]
        return np.array([known[s.mention_id] for s in statements], dtype=np.int8)

    def apart(rows: Sequence[Statement], columns: Sequence[Statement]) -> Bools:
        a, b = sides(rows), sides(columns)
        parted = (a < 0).astype(np.float32) @ (b > 0).astype(np.float32).T
        parted += (a > 0).astype(np.float32) @ (b < 0).astype(np.float32).T
        return np.asarray(parted > 0)

    return apart


class _Lift:
    """A lift, as what restrictions lie before or after."""

    def __init__(self, lift: Happening) -> None:
        self._days = _days(lift)
        self._scopes = {s.scope for s in lift.told}
        self._origins = {origin for s in lift.told for origin in (s.context.article_id, s.context.story_id)}

    def side(self, statement: Statement) -> int:
        """Say on which side of the lift a restriction lies: -1 before, 1 after, 0 where it can't be told."""
        if self._days is None:
            return 0
        first, last = self._days
        context = statement.context
        if statement.first is not None and statement.last is not None:
            side = -1 if statement.last < first else 1 if statement.first > last else 0
        elif statement.reported is None:
            side = 0
        else:
            beside = context.article_id in self._origins or context.story_id in self._origins
            side = -1 if beside or statement.reported <= last + ECHO_DAYS else 1
        return 0 if side == 0 or stated_apart([statement.scope], self._scopes) else side


def attach_lifts(lifts: Sequence[Happening], happenings: Sequence[Happening]) -> list[Happening]:
    """Give each lift to the restriction that it ends; lifts without one stay happenings of their own.

    A lift by a body that did not impose the restriction – a court, mostly – stays its own, and says what it struck down
    where one restriction alone can be meant. What stood before goes only to what is new: the rest was decided then.
    """
    alone = []
    by_body: dict[BodyName | None, list[Happening]] = defaultdict(list)
    by_country: dict[str | None, list[Happening]] = defaultdict(list)
    for h in sorted((h for h in happenings if h.family is Family.RESTRICT), key=lambda h: h.order):
        by_body[h.body].append(h)
        by_country[h.country].append(h)
    for lift in sorted(lifts, key=lambda h: h.order):
        # "A court" is somebody, and hardly the one who restricted.
        nobody = all(s.body is None for s in lift.told) and lift.country is not None
        near = by_body[lift.body] if lift.body is not None else by_country[lift.country] if nobody else []
        # Of what stands, lifts and restrictions have met before.
        target = None if lift.stands and all(h.stands for h in near) else _target(lift, near)
        if target is not None and not (target.stands and lift.stands):
            target.lifts += lift.told
            target.id = target.id or lift.id
            continue
        alone.append(lift)
        if not lift.stands and lift.kind is ActorKind.COURT and lift.country is not None and _in_force(lift):
            lift.struck = _struck(lift, by_country[lift.country])
    return [*happenings, *alone]


def _struck(lift: Happening, restrictions: Sequence[Happening]) -> Happening | None:
    """Return the one restriction that a court's ruling can mean; None where it can mean none or several."""
    days = _days(lift)
    open_ = [h for h in restrictions if _may_end(lift, h, days) and h.kind is not ActorKind.COMPANY]
    for fits in (_beside, lambda lift, h: _same_scope(h, lift), lambda lift, h: acts_for_country(h)):
        if len(open_) > 1:
            open_ = [h for h in open_ if fits(lift, h)] or open_
    return open_[0] if len(open_) == 1 else None


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


def _target(lift: Happening, restrictions: Sequence[Happening]) -> Happening | None:
    days = _days(lift)
    open_ = [h for h in restrictions if _may_end(lift, h, days)]
    if lift.body is None:
        alone = len(open_) == 1 and days is not None and _recent(open_[0], days[0])
        return open_[0] if alone and _may_be_passive(lift, open_[0]) else None
    if len(open_) <= 1:
        return open_[0] if open_ else None
    beside = [h for h in open_ if _beside(lift, h)]
    if len(beside) == 1:
        return beside[0]
    alike = [h for h in open_ if _same_scope(h, lift)]
    if len(alike) == 1:
        return alike[0]
    starts = sorted((h.start or 0, i) for i, h in enumerate(open_))
    clear = starts[-1][0] - starts[-2][0] >= CLEAR_DAYS
    return open_[starts[-1][1]] if clear else None


def _may_end(lift: Happening, restriction: Happening, days: tuple[int, int] | None) -> bool:
    if any(s.context.mention.status is Status.IN_FORCE for s in restriction.lifts):
        return False
    if days is not None:
        recurring = is_recurring(restriction.told[0].context.mention.service_canonical)
        if not _began_by(restriction, lift, days[1]) or (recurring and not _recent(restriction, days[0])):
            return False
    holds = any(s.context.mention.status in (Status.IN_FORCE, Status.ANNOUNCED) for s in restriction.told)
    return holds and not stated_apart({s.scope for s in restriction.told}, {s.scope for s in lift.told})


def _began_by(restriction: Happening, lift: Happening, day: int) -> bool:
    """Whether a restriction began by the day of a lift. Told beside the lift without a date of its own, it did."""
    stated = [s.first for s in restriction.told if s.first is not None]
    if stated:
        return min(stated) <= day
    return restriction.start is None or restriction.start <= day + _SLACK or _beside(lift, restriction)


def _beside(lift: Happening, restriction: Happening) -> bool:
    """Whether one article, or one story, tells of both."""
    origins = {origin for s in lift.told for origin in (s.context.article_id, s.context.story_id)}
    return any(s.context.article_id in origins or s.context.story_id in origins for s in restriction.told)


def _may_be_passive(lift: Happening, restriction: Happening) -> bool:
    """Whether "was restored" can be said of a restriction: it is the country's, or told beside it, or of one scope."""
    if restriction.body is None or _beside(lift, restriction):
        return True
    return acts_for_country(restriction) or _same_scope(restriction, lift)


def _recent(restriction: Happening, day: int) -> bool:
    heard = [d for s in restriction.told for d in (s.last, s.reported) if d is not None]
    recurring = is_recurring(restriction.told[0].context.mention.service_canonical)
    return bool(heard) and day - max(heard) <= (RECURRING_DAYS if recurring else UNNAMED_DAYS)


def _same_scope(restriction: Happening, lift: Happening) -> bool:
    agree = (ScopeRelation.SAME, ScopeRelation.CLOSE)
    return any(compare_scopes(a.scope, b.scope) in agree for a in restriction.told for b in lift.told)

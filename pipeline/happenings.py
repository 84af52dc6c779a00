"""Happenings: what statements are held to tell while events are being made, month by month of publication.

A happening stands once the month of its first report has been folded (`pipeline.events`): later months add statements
to it, and never split it or merge it with another that stands. So its statements up to any month are what it was then.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.ids import content_id
from pipeline.names import BodyName
from pipeline.scopes import Scope
from pipeline.statements import Family, Statement, is_recurring
from pipeline.times import ONE_OFF
from pipeline.types import ActorKind

_SPOKESMEN = 6

NEAR_DAYS = 45
"""A statement that states a date reaches happenings of any age so many days around it."""

RECENT_MONTHS = 2
"""Months of publication before its own whose happenings a statement reaches, whatever it says."""

COUNTRY = "@"
"""Stands for the country itself among the names of bodies."""


@dataclass(slots=True, eq=False)
class Happening:
    """Statements held to be one happening: `told` of it, and `lifts` of its end by the one who imposed it.

    `body` is the name that stands for its actor; None where none is named, or only a sort of body. `id` is empty until
    the happening stands. `ends` is the id of the happening that this one, a lift by somebody else, struck down: that of
    `struck`, which may have none yet. `owner` is the restriction that has this lift, while a month is folded.
    """

    family: Family
    body: BodyName | None
    told: list[Statement]
    lifts: list[Statement] = field(default_factory=list)
    id: str = ""
    ends: str | None = None
    struck: "Happening | None" = None
    owner: "Happening | None" = None
    _voices: tuple[int, list[Statement]] = (0, [])

    @property
    def stands(self) -> bool:
        """Whether it was there before the month that is being folded."""
        return bool(self.id)

    @property
    def statements(self) -> list[Statement]:
        """All of its statements."""
        return [*self.told, *self.lifts]

    @property
    def start(self) -> int | None:
        """The earliest day that is stated or reported, as an ordinal."""
        days = [day for s in self.told for day in (s.first, s.reported) if day is not None]
        return min(days, default=None)

    @property
    def span(self) -> tuple[int, int] | None:
        """First and last day that is stated or reported of it, as ordinals."""
        days = [day for s in self.statements for day in (s.first, s.last, s.reported) if day is not None]
        return (min(days), max(days)) if days else None

    @property
    def month(self) -> str:
        """The month of its first report; empty if no article is dated."""
        return min(s.month for s in self.statements)

    @property
    def last_month(self) -> str:
        """The month of its latest report; empty if no article is dated."""
        return max(s.month for s in self.statements)

    @property
    def bodies(self) -> frozenset[str]:
        """The names by which it can be reached at any time, reduced: those of its actor."""
        return frozenset(name for s in self.statements for name in names_of(s))

    @property
    def country(self) -> str | None:
        """The country of most statements."""
        known = Counter(sorted(s.country for s in self.told if s.country is not None))
        return max(known, key=known.__getitem__, default=None)

    @property
    def kind(self) -> ActorKind | None:
        """The sort of body that most statements give."""
        known = Counter(sorted(kind for s in self.told if (kind := s.context.mention.actor_kind) is not None))
        return max(known, key=known.__getitem__, default=None)

    @property
    def order(self) -> tuple[int, int, str]:
        """Sort key: that of its first statement."""
        return min(time_order(s) for s in self.told)

    @property
    def voices(self) -> list[Statement]:
        """A few of its statements that differ in what counts, those that name the actor best first."""
        if self._voices[0] != len(self.told):
            named = [s for s in self.told if not s.is_unknown and not (s.body and s.body.is_descriptive)]
            named = named or [s for s in self.told if not s.is_unknown] or self.told
            self._voices = (len(self.told), spokesmen(sorted(named, key=time_order)))
        return self._voices[1]


def standing_before(happenings: Iterable[Happening], month: str) -> list[Happening]:
    """Return the happenings as they stood before the reports of `month`."""
    stood = []
    for h in happenings:
        told, lifts = ([s for s in some if s.month < month] for some in (h.told, h.lifts))
        if told:
            stood.append(Happening(h.family, representative(told), told, lifts, h.id, h.ends))
        elif lifts:
            stood.append(Happening(Family.LIFT, representative(lifts), lifts, [], h.id))
    return stood


def names_of(statement: Statement) -> frozenset[str]:
    """Return the reduced names by which a statement's actor is found again; none where only a sort of body is named.

    Only restrictions and lifts meet; so the names of who warns, investigates or penalizes say that too.
    """
    body = statement.body
    if body is None or body.is_vague or body.is_descriptive:
        return frozenset()
    names = {COUNTRY} if body.is_country else {body.key, *body.acronyms, *body.initials}
    if statement.family in (Family.RESTRICT, Family.LIFT):
        return frozenset(names)
    return frozenset(f"{statement.family}:{name}" for name in names)


def representative(told: Iterable[Statement]) -> BodyName | None:
    """Return the name that stands for the actor of statements: proper before described, spelt out before an acronym."""
    named = sorted(
        {s.body for s in told if s.body is not None and not s.is_unknown},
        key=lambda body: (body.is_descriptive, body.is_acronym, -len(body.words), body.country or "", body.key),
    )
    return named[0] if named else None


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


@dataclass(frozen=True, slots=True)
class Reach:
    """Which happenings the statements of one month can join, beside those told in the months just before.

    By name those of any age, unless the service is cut off again and again; by a stated date those around it. `bodies`
    says for each name the day from which what it names must have been told, as an ordinal: one that states a date is
    another than what was last told of years before.
    """

    since: str
    bodies: Mapping[str, int]
    days: tuple[tuple[int, int], ...]

    def holds(self, happening: Happening) -> bool:
        """Whether a happening is within reach."""
        last, span = happening.last_month, happening.span
        if not last or last >= self.since:
            return True
        names = happening.bodies & self.bodies.keys()
        if span is None:
            return bool(names)
        if any(self.bodies[name] <= span[1] for name in names):
            return True
        return any(first <= span[1] and span[0] <= last_day for first, last_day in self.days)


def reach_of(month: str, statements: Sequence[Statement]) -> Reach:
    """Say what statements that were published in `month` can reach."""
    recurring = bool(statements) and is_recurring(statements[0].context.mention.service_canonical)
    bodies: dict[str, int] = {}
    days = set()
    for s in statements:
        names = frozenset() if recurring else names_of(s)
        since = 0 if s.first is None else s.first - ONE_OFF.steps - NEAR_DAYS
        for name in names:
            bodies[name] = min(since, bodies.get(name, since))
        if s.first is not None and s.last is not None and (not names or s.last - s.first <= ONE_OFF.rough):
            days.add((s.first - NEAR_DAYS, s.last + NEAR_DAYS))
    return Reach(months_before(month, RECENT_MONTHS), bodies, tuple(sorted(days)))


def months_before(month: str, count: int) -> str:
    """Return the month so many months earlier; the empty month stays."""
    if not month:
        return month
    total = int(month[:4]) * 12 + int(month[5:7]) - 1 - count
    return f"{max(0, total // 12):04d}-{total % 12 + 1:02d}"


def name_happenings(block: str, month: str, founded: Sequence[Happening]) -> None:
    """Give ids to the happenings that were founded in one month of a block.

    The id says service and country, action, actor and month, so that more of the same leaves it as it is. Where these
    don't tell two apart, the day of the first report does, then the scope, then their order.
    """
    bases: dict[tuple[str, ...], list[Happening]] = {}
    for h in sorted(founded, key=lambda h: h.order):
        actor = "" if h.body is None else COUNTRY if h.body.is_country else h.body.key
        bases.setdefault((block, h.family.value, actor, month), []).append(h)
    for base, some in bases.items():
        recurring = is_recurring(some[0].told[0].context.mention.service_canonical)
        if len(some) == 1 and not recurring:
            some[0].id = content_id("event", *base)
            continue
        seen: dict[tuple[str, ...], int] = {}
        for h in some:
            marks = (str(h.start), *sorted(_scope(h.told).words))
            number = seen[marks] = seen.get(marks, -1) + 1
            h.id = content_id("event", *base, *marks, str(number))


def _scope(told: Sequence[Statement]) -> Scope:
    return next((s.scope for s in sorted(told, key=time_order) if s.scope.words), Scope(None, frozenset()))

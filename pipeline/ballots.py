"""Statements of one step, and of how far something has come, counted by voices so that each can be taken out again."""

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from datetime import date

from pipeline.statements import Statement, stated_days
from pipeline.types import Action, Status, Transition
from pipeline.votes import Bag, Peaks, Poll, agreed_date, tick

FAIR_SHARE = 1 / 3
"""A status is reached when at least this share of the voices says so that could know."""

_Evidence = tuple[float, date, str]


class Ballot:
    """Statements of one step: dates and actions by voices, when it was reported, the mention that shows it best."""

    __slots__ = ("_agreed", "_best", "actions", "actors", "ahead", "dates", "learned", "made", "reported", "voices")

    def __init__(self) -> None:
        self.voices: Counter[str] = Counter()
        self.reported, self.learned = Bag(), Bag()
        self.actions: Poll[Action] = Poll()
        self.actors: Poll[str] = Poll()
        self.dates: dict[str, Counter[str]] = defaultdict(Counter)
        """Who states which date of the step itself."""
        self.ahead: dict[str, Counter[str]] = defaultdict(Counter)
        """Who states which date for which a measure is planned: one after the report."""
        self._best: dict[tuple[str | None, Action], list[_Evidence]] = defaultdict(list)
        self.made: dict[object, Transition] = {}
        """Steps that were made of it; they hold until a statement comes or goes."""
        self._agreed: dict[bool, str | None] = {}

    def __bool__(self) -> bool:
        return bool(self.voices)

    def count(self, s: Statement, voice: str, by: int) -> None:
        """Count a statement."""
        mention, context, day = s.context.mention, s.context, s.reported or 0
        self.made.clear()
        self._agreed.clear()
        tick(self.voices, voice, by)
        self.actions.count(mention.action, voice, day, mention.score, by)
        if mention.actor_canonical is not None:
            self.actors.count(mention.actor_canonical, voice, day, mention.score, by)
        if s.reported is not None:
            self.reported.count(s.reported, by)
        if context.learned_on is not None:
            self.learned.count(context.learned_on.toordinal(), by)
        if mention.date_value is not None:
            dates = self.ahead if lies_ahead(s) else self.dates
            tick(dates[mention.date_value], voice, by)
            if not dates[mention.date_value]:
                del dates[mention.date_value]
        key, one = (mention.date_value, mention.action), (-mention.score, context.published or date.max, s.mention_id)
        best = self._best[key]
        if by > 0:
            insort(best, one)
        else:
            del best[bisect_left(best, one)]
            if not best:
                del self._best[key]

    @property
    def date(self) -> str | None:
        """The agreed date of the step itself."""
        if False not in self._agreed:
            self._agreed[False] = agreed_date(self.dates)
        return self._agreed[False]

    @property
    def planned(self) -> str | None:
        """The agreed date for which a measure is planned."""
        if True not in self._agreed:
            self._agreed[True] = agreed_date(self.ahead)
        return self._agreed[True]

    def evidence(self, day: str | None, action: Action) -> tuple[bool, bool, _Evidence]:
        """The mention that shows the step best, as a sort key that ends in it: it states the agreed date and action."""
        return min((value != day, one is not action, some[0]) for (value, one), some in self._best.items())


class Stage:
    """Who says a thing, and on which days."""

    __slots__ = ("days", "voices")

    def __init__(self) -> None:
        self.voices: Counter[str] = Counter()
        self.days = Bag()

    def count(self, voice: str, day: int, by: int) -> None:
        tick(self.voices, voice, by)
        self.days.count(day, by)


class Ladder:
    """How far something has come, by the voices that bear on each status.

    A status is borne out when a fair share of the voices says so that have spoken since its first report: what was
    written before could not know. So a ban in force outweighs the many earlier reports of its proposal, while one
    report that runs ahead of its day does not. A rejection ends what never came into force.
    """

    __slots__ = ("_peaks", "_stages")

    def __init__(self) -> None:
        self._stages: dict[Status, Stage] = defaultdict(Stage)
        self._peaks = Peaks()

    def count(self, status: Status, voice: str, day: int, by: int) -> None:
        stage = self._stages[status]
        stage.count(voice, day, by)
        if not stage.voices:
            del self._stages[status]
        self._peaks.count(voice, day, by)

    def since(self, status: Status) -> float | None:
        """The day of a status's first report, 0 if unknown; None where nobody says it."""
        return self._stages[status].days.least if status in self._stages else None

    def is_borne_out(self, status: Status, against: Peaks | None = None) -> bool:
        """Whether enough voices say that a status was reached; those of `against` speak against it."""
        since = self.since(status)
        if since is None:
            return False
        bearing = self._peaks.since(since) + (0 if against is None else against.since(since))
        return len(self._stages[status].voices) >= FAIR_SHARE * bearing

    @property
    def current(self) -> Status | None:
        """The furthest status that was reached; None where nothing is said."""
        if len(self._stages) < 2:
            return next(iter(self._stages), None)
        reached = Status.PROPOSED if Status.PROPOSED in self._stages else None
        for status in (Status.ANNOUNCED, Status.IN_FORCE, Status.REJECTED):
            if status is Status.REJECTED and reached is Status.IN_FORCE:
                break
            if self.is_borne_out(status):
                reached = status
        return reached or max(self._stages, key=lambda one: (len(self._stages[one].voices), one))


def lies_ahead(s: Statement) -> bool:
    """Whether the date of what is proposed or announced is when it shall take effect: it lies after the report."""
    mention = s.context.mention
    span = stated_days(mention.date_value) if mention.status in (Status.PROPOSED, Status.ANNOUNCED) else None
    return span is not None and s.reported is not None and span[0] > s.reported


def as_date(day: float | None) -> date | None:
    """An ordinal as a date."""
    return None if day is None else date.fromordinal(int(day))

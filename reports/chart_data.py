"""What charts draw, worked out of events and the steps of their lives. Pure; the charts are in `reports.charts`."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Final, TypeAlias

from pipeline.types import SIDE, Action, Side, Status, Transition, TransitionKind
from reports.digest import UNKNOWN
from warehouse.dates import span
from warehouse.event_list import EventRow

NO_COUNTRY: Final = frozenset({"EU", UNKNOWN})
"""Codes of the Union, and of what can't be told: no countries, so they count in no number of countries."""

UNTOLD: Final = "country not told"

ENDS: Final = frozenset({TransitionKind.LIFTED, TransitionKind.STRUCK_DOWN})

_STEPS: Final = ((1, 2, 3, 4), (1, 2, 5, 10), (1, 5, 20, 50), (1, 10, 50, 200), (1, 100, 500, 2000))
"""From which count on each colour stands: the last row is taken whose colours the highest count lets all be used."""

Points: TypeAlias = tuple[tuple[date, int], ...]
"""Days with the number that is reached on each, in order."""

Month: TypeAlias = tuple[date, Action, int]
"""First day of a month, an action, and how many events."""


@dataclass(frozen=True, slots=True)
class Curve:
    """How many countries have restricted a service by each day.

    `surely` counts those that had by the last day that their dates allow, `perhaps` by the first: the truth lies
    between. `undated` are the countries of whose restrictions none is dated, `first` the codes of those that were first
    or may have been.
    """

    service: str
    surely: Points
    perhaps: Points
    first: tuple[str, ...] = ()
    undated: int = 0

    @property
    def countries(self) -> int:
        """How many countries are dated."""
        return self.surely[-1][1] if self.surely else 0


@dataclass(frozen=True, slots=True)
class Mark:
    """A step in the life of an event: what it is, and when. `is_stated` is False where only the report is dated."""

    kind: TransitionKind
    on: date
    is_stated: bool = True


@dataclass(frozen=True, slots=True)
class Lifeline:
    """The life of an event, as it is drawn: where and what, and the days between which it held.

    It was spoken of from `known` on, surely in force from `since` (None if it never was) and perhaps from `perhaps`; it
    ended or was rejected on `until`, None while it stands. `marks` are its steps in order of their days.
    """

    event_id: str
    country: str
    service: str
    action: Action
    known: date
    perhaps: date | None
    since: date | None
    until: date | None
    marks: tuple[Mark, ...] = ()


def steps_of(highest: int) -> tuple[int, int, int, int]:
    """From which count on each of the four colours stands."""
    return next((steps for steps in reversed(_STEPS) if steps[-1] <= highest), _STEPS[0])


def is_restriction(event: EventRow) -> bool:
    """Whether an event counts as a restriction: one that took force, ended or not, and that nobody took back."""
    return (
        event.side is Side.RESTRICTING
        and event.status is Status.IN_FORCE
        and not event.retracted
        and not event.dismissed
    )


def in_force(events: Iterable[EventRow]) -> Mapping[str, int]:
    """Code of the country → how many restrictions have not ended, the most first."""
    found = Counter(event.country for event in events if is_restriction(event) and not event.lifted)
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def curves(events: Iterable[EventRow], most: int) -> tuple[Curve, ...]:
    """The spread of restrictions on the `most` services that the most countries have restricted.

    Services of whose restrictions none is dated have no curve.
    """
    grouped: dict[str, dict[str, list[EventRow]]] = {}
    for event in events:
        if is_restriction(event) and event.country not in NO_COUNTRY:
            grouped.setdefault(event.service, {}).setdefault(event.country, []).append(event)
    ranked = sorted(grouped.items(), key=lambda one: (-len(one[1]), one[0]))
    drawn = (_curve(service, countries) for service, countries in ranked)
    return tuple(islice((curve for curve in drawn if curve.countries), most))


def _curve(service: str, countries: Mapping[str, Sequence[EventRow]]) -> Curve:
    """Of each country the first restriction counts. It began between the earliest first day and the earliest last."""
    begun = {
        code: (min(dated)[0], min(last for _, last in dated))
        for code, events in countries.items()
        if (dated := [days for event in events if (days := _span(event)) is not None])
    }
    earliest = min((last for _, last in begun.values()), default=None)
    first = sorted(code for code, (start, _) in begun.items() if earliest is not None and start <= earliest)
    return Curve(
        service,
        added_up(last for _, last in begun.values()),
        added_up(start for start, _ in begun.values()),
        tuple(first),
        len(countries) - len(begun),
    )


def _span(event: EventRow) -> tuple[date, date] | None:
    return None if event.date_from is None or event.date_to is None else (event.date_from, event.date_to)


def added_up(days: Iterable[date]) -> Points:
    """Each of the days with how many of them there are up to it."""
    reached, result = 0, []
    for day, number in sorted(Counter(days).items()):
        reached += number
        result.append((day, reached))
    return tuple(result)


def by_month(events: Iterable[EventRow], until: date, months: int) -> tuple[Month, ...]:
    """First day of the month, action and number of events that fall into the last so many months up to `until`.

    An event counts in the month of the last day that its date allows or, where it is undated, of its first report.
    """
    earliest = _months_before(until, months - 1)
    found = Counter(
        (day.replace(day=1), event.action)
        for event in events
        if not event.retracted
        and not event.dismissed
        and event.status is not Status.REJECTED
        and (day := event.date_to or event.first_reported) is not None
        and earliest <= day <= until
    )
    return tuple((month, action, number) for (month, action), number in sorted(found.items()))


def _months_before(day: date, number: int) -> date:
    """First day of the month that lies so many months before that of `day`."""
    months = day.year * 12 + day.month - 1 - number
    return date(months // 12, months % 12 + 1, 1)


def lifeline(event: EventRow, steps: Sequence[Transition], country: str) -> Lifeline | None:
    """The life of an event in `country`, as it is named; None where no day of it is known at all."""
    marks = tuple(sorted(filter(None, map(_mark, steps)), key=lambda mark: mark.on))
    days = [day for day in (event.date_from, event.first_reported, *(mark.on for mark in marks)) if day is not None]
    if not days:
        return None
    until = _end(event, marks)
    since = perhaps = None
    if event.status is Status.IN_FORCE:
        since = event.date_to or event.first_reported or min(days)
        since = since if until is None else min(since, until)
        perhaps = min(event.date_from or since, since)
    return Lifeline(event.id, country, event.service, event.action, min(days), perhaps, since, until, marks)


def _end(event: EventRow, marks: Iterable[Mark]) -> date | None:
    """When it ended or was rejected: where that is not dated, the last report of it is the latest that it can be."""
    if event.lifted:
        kinds = ENDS
    elif event.status is Status.REJECTED:
        kinds = frozenset({TransitionKind.REJECTED})
    else:
        return None
    return next((mark.on for mark in marks if mark.kind in kinds), event.last_reported)


def lives_to_show(lives: Iterable[Lifeline], most: int) -> tuple[Lifeline, ...]:
    """Those of restrictions of which most is to be seen: with the most steps, then the latest; in order of time."""
    restricting = (life for life in lives if SIDE[life.action] is Side.RESTRICTING)
    ranked = sorted(restricting, key=lambda life: (-len(life.marks), -_latest(life).toordinal(), life.event_id))
    return tuple(sorted(ranked[:most], key=lambda life: (life.known, life.event_id)))


def _latest(life: Lifeline) -> date:
    return max([life.known, *(mark.on for mark in life.marks)])


def _mark(step: Transition) -> Mark | None:
    """A step at the last day that its date allows or, where it is undated, the day of its first report."""
    _, last = span(step.date_value)
    if last is not None:
        return Mark(step.kind, last)
    return None if step.reported_on is None else Mark(step.kind, step.reported_on, is_stated=False)

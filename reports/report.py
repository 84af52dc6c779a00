"""What a report tells, asked of a published snapshot: which restrictions there are, how they spread, who says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from pipeline.types import Transition
from reports.chart_data import (
    UNTOLD,
    Curve,
    Lifeline,
    Month,
    by_month,
    curves,
    in_force,
    is_restriction,
    lifeline,
    lives_to_show,
)
from reports.digest import Coverage, Item, News
from reports.digest_pages import upper
from reports.digest_reading import of_each_publisher
from warehouse import news
from warehouse.event_list import EventFilter, EventRow, events
from warehouse.reader import Reader

MOST_EVENTS: Final = 500
"""Events that are listed with their evidence unless told otherwise: about a megabyte of page."""

MOST_CURVES: Final = 6
MOST_LIVES: Final = 24
MONTHS: Final = 24

WEEK: Final = timedelta(days=7)

_CONSIDERED: Final = 2000
"""Of so many events, the latest, those are chosen whose lives are drawn."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as it is listed, with the words that tell of it, and the steps of its life."""

    item: Item
    steps: tuple[Transition, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All that a page tells. `known_at` is when the last run ended (None if none has), `day` its day in UTC.

    `asked` says in words which events were wanted, nothing for all; `counted` how many there are, of which `entries`
    are the latest. `in_force` counts restrictions by code of the country, `new` are the codes of those of which
    one came in the week up to `day`, `names` those of countries. `restrictions` counts those that ended, too.
    """

    made_at: datetime
    known_at: datetime | None
    day: date
    asked: tuple[str, ...]
    counted: int
    restrictions: int
    services: int
    in_force: Mapping[str, int]
    new: frozenset[str]
    names: Mapping[str, str]
    curves: tuple[Curve, ...]
    lives: tuple[Lifeline, ...]
    months: tuple[Month, ...]
    entries: tuple[Entry, ...]
    coverage: Coverage

    @property
    def standing(self) -> int:
        """How many restrictions have not ended."""
        return sum(self.in_force.values())


def read_report(
    reader: Reader, wanted: EventFilter, now: datetime, *, most: int = MOST_EVENTS, coverage: Coverage | None = None
) -> Report:
    """Ask for all that a report on the `wanted` events tells, the `most` latest of them with evidence.

    `now` is UTC, `coverage` how the sources fare. Raises InputError where `wanted` names nothing that is known.
    """
    found = events(reader, wanted)
    known_at = news.end_of_log(reader).ended_at
    day = (known_at or now).date()
    restrictions = [event for event in found if is_restriction(event)]
    names = news.country_names(reader)
    return Report(
        made_at=now,
        known_at=known_at,
        day=day,
        asked=tuple(_asked(wanted)),
        counted=len(found),
        restrictions=len(restrictions),
        services=len({event.service for event in restrictions}),
        in_force=in_force(restrictions),
        new=frozenset(event.country for event in restrictions if _is_of_week(event, day)),
        names=names,
        curves=curves(restrictions, MOST_CURVES),
        lives=_lives(reader, found[:_CONSIDERED], names),
        months=by_month(found, day, MONTHS),
        entries=_entries(reader, found[:most], names),
        coverage=Coverage() if coverage is None else coverage,
    )


def _is_of_week(event: EventRow, day: date) -> bool:
    """Whether it came in the week up to then, by its date or, where it has none, its first report."""
    came = event.date_to or event.first_reported
    return came is not None and day - WEEK < came <= day


def _asked(wanted: EventFilter) -> list[str]:
    told = {
        "service": wanted.service,
        "country": wanted.country,
        "actor": wanted.actor,
        "action": wanted.action,
        "status": wanted.status,
        "since": wanted.since,
        "until": wanted.until,
    }
    return [f"{name} {value}" for name, value in told.items() if value is not None]


def _lives(reader: Reader, found: Sequence[EventRow], names: Mapping[str, str]) -> tuple[Lifeline, ...]:
    steps = news.steps_of(reader, [event.id for event in found])
    lives = (lifeline(event, steps.get(event.id, ()), upper(names.get(event.country, UNTOLD))) for event in found)
    return lives_to_show([life for life in lives if life is not None], MOST_LIVES)


def _entries(reader: Reader, found: Sequence[EventRow], names: Mapping[str, str]) -> tuple[Entry, ...]:
    ids = [event.id for event in found]
    steps = news.steps_of(reader, ids)
    tellings = news.tellings_of(reader, news.mentions_of(reader, ids))
    return tuple(
        Entry(
            Item(
                News.NEW,
                event,
                None,
                names.get(event.country, event.country),
                tellings=of_each_publisher(tellings.get(event.id, ()), News.NEW),
            ),
            steps.get(event.id, ()),
        )
        for event in found
    )

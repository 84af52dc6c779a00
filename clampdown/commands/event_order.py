"""Which events are shown first: to somebody who reads a few, the best told; in a list, the latest as reported."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from warehouse.query import EventRow


def best_told(found: "Sequence[EventRow]") -> "list[EventRow]":
    """The restrictions in force that most independent voices tell of, no two of one country and service."""
    standing = [row for row in found if row.side == "restricting" and row.status == "in_force" and not row.lifted]
    seen: set[tuple[str, str]] = set()
    chosen = []
    for row in sorted(standing, key=lambda row: (-row.voices, -row.articles, -row.score, row.id)):
        if row.actor is not None and (row.country, row.service) not in seen:
            seen.add((row.country, row.service))
            chosen.append(row)
    return chosen


def last_reported(found: "Iterable[EventRow]") -> "list[EventRow]":
    """The events that articles told of last, the best told of a day first."""
    return sorted(found, key=lambda row: (-_number(row.last_reported), -row.voices, -row.articles, -row.score, row.id))


def latest_first(found: "Iterable[EventRow]") -> "list[EventRow]":
    """All events, the latest first, where one that is dated "2025" does not come before all of that year.

    A date that allows several days counts as the last of them on which an article told of the event, or of which
    articles can have known.
    """
    return sorted(found, key=lambda row: (-_number(_day(row)), row.id))


def _day(row: "EventRow") -> date | None:
    if row.date_to is None:
        return row.first_reported
    if row.date_from == row.date_to or row.last_reported is None:
        return row.date_to
    return min(row.date_to, max(row.last_reported, row.date_from or row.last_reported))


def _number(day: date | None) -> int:
    return 0 if day is None else day.toordinal()

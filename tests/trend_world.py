"""Small worlds for the trend questions: what is put into a snapshot in which there is nothing."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from warehouse.dates import span

Database = duckdb.DuckDBPyConnection
Event = dict[str, Any]


@contextmanager
def opened(file: Path, folder: Path) -> Iterator[Database]:
    """A copy of a snapshot, to be written to."""
    with duckdb.connect(shutil.copy(file, folder / "world.duckdb"), config={"threads": 1}) as database:
        yield database


def event(country: str, when: str | None, service: str = "DeepSeek", **changed: object) -> Event:
    """A restriction in force by a regulator, of the country, dated so, and first reported on 1 June 2025."""
    first, last = span(when)
    made: Event = {
        "service_canonical": service,
        "country": country,
        "actor_canonical": f"Regulator of {country}",
        "actor_kind": "regulator",
        "action": "ban",
        "side": "restricting",
        "status": "in_force",
        "scope": None,
        "scope_class": None,
        "reason_classes": ["privacy"],
        "date_value": when,
        "date_from": first,
        "date_to": last,
        "lifted": False,
        "first_reported": date(2025, 6, 1),
        "last_reported": date(2025, 6, 1),
        "learned_on": date(2025, 6, 1),
        "voices": 1,
        "stories": 1,
        "articles": 1,
        "score": 0.9,
        "why": "",
        "block": "",
        "first_run_id": "run-1",
        "changed_run_id": "run-1",
        "retracted": False,
        "dismissed": False,
    }
    return made | changed


def fill(database: Database, events: Sequence[Event]) -> None:
    """Put the events in place of those that are there; their ids are e0, e1 …"""
    database.execute("DELETE FROM events; DELETE FROM event_transitions")
    put(database, "events", *({"event_id": f"e{number}"} | one for number, one in enumerate(events)))


def put(database: Database, table: str, *rows: Event) -> None:
    """Insert rows that have the same columns."""
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        values = ", ".join(f"({marks})" for _ in rows)
        given = [value for row in rows for value in row.values()]
        database.execute(f"INSERT INTO {table} ({', '.join(rows[0])}) VALUES {values}", given)


def end(
    database: Database, event_id: str, when: str | None, kind: str = "lifted", reported: date | None = None
) -> None:
    """Tell when the event ended."""
    first, last = span(when)
    step = {"kind": kind, "status": "in_force", "action": "lift", "date_value": when, "date_from": first}
    step |= {"date_to": last, "reported_on": reported, "mention_id": "m", "learned_on": date(2025, 6, 1)}
    put(database, "event_transitions", {"event_id": event_id, "position": 1, **step})


def read(database: Database, source: str, days: Sequence[date], articles: int, **changed: object) -> None:
    """Say that so many articles of the source were read of each of the days, on that day."""
    row = {"source_id": source, "source": source, "entries": articles, "articles": articles, "fetched": articles}
    row |= {"fetched_undated": 0, "mentions": 0, "polls": 1, "answered": 1}
    put(database, "coverage", *({"day": day, **row, **changed} for day in days))


def days(since: date, until: date) -> list[date]:
    return [since + timedelta(number) for number in range((until - since).days + 1)]

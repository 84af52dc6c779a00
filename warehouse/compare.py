"""The content of a warehouse or snapshot without what depends on when it was gathered, so that two can be compared.

Killed and continued, run twice, run directly or as a flow: the content must be equal. What is left out, and why:
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from warehouse.reader import Reader, open_reader

CLOCK_TABLES: Mapping[str, str] = {
    "runs": "one row per run, named and dated by its start",
    "polls": "one row per run and source",
    "source_pace": "measured up to the last poll",
    "schema_versions": "dated by the day of migration",
    "manifest": "says when the snapshot was published",
    "lake_turns": "counts the transactions of a lake",
    "event_forwards": "tells of ids that were in use in between, which depends on where a run was cut",
    "event_origins": "tells of events that parted from others in between, likewise",
    "event_history": "one row per day on which something new was fetched",
    "transition_history": "one row per day on which something new was fetched",
    "changes": "one row per transaction that changed an event: how often, depends on where a run was cut",
    "coverage": "counts polls and fetches by their day",
}
"""Tables left out as a whole, with the reason."""

CLOCK_COLUMNS: Mapping[str, str] = {
    "run_id": "names a run by its start",
    "first_run_id": "names a run by its start",
    "changed_run_id": "names a run by its start",
    "fetched_at": "the time of a response",
    "learned_on": "the day of a response",
    "withdrawn_on": "the day of a response",
    "known_from": "the day of a response or a decision",
    "known_to": "the day of a response or a decision",
    "retry_at": "counted from the time of a failure",
    "revisit_at": "counted from the time of a response",
    "visited_at": "the time of a request",
    "interval_seconds": "a feed's pace is measured up to the time of the poll",
    "next_poll_at": "counted from the time of a poll",
    "failures": "counts polls, and how many there were depends on the runs",
    "error": "may tell how long a server asks to wait",
    "answered_at": "the time of a poll",
    "changed_at": "the time of a poll",
    "gone_at": "the time of a poll",
    "archive_part": "parts are named by their time of writing",
    "archive_offset": "depends on what the part holds beside it",
    "archive_length": "a record holds headers that tell the time",
    "archive_sha256": "a record holds headers that tell the time",
}
"""Columns left out wherever they occur, with the reason."""


def content(where: Path | Reader) -> dict[str, list[tuple[Any, ...]]]:
    """Table → its rows, sorted, without clock columns. `where` is a warehouse or snapshot file, or an open reader.

    Views are not read: they hold nothing that the tables do not hold.
    """
    if isinstance(where, Reader):
        return _content(where)
    with open_reader(where) as reader:
        return _content(reader)


def kept_columns(columns: Mapping[str, str]) -> list[str]:
    """The names among `columns` that are no clock."""
    return [name for name in columns if name not in CLOCK_COLUMNS]


def _content(reader: Reader) -> dict[str, list[tuple[Any, ...]]]:
    found = {}
    for table in reader.tables():
        if table not in CLOCK_TABLES:
            names = ", ".join(f'"{name}"' for name in kept_columns(reader.columns(table)))
            found[table] = sorted(reader.rows(f'SELECT {names} FROM "{table}"'), key=repr)
    return found

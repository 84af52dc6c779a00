"""Questions to a published snapshot: lists of events, one event with all its evidence, free SQL, exports."""

from pathlib import Path

from pipeline.dissent import Dissent
from pipeline.errors import InputError, WarehouseError
from warehouse.event_detail import (
    ArticleLine,
    EventDetail,
    MentionDetail,
    StepDetail,
    VersionLine,
    Voice,
    event,
)
from warehouse.event_list import EventFilter, EventRow, events
from warehouse.export import export
from warehouse.reader import Reader, open_reader
from warehouse.schema import SCHEMA_VERSION
from warehouse.snapshot import DATABASE_NAME
from warehouse.sql import Table, run_sql

__all__ = [
    "ArticleLine",
    "Dissent",
    "EventDetail",
    "EventFilter",
    "EventRow",
    "MentionDetail",
    "Reader",
    "StepDetail",
    "Table",
    "VersionLine",
    "Voice",
    "connect_snapshot",
    "event",
    "events",
    "export",
    "run_sql",
]


def connect_snapshot(path: Path) -> Reader:
    """Open the snapshot at `path`: its DuckDB file, or the folder it was published to.

    Raises InputError where there is none, WarehouseError where it is damaged or of a newer schema.
    """
    reader = open_reader(path / DATABASE_NAME if path.is_dir() else path)
    try:
        if "manifest" not in reader.tables():
            raise InputError(f"{path} is no published snapshot", hint="`clampdown run` publishes one.")
        version = int(reader.rows("SELECT value FROM manifest WHERE key = 'schema_version'")[0][0])
        if version > SCHEMA_VERSION:
            raise WarehouseError(
                f"{path} has schema {version}; this program knows schemas up to {SCHEMA_VERSION}",
                hint="Update the program.",
            )
    except BaseException:
        reader.close()
        raise
    return reader

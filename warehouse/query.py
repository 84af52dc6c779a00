"""Questions to a published snapshot: lists of events, one event with all its evidence, free SQL."""

from pathlib import Path

from pipeline.dissent import Dissent
from pipeline.errors import InputError, WarehouseError
from warehouse.event_detail import EventDetail, event
from warehouse.event_evidence import ArticleLine, MentionDetail, StepDetail, VersionLine, Voice
from warehouse.event_list import EventFilter, EventRow, events
from warehouse.reader import Reader, open_reader
from warehouse.schema import SCHEMA_VERSION
from warehouse.snapshot import DATABASE_NAME
from warehouse.sql import Answer, Table, ask, run_sql

__all__ = [
    "Answer",
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
    "ask",
    "connect_snapshot",
    "event",
    "events",
    "run_sql",
]


def connect_snapshot(
    path: Path, *, memory_limit: str | None = None, workspace: Path | None = None, threads: int | None = None
) -> Reader:
    """Open the snapshot at `path`: its DuckDB file, or the folder it was published to. For the rest see `open_reader`.

    Raises InputError where there is none, WarehouseError where it is damaged or of a newer schema.
    """
    file = path / DATABASE_NAME if path.is_dir() else path
    reader = open_reader(file, memory_limit=memory_limit, workspace=workspace, threads=threads)
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

"""A warehouse that an older program wrote: its mentions find their blocks, its events their happenings."""

from datetime import date, datetime
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import warehouse_material as material
from followed import assert_log_gives_events

from pipeline.ids import content_id
from warehouse import schema
from warehouse.compare import content
from warehouse.database import Database
from warehouse.store import open_warehouse

TABLES = ("events", "event_mentions", "event_transitions", "happenings", "mentions", "unsure_pairs")


def test_events_of_an_older_program_are_resolved_anew_and_their_ids_lead_on(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with open_warehouse(path) as warehouse:
        material.fill(warehouse, "run-1")
    expected = {table: rows for table, rows in content(path).items() if table in TABLES}
    with open_warehouse(path) as warehouse:
        database = warehouse._database
        events = {event_id for (event_id,) in database.execute("SELECT event_id FROM events")}
        for table in ("events", "event_mentions", "event_transitions"):
            database.script(f"UPDATE {table} SET event_id = 'old-' || event_id")
        database.script(
            """
            UPDATE event_mentions SET happening_id = NULL;
            UPDATE events SET block = lower(service_canonical);
            UPDATE mentions SET block = lower(service_canonical);
            DELETE FROM happenings; DELETE FROM unsure_pairs;
            """
        )
    with open_warehouse(path) as warehouse:
        forwards = dict(warehouse._database.execute("SELECT old_id, new_id FROM event_forwards"))
    assert {table: rows for table, rows in content(path).items() if table in TABLES} == expected
    assert forwards | {f"old-{event_id}": event_id for event_id in events} == forwards
    before = content(path)
    open_warehouse(path).close()
    assert content(path) == before


def _ask(database: Database, sql: str) -> list[dict[str, Any]]:
    rows = database.execute(sql)
    names = [name for name, *_ in database.connection.description or ()]
    return [dict(zip(names, row, strict=True)) for row in rows]


MENTION = content_id("mention", "a1", "13:19", "ban", "Italy", "DeepSeek", "x")
WORDS = {
    "mention_id": MENTION,
    "article_id": "a1", "entry_id": "n1", "source_id": "alpha", "event_id": "e1", "run_id": "run-0",
    "first_run_id": "run-0", "changed_run_id": "run-0", "story_id": "s1", "block": "deepseek", "action": "ban",
    "side": "restricting", "status": "in_force", "country": "IT", "service_canonical": "DeepSeek",
    "text_origin": "page", "actor_kind": "government", "kind": "ministry", "actor_canonical": "Italy",
    "scope_class": "nationwide",
    "title": "A ban", "text": "A ban\n\nItaly banned DeepSeek.", "trigger_quote": "banned", "service_quote": "DeepSeek",
    "outcome": "events", "date_value": "2025-01-30", "old_id": "e0", "new_id": "e1",
}  # fmt: skip
NUMBERS = {"trigger_start": 13, "trigger_end": 19, "service_start": 20, "service_end": 28, "version": 1, "score": 0.9}


def test_every_table_of_the_first_schemas_is_brought_up_with_its_rows(tmp_path: Path) -> None:
    """DuckDB refuses some changes only where a table holds rows, and only at the commit."""
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as old:
        for number, script in enumerate(schema.MIGRATIONS[:4], start=1):
            old.execute(schema._LEDGER)
            old.execute((files(schema) / script).read_text("utf-8"))
            old.execute("INSERT INTO schema_versions VALUES (?, ?, now()::TIMESTAMP)", [number, script])
        tables = {name for (name,) in old.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        for table in sorted(tables - {"schema_versions"}):
            columns = old.execute(
                "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ? ORDER BY column_index",
                [table],
            ).fetchall()
            values = [_value(name, type_) for name, type_ in columns]
            for _ in range(3 if table in ("polls", "entries") else 1):
                old.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)
    with open_warehouse(path) as warehouse:
        ask = warehouse._database.execute
        ((event_id, block),) = ask("SELECT event_id, block FROM events")
        assert block == "deepseek|IT"
        assert ask("SELECT old_id, new_id FROM event_forwards ORDER BY 1") == [("e0", event_id), ("e1", event_id)]
        assert ask("SELECT reported_on, learned_on, version, edition FROM mentions") == [
            (date(2025, 2, 1), date(2025, 2, 1), 1, 0)
        ]
        # What was there when the log began is told first, what became of it then.
        assert ask("SELECT kind, event_id, other_id FROM changes ORDER BY position") == [
            ("present", "e1", None),
            ("renamed", "e1", event_id),
            ("continued", event_id, "e1"),
        ]
        assert_log_gives_events(partial(_ask, warehouse._database))


def _value(name: str, type_: str) -> object:
    if name in WORDS or name in NUMBERS:
        return WORDS.get(name, NUMBERS.get(name))
    if type_.endswith("[]"):
        return []
    return {
        "VARCHAR": "x", "BOOLEAN": False, "DATE": date(2025, 2, 1), "TIMESTAMP": datetime(2025, 2, 1), "BLOB": b"x",
    }.get(type_, {} if type_.startswith("MAP") else 1)  # fmt: skip

"""A warehouse that an older program wrote: its mentions find their blocks, its events their happenings."""

from pathlib import Path

import warehouse_material as material

from warehouse.compare import content
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

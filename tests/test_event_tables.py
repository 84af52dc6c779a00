"""The tables of events: only what changed is rewritten; ids lead on; what parts says where it came from."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from lifecycle_cases import said

from pipeline.chronicle import chronicle
from pipeline.consensus import agree
from pipeline.errors import WarehouseError
from pipeline.types import Event, TransitionKind
from warehouse import schema
from warehouse.database import Database
from warehouse.tables import events

ORDER = {"run-1": 1, "run-2": 2, "run-3": 3}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(tmp_path / "warehouse.duckdb")
    schema.migrate(opened)
    yield opened
    opened.close()


def made(event_id: str, *numbers: int) -> Event:
    told = [said(n, date="2025-01-30", scope="schools", scope_class="schools", reasons=("privacy",)) for n in numbers]
    ended = [said(n + 100, "lifted", action="lift", on="2025-03-05", date="2025-03-04") for n in numbers[:1]]
    return agree(event_id, told, ended)


def store(database: Database, run_id: str, *new: Event) -> events.Change:
    """Put events in the place of all that are stored, as the resolver does."""
    ids = [event_id for (event_id,) in database.execute("SELECT event_id FROM events")]
    old = events.of_ids(database, ids)
    with database.transaction():
        change = events.compare(old, {one.id: (one, "block") for one in new}, run_id, ORDER)
        events.apply(database, run_id, change)
    return change


def test_what_is_stored_is_read_back(database: Database) -> None:
    event = made("a", 1, 2)
    step = replace(event.transitions[0], kind=TransitionKind.REVIEWED, learned_on=date(2025, 4, 1), detail="confirmed")
    event = replace(event, dismissed=True, retracted=True, transitions=(*event.transitions, step))
    old = {"m": "h"}
    with database.transaction():
        change = events.compare({}, {"a": (event, "block")}, "run-1", ORDER, dict.fromkeys(event.mention_ids, "h"))
        events.apply(database, "run-1", change)
    stored = events.of_ids(database, ["a", "b"])
    assert list(stored) == ["a"]
    assert stored["a"].event == event
    assert stored["a"].placed == dict.fromkeys(event.mention_ids, old["m"])
    assert events.of_ids(database, []) == {}


def test_what_did_not_change_keeps_its_rows(database: Database) -> None:
    store(database, "run-1", made("a", 1), made("b", 2))
    change = store(database, "run-2", made("a", 1), made("b", 2, 3))
    assert [stored.event.id for stored in change.rewritten] == ["b"]
    rows = database.execute("SELECT event_id, first_run_id, changed_run_id FROM events ORDER BY 1")
    assert rows == [("a", "run-1", "run-1"), ("b", "run-1", "run-2")]
    assert store(database, "run-3", made("a", 1), made("b", 2, 3)).rewritten == ()


def test_a_merged_event_leads_to_its_heir(database: Database) -> None:
    store(database, "run-1", made("a", 1, 2), made("b", 3))
    store(database, "run-2", made("b", 1, 2, 3))
    assert database.execute("SELECT old_id, new_id FROM event_forwards") == [("a", "b")]
    assert database.execute("FROM event_origins") == []
    store(database, "run-3", made("c", 1, 2, 3))
    assert database.execute("SELECT old_id, new_id FROM event_forwards ORDER BY 1") == [("a", "c"), ("b", "c")]


def test_a_part_says_where_it_came_from(database: Database) -> None:
    store(database, "run-1", made("a", 1, 2, 3))
    store(database, "run-2", made("a", 1, 2), made("b", 3))
    assert database.execute("SELECT event_id, origin_id, run_id FROM event_origins") == [("b", "a", "run-2")]
    assert database.execute("FROM event_forwards") == []


def test_an_event_that_falls_apart_leads_to_its_greater_part(database: Database) -> None:
    store(database, "run-1", made("a", 1, 2, 3))
    store(database, "run-2", made("b", 1, 2), made("c", 3))
    assert database.execute("SELECT old_id, new_id FROM event_forwards") == [("a", "b")]
    assert database.execute("SELECT event_id, origin_id FROM event_origins") == [("c", "a")]


def test_two_blocks_cannot_have_one_event(database: Database) -> None:
    store(database, "run-1", made("a", 1))
    with pytest.raises(WarehouseError, match="belongs to two blocks"), database.transaction():
        events.apply(database, "run-2", events.compare({}, {"a": (made("a", 2), "other")}, "run-2", ORDER))


def test_history_is_that_of_the_chronicle(database: Database) -> None:
    told = [
        said(1, date="2025-02-04", on="2025-02-05", withdrawn="2025-02-08"),
        said(1, date="2025-02-05", on="2025-02-05", learned="2025-02-08", version=2, edition=1),
    ]
    event = agree("a", told, [])
    with database.transaction():
        change = events.compare({}, {"a": (event, "block")}, "run-1", ORDER)
        events.apply(database, "run-1", change, {"a": chronicle("a", told, [])})
    assert database.execute("SELECT known_from, known_to, date_value FROM event_history ORDER BY 1") == [
        (date(2025, 2, 5), date(2025, 2, 8), "2025-02-04"),
        (date(2025, 2, 8), None, "2025-02-05"),
    ]
    assert database.execute("SELECT count(*) FROM transition_history") == [(3,)]
    store(database, "run-2")
    assert database.execute("FROM event_history") == database.execute("FROM transition_history") == []

"""The log of changes: followed from nothing it gives the events, and asked since when, what became of each."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from followed import GONE, NEW, Followed, Row, follow, stored
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lifecycle_cases import said

from pipeline.consensus import agree
from pipeline.errors import WarehouseError
from pipeline.types import Event
from warehouse import schema, views
from warehouse.database import Database
from warehouse.tables import changes, events, runs

START = datetime(2025, 2, 1, 10, tzinfo=UTC)
RUNS = [f"run-{number}" for number in range(10, 22)]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(tmp_path / "warehouse.duckdb")
    schema.migrate(opened)
    opened.script(next(script for script in views.scripts() if "MACRO changes_since" in script))
    yield opened
    opened.close()


def made(event_id: str, *numbers: int, dismissed: bool = False, lifted: bool = False) -> Event:
    told = [said(n, date="2025-01-30", scope="schools", scope_class="schools", reasons=("privacy",)) for n in numbers]
    ended = [said(n + 100, "lifted", action="lift", on="2025-03-05", date="2025-03-04") for n in numbers[:1]]
    return replace(agree(event_id, told, ended if lifted else []), dismissed=dismissed)


def store(database: Database, number: int, *new: Event) -> str:
    """Put events in the place of all that are stored, as the resolver does, in a run of its own."""
    run_id, begun = RUNS[number], START + timedelta(hours=number)
    runs.begin(database, run_id, begun, mode="direct", model="m", version="0")
    old = events.of_ids(database, [event_id for (event_id,) in database.execute("SELECT event_id FROM events")])
    with database.transaction():
        change = events.compare(old, {one.id: (one, "block") for one in new}, run_id, runs.order(database))
        events.apply(database, run_id, change)
    runs.finish(database, run_id, begun + timedelta(minutes=30), "finished")
    return run_id


def asked(database: Database, sql: str) -> list[Row]:
    rows = database.execute(sql)
    names = [name for name, *_ in database.connection.description or ()]
    return [dict(zip(names, row, strict=True)) for row in rows]


def test_each_kind_of_change_is_told(database: Database) -> None:
    dismissed, lifted = made("a", 1, 2, dismissed=True), made("a", 1, 2, lifted=True)
    told = []
    for number, some in enumerate(
        [
            (made("a", 1), made("b", 2)),
            (made("a", 1, 2),),
            (made("a", 1), made("b", 2)),
            (dismissed,),
            (made("a", 1, 2),),
            (lifted,),
            (lifted,),
            (replace(made("a", 1, 2), retracted=True),),
            (made("c", 1, 2, 3),),
            (),
        ]
    ):
        run_id = store(database, number, *some)
        told.append(
            database.execute(
                "SELECT event_id, kind, other_id FROM changes WHERE run_id = ? ORDER BY position", [run_id]
            )
        )
    assert told == [
        [("a", "appeared", None), ("b", "appeared", None)],
        [("b", "merged", "a"), ("a", "changed", None)],
        [("a", "changed", None), ("b", "split", "a")],
        [("b", "merged", "a"), ("a", "dismissed", None)],
        [("a", "restored", None)],
        [("a", "ended", None)],
        [],
        [("a", "retracted", None)],
        [("a", "renamed", "c"), ("c", "continued", "a")],
        [("c", "removed", None)],
    ]
    rows = asked(database, "FROM changes ORDER BY position")
    ended = next(row for row in rows if row["kind"] == "ended")
    assert ended["steps"] == ["lifted"]
    assert (len(ended["arrived"]), ended["departed"]) == (1, [])
    assert "lifted" in ended["fields"]
    assert (ended["before"]["lifted"], ended["after"]["lifted"]) == (False, True)
    assert ended["after"]["action"] is None, "it did not change"


def test_since_when_can_be_told_in_many_ways(database: Database) -> None:
    store(database, 0, made("a", 1))
    first = store(database, 1, made("a", 1, 2))
    store(database, 2, made("a", 1, 2), made("b", 3))
    cut_short = RUNS[3]
    runs.begin(database, cut_short, START + timedelta(hours=3), mode="direct", model="m", version="0")
    changed = [("a", "changed"), ("b", "appeared")]
    for since, expected in (
        ("0", [("a", "appeared"), ("b", "appeared")]),
        ("1", changed),
        (f"'{first}'", changed[1:]),
        (f"'{RUNS[2]}'", []),
        (f"'{cut_short}'", []),
        ("'2025-02-01'", [("a", "appeared"), ("b", "appeared")]),
        ("'2025-02-01 11:00'", changed),
        ("TIMESTAMP '2025-02-01 12:00:00'", changed[1:]),
        ("'2025-02-01T13:00:00+01:00'", changed[1:]),
        ("DATE '2025-02-02'", []),
    ):
        asked_for = database.execute(f"SELECT event_id, kind FROM changes_since({since}) ORDER BY event_id")
        assert asked_for == expected, since
    for nonsense in ("'soon'", "NULL", "'2025'"):
        with pytest.raises(WarehouseError, match="is no run, time or position"):
            database.execute(f"FROM changes_since({nonsense})")


@st.composite
def worlds(draw: st.DrawFn) -> list[tuple[Event, ...]]:
    """What the resolver made of mentions in one run after another: who is with whom, and under which id."""
    found = []
    for _ in range(draw(st.integers(2, 5))):
        places = draw(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=6, max_size=6))
        parts = {one: [n for n, at in enumerate(places, 1) if at == one] for one in ("a", "b", "c")}
        # An id that another id was used for in between: names change while mentions stay together.
        names = dict(zip("abc", draw(st.permutations(["a", "b", "c", "d"])), strict=False))
        if draw(st.booleans()):
            names = {one: one for one in "abc"}
        flags = st.booleans()
        found.append(
            tuple(
                made(names[one], *numbers, dismissed=draw(flags), lifted=draw(flags))
                for one, numbers in parts.items()
                if numbers
            )
        )
    return found


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_what_follows_from_changes_is_what_they_made(world: list[tuple[Event, ...]]) -> None:
    stored_events: dict[str, events.StoredEvent] = {}
    followed: dict[str, changes.State] = {}
    for run_id, made_events in zip(RUNS, world, strict=False):
        change = events.compare(stored_events, {one.id: (one, "block") for one in made_events}, run_id, {})
        stored_events = {id_: one for id_, one in stored_events.items() if id_ not in change.gone}
        stored_events |= {one.event.id: one for one in change.rewritten}
        for one in events.followed(change):
            assert followed.get(one.event_id) == one.before
            if one.other_id is not None:
                assert one.other_id in stored_events or one.kind is changes.Kind.CONTINUED
                assert one.other_id != one.event_id
            if one.after is None:
                del followed[one.event_id]
            else:
                followed[one.event_id] = one.after
        assert {id_: one.mention_ids for id_, one in followed.items()} == {
            one.id: one.mention_ids for one in made_events
        }
        assert {id_: one.values["why"] for id_, one in followed.items()} == {one.id: one.why for one in made_events}


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(worlds())
def test_followed_from_nothing_the_log_gives_the_events(database: Database, world: list[tuple[Event, ...]]) -> None:
    for table in (
        "events",
        "event_mentions",
        "event_transitions",
        "event_forwards",
        "event_origins",
        "changes",
        "runs",
    ):
        database.script(f"DELETE FROM {table}")
    states = []
    for number, made_events in enumerate(world):
        store(database, number, *made_events)
        states.append(stored(partial(asked, database)))
    rows = asked(database, "FROM changes ORDER BY position")
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    assert len({(row["run_id"], row["event_id"]) for row in rows}) == len(rows), "one row per event and transaction"
    assert follow(rows) == states[-1]
    for number, before in enumerate(states):
        _check_net(database, RUNS[number], rows, before, states[-1])


@dataclass
class Life:
    """An event in the eyes of a reader who saw it under `first_id`, or never before."""

    first_id: str | None
    id: str
    lives: bool = True


def _check_net(database: Database, since: str, rows: list[Row], before: Followed, after: Followed) -> None:
    """Hold what changes_since says to the states before and after."""
    last = {event_id: Life(event_id, event_id) for event_id in before}
    lives = list(last.values())
    leaving: dict[str, Life] = {}
    for row in rows:
        event_id, kind = row["event_id"], row["kind"]
        if row["run_id"] <= since:
            continue
        if kind == "renamed":
            leaving[event_id] = last.pop(event_id)
        elif kind in GONE:
            last[event_id].lives = False
        elif kind == "continued":
            last[event_id] = leaving.pop(row["other_id"])
            last[event_id].id = event_id
        elif kind in NEW:
            if event_id not in last:
                last[event_id] = Life(None, event_id)
                lives.append(last[event_id])
            last[event_id].lives = True
    net = asked(database, f"FROM changes_since('{since}')")
    told = {(row["former_id"] or row["event_id"] if row["before"] else None, row["event_id"]): row for row in net}
    assert len(told) == len(net)
    for life in lives:
        if life.first_id is None and not life.lives:
            continue
        row = told.pop((life.first_id, life.id), {})
        if life.first_id is None:
            assert row["kind"] in ("appeared", "split")
            assert row["after"] == {name: after[life.id][0][name] for name in row["after"]}
            assert row["arrived"] == after[life.id][1]
            continue
        was, had = before[life.first_id]
        if not life.lives:
            assert row["kind"] in ("merged", "removed")
            assert row["other_id"] is None or row["other_id"] in after
            assert row["after"] is None
            assert row["before"] == {name: was[name] for name in row["before"]}
            continue
        became, has = after[life.id]
        differing = [name for name in was if name != "changed_run_id" and was[name] != became[name]]
        moved = (sorted(set(has) - set(had)), sorted(set(had) - set(has)))
        if not row:
            assert (life.first_id, differing, moved) == (life.id, [], ([], []))
            continue
        assert sorted(row["fields"]) == sorted(differing)
        assert (row["arrived"], row["departed"]) == moved
        for side, values in (("before", was), ("after", became)):
            assert row[side] == {name: values[name] if name in differing else None for name in row[side]}
    assert not told, "nothing is told of what is as it was"

"""Storing: each method is one transaction, storing twice changes nothing, and nothing vanishes."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import warehouse_material as material
from hypothesis import given, settings
from hypothesis import strategies as st
from warehouse_material import START, article, ask, discover, entry, fill, mention, poll, result, results

from pipeline.errors import WarehouseError
from pipeline.types import (
    ArchiveRef,
    DateBasis,
    EntryResult,
    FeedOutcome,
    FeedState,
    Outcome,
    Poll,
    Quote,
    Stamp,
)
from warehouse.compare import content
from warehouse.dates import span
from warehouse.store import Warehouse, open_warehouse


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("begun") / "warehouse.duckdb"
    with open_warehouse(file) as opened:
        material.begin(opened, "run-1")
    return file


@pytest.fixture
def warehouse(tmp_path: Path, begun: Path) -> Iterator[Warehouse]:
    with open_warehouse(Path(shutil.copy(begun, tmp_path))) as opened:
        yield opened


# Runs


def test_unfinished_run_is_marked_interrupted(warehouse: Warehouse) -> None:
    material.begin(warehouse, "run-1")  # begun twice: still one run
    material.begin(warehouse, "run-2", hours=1)
    warehouse.finish_run("run-2", START + timedelta(hours=2), "finished")
    assert ask(warehouse, "SELECT run_id, status FROM runs ORDER BY run_id") == [
        ("run-1", "interrupted"),
        ("run-2", "finished"),
    ]
    with pytest.raises(WarehouseError, match="already ended"):
        material.begin(warehouse, "run-2")
    with pytest.raises(WarehouseError, match="never begun"):
        warehouse.finish_run("run-9", START, "finished")
    with pytest.raises(WarehouseError, match="never begun"):
        warehouse.summary("run-9")


def test_naive_times_are_refused(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseError, match="no zone"):
        warehouse.begin_run("run-3", datetime(2025, 2, 10), mode="test", model="m", version="0")


# Sources and registries


def test_source_that_leaves_the_list_stays_known(warehouse: Warehouse) -> None:
    changed = replace(material.SOURCES[1], name="Beta Daily Times")
    warehouse.sync_sources([material.SOURCES[0], changed])
    assert ask(warehouse, "SELECT source_id, name, listed FROM sources ORDER BY source_id") == [
        ("alpha", "Alpha Gazette", True),
        ("beta", "Beta Daily Times", True),
        ("gamma", "Gamma Post", False),
    ]
    with pytest.raises(WarehouseError, match="same id"):
        warehouse.sync_sources([changed, changed])


def test_registries_are_replaced(warehouse: Warehouse) -> None:
    warehouse.sync_registries(material.SERVICES[:1], [], material.COUNTRIES)
    assert ask(warehouse, "SELECT name, aliases FROM services") == [("DeepSeek", ["DeepSeek R1", "deep seek"])]
    assert ask(warehouse, "FROM bodies") == []
    assert len(ask(warehouse, "FROM countries")) == 3


# Polls and entries


def test_feed_state_comes_with_its_entries(warehouse: Warehouse) -> None:
    first, second = entry(1), entry(2)
    assert warehouse.store_polls("run-1", [poll("alpha", [first, second, first], '"v1"')]) == 2
    assert warehouse.feed_states() == {"alpha": FeedState("alpha", '"v1"', "Mon, 10 Feb 2025 06:00:00 GMT")}
    material.begin(warehouse, "run-2")
    failed = Poll("alpha", FeedOutcome.TIMEOUT, detail="30 s")
    later = poll("beta", [replace(first, source_id="beta"), entry(3, "beta")], '"b"')
    assert warehouse.store_polls("run-2", [failed, later]) == 2
    assert warehouse.feed_states()["alpha"].etag == '"v1"', "a failed poll leaves the state as it was"
    assert warehouse.store_polls("run-2", [failed, later]) == 0
    assert ask(warehouse, "SELECT run_id, source_id, outcome, entries, new_entries FROM polls ORDER BY ALL") == [
        ("run-1", "alpha", "ok", 3, 2),
        ("run-2", "alpha", "timeout", 0, 0),
        ("run-2", "beta", "ok", 2, 2),
    ]


def test_known_entry_keeps_its_date_and_takes_over_the_words(warehouse: Warehouse) -> None:
    discover(warehouse, entry(1))
    redated = replace(entry(1), url="https://alpha.example/new", published=Stamp(date(2025, 3, 1), DateBasis.FEED))
    assert warehouse.store_polls("run-1", [poll("alpha", [redated])]) == 0
    assert [one.entry for one in warehouse.pending(START, 10)] == [entry(1)]
    rewritten = replace(redated, title="Rewritten", updated=START)
    assert warehouse.store_polls("run-1", [poll("alpha", [rewritten])]) == 0
    (pending,) = warehouse.pending(START, 10)
    assert pending.entry == replace(entry(1), title="Rewritten", updated=START)
    assert (pending.attempts, pending.revisit) == (0, None)


def test_entries_are_known_under_other_guids(warehouse: Warehouse) -> None:
    made = [entry(number) for number in range(6)]
    discover(warehouse, *made[:5])
    churned = [replace(one, guid=f"again-{one.guid}", title=f"{one.title}, again") for one in made]
    assert warehouse.known_entries([*made, *churned]) == {one.id for one in [*made[:5], *churned[:5]]}
    assert warehouse.store_polls("run-1", [poll("alpha", churned)]) == 1
    assert ask(warehouse, "SELECT guid, revisions FROM entries ORDER BY guid") == [
        ("again-guid-5", 0),
        *((f"guid-{number}", 1) for number in range(5)),
    ]


def test_words_follow_the_item_with_the_same_guid(warehouse: Warehouse) -> None:
    """A live blog lists several items under one link; what it said first is not rewritten by what it adds."""
    first = entry(1)
    discover(warehouse, first)
    added = replace(first, guid="later", title="Later")
    warehouse.store_polls("run-1", [poll("alpha", [added, first])])
    assert ("guid-1", first.title, 0) in ask(warehouse, "SELECT guid, title, revisions FROM entries")


def test_words_come_with_the_feed_that_gave_them(warehouse: Warehouse) -> None:
    discover(warehouse, entry(1))
    (pending,) = warehouse.pending(START, 10)
    assert (pending.fetched_at, pending.archived) == (START, poll("alpha", []).archived)
    place = ArchiveRef("2025/02/11/feed.warc.gz", 1, 2, "cd" * 32)
    later = replace(
        poll("alpha", [replace(entry(1), summary="")]), archived=place, fetched_at=START + timedelta(days=1)
    )
    warehouse.store_polls("run-1", [later])
    (pending,) = warehouse.pending(START, 10)
    assert (pending.entry.summary, pending.archived) == ("Summary 1", poll("alpha", []).archived), "it says less"
    warehouse.store_polls("run-1", [replace(later, entries=(replace(entry(1), summary="More"),))])
    (pending,) = warehouse.pending(START, 10)
    assert (pending.entry.summary, pending.archived) == ("More", place)
    assert pending.fetched_at == START + timedelta(days=1)
    assert pending.full_text is None


def test_entries_without_a_fingerprint_get_one(warehouse: Warehouse) -> None:
    """As after the migration of a warehouse of schema 2."""
    one, two = entry(1), entry(2)
    discover(warehouse, one, two)
    ask(warehouse, "UPDATE entries SET fingerprint = NULL, fetched_at = NULL, archive_part = NULL")
    assert [item.archived for item in warehouse.pending(START, 10)] == [None, None]
    warehouse.store_polls("run-1", [poll("alpha", [one, replace(two, title="Other")])])
    assert ask(warehouse, "SELECT title, revisions, fingerprint FROM entries ORDER BY guid") == [
        (one.title, 0, one.fingerprint),
        ("Other", 1, replace(two, title="Other").fingerprint),
    ]


def test_entry_comes_back_as_it_was(warehouse: Warehouse) -> None:
    exact = Stamp(datetime(2025, 2, 3, 4, 5, 6, 789, tzinfo=UTC), DateBasis.META)
    full = replace(
        entry(6), published=exact, updated=START, content="\0 caf\u00e9 \U0001f6a8", authors=("A", "B"), language=None
    )
    discover(warehouse, full, entry(13))
    assert {one.entry for one in warehouse.pending(START, 10)} == {full, entry(13)}


def test_pending_is_in_order_and_due(warehouse: Warehouse) -> None:
    made = [entry(number) for number in range(21)]
    discover(warehouse, *reversed(made))
    due = [one.entry for one in warehouse.pending(START, 100)]
    dated = sorted(((one.published.day, one.id, one) for one in made if one.published), key=lambda row: row[:2])
    undated = sorted((one for one in made if not one.published), key=lambda one: one.id)
    assert due == [one for _, _, one in dated] + undated
    assert [one.entry for one in warehouse.pending(START, 5)] == due[:5]
    assert warehouse.count_due(START) == warehouse.count_pending() == 21


def test_retries_wait_count_and_end(warehouse: Warehouse) -> None:
    one = entry(1)
    discover(warehouse, one)
    retry = EntryResult(one.id, Outcome.TIMEOUT, detail="30 s", retry_at=START + timedelta(hours=1))
    warehouse.store_batch("run-1", [retry])
    warehouse.store_batch("run-1", [retry])
    assert warehouse.pending(START, 10) == []
    assert (warehouse.count_due(START), warehouse.count_pending()) == (0, 1)
    (due,) = warehouse.pending(START + timedelta(hours=1), 10)
    assert due.attempts == 1, "the same batch stored twice is one attempt"
    assert (warehouse.summary("run-1").pending, warehouse.summary("run-1").retrying) == (0, 1)
    material.begin(warehouse, "run-2", hours=2)
    warehouse.store_batch("run-2", [EntryResult(one.id, Outcome.NOT_FOUND, detail="404")])
    assert ask(warehouse, "SELECT outcome, attempts, retry_at FROM outcomes") == [("not_found", 2, None)]
    assert warehouse.count_pending() == 0
    assert warehouse.summary("run-1").outcomes == {}
    assert warehouse.summary("run-2").outcomes == {Outcome.NOT_FOUND: 1}


# Batches


def test_batch_stored_twice_changes_nothing(warehouse: Warehouse) -> None:
    made = [entry(number) for number in range(20)]
    discover(warehouse, *made)
    warehouse.store_batch("run-1", results(made))
    before = snapshot(warehouse)
    warehouse.store_batch("run-1", results(made))
    assert snapshot(warehouse) == before
    warehouse.store_batch("run-1", list(reversed(results(made))))
    assert snapshot(warehouse) == before


def test_two_runs_leave_equal_tables(tmp_path: Path) -> None:
    for name, runs in (("once", ["run-1"]), ("twice", ["run-1", "run-2"])):
        with open_warehouse(tmp_path / name) as opened:
            for run_id in runs:
                fill(opened, run_id, 12)
    assert content(tmp_path / "once") == content(tmp_path / "twice")
    assert content(tmp_path / "once")["events"]


def test_summary_and_ledger(warehouse: Warehouse) -> None:
    warehouse.finish_run("run-1", START, "finished")
    fill(warehouse, "run-2", 24)
    summary = warehouse.summary("run-2")
    assert summary.discovered == 24 == sum(summary.outcomes.values())
    assert summary.feeds == {FeedOutcome.OK: 2}
    assert summary.new_events == len(ask(warehouse, "FROM events")) > 0
    assert (summary.status, summary.started_at) == ("finished", START)
    balance = warehouse.ledger_balance()
    assert balance.balanced
    assert balance.outcomes == summary.outcomes
    ask(warehouse, "DELETE FROM outcomes WHERE outcome = 'not_found'")
    lost = warehouse.ledger_balance()
    assert not lost.balanced
    assert lost.missing == balance.outcomes[Outcome.NOT_FOUND]
    ask(warehouse, "INSERT INTO outcomes FROM outcomes LIMIT 2")
    assert warehouse.ledger_balance().surplus == 2


def test_stored_article_comes_back_whole(warehouse: Warehouse) -> None:
    one = entry(1)
    read = replace(article(one), paywalled=True, issues=("soft 404",), published=Stamp(date(2025, 2, 2), DateBasis.URL))
    discover(warehouse, one)
    warehouse.store_batch("run-1", [result(one, read, [mention(read)])])
    assert ask(
        warehouse,
        "SELECT article_id, entry_id, text, text_origin, published_on, published_at, published_basis, "
        "published_precision, language, site, authors, paywalled, issues, archive_part, archive_offset, "
        "archive_length, archive_sha256 FROM articles",
    ) == [
        (
            read.id, one.id, read.text, "page", date(2025, 2, 2), None, "url", "day", "en", "alpha.example",
            ["A. Writer"], True, ["soft 404"], "2025/02/10/pages.warc.gz", 1024, 2048, "cd" * 32,
        )
    ]  # fmt: skip
    (kept,) = ask(warehouse, "SELECT article_id, body_hash, signature, published_on FROM story_members")
    assert kept == (read.id, result(one, read).body_hash, result(one, read).signature, date(2025, 2, 2))


def test_quote_that_does_not_stand_where_it_says_stops_the_batch(warehouse: Warehouse) -> None:
    made = [entry(1), entry(2)]
    discover(warehouse, *made)
    before = snapshot(warehouse)
    good, bad = article(made[0]), article(made[1])
    found = mention(bad)
    assert found.actor is not None
    for wrong in (
        replace(found, actor=Quote("Garante", found.actor.start + 1, found.actor.end + 1)),
        replace(found, scope=Quote("all staff", -9, -1)),
        replace(found, reason=Quote("", 3, 3)),
        replace(found, document_id=good.id),
    ):
        with pytest.raises(WarehouseError, match=r"does not stand|came with article"):
            warehouse.store_batch("run-1", [result(made[0], good, [mention(good)]), result(made[1], bad, [wrong])])
        assert snapshot(warehouse) == before
    for incomplete in (
        replace(result(made[0], good), body_hash=None),
        replace(result(made[0], good, [mention(good)]), article=None),
        EntryResult("unheard-of", Outcome.NO_TEXT),
    ):
        with pytest.raises(WarehouseError):
            warehouse.store_batch("run-1", [incomplete])
    with pytest.raises(WarehouseError, match="two results"):
        warehouse.store_batch("run-1", [EntryResult(made[0].id, Outcome.ROBOTS)] * 2)
    assert snapshot(warehouse) == before


def test_lone_surrogates_are_replaced_and_offsets_hold(warehouse: Warehouse) -> None:
    one = replace(entry(1), title="bad \ud83d title", guid="guid-\ud83d-1")
    read = article(one)
    spoiled = replace(read, text=read.text.replace("all staff", "all \udcff\udcffaff"), title=read.title)
    found = replace(mention(read), document_id=spoiled.id, scope=material.quote(spoiled.text, "all \udcff\udcffaff"))
    discover(warehouse, one)
    discover(warehouse, one)
    (pending,) = warehouse.pending(START, 10)
    spoiled_result = replace(result(one, spoiled, [found]), entry_id=pending.entry.id)
    warehouse.store_batch("run-1", [spoiled_result])
    warehouse.store_batch("run-1", [spoiled_result])
    assert ask(
        warehouse,
        "SELECT scope_quote, scope_quote = substring(text, scope_start + 1, scope_end - scope_start) "
        "FROM event_mentions JOIN mentions USING (mention_id) JOIN articles USING (article_id)",
    ) == [("all \ufffd\ufffdaff", True)]


# Properties

OUTCOMES = st.sampled_from([outcome for outcome in Outcome if outcome not in (Outcome.EVENTS, Outcome.NO_EVENT)])


@settings(max_examples=6, deadline=None)
@given(
    feeds=st.lists(
        st.tuples(st.sampled_from(["alpha", "beta"]), st.lists(st.integers(0, 12), max_size=8)), min_size=1, max_size=4
    ),
    picks=st.lists(st.tuples(st.integers(0, 30), OUTCOMES | st.none(), st.booleans()), max_size=12),
)
def test_outcomes_always_sum_to_entries(
    feeds: list[tuple[str, list[int]]], picks: list[tuple[int, Outcome | None, bool]]
) -> None:
    with tempfile.TemporaryDirectory() as folder, open_warehouse(Path(folder) / "w.duckdb") as warehouse:
        stored: set[str] = set()
        for number, (source_id, numbers) in enumerate(feeds):
            run_id = f"run-{number}"
            material.begin(warehouse, run_id, hours=number)
            made = [entry(one, source_id) for one in numbers]
            new = warehouse.store_polls(run_id, [poll(source_id, made)])
            assert new == len({one.id for one in made} - stored)
            stored |= {one.id for one in made}
            known = [pending.entry for pending in warehouse.pending(START + timedelta(hours=number), 100)]
            batch = {}
            for pick, outcome, heals in picks[number::2]:
                if known:
                    one = known[pick % len(known)]
                    retry_at = START + timedelta(hours=number + 1) if heals and outcome else None
                    plain = EntryResult(one.id, outcome, retry_at=retry_at) if outcome else results([one])[0]
                    batch[one.id] = plain
            warehouse.store_batch(run_id, list(batch.values()))
            balance = warehouse.ledger_balance()
            assert balance.balanced
            assert balance.discovered == len(stored) == sum(balance.outcomes.values())
            assert warehouse.summary(run_id).discovered == new


@pytest.mark.parametrize(
    ("stated", "days"),
    [
        ("2025-02-06", (date(2025, 2, 6), date(2025, 2, 6))),
        ("2024-02", (date(2024, 2, 1), date(2024, 2, 29))),
        ("2023", (date(2023, 1, 1), date(2023, 12, 31))),
        (None, (None, None)),
        ("2025-13", (None, None)),
        ("2025-02-30", (None, None)),
        ("0000", (None, None)),
        ("around 2025", (None, None)),
    ],
)
def test_span_of_a_stated_date(stated: str | None, days: tuple[date | None, date | None]) -> None:
    assert span(stated) == days


def snapshot(warehouse: Warehouse) -> dict[str, list[tuple[object, ...]]]:
    """Everything that is stored, clocks and run ids included."""
    tables = [name for (name,) in ask(warehouse, "SELECT table_name FROM duckdb_tables() ORDER BY 1")]
    return {table: sorted(ask(warehouse, f"FROM {table}"), key=repr) for table in tables}

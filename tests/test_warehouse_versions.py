"""Storing versions and revisits: one transaction, nothing lost, killed anywhere and continued it ends alike."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import warehouse_material as material
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from warehouse_material import START, article, entry, mention, poll, result

from pipeline.errors import WarehouseError
from pipeline.types import (
    ArchiveRef,
    DateBasis,
    Entry,
    EntryResult,
    FeedState,
    Outcome,
    PendingEntry,
    Revisit,
    RevisitOutcome,
    Stamp,
    StoredVersion,
    TextOrigin,
)
from warehouse.compare import content
from warehouse.query import connect_snapshot, event
from warehouse.store import Warehouse, open_warehouse

LATER = START + timedelta(hours=3)
PLACE = ArchiveRef("2025/02/10/again.warc.gz", 7, 8, "ef" * 32)

FAILPOINTS = (
    "polls.revisits",
    "store.versions:2",
    "store.removed",
    "store.stories:2",
    "store.outcomes:3",
    "store.committed:2",
)

KILLER = """
import os, shutil, signal, sys
from pathlib import Path
import test_warehouse_versions as versions
from pipeline import failpoints

for failpoint in sys.argv[2:]:
    child = os.fork()
    if child == 0:
        file = Path(sys.argv[1]) / f"{failpoint}.duckdb"
        shutil.copy(Path(sys.argv[1]) / "read.duckdb", file)
        failpoints.arm(failpoint)
        versions.visit_again(file, "run-2")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, (failpoint, status)
"""


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse after a first run over twelve entries."""
    file = tmp_path_factory.mktemp("read") / "read.duckdb"
    with open_warehouse(file) as opened:
        material.fill(opened, "run-1", 12)
    return file


@pytest.fixture
def warehouse(tmp_path: Path, read: Path) -> Iterator[Warehouse]:
    with open_warehouse(Path(shutil.copy(read, tmp_path))) as opened:
        material.begin(opened, "run-2", hours=3)
        yield opened


def ask(warehouse: Warehouse, sql: str) -> list[tuple[Any, ...]]:
    return warehouse._database.execute(sql)


def reworded(entries: Sequence[Entry], words: str = "Other words") -> list[Entry]:
    return [replace(one, summary=f"{words} {one.guid}") for one in entries]


def listed(source_id: str) -> list[Entry]:
    made = [entry(number, ("alpha", "beta")[number % 2]) for number in range(12)]
    return [one for one in made if one.source_id == source_id]


def outcome_of(pending: PendingEntry) -> EntryResult:
    """How a revisit ends, decided by the number in the entry's guid alone."""
    stored, number = pending.revisit, int(pending.entry.guid.rpartition("-")[2])
    assert stored is not None
    if number % 3 == 1:
        return stands(pending, RevisitOutcome.NOT_MODIFIED)
    if number % 3 == 2:
        return stands(pending, RevisitOutcome.FAILED, "30 s", again_at=LATER + timedelta(hours=2))
    fresh = article(pending.entry, "KR", "TikTok", "suspended")
    fresh = replace(fresh, fetched_at=LATER, modified=Stamp(LATER, DateBasis.META), etag='"v2"')
    changed = result(pending.entry, fresh, [mention(fresh, "KR", "TikTok", "suspended")])
    return replace(changed, revisit=Revisit(RevisitOutcome.CHANGED, LATER), archived=PLACE)


def stands(
    pending: PendingEntry, outcome: RevisitOutcome, detail: str | None = None, again_at: datetime | None = None
) -> EntryResult:
    assert pending.revisit is not None
    return EntryResult(
        pending.entry.id, pending.revisit.outcome, detail=detail, revisit=Revisit(outcome, LATER, again_at)
    )


def visit_again(file: Path, run_id: str) -> None:
    """A second run: the feeds have changed all their words, and three hours have passed."""
    with open_warehouse(file) as warehouse:
        material.begin(warehouse, run_id, hours=3)
        for source_id in ("alpha", "beta"):
            fresh = replace(poll(source_id, reworded(listed(source_id)), '"v2"'), fetched_at=LATER)
            warehouse.store_polls(run_id, [fresh])
        while due := warehouse.pending(LATER, 2):
            results = [outcome_of(one) if one.revisit else material.results([one.entry])[0] for one in due]
            healed = [replace(one, retry_at=None) for one in results]
            warehouse.store_batch(run_id, healed)


@pytest.fixture(scope="module")
def undisturbed(read: Path) -> Path:
    file = read.with_name("undisturbed.duckdb")
    shutil.copy(read, file)
    visit_again(file, "run-2")
    return file


@pytest.fixture(scope="module")
def killed(read: Path) -> Path:
    """A folder with a file per failpoint, as the kill left it."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    ran = subprocess.run(
        [sys.executable, "-c", KILLER, str(read.parent), *FAILPOINTS],
        env=environment, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return read.parent


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_killed_while_versions_are_stored_it_ends_alike(killed: Path, undisturbed: Path, failpoint: str) -> None:
    file = killed / f"{failpoint}.duckdb"
    with open_warehouse(file) as warehouse:
        assert warehouse.ledger_balance().balanced
        versions = [
            row
            for table in ("articles", "article_versions")
            for row in ask(warehouse, f"SELECT article_id, version FROM {table}")
        ]
        assert len(set(versions)) == len(versions)
    visit_again(file, "run-3")
    assert content(file) == content(undisturbed)
    assert content(file)["article_versions"]


def test_run_again_it_changes_nothing(undisturbed: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(undisturbed, tmp_path))
    visit_again(file, "run-3")
    assert content(file) == content(undisturbed)


def test_versions_and_revisits_are_told(undisturbed: Path, tmp_path: Path) -> None:
    with open_warehouse(Path(shutil.copy(undisturbed, tmp_path))) as warehouse:
        summary = warehouse.summary("run-2")
        assert set(summary.revisits) == {RevisitOutcome.CHANGED, RevisitOutcome.NOT_MODIFIED, RevisitOutcome.FAILED}
        changed = summary.revisits[RevisitOutcome.CHANGED]
        assert ask(warehouse, "SELECT count(*), min(version), max(version) FROM article_versions") == [(changed, 1, 1)]
        assert ask(
            warehouse,
            "SELECT DISTINCT version, modified_at, modified_basis, etag, archive_part, run_id FROM articles "
            "WHERE version > 1",
        ) == [(2, LATER.replace(tzinfo=None), "meta", '"v2"', PLACE.part, "run-2")]
        assert ask(warehouse, "SELECT count(*) FROM outcomes WHERE revisit_at IS NOT NULL") == [
            (summary.revisits[RevisitOutcome.FAILED],)
        ]
        assert ask(warehouse, "SELECT count(*) FROM story_members") == ask(warehouse, "SELECT count(*) FROM articles")
        published = warehouse.publish(tmp_path / "published", manifest={})
    with connect_snapshot(published.database) as reader:
        ((event_id,),) = reader.rows("SELECT event_id FROM evidence WHERE version = 2 LIMIT 1")
        line = next(one.article for one in event(reader, event_id).mentions if one.article.version == 2)
        assert [(old.version, old.fetched_at.tzinfo) for old in line.earlier] == [(1, UTC)]
        assert line.modified == LATER.date()


# One entry at a time


def due_again(warehouse: Warehouse, one: Entry) -> PendingEntry:
    warehouse.store_polls("run-2", [replace(poll(one.source_id, reworded([one])), fetched_at=LATER)])
    (due,) = [pending for pending in warehouse.pending(LATER, 100) if pending.revisit]
    return due


def test_due_revisit_holds_what_is_stored(warehouse: Warehouse) -> None:
    assert [one for one in warehouse.pending(LATER, 100) if one.revisit] == []
    before = warehouse.count_due(LATER)
    one = listed("alpha")[0]
    stored = article(one)
    due = due_again(warehouse, one)
    assert due.entry.summary == "Other words guid-0"
    assert due.revisit == StoredVersion(
        stored.id, stored.canonical_url, stored.title, stored.text, TextOrigin.PAGE, Outcome.EVENTS
    )
    assert warehouse.count_due(LATER) == before + 1
    assert warehouse.count_due(START + timedelta(hours=1, minutes=4)) < before + 1, "an hour after it was fetched"
    warehouse.store_batch("run-2", [stands(due, RevisitOutcome.UNCHANGED)])
    assert warehouse.count_due(LATER) == before
    once_more = replace(poll("alpha", [replace(one, title="Once more")]), fetched_at=LATER)
    warehouse.store_polls("run-2", [once_more])
    assert [pending for pending in warehouse.pending(LATER + timedelta(hours=1), 100) if pending.revisit] == []
    (again,) = [pending for pending in warehouse.pending(LATER + timedelta(hours=2), 100) if pending.revisit]
    assert again.revisit is not None
    assert again.revisit.visits == 1


def test_outcome_of_a_standing_entry_is_left_alone(warehouse: Warehouse) -> None:
    due = due_again(warehouse, listed("alpha")[0])
    before = ask(warehouse, "SELECT * EXCLUDE revisit_at FROM outcomes ORDER BY entry_id")
    kept = replace(stands(due, RevisitOutcome.KEPT, "a stub"), archived=PLACE)
    warehouse.store_batch("run-2", [kept])
    warehouse.store_batch("run-2", [kept])
    assert ask(warehouse, "SELECT * EXCLUDE revisit_at FROM outcomes ORDER BY entry_id") == before
    assert ask(warehouse, "SELECT outcome, detail, archive_part FROM revisits") == [("kept", "a stub", PLACE.part)]
    assert warehouse.ledger_balance().balanced
    with pytest.raises(WarehouseError, match="never discovered"):
        warehouse.store_batch("run-2", [replace(kept, entry_id="unheard-of")])
    with pytest.raises(WarehouseError, match="two results"):
        warehouse.store_batch("run-2", [kept, kept])


def test_words_of_entries_without_an_article_make_no_revisit(warehouse: Warehouse) -> None:
    without = [one for one in (*listed("alpha"), *listed("beta")) if int(one.guid.rpartition("-")[2]) % 5 in (3, 4)]
    assert without
    for source_id in ("alpha", "beta"):
        some = [one for one in without if one.source_id == source_id]
        warehouse.store_polls("run-2", [replace(poll(source_id, reworded(some)), fetched_at=LATER)])
    assert ask(warehouse, "SELECT count(*) FROM outcomes WHERE revisit_at IS NOT NULL") == [(0,)]


def test_only_the_entry_that_brought_an_article_is_visited_again(warehouse: Warehouse) -> None:
    one = listed("alpha")[0]
    twin = replace(one, source_id="beta", guid="twin")
    warehouse.store_polls("run-2", [poll("beta", [twin])])
    warehouse.store_batch("run-2", [EntryResult(twin.id, Outcome.SAME_ARTICLE)])
    warehouse.store_polls("run-2", [replace(poll("beta", reworded([twin])), fetched_at=LATER)])
    assert [pending for pending in warehouse.pending(LATER, 100) if pending.revisit] == []


@settings(max_examples=4, deadline=None)
@given(
    rounds=st.lists(
        st.lists(st.tuples(st.integers(0, 3), st.sampled_from(RevisitOutcome), st.integers(0, 2)), max_size=5),
        min_size=1,
        max_size=4,
    )
)
def test_versions_count_without_gaps_and_each_entry_has_one_outcome(
    rounds: list[list[tuple[int, RevisitOutcome, int]]],
) -> None:
    texts: dict[int, list[str]] = {}
    with tempfile.TemporaryDirectory() as folder, open_warehouse(Path(folder) / "w.duckdb") as warehouse:
        material.begin(warehouse, "run-0")
        made = [entry(number, "alpha") for number in range(4)]
        warehouse.store_polls("run-0", [poll("alpha", made)])
        for number, one in enumerate(made):
            first = article(one)
            warehouse.store_batch("run-0", [result(one, first, [mention(first)])])
            texts[number] = [first.text]
        for round_, visits in enumerate(rounds, start=1):
            run_id, now = f"run-{round_}", START + timedelta(days=2 * round_)
            material.begin(warehouse, run_id, hours=48 * round_)
            fresh = replace(poll("alpha", reworded(made, f"Round {round_}")), fetched_at=now)
            warehouse.store_polls(run_id, [fresh])
            chosen = {number: (outcome, tail) for number, outcome, tail in visits}
            for due in warehouse.pending(now, 100):
                number = made.index(replace(due.entry, summary=f"Summary {due.entry.guid.rpartition('-')[2]}"))
                outcome, tail = chosen.get(number, (RevisitOutcome.UNCHANGED, 0))
                ended = replace(stands(due, outcome), revisit=Revisit(outcome, now))
                if outcome is RevisitOutcome.CHANGED:
                    base = article(due.entry)
                    fresh_article = replace(base, text=base.text + " More." * tail, fetched_at=now)
                    ended = result(due.entry, fresh_article, [mention(fresh_article)] if tail else [])
                    ended = replace(ended, revisit=Revisit(outcome, now))
                    if fresh_article.text != texts[number][-1]:
                        texts[number].append(fresh_article.text)
                warehouse.store_batch(run_id, [ended])
            assert warehouse.ledger_balance().balanced
            assert warehouse.count_due(now) == 0
        stored = ask(
            warehouse,
            "SELECT e.guid, v.version, v.text FROM (SELECT article_id, version, text FROM article_versions "
            "UNION ALL SELECT article_id, version, text FROM articles) AS v JOIN articles AS a USING (article_id) "
            "JOIN entries AS e USING (entry_id) ORDER BY ALL",
        )
        assert stored == [
            (f"guid-{number}", version, text)
            for number, some in texts.items()
            for version, text in enumerate(some, start=1)
        ]
        wrong = ask(
            warehouse,
            "SELECT count(*) FROM mentions JOIN articles USING (article_id) "
            "WHERE trigger_quote <> text[trigger_start + 1 : trigger_end]",
        )
        assert wrong == [(0,)]


def test_state_of_the_feed_comes_with_the_words(warehouse: Warehouse) -> None:
    fresh = replace(poll("alpha", reworded(listed("alpha")), '"v2"'), fetched_at=LATER)
    assert warehouse.store_polls("run-2", [fresh]) == 0
    assert warehouse.feed_states()["alpha"] == FeedState("alpha", '"v2"', "Mon, 10 Feb 2025 06:00:00 GMT")

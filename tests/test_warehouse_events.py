"""What is stored later changes what is there: the same article from elsewhere, and events over time."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import warehouse_material as material
from warehouse_material import article, ask, discover, entry, mention, result

from pipeline.types import (
    Action,
    ArchiveRef,
    EntryResult,
    Outcome,
    Status,
)
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


# The same article, twice


def test_article_of_another_entry_is_the_same_article(warehouse: Warehouse) -> None:
    one, twin, third = entry(1), replace(entry(2, "beta"), canonical_url=entry(1).canonical_url), entry(3)
    discover(warehouse, one, twin, third)
    read = article(one)
    other = replace(article(twin), text=f"{read.title}\n\nOther words: DeepSeek blocked.")
    warehouse.store_batch(
        "run-1",
        [result(one, read, [mention(read)]), result(twin, other), EntryResult(third.id, Outcome.ROBOTS)],
    )
    assert sorted(ask(warehouse, "SELECT outcome, article_id FROM outcomes"), key=str) == [
        ("events", read.id),
        ("robots", None),
        ("same_article", read.id),
    ]
    assert ask(warehouse, "SELECT text FROM articles") == [(read.text,)]
    assert warehouse.known_articles([one.canonical_url, third.canonical_url, "https://x.example/"]) == {
        one.canonical_url: read.id
    }


def test_url_that_led_to_an_article_is_known(warehouse: Warehouse) -> None:
    one, twin = entry(1), entry(2)
    discover(warehouse, one, twin)
    elsewhere = replace(article(one), canonical_url="https://alpha.example/true-name")
    warehouse.store_batch("run-1", [result(one, elsewhere)])
    assert warehouse.known_articles([one.canonical_url, twin.canonical_url, elsewhere.canonical_url]) == {
        one.canonical_url: elsewhere.id,
        elsewhere.canonical_url: elsewhere.id,
    }
    ended = EntryResult(twin.id, Outcome.SAME_ARTICLE, archived=ArchiveRef("part", 1, 2, "00"))
    warehouse.store_batch("run-1", [ended])
    assert ask(warehouse, f"SELECT article_id, archive_offset FROM outcomes WHERE entry_id = '{twin.id}'") == [
        (None, 1)
    ]


def test_entry_that_brings_its_article_anew_replaces_it(warehouse: Warehouse) -> None:
    one, two = entry(1), entry(2)
    discover(warehouse, one, two)
    feeble, full, other = article(one, verb="limited"), article(one), article(two)
    warehouse.store_batch(
        "run-1",
        [result(one, feeble, [mention(feeble, verb="limited", country="IT")]), result(two, other, [mention(other)])],
    )
    assert ask(warehouse, "SELECT count(*) FROM mentions") == [(2,)]
    korean = mention(full)
    moved = replace(korean, country="KR")
    warehouse.store_batch("run-1", [result(one, full, [moved])])
    assert ask(warehouse, f"SELECT text FROM articles WHERE entry_id = '{one.id}'") == [(full.text,)]
    withdrawn = "SELECT trigger_quote, version FROM mentions WHERE withdrawn_on IS NOT NULL"
    assert ask(warehouse, withdrawn) == [("limited", 1)]
    assert ask(warehouse, "SELECT country, articles FROM events ORDER BY country") == [("IT", 1), ("KR", 1)]
    assert ask(warehouse, "SELECT count(*) FROM story_members") == [(2,)]


# Events over time


def test_merged_event_leaves_a_forward(warehouse: Warehouse) -> None:
    days = (date(2024, 12, 1), date(2025, 1, 2), date(2025, 2, 3))
    early, middle, late = (entry(number, day=day) for number, day in enumerate(days, start=1))
    discover(warehouse, early, middle, late)
    ids: list[str] = []
    for number, one in enumerate((late, middle, early), start=1):
        run_id = f"run-{number}"
        material.begin(warehouse, run_id, hours=number)
        read = article(one)
        warehouse.store_batch(run_id, [result(one, read, [mention(read)])])
        ((event_id, first_run_id),) = ask(warehouse, "SELECT event_id, first_run_id FROM events")
        assert first_run_id == "run-1", "a renamed event is not a new one"
        ids.append(event_id)
    assert len(set(ids)) == 3
    assert sorted(ask(warehouse, "SELECT old_id, new_id FROM event_forwards")) == sorted(
        [(ids[0], ids[2]), (ids[1], ids[2])]
    )
    assert [warehouse.summary(f"run-{number}").new_events for number in (1, 2, 3)] == [1, 0, 0]
    # The earliest article is withdrawn: the second id comes back into use and needs no forward.
    read = article(early)
    warehouse.store_batch("run-3", [result(early, read)])
    assert ask(warehouse, "SELECT event_id FROM events") == [(ids[1],)]
    assert sorted(ask(warehouse, "SELECT old_id, new_id FROM event_forwards")) == sorted(
        [(ids[0], ids[1]), (ids[2], ids[1])]
    )
    # Without any article the id leads nowhere, and says so.
    for one in (middle, late):
        warehouse.store_batch("run-3", [result(one, article(one))])
    assert ask(warehouse, "FROM events") == ask(warehouse, "FROM event_mentions") == []
    assert {new_id for _, new_id in ask(warehouse, "SELECT old_id, new_id FROM event_forwards")} == {None}


def test_outlets_of_one_owner_are_one_voice_as_soon_as_the_source_list_says_so(warehouse: Warehouse) -> None:
    made = [entry(1), entry(2, "beta")]
    discover(warehouse, *made)
    warehouse.store_batch("run-1", [result(one, article(one), [mention(article(one))]) for one in made])
    assert ask(warehouse, "SELECT stories, voices FROM events") == [(2, 2)]
    warehouse.sync_sources([replace(source, owner="One Press") for source in material.SOURCES])
    assert ask(warehouse, "SELECT stories, voices FROM events") == [(2, 1)]


def test_event_that_did_not_change_is_left_alone(warehouse: Warehouse) -> None:
    one, two = entry(1), entry(2)
    discover(warehouse, one, two)
    reads = article(one), article(two)
    warehouse.store_batch("run-1", [result(one, reads[0], [mention(reads[0])])])
    material.begin(warehouse, "run-2", hours=1)
    proposed = mention(reads[1], action=Action.WARN, status=Status.PROPOSED, date_value=None)
    warehouse.store_batch("run-2", [result(two, reads[1], [proposed])])
    assert ask(
        warehouse,
        "SELECT action, side, status, date_value, date_from, first_run_id, changed_run_id FROM events ORDER BY action",
    ) == [
        ("block", "restricting", "in_force", "2025-01-29", date(2025, 1, 29), "run-1", "run-1"),
        ("warn", "pressing", "proposed", None, None, "run-2", "run-2"),
    ]

"""Tables that are made at publishing: each figure held to what a plain count over the published tables says."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Any

import pytest
import warehouse_material as material
from followed import assert_log_gives_events

from pipeline.types import Action, ActorKind, ReasonClass, ScopeClass, TransitionKind
from warehouse import analysis
from warehouse.query import connect_snapshot
from warehouse.reader import Reader
from warehouse.store import open_warehouse
from warehouse.tables.changes import Kind


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Two sources of one owner and one of another; copies, undated articles, a feed that did not answer."""
    folder = tmp_path_factory.mktemp("made_up")
    with open_warehouse(folder / "warehouse.duckdb") as warehouse:
        material.fill(warehouse, "run-1", 9)
        database = warehouse._database
        database.script(
            """
            UPDATE sources SET owner = 'One House' WHERE source_id IN ('alpha', 'beta');
            UPDATE mentions SET withdrawn_on = DATE '2025-03-01'
            WHERE mention_id = (SELECT min(mention_id) FROM mentions);
            UPDATE story_members SET story_id = first.story_id, parent_id = first.article_id
            FROM (FROM story_members ORDER BY published_on NULLS LAST, article_id LIMIT 1) AS first
            WHERE story_members.article_id IN (
                SELECT article_id FROM story_members ORDER BY published_on NULLS LAST, article_id LIMIT 4 OFFSET 1
            )
            """
        )
        published = warehouse.publish(folder / "published", manifest={})
    with connect_snapshot(published.database) as reader:
        yield reader


@pytest.fixture(params=["made_up", "sample"])
def reader(request: pytest.FixtureRequest) -> Iterator[Reader]:
    if request.param == "made_up":
        yield request.getfixturevalue("made_up")
        return
    with connect_snapshot(request.getfixturevalue("sample_snapshot")) as sample:
        yield sample


def rows(reader: Reader, sql: str) -> list[dict[str, Any]]:
    cursor = reader.connection.execute(sql)
    names = [name for name, *_ in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_coverage_counts_what_was_read(reader: Reader) -> None:
    expected: dict[tuple[date, str], Counter[str]] = defaultdict(Counter)
    articles = {one["article_id"]: one for one in rows(reader, "SELECT * EXCLUDE (text) FROM articles")}
    for one in rows(reader, "SELECT published_on, source_id FROM entries WHERE published_on IS NOT NULL"):
        expected[one["published_on"], one["source_id"]]["entries"] += 1
    for one in articles.values():
        read = expected[one["fetched_at"].date(), one["source_id"]]
        read["fetched"] += 1
        if one["published_on"] is None:
            read["fetched_undated"] += 1
        else:
            expected[one["published_on"], one["source_id"]]["articles"] += 1
    for one in rows(reader, "SELECT article_id FROM mentions WHERE withdrawn_on IS NULL"):
        article = articles[one["article_id"]]
        if article["published_on"] is not None:
            expected[article["published_on"], article["source_id"]]["mentions"] += 1
    for one in rows(reader, "SELECT source_id, outcome, started_at FROM polls JOIN runs USING (run_id)"):
        polled = expected[one["started_at"].date(), one["source_id"]]
        polled["polls"] += 1
        polled["answered"] += one["outcome"] in ("ok", "not_modified", "empty")
    names = dict(reader.rows("SELECT source_id, name FROM sources"))
    found = rows(reader, "FROM coverage")
    assert {(one["day"], one["source_id"]) for one in found} == set(expected)
    assert len(found) == len(expected)
    for one in found:
        counts = expected[one.pop("day"), source_id := one.pop("source_id")]
        assert one.pop("source") == names[source_id]
        assert one == {name: counts[name] for name in one}


def test_undated_articles_are_counted_apart(made_up: Reader) -> None:
    ((undated, dated),) = made_up.rows("SELECT count(*) - count(published_on), count(published_on) FROM articles")
    assert undated > 0
    assert made_up.rows("SELECT sum(fetched_undated), sum(articles), sum(fetched) FROM coverage") == [
        (undated, dated, undated + dated)
    ]


def test_stories_are_their_articles(reader: Reader) -> None:
    owners = {one["source_id"]: one["owner"] or one["source_id"] for one in rows(reader, "FROM sources")}
    carriers = defaultdict(list)
    for one in rows(
        reader,
        "SELECT m.story_id, m.parent_id, a.* EXCLUDE (text) FROM story_members AS m "
        "JOIN articles AS a USING (article_id)",
    ):
        carriers[one["story_id"]].append(one)
    found = rows(reader, "FROM stories")
    assert len(found) == len(carriers)
    assert max(len(some) for some in carriers.values()) > 1
    for one in found:
        some = carriers[one["story_id"]]
        (founder,) = (carrier for carrier in some if carrier["parent_id"] is None)
        days = [carrier["published_on"] for carrier in some if carrier["published_on"] is not None]
        assert one == {
            "story_id": founder["story_id"],
            **{name: founder[name] for name in ("article_id", "title", "source_id", "language")},
            "first_published": min(days, default=None),
            "last_published": max(days, default=None),
            "articles": len(some),
            "undated": len(some) - len(days),
            "sources": len({carrier["source_id"] for carrier in some}),
            "owners": len({owners[carrier["source_id"]] for carrier in some}),
        }


def test_actors_are_all_who_act(reader: Reader) -> None:
    acting = defaultdict(list)
    for one in rows(reader, "FROM events WHERE actor_canonical IS NOT NULL"):
        acting[one["actor_canonical"], one["country"]].append(one)
    counted = {event_id for (event_id,) in reader.rows("SELECT event_id FROM restrictions")}
    registered = {(one["name"], one["country"]): one for one in rows(reader, "FROM bodies")}
    found = rows(reader, "FROM actors")
    assert [(one["actor_canonical"], one["country"]) for one in found] == sorted(acting)
    for one in found:
        some = acting[one["actor_canonical"], one["country"]]
        body = registered.get((one["actor_canonical"], one["country"]), {})
        assert (one["body_id"], one["part_of"]) == (body.get("body_id"), body.get("part_of"))
        assert one["kind"] == body.get("kind") or one["kind"] in {event["actor_kind"] for event in some}
        assert one["events"] == len(some)
        assert one["restrictions"] == sum(event["event_id"] in counted for event in some)
        assert one["services"] == len({event["service_canonical"] for event in some})
        reported = [event["first_reported"] for event in some if event["first_reported"] is not None]
        assert one["first_reported"] == min(reported, default=None)


def test_the_log_of_a_run_gives_its_events(reader: Reader) -> None:
    assert_log_gives_events(partial(rows, reader))
    ((run_id, last),) = reader.rows("SELECT run_id, last_change FROM runs ORDER BY started_at DESC LIMIT 1")
    if last is not None:
        assert reader.rows("SELECT count(*) FROM changes_since(?)", [run_id]) == [(0,)]
    told = rows(reader, "FROM changes_since(0)")
    assert {one["event_id"] for one in told} == {event_id for (event_id,) in reader.rows("SELECT event_id FROM events")}
    assert {one["kind"] for one in told} <= {"appeared", "split"}


def test_each_table_has_its_script() -> None:
    assert len(analysis.scripts()) == len(analysis.TABLES)
    for name, script in zip(analysis.TABLES, analysis.scripts(), strict=True):
        assert script.startswith(f"CREATE TABLE {name} AS\n")


def test_comments_name_the_values_that_there_are(made_up: Reader) -> None:
    named = {"actor_kind": ActorKind, "scope_class": ScopeClass, "reason_classes": ReasonClass, "action": Action}
    for table in ("mentions", "events", "event_history"):
        comments = made_up.column_comments(table)
        for column, values in named.items():
            told = set(re.findall(r"\w+", comments[column] or ""))
            assert {one.value for one in values} <= told, f"{table}.{column}"
    assert {one.value for one in ActorKind} <= set(re.findall(r"\w+", made_up.column_comments("bodies")["kind"] or ""))
    steps = made_up.column_comments("event_transitions")["kind"] or ""
    assert {one.value for one in TransitionKind} <= set(re.findall(r"\w+", steps))
    kinds = made_up.column_comments("changes")["kind"] or ""
    assert {one.value for one in Kind} <= set(re.findall(r"\w+", kinds))

"""Asking a snapshot: filters, one event with its evidence, SQL that can only read, exports."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import warehouse_material as material
from warehouse_material import article, entry, mention, poll, result

from pipeline.dissent import Camp
from pipeline.errors import InputError
from pipeline.types import Action, DateBasis, Outcome, Side, Stamp, Status
from warehouse.query import (
    Dissent,
    EventFilter,
    Reader,
    connect_snapshot,
    event,
    events,
    run_sql,
)
from warehouse.store import Warehouse, open_warehouse

FORMULA = '=HYPERLINK("https://evil.example")'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Italy blocks DeepSeek (two reports that differ, and a copy), Korea bans it later, Australia warns of TikTok."""
    folder = tmp_path_factory.mktemp("query")
    with open_warehouse(folder / "warehouse.duckdb") as warehouse:
        material.begin(warehouse, "run-1")
        made = [entry(number, day=date(2025, 2, number)) for number in range(1, 6)]
        made[3] = replace(made[3], title=FORMULA)
        made.append(replace(entry(20), published=Stamp(datetime(2025, 3, 1, 9, tzinfo=UTC), DateBasis.FEED)))
        warehouse.store_polls("run-1", [poll("alpha", made)])
        italy = article(made[0])
        again = article(made[1])
        copy = replace(again, canonical_url=made[2].canonical_url, url=made[2].canonical_url)
        korea, australia = article(made[3], "KR"), article(made[4], "AU", "TikTok")
        korea = replace(korea, title=FORMULA)
        unnamed = replace(mention(again), date_value="2025-01-30", actor=None, actor_canonical=None)
        undated = article(made[5], "AU", "TikTok")
        warehouse.store_batch(
            "run-1",
            [
                result(made[0], italy, [mention(italy)]),
                result(made[1], again, [unnamed]),
                replace(result(made[2], copy), outcome=Outcome.SAME_STORY),
                result(made[3], korea, [mention(korea, "KR", action=Action.BAN, date_value="2025-02")]),
                result(
                    made[4],
                    australia,
                    [mention(australia, "AU", "TikTok", action=Action.WARN, status=Status.PROPOSED, date_value="2024")],
                ),
                result(made[5], undated, [mention(undated, "AU", "TikTok", date_value=None)]),
            ],
        )  # fmt: skip
        warehouse.publish(folder / "published", manifest={"model": "made-up-1"})
    return folder


@pytest.fixture
def reader(folder: Path) -> Iterator[Reader]:
    with connect_snapshot(folder / "published") as opened:
        yield opened


def found(reader: Reader, **wanted: Any) -> list[str]:
    return [f"{row.country} {row.action} {row.service}" for row in events(reader, EventFilter(**wanted))]


ALL = ["AU block TikTok", "KR ban DeepSeek", "IT block DeepSeek", "AU warn TikTok"]


def test_events_come_latest_first(reader: Reader) -> None:
    assert found(reader) == ALL
    assert found(reader, limit=2) == ALL[:2]
    assert found(reader, limit=0) == []
    rows = events(reader)
    undated, korea = rows[0], rows[1]
    assert (undated.date_value, undated.date_from, undated.first_reported) == (None, None, date(2025, 3, 1))
    assert (korea.date_from, korea.date_to, korea.side) == (date(2025, 2, 1), date(2025, 2, 28), Side.RESTRICTING)
    with pytest.raises(InputError, match="negative"):
        found(reader, limit=-1)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"service": "deep SEEK"}, ["KR ban DeepSeek", "IT block DeepSeek"]),
        ({"service": "tiktok"}, ["AU block TikTok", "AU warn TikTok"]),
        ({"country": "it"}, ["IT block DeepSeek"]),
        ({"country": "republic of korea"}, ["KR ban DeepSeek"]),
        ({"country": "EU"}, []),
        ({"actor": "garante"}, ["IT block DeepSeek"]),
        ({"actor": "ministry of national"}, ["KR ban DeepSeek"]),
        ({"actor": "nobody"}, []),
        ({"action": "BAN"}, ["KR ban DeepSeek"]),
        ({"status": "in force", "country": "AU"}, ["AU block TikTok"]),
        ({"since": date(2025, 2, 28)}, ["AU block TikTok", "KR ban DeepSeek"]),
        ({"since": date(2025, 3, 1)}, ["AU block TikTok"]),
        ({"until": date(2025, 1, 31)}, ["IT block DeepSeek", "AU warn TikTok"]),
        ({"since": date(2024, 12, 31), "until": date(2024, 12, 31)}, ["AU warn TikTok"]),
    ],
)
def test_filters(reader: Reader, wanted: dict[str, Any], expected: list[str]) -> None:
    assert found(reader, **wanted) == expected


@pytest.mark.parametrize(
    ("wanted", "message", "hint"),
    [
        ({"service": "DeepSek"}, "no service 'DeepSek'", "DeepSeek"),
        ({"country": "Itally"}, "no country 'Itally'", "Italy"),
        ({"action": "forbid"}, "no action 'forbid'", "penalize"),
        ({"status": "done"}, "no status 'done'", "announced"),
    ],
)
def test_unknown_names_are_errors_with_the_nearest(
    reader: Reader, wanted: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        found(reader, **wanted)
    assert hint in str(caught.value.hint)


def test_event_with_all_its_evidence(reader: Reader) -> None:
    (row,) = events(reader, EventFilter(country="IT"))
    for asked in (row.id, row.id[:6], f" {row.id.upper()} "):
        assert event(reader, asked).event == row
    detail = event(reader, row.id)
    assert [one.article.published for one in detail.mentions] == [date(2025, 2, 1), date(2025, 2, 2)]
    for one in detail.mentions:
        ((text,),) = reader.rows("SELECT text FROM articles WHERE article_id = ?", [one.article.id])
        assert set(one.mention.quotes) >= {"trigger", "service", "scope", "date", "reason"}
        for quote in one.mention.quotes.values():
            assert text[quote.start : quote.end] == quote.text
        assert one.article.url.startswith("https://alpha.example/news/")
        assert one.article.source == "Alpha Gazette"
        assert one.mention.scores == {"actor": 0.75, "service": 0.99, "trigger": 0.9}
    assert [step.status for step in detail.transitions] == [Status.IN_FORCE]
    assert [copy.url for copy in detail.copies] == ["https://alpha.example/news/3"]
    first, second = detail.mentions
    assert detail.dissent == (
        Dissent("date", (Camp("29 January 2025", 1, (first.id,)), Camp("30 January 2025", 1, (second.id,)))),
    )
    assert detail.dissent[0].words == "1 source says 29 January 2025, 1 says 30 January 2025"
    assert (first.grounds, first.nearest) == (None, None)
    assert (second.nearest, "the same action" in (second.grounds or "")) == (first.id, True)
    assert [(voice.sources, voice.stories) for voice in detail.voices] == [(("Alpha Gazette",), 2)]
    (step,) = detail.steps
    assert (step.quote, step.source, step.event_id) == ("blocked", "Alpha Gazette", None)
    assert detail.asked is None


def test_event_that_is_not_there(reader: Reader) -> None:
    with pytest.raises(InputError, match="too short"):
        event(reader, "ab")
    with pytest.raises(InputError, match="no event zzzz"):
        event(reader, "zzzz")
    with pytest.raises(InputError, match="no event %%%%"):
        event(reader, "%%%%")


def test_ids_that_lead_elsewhere(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        material.begin(warehouse, "run-1")
        late, early = entry(5, day=date(2025, 2, 5)), entry(1, day=date(2025, 1, 31))
        warehouse.store_polls("run-1", [poll("alpha", [late, early])])
        ids = []
        for one in (late, early):
            read = article(one)
            warehouse.store_batch("run-1", [result(one, read, [mention(read)])])
            warehouse.publish(tmp_path / "published", manifest={})
            with connect_snapshot(tmp_path / "published") as opened:
                ids.append(events(opened)[0].id)
        with connect_snapshot(tmp_path / "published") as opened:
            detail = event(opened, ids[0][:8])
            assert (detail.event.id, detail.asked) == (ids[1], ids[0])
        for one in (late, early):
            warehouse.store_batch("run-1", [result(one, article(one))])
        withdraw(warehouse, tmp_path / "published", ids)


def withdraw(warehouse: Warehouse, target: Path, ids: list[str]) -> None:
    warehouse._database.script("INSERT INTO event_forwards VALUES ('abcd1', NULL, 'x'), ('abcd2', NULL, 'x')")
    warehouse.publish(target, manifest={})
    with connect_snapshot(target) as opened:
        for event_id in ids:
            with pytest.raises(InputError, match="withdrawn"):
                event(opened, event_id)
        with pytest.raises(InputError, match="may be one of abcd1, abcd2"):
            event(opened, "abcd")


# SQL


def test_sql_answers(reader: Reader) -> None:
    table = run_sql(
        reader, "SELECT country, count(*) AS n, max(date_from) AS d FROM events GROUP BY country ORDER BY 1;"
    )
    assert table.columns == ("country", "n", "d")
    assert table.types == ("VARCHAR", "BIGINT", "DATE")
    assert table.rows == (("AU", 2, date(2024, 1, 1)), ("IT", 1, date(2025, 1, 29)), ("KR", 1, date(2025, 2, 1)))
    for question in (
        "FROM restrictions",
        "WITH x AS (SELECT 1 AS one) FROM x",
        "PIVOT events ON action USING count(*) GROUP BY country",
        "DESCRIBE events",
        "SHOW TABLES",
        "SUMMARIZE mentions",
        "EXPLAIN FROM events",
        "FROM in_force_on('2025-02-28')",
        "VALUES (1), (2)",
    ):
        assert run_sql(reader, question).rows


@pytest.mark.parametrize(
    "question",
    [
        "INSERT INTO events FROM events",
        "DELETE FROM events",
        "UPDATE events SET country = 'XX'",
        "DROP TABLE events",
        "CREATE TABLE x AS FROM events",
        "CREATE TEMP TABLE x AS FROM events",
        "CREATE VIEW v AS FROM events; FROM v",
        "ATTACH '{other}' AS other",
        "COPY events TO '{other}'",
        "EXPORT DATABASE '{other}'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '1GB'",
        "RESET lock_configuration",
        "PRAGMA enable_profiling",
        "USE memory",
        "CALL pragma_version()",
        "CHECKPOINT",
        "SELECT 1; SELECT 2",
        "FROM '{secret}'",
        "FROM read_text('{secret}')",
        "FROM read_csv('{secret}')",
        "FROM glob('/*')",
        "FROM read_blob('/etc/passwd')",
        "SELECT * FROM parquet_scan('https://evil.example/x.parquet')",
        "FROM query('COPY events TO ''{other}''')",
        "",
        "-- nothing",
        "SELECT nothing FROM events",
        "SELEC 1",
        "SELECT '\ud800' FROM nowhere",
    ],
)
def test_sql_can_only_read(folder: Path, tmp_path: Path, question: str) -> None:
    secret, other = tmp_path / "secret.csv", tmp_path / "other"
    secret.write_text("a,b\n1,2\n")
    with connect_snapshot(folder / "published") as reader:
        with pytest.raises(InputError):
            run_sql(reader, question.format(secret=secret, other=other))
        assert run_sql(reader, "SELECT count(*) FROM events").rows == ((4,),)
    assert not other.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]

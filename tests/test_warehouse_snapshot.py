"""Publishing: complete, hashed, atomic, skipped where nothing changed, readable without this program."""

import hashlib
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
import warehouse_material as material
from warehouse_material import START, article, entry, fill, mention, poll, result

from pipeline.errors import InputError, WarehouseError
from pipeline.types import Action, FeedOutcome, Poll, Status
from warehouse import analysis
from warehouse.compare import content
from warehouse.query import connect_snapshot, events
from warehouse.snapshot_file import TABLES
from warehouse.store import Warehouse, open_warehouse

PUBLISHED = (*TABLES, *analysis.TABLES)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("filled") / "warehouse.duckdb"
    with open_warehouse(file) as opened:
        fill(opened, "run-1", 12)
    return file


@pytest.fixture
def warehouse(tmp_path: Path, filled: Path) -> Iterator[Warehouse]:
    folder = tmp_path / "it's"
    folder.mkdir()
    with open_warehouse(Path(shutil.copy(filled, folder))) as opened:
        yield opened


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "it's" / "published"


MANIFEST = {"model": "made-up-1", "version": "0"}


def test_snapshot_holds_the_analysis_tables(warehouse: Warehouse, target: Path, tmp_path: Path) -> None:
    snapshot = warehouse.publish(target, manifest=MANIFEST)
    assert snapshot.changed
    published = content(snapshot.database)
    warehouse.close()
    live = content(tmp_path / "it's" / "warehouse.duckdb")
    assert live.keys() - published.keys() == {"story_bands"}
    assert published.keys() - live.keys() == {"stories", "actors"}
    narrowed = {
        "entries",
        "articles",
        "story_members",
        "feed_states",
        "backfill_pages",
        "mentions",
        "outcomes",
        "revisits",
    }
    assert {table: rows for table, rows in published.items() if table in live.keys() - narrowed} == {
        table: rows for table, rows in live.items() if table in published and table not in narrowed
    }
    assert len(published["entries"]) == snapshot.counts["entries"] == 12
    with connect_snapshot(target) as reader:
        assert not {"summary", "content"} & set(reader.columns("entries"))
        assert "signature" not in reader.columns("story_members")
        assert not {"etag", "last_modified"} & set(reader.columns("articles"))
        assert not {"etag", "last_modified"} & set(reader.columns("feed_states"))
        assert "digest" not in reader.columns("backfill_pages")


def test_manifest_describes_and_hashes(warehouse: Warehouse, target: Path) -> None:
    snapshot = warehouse.publish(target, manifest=MANIFEST)
    manifest = json.loads(snapshot.manifest.read_text("utf-8"))
    assert manifest["model"] == "made-up-1"
    assert manifest["schema_version"] >= 1
    assert manifest["span"] == {"articles": ["2025-02-01", "2025-02-12"], "events": ["2025-01-29", "2025-01-29"]}
    parquet = {f"parquet/{table}.parquet": count for table, count in snapshot.counts.items()}
    assert manifest["parquet"] == {table: f"parquet/{table}.parquet" for table in PUBLISHED}
    assert set(manifest["files"]) == {"clampdown.duckdb", "fingerprints.json", *parquet}
    for name, about in manifest["files"].items():
        data = (target / "current" / name).read_bytes()
        rows = {"rows": parquet[name]} if name in parquet else {}
        assert about == {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} | rows
    with connect_snapshot(target) as reader:
        told = {key: json.loads(value) for key, value in reader.rows("FROM manifest")}
    assert told == {key: value for key, value in manifest.items() if key != "files"}


def test_plain_duckdb_opens_it(warehouse: Warehouse, target: Path) -> None:
    snapshot = warehouse.publish(target, manifest=MANIFEST)
    program = f"""
import duckdb, json
con = duckdb.connect({str(snapshot.database)!r}, read_only=True)
views = {{name: con.execute(f'SELECT count(*) FROM {{name}}').fetchone()[0]
         for name in ('restrictions', 'restrictions_by_month', 'evidence', 'source_health')}}
views['in_force_on'] = con.execute("SELECT count(*) FROM in_force_on('2025-02-01')").fetchone()[0]
views['spread'] = con.execute("SELECT count(*) FROM spread('deep seek')").fetchone()[0]
file = {str(snapshot.parquet / "mentions.parquet")!r}
parquet = con.execute("SELECT count(*) FROM read_parquet(?)", [file]).fetchone()[0]
print(json.dumps([views, parquet]))
"""
    ran = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    views, parquet = json.loads(ran.stdout)
    assert all(count > 0 for count in views.values()), views
    assert parquet == snapshot.counts["mentions"]
    assert not list(target.rglob("*.wal"))


def test_parquet_says_the_same(warehouse: Warehouse, target: Path) -> None:
    snapshot = warehouse.publish(target, manifest=MANIFEST)
    with duckdb.connect() as plain, connect_snapshot(target) as reader:
        for table in PUBLISHED:
            file = str(snapshot.parquet / f"{table}.parquet")
            assert plain.execute("FROM read_parquet(?)", [file]).fetchall() == reader.rows(f"FROM {table}")


def test_unchanged_is_not_published_again(warehouse: Warehouse, target: Path) -> None:
    first = warehouse.publish(target, manifest=MANIFEST)
    version = (target / "current").readlink()
    fill(warehouse, "run-2", 12)
    again = warehouse.publish(target, manifest=MANIFEST)
    assert not again.changed
    assert (again.published_at, again.counts) == (first.published_at, first.counts)
    assert (target / "current").readlink() == version
    assert warehouse.publish(target, manifest=MANIFEST | {"model": "made-up-2"}).changed
    (target / "current" / "parquet" / "events.parquet").write_bytes(b"cut")
    assert warehouse.publish(target, manifest=MANIFEST | {"model": "made-up-2"}).changed
    (target / "parquet").unlink()
    assert warehouse.publish(target, manifest=MANIFEST | {"model": "made-up-2"}).changed


def test_source_that_falls_silent_is_published(warehouse: Warehouse, target: Path) -> None:
    warehouse.publish(target, manifest=MANIFEST)
    material.begin(warehouse, "run-2", hours=3)
    warehouse.store_polls("run-2", [Poll("alpha", FeedOutcome.NOT_MODIFIED, fetched_at=START)])
    assert not warehouse.publish(target, manifest=MANIFEST).changed
    material.begin(warehouse, "run-3", hours=4)
    warehouse.store_polls("run-3", [Poll("alpha", FeedOutcome.TIMEOUT, detail="30 s")])
    assert warehouse.publish(target, manifest=MANIFEST).changed
    with connect_snapshot(target) as reader:
        rows = reader.rows("SELECT source_id, last_outcome, polls, entries FROM source_health ORDER BY source_id")
        assert rows == [("alpha", "timeout", 3, 6), ("beta", "ok", 1, 6)]


def test_readers_never_meet_half_a_set(warehouse: Warehouse, target: Path) -> None:
    """Each version has as many events as its manifest says, read through the lasting names while versions change."""
    material.begin(warehouse, "run-2", hours=3)
    warehouse.publish(target, manifest=MANIFEST)
    stop = threading.Event()
    failures: list[object] = []
    seen: set[int] = set()

    def read() -> None:
        while not stop.is_set():
            try:
                with connect_snapshot(target) as reader:
                    counted = {table: reader.rows(f"SELECT count(*) FROM {table}")[0][0] for table in PUBLISHED}
                    ((told,),) = reader.rows("SELECT value FROM manifest WHERE key = 'counts'")
                    if json.loads(told) != counted:
                        failures.append((told, counted))
                    seen.add(counted["articles"])
                # A look costs as much as a publish, and slows it down.
                stop.wait(0.1)
                folder = (target / "current").resolve()
                manifest = json.loads((folder / "manifest.json").read_text())
                for name, about in manifest["files"].items():
                    if hashlib.sha256((folder / name).read_bytes()).hexdigest() != about["sha256"]:
                        failures.append(name)
            except FileNotFoundError:
                # Two newer versions came while the folder was read.
                continue
            except Exception as error:
                failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(100, 103):
        one = entry(number)
        read_article = article(one)
        warehouse.store_polls(f"run-2-{number}", [poll("alpha", [one])])
        warehouse.store_batch("run-2", [result(one, read_article, [mention(read_article)])])
        assert warehouse.publish(target, manifest=MANIFEST).changed
    stop.set()
    for reader in readers:
        reader.join()
    assert failures == []
    assert len(seen) > 1
    assert len(list((target / "versions").iterdir())) == 2


def test_open_reader_keeps_its_version(warehouse: Warehouse, target: Path) -> None:
    warehouse.publish(target, manifest=MANIFEST)
    with connect_snapshot(target) as old:
        before = old.rows("SELECT count(*) FROM entries")
        for number in (200, 201, 202):
            warehouse.store_polls(f"run-{number}", [poll("alpha", [entry(number)])])
            warehouse.publish(target, manifest=MANIFEST)
        with connect_snapshot(target) as new:
            assert new.rows("SELECT count(*) FROM entries") == [(before[0][0] + 3,)]
        assert old.rows("SELECT count(*) FROM entries") == before


def test_what_stands_in_the_way_is_left_alone(warehouse: Warehouse, target: Path) -> None:
    target.mkdir()
    (target / "clampdown.duckdb").write_text("mine")
    with pytest.raises(WarehouseError, match="in the way"):
        warehouse.publish(target, manifest=MANIFEST)
    assert (target / "clampdown.duckdb").read_text() == "mine"
    file = target / "file"
    file.touch()
    with pytest.raises(WarehouseError, match="can't publish"):
        warehouse.publish(file / "below", manifest=MANIFEST)


def test_what_is_no_snapshot_is_refused(warehouse: Warehouse, target: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no snapshot"):
        connect_snapshot(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no snapshot"):
        connect_snapshot(tmp_path)
    letter = tmp_path / "letter.duckdb"
    letter.write_text("Dear DuckDB, " * 1000)
    with pytest.raises(WarehouseError, match="no DuckDB file"):
        connect_snapshot(letter)
    other = tmp_path / "other.duckdb"
    duckdb.connect(str(other)).close()
    with pytest.raises(InputError, match="no published snapshot"):
        connect_snapshot(other)
    with duckdb.connect(str(other)) as plain:
        plain.execute("CREATE TABLE manifest AS SELECT 'schema_version' AS key, '99' AS value")
    with pytest.raises(WarehouseError, match="schema 99"):
        connect_snapshot(other)


# What the snapshot's own questions answer


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A snapshot of five restrictions: three on DeepSeek, one of them undated, two on TikTok, one of them lifted."""
    stated = [
        ("IT", "DeepSeek", Action.BLOCK, Status.IN_FORCE, "2025-01-30"),
        ("KR", "DeepSeek", Action.BAN, Status.IN_FORCE, "2025-02"),
        ("AU", "DeepSeek", Action.BAN, Status.IN_FORCE, None),
        ("AU", "TikTok", Action.BAN, Status.IN_FORCE, "2023"),
        ("IT", "TikTok", Action.LIMIT, Status.IN_FORCE, "2025-01-05"),
        ("KR", "TikTok", Action.BAN, Status.PROPOSED, "2025-02-01"),
        ("KR", "TikTok", Action.WARN, Status.IN_FORCE, "2025-02-01"),
    ]
    tmp_path = tmp_path_factory.mktemp("asked")
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        material.begin(warehouse, "run-1")
        made = [entry(number, day=date(2025, 2, 10)) for number in range(7, 13)] + [entry(14, day=date(2025, 2, 11))]
        warehouse.store_polls("run-1", [poll("alpha", made)])
        batch = []
        for one, (country, service, action, status, value) in zip(made, stated, strict=True):
            read = article(one, country, service)
            found = mention(read, country, service, action=action, status=status, date_value=value)
            ended = [material.lift_of(found, read.text, "2025-02-10")] if action is Action.LIMIT else []
            batch.append(result(one, read, [found, *ended]))
        warehouse.store_batch("run-1", batch)
        snapshot = warehouse.publish(tmp_path / "published", manifest={})
    with duckdb.connect(str(snapshot.database), read_only=True) as plain:
        yield plain


def test_restrictions_by_month_sum_to_restrictions(asked: duckdb.DuckDBPyConnection) -> None:
    rows = asked.execute(
        "SELECT year, month, country, service_canonical, action, events FROM restrictions_by_month"
    ).fetchall()
    assert rows == [
        (2023, None, "AU", "TikTok", "ban", 1),
        (2025, date(2025, 1, 1), "IT", "DeepSeek", "block", 1),
        (2025, date(2025, 1, 1), "IT", "TikTok", "limit", 1),
        (2025, date(2025, 2, 1), "KR", "DeepSeek", "ban", 1),
        (None, None, "AU", "DeepSeek", "ban", 1),
    ]
    assert asked.execute("SELECT count(*) FROM restrictions").fetchone() == (5,)


@pytest.mark.parametrize(
    ("day", "found"),
    [
        ("2023-12-30", []),
        ("2023-12-31", [("AU", "TikTok")]),
        ("2025-01-20", [("AU", "TikTok"), ("IT", "TikTok")]),
        ("2025-02-14", [("AU", "TikTok"), ("IT", "DeepSeek")]),
        ("2025-02-28", [("AU", "TikTok"), ("IT", "DeepSeek"), ("KR", "DeepSeek")]),
    ],
)
def test_in_force_on_counts_what_is_sure(
    asked: duckdb.DuckDBPyConnection, day: str, found: list[tuple[str, str]]
) -> None:
    sql = "SELECT country, service_canonical FROM in_force_on(?) ORDER BY ALL"
    assert asked.execute(sql, [day]).fetchall() == found


def test_spread_counts_countries_by_their_first_stated_date(asked: duckdb.DuckDBPyConnection) -> None:
    for name in ("DeepSeek", "deepseek", "Deep Seek", "deepseek r1"):
        rows = asked.execute("SELECT country, first_date, first_from, countries FROM spread(?)", [name]).fetchall()
        assert rows == [
            ("IT", "2025-01-30", date(2025, 1, 30), 1),
            ("KR", "2025-02", date(2025, 2, 1), 2),
            ("AU", None, None, None),
        ]
    assert asked.execute("FROM spread('Nothing')").fetchall() == []


def test_evidence_is_what_the_texts_say(asked: duckdb.DuckDBPyConnection) -> None:
    rows = asked.execute(
        """
        SELECT count(*), count(*) FILTER (quote = substring(text, quote_start + 1, quote_end - quote_start)),
               count(DISTINCT (event_id, mention_id, field)), count(value), count(e.url)
        FROM evidence AS e JOIN articles USING (article_id)
        """
    ).fetchone()
    assert rows == (47, 47, 47, 46, 47), "six fields of seven events, five of a lift; one date has no value"
    assert asked.execute(
        "SELECT DISTINCT field, score FROM evidence WHERE score IS NOT NULL ORDER BY 1"
    ).fetchall() == [
        ("actor", 0.75),
        ("service", 0.99),
        ("trigger", 0.9),
    ]


def test_views_can_be_read_from_another_catalog(warehouse: Warehouse, target: Path) -> None:
    file = str(warehouse.publish(target, manifest=MANIFEST).database).replace("'", "''")
    with duckdb.connect() as plain:
        plain.execute(f"ATTACH '{file}' AS other (READ_ONLY)")
        for view in ("restrictions", "restrictions_by_month", "evidence", "source_health"):
            assert plain.execute(f"FROM other.{view}").fetchall()
    with connect_snapshot(target) as reader:
        assert events(reader)

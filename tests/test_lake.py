"""A lake on a real Postgres, started on loopback: the tables of a file, writers in turns, there and back."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import warehouse_material as material
from conftest import ROOT

from clampdown.proofs.postgres import binaries, make_database, server
from flows.house import open_store
from pipeline.errors import InputError, WarehouseError, WarehouseLocked
from pipeline.settings import Settings, WarehouseSettings
from pipeline.writers import Writer
from warehouse import lake, migrating
from warehouse.compare import content
from warehouse.database import Database
from warehouse.lake import LakeDatabase, at_work, open_lake_reader
from warehouse.lake_care import state, tidy
from warehouse.store import Warehouse, open_lake, open_warehouse

pytest.importorskip("psycopg", reason="the extra `lake` is not installed")


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    try:
        binaries()
    except InputError as error:
        pytest.skip(str(error))
    with server() as address:
        yield address


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse in a file, with a snapshot beside it."""
    folder = tmp_path_factory.mktemp("file")
    with open_warehouse(folder / "warehouse.duckdb") as warehouse:
        material.fill(warehouse, "run-1", 12)
        warehouse.publish(folder / "published", manifest={"model": "made-up-1"})
    return folder / "warehouse.duckdb"


@pytest.fixture(scope="module")
def filled(postgres: str, file: Path, tmp_path_factory: pytest.TempPathFactory) -> WarehouseSettings:
    """A lake to which the file was migrated."""
    settings = _settings(postgres, "filled", tmp_path_factory.mktemp("lake") / "data")
    moved = migrating.to_lake(file, settings, lambda table, rows: None)
    assert moved.total > 100
    return settings


def _settings(postgres: str, name: str, data: Path, writer: int = 1, writers: int = 2) -> WarehouseSettings:
    address = f"{make_database(postgres, name)} password=hunter2"
    return WarehouseSettings(url=f"ducklake:postgres:{address}", data_path=str(data), writer=writer, writers=writers)


def _other(settings: WarehouseSettings, writer: int, writers: int = 2) -> WarehouseSettings:
    return settings.model_copy(update={"writer": writer, "writers": writers})


def _content(settings: WarehouseSettings) -> dict[str, list[tuple[object, ...]]]:
    with open_lake_reader(settings) as reader:
        return content(reader)


def test_a_lake_has_what_the_file_had_and_publishes_the_same(
    filled: WarehouseSettings, file: Path, tmp_path: Path
) -> None:
    expected = content(file)
    was, now = tidy(filled, kept_days=0)
    assert now.snapshots < was.snapshots
    assert _content(filled) == expected
    with open_lake(filled) as warehouse:
        warehouse.settle()
        snapshot = warehouse.publish(tmp_path, manifest={"model": "made-up-1"})
        assert content(snapshot.database) == content(file.parent / "published" / "clampdown.duckdb")
        with pytest.raises(
            WarehouseLocked, match=rf"writer 1 of 2 .* at work already: clampdown 1/2, process {os.getpid()}"
        ):
            open_lake(filled)
        with pytest.raises(WarehouseLocked, match="has 2 writers, and this one counts 3"):
            open_lake(_other(filled, 3, 3))
        assert [who.partition(",")[0] for who in at_work(filled)] == ["clampdown 1/2"]
    assert not at_work(filled)
    with pytest.raises(InputError, match="is not empty"):
        migrating.to_lake(file, filled, lambda table, rows: None)
    back = tmp_path / "back.duckdb"
    migrating.to_file(filled, back, lambda table, rows: None)
    assert content(back) == expected


def test_writers_share_sources_runs_and_turns(filled: WarehouseSettings) -> None:
    """What one has begun, another neither ends nor reads; what both write, they write one after the other."""
    with open_lake(filled) as one, open_lake(_other(filled, 2)) as two:
        ids = [warehouse.run_id(material.START) for warehouse in (one, two)]
        for warehouse, run_id in zip((one, two), ids, strict=True):
            warehouse.sync_sources(material.SOURCES)
            warehouse.begin_run(run_id, material.START, mode="test", model="made-up-1", version="0")
        assert [one.summary(run_id).status for run_id in ids] == ["running", "running"]
        owners = [next(w for w in (one, two) if w.owns(source)) for source in material.SOURCES]
        listed = one._database.execute("SELECT source_id FROM sources WHERE listed ORDER BY 1")
        assert listed == [("alpha",), ("beta",), ("gamma",)], "each writer left those of the other as they were"
        new = material.entry(1000, "alpha")
        owners[0].store_polls(ids[0], [material.poll("alpha", [new])])
        due = {warehouse.run_id(material.START): warehouse.pending(material.START, 9) for warehouse in (one, two)}
        (reader,) = (warehouse for warehouse in (one, two) if warehouse.owns(material.SOURCES[0]))
        (other,) = (warehouse for warehouse in (one, two) if warehouse is not reader)
        assert [item.entry.id for item in due[reader.run_id(material.START)]] == [new.id]
        assert not due[other.run_id(material.START)]
        assert (reader.count_due(material.START), other.count_due(material.START)) == (1, 0)
        # Both want to store the same at the same time, three times over: each looks and inserts in its turn.
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(_store_same, (one, two), ids))
        stored = one._database.execute(
            "SELECT count(*), count(DISTINCT entry_id) FROM entries WHERE guid LIKE '%-200_'"
        )
        assert stored == [(3, 3)]
        assert isinstance(two._database, LakeDatabase)
        with pytest.raises(WarehouseError, match="conflict"):
            _overlap(one._database, two._database)


def _store_same(warehouse: Warehouse, run_id: str) -> None:
    for number in range(2000, 2003):
        warehouse.store_polls(run_id, [material.poll("alpha", [material.entry(number, "alpha")])])


def _overlap(one: Database, two: LakeDatabase) -> None:
    """Have one transaction run within another, as if the turn had been lost unnoticed."""
    two._turns, turns = None, two._turns
    try:
        _nested(one, two)
    finally:
        two._turns = turns


def _nested(one: Database, two: Database) -> None:
    with one.transaction():
        one.execute("SELECT count(*) FROM events")
        with two.transaction():
            two.execute("SELECT count(*) FROM events")


HOLDER = """
import sys, time
from pipeline.settings import WarehouseSettings
from warehouse.lake import LakeDatabase
lake = LakeDatabase.open_lake(WarehouseSettings.model_validate_json(sys.stdin.read()))
with lake.transaction():
    lake.execute("DELETE FROM events")
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_killed_writer_loses_its_turn_its_number_and_what_it_had_not_committed(filled: WarehouseSettings) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdin.write(filled.model_dump_json())
        holder.stdin.close()
        assert holder.stdout.readline() == "held\n"
        os.kill(holder.pid, signal.SIGKILL)
    for _ in range(100):
        if not at_work(filled):
            break
        time.sleep(0.1)
    with open_lake(filled) as warehouse:
        assert warehouse._database.execute("SELECT 1 FROM events")
        assert warehouse.ledger_balance().balanced


def test_a_data_folder_has_one_process(filled: WarehouseSettings, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, warehouse=filled)
    with open_store(settings, holder="review", guest=True) as warehouse:
        assert warehouse.run_id(material.START).endswith("Z-w0")
        assert not any(warehouse.owns(source) for source in material.SOURCES)
        with pytest.raises(WarehouseLocked, match="in use by review"), open_store(settings, holder="run"):
            pass
        found = state(filled)
    assert found.schema
    assert found.files
    assert found.balance is not None
    assert found.balance.balanced


def test_what_is_missing_is_named_and_passwords_are_not(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = WarehouseSettings(url=f"ducklake:postgres:{postgres} dbname=nowhere password=hunter2")
    with pytest.raises(WarehouseError, match='database "nowhere" does not exist') as refused:
        open_lake(nowhere)
    assert "hunter2" not in f"{refused.value}{refused.value.hint}{refused.value.__cause__}"
    with pytest.raises(WarehouseError, match="no lakes on this kind of catalog"):
        open_lake(WarehouseSettings(url="ducklake:mysql:db=news"))
    with pytest.raises(WarehouseError, match="is for one writer"):
        open_lake(WarehouseSettings(url=f"ducklake:{tmp_path}/lake", writers=2))
    monkeypatch.setattr(lake, "find_spec", lambda name: None)
    with pytest.raises(WarehouseError, match="needs the extra `lake`, which is not installed"):
        open_lake(WarehouseSettings(url=f"ducklake:{tmp_path}/lake"))


def test_each_source_has_one_owner_and_a_site_has_no_two() -> None:
    urls = [
        f"https://{host}.example-{number}.com/{path}"
        for number in range(40)
        for host in ("www", "feeds")
        for path in "ab"
    ]
    for of in (1, 2, 5):
        owners = {url: [n for n in range(1, of + 1) if Writer(n, of).owns(url)] for url in urls}
        assert all(len(some) == 1 for some in owners.values())
        assert len({(url.split(".")[1], some[0]) for url, some in owners.items()}) == 40
        assert {some[0] for some in owners.values()} == set(range(1, of + 1))
    assert Writer(2, 2).owns("https://example.com/feed") == Writer(2, 2).owns("http://www.example.com/other")
    # Stays what it is, for good: another hash would move half of all sources.
    assert [Writer(1, 2).owns(f"https://{name}.example/feed") for name in "abcd"] == [True, False, True, False]

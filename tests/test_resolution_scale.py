"""What the benchmark of resolving at scale stands on: its warehouse is the one that storing makes."""

import shutil
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.resolution_scale import begin, build, chosen, discover
from benchmarks.scale_world import NOW, Report, result_of
from pipeline.events import block_key
from pipeline.types import ActorKind
from warehouse.compare import content
from warehouse.database import Database
from warehouse.store import open_warehouse
from warehouse.tables import contexts

STORED = 900


@pytest.fixture(scope="module")
def world() -> tuple[list[Report], list[Report]]:
    return chosen(STORED, past=120)


@pytest.fixture(scope="module")
def built(world: tuple[list[Report], list[Report]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    build(folder / "warehouse.duckdb", world[0], folder, workers=1)
    return folder / "warehouse.duckdb"


def test_what_is_loaded_in_bulk_is_what_storing_makes(
    world: tuple[list[Report], list[Report]], built: Path, tmp_path: Path
) -> None:
    stored = list(world[0])
    Random(3).shuffle(stored)
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        begin(warehouse)
        for start in range(0, len(stored), 300):
            batch = [result_of(one) for one in stored[start : start + 300]]
            discover(warehouse, batch, "built")
            warehouse.store_batch("built", [result for _, result in batch])
    expected, found = content(tmp_path / "warehouse.duckdb"), content(built)
    assert found.keys() == expected.keys()
    assert len(found["events"]) > 100
    assert {table: rows for table, rows in found.items() if rows != expected[table]} == {}


def test_a_small_batch_reads_what_it_can_reach_and_no_more(
    world: tuple[list[Report], list[Report]], built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    rows_of = contexts._rows

    def counted(database: Database, rows: list[int]) -> dict[str, tuple[Any, ...]]:
        read.append(len(rows))
        return rows_of(database, rows)

    monkeypatch.setattr(contexts, "_rows", counted)
    new = next(one for one in world[1] if one.deed.actor.kind is ActorKind.SCHOOL)
    path = Path(shutil.copy(built, tmp_path))
    with open_warehouse(path) as warehouse:
        block = block_key(result_of(new)[1].mentions[0])
        held = warehouse._database.execute("SELECT count(*) FROM mentions WHERE block = ?", [block])[0][0]
        batch = [result_of(new, NOW)]
        discover(warehouse, batch, "built")
        warehouse.store_batch("built", [result for _, result in batch])
    assert 0 < sum(read) <= 2 * (held + 2), "a block is read once from the month on, and once for what stood"

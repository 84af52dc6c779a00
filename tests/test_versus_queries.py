"""The questions of the comparison: all who are asked give the same answers, over a small world."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.analysis_world import World
from benchmarks.versus import queries, worlds
from benchmarks.versus.worker import BENCH, NotInstalled, Worker

MENTIONS = 1_500


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("worlds")
    patch = pytest.MonkeyPatch()
    patch.setattr(worlds, "FOLDER", folder)
    worlds.make(MENTIONS)
    yield folder
    worlds._reader.cache_clear()
    patch.undo()


def test_our_answers_hold_something(small: Path) -> None:
    asked = worlds.facts(MENTIONS)
    for question in (*queries.QUESTIONS, "show"):
        assert worlds.ask(MENTIONS, question, asked), question


@pytest.mark.parametrize("subject", queries.SUBJECTS[1:])
def test_others_give_our_answers(small: Path, subject: str) -> None:
    asked = worlds.facts(MENTIONS)
    parquet = str((worlds.snapshot_of(MENTIONS) / "parquet").resolve())
    database = str(small / "rows.sqlite")
    try:
        with Worker(BENCH) as worker:
            worker.call(f"{queries.PEERS}:into_sqlite", parquet, database)
            for question in queries.QUESTIONS:
                given = database if subject == "sqlite3" else parquet
                theirs = worker.call(f"{queries.PEERS}:{subject}", given, question, asked).value
                ours = worlds.ask(MENTIONS, question, asked)
                assert [tuple(row) for row in theirs] == [tuple(row) for row in ours], question
    except NotInstalled as error:
        pytest.skip(str(error))


def test_a_world_grows_in_a_copy(small: Path) -> None:
    before = sorted(path.name for path in small.iterdir())
    size = worlds.warehouse_of(MENTIONS).stat().st_size
    worlds.grow_from(MENTIONS)
    try:
        worlds.take_in_run()
        worlds.publish_run()
    finally:
        worlds.end_growing()
    assert sorted(path.name for path in small.iterdir()) == before
    assert worlds.warehouse_of(MENTIONS).stat().st_size == size
    assert World(worlds.warehouse_of(MENTIONS), MENTIONS).mentions == MENTIONS

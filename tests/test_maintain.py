"""The nightly maintenance: each step does its work, and one that fails keeps none of the others."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from in_process import clampdown
from test_lease import held

from flows import maintain as maintaining
from flows.audit import WORKSPACE
from flows.house import ARCHIVE_NAME, WAREHOUSE_NAME
from flows.maintain import (
    AUDIT,
    COMPACTION,
    DONE,
    FAILED,
    FLOW_LOG,
    NOTHING,
    RETENTION,
    SOURCES,
    STEPS,
    SWEEP,
    maintain,
)
from flows.retention import OF_AGE
from flows.serving.perform import perform
from pipeline import failpoints
from pipeline.archive_files import TEMPORARY
from pipeline.errors import MaintenanceFailed, WarehouseError
from pipeline.flow_log import FlowLog, FlowRun, FlowStatus
from pipeline.problems import ProblemKind
from pipeline.settings import Settings
from pipeline.settings_sections import ExtractSettings, RetentionSettings, WarehouseSettings
from pipeline.site_state import load
from pipeline.status import look
from warehouse.compacting import SUFFIX, compact
from warehouse.compare import content
from warehouse.database import Database
from warehouse.store import open_warehouse


@pytest.fixture
def folder(sample_snapshot: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sample_snapshot.parent.parent, tmp_path / "data", symlinks=True))


def maintained(settings: Settings) -> FlowRun:
    """Maintain as the served flow does. Returns what the flow log has of it."""
    perform("maintain", settings, lambda told: maintain(settings, told))
    return FlowLog(settings.data_dir).runs("maintain", 1)[0]


def steps(run: FlowRun) -> dict[str, str]:
    return {name: told["status"] for name, told in run.facts["steps"].items()}


def test_each_step_says_how_it_ended(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    old = time.time() - 90_000
    left = [folder / ARCHIVE_NAME / f"{TEMPORARY}1", folder / "state" / f"{TEMPORARY}2", folder / ".robots.json.x"]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half of it")
        os.utime(path, (old, old))
    abandoned, young = tmp_path / f"{WORKSPACE}old", tmp_path / f"{WORKSPACE}young"
    for one in (abandoned, young):
        one.mkdir()
    os.utime(abandoned, (old, old))
    (folder / "flows").mkdir(exist_ok=True)
    (folder / "flows" / "2025-01.jsonl").write_text("")

    before = content(folder / WAREHOUSE_NAME)
    run = maintained(Settings(data_dir=folder, retention=RetentionSettings(pages_days=1)))

    assert run.status is FlowStatus.FINISHED
    assert list(run.facts["steps"]) == list(STEPS)
    assert steps(run) == {
        SWEEP: DONE,
        RETENTION: NOTHING,
        COMPACTION: NOTHING,
        SOURCES: DONE,
        FLOW_LOG: DONE,
        AUDIT: DONE,
    }
    assert run.facts["steps"][SWEEP]["files"] == 4
    assert not any(path.exists() for path in (*left, abandoned))
    assert young.exists()
    assert run.facts["steps"][FLOW_LOG]["months"] == 1
    assert run.facts["audit"] == {"passed": True, "wrong": [], "examples": {}}
    state = load(folder)
    assert state is not None
    assert state.sources == run.facts["steps"][SOURCES]["states"]
    assert content(folder / WAREHOUSE_NAME) == before
    json.dumps(run.facts)


def test_a_step_that_fails_keeps_none_of_the_others(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(maintaining, "_flow_log", broken)
    settings = Settings(data_dir=folder, extract=ExtractSettings(model=tmp_path / "no weights"))
    with pytest.raises(MaintenanceFailed, match=r"2 of 6 steps failed: sources: .*no weights.*; flow log: Zero"):
        maintained(settings)
    run = FlowLog(folder).runs("maintain", 1)[0]
    assert run.status is FlowStatus.FAILED
    assert {name for name, status in steps(run).items() if status == FAILED} == {SOURCES, FLOW_LOG}
    assert run.facts["audit"]["passed"]


def test_what_the_audit_finds_is_a_problem_for_the_operator(folder: Path) -> None:
    part = next((folder / ARCHIVE_NAME).rglob("[!.]*.warc.gz"))
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)
    run = maintained(Settings(data_dir=folder))
    assert run.status is FlowStatus.FINISHED
    assert not run.facts["audit"]["passed"]
    assert "archive" in run.facts["audit"]["wrong"]
    assert part.name in run.facts["audit"]["examples"]["archive"]
    problems = {problem.kind: problem.words for problem in look(Settings(data_dir=folder)).problems}
    assert "archive" in problems[ProblemKind.AUDIT_FAILED]


def test_before_the_first_ingest_there_is_nothing_to_do(tmp_path: Path) -> None:
    run = maintained(Settings(data_dir=tmp_path))
    assert (run.status, run.facts) == (FlowStatus.SKIPPED, {})
    assert not (tmp_path / WAREHOUSE_NAME).exists()


def test_a_warehouse_that_is_gone_is_not_made_anew(folder: Path) -> None:
    (folder / WAREHOUSE_NAME).unlink()
    with pytest.raises(MaintenanceFailed, match=r"warehouse\.duckdb is not there"):
        maintained(Settings(data_dir=folder))
    assert not (folder / WAREHOUSE_NAME).exists()
    assert "warehouse" in FlowLog(folder).runs("maintain", 1)[0].facts["audit"]["wrong"]


def test_the_command_does_the_same(folder: Path, tmp_path: Path) -> None:
    done = clampdown("--data-dir", "data", "maintain", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.partition("  ")[0] for line in done.stdout.splitlines()] == list(STEPS)
    assert FlowLog(folder).runs("maintain", 1)[0].mode == "direct"
    shutil.rmtree(folder / ARCHIVE_NAME)
    done = clampdown("--data-dir", "data", "maintain", "--json", cwd=tmp_path)
    assert done.returncode == 1
    assert json.loads(done.stdout)["passed"] is False
    done = clampdown("--data-dir", "empty", "maintain", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "Nothing to look after yet: no ingest has run.\n")


def test_retention_looks_at_what_came_of_age_and_once_a_week_at_all(tmp_path: Path) -> None:
    settings, now = Settings(data_dir=tmp_path), datetime(2026, 11, 22, 3, 30, tzinfo=UTC)
    assert maintaining._window(settings, now) is None

    def night(day: int, facts: dict[str, Any]) -> None:
        log = FlowLog(tmp_path, clock=lambda: now - timedelta(days=day))
        with log.running("maintain") as told:
            told.facts.update(facts)

    def pruned(day: int, *, whole: bool) -> dict[str, Any]:
        return {
            "steps": {RETENTION: {"status": DONE, "whole": whole, "until": (now - timedelta(days=day)).isoformat()}}
        }

    night(40, pruned(40, whole=True))
    assert maintaining._window(settings, now) is None
    night(6, pruned(6, whole=True))
    assert maintaining._window(settings, now) == OF_AGE
    night(1, {"steps": {RETENTION: {"status": FAILED}}})
    night(1, {})
    assert maintaining._window(settings, now) == OF_AGE
    assert maintaining._window(settings, now + timedelta(days=1)) is None


def test_of_a_lake_the_first_writer_looks_after(tmp_path: Path) -> None:
    lake = WarehouseSettings(url="ducklake:somewhere", writer=2, writers=2)
    step, _ = maintaining._compaction(Settings(data_dir=tmp_path, warehouse=lake))
    assert (step.status, step.words) == (NOTHING, "the first writer tidies the lake")


@pytest.fixture(scope="module")
def emptied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse whose file is full of holes: only room at its end is given back by itself."""
    file = tmp_path_factory.mktemp("holes") / WAREHOUSE_NAME
    open_warehouse(file).close()
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE TABLE filling AS SELECT range AS n, random() AS x FROM range(400000)")
        connection.execute("CHECKPOINT")
        connection.execute("CREATE TABLE kept AS SELECT range AS n, random() AS x FROM range(10000)")
        connection.execute("CHECKPOINT")
        connection.execute("DROP TABLE filling")
    return file


@pytest.fixture
def holes(emptied: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(emptied, tmp_path))


def test_a_file_full_of_holes_is_written_anew(holes: Path) -> None:
    before, size = content(holes), holes.stat().st_size
    holes.chmod(0o640)
    found = compact(Database.open(holes), least_free=1_000_000)
    assert found.done
    assert (found.before, found.after) == (size, holes.stat().st_size)
    assert found.after < size / 2
    assert content(holes) == before
    assert holes.stat().st_mode & 0o777 == 0o640
    assert not compact(Database.open(holes), least_free=1_000_000).done
    assert [path.name for path in holes.parent.iterdir()] == [WAREHOUSE_NAME]
    open_warehouse(holes).close()


def test_a_file_with_few_holes_stays(holes: Path) -> None:
    found = compact(Database.open(holes))
    assert (found.done, found.before) == (False, holes.stat().st_size)
    assert found.free > 1_000_000


@pytest.mark.parametrize("failpoint", ["compact.copied", "compact.replaced"])
def test_compaction_that_is_killed_leaves_a_whole_file(holes: Path, failpoint: str) -> None:
    before = content(holes)
    pid = os.fork()
    if pid == 0:
        try:
            failpoints.arm(failpoint)
            compact(Database.open(holes), least_free=0, least_share=0)
        finally:
            # Nothing of the tests may run in their copy.
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert content(holes) == before
    compact(Database.open(holes), least_free=0, least_share=0)
    assert content(holes) == before
    assert list(holes.parent.glob(f"*{SUFFIX}*")) == []


def test_a_copy_that_can_not_be_written_is_not_used(holes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, size = content(holes), holes.stat().st_size
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(0, 0, 0))
    with pytest.raises(WarehouseError, match="no room for a second one"):
        compact(Database.open(holes), least_free=0, least_share=0)
    assert (content(holes), holes.stat().st_size) == (before, size)


def test_nobody_maintains_what_another_works_with(folder: Path) -> None:
    scheduled = datetime.now(UTC)
    done: list[Callable[[], None]] = []
    with held(folder, "ingest"):
        perform("maintain", Settings(data_dir=folder), lambda told: done.append(told), scheduled_at=scheduled)
    run = FlowLog(folder).runs("maintain", 1)[0]
    assert done == []
    assert run.status is FlowStatus.SKIPPED
    assert "ingest" in run.detail

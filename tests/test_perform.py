"""Doubled, overlapping and killed runs of flows, in real processes: the tables are those of one undisturbed run."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import ROOT
from in_process import clampdown
from test_lease import held

from flows.serving.perform import perform
from pipeline.errors import InputError, WarehouseLocked
from pipeline.flow_log import FlowLog, FlowStatus, Told
from pipeline.lease import holder, lease
from pipeline.settings import Settings
from warehouse.compare import content

LONG = 240.0
STAGE = """
import json, os, sys
from datetime import UTC, datetime
from pathlib import Path
import warehouse_material as material
from flows.house import open_store
from flows.serving.perform import perform
from pipeline import failpoints
from pipeline.settings import Settings

def work(told, settings):
    with open_store(settings, holder="ingest") as warehouse:
        material.fill(warehouse, warehouse.run_id(told.started_at), 4)
    return True

def run(folder, scheduled_at, wait, failpoint):
    settings = Settings(data_dir=Path(folder))
    at = datetime.fromisoformat(scheduled_at) if scheduled_at else None
    failpoints.arm(failpoint)
    return perform("ingest", settings, lambda told: work(told, settings), scheduled_at=at, wait=wait)

for line in sys.stdin:
    # All of them start when the pipe that they read from is closed.
    reading, writing = os.pipe()
    children = []
    for order in json.loads(line):
        pid = os.fork()
        if pid == 0:
            os.close(writing)
            os.read(reading, 1)
            try:
                done = run(**order)
            except BaseException as error:
                print(type(error).__name__, error, file=sys.stderr, flush=True)
                os._exit(2)
            os._exit(0 if done else 1)
        children.append(pid)
    os.close(reading), os.close(writing)
    print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]), flush=True)
"""
"""A process that has imported all that runs need, and forks them: as many at once as a line of its input orders."""

DONE, SKIPPED, KILLED = 0, 1, -9


class Stage:
    """Runs of one flow at a time or at once; `at_once` returns their exit statuses."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", STAGE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "PATH": ""},
        )

    def at_once(self, folder: Path, runs: int, *, at: str = "", wait: float = 0.0, failpoint: str = "") -> list[int]:
        order = {"folder": str(folder), "scheduled_at": at, "wait": wait, "failpoint": failpoint}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([order] * runs) + "\n")
        self.process.stdin.flush()
        found: list[int] = json.loads(self.process.stdout.readline())
        return found


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.process.kill()
    made.process.communicate()


@pytest.fixture(scope="module")
def undisturbed(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[object, ...]]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    assert stage.at_once(folder, 1) == [DONE]
    return tables(folder)


def tables(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    found = content(folder / "warehouse.duckdb")
    assert found["articles"], "there is something to compare"
    return found


def statuses(folder: Path) -> list[str]:
    return sorted(run.status.value for run in FlowLog(folder).runs())


def test_doubled_runs_of_one_time_do_it_once(
    stage: Stage, undisturbed: dict[str, list[tuple[object, ...]]], tmp_path: Path
) -> None:
    at = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    assert sorted(stage.at_once(tmp_path, 4, at=at, wait=LONG)) == [DONE, SKIPPED, SKIPPED, SKIPPED]
    assert sorted(stage.at_once(tmp_path, 2, at=at)) == [SKIPPED, SKIPPED]
    assert statuses(tmp_path) == ["finished", *["skipped"] * 5]
    assert all(run.detail.startswith("done already by run 2") for run in FlowLog(tmp_path).runs() if run.detail)
    assert tables(tmp_path) == undisturbed


def test_people_who_call_at_once_are_done_one_after_the_other_or_refused(
    stage: Stage, undisturbed: dict[str, list[tuple[object, ...]]], tmp_path: Path
) -> None:
    assert stage.at_once(tmp_path, 2, wait=LONG) == [DONE, DONE]
    assert statuses(tmp_path) == ["finished", "finished"]
    assert tables(tmp_path) == undisturbed


@pytest.mark.parametrize("failpoint", ["lease.taken", "store.events", "flow.ending"])
def test_a_kill_anywhere_is_gone_on_with(
    stage: Stage, undisturbed: dict[str, list[tuple[object, ...]]], tmp_path: Path, failpoint: str
) -> None:
    at = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    assert stage.at_once(tmp_path, 1, at=at, failpoint=failpoint) == [KILLED]
    assert holder(tmp_path) is None, "no lease is left behind"
    assert statuses(tmp_path) == ["lost"]
    assert stage.at_once(tmp_path, 1, at=at) == [DONE], "what was lost has done nothing yet"
    assert stage.at_once(tmp_path, 1, at=at) == [SKIPPED]
    assert statuses(tmp_path) == ["finished", "lost", "skipped"]
    assert tables(tmp_path) == undisturbed


def test_a_person_is_told_who_has_it_and_a_schedule_moves_on(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    log = FlowLog(tmp_path)
    with lease(tmp_path, holder="backfill", lends=False):
        with pytest.raises(WarehouseLocked, match="in use by backfill"):
            perform("ingest", settings, _never)
        assert perform("ingest", settings, _never, scheduled_at=datetime.now(UTC)) is None
        assert [run.status for run in log.runs()] == [FlowStatus.SKIPPED] * 2
        assert all("in use by backfill" in run.detail for run in log.runs())
        assert perform("digest", settings, lambda told: 3, wait=None) == 3
    assert perform("ingest", settings, lambda told: str(holder(tmp_path)), wait=1.0) != "None"


def test_the_work_is_refused_as_the_lease_would_be(tmp_path: Path) -> None:
    """Someone who reads the warehouse's file keeps it from being opened, lease or not."""

    def locked(told: Told) -> None:
        raise WarehouseLocked("warehouse.duckdb is locked by process 7 (duckdb)")

    settings = Settings(data_dir=tmp_path)
    assert perform("ingest", settings, locked, scheduled_at=datetime.now(UTC)) is None
    with pytest.raises(WarehouseLocked):
        perform("ingest", settings, locked)
    assert statuses(tmp_path) == ["skipped", "skipped"]


def test_a_run_that_fails_is_tried_again_at_the_same_time(tmp_path: Path) -> None:
    settings, at = Settings(data_dir=tmp_path), datetime.now(UTC)
    with pytest.raises(ZeroDivisionError):
        perform("maintain", settings, lambda told: 1 / 0, scheduled_at=at)
    assert perform("maintain", settings, lambda told: 1, scheduled_at=at) == 1
    assert perform("maintain", settings, _never, scheduled_at=at) is None
    assert perform("maintain", settings, lambda told: told.skip("nothing to do")) is None
    assert statuses(tmp_path) == ["failed", "finished", "skipped", "skipped"]


def test_a_command_says_who_has_the_warehouse(tmp_path: Path) -> None:
    with held(tmp_path, "backfill") as other:
        done = clampdown("-d", str(tmp_path), "run", "--sample", cwd=tmp_path)
    assert done.returncode == WarehouseLocked.exit_code
    assert f"the warehouse in {tmp_path} is in use by backfill (process {other.process.pid})" in done.stderr
    assert statuses(tmp_path) == [], "that somebody tried is no run"


def test_a_command_that_lacks_its_input_makes_no_folder(tmp_path: Path) -> None:
    for command in (["prune"], ["audit"], ["run"]):
        assert clampdown("-d", str(tmp_path / "absent"), *command, cwd=tmp_path).returncode == InputError.exit_code
    assert list(tmp_path.iterdir()) == []


def _never(told: Told) -> None:
    raise AssertionError("this is not to run")

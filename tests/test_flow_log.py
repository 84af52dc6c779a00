"""The flow log: what ran and how it ended, also where a process was killed or a line is torn."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path

import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ArchiveError, InputError, WarehouseLocked
from pipeline.flow_log import LONGEST_DETAIL, FlowLog, FlowRun, FlowStatus

NOW = datetime(2026, 11, 30, 23, 59, 30, tzinfo=UTC)


def clock(*at: datetime) -> Callable[[], datetime]:
    """A clock that says these times, one after the other, and stays at the last."""
    left = list(at)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def ran(log: FlowLog, flow: str = "ingest") -> FlowRun:
    with log.running(flow):
        pass
    return log.runs()[0]


def test_a_run_is_noted_with_all_that_it_tells(tmp_path: Path) -> None:
    ended = NOW + timedelta(minutes=2)
    with FlowLog(tmp_path, clock(NOW, ended)).running("ingest", scheduled_at=NOW, mode="prefect") as told:
        told.facts["outcomes"] = {"events": 3}
        (now,) = FlowLog(tmp_path).runs()
        assert (now.status, now.ended_at, now.facts) == (FlowStatus.RUNNING, None, {})
    (run,) = FlowLog(tmp_path).runs("ingest")
    assert run == FlowRun(
        flow="ingest",
        run=told.run,
        started_at=NOW,
        ended_at=ended,
        status=FlowStatus.FINISHED,
        scheduled_at=NOW,
        facts={"outcomes": {"events": 3}},
        pid=os.getpid(),
        host=run.host,
        mode="prefect",
    )
    assert [path.name for path in sorted((tmp_path / "flows").glob("*.jsonl"))] == ["2026-11.jsonl"]
    assert list((tmp_path / "flows" / "running").iterdir()) == []


def test_how_runs_end(tmp_path: Path) -> None:
    log = FlowLog(tmp_path)
    with log.running("digest") as told:
        told.skip("there is nothing to tell")
    with pytest.raises(InputError), log.running("ingest"):
        raise InputError("no source list", hint="write one")
    with pytest.raises(ZeroDivisionError), log.running("ingest"):
        _ = 1 / 0
    with pytest.raises(WarehouseLocked), log.running("ingest"):
        raise WarehouseLocked("the warehouse is in use")
    with pytest.raises(KeyboardInterrupt), log.running("ingest"):
        raise KeyboardInterrupt
    with pytest.raises(SystemExit), log.running("ingest"):
        sys.exit(3)
    assert [(run.status.value, run.detail) for run in reversed(log.runs())] == [
        ("skipped", "there is nothing to tell"),
        ("failed", "no source list"),
        ("failed", "ZeroDivisionError: division by zero"),
        ("skipped", "the warehouse is in use"),
        ("failed", "interrupted"),
        ("failed", "ended with status 3"),
    ]


def test_details_are_one_short_line_without_passwords(tmp_path: Path) -> None:
    log = FlowLog(tmp_path)
    with pytest.raises(InputError), log.running("ingest"):
        raise InputError("postgresql://me:hunter2@db/news\n" + "x" * 2 * LONGEST_DETAIL)
    detail = log.runs()[0].detail
    assert "hunter2" not in (tmp_path / "flows").joinpath(f"{log.runs()[0].started_at:%Y-%m}.jsonl").read_text()
    assert len(detail) == LONGEST_DETAIL
    assert detail.startswith("postgresql://me:***@db/news xxx")


class Sort(Enum):
    ODD = "odd"


def test_facts_are_kept_as_far_as_json_has_them(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = FlowLog(tmp_path)
    with log.running("ingest") as told:
        told.facts.update(when=NOW, where=Path("a"), sort=Sort.ODD, some={2, 1}, half="\udc80", rows=(1, None))
    assert log.runs()[0].facts == {
        "when": NOW.isoformat(), "where": "a", "sort": "odd", "some": ["1", "2"], "half": "\udc80", "rows": [1, None],
    }  # fmt: skip
    with log.running("ingest") as told:
        told.facts["bad"] = {(1, 2): 3}
    assert log.runs()[0].facts == {}
    assert "the facts of ingest can't be noted" in caplog.text


def test_the_newest_come_first_over_months(tmp_path: Path) -> None:
    later = NOW + timedelta(hours=1)
    with FlowLog(tmp_path, clock(NOW, later)).running("maintain"):
        with FlowLog(tmp_path, clock(later, later)).running("ingest"):
            pass
        with FlowLog(tmp_path, clock(later + timedelta(hours=1), later)).running("ingest") as told:
            told.skip("done already")
    log = FlowLog(tmp_path)
    assert [run.flow for run in log.runs()] == ["ingest", "ingest", "maintain"]
    assert [run.started_at for run in log.runs(limit=2)] == [later + timedelta(hours=1), later]
    assert len(log.runs("ingest")) == 2
    skipped, finished, night = log.runs()
    assert log.last("ingest") == skipped
    assert log.last("ingest", FlowStatus.FINISHED) == finished
    assert log.last("maintain") == night
    assert night.ended_at == later, "its end stands in the month of its beginning"
    assert log.last("ingest", FlowStatus.LOST) is None
    assert log.last("backfill") is None


def test_a_clock_that_was_wrong_hides_nothing(tmp_path: Path) -> None:
    wrong = NOW + timedelta(days=400)
    for at in (NOW - timedelta(days=60), wrong, NOW, NOW - timedelta(seconds=20)):
        with FlowLog(tmp_path, clock(at)).running("ingest"):
            pass
    log = FlowLog(tmp_path, clock(NOW))
    assert [run.started_at for run in log.runs()] == [
        NOW - timedelta(seconds=20), NOW, NOW - timedelta(days=60), wrong,
    ]  # fmt: skip


def test_long_logs_are_read_from_behind(tmp_path: Path) -> None:
    log = FlowLog(tmp_path, clock(NOW))
    for number in range(12):
        with log.running("ingest") as told:
            told.facts.update(n=number, long="ü" * 10_000)
    assert [run.facts["n"] for run in log.runs(limit=100)] == list(range(12))[::-1]
    assert [run.facts["n"] for run in log.runs(limit=3)] == [11, 10, 9]


def test_before_anything_ran_there_is_nothing(tmp_path: Path) -> None:
    log = FlowLog(tmp_path / "absent")
    assert log.runs() == []
    assert log.last("ingest") is None
    assert log.tidy(1) == 0
    assert not (tmp_path / "absent").exists()


VICTIM = """
import sys
from pathlib import Path
from pipeline.flow_log import FlowLog
with FlowLog(Path(sys.argv[1])).running("ingest"):
    print("begun", flush=True)
    sys.stdin.read()
"""


def victim(folder: Path, failpoint: str = "") -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", VICTIM, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"CLAMPDOWN_FAILPOINT": failpoint},
    )


def test_a_killed_run_is_lost_and_hides_nothing(tmp_path: Path) -> None:
    log = FlowLog(tmp_path)
    with victim(tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        assert [(run.status, run.pid) for run in log.runs()] == [(FlowStatus.RUNNING, process.pid)]
        process.kill()
    assert [run.status for run in log.runs()] == [FlowStatus.LOST]
    assert log.runs()[0].ended_at is None
    assert log.last("ingest", FlowStatus.LOST) == log.runs()[0]
    # The next one sweeps up what it left, and nothing changes by that.
    assert ran(log).status is FlowStatus.FINISHED
    assert [run.status for run in log.runs()] == [FlowStatus.FINISHED, FlowStatus.LOST]
    assert list((tmp_path / "flows" / "running").iterdir()) == []


@pytest.mark.parametrize("failpoint", ["flow.begun", "flow.ending"])
def test_killed_around_its_lines(tmp_path: Path, failpoint: str) -> None:
    with victim(tmp_path, failpoint) as process:
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert [run.status for run in FlowLog(tmp_path).runs()] == [FlowStatus.LOST]


@settings(max_examples=30)
@given(st.data())
def test_a_torn_line_costs_itself_alone(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("torn")
    log = FlowLog(folder, clock(*[NOW] * 6))
    ran(log), ran(log)
    path = folder / "flows" / "2026-11.jsonl"
    whole = path.read_bytes()
    # What begins before the cut is whole, or is torn; a power cut may have left zeros in its place.
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut] + data.draw(st.sampled_from([b"", b"\0" * 40, b"{", b'{"event":"ended"}'])))
    kept = whole[:cut].count(b'"mode":"direct"}\n')
    before = log.runs()
    assert kept <= len(before) <= 2
    assert ran(log) in FlowLog(folder).runs()
    assert len(FlowLog(folder).runs()) == len(before) + 1
    assert all(json.loads(line) for line in path.read_bytes().splitlines()[-2:])


def test_many_write_at_once(tmp_path: Path) -> None:
    many = (
        "import sys; from pathlib import Path; from pipeline.flow_log import FlowLog\n"
        "for n in range(20):\n"
        "    with FlowLog(Path(sys.argv[1])).running(sys.argv[2]) as told: told.facts['n'] = n\n"
    )
    command = [sys.executable, "-c", many, str(tmp_path)]
    processes = [subprocess.Popen([*command, name], cwd=ROOT) for name in ("ingest", "digest", "maintain")]
    assert [process.wait() for process in processes] == [0, 0, 0]
    for name in ("ingest", "digest", "maintain"):
        runs = FlowLog(tmp_path).runs(name, limit=100)
        assert [run.facts["n"] for run in runs] == list(range(20))[::-1]
        assert {run.status for run in runs} == {FlowStatus.FINISHED}


def test_a_log_that_cant_be_written_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "flows").write_text("in the way")
    done = []
    with FlowLog(tmp_path).running("ingest"):
        done.append(1)
    assert done == [1]
    assert "can't be written" in caplog.text


def test_room_that_comes_back_is_used(tmp_path: Path) -> None:
    way = tmp_path / "flows"
    way.write_text("in the way")
    log = FlowLog(tmp_path)
    with log.running("maintain"):
        way.unlink()
        way.mkdir()
    assert [run.status for run in log.runs()] == [FlowStatus.FINISHED]


def test_old_months_go(tmp_path: Path) -> None:
    folder = tmp_path / "flows"
    folder.mkdir()
    for name in ("2025-12", "2026-09", "2026-10", "2026-11", "notes-1"):
        (folder / f"{name}.jsonl").write_text("")
    assert FlowLog(tmp_path, clock(NOW)).tidy(31) == 2
    assert sorted(path.stem for path in folder.iterdir()) == ["2026-10", "2026-11", "notes-1"]


def test_what_cant_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "flows" / "2026-11.jsonl").mkdir(parents=True)
    with pytest.raises(ArchiveError, match="can't be read"):
        FlowLog(tmp_path).runs()


def test_no_heavy_library_is_needed() -> None:
    heavy = "prefect duckdb aiohttp pydantic lxml numpy"
    ours = "pipeline.flow_log, pipeline.lease, pipeline.occasions"
    code = f"import sys, {ours}; print([name for name in {heavy.split()} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "[]\n"

"""`clampdown status`: what counts as wrong, as pure rules, and what people and monitors are shown."""

import fcntl
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import clampdown

from clampdown.commands.status import verdict
from pipeline.flow_log import FlowLog, FlowRun, FlowStatus
from pipeline.lease import Holder, lease
from pipeline.problems import Problem, ProblemKind, Severity
from pipeline.settings import Settings
from pipeline.settings_sections import ServeSettings
from pipeline.site_state import SiteState, SlowSource, SnapshotState, Trouble, load, save
from pipeline.status import SERVE_LOCK, Disk, Facts, Record, Serving, look, serving, status_of

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SETTINGS = Settings(data_dir=Path("news"), serve=ServeSettings(timezone=ZONE.key))
SERVED = Serving(4711, "here", NOW - 40 * DAY, "http://127.0.0.1:4200")

DONE, FAILED, LOST, SKIPPED, RUNNING = (
    FlowStatus.FINISHED,
    FlowStatus.FAILED,
    FlowStatus.LOST,
    FlowStatus.SKIPPED,
    FlowStatus.RUNNING,
)


def run(flow: str, ago: timedelta, status: FlowStatus = DONE, **more: Any) -> FlowRun:
    """A run that began so long ago and, unless it runs, took a minute."""
    began = NOW - ago
    ended = began + MINUTE if status in (DONE, FAILED, SKIPPED) else None
    return FlowRun(flow, f"{flow}-{ago}", began, ended, status, **more)


def facts(*runs: FlowRun, served_by: Serving | None = SERVED, **more: Any) -> Facts:
    """What is found where these were all runs; the ingest and the daily flows are in order unless any of them is."""
    flows = {one.flow for one in runs}
    fine = [run(flow, 5 * MINUTE) for flow in ("ingest", "digest", "maintain") if flow not in flows]
    records: dict[str, Record] = {}
    for one in sorted((*runs, *fine), key=lambda one: one.started_at, reverse=True):
        before = records.get(one.flow, Record())
        done = one if before.done is None and one.status is DONE else before.done
        records[one.flow] = Record((*before.runs, one), done)
    return Facts(NOW, ZONE, records, served_by=served_by, **more)


def found(*runs: FlowRun, **more: Any) -> tuple[Problem, ...]:
    return status_of(SETTINGS, facts(*runs, **more)).problems


def the_only(problems: tuple[Problem, ...]) -> Problem:
    assert len(problems) == 1, problems
    return problems[0]


def test_all_is_well() -> None:
    status = status_of(SETTINGS, facts())
    assert (status.healthy, status.problems) == (True, ())
    assert status.ingest_age == 240.0
    assert status.flows["ingest"].next_at == NOW + 15 * MINUTE
    assert status.flows["digest"].next_at == datetime(2026, 11, 23, 7, 0, tzinfo=ZONE)
    assert status.flows["maintain"].next_at == datetime(2026, 11, 23, 3, 30, tzinfo=ZONE)
    assert status.flows["publish"].next_at is None


def test_before_the_first_run_there_is_a_warning() -> None:
    empty = Facts(NOW, ZONE, disk=Disk(10**12, 10**12))
    problem = the_only(status_of(SETTINGS, empty).problems)
    assert (problem.kind, problem.severity) == (ProblemKind.NOTHING_RAN, Severity.WARNING)
    assert all(one.next_at is None for one in status_of(SETTINGS, empty).flows.values())


@pytest.mark.parametrize(
    ("runs", "served_by", "since"),
    [
        ((run("ingest", 60 * MINUTE),), SERVED, None),
        ((run("ingest", 62 * MINUTE),), SERVED, NOW - MINUTE),
        ((run("ingest", 62 * MINUTE),), None, NOW - MINUTE),
        # Skipped ones bring nothing; one that is under way may.
        ((run("ingest", 62 * MINUTE), run("ingest", MINUTE, SKIPPED)), SERVED, NOW - MINUTE),
        ((run("ingest", 9 * HOUR), run("ingest", MINUTE, RUNNING)), SERVED, None),
        ((run("ingest", 9 * HOUR), run("ingest", 2 * HOUR, RUNNING)), SERVED, NOW - HOUR),
        # After a week's sleep there is some time to catch up.
        ((run("ingest", 7 * DAY),), replace(SERVED, since=NOW - 9 * MINUTE), None),
        ((run("ingest", 7 * DAY),), replace(SERVED, since=NOW - 11 * MINUTE), NOW - MINUTE),
        # The first one of all.
        ((run("ingest", 3 * HOUR, RUNNING),), SERVED, NOW - 2 * HOUR),
    ],
)
def test_ingest_is_late(runs: tuple[FlowRun, ...], served_by: Serving | None, since: datetime | None) -> None:
    late = [one for one in found(*runs, served_by=served_by) if one.kind is ProblemKind.FLOW_LATE]
    assert [one.since for one in late] == ([] if since is None else [since])
    assert all((one.subject, one.severity) == ("ingest", Severity.ERROR) for one in late)


def test_what_runs_seldom_is_not_late_between_two_times() -> None:
    seldom = SETTINGS.model_copy(update={"serve": ServeSettings(ingest_every=6 * 3600.0, timezone=ZONE.key)})
    assert not status_of(seldom, facts(run("ingest", 11 * HOUR))).problems
    assert the_only(status_of(seldom, facts(run("ingest", 13 * HOUR))).problems).since == NOW - HOUR + MINUTE


def test_what_is_late_says_the_likely_reason() -> None:
    late = run("ingest", 9 * HOUR)
    assert "is not running" in str(the_only(found(late, served_by=None)).hint)
    assert "in use by reextract (process 7)" in str(the_only(found(late, holder=Holder("reextract", pid=7))).hint)
    skipped = run("ingest", MINUTE, SKIPPED, detail="the warehouse is in use")
    assert "the warehouse is in use" in str(the_only(found(late, skipped)).hint)


def test_a_daily_flow_is_late_where_nobody_tried_it() -> None:
    # In Berlin it is 13:00: the digest was due at 7:00, which is 6:00 UTC.
    problem = the_only(found(run("digest", DAY)))
    assert (problem.kind, problem.subject, problem.since) == (
        ProblemKind.FLOW_LATE,
        "digest",
        datetime(2026, 11, 22, 7, 0, tzinfo=UTC),
    )
    assert not found(run("digest", DAY), run("digest", 6 * HOUR))
    assert not found(run("digest", DAY), run("digest", 5 * HOUR, RUNNING))
    assert found(run("digest", DAY), run("digest", 5 * HOUR, FAILED, detail="interrupted"))
    assert not found(run("digest", DAY), served_by=None)
    assert not found(run("digest", DAY), served_by=replace(SERVED, since=NOW - 50 * MINUTE))
    none = SETTINGS.model_copy(update={"serve": ServeSettings(digest_at=None, timezone=ZONE.key)})
    assert not status_of(none, facts(run("digest", DAY))).problems


@pytest.mark.parametrize(
    ("runs", "severity", "times"),
    [
        ((run("ingest", 5 * MINUTE, FAILED),), "warning", 1),
        ((run("ingest", 5 * MINUTE, LOST),), "warning", 1),
        ((run("ingest", 20 * MINUTE, FAILED), run("ingest", 5 * MINUTE, LOST)), "error", 2),
        ((run("maintain", 5 * MINUTE, FAILED),), "error", 1),
        ((run("maintain", 5 * MINUTE, LOST),), "warning", 1),
        ((run("backfill", HOUR, FAILED), run("backfill", 5 * MINUTE, FAILED)), "warning", 2),
        ((run("backfill", 8 * DAY, FAILED),), None, 0),
        ((run("ingest", 20 * MINUTE, FAILED), run("ingest", 5 * MINUTE)), None, 0),
        # Who stops one knows of it.
        ((run("ingest", 5 * MINUTE, FAILED, detail="interrupted"),), None, 0),
        ((run("ingest", 20 * MINUTE, LOST), run("ingest", 5 * MINUTE, FAILED, detail="interrupted")), "warning", 1),
        ((run("ingest", 20 * MINUTE, FAILED), run("ingest", 5 * MINUTE, SKIPPED)), "warning", 1),
    ],
)
def test_a_flow_fails_as_long_as_its_latest_runs_did(
    runs: tuple[FlowRun, ...], severity: str | None, times: int
) -> None:
    before = () if runs[0].flow == "backfill" else (run(runs[0].flow, 40 * MINUTE),)
    status = status_of(SETTINGS, facts(*before, *runs))
    failed = [one for one in status.problems if one.kind is ProblemKind.FLOW_FAILED]
    assert [one.severity for one in failed] == ([] if severity is None else [severity])
    if times:
        assert status.flows[runs[0].flow].failures == times
        assert failed[0].since == (runs[0].ended_at or runs[0].started_at)


def test_an_audit_that_found_something_is_told_also_where_the_night_failed() -> None:
    wrong = {"audit": {"passed": False, "wrong": ["ledger", "quotes"]}}
    problems = found(run("maintain", DAY), run("maintain", 8 * HOUR, FAILED, facts=wrong, detail="the disk is full"))
    assert {one.kind for one in problems} == {ProblemKind.AUDIT_FAILED, ProblemKind.FLOW_FAILED}
    assert any("ledger, quotes" in one.words for one in problems)
    assert not found(run("maintain", 8 * HOUR, facts={"audit": {"passed": True, "wrong": []}}))
    # Damage that is mended is over with the next audit.
    assert not found(run("maintain", DAY, facts=wrong), run("maintain", 8 * HOUR, facts={"audit": {"passed": True}}))


def test_a_disk_that_fills_up() -> None:
    assert the_only(found(disk=Disk(999_999_999, 10**12))).kind is ProblemKind.DISK_LOW
    assert not found(disk=Disk(1_000_000_000, 10**12))


TROUBLE = (
    Trouble("over", "Over Observer", "gone", NOW - 9 * DAY),
    Trouble("down", "Down Daily", "failing", NOW - DAY, "status 500", 7),
    Trouble("shaky", "Shaky Star", "failing", NOW - HOUR, "status 503", 2),
    Trouble("quiet", "Quiet Quarterly", "silent", NOW - 30 * DAY),
)


def test_sources_that_need_a_look_are_warnings() -> None:
    state = SiteState(NOW, sources={"ok": 20, "gone": 1, "failing": 2, "silent": 1}, trouble=TROUBLE)
    status = status_of(SETTINGS, facts(state=state))
    assert status.healthy
    assert [one.key for one in status.problems] == ["source_gone:over", "source_failing:down", "source_silent:quiet"]
    assert status.problems[1].words == "Down Daily has failed 7 times in a row: status 500"


def test_sources_that_only_begin_to_fail_are_no_problem_and_not_well() -> None:
    begun = tuple(one for one in TROUBLE if one.source_id == "shaky")
    state = SiteState(NOW, sources={"ok": 20, "failing": 1}, trouble=begun)
    assert verdict(status_of(SETTINGS, facts())).plain == "All is well."
    assert verdict(status_of(SETTINGS, facts(state=state))).plain == (
        "Nothing is wrong here. 1 source has begun to fail; that is a problem from 3 failed polls in a row on."
    )
    assert verdict(status_of(SETTINGS, facts(state=replace(state, trouble=TROUBLE)))).plain == "3 warnings"


def test_most_sources_failing_at_once_is_one_problem_of_our_own() -> None:
    many = tuple(Trouble(f"s{n}", f"S {n}", "failing", None, "timed out", 5) for n in range(12))
    state = SiteState(NOW, sources={"ok": 11, "failing": 12, "gone": 1}, trouble=(TROUBLE[0], *many))
    status = status_of(SETTINGS, facts(state=state))
    assert not status.healthy
    assert [one.kind for one in status.problems] == [ProblemKind.SOURCES_UNREACHABLE, ProblemKind.SOURCE_GONE]
    assert status.problems[0].words == "12 of 23 sources can't be reached"


RUNS = st.builds(
    run,
    st.sampled_from(["ingest", "digest", "publish", "maintain", "reextract", "backfill"]),
    st.timedeltas(min_value=timedelta(days=-1), max_value=timedelta(days=400)),
    st.sampled_from(list(FlowStatus)),
    detail=st.sampled_from(["", "it broke"]),
    facts=st.sampled_from([{}, {"audit": None}, {"audit": {"passed": False}}, {"new_events": 3, "x": {"y": 1}}]),
)


@settings(max_examples=60)
@given(st.lists(RUNS, max_size=8), st.booleans(), st.sampled_from([None, Disk(0, 1)]))
def test_whatever_ran_there_is_an_answer(runs: list[FlowRun], served: bool, disk: Disk | None) -> None:
    """Whatever the clock did: also runs that begin in the future."""
    status = status_of(SETTINGS, facts(*runs, served_by=SERVED if served else None, disk=disk))
    assert len({one.key for one in status.problems}) == len(status.problems)
    assert status.healthy == (Severity.ERROR not in {one.severity for one in status.problems})
    severities = [one.severity for one in status.problems]
    assert severities == sorted(severities)
    assert status.ingest_age is None or status.ingest_age >= 0


STATE = SiteState(
    written_at=NOW,
    model="m1",
    version="0.1.0",
    events=1234,
    articles=56,
    entries=78,
    pending=3,
    retrying=1,
    run_id="r",
    run_at=NOW,
    new_events=2,
    outcomes={"stored": 3},
    feeds={"ok": 2},
    next_due_at=NOW,
    sources={"failing": 2, "gone": 1, "ok": 20, "silent": 1},
    trouble=TROUBLE,
    slowest=(SlowSource("slow", "Slow Sun", 86_400.0),),
    lag_seconds=1800.0,
    snapshot=SnapshotState("published/clampdown.duckdb", "v1", NOW - MINUTE),
    bytes={"archive": 5_000_000, "warehouse.duckdb": 900},
    measured_at=NOW,
)


def test_the_state_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    assert load(tmp_path) is None
    save(tmp_path, STATE)
    assert load(tmp_path) == STATE
    save(tmp_path, SiteState(NOW, trouble=(Trouble("a", "half \ud800", "gone"),)))
    state = load(tmp_path)
    assert state is not None
    assert state.trouble[0].name == "half ?"


def test_a_state_of_another_version_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    path = tmp_path / "state" / "site.json"
    path.write_text(json.dumps({"written_at": NOW.isoformat(), "events": 7, "colour": "blue"}))
    assert load(tmp_path) == SiteState(NOW, events=7)
    path.write_text("[")
    status = look(Settings(data_dir=tmp_path), NOW)
    assert status.state is None
    assert ProblemKind.FILES_UNREADABLE in {one.kind for one in status.problems}


@contextmanager
def served(data_dir: Path) -> Iterator[None]:
    """What a `clampdown serve` holds, held by another process."""
    holds = (
        "import fcntl, json, os, sys\n"
        "with open(sys.argv[1], 'w') as file:\n"
        "    fcntl.flock(file, fcntl.LOCK_EX)\n"
        "    told = {'pid': os.getpid(), 'host': 'h', 'since': '2026-10-13T12:00:00+00:00', 'page': 'http://p'}\n"
        "    file.write(json.dumps(told)); file.flush(); print(); sys.stdout.flush(); sys.stdin.read()"
    )
    command = [sys.executable, "-c", holds, str(data_dir / SERVE_LOCK)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.stdin.close()


def test_runs_of_a_clock_that_was_wrong_hide_nothing(tmp_path: Path) -> None:
    times = [NOW - 9 * HOUR, NOW - 8 * HOUR, NOW + 300 * DAY, NOW + 301 * DAY]
    log = FlowLog(tmp_path, iter(times).__next__)
    for _ in range(2):
        with log.running("ingest"):
            pass
    status = look(Settings(data_dir=tmp_path), NOW)
    assert status.ingest_age == 8 * 3600
    assert [one.kind for one in status.problems if one.kind is not ProblemKind.DISK_LOW] == [ProblemKind.FLOW_LATE]


def test_who_serves_is_known_by_the_lock_alone(tmp_path: Path) -> None:
    assert serving(tmp_path) is None
    with served(tmp_path):
        found = serving(tmp_path)
        assert found is not None
        assert (found.host, found.page) == ("h", "http://p")
    # Its words are still there, as after a kill.
    assert (tmp_path / SERVE_LOCK).read_text()
    assert serving(tmp_path) is None
    with (tmp_path / SERVE_LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write("half a li")
        file.flush()
        assert serving(tmp_path) is None


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data folder in which some flows ran, one of them with words that an enemy has chosen."""
    folder = tmp_path / "data"
    folder.mkdir()
    save(
        folder, replace(STATE, trouble=(*TROUBLE, Trouble("evil", "Evil\x1b[2J \u202eEve", "failing", None, "\x07", 9)))
    )
    now = datetime.now(UTC)
    times = iter([now - 2 * DAY, now - 2 * DAY + MINUTE, now - 20 * MINUTE, now - 18 * MINUTE])
    log = FlowLog(folder, lambda: next(times))
    with pytest.raises(RuntimeError), log.running("maintain"):
        raise RuntimeError("an unknown \x1b[31mthing")
    with log.running("ingest") as told:
        told.facts.update(new_events=7, discovered=1234, outcomes={"stored": 3})
    return folder


def test_people_see_what_ran_and_what_is_wrong(tmp_path: Path, data_dir: Path) -> None:
    with lease(data_dir, holder="backup"):
        done = clampdown("-d", str(data_dir), "status", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert re.search(r"last ingest (18|19|20) min ago", done.stdout)
    for words in (
        "not running: nothing is scheduled",
        "backup (process ",
        "min ago; 3 entries wait, 1 to be tried again; items are seen 30 min after they are published",
        "20 ok, 1 silent, 2 failing, 1 gone",
        "1,234 events from 56 articles",
        "archive 5.0 MB",
        "new events 7, discovered 1,234",
        "Down Daily",
        "maintain failed: RuntimeError: an unknown",
        "1 error, ",
    ):
        assert words in done.stdout
    assert not set("\x1b\x07\u202e") & set(done.stdout)


def test_monitors_read_json_and_the_exit_code(tmp_path: Path, data_dir: Path) -> None:
    done = clampdown("-d", str(data_dir), "status", "--json", cwd=tmp_path)
    told = json.loads(done.stdout)
    assert (done.returncode, told["healthy"]) == (1, False)
    assert "flow_failed:maintain" in {one["key"] for one in told["problems"]}
    assert told["flows"]["ingest"]["done"]["facts"]["new_events"] == 7
    assert told["state"]["sources"]["ok"] == 20
    assert told["disk"]["free"] > 0
    absent = clampdown("-d", str(tmp_path / "absent"), "status", cwd=tmp_path)
    assert (absent.returncode, "no data folder" in absent.stderr) == (2, True)
    empty = clampdown("-d", str(tmp_path), "status", "--json", cwd=tmp_path)
    assert (empty.returncode, json.loads(empty.stdout)["problems"][0]["kind"]) == (0, "nothing_ran")


def test_it_opens_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom pipeline.settings import Settings\n"
        "from pipeline.status import look\nimport flows.serving.endpoint\nlook(Settings(data_dir=Path()))\n"
        "print([one for one in ('duckdb', 'prefect', 'aiohttp', 'numpy', 'rich') if one in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

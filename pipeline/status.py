"""How the site fares: what ran, what comes next, what waits, how sources fare, and what is wrong.

`look` reads a few small files and opens no warehouse; `status_of` is a pure function of what they say.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from pipeline import alerts, outbox_state
from pipeline.digest_times import next_due, scheduled
from pipeline.errors import ClampdownError
from pipeline.flow_log import FlowLog, FlowRun, FlowStatus
from pipeline.judging import is_failure, problems_of
from pipeline.lease import Holder, holder
from pipeline.occasions import every, upcoming
from pipeline.outbox_state import Standing as Outbox
from pipeline.problems import Problem, Severity
from pipeline.settings import Settings
from pipeline.site_state import SiteState, load
from pipeline.subscriptions import BUILT_IN, Subscription

T = TypeVar("T")

FLOWS: Final = ("ingest", "digest", "publish", "maintain", "reextract", "backfill")
"""The flows that are served, in the order in which they are shown."""

SERVE_LOCK: Final = ".serve.lock"
"""The file of the data folder that a `clampdown serve` keeps locked, and writes into who it is."""

LATEST_RUNS: Final = 20
"""Runs of a flow that are looked at: enough to count failures in a row."""

TOLERANCE: Final = timedelta(minutes=1)
"""A run may begin while the files are read."""


@dataclass(frozen=True, slots=True)
class Serving:
    """The `clampdown serve` of a data folder; `page` is the address of Prefect's pages, empty where there are none."""

    pid: int
    host: str = ""
    since: datetime | None = None
    page: str = ""


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk of the data folder, in bytes; `free` is what this user may still write."""

    free: int
    total: int


@dataclass(frozen=True, slots=True)
class Record:
    """What the flow log has of one flow: its latest runs, the newest first, and the latest that finished."""

    runs: Sequence[FlowRun] = ()
    done: FlowRun | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What `status_of` decides over. `zone` is that of the schedule; `others` are problems that were found elsewhere.

    `unread` says in words which files could not be read, `subscriptions` when digests are due.
    """

    now: datetime
    zone: ZoneInfo
    records: Mapping[str, Record] = field(default_factory=dict)
    state: SiteState | None = None
    disk: Disk | None = None
    holder: Holder | None = None
    served_by: Serving | None = None
    unread: tuple[str, ...] = ()
    others: tuple[Problem, ...] = ()
    outbox: Outbox | None = None
    subscriptions: tuple[Subscription, ...] = (BUILT_IN,)


@dataclass(frozen=True, slots=True)
class Standing:
    """How one flow stands. `last` is the latest run that has ended, `done` the latest that finished its work.

    `failures` counts failed and lost runs since `done`, at most LATEST_RUNS, without those that somebody has stopped;
    the first of them ended or began at `failing_since`. `next_at` is when it runs next: None where nothing schedules
    it.
    """

    flow: str
    running: FlowRun | None = None
    last: FlowRun | None = None
    done: FlowRun | None = None
    failures: int = 0
    failing_since: datetime | None = None
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """The whole, as of `at`. `ingest_age` is the seconds since the last ingest finished, None before the first.

    `served_by` is the `clampdown serve` that keeps the schedule, `holder` whoever works in the warehouse; None where
    nobody does. Errors come first among the `problems`. `outbox` is None where nothing was ever sent.
    """

    at: datetime
    flows: Mapping[str, Standing]
    problems: tuple[Problem, ...]
    ingest_age: float | None = None
    state: SiteState | None = None
    disk: Disk | None = None
    holder: Holder | None = None
    served_by: Serving | None = None
    outbox: Outbox | None = None

    @property
    def healthy(self) -> bool:
        """Whether nothing worse is wrong than what somebody should look at some day."""
        return all(problem.severity is not Severity.ERROR for problem in self.problems)


def look(settings: Settings, now: datetime | None = None, others: Sequence[Problem] = ()) -> Status:
    """Read the files of the data folder and say how the site fares; `others` are problems that only the caller knows.

    A file that can't be read is a problem, never an exception.
    """
    now, data_dir = now or datetime.now(UTC), settings.data_dir
    unread: list[str] = []
    none: tuple[Problem, ...] = ()

    def read(what: Callable[[], T], otherwise: T) -> T:
        try:
            return what()
        except ClampdownError as error:
            unread.append(str(error))
            return otherwise

    facts = Facts(
        now=now,
        zone=read(lambda: settings.serve.zone, ZoneInfo("UTC")),
        records=read(lambda: _records(data_dir, now), {}),
        state=read(lambda: load(data_dir), None),
        disk=_disk(data_dir),
        holder=read(lambda: holder(data_dir), None),
        served_by=serving(data_dir),
        others=(*others, *read(lambda: alerts.unreachable(alerts.load(data_dir), now), none)),
        outbox=read(lambda: outbox_state.load(data_dir), None),
        subscriptions=scheduled(settings),
    )
    return status_of(settings, replace(facts, unread=tuple(unread)))


def status_of(settings: Settings, facts: Facts) -> Status:
    """Say how the site fares that `facts` tell of."""
    standings = {flow: _standing(settings, facts, flow) for flow in FLOWS}
    done = standings["ingest"].done
    ended = done.ended_at if done else None
    problems = problems_of(settings, facts, standings)
    return Status(
        at=facts.now,
        flows=standings,
        problems=tuple(sorted(problems, key=lambda problem: problem.severity is not Severity.ERROR)),
        ingest_age=None if ended is None else max(0.0, (facts.now - ended).total_seconds()),
        state=facts.state,
        disk=facts.disk,
        holder=facts.holder,
        served_by=facts.served_by,
        outbox=facts.outbox,
    )


def serving(data_dir: Path) -> Serving | None:
    """The `clampdown serve` that has this data folder, or None where none runs. Never keeps one from starting."""
    try:
        with (data_dir / SERVE_LOCK).open("rb") as file:
            told = _told(file.read())
            # What a killed one wrote is still there: only where its process seems to live is the lock tried.
            if told is None or not _may_live(told):
                return None
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return told
    except OSError:
        pass
    return None


def _told(text: bytes) -> Serving | None:
    try:
        told = json.loads(text)
        since = datetime.fromisoformat(told["since"])
        return Serving(int(told["pid"]), str(told.get("host", "")), since, str(told.get("page", "")))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _may_live(told: Serving) -> bool:
    try:
        os.kill(told.pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


def _records(data_dir: Path, now: datetime) -> dict[str, Record]:
    flow_log = FlowLog(data_dir)
    return {flow: _record(flow_log, flow, now) for flow in FLOWS}


def _record(flow_log: FlowLog, flow: str, now: datetime) -> Record:
    read = flow_log.runs(flow, LATEST_RUNS)
    # A run that is to come is of a clock that was wrong: it says nothing of how things stand.
    runs = [run for run in read if run.started_at <= now + TOLERANCE]
    done = next((run for run in runs if run.status is FlowStatus.FINISHED), None)
    if done is None and len(read) == LATEST_RUNS:
        done = flow_log.last(flow, FlowStatus.FINISHED)
        done = done if done is not None and done.started_at <= now else None
    return Record(tuple(runs), done)


def _disk(data_dir: Path) -> Disk | None:
    try:
        usage = shutil.disk_usage(data_dir)
    except OSError:
        return None
    return Disk(usage.free, usage.total)


def _standing(settings: Settings, facts: Facts, flow: str) -> Standing:
    record = facts.records.get(flow, Record())
    failed: list[FlowRun] = []
    for run in record.runs:
        if run.status is FlowStatus.FINISHED:
            break
        if is_failure(run):
            failed.append(run)
    return Standing(
        flow=flow,
        running=next((run for run in record.runs if run.status is FlowStatus.RUNNING), None),
        last=next((run for run in record.runs if run.status is not FlowStatus.RUNNING), None),
        done=record.done,
        failures=len(failed),
        failing_since=None if not failed else failed[-1].ended_at or failed[-1].started_at,
        next_at=_next(settings, facts, flow),
    )


def _next(settings: Settings, facts: Facts, flow: str) -> datetime | None:
    if facts.served_by is None:
        return None
    serve = settings.serve
    match flow:
        case "ingest":
            return every(serve.ingest_every, facts.now) + timedelta(seconds=serve.ingest_every)
        case "digest":
            return next_due(facts.subscriptions, serve, facts.now)
        case "maintain":
            return upcoming(serve.maintain_at, facts.zone, facts.now).at
        case _:
            return None

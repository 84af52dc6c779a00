"""Which flow runs begin, one process each, and what becomes of those whose process dies, is stopped or cancelled.

Prefect's server is a small fake here, because a real one takes a dozen seconds to start: test_serve.py has that. The
processes are real.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.responses import SetStateStatus

from flows.serving.flow_processes import AUTO_TAG, TRIES, FlowProcesses

INGEST, BACKFILL = uuid4(), uuid4()
SLEEPS = (sys.executable, "-c", "import time; time.sleep(600)")
FAILS = (sys.executable, "-c", "raise SystemExit(1)")


@dataclass
class Server:
    """What the runner asks a server for."""

    runs: dict[UUID, FlowRun] = field(default_factory=dict)
    is_gone: bool = False

    def add(
        self, deployment: UUID, minutes_ago: float = 0, *, automatic: bool = False, state: str = "SCHEDULED"
    ) -> UUID:
        at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
        run = FlowRun(
            id=uuid4(),
            flow_id=uuid4(),
            name=f"run {len(self.runs)}",
            deployment_id=deployment,
            tags=[AUTO_TAG] if automatic else [],
            state=State(type=StateType(state), name=state.title()),
            state_type=StateType(state),
            state_name=state.title(),
            next_scheduled_start_time=at,
            expected_start_time=at,
        )
        self.runs[run.id] = run
        return run.id

    def said(self, run: UUID) -> str | None:
        return self.runs[run].state_name

    def become(self, run: UUID, state: State[Any], **more: object) -> None:
        told = {"state": state, "state_type": state.type, "state_name": state.name, **more}
        self.runs[run] = self.runs[run].model_copy(update=told)

    async def get_scheduled_flow_runs_for_deployments(
        self, deployment_ids: list[UUID], scheduled_before: datetime
    ) -> list[FlowRun]:
        if self.is_gone:
            raise ConnectionError
        return [
            run
            for run in self.runs.values()
            if run.deployment_id in deployment_ids
            and run.state_type == StateType.SCHEDULED
            and (run.state.state_details.scheduled_time or run.next_scheduled_start_time) <= scheduled_before
        ]

    async def set_flow_run_state(self, run: UUID, state: State[Any], force: bool = False) -> object:
        count = self.runs[run].run_count + (state.type == StateType.PENDING)
        self.become(run, state, run_count=count)
        return SimpleNamespace(status=SetStateStatus.ACCEPT)

    async def read_flow_run(self, run: UUID) -> FlowRun:
        return self.runs[run]

    async def read_flow_runs(self, flow_run_filter: FlowRunFilter) -> list[FlowRun]:
        assert flow_run_filter.state is not None
        assert flow_run_filter.state.type is not None
        wanted, ids = flow_run_filter.state.type.any_ or [], flow_run_filter.id
        return [
            run
            for run in self.runs.values()
            if run.state_type in wanted and (ids is None or run.id in (ids.any_ or []))
        ]


def processes(server: Server, engine: tuple[str, ...] = SLEEPS) -> FlowProcesses:
    return FlowProcesses(server, {INGEST: "ingest", BACKFILL: "backfill"}, engine)


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(240):
        while not is_so():
            await asyncio.sleep(0.02)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def pid_of(flows: FlowProcesses, flow_run: UUID) -> int:
    process = flows._running[flow_run].process
    assert process is not None
    return process.pid


def test_of_missed_runs_the_newest_does_it_all_and_what_people_asked_for_waits_its_turn() -> None:
    async def work() -> None:
        server = Server()
        week = [server.add(INGEST, minutes, automatic=True) for minutes in (10_000, 5_000, 15)]
        asked = server.add(INGEST)
        flows = processes(server)
        await flows.look()
        assert [server.said(one) for one in week] == ["Missed", "Missed", "Pending"]
        await flows.look()
        assert server.said(asked) == "Scheduled", "one run of a flow at a time"
        other = server.add(BACKFILL)
        await flows.look()
        assert server.said(other) == "Pending", "another flow has nothing to wait for"
        os.kill(pid_of(flows, week[2]), signal.SIGKILL)
        await until(lambda: server.said(week[2]) == "Crashed")
        await flows.look()
        assert server.said(asked) == "Pending"
        await flows.stop()

    run(work())


def test_what_a_person_asked_for_goes_on_when_its_process_dies_but_not_for_ever() -> None:
    async def work() -> None:
        server = Server()
        asked, night = server.add(BACKFILL), server.add(INGEST, automatic=True)
        flows = processes(server, FAILS)
        for _ in range(TRIES):
            await flows.look()
            await until(lambda: not flows._running)
            if server.said(asked) == "Scheduled":
                # Its time comes.
                server.become(asked, State(type=StateType.SCHEDULED, name="Scheduled"))
        assert server.said(asked) == "Crashed"
        assert server.runs[asked].run_count == TRIES
        assert (server.said(night), server.runs[night].run_count) == ("Crashed", 1), "the next one goes on"

    run(work())


def test_runs_of_processes_that_are_gone_are_settled() -> None:
    async def work() -> None:
        server = Server()
        ends = {
            server.add(INGEST, automatic=True, state="RUNNING"): "Crashed",
            server.add(INGEST, automatic=True, state="PENDING"): "Crashed",
            server.add(BACKFILL, state="RUNNING"): "Scheduled",
            server.add(BACKFILL, state="CANCELLING"): "Cancelled",
            server.add(BACKFILL, state="COMPLETED"): "Completed",
        }
        await processes(server).settle_strays()
        assert {one: server.said(one) for one in ends} == ends
        # One that has a process is no stray.
        mine = server.add(INGEST, automatic=True)
        flows = processes(server)
        await flows.look()
        await flows.settle_strays()
        assert server.said(mine) == "Pending"
        await flows.stop()

    run(work())


def test_a_cancelled_run_ends_and_stays_cancelled() -> None:
    async def work() -> None:
        server = Server()
        asked = server.add(BACKFILL)
        flows = processes(server)
        await flows.look()
        server.become(asked, State(type=StateType.CANCELLING, name="Cancelling"))
        await flows.look()
        # As Prefect's engine does when the signal reaches it.
        server.become(asked, State(type=StateType.CRASHED, name="Crashed"))
        await until(lambda: server.said(asked) == "Cancelled")
        assert not flows._running

    run(work())


def test_a_stop_ends_all_and_starts_nothing_more() -> None:
    async def work() -> None:
        server = Server()
        asked, night = server.add(BACKFILL), server.add(INGEST, automatic=True)
        flows = processes(server)
        await flows.look()
        pids = [pid_of(flows, one) for one in (asked, night)]
        await flows.stop()
        assert (server.said(asked), server.said(night)) == ("Scheduled", "Crashed")
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        await flows.look()
        assert server.said(asked) == "Scheduled", "it goes on after the next start"

    run(work())


def test_a_server_that_is_gone_ends_no_flow() -> None:
    async def work() -> None:
        server = Server()
        night = server.add(INGEST, automatic=True)
        flows = processes(server)
        await flows.look()
        server.is_gone = True
        with pytest.raises(ConnectionError):
            await flows.look()
        os.kill(pid_of(flows, night), 0)
        await flows.stop()

    run(work())

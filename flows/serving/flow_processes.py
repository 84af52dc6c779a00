"""Flow runs as processes: which of those that are due begins, one process each, and how each ended.

Prefect's own `Runner` does the same for anyone's flows. It gives up after three looks that the server did not answer,
and ends the flows that run; it starts any number of runs of one deployment; it takes missed runs one by one. Here, a
run goes on whatever the server does, each flow runs once at a time, and of missed runs the newest does it all.
"""

import asyncio
import logging
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.responses import OrchestrationResult, SetStateStatus
from prefect.states import Cancelled, Crashed, Pending, Scheduled

from flows.serving.processes import NOTES, as_parent

log = logging.getLogger(__name__)

AUTO_TAG = "auto-scheduled"
"""The tag that Prefect's scheduler gives to its runs, and we to those that it should have made."""

ENGINE = (sys.executable, "-m", "flows.serving.engine")
"""The program that does a flow run; its argument is the run's id."""

TRIES = 5
"""How often a run that a person asked for begins, if its process dies each time."""

GAP = timedelta(seconds=30)
"""Between two tries, times how many there were."""

LEAVE_WITHIN = 20.0
"""Seconds that a flow has to end in order once it is told to."""

UNDER_WAY = (StateType.RUNNING, StateType.PENDING, StateType.CANCELLING)


def is_automatic(run: FlowRun) -> bool:
    """Whether a schedule asked for the run, and no person."""
    return run.auto_scheduled or AUTO_TAG in run.tags


@dataclass(slots=True)
class _Process:
    run: FlowRun
    process: asyncio.subprocess.Process | None = None
    told_to_end: bool = False
    cancelled: bool = False


@dataclass(slots=True)
class FlowProcesses:
    """The processes of the flow runs of some `deployments` (flow name by deployment id). All runs of them are ours.

    `engine` is the program that does a run, whose id it is given.
    """

    client: PrefectClient
    deployments: Mapping[UUID, str]
    engine: Sequence[str] = ENGINE
    _running: dict[UUID, _Process] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _is_stopping: bool = False

    async def look(self) -> None:
        """Start what is due and end what was cancelled. Raises what Prefect's client raises if the server is gone."""
        if self._is_stopping:
            return
        now = datetime.now(UTC)
        due = await self.client.get_scheduled_flow_runs_for_deployments(list(self.deployments), scheduled_before=now)
        busy = {process.run.deployment_id for process in self._running.values()}
        for run in await self._next(due):
            if run.deployment_id not in busy:
                await self._start(run)
        await self._end_cancelled()

    async def settle_strays(self) -> None:
        """Say of runs that are under way by the server's word, and have no process here, that they are not.

        Else they would seem to run for ever, and hold the slots that they took.
        """
        ours = FlowRunFilter(
            deployment_id=FlowRunFilterDeploymentId(any_=list(self.deployments)),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(UNDER_WAY))),
        )
        for found in await self.client.read_flow_runs(flow_run_filter=ours):
            if found.id in self._running:
                continue
            # It may have come to its end since the server was asked.
            run = await self.client.read_flow_run(found.id)
            if run.state_type in UNDER_WAY and run.id not in self._running:
                await self._settle(run, "its process is gone")

    async def stop(self) -> None:
        """Tell all flows to end, wait until they have, and note how. What a person asked for goes on after a start."""
        self._is_stopping = True
        for running in self._running.values():
            self._tell_to_end(running)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LEAVE_WITHIN)
        for running in self._running.values():
            if running.process is not None and running.process.returncode is None:
                log.warning("%s does not end: it is killed", self._called(running.run))
                running.process.kill()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LEAVE_WITHIN)

    async def _next(self, due: Iterable[FlowRun]) -> list[FlowRun]:
        """One run for each deployment. Of those that schedules asked for, all but the newest are noted as missed."""
        waiting: dict[UUID | None, list[FlowRun]] = defaultdict(list)
        for run in sorted(due, key=_expected):
            waiting[run.deployment_id].append(run)
        chosen = []
        for runs in waiting.values():
            automatic = [run for run in runs if is_automatic(run)]
            for run in automatic[:-1]:
                log.info("%s was missed: a later run does its work", self._called(run))
                await self._set(run, _missed())
            chosen.append(min([*automatic[-1:], *(run for run in runs if not is_automatic(run))], key=_expected))
        return chosen

    async def _start(self, run: FlowRun) -> None:
        flow = self.deployments.get(run.deployment_id, "") if run.deployment_id else ""
        # Noted before the server knows, so that nobody takes it for a stray.
        running = self._running[run.id] = _Process(run)
        try:
            answer: OrchestrationResult[Any] = await self.client.set_flow_run_state(run.id, Pending())
            if answer.status != SetStateStatus.ACCEPT:
                log.debug("%s does not begin: %s", self._called(run), answer.status)
                return
            running.process = await asyncio.create_subprocess_exec(
                *self.engine,
                str(run.id),
                env=_environment(run, flow),
                stdin=asyncio.subprocess.PIPE,
            )
        finally:
            if running.process is None:
                del self._running[run.id]
        log.debug("%s begins: process %d", self._called(run), running.process.pid)
        task = asyncio.create_task(self._attend(running))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attend(self, running: _Process) -> None:
        """Wait for the end of a run, and see that the server knows of it."""
        assert running.process is not None
        status = await running.process.wait()
        try:
            run = await self.client.read_flow_run(running.run.id)
            killed = status < 0 or status == 128 + signal.SIGTERM or running.told_to_end
            log.debug("%s ended: %s, status %d", self._called(run), run.state_name, status)
            if running.cancelled:
                # The engine takes the signal for a crash.
                await self._set(run, Cancelled(message="Cancelled by an operator."))
            elif run.state_type in UNDER_WAY or (killed and run.state_type == StateType.CRASHED):
                await self._settle(run, "it was stopped" if running.told_to_end else f"its process ended ({status})")
        except Exception as error:
            # It stays under way by the server's word until the next look at strays.
            log.warning("how %s ended can't be noted: %s", self._called(running.run), error)
        finally:
            del self._running[running.run.id]

    async def _settle(self, run: FlowRun, why: str) -> None:
        if run.state_type == StateType.CANCELLING:
            await self._set(run, Cancelled(message=f"Cancelled; {why}."))
        elif not is_automatic(run) and run.run_count < TRIES:
            again_at = datetime.now(UTC) + GAP * max(0, run.run_count - 1)
            log.warning("%s is to go on where it was: %s", self._called(run), why)
            await self._set(run, Scheduled(scheduled_time=again_at, message=f"To go on where it was: {why}."))
        elif run.state_type != StateType.CRASHED:
            log.warning("%s did not come to its end: %s", self._called(run), why)
            await self._set(run, Crashed(message=f"It did not come to its end: {why}. The next run goes on."))

    async def _end_cancelled(self) -> None:
        if not self._running:
            return
        wanted = FlowRunFilter(
            id=FlowRunFilterId(any_=list(self._running)),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.CANCELLING, StateType.CANCELLED])),
        )
        for run in await self.client.read_flow_runs(flow_run_filter=wanted):
            if (running := self._running.get(run.id)) is not None:
                running.cancelled = True
                self._tell_to_end(running)

    def _tell_to_end(self, running: _Process) -> None:
        if running.process is None or running.process.returncode is not None or running.told_to_end:
            return
        log.info("%s is told to end", self._called(running.run))
        running.told_to_end = True
        assert running.process.stdin is not None
        running.process.stdin.write(b"end\n")
        loop = asyncio.get_running_loop()
        # The line comes first, so that the log knows.
        loop.call_later(0.2, _signal, running.process, signal.SIGTERM)
        loop.call_later(LEAVE_WITHIN, _signal, running.process, signal.SIGKILL)

    def _called(self, run: FlowRun) -> str:
        """A run by its flow and its name, which is at random until it begins."""
        flow = self.deployments.get(run.deployment_id, "a flow") if run.deployment_id else "a flow"
        return run.name if run.name.startswith(flow) else f"{flow} ({run.name})"

    async def _set(self, run: FlowRun, state: State[Any]) -> None:
        await self.client.set_flow_run_state(run.id, state, force=True)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    if process.returncode is None:
        process.send_signal(number)


def _expected(run: FlowRun) -> datetime:
    return run.next_scheduled_start_time or run.expected_start_time or datetime.max.replace(tzinfo=UTC)


def _missed() -> State[Any]:
    return State(type=StateType.CANCELLED, name="Missed", message="A later run does the work of this one.")


def _environment(run: FlowRun, flow: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != NOTES}
    return {**kept, **as_parent(), "PREFECT__FLOW_RUN_ID": str(run.id), "PREFECT__DEPLOYMENT_NAME": flow}

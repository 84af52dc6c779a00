"""What the runner looks after: the deployments, who serves them, runs without a process, and runs that were missed."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterNextScheduledStartTime,
    FlowRunFilterStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound
from prefect.states import Scheduled

from flows.serving.deployed import deployments
from flows.serving.flow_processes import AUTO_TAG, UNDER_WAY, FlowProcesses
from flows.serving.limits import create_limits
from flows.serving.overdue import PATIENCE, Missed, first_run, missed_now
from flows.serving.ownership import Ownership, ownership
from pipeline.settings import Settings

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Upkeep:
    """The runner's state. `begin` makes one; `look` is called again and again."""

    client: PrefectClient
    settings: Settings
    owner: Ownership
    flows: FlowProcesses
    since: datetime | None = None

    @classmethod
    async def begin(cls, client: PrefectClient, settings: Settings) -> "Upkeep":
        """Claim the name, have the deployments on the server, and start what is due.

        Raises ServeError where another serves the name.
        """
        owner = ownership(settings)
        await owner.claim(client)
        upkeep = cls(client, settings, owner, FlowProcesses(client, {}))
        await upkeep._register()
        await upkeep.flows.settle_strays()
        await upkeep._catch_up(timedelta(0))
        return upkeep

    async def look(self) -> None:
        """Give a sign of life, and see to what is missing. Raises ServeError where another serves the name now."""
        await self.owner.beat(self.client)
        await self.flows.settle_strays()
        await self._catch_up(PATIENCE)

    async def _register(self) -> None:
        """Have our deployments on the server as the settings want them. What an operator has paused stays so."""
        await asyncio.to_thread(create_limits, self.settings)
        ids: dict[UUID, str] = {}
        for deployment in deployments(self.settings):
            await self._keep_pauses(deployment)
            ids[await deployment.aapply()] = str(deployment.flow_name)
        self.flows.deployments = ids

    async def _keep_pauses(self, deployment: RunnerDeployment) -> None:
        """Registering again would start schedules that were paused, and leave those that are no more."""
        try:
            there = await self.client.read_deployment_by_name(deployment.full_name)
        except ObjectNotFound:
            return
        if there.schedules and not any(schedule.active for schedule in there.schedules):
            log.warning("the schedule of %s is paused on Prefect's server, and stays so", deployment.full_name)
            for schedule in deployment.schedules or []:
                schedule.active = False
        if not deployment.schedules:
            for old in there.schedules:
                await self.client.delete_deployment_schedule(there.id, old.id)

    async def _catch_up(self, patience: timedelta) -> None:
        """Start what should have happened by our own log and has not, unless Prefect is about to."""
        there = await self._deployments()
        now = datetime.now(UTC)
        for one in await asyncio.to_thread(self._missed, now, patience):
            deployment = there.get(one.flow)
            if deployment is None or not _is_on(deployment) or await self._is_seen_to(deployment.id, one, now):
                continue
            await self._make_up(deployment.id, one)

    async def _deployments(self) -> Mapping[str, DeploymentResponse]:
        """Our deployments by flow, as they are on the server; registered anew where some are gone."""
        for _ in range(2):
            wanted = DeploymentFilter(id=DeploymentFilterId(any_=list(self.flows.deployments)))
            found = await self.client.read_deployments(deployment_filter=wanted)
            if len(found) == len(self.flows.deployments):
                break
            log.warning("deployments are gone from Prefect's server: they are made anew")
            await self._register()
        return {self.flows.deployments[one.id]: one for one in found if one.id in self.flows.deployments}

    def _missed(self, now: datetime, patience: timedelta) -> list[Missed]:
        if self.since is None:
            self.since = first_run(self.settings)
        return missed_now(self.settings, self.since, now, patience)

    async def _is_seen_to(self, deployment: UUID, one: Missed, now: datetime) -> bool:
        """Whether a run of the deployment is on, or due and about to begin, or was cancelled by an operator."""
        ours = FlowRunFilterDeploymentId(any_=[deployment])
        on = FlowRunFilter(
            deployment_id=ours, state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(UNDER_WAY)))
        )
        due = FlowRunFilter(
            deployment_id=ours,
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
            next_scheduled_start_time=FlowRunFilterNextScheduledStartTime(before_=now),
        )
        cancelled = FlowRunFilter(
            deployment_id=ours,
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.CANCELLED])),
            # Those that were missed never began.
            start_time=FlowRunFilterStartTime(after_=one.at),
        )
        for wanted in (on, due, cancelled):
            if await self.client.read_flow_runs(flow_run_filter=wanted, limit=1):
                return True
        return False

    async def _make_up(self, deployment: UUID, one: Missed) -> None:
        run = await self.client.create_flow_run_from_deployment(
            deployment,
            name=f"{one.flow} of {one.at:%d %b %H:%M} UTC",
            state=Scheduled(scheduled_time=one.at),
            tags=[AUTO_TAG],
            # The same attempt is made once, whoever asks for it and how often. Prefect compares the keys of a flow's
            # runs over all deployments, and others may share the server.
            idempotency_key=f"{deployment}: {one.key}",
        )
        if run.state is not None and run.state.is_scheduled():
            log.info("%s of %s has not been done: it begins now", one.flow, f"{one.at:%Y-%m-%d %H:%M} UTC")


def _is_on(deployment: DeploymentResponse) -> bool:
    """Whether the deployment runs by itself: an operator may have paused it."""
    return not deployment.paused and any(schedule.active for schedule in deployment.schedules)

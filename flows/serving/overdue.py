"""Which scheduled flows did not happen, by our own flow log.

Prefect's scheduler is to start them. Where it has not (it was down, its database was lost, a run was killed), the
runner does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.digest_times import latest_due, next_due, scheduled
from pipeline.flow_log import FlowLog, FlowRun, FlowStatus
from pipeline.occasions import every, latest, upcoming
from pipeline.settings import Settings

PATIENCE = timedelta(minutes=2)
"""How late a flow may be before it counts as missed: the scheduler starts most within seconds."""

LATEST_RUNS = 20
ANY_RUNS = 1_000_000

ATTEMPTS = 4
FIRST_GAP = timedelta(minutes=2)
"""After a run that was lost, failed or skipped, the next one comes after 2, 8 and 32 minutes, and no other."""


@dataclass(frozen=True, slots=True)
class Missed:
    """A flow that should have happened at `at` (UTC). `attempt` counts from 0."""

    flow: str
    at: datetime
    attempt: int

    @property
    def key(self) -> str:
        """The same for the same attempt at the same occasion, whoever finds that it is missing."""
        return f"{self.flow} of {self.at:%Y-%m-%dT%H:%M:%SZ}, attempt {self.attempt}"


def occasions(settings: Settings, now: datetime) -> dict[str, datetime]:
    """When each scheduled flow should last have happened (UTC)."""
    serve = settings.serve
    found = {
        "ingest": every(serve.ingest_every, now),
        "maintain": latest(serve.maintain_at, serve.zone, now).at,
    }
    if (due := latest_due(scheduled(settings), serve, now)) is not None:
        found["digest"] = due
    return found


def next_occasion(settings: Settings, now: datetime) -> datetime:
    """When the next scheduled flow is to happen (UTC)."""
    serve = settings.serve
    ingest = every(serve.ingest_every, now) + timedelta(seconds=serve.ingest_every)
    maintain = upcoming(serve.maintain_at, serve.zone, now).at
    digest = next_due(scheduled(settings), serve, now)
    return min(at for at in (ingest, maintain, digest) if at is not None)


def missed(
    wanted: Mapping[str, datetime],
    runs: Mapping[str, Sequence[FlowRun]],
    since: datetime | None,
    now: datetime,
    patience: timedelta = PATIENCE,
) -> list[Missed]:
    """The flows that are missing, of those that are `wanted` at their times.

    `runs` are the latest of each flow; `since` is when anything ran here for the first time, or None. Nights and
    mornings before that are nobody's loss, but an ingest is due from the first moment.
    """
    found = []
    for flow, at in wanted.items():
        if now - at < patience or (flow != "ingest" and (since is None or since > at)):
            continue
        # One that is to come is of a clock that was wrong.
        tried = [run for run in runs.get(flow, ()) if at <= run.started_at <= now + PATIENCE]
        if any(run.status in (FlowStatus.RUNNING, FlowStatus.FINISHED) for run in tried) or len(tried) >= ATTEMPTS:
            continue
        if tried and now - max(run.ended_at or run.started_at for run in tried) < FIRST_GAP * 4 ** (len(tried) - 1):
            continue
        found.append(Missed(flow, at, len(tried)))
    return found


def first_run(settings: Settings) -> datetime | None:
    """When anything ran in the data folder for the first time, as far back as its flow log goes."""
    oldest = FlowLog(settings.data_dir).runs(limit=ANY_RUNS)[-1:]
    return oldest[0].started_at if oldest else None


def missed_now(
    settings: Settings, since: datetime | None, now: datetime, patience: timedelta = PATIENCE
) -> list[Missed]:
    """The flows that are `missed` by the flow log of the data folder. Raises ArchiveError where it can't be read."""
    flow_log, wanted = FlowLog(settings.data_dir), occasions(settings, now)
    runs = {flow: flow_log.runs(flow, limit=LATEST_RUNS) for flow in wanted}
    return missed(wanted, runs, since, now, patience)

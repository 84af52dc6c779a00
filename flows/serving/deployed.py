"""Our six flows as Prefect knows them: each a thin coat around its duty (`duties`).

What they need is imported inside: the runner, which only names them, stays light. Settings come from the environment
and the settings file, as for every command; parameters are what an operator would type.
"""

import os
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from flows.serving import prefect_logs

# Read when prefect is imported. Our own lines belong to what Prefect shows of a run.
os.environ.update({**prefect_logs.DEFAULTS, **os.environ})
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")

from prefect import Flow, State, flow
from prefect.deployments.runner import RunnerDeployment
from prefect.runtime import flow_run
from prefect.schedules import Cron, Interval, Schedule
from prefect.types.entrypoint import EntrypointType

from flows.serving.limits import limits
from pipeline.digest_times import local_times, scheduled
from pipeline.settings import Settings, load
from pipeline.subscription_types import Weekday

__all__ = ["backfill", "deployments", "digest", "ingest", "limits", "maintain", "publish", "reextract"]

MOST_TIMES: Final = 24
"""Different times of digests that Prefect keeps."""

EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
"""Ingests are scheduled at multiples of their interval from here on, whenever the server was started."""


def _named() -> str:
    """What a run is called until its end, when its name says more: its flow and its time, in the schedule's zone."""
    at = flow_run.scheduled_start_time.astimezone(load().settings.serve.zone)
    return f"{flow_run.flow_name} of {at:%d %b %H:%M}"


@flow(name="ingest", flow_run_name=_named, persist_result=False)
def ingest(poll_all: bool = False) -> State[Any]:
    """Poll the feeds that are due, read what is new, extract events, publish.

    Args:
        poll_all: Poll all feeds, also those that are not due.
    """
    from flows.serving import runs

    return runs.ingest(poll_all=poll_all)


@flow(name="publish", flow_run_name=_named, persist_result=False)
def publish() -> State[Any]:
    """Publish what the warehouse holds, if that differs from what was published. An ingest does so at its own end."""
    from flows.serving import runs

    return runs.publish()


@flow(name="digest", flow_run_name=_named, persist_result=False)
def digest() -> State[Any]:
    """Make the digests that are due, each once: what has changed since the one before of the same subscription."""
    from flows.serving import runs

    return runs.digest()


@flow(name="maintain", flow_run_name=_named, persist_result=False)
def maintain() -> State[Any]:
    """Compact the warehouse, keep to the retention times, audit, look after the sources, clean up."""
    from flows.serving import runs

    return runs.maintain()


@flow(name="reextract", flow_run_name=_named, persist_result=False)
def reextract(since: date | None = None) -> State[Any]:
    """Read the stored texts again with the model of today, fetching nothing.

    It lets ingests have their turn. Texts that this model has read already are left out, so that a run that was stopped
    is gone on with by the next.

    Args:
        since: Leave out what was published before that day.
    """
    from flows.serving import runs

    return runs.reextract(since)


@flow(name="backfill", flow_run_name=_named, persist_result=False)
def backfill(  # noqa: PLR0913 - each is a field of the form by which Prefect begins it
    sources: list[str],
    since: date,
    until: date | None = None,
    sitemaps: list[str] | None = None,
    max_pages: int = 1000,
    undated: bool = False,
    again: bool = False,
) -> State[Any]:
    """Bring back the entries of past days, from feed archives and sitemaps.

    It lets ingests have their turn. Pages that were read are left out, so that a run that was stopped is gone on with
    by the next.

    Args:
        sources: Ids of sources of the source list.
        since: First day of publication.
        until: Last day; today unless given.
        sitemaps: Sitemaps to read in place of those that the sites name.
        max_pages: Most pages of archives and sitemaps to read of one source.
        undated: Take entries that state no date and have none in their address, too.
        again: Read pages anew that an earlier backfill of these days has read.
    """
    from flows.orders import BackfillOrder
    from flows.serving import runs

    return runs.backfill(BackfillOrder(sources, since, until, sitemaps or (), max_pages, undated, again))


def deployments(settings: Settings) -> list[RunnerDeployment]:
    """The deployments to serve, each called `serve.name`, with the schedules of the settings.

    Flows are named by module, so that a process finds them wherever the program is installed.
    """
    serve = settings.serve
    schedules: list[tuple[Flow[..., Any], list[Schedule]]] = [
        (ingest, [Interval(timedelta(seconds=serve.ingest_every), anchor_date=EPOCH)]),
        (digest, _digests(settings)),
        (maintain, [Cron(_cron(serve.maintain_at), timezone=serve.zone.key)]),
        (publish, []),
        (reextract, []),
        (backfill, []),
    ]
    return [
        RunnerDeployment.from_flow(
            one,
            serve.name,
            schedules=found,
            entrypoint_type=EntrypointType.MODULE_PATH,
            tags=["clampdown"],
        )
        for one, found in schedules
    ]


def _digests(settings: Settings) -> list[Schedule]:
    """When digests are due. Of very many times the runner looks after the rest: what is missed it begins itself."""
    found = local_times(scheduled(settings), settings.serve)
    return [Cron(_cron(at, weekday), timezone=zone) for at, weekday, zone in found[:MOST_TIMES]]


def _cron(at: time, weekday: Weekday | None = None) -> str:
    """A local time of each day, or week, as cron writes it. Which occasion is done already stands in our flow log."""
    return f"{at.minute} {at.hour} * * {'*' if weekday is None else weekday.value[:3]}"

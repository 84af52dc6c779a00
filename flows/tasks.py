"""The same run as a Prefect flow: each stage of each batch is a task, seen and timed in Prefect's interface.

Prefect is given nothing to keep: results are not persisted and parameters are not tracked, because the warehouse is the
only place where the truth lies. A task run takes about 10 ms, so tasks are per batch, never per article.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

# Both are read when prefect is imported or starts its server. A cold machine needs up to 20 s for the first start.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows import extracting, polling, reading
from flows.house import House
from flows.ingest import RunReport, Stages, ingest
from flows.progress import Progress
from pipeline.types import Source


def run_as_flow(house: House, sources: Sequence[Source], progress: Progress | None = None) -> RunReport:
    """Run `ingest` as a Prefect flow, on the server of PREFECT_API_URL or on one that lives as long as the run."""

    @flow(name="ingest", flow_run_name=f"ingest {len(sources)} sources at {house.run_id}", persist_result=False)
    def ingest_flow() -> RunReport:
        return ingest(house, sources, AS_TASKS, progress)

    return ingest_flow()


def _as_task(stage: Callable[..., Any], name: str) -> Callable[..., Any]:
    def run(house: House, *batch: Sequence[Any]) -> Any:
        label = f"{name} ({len(batch[0])})" if batch else name

        # Without parameters, because Prefect walks through each parameter's fields, a batch of articles included.
        @task(name=name, task_run_name=label, cache_policy=NO_CACHE, persist_result=False)
        def step() -> Any:
            return stage(house, *batch)

        return step()

    return run


AS_TASKS = Stages(
    poll=_as_task(polling.poll_sources, "poll feeds"),
    store_polls=_as_task(polling.store_polls, "store entries"),
    fetch=_as_task(reading.fetch_articles, "fetch articles"),
    read=_as_task(reading.read_articles, "read articles"),
    extract=_as_task(extracting.extract_events, "extract events"),
    store=_as_task(extracting.store_results, "store results"),
    publish=_as_task(extracting.publish, "publish snapshot"),
)

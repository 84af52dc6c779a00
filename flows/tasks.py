"""The stages of a run as Prefect's tasks: each stage of each batch is seen, timed, retried and kept from hanging.

Prefect is given nothing to keep: results are neither persisted nor cached and parameters are not tracked, because the
warehouse is the only place where the truth lies. A task run takes about 10 ms, so tasks are per batch, never per
article.
"""

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final

from flows.serving import prefect_logs

# All are read when prefect is imported or starts its server. A cold machine needs up to 20 s for the first start.
os.environ.update({**prefect_logs.DEFAULTS, **os.environ})
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task, exponential_backoff

from flows import extracting, polling, reading
from flows.house import House
from flows.ingest import RunReport, Stages, ingest
from flows.progress import Progress
from flows.serving.deadline import alarm
from flows.serving.limits import EXTRACTING, SLOT_SECONDS, slot
from pipeline.errors import EndpointError, Overdue, WarehouseError, WarehouseLocked, WorkersUnavailable
from pipeline.settings import Settings
from pipeline.types import Source

HEALING: Final = (EndpointError, WarehouseError, WorkersUnavailable)
"""What may be over in a minute: an endpoint that is restarted, a lake whose catalogue is, a machine out of memory."""

SLACK: Final = 300.0


@dataclass(frozen=True, slots=True)
class Rule:
    """A stage as a task: its name, how often it is tried again, and the seconds that it may take for so many items.

    The seconds are what all items take one after the other, each at its own limit: what takes longer hangs.
    """

    name: str
    seconds: Callable[[Settings, int], float]
    retries: int = 0
    limit: str | None = None


def run_as_flow(house: House, sources: Sequence[Source], progress: Progress | None = None) -> RunReport:
    """Run `ingest` as a Prefect flow, on the server of PREFECT_API_URL or on one that lives as long as the run."""

    @flow(name="ingest", flow_run_name=f"ingest {len(sources)} sources at {house.run_id}", persist_result=False)
    def ingest_flow() -> RunReport:
        return ingest(house, sources, AS_TASKS, progress)

    return ingest_flow()


def as_task(rule: Rule, work: Callable[[], Any], label: str, seconds: float) -> Any:
    """Do `work` as a Prefect task called `label`.

    Raises what `work` raises in the last try, and Overdue where it takes longer than so many seconds. Prefect can't
    interrupt what waits in another thread than the main one: then the main thread is told to give up the whole run.
    """
    in_main = threading.current_thread() is threading.main_thread()
    # Without parameters, because Prefect walks through each parameter's fields, a batch of articles included.
    step: Task[[], Any] = task(
        name=rule.name,
        task_run_name=label,
        cache_policy=NO_CACHE,
        persist_result=False,
        timeout_seconds=seconds if in_main else None,
        retries=rule.retries,
        retry_delay_seconds=exponential_backoff(backoff_factor=5),
        retry_jitter_factor=1,
        retry_condition_fn=may_heal,
    )(work)
    try:
        with nullcontext() if in_main else alarm(seconds, label):
            return step()
    except TimeoutError as error:
        raise Overdue(f"{label}: given up after {seconds:.0f} seconds") from error


def stretch_as_task(settings: Settings) -> Callable[[str, Callable[[], Any]], Any]:
    """What does a stretch of long work as a task, called by its label, and again where what ended it may heal."""
    seconds = max(settings.serve.wait, settings.serve.ingest_hours * 3600) * 2
    rule = Rule("stretch", lambda settings, items: seconds, retries=3)
    return lambda label, work: as_task(rule, work, label, seconds)


def may_heal(step: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether what a task ended with may be over in a moment. Who waited for a warehouse has waited."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, HEALING) and not isinstance(error, WarehouseLocked)


def _staged(rule: Rule, stage: Callable[..., Any]) -> Callable[..., Any]:
    def run(house: House, *batch: Sequence[Any]) -> Any:
        label = f"{rule.name} ({len(batch[0])})" if batch else rule.name
        seconds = rule.seconds(house.settings, len(batch[0]) if batch else 0)

        def work() -> Any:
            if rule.limit is None or house.settings.workers.runner != "dask":
                return stage(house, *batch)
            with slot(rule.limit, SLOT_SECONDS):
                return stage(house, *batch)

        return as_task(rule, work, label, seconds)

    return run


def _asking(settings: Settings, items: int) -> float:
    fetch = settings.fetch
    # The robots.txt of each site is asked for, too.
    each = 2 * (fetch.timeout * (1 + fetch.retries) + fetch.host_gap) + settings.workers.feed_seconds
    return SLACK + items * each


def _reading(settings: Settings, items: int) -> float:
    # Limits of workers are in CPU time, of which a busy machine gives less.
    return SLACK + items * settings.workers.page_seconds * 4


def _extracting(settings: Settings, items: int) -> float:
    llm = settings.extract.llm
    each = (
        llm.timeout * (1 + llm.retries) * 4 if settings.extract.backend == "llm" else settings.workers.extract_seconds
    )
    return SLACK + items * each


def _storing(settings: Settings, items: int) -> float:
    return SLACK + items * 10


def _publishing(settings: Settings, items: int) -> float:
    return 3600.0


# What asks publishers is not tried again as a whole: whatever fails there fails alone, and has its own next time.
AS_TASKS = Stages(
    poll=_staged(Rule("poll feeds", _asking), polling.poll_sources),
    store_polls=_staged(Rule("store entries", _storing, retries=2), polling.store_polls),
    fetch=_staged(Rule("fetch articles", _asking), reading.fetch_articles),
    read=_staged(Rule("read articles", _reading, retries=2), reading.read_articles),
    extract=_staged(Rule("extract events", _extracting, retries=2, limit=EXTRACTING), extracting.extract_events),
    store=_staged(Rule("store results", _storing, retries=2), extracting.store_results),
    publish=_staged(Rule("publish snapshot", _publishing, retries=2), extracting.publish),
)

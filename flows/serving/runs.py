"""What happens in the process of a flow run: the duty through `perform`, and what Prefect shows of it.

Prefect's part is to start and to show. That it is gone, or slow, or remembers wrongly, costs a run nothing but its
picture: what ran and how it ended stands in our own flow log.
"""

import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, TypeVar

from prefect import State
from prefect.exceptions import TerminationSignal
from prefect.logging.handlers import PrefectConsoleHandler
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.maintain import Step
from flows.maintain import maintain as maintain_duty
from flows.orders import BackfillOrder
from flows.serving import artifacts, duties, showing
from flows.serving.artifacts import Shown
from flows.serving.deadline import deadline, given_up
from flows.serving.duties import HOUR, MINUTE, Way
from flows.serving.limits import slot, writing
from flows.serving.perform import perform
from flows.serving.showing import LONG, ArtifactProgress
from flows.tasks import AS_TASKS, stretch_as_task
from pipeline.errors import ClampdownError
from pipeline.flow_log import FlowLog, FlowStatus, Told
from pipeline.lease import holder
from pipeline.logs import OURS, Masking, about, hide, secrets_of, set_up
from pipeline.settings import Settings, load

log = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE: Final = 5.0
"""Seconds for a slot that should be free, because we hold the lease: else its holder is dead."""

INTERRUPTED: Final = "Query interrupted"
"""What DuckDB makes of a signal's exception. Prefect must hear of the signal: what was stopped is to go on."""

ROUNDING_OFF: Final = 300.0
"""Seconds that a stretch of long work may take beyond its time: its last batch, and publishing."""

FOR_DIGEST: Final = 900.0
"""Seconds that a digest waits for an ingest to end, where the sources have not been read for long."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What `perform` is told: when the run was meant for (None where a person called it), and how long it waits."""

    scheduled_at: datetime | None = None
    wait: float | None = 0.0


def ingest(*, poll_all: bool) -> State[Any]:
    """Poll, read, extract, publish."""
    settings = _settings("ingest")
    who = holder(settings.data_dir)
    # Another ingest does this one's work. Long work lets go of the warehouse after a stretch.
    wait = 0.0 if who is not None and who.flow == "ingest" else settings.serve.slice_minutes * MINUTE + ROUNDING_OFF
    way = Way(AS_TASKS, ArtifactProgress(settings.serve.name, "ingest", least=LONG), "prefect")
    return _performed(
        "ingest",
        settings,
        lambda told: duties.ingest_duty(settings, told, way, poll_all=poll_all),
        lambda done: artifacts.of_ingest(settings, done),
        Rules(_scheduled_at(), wait=wait),
    )


def publish() -> State[Any]:
    """Publish what the warehouse holds."""
    settings = _settings("publish")
    way = Way(AS_TASKS, mode="prefect")
    return _performed(
        "publish",
        settings,
        lambda told: duties.publish_duty(settings, told, way),
        artifacts.of_publish,
        Rules(wait=settings.serve.wait),
    )


def digest() -> State[Any]:
    """Make the digests that are due."""
    settings = _settings("digest")
    return _performed(
        "digest",
        settings,
        lambda told: duties.digest_duty(settings, told, FOR_DIGEST),
        artifacts.of_digests,
        Rules(_scheduled_at(), wait=None),
    )


def maintain() -> State[Any]:
    """Look after the warehouse. Its steps are shown as they stand also where some have failed."""
    settings = _settings("maintain")
    steps: list[Step] = []

    def work(told: Told) -> Shown:
        try:
            report = maintain_duty(settings, told, steps.append)
        except ClampdownError:
            showing.post(settings, "maintain", artifacts.of_maintain(steps, None))
            raise
        return artifacts.of_maintain(report.steps, report.state)

    return _performed(
        "maintain",
        settings,
        work,
        lambda shown: shown,
        Rules(_scheduled_at(), wait=settings.serve.wait),
    )


def reextract(since: date | None) -> State[Any]:
    """Read the stored texts again, in stretches."""
    settings = _settings("reextract")
    bars = ArtifactProgress(settings.serve.name, "reextract")
    way = Way(progress=bars, mode="prefect", step=stretch_as_task(settings))
    return _performed(
        "reextract",
        settings,
        lambda told: duties.reextract_duty(settings, told, since, way),
        artifacts.of_reextract,
        Rules(wait=None),
    )


def backfill(order: BackfillOrder) -> State[Any]:
    """Bring back the entries of past days, in stretches."""
    settings = _settings("backfill")
    bars = ArtifactProgress(settings.serve.name, "backfill")
    way = Way(AS_TASKS, bars, "prefect", stretch_as_task(settings))
    return _performed(
        "backfill",
        settings,
        lambda told: duties.backfill_duty(settings, told, order, way),
        artifacts.of_backfill,
        Rules(wait=None),
    )


def _performed(
    flow: str,
    settings: Settings,
    duty: Callable[[Told], T],
    show: Callable[[T], Shown],
    rules: Rules,
) -> State[Any]:
    """Do the duty under the rules of `perform`, show what it did, and say in the run's state how it ended."""

    def work(told: Told) -> T:
        with nullcontext() if rules.wait is None else slot(writing(settings), PATIENCE):
            try:
                return duty(told)
            except RuntimeError as error:
                if str(error) != INTERRUPTED:
                    raise
                raise given_up() or TerminationSignal(signal.SIGTERM) from error

    hours = settings.serve.ingest_hours * HOUR
    # Long work has a time for each of its stretches.
    limit = nullcontext() if flow in ("reextract", "backfill") else deadline(hours, flow)
    with about(flow, str(flow_run.name)):
        try:
            with limit:
                done = perform(
                    flow,
                    settings,
                    work,
                    mode="prefect",
                    scheduled_at=rules.scheduled_at,
                    wait=rules.wait,
                )
        except ClampdownError as error:
            return Failed(message=f"{error} {error.hint}" if error.hint else str(error))
        if done is None:
            return Completed(name="Skipped", message=_reason(settings, flow))
        try:
            shown = show(done)
        except Exception:
            # What was done is done.
            log.exception("what this run did can't be shown")
            return Completed()
        showing.post(settings, flow, shown)
        at = _scheduled_at().astimezone(settings.serve.zone)
        showing.rename(flow_run.id, f"{flow} of {at:%d %b %H:%M}: {shown.words}")
        return Completed(message=shown.words)


def _settings(flow: str) -> Settings:
    """The settings, and logs as they say: on standard error, and what Prefect shows of the run without secrets, too."""
    settings = load().settings
    _forget_main()
    set_up(settings.log, who=flow)
    hide(secrets_of(settings, os.environ))
    root = logging.getLogger()
    for console in [one for one in root.handlers if isinstance(one, PrefectConsoleHandler)]:
        # It would say everything a second time.
        root.removeHandler(console)
    for name in (*OURS, "prefect.flow_runs", "prefect.task_runs"):
        for handler in logging.getLogger(name).handlers:
            handler.addFilter(Masking())
    return settings


def _forget_main() -> None:
    """Have worker processes not import the program that runs us, as they do with anyone's script.

    It is an engine or a worker of Prefect's: each would take two seconds and 80 MB for nothing.
    """
    main = sys.modules["__main__"]
    if getattr(main.__spec__, "name", "").startswith("prefect."):
        main.__spec__ = None
        vars(main).pop("__file__", None)


def _scheduled_at() -> datetime:
    """The time that the run was meant for."""
    at: datetime = flow_run.scheduled_start_time
    return at


def _reason(settings: Settings, flow: str) -> str:
    """Why the run was skipped, by the flow log."""
    mine = (run for run in FlowLog(settings.data_dir).runs(flow) if run.pid == os.getpid())
    return next((run.detail for run in mine if run.status is FlowStatus.SKIPPED), "")

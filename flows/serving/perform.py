"""What every flow goes through, served or called: the flow log, what has been done already, and the lease."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TypeVar

from pipeline.errors import WarehouseLocked
from pipeline.flow_log import FlowLog, FlowStatus, Told
from pipeline.lease import lease, refuse
from pipeline.occasions import superseded
from pipeline.settings import Settings

T = TypeVar("T")


def perform(
    name: str,
    settings: Settings,
    work: Callable[[Told], T],
    *,
    scheduled_at: datetime | None = None,
    mode: str = "direct",
    wait: float | None = 0.0,
) -> T | None:
    """Do `work` as the flow `name`, once for its time, alone in the data folder, and note how it ended.

    None stands for a run that was skipped: a later one has done it, or the warehouse is in use by another and
    `scheduled_at` says that nobody waits for this one. Raises WarehouseLocked where a person called (`scheduled_at` is
    None). Waits up to `wait` seconds for the lease; with None the work takes it itself, where it must.
    """
    if scheduled_at is None and wait == 0:
        # Who typed this is told at once. That somebody tried is no run to be noted.
        refuse(settings.data_dir)
    flow_log, result = FlowLog(settings.data_dir), None
    with flow_log.running(name, scheduled_at=scheduled_at, mode=mode) as told:
        _skip_what_is_done(flow_log, told)
        try:
            alone = nullcontext() if wait is None else lease(settings.data_dir, holder=name, run=told.run, wait=wait)
            with alone:
                # Another may have done it while this one waited.
                _skip_what_is_done(flow_log, told)
                result = work(told)
        except WarehouseLocked as locked:
            if scheduled_at is None:
                raise
            told.skip(str(locked))
    return result


def _skip_what_is_done(flow_log: FlowLog, told: Told) -> None:
    done = flow_log.last(told.flow, FlowStatus.FINISHED) if told.scheduled_at is not None else None
    if superseded(told.scheduled_at, done, datetime.now(UTC)):
        assert done is not None, "nothing is superseded by nothing"
        told.skip(f"done already by run {done.run}")

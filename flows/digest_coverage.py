"""How much of what could be read was read, by the flow log and by what the last run has noted."""

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from pipeline import site_state
from pipeline.errors import ArchiveError
from pipeline.flow_log import FlowLog, FlowStatus
from pipeline.settings import Settings
from pipeline.site_state import SiteState
from reports.digest import Coverage, gaps_between

log = logging.getLogger(__name__)

USUAL_GAP: Final = timedelta(hours=3)
"""Time between two readings of the sources that nobody need be told of; or four times the usual, if that is more."""

_PAUSE: Final = 2.0
_READINGS: Final = 5000
"""Runs of ingest that are looked at for gaps: seven weeks of every quarter of an hour."""


class Readings:
    """When the sources were read, and how they fared, as it stands now: read once for all subscriptions."""

    def __init__(self, settings: Settings) -> None:
        self._longest = max(USUAL_GAP, 4 * timedelta(seconds=settings.serve.ingest_every))
        self._state = _state(settings)
        self._ended = _ended(settings)
        self._known: dict[datetime, Coverage] = {}

    def coverage(self, since: datetime, now: datetime) -> Coverage:
        """How the sources fared since then."""
        if since not in self._known:
            self._known[since] = self._coverage(since, now)
        return self._known[since]

    def _coverage(self, since: datetime, now: datetime) -> Coverage:
        state, ended = self._state, self._ended
        # Before the first reading that is still known, nothing can be said.
        start = max(since, ended[-1]) if ended else now
        return Coverage(
            {} if state is None else state.sources,
            () if state is None else state.trouble,
            ended[0] if ended else None if state is None else state.written_at,
            gaps_between(ended, start, now, self._longest),
        )


def waited_for_reading(settings: Settings, now: datetime, patience: float) -> timedelta:
    """Wait until the sources have been read, where that is overdue; for how long, at most so many seconds."""
    if patience <= 0:
        return timedelta()
    begun = time.monotonic()
    longest = 2 * timedelta(seconds=settings.serve.ingest_every)
    flow_log = FlowLog(settings.data_dir)
    while (waited := time.monotonic() - begun) < patience:
        last = flow_log.last("ingest", FlowStatus.FINISHED)
        if last is not None and last.ended_at is not None and last.ended_at > now - longest:
            break
        time.sleep(_PAUSE)
    return timedelta(seconds=waited)


def _state(settings: Settings) -> SiteState | None:
    try:
        return site_state.load(settings.data_dir)
    except ArchiveError as error:
        log.warning("%s", error)
        return None


def _ended(settings: Settings) -> Sequence[datetime]:
    """The ends of readings, the latest first."""
    runs = FlowLog(settings.data_dir).runs("ingest", _READINGS)
    return [run.ended_at for run in runs if run.status is FlowStatus.FINISHED and run.ended_at is not None]

"""Noting what stands in the warehouse while it is open anyway: the file is read by `status`, monitors and alerts."""

import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Final

from flows.house import PUBLISHED_NAME, House
from flows.ingest import RunReport
from pipeline.errors import ArchiveError
from pipeline.site_state import SiteState, SlowSource, SnapshotState, Trouble, load, save
from warehouse.health import SourceHealth
from warehouse.snapshot import CURRENT, DATABASE_NAME, VERSIONS

log = logging.getLogger(__name__)

SLOWEST: Final = 10
"""How many of the sources whose items are seen late are named."""

MEASURED_EVERY: Final = timedelta(hours=20)
"""Walking through a large archive takes its time: once a day is often enough."""

WORST_FIRST: Final = ("gone", "failing", "silent")


def note_state(house: House, report: RunReport | None) -> SiteState:
    """Write down what the open warehouse says, and return it.

    `report` is that of the ingest which comes to its end; without one, what the last ingest did stands. A file that
    can't be written costs the run nothing: it is logged, and the next one writes it.
    """
    data_dir = house.settings.data_dir
    before = _before(data_dir)
    state = _state(house, report, before)
    if state.measured_at is None or abs(state.written_at - state.measured_at) > MEASURED_EVERY:
        state = replace(state, bytes=measured(data_dir), measured_at=state.written_at)
    try:
        save(data_dir, state)
    except ArchiveError as error:
        log.warning("what `clampdown status` shows stays as it was: %s", error)
    return state


def _before(data_dir: Path) -> SiteState | None:
    try:
        return load(data_dir)
    except ArchiveError as error:
        log.warning("%s", error)
        return None


def _state(house: House, report: RunReport | None, before: SiteState | None) -> SiteState:
    totals, sources = house.warehouse.totals(), house.warehouse.source_health().values()
    lags = [one.lag_seconds for one in sources if one.lag_seconds is not None]
    state = replace(
        before or SiteState(datetime.min.replace(tzinfo=UTC)),
        written_at=house.clock(),
        model=house.extractor.revision,
        version=version("clampdown"),
        events=totals.events,
        articles=totals.articles,
        entries=totals.entries,
        pending=totals.pending,
        retrying=totals.retrying,
        next_due_at=min((one.next_poll_at for one in sources if one.next_poll_at is not None), default=None),
        sources=dict(sorted(Counter(one.state for one in sources).items())),
        trouble=_trouble(sources),
        slowest=_slowest(sources),
        lag_seconds=median(lags) if lags else None,
        snapshot=_published(house.settings.data_dir, before),
    )
    return state if report is None else _after(state, report)


def _after(state: SiteState, report: RunReport) -> SiteState:
    """The same, with what the ingest did that just ended."""
    summary, snapshot = report.summary, report.snapshot
    return replace(
        state,
        run_id=summary.run_id,
        run_at=summary.started_at,
        discovered=summary.discovered,
        new_events=summary.new_events,
        outcomes={outcome.value: number for outcome, number in summary.outcomes.items()},
        feeds={outcome.value: number for outcome, number in summary.feeds.items()},
        revisits={outcome.value: number for outcome, number in summary.revisits.items()},
        snapshot=SnapshotState(str(snapshot.database), _version(snapshot.database.parent), snapshot.published_at),
    )


def _trouble(sources: Iterable[SourceHealth]) -> tuple[Trouble, ...]:
    found = [
        Trouble(one.source_id, one.name, one.state, _since(one), one.error, one.failures)
        for one in sources
        if one.state in WORST_FIRST
    ]
    return tuple(sorted(found, key=lambda one: (WORST_FIRST.index(one.state), -one.failures, one.name.casefold())))


def _since(health: SourceHealth) -> datetime | None:
    """Since when a source is in trouble: when it was gone, brought its last item, or answered last."""
    match health.state:
        case "gone":
            return health.gone_at
        case "silent":
            return health.silent_since
        case _:
            return health.last_answer_at


def _slowest(sources: Iterable[SourceHealth]) -> tuple[SlowSource, ...]:
    known = [SlowSource(one.source_id, one.name, one.lag_seconds) for one in sources if one.lag_seconds is not None]
    return tuple(sorted(known, key=lambda one: (-one.lag_seconds, one.source_id))[:SLOWEST])


def _published(data_dir: Path, before: SiteState | None) -> SnapshotState | None:
    """The snapshot that is published now: the one noted before, or a newer version whose name tells its time."""
    folder = data_dir / PUBLISHED_NAME
    name = _version(folder)
    earlier = None if before is None else before.snapshot
    if not name or (earlier is not None and earlier.version == name):
        return earlier if name else None
    try:
        at = datetime.strptime(name, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return SnapshotState(str(folder / DATABASE_NAME), name, at)


def _version(published: Path) -> str:
    """The name of the version that is published, or nothing."""
    try:
        target = (published / CURRENT).readlink()
    except OSError:
        return ""
    return target.name if target.parent.name == VERSIONS else ""


def measured(data_dir: Path) -> dict[str, int]:
    """Bytes that lie in each file and folder of the data folder, as the disk counts them: shared blocks once.

    Locks and the like, whose names begin with a dot, are left out.
    """
    seen: set[tuple[int, int]] = set()
    parts = [path for path in sorted(data_dir.iterdir()) if not path.name.startswith(".")]
    return {path.name: sum(_blocks(one, seen) for one in _files(path)) for path in parts}


def _files(path: Path) -> Iterator[str]:
    yield str(path)
    if not path.is_symlink():
        for folder, _, names in os.walk(path):
            yield from (os.path.join(folder, name) for name in names)  # noqa: PTH118 - a hundred thousand of them


def _blocks(path: str, seen: set[tuple[int, int]]) -> int:
    try:
        status = os.lstat(path)
    except OSError:
        # It went meanwhile.
        return 0
    if status.st_nlink > 1:
        key = (status.st_dev, status.st_ino)
        if key in seen:
            return 0
        seen.add(key)
    return status.st_blocks * 512

"""Everything a run works with, opened together and closed together."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from extractors.extractor import load_extractor, model_revision
from extractors.registries import bodies, countries, services
from extractors.usage import Meter
from flows.jobs import NURSERY, PooledExtractor
from flows.notes import note_end, note_run
from pipeline.archive import Archive
from pipeline.decision_archive import DecisionArchive
from pipeline.errors import FetchError, WarehouseError, WarehouseLocked
from pipeline.fetch import FetchSession
from pipeline.lease import lease
from pipeline.places import ARCHIVE_NAME as ARCHIVE_NAME
from pipeline.places import PUBLISHED_NAME as PUBLISHED_NAME
from pipeline.places import WAREHOUSE_NAME as WAREHOUSE_NAME
from pipeline.protocols import Extractor, Session, Workers
from pipeline.robots_file import ROBOTS_NAME
from pipeline.settings import Settings, WorkerSettings
from pipeline.types import ArchiveRef, Response, Source
from pipeline.workers import WorkerPool
from warehouse.store import Warehouse, open_lake, open_warehouse

log = logging.getLogger(__name__)

_PATIENCE = 5.0
"""Seconds to wait for one who only reads the warehouse's file: such looks are short."""
_GAP = 0.2


def _now() -> datetime:
    return datetime.now(UTC)


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class House:
    """One run's tools. What is due is decided by `started_at`; `clock` tells when requests failed and the run ended.

    `poll_all` has every feed polled that is not gone for good, due or not. `enough` is asked between batches: when it
    says so, the run takes no further one, and comes to its end.
    """

    settings: Settings
    warehouse: Warehouse
    archive: Archive
    session: Session
    pool: Workers
    extractor: Extractor
    meter: Meter | None = None
    mode: str = "direct"
    poll_all: bool = False
    started_at: datetime = field(default_factory=_now)
    clock: Callable[[], datetime] = _now
    enough: Callable[[], bool] = _never

    @property
    def run_id(self) -> str:
        """The run's name."""
        return self.warehouse.run_id(self.started_at)

    def begin_run(self, sources: Sequence[Source]) -> None:
        """Record the run and what it works with."""
        self.archive.sweep()
        note_run(self.archive.journal, self.run_id, self.started_at, self.mode, sources)
        self.warehouse.sync_sources(sources)
        self.warehouse.sync_registries(services(), bodies(), countries())
        self.warehouse.begin_run(
            self.run_id, self.started_at, mode=self.mode, model=self.extractor.revision, version=version("clampdown")
        )
        self.take_over_decisions()

    def take_over_decisions(self) -> None:
        """Do what people have decided that the warehouse knows nothing of: it was in use, or a program was killed."""
        found, faults = DecisionArchive(self.settings.data_dir / ARCHIVE_NAME).unread(self.warehouse.decision_ids())
        for fault in faults:
            log.error("a decision can't be taken over: %s", fault)
        self.warehouse.decide(self.run_id, found)

    def finish_run(self) -> None:
        """Take over what was decided meanwhile, and record that the run came to its end."""
        self.take_over_decisions()
        ended_at = self.clock()
        self.warehouse.finish_run(self.run_id, ended_at, "finished")
        note_end(self.archive.journal, self.run_id, ended_at, "finished")
        try:
            self.warehouse.settle()
        except WarehouseError as error:
            # The run is done; the next one tidies.
            log.warning("the warehouse can't be tidied: %s", error)

    def archive_bodies(self, results: Sequence[Response | FetchError]) -> list[ArchiveRef | None]:
        """Archive the responses that have a body, in one part; one reference or None per result, in order."""
        responses = [result if isinstance(result, Response) and result.status != 304 else None for result in results]
        refs = iter(self.archive.append([response for response in responses if response is not None]))
        return [None if response is None else next(refs) for response in responses]


@contextmanager
def open_store(settings: Settings, *, holder: str, guest: bool = False) -> Iterator[Warehouse]:
    """Open the warehouse where the settings have it: the file in the data folder, or a lake.

    Of a lake this is the writer that the settings name or, for people's decisions, a `guest`. The data folder is one
    process's alone in both cases, as archive and snapshots have one writer: `holder` says to others who it is, unless
    this process holds the lease already. Raises WarehouseLocked where another holds it.
    """
    limit = settings.warehouse.memory_limit or None
    with lease(settings.data_dir, holder=holder, lends=False):
        if settings.warehouse.url:
            warehouse = open_lake(settings.warehouse, guest=guest, memory_limit=limit)
        else:
            warehouse = _open_file(settings.data_dir / WAREHOUSE_NAME, limit)
        with warehouse:
            yield warehouse


def _open_file(path: Path, memory_limit: str | None) -> Warehouse:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            return open_warehouse(path, memory_limit=memory_limit)
        except WarehouseLocked:
            # We hold the lease, so this is one who reads, or a program that knows nothing of leases.
            if time.monotonic() >= until:
                raise
        time.sleep(_GAP)


@contextmanager
def open_house(
    settings: Settings, *, holder: str = "ingest", mode: str = "direct", poll_all: bool = False
) -> Iterator[House]:
    """Open warehouse, archive, network session, workers and model for one run, which `holder` names to others."""
    with ExitStack() as stack:
        warehouse = stack.enter_context(open_store(settings, holder=holder))
        pool = stack.enter_context(_workers(settings.workers))
        session = stack.enter_context(FetchSession(settings.fetch, robots_file=settings.data_dir / ROBOTS_NAME))
        extractor, meter = _extractor(settings, pool)
        if meter is not None:
            stack.callback(_log_usage, meter)
        yield House(
            settings=settings,
            warehouse=warehouse,
            archive=Archive(settings.data_dir / ARCHIVE_NAME),
            session=session,
            pool=pool,
            extractor=extractor,
            meter=meter,
            mode=mode,
            poll_all=poll_all,
        )


def _workers(settings: WorkerSettings) -> AbstractContextManager[Workers]:
    """Where publishers' pages are read: in processes of this machine, or on a Dask cluster."""
    if settings.runner == "dask":
        # Imported here: few have a cluster.
        from flows.dask_workers import DaskWorkers

        return DaskWorkers(settings)
    return WorkerPool(settings, preload=NURSERY)


def _extractor(settings: Settings, pool: Workers) -> tuple[Extractor, Meter | None]:
    """What reads, and what counts its use where that is paid for."""
    if settings.extract.backend == "llm":
        # A language model is asked over the network, by this process.
        loaded = load_extractor(settings.extract)
        return loaded, loaded.meter
    # Workers open the model: this process need not hold it, too.
    return PooledExtractor(pool, model_revision(settings.extract), settings), None


def _log_usage(meter: Meter) -> None:
    """However the run ended: what was paid for is worth knowing then, too."""
    log.info("extraction: %s", meter.total)

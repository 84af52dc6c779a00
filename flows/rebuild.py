"""The warehouse made anew from the archive alone, without any network.

It is built beside the old one and takes its place in one step, so that a rebuild that fails or is killed changes
nothing. Reading, gating, extraction and storing are those of a run; the models and settings are those of today.
"""

import logging
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from flows import extracting
from flows.house import ARCHIVE_NAME, WAREHOUSE_NAME, House, open_house
from flows.progress import Progress
from flows.replay import Replay, Shelf
from flows.unnoted import replay_unnoted, unnoted
from pipeline.archive import Archive
from pipeline.errors import InputError, WarehouseError, WarehouseLocked
from pipeline.lease import lease
from pipeline.settings import Settings
from pipeline.types import Source
from warehouse.reader import open_reader
from warehouse.snapshot import Snapshot
from warehouse.summary import LedgerBalance

log = logging.getLogger(__name__)

WORKPLACE = ".rebuilding"
LOG_SUFFIX = ".wal"


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What a rebuild went through, what it could do nothing with, and where the old warehouse is now, if anywhere."""

    runs: int
    polls: int
    entries: int
    skipped: Mapping[str, int]
    balance: LedgerBalance
    backup: Path | None
    snapshot: Snapshot


def rebuild(
    settings: Settings, sources: Sequence[Source] | None, *, discard: bool = False, progress: Progress | None = None
) -> RebuildReport:
    """Make the warehouse anew from the archive, put it in the old one's place, publish.

    `sources` is today's source list; without one, that of the last run stays. The old warehouse is kept beside the new
    one, unless `discard`. Raises InputError where there is no archive, WarehouseLocked while a run is under way.
    """
    data_dir = settings.data_dir
    archive = data_dir / ARCHIVE_NAME
    if not archive.is_dir():
        raise InputError(f"{archive}: no archive to rebuild from", hint="Give the data folder with --data-dir.")
    if settings.warehouse.url:
        raise InputError(
            "a lake is not rebuilt in its place",
            hint="Rebuild to a file, with CLAMPDOWN_WAREHOUSE__URL set empty, then `clampdown migrate-to-lake`.",
        )
    with _alone(data_dir):
        workplace = data_dir / WORKPLACE
        shutil.rmtree(workplace, ignore_errors=True)
        with open_house(settings.model_copy(update={"data_dir": workplace})) as house:
            replay = _replayed(house, settings, sources, progress)
            balance = house.warehouse.ledger_balance()
            snapshot = extracting.publish(replace(house, settings=settings))
        backup = _put_in_place(workplace / WAREHOUSE_NAME, data_dir / WAREHOUSE_NAME, discard=discard)
        shutil.rmtree(workplace, ignore_errors=True)
    tally = replay.tally
    skipped = {reason: number for reason, number in tally.skipped.items() if number}
    return RebuildReport(tally.runs, tally.polls, tally.entries, skipped, balance, backup, snapshot)


def _replayed(house: House, settings: Settings, sources: Sequence[Source] | None, progress: Progress | None) -> Replay:
    """Fill the new warehouse of `house` with all that the archive tells."""
    shelf = Shelf(settings.data_dir / ARCHIVE_NAME)
    journal = Archive(settings.data_dir / ARCHIVE_NAME).journal
    replay = Replay(house, shelf, progress)
    parts = unnoted(shelf, journal)
    replay_unnoted(replay, house.warehouse, parts, sources or ())
    replay.journal(journal)
    if replay.tally.runs == 0:
        raise InputError(f"{settings.data_dir / ARCHIVE_NAME}: the archive is empty")
    if sources is not None:
        house.warehouse.sync_sources(sources)
    replay.take_over_decisions(settings)
    return replay


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Keep runs and other rebuilds out. Reading the old warehouse is enough to lock it; a damaged one needs no lock."""
    warehouse = data_dir / WAREHOUSE_NAME
    with lease(data_dir, holder="rebuild"):
        try:
            reader = open_reader(warehouse) if warehouse.exists() else None
        except WarehouseLocked:
            raise
        except WarehouseError as error:
            log.warning("the old warehouse can't be read: %s", error)
            reader = None
        try:
            yield
        finally:
            if reader is not None:
                reader.close()


def _put_in_place(new: Path, old: Path, *, discard: bool) -> Path | None:
    """Put the new warehouse in the old one's place. Returns where the old one is kept, if it is."""
    log_file = old.with_name(old.name + LOG_SUFFIX)
    backup = None
    if old.exists() and not discard:
        backup = old.with_name(f"{old.stem}-before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{old.suffix}")
        os.link(old, backup)
        if log_file.exists():
            log_file.rename(backup.with_name(backup.name + LOG_SUFFIX))
    # What an unclean end left of the old warehouse must not be taken for the new one's.
    log_file.unlink(missing_ok=True)
    new.replace(old)
    return backup

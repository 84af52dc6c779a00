"""A person's decision on its way: into the archive first, then into the warehouse, then out in the snapshot."""

import getpass
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

from flows.house import ARCHIVE_NAME, PUBLISHED_NAME, open_store
from flows.outputs import keep_feeds
from pipeline.decision_archive import DecisionArchive
from pipeline.decision_types import Decision
from pipeline.errors import InputError, WarehouseLocked
from pipeline.settings import Settings
from warehouse.snapshot import Snapshot
from warehouse.store import Warehouse

MODE = "review"
PATIENCE = 5.0
"""Seconds to wait for a warehouse that is in use: other reviews are done by then, runs are not."""

_GAP = 0.2


@dataclass(frozen=True, slots=True)
class Taken:
    """What taking over decisions brought: those that were new to the warehouse, and the snapshot that shows it."""

    decisions: tuple[Decision, ...]
    snapshot: Snapshot


def now(archive: DecisionArchive) -> datetime:
    """The time to put on a decision: later than any that is there, also where the clock went back."""
    latest = archive.latest()
    current = datetime.now(UTC)
    return current if latest is None else max(current, latest + timedelta(microseconds=1))


def author_of(settings: Settings) -> str:
    """Who decides where nobody else is named. Raises InputError where that can't be told."""
    try:
        return settings.review.author or getpass.getuser()
    except (OSError, KeyError):
        raise InputError("nobody is logged in", hint="Say who decides with --author, or set review.author.") from None


def keep(archive: DecisionArchive, decided: Sequence[Decision]) -> None:
    """Put decisions into the archive, from which the next run or review takes them over."""
    for decision in decided:
        archive.keep(decision)


def decide(settings: Settings, decided: Sequence[Decision], *, model: str, patience: float = PATIENCE) -> Taken:
    """Keep decisions in the archive, then do what they and any earlier ones that wait there say, and publish.

    `model` is the revision that the snapshot names. Raises WarehouseLocked where the warehouse is in use: the decisions
    are kept then, and the run that uses it takes them over when it ends, or else the next one does.
    """
    data_dir = settings.data_dir
    archive = DecisionArchive(data_dir / ARCHIVE_NAME)
    keep(archive, decided)
    with ExitStack() as stack:
        try:
            warehouse = _open(stack, settings, patience)
        except WarehouseLocked as error:
            kept = "the decision is" if len(decided) == 1 else "the decisions are"
            raise WarehouseLocked(
                f"{kept} kept, but can't be carried out yet: {error}",
                hint="Nothing is lost: the run that uses the warehouse does it at its end, or else the next one does.",
            ) from error
        started_at = datetime.now(UTC)
        run_id = warehouse.run_id(started_at)
        found, _ = archive.unread(warehouse.decision_ids())
        if found:
            warehouse.begin_run(run_id, started_at, mode=MODE, model=model, version=version("clampdown"))
            taken = warehouse.decide(run_id, found)
            warehouse.finish_run(run_id, datetime.now(UTC), "finished")
        else:
            taken = []
        manifest = {"model": model, "version": version("clampdown")}
        kept_versions = settings.publish.keep_versions
        published = warehouse.publish(data_dir / PUBLISHED_NAME, manifest=manifest, keep=kept_versions)
        keep_feeds(settings)
        return Taken(tuple(taken), published)


def _open(stack: ExitStack, settings: Settings, patience: float) -> Warehouse:
    until = time.monotonic() + patience
    while True:
        try:
            return stack.enter_context(open_store(settings, holder=MODE, guest=True))
        except WarehouseLocked:
            if time.monotonic() >= until:
                raise
        time.sleep(_GAP)

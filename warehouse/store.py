"""The warehouse as the rest of the program sees it: each method hands over to the module of its table or question."""

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.archive_moves import Move
from pipeline.archive_pages import ArchivePage, PageContent, Plan
from pipeline.decision_types import Decision
from pipeline.errors import WarehouseError
from pipeline.failpoints import hit
from pipeline.journal import RUN_ID
from pipeline.settings import WarehouseSettings
from pipeline.types import Body, Country, Entry, EntryResult, FeedState, PendingEntry, Poll, Service, Source
from pipeline.writers import Writer
from warehouse import backfilling, batch, deciding, health, rereading, resolving, retention, schema, snapshot, summary
from warehouse.catching_up import catch_up
from warehouse.compacting import LEAST_FREE, LEAST_SHARE, Compacted, compact
from warehouse.database import Database
from warehouse.health import SourceHealth
from warehouse.rereading import EventDifference, Replaced, Reread, StoredArticle
from warehouse.retention import OldFeed, OldPage
from warehouse.snapshot import Snapshot
from warehouse.summary import LedgerBalance, RunSummary, Totals
from warehouse.tables import (
    articles,
    decisions,
    entries,
    pace,
    pending,
    polls,
    registries,
    runs,
    sources,
    stories,
    versions,
)


def open_warehouse(path: Path, *, memory_limit: str | None = None) -> "Warehouse":
    """Open the warehouse at `path`, creating and migrating it as needed. One process at a time can hold it.

    `memory_limit` caps DuckDB, as in "2GB". Raises WarehouseError where the file is locked (naming the holder), of a
    newer schema, damaged or out of reach.
    """
    return _brought_up(Database.open(path, memory_limit=memory_limit))


def open_lake(settings: WarehouseSettings, *, guest: bool = False, memory_limit: str | None = None) -> "Warehouse":
    """Open the lake of the settings, creating and migrating it as needed.

    A writer holds its number until it closes; a `guest` has none, and owns no source. Raises WarehouseLocked where the
    number is taken (naming the holder), WarehouseError where the lake can't be reached, is of a newer schema, or the
    extra `lake` is not installed.
    """
    # What it imports is not installed with the base.
    from warehouse.lake import LakeDatabase

    return _brought_up(LakeDatabase.open_lake(settings, guest=guest, memory_limit=memory_limit))


def _brought_up(database: Database) -> "Warehouse":
    try:
        with database.turn():
            schema.migrate(database)
            catch_up(database)
    except BaseException:
        database.close()
        raise
    return Warehouse(database)


class Warehouse:
    """All that is known, in one DuckDB file or lake. Every method that writes is one transaction. A context manager."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The warehouse's file; of a lake, what errors call it."""
        return self._database.path

    def close(self) -> None:
        """Let go of the file. What is committed is safe without it."""
        self._database.close()

    @property
    def writer(self) -> Writer | None:
        """Which of several writers this is; None for a file, which has but one."""
        return self._database.writer

    def run_id(self, started_at: datetime) -> str:
        """Name a run: by its start to the microsecond and, where others write too, by its writer.

        Two runs of one writer can't begin at once: they hold the file's lock, or the writer's number.
        """
        return started_at.astimezone(UTC).strftime(RUN_ID) + (self.writer.suffix if self.writer else "")

    def owns(self, source: Source) -> bool:
        """Whether a source is this writer's to poll and read."""
        return self.writer is None or self.writer.owns(source.url)

    def sync_sources(self, listed: Sequence[Source]) -> None:
        """Take over the source list. Sources that left it stay known, marked as not listed.

        Where an owner has changed, the votes on events are counted anew: those of one owner are one voice.
        """
        with self._database.transaction():
            resolving.recount(self._database, sources.sync(self._database, listed, self._owns))

    def sync_registries(
        self, services: Sequence[Service], bodies: Sequence[Body], countries: Sequence[Country]
    ) -> None:
        """Take over the registries, so that snapshots explain their own names."""
        registries.sync(self._database, services, bodies, countries)

    def feed_states(self) -> dict[str, FeedState]:
        """What the polls of each source left behind, by source id."""
        return polls.states(self._database)

    def known_entries(self, listed: Iterable[Entry]) -> set[str]:
        """The ids of those entries that their source has brought before, be it under another GUID."""
        return polls.known(self._database, listed)

    def begin_run(self, run_id: str, started_at: datetime, *, mode: str, model: str, version: str) -> None:
        """Log a run as running. An earlier one that never ended is marked interrupted."""
        runs.begin(self._database, run_id, started_at, mode=mode, model=model, version=version)

    def finish_run(self, run_id: str, finished_at: datetime, status: str) -> None:
        """Log how a run ended."""
        runs.finish(self._database, run_id, finished_at, status)

    def store_polls(self, run_id: str, done: Sequence[Poll]) -> int:
        """Commit polls, feed states and entries together. Returns how many entries are new.

        Where a feed says something else now of an article that is stored, a revisit of it is planned.
        """
        with self._database.transaction():
            added = entries.add(self._database, run_id, done)
            hit("polls.entries")
            versions.plan(self._database, added.revised)
            hit("polls.revisits")
            polls.add(self._database, run_id, done, added.new)
            polls.set_states(self._database, done)
            pace.refresh(self._database, [poll.source_id for poll in done])
            hit("polls.states")
        hit("polls.committed")
        return added.new.total()

    def backfill_pages(self, plan: Plan) -> list[ArchivePage]:
        """The pages that a backfill has found so far, in the order in which they are read."""
        return backfilling.pages(self._database, plan)

    def open_backfill(self, run_id: str, plan: Plan, starts: Sequence[ArchivePage], *, again: bool = False) -> None:
        """Begin a backfill with the pages `starts`, take it up where it was, or begin `again` from nothing."""
        backfilling.open_(self._database, run_id, plan, starts, again=again)

    def add_backfill_pages(self, run_id: str, plan: Plan, found: Sequence[ArchivePage]) -> list[ArchivePage]:
        """Commit pages to read. Returns those that were not known."""
        return backfilling.add(self._database, run_id, plan, found)

    def store_backfill(self, run_id: str, plan: Plan, content: PageContent) -> list[ArchivePage]:
        """Commit a page of the past with its entries. Returns the page with its figures, and the pages it added."""
        return backfilling.store(self._database, run_id, plan, content)

    def pending(self, now: datetime, limit: int) -> list[PendingEntry]:
        """Up to `limit` own entries that are due at `now`: by day of publication, undated ones last, then by id."""
        return pending.due(self._database, now, limit, self._own_sources())

    def entries_again(self, entry_ids: Sequence[str]) -> list[PendingEntry]:
        """These entries, in this order, as they would be taken now, due or not; unknown ids are left out."""
        return pending.again(self._database, entry_ids)

    def entries_asking(self, urls: Sequence[str]) -> list[str]:
        """The ids of entries that wait for a page at one of these addresses, or have brought the article there."""
        return pending.asking(self._database, urls)

    def count_due(self, now: datetime) -> int:
        """How many own entries are due at `now`."""
        return pending.count_due(self._database, now, self._own_sources())

    def count_pending(self) -> int:
        """How many entries wait for their first outcome or another try, due or not."""
        return pending.count_pending(self._database)

    def known_articles(self, canonical_urls: Iterable[str]) -> dict[str, str]:
        """Canonical URL → article id, for those that lead to a stored article."""
        return articles.known(self._database, canonical_urls)

    def equal_bodies(self, body_hashes: Iterable[str]) -> dict[str, list[str]]:
        """Body hash → the ids of the stored articles with these words, in the order of publication, where any has."""
        return stories.equal(self._database, body_hashes)

    def store_batch(self, run_id: str, results: Sequence[EntryResult]) -> None:
        """Commit how a batch of entries ended, and bring the events up to date that it can reach."""
        batch.store(self._database, run_id, results)

    def listed_sources(self) -> list[Source]:
        """The source list, as it was last taken over."""
        return sources.listed(self._database)

    def unread_by(self, model: str, since: date | None = None) -> list[str]:
        """The ids of the articles of which some text was not read by `model`, by day of publication."""
        return rereading.due(self._database, model, since)

    def stored_articles(self, article_ids: Sequence[str]) -> list[StoredArticle]:
        """What is stored of some articles, with all their texts, in this order."""
        return rereading.stored(self._database, article_ids)

    def store_again(self, run_id: str, model: str, read: Sequence[Reread]) -> list[Replaced]:
        """Commit what `model` finds in some stored articles, and bring the events up to date that it can reach."""
        return rereading.store(self._database, run_id, model, read)

    def count_articles(self) -> int:
        """How many articles are stored."""
        return int(self._database.execute("SELECT count(*) FROM articles")[0][0])

    def lost_decisions(self) -> set[str]:
        """The ids of the decisions of which no mention is found any more."""
        return decisions.lost(self._database)

    def event_changes(self, run_id: str) -> list[EventDifference]:
        """What a run made of the events, all its transactions together."""
        return rereading.event_changes(self._database, run_id)

    def copy_to(self, path: Path) -> None:
        """Copy the warehouse's file, as it stands, to `path`."""
        with self._database.exclusive():
            self._database.execute("CHECKPOINT")
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(self.path, path)
            except OSError as error:
                raise WarehouseError(f"can't copy {self.path} to {path}: {error.strerror or error}") from error

    def decision_ids(self) -> set[str]:
        """The ids of the decisions that are stored; the archive may have more."""
        return decisions.ids(self._database.execute)

    def decide(self, run_id: str, decided: Iterable[Decision]) -> list[Decision]:
        """Commit people's decisions, which the archive has already, and what follows. Returns those that were new."""
        return deciding.decide(self._database, run_id, decided)

    def old_pages(self, since: datetime, until: datetime) -> list[OldPage]:
        """Pages that came in between of articles on which nothing rests."""
        return retention.old_pages(self._database, since, until)

    def old_versions(self, since: datetime, until: datetime) -> list[OldPage]:
        """Pages that came in between of replaced versions on which nothing rests, and pages found unchanged."""
        return retention.old_versions(self._database, since, until)

    def old_feeds(self, since: datetime, until: datetime) -> list[OldFeed]:
        """Feeds that came in between, source by source, in the order in which they were stored."""
        return retention.old_feeds(self._database, since, until)

    def backfilled(self) -> set[tuple[str, str]]:
        """Source and run of each backfill."""
        return retention.backfilled(self._database)

    def texts_of(self, pages: Iterable[OldPage]) -> Mapping[tuple[str, int], tuple[str, str]]:
        """Article id and version → title and text, for the versions of `pages`."""
        return retention.texts(self._database, pages)

    def move_places(self, moves: Sequence[Move]) -> None:
        """Commit where records of the archive are now."""
        retention.move(self._database, moves)

    def settle(self) -> None:
        """Look after a lake once a run has ended. A file needs none of it."""
        if self.writer is not None:
            # What it imports is not installed with the base.
            from warehouse.lake_care import settle

            settle(self._database)

    def compact(self, *, least_free: int = LEAST_FREE, least_share: float = LEAST_SHARE) -> Compacted:
        """Write the file anew if it has enough free room, and let go of it. A lake is tidied in its own way."""
        return compact(self._database, least_free=least_free, least_share=least_share)

    def summary(self, run_id: str) -> RunSummary:
        """One run in numbers."""
        return summary.of_run(self._database, run_id)

    def totals(self) -> Totals:
        """What is stored, over all runs."""
        return summary.totals(self._database)

    def source_health(self) -> dict[str, SourceHealth]:
        """How each listed and enabled source fares, by id."""
        return health.of_open(self._database)

    def ledger_balance(self) -> LedgerBalance:
        """All entries against all outcomes."""
        return summary.balance(self._database)

    def publish(self, target: Path, *, manifest: Mapping[str, object], keep: int = snapshot.KEPT_VERSIONS) -> Snapshot:
        """Replace the published snapshot in the folder `target`, unless it says the same already; `keep` so many.

        `manifest` describes the data (model revision, program version) and must hold no clock: a snapshot is written
        anew when it differs.
        """
        with self._database.still() as database:
            return snapshot.publish(database, target, manifest, keep=keep)

    @property
    def _owns(self) -> Callable[[str], bool] | None:
        return None if self.writer is None else self.writer.owns

    def _own_sources(self) -> list[str] | None:
        return None if self.writer is None else sources.owned(self._database, self.writer.owns)

"""One run of the main job, from feeds to the published snapshot. Read this first: it shows the whole way.

The same function runs directly (`clampdown run`) and as a Prefect flow (`flows.tasks`), which passes the same stages
wrapped as tasks. What a run learns is committed batch by batch, each batch in one transaction, so that a run that is
killed anywhere is continued by the next one.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from flows import extracting, polling, reading
from flows.due import DueEntries
from flows.house import House
from flows.overlap import overlapped
from flows.progress import NoProgress, Progress
from flows.reading import FetchedEntry, ReadEntry
from flows.retention import prune_after_run
from pipeline.batching import batches
from pipeline.types import EntryResult, PendingEntry, Poll, Source
from warehouse.snapshot import Snapshot
from warehouse.summary import RunSummary

SOURCES_PER_BATCH = 100


@dataclass(frozen=True, slots=True)
class Stages:
    """The steps of a run, each over one batch. The default is the plain functions."""

    poll: Callable[[House, Sequence[Source]], list[Poll]] = polling.poll_sources
    store_polls: Callable[[House, Sequence[Poll]], int] = polling.store_polls
    fetch: Callable[[House, Sequence[PendingEntry]], list[FetchedEntry]] = reading.fetch_articles
    read: Callable[[House, Sequence[FetchedEntry]], list[ReadEntry]] = reading.read_articles
    extract: Callable[[House, Sequence[ReadEntry]], list[EntryResult]] = extracting.extract_events
    store: Callable[[House, Sequence[EntryResult]], None] = extracting.store_results
    publish: Callable[[House], Snapshot] = extracting.publish


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did, and the snapshot that shows it."""

    summary: RunSummary
    snapshot: Snapshot


def ingest(
    house: House, sources: Sequence[Source], do: Stages | None = None, progress: Progress | None = None
) -> RunReport:
    """Poll the `sources` that are due, bring every due entry to its outcome, publish. Returns what happened."""
    do, progress = do or Stages(), progress or NoProgress()
    house.begin_run(sources)

    due = polling.due_sources(house, sources)
    progress.begin("feeds", len(due))
    for some in batches(due, SOURCES_PER_BATCH):
        do.store_polls(house, do.poll(house, some))
        progress.advance("feeds", len(some))

    bring_to_outcomes(house, do, progress)

    # Before publishing, so that the snapshot does not show its own run as running.
    house.finish_run()
    snapshot = do.publish(house)
    prune_after_run(house)
    return RunReport(house.warehouse.summary(house.run_id), snapshot)


def bring_to_outcomes(house: House, do: Stages, progress: Progress) -> None:
    """Bring every entry that is due to its outcome, batch by batch, whichever run discovered it.

    Batches overlap: while one is stored, the next is read and the one after it fetched. They are stored in the order in
    which they were taken, because what is stored may depend on what was stored before.
    """
    progress.begin("articles", house.warehouse.count_due(house.started_at))
    due = DueEntries(house)
    with closing(overlapped(due, partial(do.fetch, house), partial(do.read, house))) as batches_read:
        for read in batches_read:
            do.store(house, do.extract(house, read))
            due.conclude(item.entry_id for item in read)
            progress.advance("articles", len(read))

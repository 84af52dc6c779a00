"""One run of the main job, from feeds to the published snapshot. Read this first: it shows the whole way.

The same function runs directly (`clampdown run`) and as a Prefect flow (`flows.tasks`), which passes the same stages
wrapped as tasks. What a run learns is committed batch by batch, each batch in one transaction, so that a run that is
killed anywhere is continued by the next one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flows import extracting, polling, reading
from flows.house import House
from flows.progress import NoProgress, Progress
from flows.reading import FetchedEntry, ReadEntry
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
    """Poll `sources`, bring every due entry to its outcome, publish. Returns what happened in this run."""
    do, progress = do or Stages(), progress or NoProgress()
    house.begin_run(sources)

    progress.begin("feeds", len(sources))
    for some in batches(sources, SOURCES_PER_BATCH):
        do.store_polls(house, do.poll(house, some))
        progress.advance("feeds", len(some))

    bring_to_outcomes(house, do, progress)

    # Before publishing, so that the snapshot does not show its own run as running.
    house.finish_run()
    snapshot = do.publish(house)
    return RunReport(house.warehouse.summary(house.run_id), snapshot)


def bring_to_outcomes(house: House, do: Stages, progress: Progress) -> None:
    """Bring every entry that is due to its outcome, batch by batch, whichever run discovered it."""
    progress.begin("articles", house.warehouse.count_due(house.started_at))
    while due := house.warehouse.pending(house.started_at, house.settings.run.batch_size):
        do.store(house, do.extract(house, do.read(house, do.fetch(house, due))))
        progress.advance("articles", len(due))

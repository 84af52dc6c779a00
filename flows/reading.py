"""Stages two and three: entries to pages, pages to articles."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from flows.house import House
from flows.jobs import PageJob, Reading, read_page
from pipeline.errors import FetchError, ParseError, WorkerError
from pipeline.failpoints import hit
from pipeline.outcomes import outcome_of, retry_at
from pipeline.types import (
    ArchiveRef,
    EntryResult,
    FetchRequest,
    Outcome,
    PendingEntry,
    Response,
)

log = logging.getLogger(__name__)

PAGE_TYPES = "text/html, application/xhtml+xml, */*;q=0.5"
READABLE_TYPES = frozenset({"", "text/html", "application/xhtml+xml", "text/plain", "application/xml", "text/xml"})


@dataclass(frozen=True, slots=True)
class FetchedEntry:
    """An entry with its response or failure; `twin` is the entry of the same batch with the same canonical URL."""

    pending: PendingEntry
    result: Response | FetchError | None = None
    archived: ArchiveRef | None = None
    twin: str | None = None
    known: str | None = None


@dataclass(frozen=True, slots=True)
class ReadEntry:
    """An entry that was read (`reading` is set) or has already ended (`ended` is set)."""

    entry_id: str
    reading: Reading | None = None
    archived: ArchiveRef | None = None
    ended: EntryResult | None = None


def fetch_articles(house: House, due: Sequence[PendingEntry]) -> list[FetchedEntry]:
    """Fetch the page of each entry, once per article, and archive what came."""
    known = house.warehouse.known_articles([pending.entry.canonical_url for pending in due])
    first: dict[str, str] = {}
    plan: list[FetchedEntry] = []
    for pending in due:
        url = pending.entry.canonical_url
        twin = first.setdefault(url, pending.entry.id)
        plan.append(FetchedEntry(pending, twin=None if twin == pending.entry.id else twin, known=known.get(url)))
    wanted = [item for item in plan if item.known is None and item.twin is None]
    results = house.session.fetch_all([FetchRequest(item.pending.entry.url, accept=PAGE_TYPES) for item in wanted])
    hit("ingest.fetched")
    refs = house.archive_bodies(results)
    hit("ingest.archived")
    fetched = {item.pending.entry.id: (result, ref) for item, result, ref in zip(wanted, results, refs, strict=True)}
    return [
        replace(item, result=fetched[item.pending.entry.id][0], archived=fetched[item.pending.entry.id][1])
        if item.pending.entry.id in fetched
        else item
        for item in plan
    ]


def read_articles(house: House, fetched: Sequence[FetchedEntry]) -> list[ReadEntry]:
    """Turn pages into articles, in workers; what can't become one ends here. Returns one per entry, in order."""
    read = {item.pending.entry.id: _ended_unread(house, item) for item in fetched}
    jobs = {
        item.pending.entry.id: PageJob(item.pending.entry, item.result)
        for item in fetched
        if isinstance(item.result, Response) and read[item.pending.entry.id] is None
    }
    found = house.pool.map(read_page, list(jobs.values()), seconds=house.settings.workers.page_seconds)
    readings = dict(zip(jobs, found, strict=True))
    done: dict[str, ReadEntry] = {}
    for item in fetched:
        entry_id = item.pending.entry.id
        ended = read[entry_id]
        if item.twin is not None:
            done[entry_id] = _like_twin(entry_id, done[item.twin])
        else:
            done[entry_id] = ended or _judged(item, readings[entry_id])
    return list(done.values())


def _ended_unread(house: House, item: FetchedEntry) -> ReadEntry | None:
    """How an entry ends whose page need not be read, or could not be had; None for a page that is there."""
    entry, result = item.pending.entry, item.result
    if item.known is not None:
        return same_article(entry.id, item.known)
    if isinstance(result, FetchError):
        retry = retry_at(result, item.pending.attempts + 1, house.started_at, house.settings.run)
        ended = EntryResult(entry.id, outcome_of(result), detail=str(result), retry_at=retry)
        return ReadEntry(entry.id, ended=ended)
    if result is None:
        return None
    media_type = (result.header("content-type") or "").partition(";")[0].strip().lower()
    if media_type not in READABLE_TYPES:
        return _ended(entry.id, Outcome.UNSUPPORTED_TYPE, f"{result.url}: {media_type}", item.archived)
    return None


def _judged(item: FetchedEntry, reading: Reading | Exception) -> ReadEntry:
    """An article that was read, or why there is none."""
    entry = item.pending.entry
    if isinstance(reading, Reading):
        return ReadEntry(entry.id, reading, item.archived)
    if isinstance(reading, ParseError):
        return _ended(entry.id, Outcome.NO_TEXT, str(reading), item.archived)
    reason = str(reading) if isinstance(reading, WorkerError) else f"{type(reading).__name__}: {reading}"
    log.warning("page %s is quarantined: %s", entry.url, reason)
    return _ended(entry.id, Outcome.QUARANTINED, f"{entry.url}: {reason}", item.archived)


def same_article(entry_id: str, article_id: str) -> ReadEntry:
    """The end of an entry whose article is there already."""
    return _ended(entry_id, Outcome.SAME_ARTICLE, f"article {article_id}")


def _like_twin(entry_id: str, twin: ReadEntry) -> ReadEntry:
    if twin.reading is not None:
        return same_article(entry_id, twin.reading.article.id)
    assert twin.ended is not None, "an entry is read or has ended"
    return ReadEntry(entry_id, ended=replace(twin.ended, entry_id=entry_id))


def _ended(entry_id: str, outcome: Outcome, detail: str | None, archived: ArchiveRef | None = None) -> ReadEntry:
    return ReadEntry(entry_id, ended=EntryResult(entry_id, outcome, detail=detail, archived=archived))

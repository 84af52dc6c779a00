"""Stages two and three: entries to pages, pages to articles.

An entry whose feed holds the whole article needs no page. One whose article is stored, and whose feed has changed its
words since, is visited again: what is stored stands unless a new version of the article comes.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from flows.house import House
from flows.jobs import PageJob, Reading, read_page
from flows.notes import note_pages
from pipeline.errors import FetchError, ParseError, WorkerError
from pipeline.failpoints import hit
from pipeline.fulltext import has_full_text
from pipeline.outcomes import outcome_of, retry_at
from pipeline.revisits import as_stored, failed, judge
from pipeline.types import (
    ArchiveRef,
    EntryResult,
    FetchRequest,
    Outcome,
    PendingEntry,
    Response,
    Revisit,
    RevisitOutcome,
    StoredVersion,
    TextOrigin,
)

log = logging.getLogger(__name__)

PAGE_TYPES = "text/html, application/xhtml+xml, */*;q=0.5"
NOT_MODIFIED = 304
READABLE_TYPES = frozenset({"", "text/html", "application/xhtml+xml", "text/plain", "application/xml", "text/xml"})


@dataclass(frozen=True, slots=True)
class FetchedEntry:
    """An entry with its response or failure, where its page was asked for.

    `twin` is the entry of the same batch with the same canonical URL, `known` the article of another entry with that
    URL. With `from_feed` the feed holds the whole article, and `archived` is the feed.
    """

    pending: PendingEntry
    result: Response | FetchError | None = None
    archived: ArchiveRef | None = None
    twin: str | None = None
    known: str | None = None
    from_feed: bool = False

    @property
    def is_wanted(self) -> bool:
        """Whether its page is to be fetched."""
        return self.known is None and self.twin is None and not self.from_feed


@dataclass(frozen=True, slots=True)
class ReadEntry:
    """An entry that was read (`reading` is set) or has already ended (`ended` is set).

    `revisit` is the stored article of which the reading is a new version.
    """

    entry_id: str
    reading: Reading | None = None
    archived: ArchiveRef | None = None
    ended: EntryResult | None = None
    revisit: StoredVersion | None = None


def fetch_articles(house: House, due: Sequence[PendingEntry]) -> list[FetchedEntry]:
    """Fetch the page of each entry that needs one, once per article, and archive what came."""
    known = house.warehouse.known_articles([pending.entry.canonical_url for pending in due if pending.revisit is None])
    first: dict[str, str] = {}
    plan: list[FetchedEntry] = []
    for pending in due:
        url = pending.entry.canonical_url
        full = has_full_text(pending.entry, pending.full_text)
        item = FetchedEntry(pending, archived=pending.archived if full else None, from_feed=full)
        if pending.revisit is None:
            twin = first.setdefault(url, pending.entry.id)
            item = replace(item, twin=None if twin == pending.entry.id else twin, known=known.get(url))
        plan.append(item)
    wanted = [item for item in plan if item.is_wanted]
    results = house.session.fetch_all([_request(item.pending) for item in wanted])
    hit("ingest.fetched")
    refs = house.archive_bodies(results)
    hit("ingest.archived")
    fetched = {item.pending.entry.id: (result, ref) for item, result, ref in zip(wanted, results, refs, strict=True)}
    batch = [(item.pending, *fetched.get(item.pending.entry.id, (None, None))) for item in plan]
    note_pages(house.archive.journal, house.run_id, batch)
    return [
        replace(item, result=fetched[item.pending.entry.id][0], archived=fetched[item.pending.entry.id][1])
        if item.pending.entry.id in fetched
        else item
        for item in plan
    ]


def _request(pending: PendingEntry) -> FetchRequest:
    """A request for an entry's page, conditional where a page was read before and would be read again.

    Where the stored text is the feed's own, a page that has not changed says nothing: the feed has.
    """
    stored = pending.revisit
    if stored is None or stored.text_origin is TextOrigin.FEED:
        return FetchRequest(pending.entry.url, accept=PAGE_TYPES)
    return FetchRequest(pending.entry.url, stored.etag, stored.last_modified, PAGE_TYPES)


def read_articles(house: House, fetched: Sequence[FetchedEntry]) -> list[ReadEntry]:
    """Turn pages into articles, in workers; what can't become one ends here. Returns one per entry, in order."""
    read = {item.pending.entry.id: _ended_unread(house, item) for item in fetched}
    jobs = {
        item.pending.entry.id: _job(house, item)
        for item in fetched
        if item.twin is None and read[item.pending.entry.id] is None
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
            done[entry_id] = ended or _judged(house, item, readings[entry_id])
    return list(done.values())


def _job(house: House, item: FetchedEntry) -> PageJob:
    assert not isinstance(item.result, FetchError), "a failure ends its entry"
    reader = house.settings.extract
    bundled = reader.backend == "model" and reader.model is None
    return PageJob(item.pending.entry, item.result, item.pending.fetched_at, bundled)


def _ended_unread(house: House, item: FetchedEntry) -> ReadEntry | None:
    """How an entry ends whose page need not be read, or could not be had; None for a page that is there."""
    entry, result, stored = item.pending.entry, item.result, item.pending.revisit
    if item.known is not None:
        return same_article(entry.id, item.known)
    if isinstance(result, FetchError):
        if stored is not None:
            return still_stands(entry.id, stored, failed(result, stored, house.started_at), str(result))
        retry = retry_at(result, item.pending.attempts + 1, house.started_at, house.settings.run)
        ended = EntryResult(entry.id, outcome_of(result), detail=str(result), retry_at=retry)
        return ReadEntry(entry.id, ended=ended)
    if result is None:
        return None
    if result.status == NOT_MODIFIED and stored is not None:
        return still_stands(entry.id, stored, Revisit(RevisitOutcome.NOT_MODIFIED, result.fetched_at))
    media_type = (result.header("content-type") or "").partition(";")[0].strip().lower()
    if media_type not in READABLE_TYPES:
        if stored is not None:
            kept = Revisit(RevisitOutcome.KEPT, result.fetched_at)
            return still_stands(entry.id, stored, kept, f"{result.url}: {media_type}", item.archived)
        return _ended(entry.id, Outcome.UNSUPPORTED_TYPE, f"{result.url}: {media_type}", item.archived)
    return None


def _judged(house: House, item: FetchedEntry, reading: Reading | Exception) -> ReadEntry:
    """An article that was read, or why there is none."""
    entry, stored = item.pending.entry, item.pending.revisit
    if stored is not None:
        return _judged_again(house, item, stored, reading)
    if isinstance(reading, Reading):
        return ReadEntry(entry.id, reading, item.archived)
    if isinstance(reading, ParseError):
        return _ended(entry.id, Outcome.NO_TEXT, str(reading), item.archived)
    reason = _reason(reading)
    log.warning("page %s is quarantined: %s", entry.url, reason)
    return _ended(entry.id, Outcome.QUARANTINED, f"{entry.url}: {reason}", item.archived)


def _judged_again(house: House, item: FetchedEntry, stored: StoredVersion, reading: Reading | Exception) -> ReadEntry:
    """A new version of a stored article, or why the stored one stands."""
    entry = item.pending.entry
    came_at = item.result.fetched_at if isinstance(item.result, Response) else item.pending.fetched_at
    if isinstance(reading, Reading):
        outcome, reason = judge(stored, reading.article, asked=not item.from_feed)
        if outcome is RevisitOutcome.CHANGED:
            version = replace(reading, article=as_stored(stored, reading.article))
            return ReadEntry(entry.id, version, item.archived, revisit=stored)
    else:
        outcome, reason = RevisitOutcome.KEPT, f"{entry.url}: {_reason(reading)}"
    return still_stands(entry.id, stored, Revisit(outcome, came_at or house.started_at), reason, item.archived)


def still_stands(
    entry_id: str,
    stored: StoredVersion,
    revisit: Revisit,
    detail: str | None = None,
    archived: ArchiveRef | None = None,
) -> ReadEntry:
    """The end of a revisit that leaves everything as it is."""
    if detail is not None:
        log.info("article %s stays as it is: %s", stored.article_id, detail)
    ended = EntryResult(entry_id, stored.outcome, detail=detail, archived=archived, revisit=revisit)
    return ReadEntry(entry_id, ended=ended)


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, ParseError | WorkerError) else f"{type(error).__name__}: {error}"


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

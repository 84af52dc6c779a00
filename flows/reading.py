"""Stages two and three: entries to pages, pages to articles."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from flows.house import House
from pipeline.errors import FetchError, ParseError
from pipeline.failpoints import hit
from pipeline.outcomes import outcome_of, retry_at
from pipeline.text import read_article
from pipeline.types import (
    ArchiveRef,
    Article,
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
    """An entry that was read (`article` is set) or has already ended (`ended` is set)."""

    entry_id: str
    article: Article | None = None
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
    """Turn pages into articles; what can't become one ends here. Returns one per entry, in order."""
    alone = {item.pending.entry.id: _read(house, item) for item in fetched if item.known is None and item.twin is None}
    # A page may name another URL than its feed did, and that one may be stored, or stand in this batch, already.
    urls = [read.article.canonical_url for read in alone.values() if read.article is not None]
    stored = house.warehouse.known_articles(urls)
    read: dict[str, ReadEntry] = {}
    for item in fetched:
        entry_id = item.pending.entry.id
        if item.known is not None:
            read[entry_id] = _same_article(entry_id, item.known)
        elif item.twin is not None:
            read[entry_id] = _like_twin(entry_id, read[item.twin])
        else:
            read[entry_id] = alone[entry_id]
            article = alone[entry_id].article
            if article is not None and article.canonical_url in stored:
                read[entry_id] = _same_article(entry_id, stored[article.canonical_url])
            elif article is not None:
                stored[article.canonical_url] = article.id
    return list(read.values())


def _same_article(entry_id: str, article_id: str) -> ReadEntry:
    return _ended(entry_id, Outcome.SAME_ARTICLE, f"article {article_id}")


def _read(house: House, item: FetchedEntry) -> ReadEntry:
    entry, result = item.pending.entry, item.result
    if isinstance(result, FetchError):
        retry = retry_at(result, item.pending.attempts + 1, house.started_at, house.settings.run)
        ended = EntryResult(entry.id, outcome_of(result), detail=str(result), retry_at=retry)
        return ReadEntry(entry.id, ended=ended)
    assert result is not None, "an entry without twin and known article was fetched"
    media_type = (result.header("content-type") or "").partition(";")[0].strip().lower()
    if media_type not in READABLE_TYPES:
        return _ended(entry.id, Outcome.UNSUPPORTED_TYPE, f"{result.url}: {media_type}", item.archived)
    try:
        return ReadEntry(entry.id, read_article(entry, result), item.archived)
    except ParseError as error:
        return _ended(entry.id, Outcome.NO_TEXT, str(error), item.archived)
    except Exception as error:
        log.exception("page %s is quarantined", result.url)
        return _ended(
            entry.id, Outcome.QUARANTINED, f"{result.url}: {f'{type(error).__name__}: {error}'}", item.archived
        )


def _like_twin(entry_id: str, twin: ReadEntry) -> ReadEntry:
    if twin.article is not None:
        return _same_article(entry_id, twin.article.id)
    assert twin.ended is not None, "an entry is read or has ended"
    return ReadEntry(entry_id, ended=replace(twin.ended, entry_id=entry_id))


def _ended(entry_id: str, outcome: Outcome, detail: str | None, archived: ArchiveRef | None = None) -> ReadEntry:
    return ReadEntry(entry_id, ended=EntryResult(entry_id, outcome, detail=detail, archived=archived))

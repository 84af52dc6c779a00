"""The steps of a run as plain functions over one batch: the network, the reader, the model, the warehouse.

A known failure becomes the outcome of its one article. An unknown one, in code that meets a publisher's bytes, puts
that article into quarantine with its reason; anywhere else it stops the run loudly.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version

from flows.house import PUBLISHED_NAME, House
from pipeline.errors import EndpointError, ExtractionError, FetchError, ParseError
from pipeline.events import resolve
from pipeline.failpoints import hit
from pipeline.feeds import parse_feed
from pipeline.language import is_english
from pipeline.outcomes import feed_outcome_of, outcome_of, retry_at
from pipeline.text import read_article
from pipeline.types import (
    ArchiveRef,
    Article,
    Document,
    EntryResult,
    FeedOutcome,
    FeedState,
    FetchRequest,
    Mention,
    Outcome,
    PendingEntry,
    Poll,
    Response,
    Source,
)
from warehouse.snapshot import Snapshot

log = logging.getLogger(__name__)

FEED_TYPES = "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"
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


def poll_sources(house: House, sources: Sequence[Source]) -> list[Poll]:
    """Fetch each feed, conditionally, archive what came, and parse it."""
    states = house.warehouse.feed_states()
    known = [states.get(source.id, FeedState(source.id)) for source in sources]
    requests = [
        FetchRequest(state.moved_to or source.url, state.etag, state.last_modified, FEED_TYPES)
        for source, state in zip(sources, known, strict=True)
    ]
    results = house.session.fetch_all(requests)
    refs = house.archive_bodies(results)
    return [
        _poll(source, state, result, ref)
        for source, state, result, ref in zip(sources, known, results, refs, strict=True)
    ]


def _poll(source: Source, state: FeedState, result: Response | FetchError, ref: ArchiveRef | None) -> Poll:
    if isinstance(result, FetchError):
        return Poll(source.id, feed_outcome_of(result), detail=str(result))
    # A poll that starts at the new address is not told of the move again.
    moved_to = result.moved_to or state.moved_to
    if result.status == 304:
        state = replace(state, moved_to=moved_to)
        return Poll(source.id, FeedOutcome.NOT_MODIFIED, state=state, fetched_at=result.fetched_at)
    try:
        feed = parse_feed(
            result.body,
            url=result.final_url,
            source_id=source.id,
            content_type=result.header("content-type"),
            now=result.fetched_at,
        )
    except ParseError as error:
        return Poll(source.id, FeedOutcome.BROKEN, detail=str(error), archived=ref, fetched_at=result.fetched_at)
    except Exception as error:
        log.exception("feed %s is quarantined", result.url)
        return Poll(source.id, FeedOutcome.QUARANTINED, _name(error), archived=ref, fetched_at=result.fetched_at)
    new_state = FeedState(source.id, result.header("etag"), result.header("last-modified"), moved_to)
    return Poll(
        source.id,
        FeedOutcome.OK if feed.entries else FeedOutcome.EMPTY,
        detail="; ".join(feed.issues) or None,
        state=new_state,
        entries=feed.entries,
        archived=ref,
        fetched_at=result.fetched_at,
    )


def store_polls(house: House, polls: Sequence[Poll]) -> int:
    """Commit feed states with the entries they belong to. Returns how many entries are new."""
    return house.warehouse.store_polls(house.run_id, polls)


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
        return _ended(entry.id, Outcome.QUARANTINED, f"{result.url}: {_name(error)}", item.archived)


def _like_twin(entry_id: str, twin: ReadEntry) -> ReadEntry:
    if twin.article is not None:
        return _same_article(entry_id, twin.article.id)
    assert twin.ended is not None, "an entry is read or has ended"
    return ReadEntry(entry_id, ended=replace(twin.ended, entry_id=entry_id))


def extract_events(house: House, read: Sequence[ReadEntry]) -> list[EntryResult]:
    """Place each article in its story, gate it, and extract its mentions. Returns one result per entry."""
    results: dict[str, EntryResult] = {}
    open_: dict[str, tuple[EntryResult, Article]] = {}
    for item in read:
        article = item.article
        if article is None:
            assert item.ended is not None, "an entry is read or has ended"
            results[item.entry_id] = item.ended
            continue
        place = house.stories.place(article.id, article.body)
        result = EntryResult(
            item.entry_id,
            Outcome.GATED,
            article=article,
            archived=item.archived,
            story_id=place.story_id,
            signature=place.signature,
            body_hash=place.body_hash,
        )
        if place.exact:
            result = replace(result, outcome=Outcome.SAME_STORY, detail=f"the text of story {place.story_id}")
        elif not is_english(article.language):
            result = replace(result, outcome=Outcome.OTHER_LANGUAGE, detail=article.language)
        elif house.gate.passes(article.text):
            open_[item.entry_id] = (result, article)
        results[item.entry_id] = result
    hit("ingest.read")
    mentions = _extract(house, [article for _, article in open_.values()])
    for (entry_id, (result, _)), found in zip(open_.items(), mentions, strict=True):
        if isinstance(found, ExtractionError):
            results[entry_id] = replace(result, outcome=Outcome.QUARANTINED, detail=str(found))
        elif isinstance(found, Exception):
            results[entry_id] = replace(result, outcome=Outcome.QUARANTINED, detail=_name(found))
        else:
            outcome = Outcome.EVENTS if found else Outcome.NO_EVENT
            results[entry_id] = replace(result, outcome=outcome, mentions=tuple(found))
    return list(results.values())


def _extract(house: House, articles: Sequence[Article]) -> list[list[Mention] | Exception]:
    """Extract all at once; if that fails, one by one, so that only the article at fault is lost.

    An endpoint that answers nothing is no article's fault: it stops the run, and the batch stays pending.
    """
    documents = [
        Document(article.id, article.text, article.published.day if article.published else None) for article in articles
    ]
    try:
        return list(house.extractor.extract(documents))
    except EndpointError:
        raise
    except Exception:
        log.exception("extraction of %d articles failed; trying them one by one", len(documents))
    found: list[list[Mention] | Exception] = []
    for document in documents:
        try:
            found.extend(house.extractor.extract([document]))
        except EndpointError:
            raise
        except Exception as error:
            log.exception("article %s is quarantined", document.id)
            found.append(error)
    return found


def store_results(house: House, results: Sequence[EntryResult]) -> None:
    """Commit a batch: articles, mentions, the events they touch, and one outcome per entry."""
    house.warehouse.store_batch(house.run_id, results, resolve)


def publish(house: House) -> Snapshot:
    """Replace the published snapshot, if anything changed."""
    manifest = {"model": house.extractor.revision, "version": version("clampdown")}
    return house.warehouse.publish(house.settings.data_dir / PUBLISHED_NAME, manifest=manifest)


def _ended(entry_id: str, outcome: Outcome, detail: str | None, archived: ArchiveRef | None = None) -> ReadEntry:
    return ReadEntry(entry_id, ended=EntryResult(entry_id, outcome, detail=detail, archived=archived))


def _name(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"

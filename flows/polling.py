"""Stage one: feeds in, entries out."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from flows.house import House
from pipeline.errors import FetchError, ParseError
from pipeline.feeds import parse_feed
from pipeline.outcomes import feed_outcome_of
from pipeline.types import ArchiveRef, FeedOutcome, FeedState, FetchRequest, Poll, Response, Source

log = logging.getLogger(__name__)

FEED_TYPES = "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"


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
        return Poll(
            source.id,
            FeedOutcome.QUARANTINED,
            f"{type(error).__name__}: {error}",
            archived=ref,
            fetched_at=result.fetched_at,
        )
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

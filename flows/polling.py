"""Stage one: feeds in, entries out, and when to ask each feed again."""

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time

from flows.house import House
from flows.jobs import FeedJob, read_feed
from flows.notes import note_polls
from pipeline.errors import FetchError, HTTPStatusError, ParseError
from pipeline.freshness import fresh_for
from pipeline.outcomes import feed_outcome_of
from pipeline.protocols import Workers
from pipeline.reduced import ReducedResponse, body_sha256
from pipeline.schedule import PollFacts, after_poll, is_due
from pipeline.types import Entry, FeedOutcome, FeedState, FetchRequest, ParsedFeed, Poll, Response, Source, Stamp

log = logging.getLogger(__name__)

FEED_TYPES = "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"


@dataclass(frozen=True, slots=True)
class Visit:
    """One source's turn: what was known before, what came, and the feed in it, or why it can't be read.

    `sha256` is that of a body that came. `feed` is None where there is nothing to read: no answer, a 304, or the body
    that came the last time.
    """

    source: Source
    state: FeedState
    result: Response | FetchError
    sha256: str | None = None
    feed: ParsedFeed | Exception | None = None

    @property
    def is_new(self) -> bool:
        """Whether a body came that is not that of the last time."""
        return self.sha256 is not None and self.sha256 != self.state.body_sha256


def due_sources(house: House, sources: Sequence[Source]) -> list[Source]:
    """Return those of the enabled `sources` that are to be polled in this run, by this writer.

    A run that was told to poll all leaves out only those that are gone for good.
    """
    states = house.warehouse.feed_states()
    own = [source for source in sources if source.enabled and house.warehouse.owns(source)]
    known = [(source, states.get(source.id, FeedState(source.id))) for source in own]
    if house.poll_all:
        return [source for source, state in known if state.gone_at is None]
    longest = house.settings.poll.max_interval
    return [source for source, state in known if is_due(state, house.started_at, longest)]


def poll_sources(house: House, sources: Sequence[Source]) -> list[Poll]:
    """Fetch each feed, conditionally, archive what came, parse it, and decide when to ask again."""
    states = house.warehouse.feed_states()
    known = [states.get(source.id, FeedState(source.id)) for source in sources]
    results = house.session.fetch_all([request_for(*one) for one in zip(sources, known, strict=True)])
    visits = [visit_of(*one) for one in zip(sources, known, results, strict=True)]
    # A body that came before is in the archive already.
    new = [visit for visit in visits if visit.is_new]
    refs = {
        visit.source.id: ref
        for visit, ref in zip(new, house.archive_bodies([visit.result for visit in new]), strict=True)
    }
    answered_at = house.clock()
    asked = [(visit.state, request_for(visit.source, visit.state).url, visit.result) for visit in visits]
    note_polls(house.archive.journal, house.run_id, answered_at, asked, refs)
    visits = read_feeds(house.pool, visits, house.settings.workers.feed_seconds)
    known_entries = house.warehouse.known_entries([entry for visit in visits for entry in _entries(visit)])
    polls = []
    for visit in visits:
        facts = facts_of(visit, known_entries)
        if isinstance(visit.result, FetchError):
            facts = replace(facts, at=answered_at)
        # The run's clock decides: no response came before its run began, whatever the machine's clock does meanwhile.
        facts = replace(facts, at=max(facts.at, house.started_at))
        polls.append(
            Poll(
                visit.source.id,
                facts.outcome,
                detail=facts.detail,
                state=after_poll(visit.state, facts, house.settings.poll, house.started_at),
                entries=_entries(visit),
                archived=refs.get(visit.source.id),
                fetched_at=visit.result.fetched_at if isinstance(visit.result, Response) else None,
                unchanged=len(visit.feed.unchanged) if isinstance(visit.feed, ParsedFeed) else 0,
            )
        )
    return polls


def store_polls(house: House, polls: Sequence[Poll]) -> int:
    """Commit feed states with the entries they belong to. Returns how many entries are new."""
    return house.warehouse.store_polls(house.run_id, polls)


def request_for(source: Source, state: FeedState) -> FetchRequest:
    """Return the request that asks for a source's feed: where it moved to, and only if it has changed."""
    return FetchRequest(state.moved_to or source.url, state.etag, state.last_modified, FEED_TYPES)


def visit_of(source: Source, state: FeedState, result: Response | FetchError) -> Visit:
    """Return what came, not read yet."""
    if isinstance(result, FetchError) or result.status == 304:
        return Visit(source, state, result)
    return Visit(source, state, result, body_sha256(result))


def read_feeds(pool: Workers, visits: Sequence[Visit], seconds: float) -> list[Visit]:
    """Return the visits, those that brought a new body with the feed in it or with what kept it from being read.

    Bodies are parsed in `pool`, each in `seconds` of CPU time at most.
    """
    feeds = iter(pool.map(read_feed, [_job(visit) for visit in visits if visit.is_new], seconds=seconds))
    read = [replace(visit, feed=next(feeds)) if visit.is_new else visit for visit in visits]
    for visit in read:
        if isinstance(visit.feed, Exception) and not isinstance(visit.feed, ParseError):
            log.error("feed %s is quarantined", visit.result.url, exc_info=visit.feed)
    return read


def facts_of(visit: Visit, known_entries: Collection[str]) -> PollFacts:
    """Return what the schedule must know of a visit; `known_entries` are the ids of items that came before."""
    result, feed, state = visit.result, visit.feed, visit.state
    if isinstance(result, FetchError):
        outcome = feed_outcome_of(result)
        if outcome is FeedOutcome.GONE and state.moved_to is not None:
            # Only the address on the source list can say that the source is gone.
            outcome = FeedOutcome.NOT_FOUND
        retry_after = result.retry_after if isinstance(result, HTTPStatusError) else None
        return PollFacts(outcome, datetime.now(UTC), detail=str(result), retry_after=retry_after)
    # A poll that starts at the new address is not told of the move again.
    moved_to = result.moved_to or state.moved_to
    facts = PollFacts(
        FeedOutcome.NOT_MODIFIED,
        result.fetched_at,
        fresh=fresh_for(result.headers, result.fetched_at),
        etag=result.header("etag"),
        last_modified=result.header("last-modified"),
        moved_to=None if moved_to == visit.source.url else moved_to,
        body_sha256=visit.sha256,
    )
    if feed is None:
        return facts if visit.sha256 is None else replace(facts, detail="the same bytes as the last time")
    if isinstance(feed, ParseError):
        return replace(facts, outcome=FeedOutcome.BROKEN, detail=str(feed))
    if isinstance(feed, Exception):
        return replace(facts, outcome=FeedOutcome.QUARANTINED, detail=f"{type(feed).__name__}: {feed}")
    stamps = [*(entry.published for entry in feed.entries), *feed.unchanged]
    return replace(
        facts,
        outcome=FeedOutcome.OK if stamps else FeedOutcome.EMPTY,
        detail="; ".join(feed.issues) or None,
        dates=[_moment(stamp) for stamp in stamps if stamp is not None],
        new=sum(entry.id not in known_entries for entry in feed.entries),
        refresh=feed.refresh,
        language=feed.language or said_language(feed.entries),
    )


def _job(visit: Visit) -> FeedJob:
    result = visit.result
    assert isinstance(result, Response), "only what came can be read"
    is_reduced = isinstance(result, ReducedResponse)
    media_type = result.header("content-type")
    return FeedJob(result.body, result.final_url, visit.source.id, media_type, result.fetched_at, is_reduced)


def _entries(visit: Visit) -> tuple[Entry, ...]:
    return visit.feed.entries if isinstance(visit.feed, ParsedFeed) else ()


def _moment(stamp: Stamp) -> datetime:
    """When an item was published; a day alone stands for its first moment."""
    value = stamp.value
    return value if isinstance(value, datetime) else datetime.combine(value, time(), UTC)


def said_language(entries: Sequence[Entry]) -> str | None:
    """The language in which most items are, as far as they say."""
    said = Counter(entry.language for entry in entries if entry.language is not None)
    return said.most_common(1)[0][0] if said else None

"""When a feed is polled next: pure decisions over what its polls brought.

Two things decide. The feed's own pace: between `poll.min_interval` and `poll.max_interval`, about four polls for each
item that it brings, soon more when it hurries, slowly fewer when it rests. And what was asked of us: by HTTP caching,
by the feed (`ttl`, `sy:updatePeriod`), by Retry-After. These wishes are kept to the second, but none keeps us away for
longer than `poll.max_interval`: a feed that asks for a month is polled daily.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pipeline.settings import PollSettings
from pipeline.types import FeedOutcome, FeedState

POLLS_PER_ITEM = 4.0
"""Polls in the mean time between two items: an item waits an eighth of that time, on average, to be found."""

FIRST_INTERVAL = 3600.0
"""Seconds until the second poll of a feed whose first one told nothing of its pace."""

RECENT_ITEMS = 5
"""The newest items, whose pace counts where it is faster than that of all: so a feed that hurries is kept up with."""

PACE_WINDOW = timedelta(weeks=4)
"""Older items tell nothing of the pace of today, as long as there are newer ones."""

FEWEST_DATES = 2
"""Fewer dated items than these tell no pace."""

FASTEST, SLOWEST = 0.5, 1.5
"""By which factor a feed's interval changes at most from one poll to the next where its dates don't tell its pace."""

JITTER = 0.1
"""The part of a wait that differs from source to source, so that feeds first polled together don't stay together."""

GRACE = 10.0
"""Seconds by which a poll may come before its time, unless it was asked to wait.

A schedule that runs every ten minutes starts now a second early and now a second late; without this, a feed due every
ten minutes would be polled every twenty.
"""

CLOCK_SLACK = timedelta(minutes=5)
"""By how much clocks differ without being wrong: that of another machine, or one that is set right little by little."""

MAX_DOUBLINGS = 30
ANSWERED = frozenset({FeedOutcome.OK, FeedOutcome.NOT_MODIFIED, FeedOutcome.EMPTY})


@dataclass(frozen=True, slots=True)
class PollFacts:
    """What one poll brought.

    `at` is when the response came, or when the poll failed. `dates` are the publication times of the feed's items,
    `new` counts those that no earlier poll brought. `fresh` (HTTP caching), `refresh` (the feed's own wish) and
    `retry_after` are seconds from `at`. `moved_to` is where the feed lives now, if not at its source's address.
    """

    outcome: FeedOutcome
    at: datetime
    detail: str | None = None
    dates: Sequence[datetime] = ()
    new: int = 0
    fresh: float | None = None
    refresh: float | None = None
    retry_after: float | None = None
    etag: str | None = None
    last_modified: str | None = None
    moved_to: str | None = None
    body_sha256: str | None = None
    language: str | None = None


def is_due(state: FeedState, now: datetime, longest: float = float("inf")) -> bool:
    """Whether the feed is to be polled at `now`. One that was never polled is; one that is gone never is again.

    One that answered in the future is, and one that is to wait for more than `longest` seconds: the clock was wrong
    when that was reckoned, or what may be asked for has changed since.
    """
    if state.gone_at is not None:
        return False
    if state.next_poll_at is None or (state.answered_at is not None and state.answered_at > now + CLOCK_SLACK):
        return True
    wait = (state.next_poll_at - now).total_seconds()
    return wait <= GRACE or wait > longest + GRACE + CLOCK_SLACK.total_seconds()


def after_poll(state: FeedState, facts: PollFacts, settings: PollSettings, now: datetime) -> FeedState:
    """Return what the poll leaves behind for the next one; `now` is when the run began that made it.

    The pace counts from `now`, so that runs at regular times find the same feeds due; wishes count from the response.
    """
    if facts.outcome is FeedOutcome.GONE:
        failed = _failed(state, facts)
        return replace(failed, gone_at=facts.at, next_poll_at=None)
    if facts.outcome in ANSWERED:
        state = _answered(state, facts, settings)
        own = max(settings.min_interval, (state.interval or 0.0) * (1 - JITTER * _share(state.source_id)))
        wishes = [facts.fresh, state.refresh, facts.retry_after]
    else:
        state = _failed(state, facts)
        own = settings.min_interval * 2.0 ** min(state.failures - 1, MAX_DOUBLINGS)
        wishes = [facts.fresh, facts.retry_after]
    if not settings.min_interval:
        # Polled always: neither pace nor caching counts, only what a server in trouble asked for.
        wishes, own = [facts.retry_after], 0.0
    due = now + timedelta(seconds=min(own, settings.max_interval))
    asked = max((wish for wish in wishes if wish is not None), default=0.0)
    if asked > 0:
        due = max(due, facts.at + timedelta(seconds=_kept(asked, state.source_id, settings.max_interval) + GRACE))
    return replace(state, next_poll_at=due)


def _answered(state: FeedState, facts: PollFacts, settings: PollSettings) -> FeedState:
    is_read = facts.outcome is not FeedOutcome.NOT_MODIFIED
    known = [moment for moment in (state.latest_at, *facts.dates) if moment is not None and moment <= facts.at]
    return replace(
        state,
        etag=facts.etag if is_read else facts.etag or state.etag,
        last_modified=facts.last_modified if is_read else facts.last_modified or state.last_modified,
        moved_to=facts.moved_to,
        body_sha256=facts.body_sha256 or state.body_sha256,
        interval=min(max(_interval(state, facts), settings.min_interval), settings.max_interval),
        failures=0,
        error=None,
        answered_at=facts.at,
        changed_at=facts.at if facts.new else state.changed_at,
        latest_at=max(known, default=None),
        language=facts.language or state.language,
        refresh=facts.refresh if is_read else state.refresh,
    )


def _failed(state: FeedState, facts: PollFacts) -> FeedState:
    """Count the failure. Where a moved feed failed, the next poll asks at the original address again.

    What the new address said of its feed must not vouch for what the old one may bring.
    """
    error = facts.detail or facts.outcome.value.replace("_", " ")
    state = replace(state, failures=state.failures + 1, error=error)
    return state if state.moved_to is None else replace(state, moved_to=None, etag=None, last_modified=None)


def _interval(state: FeedState, facts: PollFacts) -> float:
    """Seconds between polls that the feed's own pace asks for, before the limits of the settings."""
    if facts.new or state.interval is None:
        gap = _dated_gap(facts)
        advances = state.latest_at is None or any(state.latest_at < moment <= facts.at for moment in facts.dates)
        if gap is not None and (advances or not facts.new):
            return gap / POLLS_PER_ITEM
        return _observed_interval(state, facts)
    # Nothing came. That tells something only once more time has passed than between two items.
    last = state.changed_at or state.latest_at
    rested = None if last is None else (facts.at - last).total_seconds() / POLLS_PER_ITEM
    slower = state.interval * SLOWEST
    return max(state.interval, slower if rested is None else min(slower, rested))


def _dated_gap(facts: PollFacts) -> float | None:
    """Mean seconds between items by their own dates, up to now; None where too few are dated."""
    dated = sorted(moment for moment in facts.dates if moment <= facts.at)
    if len(dated) < FEWEST_DATES:
        return None
    recent = sum(facts.at - moment <= PACE_WINDOW for moment in dated)
    spans = (dated[-max(recent, FEWEST_DATES) :], dated[-RECENT_ITEMS:])
    return min((facts.at - some[0]).total_seconds() / len(some) for some in spans)


def _observed_interval(state: FeedState, facts: PollFacts) -> float:
    """The interval where dates don't tell: halfway between what was thought and what came since the last new item."""
    since = state.changed_at or state.answered_at
    if state.interval is None or since is None:
        return FIRST_INTERVAL
    seen = (facts.at - since).total_seconds() / facts.new / POLLS_PER_ITEM
    return min(max((state.interval + seen) / 2, state.interval * FASTEST), state.interval * SLOWEST)


def _kept(asked: float, source_id: str, limit: float) -> float:
    """A wish in seconds: never cut short below the limit, and spread above it as far as the limit lets it."""
    return min(asked * (1 + JITTER * _share(source_id)), max(limit, 0.0))


def _share(source_id: str) -> float:
    """A number in [0, 1) that looks random and is always the same for one source."""
    return int.from_bytes(hashlib.sha256(source_id.encode()).digest()[:8]) / 2**64

"""What a failure means for the entry or feed that met it: pure decisions over errors."""

from datetime import datetime, timedelta

from pipeline.errors import (
    AddressRefused,
    FetchError,
    FetchTimeout,
    HTTPStatusError,
    ParseError,
    RobotsDisallowed,
    TooLarge,
    TooManyRedirects,
)
from pipeline.settings import RunSettings
from pipeline.types import FeedOutcome, Outcome

GONE = frozenset({404, 410})

MAX_DELAY = 7 * 86_400.0
"""Seconds: no failure is left alone for longer, whatever a server asks or doubling yields."""


def outcome_of(error: FetchError | ParseError) -> Outcome:
    """Return how an entry ends whose page can't be had. Each known failure has its outcome; none is swallowed."""
    if isinstance(error, ParseError):
        return Outcome.NO_TEXT
    return Outcome(_fetch_outcome(error))


def feed_outcome_of(error: FetchError | ParseError) -> FeedOutcome:
    """Return how a poll ends whose feed can't be had or read."""
    if isinstance(error, ParseError):
        return FeedOutcome.BROKEN
    if isinstance(error, HTTPStatusError) and error.status == 410:
        # For a feed this is more than "not found": it is polled no more.
        return FeedOutcome.GONE
    return FeedOutcome(_fetch_outcome(error))


def _fetch_outcome(error: FetchError) -> str:
    """Return the name that both kinds of outcome give to the failure of a request."""
    match error:
        case HTTPStatusError(status=status):
            return "not_found" if status in GONE else "http_error"
        case TooManyRedirects():
            return "http_error"
        case FetchTimeout():
            return "timeout"
        case RobotsDisallowed():
            return "robots"
        case AddressRefused():
            return "refused"
        case TooLarge():
            return "too_large"
        case _:
            return "network_error"


def retry_at(error: FetchError, attempts: int, now: datetime, settings: RunSettings) -> datetime | None:
    """Return when to try again after `attempts` tries (this one included), or None if it is not worth one.

    The wait doubles with each try. Where a server said how long to wait, it is never shorter than that.
    """
    if not error.retryable or attempts >= settings.max_attempts:
        return None
    delay = settings.retry_after * 2.0 ** min(attempts - 1, 32)
    asked = error.retry_after if isinstance(error, HTTPStatusError) else None
    return now + timedelta(seconds=min(max(delay, asked or 0.0), MAX_DELAY))

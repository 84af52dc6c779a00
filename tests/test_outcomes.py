"""Each failure has one outcome, and waits are never shorter than asked for nor endless."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import (
    AddressRefused,
    FetchError,
    FetchTimeout,
    HTTPStatusError,
    NetworkError,
    ParseError,
    RobotsDisallowed,
    TooLarge,
    TooManyRedirects,
)
from pipeline.outcomes import MAX_DELAY, feed_outcome_of, outcome_of, retry_at
from pipeline.settings import RunSettings
from pipeline.types import FeedOutcome, Outcome

URL = "https://example.com/"
NOW = datetime(2025, 2, 6, 8, 0, tzinfo=UTC)
SETTINGS = RunSettings(max_attempts=4, retry_after=3600)


def every_subclass(kind: type[FetchError]) -> list[type[FetchError]]:
    return [kind, *(deeper for sub in kind.__subclasses__() for deeper in every_subclass(sub))]


def make(kind: type[FetchError], status: int = 500) -> FetchError:
    if issubclass(kind, HTTPStatusError):
        return kind(f"status {status}", url=URL, status=status)
    return kind("it failed", url=URL)


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (make(HTTPStatusError, 404), "not_found"),
        (make(HTTPStatusError, 403), "http_error"),
        (make(HTTPStatusError, 429), "http_error"),
        (make(HTTPStatusError, 500), "http_error"),
        (make(TooManyRedirects), "http_error"),
        (make(FetchTimeout), "timeout"),
        (make(NetworkError), "network_error"),
        (make(RobotsDisallowed), "robots"),
        (RobotsDisallowed("for now", url=URL, temporary=True), "robots"),
        (make(AddressRefused), "refused"),
        (make(TooLarge), "too_large"),
    ],
)
def test_failures_of_requests_have_the_same_name_for_entries_and_feeds(error: FetchError, name: str) -> None:
    assert outcome_of(error) == Outcome(name)
    assert feed_outcome_of(error) == FeedOutcome(name)


def test_a_page_that_is_gone_is_not_found_and_a_feed_that_is_gone_is_retired() -> None:
    assert outcome_of(make(HTTPStatusError, 410)) is Outcome.NOT_FOUND
    assert feed_outcome_of(make(HTTPStatusError, 410)) is FeedOutcome.GONE


def test_what_can_not_be_read_is_no_text_or_a_broken_feed() -> None:
    error = ParseError("no feed", url=URL)
    assert outcome_of(error) is Outcome.NO_TEXT
    assert feed_outcome_of(error) is FeedOutcome.BROKEN


@given(st.sampled_from(every_subclass(FetchError)), st.integers(100, 999))
def test_every_error_of_the_tree_has_an_outcome_that_is_a_failure(kind: type[FetchError], status: int) -> None:
    good = {Outcome.PENDING, Outcome.EVENTS, Outcome.NO_EVENT, Outcome.GATED, Outcome.SAME_STORY, Outcome.SAME_ARTICLE}
    assert outcome_of(make(kind, status)) not in good
    assert feed_outcome_of(make(kind, status)) not in {FeedOutcome.OK, FeedOutcome.NOT_MODIFIED, FeedOutcome.EMPTY}


def test_waits_double_until_the_tries_are_used_up() -> None:
    error = make(NetworkError)
    hours = [retry_at(error, attempts, NOW, SETTINGS) for attempts in (1, 2, 3, 4, 5)]
    assert hours == [NOW + timedelta(hours=1), NOW + timedelta(hours=2), NOW + timedelta(hours=4), None, None]


@pytest.mark.parametrize("kind", [AddressRefused, RobotsDisallowed, TooLarge, TooManyRedirects])
def test_what_can_not_heal_is_not_tried_again(kind: type[FetchError]) -> None:
    assert retry_at(make(kind), 1, NOW, SETTINGS) is None
    assert retry_at(make(HTTPStatusError, 404), 1, NOW, SETTINGS) is None


def test_a_robots_txt_that_fails_for_now_is_tried_again() -> None:
    assert retry_at(RobotsDisallowed("for now", url=URL, temporary=True), 1, NOW, SETTINGS) is not None


@given(
    st.sampled_from(every_subclass(FetchError)),
    st.integers(100, 599),
    st.integers(1, 100_000),
    st.integers(1, 100_000),
    st.none() | st.floats(0, allow_nan=False),
    st.floats(1e-3, 1e300),
)
def test_a_wait_is_never_shorter_than_asked_for_nor_endless(
    kind: type[FetchError], status: int, attempts: int, limit: int, asked: float | None, base: float
) -> None:
    error = make(kind, status)
    if isinstance(error, HTTPStatusError):
        error.retry_after = asked
    settings = RunSettings(max_attempts=limit, retry_after=base)
    again = retry_at(error, attempts, NOW, settings)
    assert (again is not None) == (error.retryable and attempts < limit)
    if again is not None:
        wait = (again - NOW).total_seconds()
        least = asked if isinstance(error, HTTPStatusError) and asked is not None else 0.0
        assert min(max(base, least), MAX_DELAY) - 1e-5 <= wait <= MAX_DELAY

"""When a source that brings nothing is silent: cases worked out by hand, and what must hold for all."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.silence import History, learnt_per_week, silent_since

START = datetime(2026, 1, 5, tzinfo=UTC)
WEEK = timedelta(weeks=1)


def quiet(days: float, *, watched: timedelta = 8 * WEEK) -> History:
    """A source that was watched, brought its last item and then nothing for so many days."""
    last = START + watched
    return History(START, last + timedelta(days=days), last, 100)


@pytest.mark.parametrize(
    ("per_week", "days", "silent"),
    [
        # exp(-7 × t/7): under one in a thousand after ln(1000) = 6.908 days.
        (7, 6.9, False),
        (7, 6.92, True),
        # One item a week: after 6.908 weeks, which are 48.35 days.
        (1, 48.3, False),
        (1, 48.4, True),
        # Forty a week would be due after 1.21 days; a weekend is no silence.
        (40, 2.9, False),
        (40, 3.0, True),
        (0.1, 400, False),
    ],
)
def test_a_silence_is_what_chance_brings_less_than_once_in_a_thousand_times(
    per_week: float, days: float, silent: bool
) -> None:
    history = quiet(days)
    assert silent_since(history, per_week) == (history.last_item_at if silent else None)


@pytest.mark.parametrize(
    ("pause", "days", "silent"), [(7, 10.4, False), (7, 10.5, True), (1, 3.4, False), (1, 3.5, True)]
)
def test_what_comes_in_batches_is_not_silent_between_two(pause: float, days: float, silent: bool) -> None:
    """Fourteen a week, which chance alone would call silent after 3.454 days."""
    history = replace(quiet(days), usual_pause=timedelta(days=pause))
    assert (silent_since(history, 14) is not None) is silent


def test_without_an_expectation_nothing_is_silent() -> None:
    assert silent_since(quiet(1000), None) is None


def test_a_source_that_never_brought_anything_is_silent_since_it_is_watched() -> None:
    assert silent_since(History(START, START + WEEK), 10) == START
    assert silent_since(History(START, START + timedelta(days=2)), 10) is None


def test_an_item_from_before_the_first_poll_counts() -> None:
    """A feed that died years ago is silent at its first poll, if something is expected of it."""
    history = History(START, START, START - 100 * WEEK, 0)
    assert silent_since(history, 5) == START - 100 * WEEK
    assert learnt_per_week(history) is None


def test_time_without_polls_is_no_silence() -> None:
    assert silent_since(History(START, START + 8 * WEEK, START + 8 * WEEK, 50), 7) is None


@pytest.mark.parametrize(
    ("weeks", "items", "rate"),
    [
        (1.9, 100, None),  # too short
        (2, 21, 10.0),  # twenty items before the last one, in two weeks
        (8, 9, 1.0),
        (8, 1, None),  # one item is no pace
    ],
)
def test_a_pace_is_learnt_from_two_weeks_on(weeks: float, items: int, rate: float | None) -> None:
    last = START + weeks * WEEK
    assert learnt_per_week(History(START, last + 10 * WEEK, last, items)) == (
        None if rate is None else pytest.approx(rate)
    )


def test_a_pace_is_learnt_from_the_last_eight_weeks_of_a_long_history() -> None:
    last = START + 100 * WEEK
    assert learnt_per_week(History(START, last, last, 81)) == pytest.approx(10)


@given(st.floats(0.01, 1000), st.floats(0, 2000), st.floats(0, 2000))
def test_a_silence_once_begun_goes_on(per_week: float, days: float, more: float) -> None:
    if silent_since(quiet(days), per_week) is not None:
        assert silent_since(quiet(days + more), per_week) is not None
        assert math.exp(-per_week * days / 7) < 1e-3

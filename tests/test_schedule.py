"""When feeds are polled: what was asked of us is kept, the pace is the feed's own, and failures back off."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.schedule import ANSWERED, FIRST_INTERVAL, GRACE, JITTER, PollFacts, after_poll, is_due
from pipeline.settings import PollSettings
from pipeline.types import FeedOutcome, FeedState

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SETTINGS = PollSettings()
DAY = timedelta(days=1)
SEEN = FeedState("alpha", etag='"1"', last_modified="Mon", interval=3600.0, answered_at=NOW - timedelta(hours=1))

wishes = st.none() | st.floats(0, 3e6)
outcomes = st.sampled_from([one for one in FeedOutcome if one is not FeedOutcome.GONE])
times = st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
states = st.builds(
    FeedState,
    st.text("abc", min_size=1),
    interval=st.none() | st.floats(0, 1e6),
    failures=st.integers(0, 2000),
    refresh=wishes,
    changed_at=st.none() | times,
    latest_at=st.none() | times,
    answered_at=st.none() | st.datetimes(datetime(2000, 1, 1), NOW.replace(tzinfo=None), timezones=st.just(UTC)),
    moved_to=st.none() | st.just("https://example.org/new"),
)


@st.composite
def polls(draw: Callable[..., object]) -> PollFacts:
    return draw(
        st.builds(
            PollFacts,
            outcomes,
            st.just(NOW + timedelta(seconds=20)),
            dates=st.lists(times, max_size=30),
            new=st.integers(0, 30),
            fresh=wishes,
            refresh=wishes,
            retry_after=wishes,
        )
    )


def waited(state: FeedState) -> float:
    """Seconds from NOW until the feed is due."""
    assert state.next_poll_at is not None
    return (state.next_poll_at - timedelta(seconds=GRACE) - NOW).total_seconds()


@given(states, polls())
def test_no_poll_comes_before_what_was_asked_nor_after_more_than_a_day(state: FeedState, facts: PollFacts) -> None:
    after = after_poll(state, facts, SETTINGS, NOW)
    refresh = facts.refresh if facts.outcome in (FeedOutcome.OK, FeedOutcome.EMPTY) else state.refresh
    asked = [facts.fresh, facts.retry_after, refresh if facts.outcome in ANSWERED else None]
    wish = max((one for one in asked if one is not None), default=0.0)
    assert waited(after) >= SETTINGS.min_interval - GRACE
    if wish:
        assert after.next_poll_at is not None
        assert after.next_poll_at - timedelta(seconds=GRACE) >= facts.at + timedelta(seconds=min(wish, 86_400.0)) - (
            timedelta(microseconds=2)  # what a float of seconds loses
        )
        assert not is_due(after, facts.at + timedelta(seconds=min(wish, 86_400.0) - 1))
    assert waited(after) <= SETTINGS.max_interval + 20 + GRACE


@given(states, polls(), st.floats(0, 3000))
def test_an_interval_of_zero_polls_always_save_where_a_server_asked_for_patience(
    state: FeedState, facts: PollFacts, asked: float
) -> None:
    always = PollSettings(min_interval=0)
    assert is_due(after_poll(state, replace(facts, retry_after=None), always, NOW), NOW)
    after = after_poll(state, replace(facts, retry_after=asked), always, NOW)
    assert is_due(after, NOW) == (asked == 0)


def test_a_feed_that_asks_for_a_month_is_polled_daily() -> None:
    facts = PollFacts(FeedOutcome.OK, NOW, fresh=30 * 86_400.0, refresh=31 * 86_400.0)
    assert waited(after_poll(FeedState("alpha"), facts, SETTINGS, NOW)) == 86_400.0


def test_a_wish_for_an_hour_is_spread_over_the_minutes_after_it_the_same_way_each_time() -> None:
    facts = PollFacts(FeedOutcome.NOT_MODIFIED, NOW, fresh=3600.0)
    waits = {n: waited(after_poll(FeedState(f"s{n}", interval=600.0), facts, SETTINGS, NOW)) for n in range(200)}
    assert all(3600 <= wait <= 3600 * (1 + JITTER) for wait in waits.values())
    assert len({round(wait / 10) for wait in waits.values()}) > 25, "they fall due all over six minutes"
    again = {n: waited(after_poll(FeedState(f"s{n}", interval=600.0), facts, SETTINGS, NOW)) for n in range(200)}
    assert again == waits


def test_a_daily_run_finds_a_feed_of_a_slow_pace_due_although_it_starts_a_little_early() -> None:
    state = FeedState("alpha")
    for day in range(5):
        now = NOW + day * DAY - timedelta(seconds=day % 2 * 3)
        assert is_due(state, now)
        state = after_poll(state, PollFacts(FeedOutcome.NOT_MODIFIED, now, fresh=None), SETTINGS, now)


@pytest.mark.parametrize("outcome", [FeedOutcome.OK, FeedOutcome.TIMEOUT])
def test_a_clock_that_was_wrong_keeps_no_feed_waiting(outcome: FeedOutcome) -> None:
    """The machine ran in another year for a while: what was reckoned there is no reason to wait until then."""
    later = NOW + 1500 * DAY
    state = after_poll(FeedState("alpha"), PollFacts(outcome, later), SETTINGS, later)
    assert not is_due(state, later + timedelta(seconds=60), SETTINGS.max_interval)
    assert is_due(state, NOW, SETTINGS.max_interval)


@given(st.floats(0, 1e7), st.sampled_from(list(FeedOutcome)))
def test_no_wait_that_was_reckoned_rightly_is_taken_for_a_wrong_clock(asked: float, outcome: FeedOutcome) -> None:
    state = after_poll(SEEN, PollFacts(outcome, NOW, fresh=asked, retry_after=asked), SETTINGS, NOW)
    assert is_due(state, NOW, SETTINGS.max_interval) == is_due(state, NOW)


def test_what_a_feed_asked_for_is_remembered_while_it_does_not_change() -> None:
    read = after_poll(FeedState("alpha"), PollFacts(FeedOutcome.OK, NOW, refresh=7200.0), SETTINGS, NOW)
    assert read.refresh == 7200.0
    unchanged = after_poll(read, PollFacts(FeedOutcome.NOT_MODIFIED, NOW), SETTINGS, NOW)
    assert waited(unchanged) >= 7200.0
    assert after_poll(read, PollFacts(FeedOutcome.OK, NOW), SETTINGS, NOW).refresh is None


class TestFailures:
    def test_they_back_off_from_ten_minutes_to_a_day_and_are_told(self) -> None:
        state, waits = SEEN, []
        for _ in range(10):
            facts = PollFacts(FeedOutcome.NOT_FOUND, NOW, detail="status 404")
            state = after_poll(state, facts, SETTINGS, NOW)
            waits.append(waited(state) + GRACE)
        assert waits == [600, 1200, 2400, 4800, 9600, 19200, 38400, 76800, 86400, 86400]
        assert (state.failures, state.error) == (10, "status 404")
        assert (state.etag, state.answered_at) == (SEEN.etag, SEEN.answered_at)

    def test_an_answer_ends_them(self) -> None:
        failed = after_poll(SEEN, PollFacts(FeedOutcome.TIMEOUT, NOW), SETTINGS, NOW)
        assert (failed.failures, failed.error) == (1, "timeout")
        well = after_poll(failed, PollFacts(FeedOutcome.NOT_MODIFIED, NOW), SETTINGS, NOW)
        assert (well.failures, well.error, well.etag) == (0, None, SEEN.etag)

    def test_retry_after_is_kept_to_the_second(self) -> None:
        facts = PollFacts(FeedOutcome.HTTP_ERROR, NOW, retry_after=1800.0)
        assert 1800 <= waited(after_poll(SEEN, facts, SETTINGS, NOW)) <= 1800 * (1 + JITTER)

    def test_a_feed_that_is_gone_is_never_due_again(self) -> None:
        state = after_poll(SEEN, PollFacts(FeedOutcome.GONE, NOW, detail="status 410"), SETTINGS, NOW)
        assert state.gone_at == NOW
        assert not is_due(state, NOW + timedelta(days=10_000))

    def test_a_moved_feed_that_fails_falls_back_to_the_address_of_the_source_list(self) -> None:
        moved = replace(SEEN, moved_to="https://example.org/new")
        state = after_poll(moved, PollFacts(FeedOutcome.NOT_FOUND, NOW), SETTINGS, NOW)
        assert (state.moved_to, state.etag, state.last_modified) == (None, None, None)


class TestPace:
    def test_dates_tell_it_from_the_first_poll_on(self) -> None:
        hourly = [NOW - timedelta(hours=n) for n in range(1, 21)]
        state = after_poll(FeedState("a"), PollFacts(FeedOutcome.OK, NOW, dates=hourly, new=20), SETTINGS, NOW)
        assert state.interval == 900.0, "an item an hour, four polls for each"

    def test_it_is_a_day_for_a_feed_whose_newest_item_is_years_old(self) -> None:
        old = [NOW - timedelta(days=3000 + n) for n in range(20)]
        state = after_poll(FeedState("a"), PollFacts(FeedOutcome.OK, NOW, dates=old, new=20), SETTINGS, NOW)
        assert state.interval == 86_400.0

    def test_dates_in_the_future_tell_nothing(self) -> None:
        ahead = [NOW + timedelta(days=n) for n in range(1, 20)]
        state = after_poll(FeedState("a"), PollFacts(FeedOutcome.OK, NOW, dates=ahead, new=19), SETTINGS, NOW)
        assert state.interval == FIRST_INTERVAL
        assert state.latest_at is None

    def test_a_feed_that_hurries_is_kept_up_with_at_once(self) -> None:
        daily = [NOW - timedelta(days=n) for n in range(1, 15)]
        hurry = [NOW - timedelta(minutes=5 * n) for n in range(5)]
        calm = after_poll(FeedState("a"), PollFacts(FeedOutcome.OK, NOW, dates=daily, new=14), SETTINGS, NOW)
        assert calm.interval == pytest.approx(21_600, rel=0.01)
        later = NOW + timedelta(minutes=1)
        busy = after_poll(calm, PollFacts(FeedOutcome.OK, later, dates=[*hurry, *daily], new=5), SETTINGS, later)
        assert busy.interval == 600.0

    def test_it_rests_slowly_and_only_once_more_time_has_passed_than_between_two_items(self) -> None:
        hourly = [NOW - timedelta(hours=n) for n in range(1, 21)]
        state = after_poll(FeedState("a"), PollFacts(FeedOutcome.OK, NOW, dates=hourly, new=20), SETTINGS, NOW)
        intervals = []
        now = NOW
        while now < NOW + timedelta(days=8):
            now += timedelta(seconds=state.interval or 0)
            state = after_poll(state, PollFacts(FeedOutcome.NOT_MODIFIED, now), SETTINGS, now)
            intervals.append(state.interval)
        assert intervals[:3] == [900.0, 900.0, 900.0], "within an hour nothing was to be expected"
        assert all(before <= after <= before * 1.5 for before, after in pairwise(intervals))
        assert intervals[-1] == 86_400.0

    def test_without_dates_it_follows_what_comes(self) -> None:
        state = replace(SEEN, changed_at=NOW - timedelta(minutes=40))
        quicker = after_poll(state, PollFacts(FeedOutcome.OK, NOW, new=10), SETTINGS, NOW)
        assert quicker.interval == 1830.0, "halfway from an hour to a quarter of four minutes"

    def test_churned_entries_under_old_dates_change_nothing_much(self) -> None:
        """New GUIDs each time, the same dates: what the feed says of its dates can't be true."""
        daily = [NOW - timedelta(days=n) for n in range(1, 15)]
        state = after_poll(FeedState("a"), PollFacts(FeedOutcome.OK, NOW, dates=daily, new=14), SETTINGS, NOW)
        first = state.interval
        now = NOW + timedelta(seconds=first or 0)
        state = after_poll(state, PollFacts(FeedOutcome.OK, now, dates=daily, new=0), SETTINGS, now)
        assert state.interval == first


@given(states, polls())
def test_intervals_stay_within_their_limits_and_states_keep_their_source(state: FeedState, facts: PollFacts) -> None:
    after = after_poll(state, facts, SETTINGS, NOW)
    assert after.source_id == state.source_id
    if facts.outcome in ANSWERED:
        assert after.interval is not None
        assert SETTINGS.min_interval <= after.interval <= SETTINGS.max_interval
    else:
        assert after.failures == state.failures + 1
        assert after.interval == state.interval


@dataclass(frozen=True)
class Polled:
    """What months of polling one feed cost and brought: polls a day, and hours from publication to discovery."""

    polls_a_day: float
    lags: Sequence[float]
    missed: int


def poll_for(days: int, gap_hours: float, *, seed: int = 1, dated: bool = True, shown: int = 20) -> Polled:
    """Poll, on a clock of our own, a feed whose items come at random, `gap_hours` apart in the mean."""
    rng = random.Random(seed)
    start = NOW + timedelta(days=60)
    end, moment, items = start + timedelta(days=days), NOW, []
    while moment < end:
        moment += timedelta(hours=rng.expovariate(1 / gap_hours))
        items.append(moment)
    state, now, known, lags, count, missed = FeedState(f"feed-{seed}"), start, 0, [], 0, 0
    while now < end:
        if is_due(state, now):
            listed = sum(item <= now for item in items)
            new = listed - known
            if count:
                lags += [(now - item).total_seconds() / 3600 for item in items[known:listed]]
                missed += max(0, new - shown)
            outcome = FeedOutcome.OK if new else FeedOutcome.NOT_MODIFIED
            dates = items[max(0, listed - shown) : listed] if dated and new else []
            state = after_poll(state, PollFacts(outcome, now, dates=dates, new=min(new, shown)), SETTINGS, now)
            known, count = listed, count + 1
        now += timedelta(minutes=5)
    return Polled(count / days, lags, missed)


@pytest.mark.parametrize(
    ("gap_hours", "dated", "most_polls", "most_hours"),
    [
        (1, True, 100, 0.2),
        (24, True, 6, 5),
        (168, True, 1.5, 16),
        (1, False, 90, 0.3),
        (24, False, 5, 6),
        (168, False, 1.6, 16),
    ],
)
def test_items_are_found_soon_with_few_requests(
    gap_hours: float, dated: bool, most_polls: float, most_hours: float
) -> None:
    runs = [poll_for(60 if gap_hours < 24 else 180, gap_hours, seed=seed, dated=dated) for seed in (1, 2)]
    assert max(run.polls_a_day for run in runs) <= most_polls
    assert median(lag for run in runs for lag in run.lags) <= most_hours
    assert sum(run.missed for run in runs) == 0


def test_a_dead_feed_costs_little_more_than_a_request_a_day() -> None:
    old = [NOW - timedelta(days=400 + n) for n in range(20)]
    state, now, count = FeedState("dead"), NOW, 0
    while now < NOW + timedelta(days=90):
        if is_due(state, now):
            facts = PollFacts(FeedOutcome.NOT_MODIFIED, now)
            if not count:
                facts = PollFacts(FeedOutcome.OK, now, dates=old, new=20)
            state, count = after_poll(state, facts, SETTINGS, now), count + 1
        now += timedelta(minutes=5)
    assert count / 90 <= 1.12

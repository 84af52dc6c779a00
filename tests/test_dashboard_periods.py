"""Spans of time on the dashboard: periods without a gap, and numbers of days."""

from datetime import date, timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from reports.dashboard.frames import begin, following, name_of
from reports.dashboard.subject_peers import days_between
from warehouse.dashboard import subjects

if TYPE_CHECKING:
    pass


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_numbers_of_days_say_what_is_open(one: int, other: int) -> None:
    low, high = sorted((one, other))
    said = days_between(low, high)
    if low == high:
        assert said == f"{low:,} {'day' if low == 1 else 'days'}"
    elif low == 0:
        assert said.startswith("up to ")
    else:
        assert said == f"{low:,} to {high:,} days"
    assert days_between(None, 3) == "not known"


# Spans of time


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)), st.sampled_from(["month", "quarter", "year"]))
def test_periods_follow_each_other_without_a_gap(day: date, every: subjects.Every) -> None:
    start = begin(day, every)
    end = following(start, every)
    assert start <= day < end
    assert begin(end, every) == end
    assert begin(end - timedelta(days=1), every) == start
    assert str(start.year) in name_of(start, every)

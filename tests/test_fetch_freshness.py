"""Freshness and dates of HTTP headers, as RFC 9110 and RFC 9111 have them."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.freshness import MAX_SECONDS, fresh_for
from pipeline.retrying import parse_http_date, parse_retry_after

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def http(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], None),
        ([("Content-Type", "text/xml")], None),
        ([("Cache-Control", "max-age=600")], 600),
        ([("cache-control", "public, MAX-AGE=600, must-revalidate")], 600),
        ([("Cache-Control", 'max-age="600"')], 600),
        ([("Cache-Control", "max-age = 600")], 600),
        ([("Cache-Control", "public"), ("Cache-Control", "max-age=600")], 600),
        ([("Cache-Control", "max-age=600, max-age=9")], 600),
        ([("Cache-Control", "s-maxage=9, max-age=600")], 600),
        ([("Cache-Control", "s-maxage=600")], None),
        ([("Cache-Control", 'private="a, max-age=9", max-age=600')], 600),
        ([("Cache-Control", "max-age=600, no-cache")], 0),
        ([("Cache-Control", "no-store")], 0),
        ([("Cache-Control", "max-age=0")], 0),
        ([("Cache-Control", "max-age=-1")], 0),
        ([("Cache-Control", "max-age=soon")], 0),
        ([("Cache-Control", "max-age=1.5")], 0),
        ([("Cache-Control", "max-age")], 0),
        ([("Cache-Control", "max-age=" + "9" * 5000)], MAX_SECONDS),
        ([("Cache-Control", "max-age=600"), ("Age", "400")], 200),
        ([("Cache-Control", "max-age=600"), ("Age", "900")], 0),
        ([("Cache-Control", "max-age=600"), ("Age", "old")], 600),
        ([("Cache-Control", "max-age=600"), ("Expires", http(NOW))], 600),
        ([("Expires", http(NOW + timedelta(hours=1)))], 3600),
        ([("Expires", http(NOW + timedelta(hours=1))), ("Age", "600")], 3000),
        ([("Expires", http(NOW + timedelta(hours=1))), ("Date", http(NOW + timedelta(minutes=10)))], 3000),
        ([("Expires", http(NOW + timedelta(hours=1))), ("Date", "today")], 3600),
        ([("Expires", http(NOW - timedelta(hours=1)))], 0),
        ([("Expires", "0")], 0),
        ([("Expires", "-1")], 0),
        ([("Expires", "")], 0),
        ([("Expires", "Fri, 31 Dec 9999 23:59:59 GMT")], MAX_SECONDS),
    ],
)
def test_responses_are_fresh_as_the_standard_says(headers: list[tuple[str, str]], expected: float | None) -> None:
    assert fresh_for(headers, NOW) == expected


NAMES = st.sampled_from(["Cache-Control", "Expires", "Age", "Date", "X"])
VALUES = (
    st.text(max_size=40)
    | st.lists(st.sampled_from(["max-age=", "no-cache", ",", '"', "=", "600", " ", "\\", "public"]), max_size=8).map(
        "".join
    )
    | st.datetimes(timezones=st.just(UTC)).map(http)
)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=6))
def test_any_headers_give_none_or_seconds_within_bounds(headers: list[tuple[str, str]]) -> None:
    seconds = fresh_for(headers, NOW)
    assert seconds is None or 0 <= seconds <= MAX_SECONDS
    told = {name for name, _ in headers}
    if not told & {"Cache-Control", "Expires"}:
        assert seconds is None


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_age_is_taken_off_and_never_gives_time(lifetime: int, age: int) -> None:
    seconds = fresh_for([("Cache-Control", f"max-age={lifetime}"), ("Age", str(age))], NOW)
    assert seconds == max(0, lifetime - age)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2068, 12, 31)))
def test_all_three_forms_of_a_date_are_read(moment: datetime) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    day, month = moment.strftime("%A"), moment.strftime("%b")
    for text in (
        http(moment),
        f"{day}, {moment:%d}-{month}-{moment:%y} {moment:%H:%M:%S} GMT",
        f"{day[:3]} {month} {moment.day:2} {moment:%H:%M:%S} {moment.year}",
    ):
        assert parse_http_date(text) == moment


@given(st.text(max_size=60) | st.from_regex(r"\w{3}, \d+ \w{3} \d+ \d+:\d+:\d+ [+-]?\w*", fullmatch=True))
def test_any_text_is_a_date_or_none(text: str) -> None:
    moment = parse_http_date(text)
    assert moment is None or moment.tzinfo is UTC
    seconds = parse_retry_after(text)
    assert seconds is None or seconds >= 0


def test_an_hour_at_the_end_of_the_calendar_is_none() -> None:
    assert parse_http_date("Fri, 31 Dec 9999 23:59:59 -0500") is None

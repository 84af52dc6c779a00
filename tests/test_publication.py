"""Publication dates: what is stated is read, what is not stays unknown."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.publication import choose, implausible, is_later, parse_date, url_date
from pipeline.types import DateBasis, Stamp

NOW = datetime(2025, 2, 10, 12, tzinfo=UTC)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2025-02-06T10:00:00Z", utc(2025, 2, 6, 10)),
        ("2025-02-06T10:00:00.123+09:00", utc(2025, 2, 6, 1)),
        ("2025-02-06 10:00:00 -0500", utc(2025, 2, 6, 15)),
        ("20250206T101112Z", utc(2025, 2, 6, 10, 11, 12)),
        ("Thu, 06 Feb 2025 10:00:00 GMT", utc(2025, 2, 6, 10)),
        ("Thu, 06 Feb 2025 10:00:00 +0900 (KST)", utc(2025, 2, 6, 1)),
        ("Thu, 6 Feb 25 10:00 EST", utc(2025, 2, 6, 15)),
        ("Thu, 06 Feb 2025 10:00:00 GMT-07:00", utc(2025, 2, 6, 17)),
        ("Thurs, 06 Feb 2025 10:00:00 KST", utc(2025, 2, 6, 1)),
        ("February 6, 2025 at 11:12 PM EST", utc(2025, 2, 7, 4, 12)),
        ("6th February 2025, 9:05 a.m. UTC", utc(2025, 2, 6, 9, 5)),
        ("2025-02-06T24:00:00Z", utc(2025, 2, 7)),
        ("2025-06-30T23:59:60Z", utc(2025, 7, 1)),
        ("Thu Feb 06 10:00:00 UTC 2025", utc(2025, 2, 6, 10)),
        ("Thu Feb 06 2025 10:00:00 GMT+0900 (KST)", utc(2025, 2, 6, 1)),
        ("11:12 PM EST Feb 6, 2025", utc(2025, 2, 7, 4, 12)),
        ("1738800000", utc(2025, 2, 6)),
        ("1738800000000", utc(2025, 2, 6)),
        # Only the day is stated, or the zone isn't: only the day is kept.
        ("2025-02-06", date(2025, 2, 6)),
        ("2025/02/06", date(2025, 2, 6)),
        ("20250206", date(2025, 2, 6)),
        ("Feb. 6, 2025", date(2025, 2, 6)),
        ("Thursday 06 February 2025", date(2025, 2, 6)),
        ("2025-02-06T23:30:00", date(2025, 2, 6)),
        ("Thu, 06 Feb 2025 23:30:00 IST", date(2025, 2, 6)),
        ("Thu, 06 Feb 2025 23:30:00 America/New_York", date(2025, 2, 6)),
        ("2025-02-06 00:00:00+15:00", date(2025, 2, 6)),
        ("26/06/2025", date(2025, 6, 26)),
        ("06/26/2025 4:20 pm PST", date(2025, 6, 26)),
        ("6.3.2025", date(2025, 3, 6)),
        # Not a day at all, or not one day only.
        ("03/04/2025", None),
        ("04/04/2025", date(2025, 4, 4)),
        ("2 days ago", None),
        ("Feb. 2025", None),
        ("2025", None),
        ("2025-02-30", None),
        ("32 January 2025", None),
        ("yesterday", None),
        ("", None),
        ("x" * 10_000, None),
    ],
)
def test_dates_are_read_as_stated(text: str, value: datetime | date | None) -> None:
    assert parse_date(text) == value


@pytest.mark.parametrize(
    ("text", "day_first", "value"),
    [
        ("03/04/2025", True, date(2025, 4, 3)),
        ("03/04/2025", False, date(2025, 3, 4)),
        ("3.4.2025", False, date(2025, 4, 3)),
        # A custom doesn't outweigh what only one order allows.
        ("03/14/2025", True, date(2025, 3, 14)),
        ("14/03/2025", False, date(2025, 3, 14)),
        ("31/02/2025", True, None),
    ],
)
def test_figures_in_a_known_order(text: str, day_first: bool, value: date | None) -> None:
    assert parse_date(text, day_first=day_first) == value


@given(st.datetimes(datetime(1995, 1, 1), datetime(2035, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_iso_times_are_read_exactly(moment: datetime, minutes: int) -> None:
    moment = moment.replace(microsecond=0)
    sign = "-" if minutes < 0 else "+"
    text = f"{moment.isoformat()}{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    assert parse_date(text) == moment.replace(tzinfo=UTC) - timedelta(minutes=minutes)


@given(st.text(max_size=120))
def test_no_text_breaks_the_reader(text: str) -> None:
    value = parse_date(text)
    assert value is None or isinstance(value, date)


@pytest.mark.parametrize(
    ("url", "day"),
    [
        ("https://example.com/2025/02/06/story", date(2025, 2, 6)),
        ("https://example.com/world/2025/feb/06/story", date(2025, 2, 6)),
        ("https://example.com/news/story-20250206", date(2025, 2, 6)),
        ("https://example.com/2025-02-06-story.html", date(2025, 2, 6)),
        ("https://example.com/2025/2/6/story", date(2025, 2, 6)),
        ("https://example.com/2025/02/story", None),
        ("https://example.com/2025/13/45/story", None),
        ("https://example.com/story?date=2025-02-06", None),
        ("https://example.com/articles/cx20250206123", None),
        ("https://2025-02-06.example.com/story", None),
        ("", None),
    ],
)
def test_days_in_urls(url: str, day: date | None) -> None:
    assert url_date(url) == day


@pytest.mark.parametrize(
    ("value", "possible"),
    [
        (utc(2025, 2, 12, 11), True),
        (utc(2025, 2, 12, 13), False),
        (date(2025, 2, 12), True),
        (date(2025, 2, 13), False),
        (date(1970, 1, 1), False),
        (utc(1, 1, 1), False),
        (date(1996, 5, 1), True),
    ],
)
def test_impossible_dates(value: datetime | date, possible: bool) -> None:
    assert (implausible(value, NOW) is None) is possible


def feed(value: datetime | date) -> Stamp:
    return Stamp(value, DateBasis.FEED)


@pytest.mark.parametrize(
    ("stated", "meta", "url", "chosen", "notes"),
    [
        (feed(utc(2025, 2, 6, 1)), utc(2025, 2, 6, 2), "", feed(utc(2025, 2, 6, 1)), 0),
        (feed(date(2025, 2, 6)), utc(2025, 2, 6, 2), "", Stamp(utc(2025, 2, 6, 2), DateBasis.META), 0),
        (feed(date(2025, 2, 6)), utc(2025, 1, 6, 2), "", feed(date(2025, 2, 6)), 1),
        (None, date(2025, 2, 6), "/2025/02/07/x", Stamp(date(2025, 2, 6), DateBasis.META), 0),
        (None, date(2025, 2, 6), "/2024/02/07/x", Stamp(date(2025, 2, 6), DateBasis.META), 1),
        (None, None, "/2025/02/07/x", Stamp(date(2025, 2, 7), DateBasis.URL), 0),
        (None, None, "/2035/02/07/x", None, 0),
        (None, utc(2035, 1, 1), "", None, 1),
        (None, None, "/x", None, 0),
    ],
)
def test_the_order_of_bases(
    stated: Stamp | None, meta: datetime | date | None, url: str, chosen: Stamp | None, notes: int
) -> None:
    stamp, issues = choose(stated, meta, f"https://example.com{url}", updated=None, now=NOW)
    assert stamp == chosen
    assert len(issues) == notes


def test_a_time_of_update_yields_to_an_earlier_publication() -> None:
    late, early = utc(2025, 2, 6), utc(2025, 2, 1)
    assert choose(feed(late), early, "", updated=late, now=NOW)[0] == Stamp(early, DateBasis.META)
    assert choose(feed(late), early, "", updated=None, now=NOW)[0] == feed(late)
    assert choose(feed(early), late, "", updated=early, now=NOW)[0] == feed(early)


@pytest.mark.parametrize(
    ("value", "other", "later"),
    [
        (utc(2025, 2, 6, 1), utc(2025, 2, 6), True),
        (utc(2025, 2, 6), utc(2025, 2, 6), False),
        (date(2025, 2, 7), utc(2025, 2, 6, 23), True),
        (date(2025, 2, 6), utc(2025, 2, 6), False),
        (utc(2025, 2, 6, 23), date(2025, 2, 6), False),
    ],
)
def test_a_bare_day_is_later_than_the_days_before_it(
    value: datetime | date, other: datetime | date, later: bool
) -> None:
    assert is_later(value, other) is later

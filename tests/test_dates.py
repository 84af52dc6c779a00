"""Date words become dates as exact as they allow, read against the day of publication."""

import re
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.dates import resolve_date
from pipeline.types import Status

WEDNESDAY = date(2025, 2, 5)


@pytest.mark.parametrize(
    ("words", "value"),
    [
        # weekdays: the last one, today included
        ("on Wednesday", "2025-02-05"),
        ("Wednesday", "2025-02-05"),
        ("on Tuesday", "2025-02-04"),
        ("on Thursday", "2025-01-30"),
        ("late on Monday night", "2025-02-03"),
        ("Monday's", "2025-02-03"),
        ("last Wednesday", "2025-01-29"),
        ("last Tuesday", "2025-02-04"),
        ("this Wednesday", "2025-02-05"),
        ("next Friday", "2025-02-07"),
        ("since Sunday", "2025-02-02"),
        ("by Friday", "2025-02-07"),
        ("until Monday", "2025-02-10"),
        ("WEDNESDAY", "2025-02-05"),
        ("on Weds", "2025-02-05"),
        # days about today
        ("today", "2025-02-05"),
        ("this morning", "2025-02-05"),
        ("yesterday", "2025-02-04"),
        ("last night", "2025-02-04"),
        ("tomorrow", "2025-02-06"),
        ("since midnight", "2025-02-05"),
        ("two days ago", "2025-02-03"),
        ("ten days earlier", "2025-01-26"),
        # weeks give months
        ("last week", "2025-01"),
        ("earlier this week", "2025-02"),
        ("over the weekend", "2025-02"),
        ("a week ago", "2025-01"),
        ("three weeks ago", "2025-01"),
        ("30 days from now", "2025-03-07"),
        # months
        ("earlier this month", "2025-02"),
        ("last month", "2025-01"),
        ("next month", "2025-03"),
        ("at the start of the month", "2025-02"),
        ("two months ago", "2024-12"),
        ("in January", "2025-01"),
        ("in March", "2024-03"),
        ("last December", "2024-12"),
        ("this February", "2025-02"),
        ("in late December", "2024-12"),
        ("in mid-January", "2025-01"),
        ("May", "2024-05"),
        ("at the end of May", "2024-05"),
        ("in March last year", "2024-03"),
        # years
        ("earlier this year", "2025"),
        ("last year", "2024"),
        ("next year", "2026"),
        ("in 2023", "2023"),
        ("since 2012", "2012"),
        ("two years ago", "2023"),
        ("in mid-2024", "2024"),
        ("between 2019 and 2021", "2019"),
        ("last summer", "2024"),
        ("in the spring of 2011", "2011"),
        # days
        ("on 2 February", "2025-02-02"),
        ("on 2nd February", "2025-02-02"),
        ("on the 2nd of February", "2025-02-02"),
        ("on February 2nd", "2025-02-02"),
        ("on Feb. 2", "2025-02-02"),
        ("FEB 2", "2025-02-02"),
        ("on 20 December", "2024-12-20"),
        ("on Sunday 2 February", "2025-02-02"),
        ("on Monday, 3 February 2025", "2025-02-03"),
        ("since 2 August 2022", "2022-08-02"),
        ("August 5, 2019", "2019-08-05"),
        ("On 31.01.2020", "2020-01-31"),
        ("2024-11-30", "2024-11-30"),
        ("on 30/11/2024", "2024-11-30"),
        ("on 11/30/2024", "2024-11-30"),
        ("on 03/04/2021", "2021"),
        ("on 1/27", "2025-01-27"),
        ("by the 12th", "2025-02-12"),
        ("on the 3rd", "2025-02-03"),
        ("on Christmas Eve", "2024-12-24"),
        ("on 30 February", None),
        ("on 30 February 2024", "2024-02"),
        # spans begin
        ("from 27 January to 30 January", "2025-01-27"),
        ("from January 27 to 30, 2021", "2021-01-27"),
        ("between Jan. 5 - Jan. 11", "2025-01-05"),
        ("between Dec. 31 and Jan. 2", "2024-12-31"),
        ("from 16:15 on Jan. 28 to 10:00 on Jan. 29", "2025-01-28"),
        # nothing to hold on to
        ("recently", None),
        ("in recent weeks", None),
        ("until further notice", None),
        ("for years", None),
        ("weeks ago", None),
        ("at once", None),
        ("over the past year", None),
        ("in 2017 and 2018", None),
        ("the same day", None),
        ("this winter", None),
        ("", None),
    ],
)
def test_done_things(words: str, value: str | None) -> None:
    assert resolve_date(words, WEDNESDAY) == value


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("from 1 May", "2025-05-01"),
        ("from Monday", "2025-02-10"),
        ("as of 1 January", "2026-01-01"),
        ("starting in January", "2026-01"),
        ("by 1 January 2027", "2027-01-01"),
        ("from September", "2025-09"),
        ("on 20 February", "2025-02-20"),
        ("later this year", "2025"),
        ("next week", "2025-02"),
        ("on Tuesday", "2025-02-04"),
        ("in June", "2025-06"),
    ],
)
def test_announced_things_lie_ahead(words: str, value: str) -> None:
    assert resolve_date(words, WEDNESDAY, Status.ANNOUNCED) == value


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("on Wednesday", None),
        ("earlier this month", None),
        ("on 2 August", None),
        ("yesterday", None),
        ("on 2 August 2022", "2022-08-02"),
        ("in August 2022", "2022-08"),
        ("since 2012", "2012"),
        ("On 31.01.2020", "2020-01-31"),
        ("from 27 January to 30 January 2021", "2021-01-27"),
    ],
)
def test_without_publication_only_stated_years_count(words: str, value: str | None) -> None:
    assert resolve_date(words, None) == value


def test_invisible_characters_do_not_hide_a_date() -> None:
    assert resolve_date("on Wed\u200bnesday", WEDNESDAY) == "2025-02-05"
    assert resolve_date("２ August ２０２２", None) == "2022-08-02"


@given(
    st.text(max_size=60),
    st.one_of(st.none(), st.dates(min_value=date(1, 1, 1), max_value=date(9999, 12, 31))),
    st.sampled_from(Status),
)
@settings(max_examples=300, deadline=None)
def test_any_words_give_a_date_or_none(words: str, published: date | None, status: Status) -> None:
    value = resolve_date(words, published, status)
    assert value is None or re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", value)


UNITS = st.sampled_from(["day", "week", "month", "year"])
PHRASES = st.one_of(
    st.builds(
        lambda n, unit, way: f"{n} {unit}s {way}", st.integers(0, 99999), UNITS, st.sampled_from(["ago", "from now"])
    ),
    st.builds(lambda day, month: f"{day} {month}", st.integers(0, 40), st.sampled_from(["February", "May", "Sept."])),
    st.builds(lambda which, unit: f"{which} {unit}", st.sampled_from(["last", "next", "this"]), UNITS),
    st.builds(lambda a, b, c: f"{a}/{b}/{c}", st.integers(0, 40), st.integers(0, 40), st.integers(1900, 2099)),
    st.sampled_from(
        ["next Sunday", "on the 31st", "by the 31st", "last summer", "29 February", "yesterday", "tomorrow"]
    ),
)


EDGES = st.one_of(st.dates(), st.sampled_from([date.min, date.max, date(1, 1, 5), date(9999, 12, 30)]))


@given(PHRASES, EDGES, st.sampled_from(Status))
@settings(max_examples=300, deadline=None)
def test_phrases_never_raise_at_the_ends_of_the_calendar(words: str, published: date, status: Status) -> None:
    value = resolve_date(words, published, status)
    assert value is None or re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", value)


@given(st.dates(min_value=date(2000, 1, 8), max_value=date(2099, 12, 24)), st.integers(0, 6))
@settings(deadline=None)
def test_a_weekday_is_within_the_last_week(published: date, back: int) -> None:
    day = published - timedelta(days=back)
    assert resolve_date(f"on {day:%A}", published) == day.isoformat()


@given(
    st.dates(min_value=date(2000, 1, 1), max_value=date(2099, 12, 31)), st.dates(date(1950, 1, 1), date(2099, 12, 31))
)
@settings(deadline=None)
def test_a_full_date_is_itself(published: date, day: date) -> None:
    for words in (f"on {day:%d %B %Y}", f"{day:%B %d, %Y}", day.isoformat(), f"{day:%d.%m.%Y}"):
        assert resolve_date(words, published) == day.isoformat()
        assert resolve_date(words, None) == day.isoformat()

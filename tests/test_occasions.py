"""Local times over the year: each day once, whatever the clock does."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.errors import SettingsError
from pipeline.flow_log import FlowRun, FlowStatus
from pipeline.occasions import Occasion, every, latest, superseded, upcoming
from pipeline.zones import machine_zone, zone_named

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
ZONES = (
    "Africa/Casablanca",  # goes back for Ramadan
    "America/New_York",
    "America/Nuuk",  # changes at ten in the evening
    "America/Sao_Paulo",  # jumped over midnight until 2019
    "America/St_Johns",
    "Antarctica/Troll",  # jumps by two hours
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Pyongyang",  # jumped over midnight by half an hour
    "Atlantic/Azores",
    "Australia/Lord_Howe",  # jumps by half an hour
    "Europe/Berlin",
    "Pacific/Apia",  # left out a day in 2011
    "Pacific/Kwajalein",  # left out a day in 1993
    "UTC",
)
BERLIN = ZoneInfo("Europe/Berlin")

zones = st.sampled_from(ZONES).map(ZoneInfo)
clocks = st.builds(time, st.integers(0, 23), st.integers(0, 59))
moments = st.datetimes(datetime(1990, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


@given(zones, clocks, moments)
@example(ZoneInfo("Pacific/Apia"), time(7), utc(2011, 12, 30, 12))
@example(ZoneInfo("America/Sao_Paulo"), time(0), utc(2018, 11, 4, 3))
@example(ZoneInfo("Antarctica/Troll"), time(2, 30), utc(2026, 3, 29, 1))
@example(ZoneInfo("Australia/Lord_Howe"), time(2, 10), utc(2026, 10, 3, 15, 30))
@example(BERLIN, time(2, 30), utc(2026, 10, 25, 1, 15))
def test_an_occasion_is_the_newest_until_the_next(zone: ZoneInfo, at: time, now: datetime) -> None:
    last, following = latest(at, zone, now), upcoming(at, zone, now)
    assert last.at <= now < following.at
    assert last.day < following.day
    assert upcoming(at, zone, last.at) == following
    assert latest(at, zone, following.at) == following
    assert latest(at, zone, following.at - SECOND) == last
    assert last.at.tzinfo is UTC


@given(zones, clocks, moments)
@example(BERLIN, time(2, 30), utc(2026, 3, 29, 12))
@example(BERLIN, time(2, 30), utc(2026, 10, 25, 12))
@example(ZoneInfo("Australia/Lord_Howe"), time(2, 10), utc(2026, 10, 4, 12))
@example(ZoneInfo("Asia/Pyongyang"), time(23, 45), utc(2018, 5, 4, 15))
def test_it_happens_when_the_clock_says_so_or_first_after_the_gap(zone: ZoneInfo, at: time, now: datetime) -> None:
    occasion = latest(at, zone, now)
    wanted, shown = datetime.combine(occasion.day, at), local(occasion.at, zone)
    earlier = local(occasion.at - SECOND, zone)
    if shown == wanted:
        # Of two such moments it is the first.
        hours = (occasion.at - timedelta(minutes=minutes) for minutes in range(15, 300, 15))
        assert all(local(moment, zone) != wanted for moment in hours)
    else:
        assert earlier < wanted < shown, "the clock jumped over it just then"
        assert shown - earlier > SECOND


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize("at", [time(0), time(2, 15), time(23, 45)], ids=str)
@pytest.mark.parametrize("year", [2011, 2018])
def test_each_day_of_a_year_has_one(name: str, at: time, year: int) -> None:
    zone = ZoneInfo(name)
    now, end = utc(year, 1, 1), utc(year + 1, 1, 2)
    days: list[date] = []
    while now < end:
        occasion = upcoming(at, zone, now)
        days.append(occasion.day)
        now = occasion.at
    left_out = {date(2011, 12, 30)} if name == "Pacific/Apia" else set()
    every_day = {days[0] + n * DAY for n in range((days[-1] - days[0]).days + 1)}
    assert days == sorted(every_day - left_out)


@pytest.mark.parametrize(
    ("zone", "at", "now", "expected"),
    [
        # There is no 02:30: at 02:00 the clock goes to 03:00.
        ("Europe/Berlin", "02:30", utc(2026, 3, 29, 12), (date(2026, 3, 29), utc(2026, 3, 29, 1))),
        # 02:30 is there twice, at 00:30 and 01:30 UTC.
        ("Europe/Berlin", "02:30", utc(2026, 10, 25, 0, 30), (date(2026, 10, 25), utc(2026, 10, 25, 0, 30))),
        ("Europe/Berlin", "02:30", utc(2026, 10, 25, 1, 45), (date(2026, 10, 25), utc(2026, 10, 25, 0, 30))),
        # From 02:00 to 02:30, that is at 15:30 UTC of the day before.
        ("Australia/Lord_Howe", "02:10", utc(2026, 10, 4), (date(2026, 10, 4), utc(2026, 10, 3, 15, 30))),
        # From 01:00 to 03:00.
        ("Antarctica/Troll", "01:30", utc(2026, 3, 29, 12), (date(2026, 3, 29), utc(2026, 3, 29, 1))),
        # After the 29th came the 31st.
        ("Pacific/Apia", "07:00", utc(2011, 12, 30, 16, 59), (date(2011, 12, 29), utc(2011, 12, 29, 17))),
        ("Pacific/Apia", "07:00", utc(2011, 12, 30, 17), (date(2011, 12, 31), utc(2011, 12, 30, 17))),
    ],
)
def test_the_clock_changes(zone: str, at: str, now: datetime, expected: tuple[date, datetime]) -> None:
    assert latest(time.fromisoformat(at), ZoneInfo(zone), now) == Occasion(*expected)


def test_after_a_week_of_sleep_one_is_due() -> None:
    before = latest(time(7), BERLIN, utc(2026, 10, 20, 12))
    after = latest(time(7), BERLIN, utc(2026, 10, 27, 5))
    assert (after.day - before.day).days == 6
    assert latest(time(7), BERLIN, after.at + timedelta(hours=23)) == after


@given(st.floats(1, 100_000) | st.integers(1, 100_000).map(float), moments)
def test_every_so_many_seconds(seconds: float, now: datetime) -> None:
    step, found = timedelta(seconds=seconds), every(seconds, now)
    assert found <= now < found + step
    assert (found - utc(1970, 1, 1)) % step == timedelta(0)


def test_what_began_later_has_done_it() -> None:
    done = FlowRun("ingest", "one", utc(2026, 1, 1, 12), utc(2026, 1, 1, 13), FlowStatus.FINISHED)
    now = utc(2026, 1, 1, 12, 30)
    assert superseded(utc(2026, 1, 1, 11, 45), done, now)
    assert superseded(utc(2026, 1, 1, 12), done, now)
    assert not superseded(utc(2026, 1, 1, 12, 15), done, now), (
        "it began before that time, and may have missed something"
    )
    assert not superseded(None, done, now)
    assert not superseded(utc(2026, 1, 1, 11, 45), done, utc(2026, 1, 1, 11, 50)), "the clock was set back since"
    assert not superseded(utc(2026, 1, 1), None, now)


def test_zones_by_name() -> None:
    assert zone_named("Europe/Berlin").key == "Europe/Berlin"
    for wrong, meant in (("Europe/Berlni", "Europe/Berlin"), ("berlin", "Europe/Berlin"), ("new york", "New_York")):
        with pytest.raises(ValueError, match=rf"there is no such time zone; did you mean .*{meant}"):
            zone_named(wrong)
    for nothing in ("Europe", "Mars/Olympus_Mons", "../UTC", "/etc/passwd"):
        with pytest.raises(ValueError, match="there is no such time zone"):
            zone_named(nothing)


def test_the_machines_zone(tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    linked, plain, named = tmp_path / "linked", tmp_path / "plain", tmp_path / "named"
    linked.symlink_to(tmp_path / "usr/share/zoneinfo/Asia/Tokyo")
    plain.write_bytes(b"TZif")
    named.write_text("Europe/Oslo\n")
    assert machine_zone({"TZ": "Europe/Berlin"}, linked, absent).key == "Europe/Berlin"
    assert machine_zone({"TZ": ":/usr/share/zoneinfo/Europe/Berlin"}, linked, absent).key == "Europe/Berlin"
    assert machine_zone({}, linked, absent).key == "Asia/Tokyo"
    assert machine_zone({}, plain, named).key == "Europe/Oslo"
    assert machine_zone({}, absent, absent).key == "UTC", "as the C library has it"
    with pytest.raises(SettingsError, match="can't be told") as refused:
        machine_zone({}, plain, absent)
    assert "serve.timezone" in (refused.value.hint or "")
    with pytest.raises(SettingsError, match="from TZ=Nowhere"):
        machine_zone({"TZ": "Nowhere"}, linked, named)

"""When what happens daily or weekly at a local time, or every so many seconds, is to happen. Pure, and in UTC.

A local time that a day lacks, because the clock goes forward over it, happens at the first moment after the gap; one
that a day has twice happens at the first of the two. A day that a zone leaves out has no occasion of its own.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pipeline.flow_log import FlowRun

_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Occasion:
    """What happens once a day or a week: the local day that it is for, and when (UTC)."""

    day: date
    at: datetime


def latest(at: time, zone: ZoneInfo, now: datetime, weekday: int | None = None) -> Occasion:
    """The newest occasion that is not after `now`; with a `weekday` (Monday is 0), of those on that day of the week."""
    day = now.astimezone(zone).date() + _DAY
    while (found := _on(day, at, zone, weekday)) is None or found.at > now:
        day -= _DAY
    return found


def upcoming(at: time, zone: ZoneInfo, now: datetime, weekday: int | None = None) -> Occasion:
    """The first occasion after `now`, likewise."""
    day = now.astimezone(zone).date() - _DAY
    while (found := _on(day, at, zone, weekday)) is None or found.at <= now:
        day += _DAY
    return found


def every(seconds: float, now: datetime) -> datetime:
    """The newest multiple of `seconds` since 1970 that is not after `now`."""
    step = timedelta(seconds=seconds)
    return _EPOCH + (now - _EPOCH) // step * step


def superseded(scheduled_at: datetime | None, last_done: FlowRun | None, now: datetime) -> bool:
    """Whether a run that was meant for `scheduled_at` has been done by one that began at that time or later.

    One that began after `now` has done nothing yet: it ran while the machine's clock was wrong.
    """
    if scheduled_at is None or last_done is None:
        return False
    return scheduled_at <= last_done.started_at <= now


def _on(day: date, at: time, zone: ZoneInfo, weekday: int | None) -> Occasion | None:
    """The occasion of a local day; None for a day that the zone leaves out, or that is another day of the week."""
    if weekday is not None and day.weekday() != weekday:
        return None
    wanted = datetime.combine(day, at)
    if _is(wanted, zone):
        return Occasion(day, _utc(wanted, zone))
    first, last = datetime.combine(day, time.min), datetime.combine(day, time(23, 59, 59))
    if not _is(first, zone) and not _is(last, zone) and _after_gap(first, zone) == _after_gap(last, zone):
        return None
    return Occasion(day, _after_gap(wanted, zone))


def _utc(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _is(local: datetime, zone: ZoneInfo) -> bool:
    """Whether the clock ever shows this time."""
    return _utc(local, zone).astimezone(zone).replace(tzinfo=None) == local


def _after_gap(wanted: datetime, zone: ZoneInfo) -> datetime:
    """The moment at which the clock jumps over `wanted`."""
    # The offset after the gap puts it before the jump, the one before the gap behind it.
    before = wanted.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = _utc(wanted, zone)
    old = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)

"""The days that a stated date allows."""

import calendar
import re
from datetime import date

_STATED = re.compile(r"(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2}))?)?")


def span(value: str | None) -> tuple[date, date] | tuple[None, None]:
    """First and last day of `YYYY-MM-DD`, `YYYY-MM` or `YYYY`; (None, None) for None and for what is no such date."""
    match = _STATED.fullmatch(value or "")
    if match is None:
        return (None, None)
    year, month, day = (None if part is None else int(part) for part in match.group("year", "month", "day"))
    assert year is not None
    try:
        if month is None:
            return (date(year, 1, 1), date(year, 12, 31))
        if day is None:
            return (date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]))
        return (date(year, month, day), date(year, month, day))
    except (ValueError, calendar.IllegalMonthError):
        return (None, None)

"""A number that grows day by day as the rows of a curve: what it surely was, and what it may have been."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, TypeAlias

from reports import locales
from reports.chart_data import Points

Row: TypeAlias = dict[str, Any]


def curve_rows(surely: Points, perhaps: Points, span: tuple[date, date]) -> list[Row]:
    """Both numbers on each day on which one changes, and at the ends of the span; its start has what came before."""
    sure, possible = dict(surely), dict(perhaps)
    start, end = span
    days = sorted({day for day in (*sure, *possible) if start < day <= end} | {start, end})
    rows: list[Row] = []
    number = max((value for day, value in surely if day <= start), default=0)
    highest = max((value for day, value in perhaps if day <= start), default=0)
    for day in days:
        number, highest = sure.get(day, number), possible.get(day, highest)
        rows.append({"on": day.isoformat(), "number": number, "perhaps": max(number, highest)})
    return _with_told(rows, lambda row: f"by {locales.day(row['on'])}")


def aligned_rows(surely: Points, perhaps: Points, until: date, most: int) -> list[Row]:
    """The same by days since the first country surely had a restriction, up to `until`, and to `most` days."""
    if not surely:
        return []
    first = surely[0][0]
    last = min(max((until - first).days, 0), most)
    rows = curve_rows(surely, perhaps, (first, first + timedelta(days=last)))
    for row in rows:
        row["days"] = (date.fromisoformat(row.pop("on")) - first).days
    return _with_told(rows, lambda row: f"{row['days']} days after the first")


def _with_told(rows: list[Row], when: Callable[[Row], str]) -> list[Row]:
    for row in rows:
        perhaps = f", perhaps {row['perhaps']}" if row["perhaps"] > row["number"] else ""
        countries = "country" if row["number"] == 1 and not perhaps else "countries"
        row["told"] = f"{row['number']}{perhaps} {countries} {when(row)}"
    return rows

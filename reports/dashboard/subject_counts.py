"""Restrictions counted by the period in which they began and by a value: as bars, as a table, and what is left out."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from reports.dashboard import links, specs
from reports.dashboard.figures import Cell, Link
from reports.dashboard.frames import Frame, begin, following, name_of
from reports.dashboard.snapshots import Held
from reports.locales import day, listing, number
from warehouse.dashboard.asking import Sql, filled
from warehouse.dashboard.explore import NONE
from warehouse.dashboard.subjects import Counted, Every

UNSTATED: Final = "not stated"
_EXACT: Final[Mapping[Every, tuple[str, ...]]] = {
    "month": ("day", "month"),
    "quarter": ("day", "month"),
    "year": ("day", "month", "year"),
}
"""How exact dates are that lie in one period."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The answer to one question of `warehouse.dashboard.subjects`, in a frame.

    `asked` are the filters that all of it fits, `by` is the one for the value. `names` are those of values, in their
    order; None is a value, too.
    """

    found: Sequence[Counted]
    frame: Frame
    asked: Mapping[str, object]
    by: str
    names: Mapping[str, str]
    sql: Sql

    @property
    def total(self) -> int:
        """All that was counted. Where one can have several values, it is counted under each."""
        return sum(one.restrictions for one in self.found)

    def totals(self, group: Callable[[str | None], str]) -> Counter[str]:
        """How many there are of each group of values, whatever their date."""
        totals = Counter[str]()
        for one in self.found:
            totals[group(one.value)] += one.restrictions
        return totals

    def bars(self, group: Callable[[str | None], str]) -> list[specs.Bar]:
        """A bar for each period that is shown and each group of values; it leads to what it counts."""
        summed = Counter[tuple[date, str]]()
        values: dict[str, set[str | None]] = {}
        for one in self.found:
            values.setdefault(group(one.value), set()).add(one.value)
            if one.period is not None and self.frame.shows(one.period):
                summed[one.period, group(one.value)] += one.restrictions
        return [
            specs.Bar(
                period,
                name,
                some,
                f"{name_of(period, self.frame.every)}: {number(some)} {name}",
                self._listed(period, values[name]),
            )
            for (period, name), some in sorted(summed.items())
        ]

    def span(self) -> tuple[date, date]:
        """From the first day to the day after the last that a chart of it shows."""
        shown = [one.period for one in self.found if one.period is not None and self.frame.shows(one.period)]
        every, until = self.frame.every, self.frame.until
        start = self.frame.since or min(shown, default=begin(until, every))
        return start, following(max([*shown, begin(until, every)]), every)

    def table(self) -> tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]]:
        """Columns and rows: a row for each period that is shown, the latest first; last what is not on the chart."""
        present = {one.value for one in self.found}
        columns: list[tuple[str | None, str]] = [
            (value, name) for value, name in self.names.items() if value in present
        ]
        columns += [(None, UNSTATED)] if None in present else []
        rows: dict[tuple[date, str], Counter[str | None]] = {}
        for one in self.found:
            rows.setdefault(self._row(one), Counter())[one.value] += one.restrictions
        cells = [
            (name, *(self._cell(period, value, counted[value]) for value, _ in columns))
            for (period, name), counted in sorted(rows.items(), key=lambda row: row[0][0], reverse=True)
        ]
        return ("Began", *(name for _, name in columns)), tuple(cells)

    def _row(self, one: Counted) -> tuple[date, str]:
        if one.period is None:
            return (_COARSE, "dated too coarsely") if one.is_dated else (_UNDATED, "not dated")
        if self.frame.since is not None and one.period < self.frame.since:
            return _EARLIER, f"before {name_of(self.frame.since, self.frame.every)}"
        return one.period, name_of(one.period, self.frame.every)

    def _cell(self, period: date, value: str | None, some: int) -> Cell:
        if not some or period <= _EARLIER:
            return number(some)
        return Link(number(some), self._listed(period, {value}))

    def _listed(self, period: date, values: Iterable[str | None]) -> str:
        """Where what a bar counts is listed: all of it, and nothing else."""
        every = self.frame.every
        asked: dict[str, object] = {
            **self.asked,
            self.by: sorted(NONE if value is None else value for value in values),
            "since": period.isoformat(),
            "until": (following(period, every) - timedelta(days=1)).isoformat(),
            "dated": _EXACT[every],
        }
        return links.explore(**asked)

    def left_out(self) -> str:
        """What a chart of it can't show, in a sentence; empty where it shows all."""
        frame = self.frame
        earlier = sum(one.restrictions for one in self.found if one.period is not None and not frame.shows(one.period))
        coarse = sum(one.restrictions for one in self.found if one.period is None and one.is_dated)
        undated = sum(one.restrictions for one in self.found if not one.is_dated)
        said = [
            f"{number(undated)} without a date" if undated else "",
            f"{number(coarse)} dated too coarsely for a {frame.every}" if coarse else "",
            f"{number(earlier)} from before {day(frame.since)}" if earlier and frame.since is not None else "",
        ]
        told = [one for one in said if one]
        return f"Not drawn: {listing(told)}." if told else ""


_EARLIER: Final = date.min + timedelta(days=2)
_COARSE: Final = date.min + timedelta(days=1)
_UNDATED: Final = date.min
"""Rows of a table below all periods, in this order."""


def shades(data: Held, frame: Frame) -> list[specs.Shade]:
    """The periods of which little was read: of what was published before the first of them, nothing."""
    rows = data.ask(filled("SELECT period, coverage FROM coverage_by($every) ORDER BY period", every=frame.every)).rows
    before = [specs.Shade(date.min, rows[0][0], "none")] if rows else []
    return before + [
        specs.Shade(period, following(period, frame.every), coverage)
        for period, coverage in rows
        if frame.shows(period) and period <= frame.until
    ]

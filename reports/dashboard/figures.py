"""A chart as a page has it: what it shows in words, the chart, the table behind it, and the question it answers."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, TypeAlias

from reports.inert import line
from reports.locales import number

_NUMBER: Final = re.compile(r"[-–]?[\d,.]+\s?%?|–|")


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead to a page of the dashboard, whose address is made by `reports.dashboard.links`."""

    words: str
    address: str


Cell: TypeAlias = str | Link


@dataclass(frozen=True, slots=True)
class Panel:
    """One of several small charts of a figure, side by side: what it is of, what it shows in words, and the chart."""

    heading: str
    says: str
    spec: Mapping[str, Any]
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with all that is said of it.

    `says` tells in a sentence, with its numbers, what the chart shows: for who can't see it, and above all for who can.
    `spec` is Vega-Lite in the light theme's colours, which the style sheet turns; None where the table is all there is.
    A figure of several small charts has `panels` instead of one `spec`; `shared` is data by name that their specs refer
    to. `columns` and `rows` are the table behind it, `sql` the question that gave it. `height` are the pixels that are
    kept free for each chart, so that nothing moves when it comes; `note` says what it leaves open, such as what is
    undated.
    """

    id: str
    heading: str
    says: str
    spec: Mapping[str, Any] | None
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    sql: str
    height: int
    note: str = ""
    panels: tuple[Panel, ...] = ()
    shared: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)

    @property
    def is_number(self) -> tuple[bool, ...]:
        """Which columns hold numbers alone: they are set flush right."""
        return tuple(
            bool(self.rows) and all(_is_number(row[place]) for row in self.rows) for place in range(len(self.columns))
        )


def _is_number(one: Cell) -> bool:
    return _NUMBER.fullmatch(one if isinstance(one, str) else one.words) is not None


def cell(value: object) -> Cell:
    """A value of an answer as a table has it: numbers with their thousands apart, nothing as a dash."""
    if isinstance(value, Link):
        return value
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return number(value)
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, list | tuple):
        return ", ".join(line(str(one)) for one in value)
    if isinstance(value, date):
        return value.isoformat()
    return line(str(value))


def cells(rows: Iterable[Iterable[object]]) -> tuple[tuple[Cell, ...], ...]:
    """Rows of an answer as a table has them."""
    return tuple(tuple(map(cell, row)) for row in rows)

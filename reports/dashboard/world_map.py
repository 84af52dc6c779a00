"""The map of the world at a chosen day, as our own SVG: the server draws one day, static/map.js plays all of them."""

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from itertools import accumulate, groupby, pairwise
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from markupsafe import Markup

from reports.chart_data import NO_COUNTRY, steps_of
from reports.dashboard import links
from reports.dashboard.figures import Cell, Link
from reports.inert import line
from reports.locales import count, day, number
from reports.shapes.paths import map_height, paths
from warehouse.dashboard.world import Change

WIDTH: Final = 960
"""Units from one side of the map to the other; it is as wide as its place."""

_DOT: Final = 3.2
_EARLY: Final = 0.04
"""The share of all changes that may lie before the first day of the slider: what began long ago would leave the years
of which there is news to a corner of it."""

_LEAST: Final = timedelta(days=90)
_BINS: Final = 120
"""Bars above the slider, that say when restrictions began."""

_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Step:
    """A colour of the map: its class, and which counts it stands for."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A label below the slider, and how far along it stands, in per cent."""

    words: str
    place: float


@dataclass(frozen=True, slots=True)
class WorldMap:
    """Restrictions in force on a `day` between `start` and `end`, as a page has them.

    `svg` is the map on that day, `data` what the script needs for the others. `total` is told in `told`, with what has
    no place on the map in `elsewhere`; `rows` are the codes of countries with their cells. `bars` are heights in per
    cent: how many restrictions began in each part of the span. The form for a day goes to `path` with what is `kept`.
    """

    id: str
    heading: str
    svg: Markup
    data: Mapping[str, Any]
    start: date
    end: date
    day: date
    offset: int
    last: int
    told: str
    elsewhere: str
    steps: tuple[Step, ...]
    ticks: tuple[Tick, ...]
    bars: tuple[float, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    sql: str
    note: str
    path: str
    kept: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class About:
    """What a map is of: its id on the page, heading, question, note, and where countries lead.

    `address` is that of the page, with all that was asked but the day: the form for a day goes there. `asked` are the
    filters that hold for all that is counted.
    """

    id: str
    heading: str
    sql: str
    note: str
    address: str
    leads: Callable[[str], str] = links.country
    asked: Mapping[str, object] = field(default_factory=dict)

    def listed(self, code: str, day: date) -> str:
        """Where the restrictions are listed that were in force in a country on a day."""
        return links.explore(**{**self.asked, "country": code, "on": day.isoformat()})


def world_map(
    changes: Iterable[Change],
    names: Mapping[str, str],
    span: tuple[date, date],
    wanted: date | None,
    about: About,
) -> WorldMap:
    """The map on the `wanted` day (None for the last); `names` are those of countries by code."""
    start, end = span
    shown = min(max(wanted or end, start), end)
    grown = {code: _grown(rows) for code, rows in groupby(changes, key=lambda one: one.country)}
    counts = {code: _at(days, totals, shown) for code, (days, totals) in grown.items()}
    steps = steps_of(max((max(totals) for code, (_, totals) in grown.items() if code in _drawn()), default=0))
    return WorldMap(
        id=about.id,
        heading=about.heading,
        svg=_svg({code: _step(counts[code], steps) for code in grown}, about.leads),
        data={
            "start": start.isoformat(),
            "steps": steps,
            "countries": {code: _packed(*grown[code], start) for code in sorted(grown)},
            "names": {code: line(names.get(code, code)) for code in sorted(grown)},
        },
        start=start,
        end=end,
        day=shown,
        offset=(shown - start).days,
        last=(end - start).days,
        told=_told(counts, shown),
        elsewhere=_elsewhere(counts, names),
        steps=_legend(steps),
        ticks=_ticks(start, end),
        bars=_bars(grown.values(), start, end),
        rows=tuple(
            (code, _row(code, counts[code], names, about, shown))
            for code in sorted(grown, key=lambda code: (-counts[code], names.get(code, code)))
        ),
        sql=about.sql,
        note=about.note,
        path=urlsplit(about.address).path,
        kept=tuple(parse_qsl(urlsplit(about.address).query)),
    )


def _row(code: str, some: int, names: Mapping[str, str], about: About, shown: date) -> tuple[Cell, ...]:
    return Link(line(names.get(code, code)), about.leads(code)), Link(number(some), about.listed(code, shown))


def prepare() -> None:
    """Work the outlines out in the background: it takes half a second, once."""
    threading.Thread(target=paths, args=(WIDTH,), name="outlines", daemon=True).start()


def span_of(changes: Sequence[Change], until: date) -> tuple[date, date]:
    """From which day to which the slider goes: to `until`, from the day that a few changes alone lie before."""
    days = sorted(one.day for one in changes if one.day <= until)
    first = days[int(len(days) * _EARLY)] if days else until
    return min(first, until - _LEAST), until


Grown = tuple[list[date], list[int]]


def _grown(rows: Iterable[Change]) -> Grown:
    listed = list(rows)
    return [one.day for one in listed], list(accumulate(one.change for one in listed))


def _at(days: Sequence[date], totals: Sequence[int], wanted: date) -> int:
    place = bisect_right(days, wanted)
    return totals[place - 1] if place else 0


def _packed(days: Sequence[date], totals: Sequence[int], start: date) -> list[int]:
    """Days since the change before and changes, one after the other; what lies before the start is added up there."""
    result, before, number = [], 0, 0
    for place, (when, total) in enumerate(zip(days, totals, strict=True)):
        if when <= start and place + 1 < len(days) and days[place + 1] <= start:
            continue
        offset = max((when - start).days, 0)
        result += [offset - before, total - number]
        before, number = offset, total
    return result


@cache
def _drawn() -> frozenset[str]:
    return frozenset(paths(WIDTH).countries)


def _step(some: int, steps: Sequence[int]) -> int:
    return sum(some >= step for step in steps)


def _svg(classes: Mapping[str, int], leads: Callable[[str], str]) -> Markup:
    """The map, each country of `classes` in the colour of its step and leading to its page."""
    drawn = paths(WIDTH)
    parts = [f'<path class="s0" d="{drawn.rest}"/>']
    dots = []
    for code, place in drawn.countries.items():
        if code not in classes:
            parts.append(f'<path class="s0" d="{place.path}"/>')
            continue
        attributes = f'class="s{classes[code]}" data-code="{code}"'
        shape = f'<path {attributes} d="{place.path}"/>'
        if place.is_small:
            x, y = place.centre
            dots.append(_led(f'<circle {attributes} cx="{x:g}" cy="{y:g}" r="{_DOT}"/>', leads(code)))
        else:
            shape = _led(shape, leads(code))
            parts.append(shape)
    # Our own shapes; the codes are keys of theirs, the addresses are escaped.
    inside = "".join([*parts, *dots])
    return Markup(  # noqa: S704 - see above
        f'<svg class="world" viewBox="0 0 {WIDTH} {map_height(WIDTH)}" aria-hidden="true" focusable="false">'
        f"{inside}</svg>"
    )


def _led(shape: str, address: str) -> str:
    # Out of the order of keys: there would be two hundred, and the table has the same links.
    return str(Markup('<a href="{}" tabindex="-1">{}</a>').format(address, Markup(shape)))  # noqa: S704 - likewise


def _told(counts: Mapping[str, int], shown: date) -> str:
    total = sum(counts.values())
    places = sum(some > 0 and code not in NO_COUNTRY for code, some in counts.items())
    restrictions = count(total, "restriction was", "restrictions were")
    return f"{restrictions} surely in force in {count(places, 'country', 'countries')} on {day(shown)}."


def _elsewhere(counts: Mapping[str, int], names: Mapping[str, str]) -> str:
    left = sorted(
        (code for code, some in counts.items() if some > 0 and code not in _drawn()), key=lambda c: -counts[c]
    )
    named = ", ".join(f"{line(names.get(code, code))} {number(counts[code])}" for code in left)
    return f"Not on the map: {named}." if named else ""


def _legend(steps: Sequence[int]) -> tuple[Step, ...]:
    ends = [f"{one:,}" if other == one + 1 else f"{one:,}–{other - 1:,}" for one, other in pairwise(steps)]
    words = ["none", *ends, f"{steps[-1]:,} or more"]
    return tuple(Step(f"s{place}", said) for place, said in enumerate(words))


def _ticks(start: date, end: date) -> tuple[Tick, ...]:
    """The first days of years, or of months where there are few years; no more than there is room for."""
    whole = max((end - start).days, 1)
    firsts = [date(year, month, 1) for year in range(start.year, end.year + 1) for month in range(1, 13)]
    inside = [one for one in firsts if start <= one <= end]
    years = [one for one in inside if one.month == 1]
    by_year = len(years) > 2
    chosen = years if by_year else inside
    apart = next(step for step in (1, 2, 3, 4, 6, 12, 24, 48) if len(chosen) / step <= 12 or step == 48)
    kept = [one for place, one in enumerate(chosen) if place % apart == 0]
    return tuple(
        Tick(f"{one:%Y}" if one.month == 1 else f"{one:%b}", round(100 * (one - start).days / whole, 2)) for one in kept
    )


def _bars(grown: Iterable[Grown], start: date, end: date) -> tuple[float, ...]:
    """How many restrictions began in each part of the span, in per cent of the most."""
    whole = max((end - start).days, 1)
    found = [0] * min(_BINS, whole)
    for days, totals in grown:
        for when, before, after in zip(days, [0, *totals], totals, strict=False):
            if start < when <= end and after > before:
                found[min((when - start).days * len(found) // whole, len(found) - 1)] += after - before
    most = max(found, default=0)
    return tuple(round(100 * some / most, 1) if most else 0.0 for some in found)

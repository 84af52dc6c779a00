"""How restrictions on several services spread, side by side: by the calendar, or by days since the first country."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from pipeline.errors import InputError
from reports.chart_data import Points, added_up
from reports.dashboard import links, specs
from reports.dashboard.curves import aligned_rows, curve_rows
from reports.dashboard.figures import Figure, Link, Panel, cells
from reports.dashboard.frames import Choice, Frame, following
from reports.dashboard.visit import Visit
from reports.inert import line
from reports.locales import count, listing, number, the_country
from warehouse import names
from warehouse.dashboard import overview
from warehouse.dashboard.overview import First, Spread
from warehouse.dashboard.subjects import Subject

SERVICE: Final = "service"
ALIGN: Final = "align"
"""The parameters of the address that choose services, and how their curves are laid over each other."""

MOST: Final = 12
_USUAL: Final = 6
_OFFERED: Final = 150
_HEIGHT: Final = 174
_NAMED: Final = 3
_LEAST_DAYS: Final = 30
_WITHIN: Final = 0.95
"""Curves by days since the first go so far that this share of all countries is on them."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A service that is shown, and the address of the view without it (None where it is the last)."""

    name: str
    without: str | None


@dataclass(frozen=True, slots=True)
class Compared:
    """The curves with the form that chooses them. `wrong` says what was asked for and is not there."""

    figure: Figure | None
    chosen: tuple[Chosen, ...]
    offered: tuple[str, ...]
    aligned: tuple[Choice, ...]
    wrong: str
    kept: tuple[tuple[str, str], ...]
    full: bool


@dataclass(frozen=True, slots=True)
class _Course:
    """How a service was restricted: the days on which countries surely or perhaps first did, and who was first."""

    service: str
    surely: Points
    perhaps: Points
    first: tuple[str, ...]
    first_date: str
    undated: int

    @property
    def countries(self) -> int:
        return self.surely[-1][1]


def compared(visit: Visit, subject: Subject, frame: Frame, known: Mapping[str, str]) -> Compared:
    """The curves of the services that the address asks for, or of those that spread most widely."""
    ranked = [Spread(*row) for row in visit.data.ask(overview.spread_most(subject)).rows]
    chosen, wrong = _asked(visit)
    if not chosen:
        chosen = [one.service for one in ranked[:_USUAL]]
    by_day = visit.one(ALIGN) != "first"
    figure, drawn = None, [*chosen]
    if chosen:
        sql = overview.firsts(chosen, subject)
        courses = _courses([First(*row) for row in visit.data.ask(sql).rows], known)
        missing = [name for name in chosen if name not in {one.service for one in courses}]
        if missing:
            wrong += [f"No restriction of {line(name)} has a date." for name in missing]
        if courses:
            figure = _figure(courses, frame, sql, by_day=by_day)
    return Compared(
        figure,
        tuple(Chosen(name, _without(visit, drawn, name)) for name in drawn),
        tuple(one.service for one in ranked[:_OFFERED] if one.service not in drawn),
        (Choice("", "by the calendar", by_day), Choice("first", "by days since the first country", not by_day)),
        " ".join(wrong),
        tuple(
            (name, value) for name, values in visit.query.items() if name not in (SERVICE, ALIGN) for value in values
        ),
        len(drawn) >= MOST,
    )


def _asked(visit: Visit) -> tuple[list[str], list[str]]:
    """The services that the address names, by their usual names, and what is to be said of those there are not."""
    found: list[str] = []
    wrong: list[str] = []
    typed = [one.strip() for one in visit.query.get(SERVICE, ()) if one.strip()]
    if not typed:
        return found, wrong
    with visit.data.reader() as reader:
        for one in typed[: 2 * MOST]:
            try:
                found += names.services(reader, one)
            except InputError as error:
                wrong.append(f"There is no service “{line(one, 60)}”.{f' {error.hint}' if error.hint else ''}")
    distinct = list(dict.fromkeys(found))
    if len(distinct) > MOST:
        wrong.append(f"At most {MOST} services are shown at a time.")
    return distinct[:MOST], wrong


def _without(visit: Visit, shown: Sequence[str], name: str) -> str | None:
    left = [one for one in shown if one != name]
    kept = {key: list(values) for key, values in visit.query.items() if key != SERVICE}
    return links.overview(**kept, service=left) + "#spread" if left else None


def _courses(rows: Iterable[First], known: Mapping[str, str]) -> list[_Course]:
    """The courses of services, the widest spread first."""
    grouped: dict[str, list[First]] = {}
    for row in rows:
        grouped.setdefault(row.service, []).append(row)
    courses = []
    for service, arrivals in grouped.items():
        dated = [(one, one.first_from, one.first_to) for one in arrivals if one.first_from and one.first_to]
        if not dated:
            continue
        earliest = min(last for _, _, last in dated)
        first = [one for one, start, _ in dated if start <= earliest]
        courses.append(
            _Course(
                service,
                added_up(last for _, _, last in dated),
                added_up(start for _, start, _ in dated),
                tuple(line(known.get(one.country, one.country)) for one in first),
                first[0].first_date or "",
                len(arrivals) - len(dated),
            )
        )
    return sorted(courses, key=lambda one: (-one.countries, one.service))


def _figure(courses: Sequence[_Course], frame: Frame, sql: str, *, by_day: bool) -> Figure:
    until = following(frame.until.replace(day=1), "month")
    start = frame.since or min(one.perhaps[0][0] for one in courses).replace(day=1)
    days = _days_shown(courses, frame.until)
    rows = {
        one.service: curve_rows(one.surely, one.perhaps, (start, until))
        if by_day
        else aligned_rows(one.surely, one.perhaps, frame.until, days)
        for one in courses
    }
    highest = max((row["perhaps"] for some in rows.values() for row in some), default=1)
    domain: tuple[Any, Any] = (start, until) if by_day else (0, days)
    field = "on" if by_day else "days"
    others = [
        {"service": service, field: row[field], "number": row["number"]}
        for service, some in rows.items()
        for row in some
    ]
    return Figure(
        "curves",
        "Countries that have restricted each",
        _says(courses),
        None,
        ("Service", "Countries", "First, or perhaps", "First dated", "Without a date"),
        cells(
            (
                Link(line(one.service), links.service(one.service)),
                one.countries,
                _first(one.first),
                one.first_date,
                one.undated,
            )
            for one in courses
        ),
        sql,
        _HEIGHT,
        _note(courses, start, days, by_day=by_day),
        tuple(
            Panel(
                line(one.service),
                _panel_says(one),
                specs.curve_panel(rows[one.service], domain, highest, by_day=by_day, others="others"),
                links.service(one.service),
            )
            for one in courses
        ),
        {"others": others},
    )


def _days_shown(courses: Sequence[_Course], until: date) -> int:
    """How many days after the first to show: nearly all countries are on the curves by then."""
    lags = sorted(
        (day - one.surely[0][0]).days
        for one in courses
        for place, (day, reached) in enumerate(one.surely)
        for _ in range(reached - (one.surely[place - 1][1] if place else 0))
    )
    wanted = max(lags[min(int(len(lags) * _WITHIN), len(lags) - 1)], _LEAST_DAYS)
    return min(wanted, max((until - min(one.surely[0][0] for one in courses)).days, _LEAST_DAYS))


def _panel_says(one: _Course) -> str:
    first = _first([the_country(name) for name in one.first])
    return f"{line(one.service)}: {count(one.countries, 'country', 'countries')}, first {first}"


def _first(names: Sequence[str]) -> str:
    return listing(names[:_NAMED], max(len(names) - _NAMED, 0))


def _says(courses: Sequence[_Course]) -> str:
    told = [f"{line(one.service)} {count(one.countries, 'country', 'countries')}" for one in courses]
    return f"Countries that have surely restricted a service: {', '.join(told)}."


def _note(courses: Sequence[_Course], start: date, days: int, *, by_day: bool) -> str:
    undated = sum(one.undated for one in courses)
    said = [
        "The line counts the last day that a date allows, the pale surface the first; in grey, the other services.",
    ]
    if by_day:
        earlier = sum(max((some for day, some in one.surely if day < start), default=0) for one in courses)
        if earlier:
            said.append(f"Curves begin with what came before {start:%B %Y}.")
    else:
        later = sum(
            one.countries - max((some for day, some in one.surely if (day - one.surely[0][0]).days <= days), default=0)
            for one in courses
        )
        if later:
            said.append(f"{count(later, 'country', 'countries')} came later than {number(days)} days after the first.")
    if undated:
        said.append(f"{count(undated, 'country has', 'countries have')} no date, and no place on a curve.")
    return " ".join(said)

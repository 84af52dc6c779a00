"""The first page: what came lately, what is in force and where, how it spread, why, and how well it is covered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from pipeline.types import Action, TransitionKind
from reports.chart_data import steps_of
from reports.dashboard import links, subject_figures, subject_page
from reports.dashboard.events import country_names, event_lines, event_rows, told_of
from reports.dashboard.frames import SPAN, Frame
from reports.dashboard.overview_curves import compared
from reports.dashboard.paging import with_query
from reports.dashboard.snapshots import Held
from reports.dashboard.subject_page import STANDING, Number
from reports.dashboard.visit import Rendered, Visit
from reports.dashboard.world_map import About, WorldMap, span_of, world_map
from reports.event_words import noun
from reports.inert import line
from reports.locales import count, day, listing, number
from warehouse.dashboard import overview, world
from warehouse.dashboard.asking import Sql
from warehouse.dashboard.explore import NONE
from warehouse.dashboard.overview import Counted, Crossing, Read, Stepped
from warehouse.dashboard.subjects import Standing, Subject

WEEK: Final = timedelta(days=7)
_LATEST: Final = 5
_THIN_MONTHS: Final = 12
_STEP_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    TransitionKind.IN_FORCE.value: ("restriction that took force", "restrictions that took force"),
    TransitionKind.LIFTED.value: ("that was lifted", "that were lifted"),
    TransitionKind.STRUCK_DOWN.value: ("that a court struck down", "that courts struck down"),
    TransitionKind.ANNOUNCED.value: ("that was announced", "that were announced"),
    TransitionKind.PROPOSED.value: ("proposal", "proposals"),
    TransitionKind.REJECTED.value: ("that was rejected", "that were rejected"),
    TransitionKind.RETRACTED.value: ("that articles took back", "that articles took back"),
}
"""Steps that are told of, in this order."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a chart of bars: what is counted, where it is listed, how many, and how long the bar is, in per cent."""

    words: str
    address: str
    number: int
    length: float
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Square:
    """A cell of the heat map: how many, the class of its colour, where they are listed, and all of it in words."""

    number: int
    step: str
    address: str
    words: str


@dataclass(frozen=True, slots=True)
class Heat:
    """Countries by services: a column for each service, a row for each country with its name and its squares."""

    services: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[Square | None, ...]], ...]
    says: str
    sql: str


@dataclass(frozen=True, slots=True)
class Week:
    """What was learned of in the seven days up to `until`, how much of it is older, and what most sources tell of."""

    since: date
    until: date
    says: str
    older: str
    events: Sequence[Any]
    everything: str
    sql: str


def page(visit: Visit) -> Rendered:
    """All restrictions, or those that two voices carry."""
    voices, _ = subject_page.asked_of(visit)
    subject = Subject(min_voices=voices)
    found = subject_page.standing(visit.data, subject)
    frame = subject_page.frame(visit, subject, found)
    known = country_names(visit.data)
    values: dict[str, Any] = {
        "found": found,
        "heading": _heading(found),
        "numbers": _numbers(found, subject),
        "week": _week(visit, subject, known),
        "map": _map(visit, subject, frame, known),
        "actions": _bars(visit.data, overview.by_action(subject), subject, "action"),
        "kinds": _bars(visit.data, overview.by_kind(subject), subject, "kind"),
        "curves": compared(visit, subject, frame, known) if found.restrictions else None,
        "heat": _heat(visit.data, subject, known),
        "history": subject_figures.by_action(visit.data, subject, frame, "in all"),
        "reasons": subject_figures.by_reason(visit.data, subject, frame, "of all services"),
        "coverage": _coverage(visit.data, visit.today),
        "frame": frame,
        "span_name": SPAN,
        "voices": subject_page.voice_choices(voices),
        "kept": [
            (name, value) for name, values in visit.query.items() if name not in ("voices", SPAN) for value in values
        ],
    }
    return Rendered("overview.html.j2", values, "Overview")


def _heading(found: Standing) -> str:
    if not found.in_force:
        return "No restriction is in force" if found.events else "Nothing is known yet"
    restrictions = count(found.in_force, "restriction is", "restrictions are")
    return f"{restrictions} in force in {count(found.countries_in_force, 'country', 'countries')}"


def _numbers(found: Standing, subject: Subject) -> list[Number]:
    services = Number(found.services_in_force, "services restricted", links.services())
    return subject_page.numbers(
        found, subject, services, Number(found.countries_in_force, "countries that restrict", links.countries())
    )


def _week(visit: Visit, subject: Subject, known: Mapping[str, str]) -> Week | None:
    """What was learned of in the seven days up to the last run; None where none has ended."""
    ((until,),) = visit.data.ask(overview.last_run()).rows
    if until is None:
        return None
    since = until - WEEK + timedelta(days=1)
    steps = {row[0]: Stepped(*row) for row in visit.data.ask(overview.steps(since, until, subject)).rows}
    told = [(steps[kind], words) for kind, words in _STEP_WORDS.items() if kind in steps]
    sql = overview.latest(since, until, subject, _LATEST)
    rows = event_rows(visit.data, sql)
    says = listing([count(one.events, *words) for one, words in told])
    total, recent = sum(one.events for one, _ in told), sum(one.recent for one, _ in told)
    return Week(
        since,
        until,
        says or "nothing new",
        _age(total, recent),
        event_lines(rows, known, told_of(visit.data, [row.id for row in rows]) if rows else {}),
        links.explore(**subject_page.filters(subject), side="restricting", sort="learned", order="desc"),
        sql,
    )


def _age(total: int, recent: int) -> str:
    if not total or recent == total:
        return ""
    if not recent:
        return "All of it is older than that week: it was read, or dated, later."
    older = count(total - recent, "step is older than that week: it was", "steps are older than that week: they were")
    return f"{older} read of late."


def _map(visit: Visit, subject: Subject, frame: Frame, known: Mapping[str, str]) -> WorldMap | None:
    sql = world.changes(subject.where)
    changes = visit.data.remember(f"changes {sql}", lambda: [world.Change(*row) for row in visit.data.ask(sql).rows])
    if not changes:
        return None
    ((undated,),) = visit.data.ask(world.undated(subject.where)).rows
    more = (
        f"{number(undated)} more are in force that nobody dates: they have no place on the slider." if undated else ""
    )
    about = About(
        "map",
        "The world on a chosen day",
        sql,
        f"From the last day that a date allows to the first that its end allows. {more}".strip(),
        with_query(visit, day=None),
        asked=subject_page.filters(subject),
    )
    last = max((one.day for one in changes if one.day <= visit.today), default=frame.until)
    return world_map(
        changes, known, span_of(changes, max(last, frame.until)), subject_page.day_of(visit.one("day")), about
    )


def _bars(data: Held, sql: Sql, subject: Subject, filter_name: str) -> tuple[Sequence[Bar], Sql]:
    rows = [Counted(*row) for row in data.ask(sql).rows]
    most = max((one.restrictions for one in rows), default=1)
    asked = subject_page.filters(subject)
    made = [
        Bar(
            _named(filter_name, one.value),
            links.explore(**{**asked, **STANDING, filter_name: one.value or NONE}),
            one.restrictions,
            round(100 * one.restrictions / most, 2),
            (one.value or "") if filter_name == "action" else "",
        )
        for one in rows
    ]
    return made, sql


def _named(filter_name: str, value: str | None) -> str:
    if value is None:
        return "not told"
    if filter_name == "action":
        called = noun(Action(value))
        return called if called.endswith("s") else f"{called}s"
    return value.replace("_", " ")


def _heat(data: Held, subject: Subject, known: Mapping[str, str]) -> Heat | None:
    sql = overview.heat(subject)
    rows = [Crossing(*row) for row in data.ask(sql).rows]
    if not rows:
        return None
    steps = steps_of(max(one.restrictions for one in rows))
    by_place: dict[str, dict[str, int]] = {}
    for one in rows:
        by_place.setdefault(one.country, {})[one.service] = one.restrictions
    services = _in_order(rows)
    asked = subject_page.filters(subject)
    top = sorted(rows, key=lambda one: (-one.restrictions, one.country, one.service))[:3]
    told = [
        f"{line(known.get(one.country, one.country))} {line(one.service)} {number(one.restrictions)}" for one in top
    ]

    def square(code: str, service: str) -> Square | None:
        some = by_place[code].get(service)
        if some is None:
            return None
        step = sum(some >= one for one in steps)
        words = f"{known.get(code, code)}, {line(service)}: {count(some, 'restriction', 'restrictions')}"
        return Square(
            some, f"s{step}", links.explore(**{**asked, **STANDING, "country": code, "service": service}), words
        )

    return Heat(
        services,
        tuple((code, known.get(code, code), tuple(square(code, service) for service in services)) for code in by_place),
        f"The most: {listing(told)}.",
        sql,
    )


def _in_order(rows: Iterable[Crossing]) -> tuple[str, ...]:
    """Services, those in the most countries first."""
    places: dict[str, int] = {}
    totals: dict[str, int] = {}
    for one in rows:
        places[one.service] = places.get(one.service, 0) + 1
        totals[one.service] = totals.get(one.service, 0) + one.restrictions
    return tuple(sorted(places, key=lambda name: (-places[name], -totals[name], name)))


def _coverage(data: Held, today: date) -> str:
    """A sentence where the last year is not well covered; empty where it is."""
    months = [Read(*row) for row in data.ask(overview.coverage()).rows]
    read = [one for one in months if one.articles]
    if not read:
        return "No article was read yet: what is missing here is no calm."
    last = read[-1].month
    complete = [one for one in months if one.complete and one.month <= today][-_THIN_MONTHS:]
    thin = [one for one in complete if one.coverage in ("gaps", "thin")]
    none = [one for one in complete if one.coverage == "none" and one.month < last]
    said = []
    if complete and complete[-1].month > last:
        said.append(
            f"Nothing that was published after {day(f'{last:%Y-%m}')} was read: what is missing since is no calm."
        )
    if none:
        said.append(f"Nothing was read of {_months(none)}.")
    if thin:
        said.append(f"Little was read of {_months(thin)}.")
    return " ".join(said)


def _months(some: Sequence[Read]) -> str:
    names = [day(f"{one.month:%Y-%m}") for one in some]
    return listing(names) if len(names) <= 4 else f"{len(names)} of the last {_THIN_MONTHS} months"

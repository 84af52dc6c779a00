"""The page of a service: how restrictions on it spread, who led and who followed, for whom they hold, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from pipeline.errors import InputError
from reports.chart_data import NO_COUNTRY, Points, added_up
from reports.dashboard import links, specs, subject_figures, subject_page
from reports.dashboard.events import When, category, country_names, when
from reports.dashboard.figures import Figure, cell
from reports.dashboard.frames import SPAN, Frame, following
from reports.dashboard.paging import with_query
from reports.dashboard.subject_page import Number
from reports.dashboard.subject_peers import days_between
from reports.dashboard.visit import NotFound, Redirect, Rendered, Visit
from reports.dashboard.world_map import About, WorldMap, span_of, world_map
from reports.inert import line
from reports.locales import count, day, listing, number, the_country
from warehouse import names
from warehouse.dashboard import services, world
from warehouse.dashboard.services import Arrival, Registered
from warehouse.dashboard.subjects import Standing, Subject

_FIRST_SHOWN: Final = 12
"""Countries that are listed before the others are folded away."""

_ACTORS: Final = 10
_NAMED: Final = 4

_CURVE: Final = 220


@dataclass(frozen=True, slots=True)
class Arrived:
    """A country in the order of first restrictions, as the table has it."""

    code: str
    country: str
    place: str
    is_certain: bool
    when: When
    lag: str
    opened: str
    opened_by: str
    in_force: int
    restrictions: int
    listed: str


def page(visit: Visit) -> Rendered | Redirect:
    """The page of the service that the address names; by another of its names it leads to the usual one."""
    name = _canonical(visit)
    if name != visit.path["name"]:
        return Redirect(links.service(name, **visit.query))
    voices, public = subject_page.asked_of(visit)
    subject = Subject(service=name, min_voices=voices, public_only=public)
    found = subject_page.standing(visit.data, subject)
    frame = subject_page.frame(visit, subject, found)
    about = f"on {line(name)}"
    sql = services.arrivals(subject)
    arrivals = [Arrival(*row) for row in visit.data.ask(sql).rows]
    told_reasons, reasons_sql = subject_page.reasons(visit.data, subject, frame.every)
    acting, acting_sql = subject_page.acting(visit.data, subject, _ACTORS)
    known = country_names(visit.data)
    values: dict[str, Any] = {
        "name": name,
        "registered": _registered(visit, name, known),
        "lead": _lead(found, arrivals, known),
        "numbers": _numbers(found, subject),
        "frame": frame,
        "span_name": SPAN,
        "kept": subject_page.kept(visit, SPAN, "voices", "public"),
        "voices": subject_page.voice_choices(voices),
        "public": subject_page.public_choices(chosen=public),
        "map": _map(visit, subject, frame),
        "curve": _curve(arrivals, frame, name, sql),
        "arrived": [_arrived(one, known, subject) for one in arrivals],
        "first_shown": _FIRST_SHOWN,
        "arrivals_sql": sql,
        "lives": subject_figures.lives(visit.data, subject, frame, about),
        "scopes": subject_figures.by_scope(visit.data, subject, frame, about),
        "history": subject_figures.by_action(visit.data, subject, frame, about),
        "reasons_over_time": subject_figures.by_reason(visit.data, subject, frame, about),
        "reasons": told_reasons,
        "reasons_sql": reasons_sql,
        "acting": acting,
        "acting_sql": acting_sql,
        "names": known,
        "found": found,
        "everything": links.explore(**subject_page.filters(subject)),
        **subject_page.events(visit, subject, found, in_force=False),
    }
    return Rendered("service.html.j2", values, line(name))


def _canonical(visit: Visit) -> str:
    """The usual name of the service of the path, which may be another of its names."""
    typed = visit.path["name"]
    try:
        with visit.data.reader() as reader:
            found = names.services(reader, typed)
    except InputError as error:
        raise NotFound(str(error), error.hint or "The list of services has all of them.") from None
    alike = [name for name in found if name.casefold() == typed.strip().casefold()]
    if len(found) > 1 and len(alike) != 1:
        raise NotFound(f"{typed!r} may be {listing(found[:-1])} or {found[-1]}", "Open one of them from the list.")
    return (alike or found)[0]


def _registered(visit: Visit, name: str, known: Mapping[str, str]) -> Mapping[str, str] | None:
    rows = [Registered(*row) for row in visit.data.ask(services.registered(name)).rows]
    if not rows:
        return None
    one = rows[0]
    provider = ""
    if one.provider:
        home = known.get(one.provider_country or "", "")
        provider = one.provider + (f", {home}" if home else "")
    return {
        "category": category(one.category or ""),
        "provider": provider,
        "aliases": ", ".join(one.aliases),
    }


def _lead(found: Standing, arrivals: Sequence[Arrival], known: Mapping[str, str]) -> str:
    """Where it stands, and who began, in two sentences."""
    if not found.restrictions:
        return "No restriction of it is known to have taken force." if found.events else "No article tells of it yet."
    if found.in_force:
        stands = count(found.in_force, "restriction is", "restrictions are")
        said = f"{stands} in force in {count(found.countries_in_force, 'country', 'countries')}."
    else:
        said = f"No restriction is in force; {count(found.ended, 'has', 'have')} ended."
    leaders = [one for one in arrivals if one.role in ("first", "tied", "perhaps")]
    if not leaders:
        return said
    named = [the_country(known.get(one.country, one.country)) for one in leaders[:_NAMED]]
    more = max(len(leaders) - _NAMED, 0)
    if leaders[0].role == "first":
        told = ", as one source tells" if leaders[0].voices == 1 else ""
        return f"{said} The first came from {named[0]}, {_in_time(leaders[0])}{told}."
    if all(one.role == "tied" for one in leaders):
        return f"{said} The first came from {listing(named, more)}, {_in_time(leaders[0])} alike."
    return f"{said} Who was first is not certain: {listing(named, more)} may have been."


def _in_time(one: Arrival) -> str:
    said = when(one.first_date).words
    if said.startswith("between"):
        return said
    return f"on {said}" if one.first_from == one.first_to else f"in {said}"


def _numbers(found: Standing, subject: Subject) -> list[Number]:
    reached = "country has restricted it" if found.countries == 1 else "countries have restricted it"
    return subject_page.numbers(found, subject, Number(found.countries, reached))


def _map(visit: Visit, subject: Subject, frame: Frame) -> WorldMap | None:
    sql = world.changes(subject.where)
    changes = [world.Change(*row) for row in visit.data.ask(sql).rows]
    if not changes:
        return None
    ((undated,),) = visit.data.ask(world.undated(subject.where)).rows
    note = f"{number(undated)} more in force without a date." if undated else ""
    asked = visit.one("day")
    span = span_of(changes, frame.until)
    about = About(
        id="map",
        heading="Where it is restricted",
        sql=sql,
        note=note,
        address=with_query(visit, day=None),
        leads=lambda code: links.explore(
            **{**subject_page.filters(subject), **subject_page.IN_EFFECT, "country": code}
        ),
        asked=subject_page.filters(subject),
    )
    return world_map(changes, country_names(visit.data), span, subject_page.day_of(asked), about)


def _curve(arrivals: Sequence[Arrival], frame: Frame, name: str, sql: str) -> Figure | None:
    """How many countries had restricted it by each day, surely and perhaps."""
    dated = [
        one for one in arrivals if one.rank is not None and one.first_from is not None and one.first_to is not None
    ]
    if not dated:
        return None
    surely = added_up(one.first_to for one in dated if one.first_to is not None)
    perhaps = added_up(one.first_from for one in dated if one.first_from is not None)
    start = frame.since or min(one for one, _ in perhaps).replace(day=1)
    undated = sum(one.rank is None and one.country not in NO_COUNTRY for one in arrivals)
    earlier = sum(one.first_to < start for one in dated if one.first_to is not None)
    notes = [
        f"{count(undated, 'country has', 'countries have')} no date and no place on the curve." if undated else "",
        f"{count(earlier, 'country', 'countries')} before {day(f'{start:%Y-%m}')}." if earlier else "",
    ]
    return Figure(
        "curve",
        "How it spread",
        f"{count(surely[-1][1], 'country', 'countries')} had surely restricted {line(name)} by {day(surely[-1][0])}. "
        "The line counts the last day that a date allows, the pale surface the first.",
        specs.curve(surely, perhaps, (start, following(frame.until.replace(day=1), "month")), height=_CURVE),
        ("Day", "Countries surely", "Countries perhaps"),
        tuple(
            (cell(one), cell(_reached(surely, one)), cell(_reached(perhaps, one)))
            for one in sorted({one for one, _ in (*surely, *perhaps)})
        ),
        sql,
        _CURVE + 52,
        " ".join(filter(None, notes)),
    )


def _reached(points: Points, wanted: date) -> int:
    return max((some for one, some in points if one <= wanted), default=0)


def _arrived(one: Arrival, known: Mapping[str, str], subject: Subject) -> Arrived:
    filters = {**subject_page.filters(subject), "country": one.country}
    who = "an unnamed body" if one.opened_by is None else line(one.opened_by)
    return Arrived(
        one.country,
        known.get(one.country, one.country),
        _place(one),
        bool(one.certain),
        when(one.first_date, one.first_reported),
        _lag(one),
        links.event(one.opened),
        who,
        one.in_force,
        one.restrictions,
        links.explore(**filters, **subject_page.IN_EFFECT),
    )


def _place(one: Arrival) -> str:
    if one.rank is None or one.rank_to is None:
        return "–"
    return number(one.rank) if one.rank == one.rank_to else f"{number(one.rank)}–{number(one.rank_to)}"


def _lag(one: Arrival) -> str:
    """How much later than the first of all others, in words."""
    match one.role:
        case None:
            return "not a country"
        case "first":
            return "the first"
        case "tied":
            return "on the first day"
        case "undated":
            return "not dated"
    said = days_between(one.days_min, one.days_max)
    return f"perhaps the first; else {said}" if one.role == "perhaps" and one.days_max else said

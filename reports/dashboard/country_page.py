"""The page of a country: what is in force, its history, who acts and why, and the countries that restrict the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipeline.errors import InputError
from reports.chart_data import NO_COUNTRY
from reports.dashboard import links, subject_figures, subject_page
from reports.dashboard.events import When, country_names, when
from reports.dashboard.frames import SPAN
from reports.dashboard.subject_page import Number
from reports.dashboard.subject_peers import Peers, days_between, of_country
from reports.dashboard.visit import NotFound, Redirect, Rendered, Visit
from reports.digest import UNKNOWN
from reports.inert import line
from reports.locales import count, number, the_country
from warehouse import names
from warehouse.dashboard import countries
from warehouse.dashboard.countries import Restricted
from warehouse.dashboard.subjects import Standing, Subject

_SERVICES: Final = 12
_ACTORS: Final = 10


@dataclass(frozen=True, slots=True)
class Service:
    """A service that the country restricts, as the table has it."""

    name: str
    in_force: int
    restrictions: int
    listed: str
    when: When
    lag: str
    of: int | None


def page(visit: Visit) -> Rendered | Redirect:
    """The page of the country of that code; by its name it leads to it. EU and XX have one as well."""
    code = _code(visit)
    if code != visit.path["code"]:
        return Redirect(links.country(code, **visit.query))
    known = country_names(visit.data)
    name = known.get(code, code)
    voices, public = subject_page.asked_of(visit)
    subject = Subject(country=code, min_voices=voices, public_only=public)
    found = subject_page.standing(visit.data, subject)
    frame = subject_page.frame(visit, subject, found)
    services_sql = countries.restricted(subject, limit=_SERVICES, is_country=code not in NO_COUNTRY)
    services = [Restricted(*row) for row in visit.data.ask(services_sql).rows]
    told_reasons, reasons_sql = subject_page.reasons(visit.data, subject, frame.every)
    acting, acting_sql = subject_page.acting(visit.data, subject, _ACTORS)
    about = "of nobody in particular" if code == UNKNOWN else f"of {the_country(name)}"
    values: dict[str, Any] = {
        "name": name,
        "code": code,
        "lead": _lead(found),
        "about": _ABOUT.get(code, ""),
        "roles": _roles(services),
        "numbers": _numbers(found, subject),
        "frame": frame,
        "span_name": SPAN,
        "kept": subject_page.kept(visit, SPAN, "voices", "public"),
        "voices": subject_page.voice_choices(voices),
        "public": subject_page.public_choices(chosen=public),
        "services": [_service(one, subject) for one in services],
        "more_services": max(found.services - _SERVICES, 0),
        "services_sql": services_sql,
        "history": subject_figures.by_action(visit.data, subject, frame, about),
        "scopes": subject_figures.by_scope(visit.data, subject, frame, about),
        "lives": subject_figures.lives(visit.data, subject, frame, about),
        "reasons_over_time": subject_figures.by_reason(visit.data, subject, frame, about),
        "reasons": told_reasons,
        "reasons_sql": reasons_sql,
        "acting": acting,
        "acting_sql": acting_sql,
        "names": known,
        "peers": _peers(visit, subject, known),
        "found": found,
        "everything": links.explore(**subject_page.filters(subject)),
        **subject_page.events(visit, subject, found, in_force=True),
    }
    return Rendered("country.html.j2", values, name)


_ABOUT: Final[Mapping[str, str]] = {
    "EU": "Measures of the Union’s own bodies. Those of its members are on their own pages; in numbers of countries "
    "the Union counts as none.",
    UNKNOWN: "What articles tell without saying whose body acts, or where it sits. In numbers of countries it "
    "counts as none.",
}


def _code(visit: Visit) -> str:
    typed = visit.path["code"]
    try:
        with visit.data.reader() as reader:
            return names.country(reader, typed)
    except InputError as error:
        raise NotFound(str(error), error.hint or "The list of countries has all that act.") from None


def _lead(found: Standing) -> str:
    if not found.events:
        return "No article tells of a restriction here. That is no proof that there is none."
    return subject_page.lead(found)


def _numbers(found: Standing, subject: Subject) -> list[Number]:
    act = "body or company acts" if found.actors == 1 else "bodies and companies act"
    reached = (subject_page.services_restricted(found), Number(found.actors, act, "#acting"))
    return subject_page.numbers(found, subject, *reached)


def _roles(services: Sequence[Restricted]) -> str:
    """How often it led, in a sentence; empty where no other country restricts the same."""
    if not services:
        return ""
    one = services[0]
    total = one.first + one.tied + one.perhaps + one.follower + one.undated
    if not total:
        return ""
    said = [
        f"surely first in {number(one.first)}" if one.first else "",
        f"first on the same day as another in {number(one.tied)}" if one.tied else "",
        f"perhaps first in {number(one.perhaps)}" if one.perhaps else "",
        f"later than another in {number(one.follower)}" if one.follower else "",
        f"undated in {number(one.undated)}" if one.undated else "",
    ]
    told = ", ".join(filter(None, said))
    return f"Of {count(total, 'service', 'services')} that other countries have restricted, too, it was {told}."


def _service(one: Restricted, subject: Subject) -> Service:
    asked = {**subject_page.filters(subject), "service": one.service}
    return Service(
        line(one.service),
        one.in_force,
        one.restrictions,
        links.explore(**asked, **subject_page.IN_EFFECT),
        when(one.first_date),
        _lag(one),
        one.of,
    )


def _lag(one: Restricted) -> str:
    """When it came, compared with all other countries."""
    if one.of == 1:
        return "no other country"
    match one.role:
        case None:
            return "–"
        case "first":
            return "first"
        case "tied":
            return "first, with another"
        case "undated":
            return "not dated"
    said = f"{days_between(one.days_min, one.days_max)} after the first"
    return f"perhaps first; else {said}" if one.role == "perhaps" else said


def _peers(visit: Visit, subject: Subject, known: Mapping[str, str]) -> Peers | None:
    return None if subject.country in NO_COUNTRY else of_country(visit.data, subject, known)

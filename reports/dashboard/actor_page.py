"""The page of an actor: what it has in force, its history and reasons, and who else acts on the same services."""

from dataclasses import dataclass
from typing import Any, Final

from reports.dashboard import links, subject_figures, subject_page
from reports.dashboard.events import country_names
from reports.dashboard.frames import SPAN
from reports.dashboard.subject_peers import of_actor
from reports.dashboard.visit import NotFound, Redirect, Rendered, Visit
from reports.inert import line
from reports.locales import the_country
from warehouse.dashboard import actors
from warehouse.dashboard.actors import Known, Restricted
from warehouse.dashboard.subjects import Subject

_SERVICES: Final = 12
_HINT: Final = "The list of actors has all who act."


@dataclass(frozen=True, slots=True)
class Service:
    """A service that the actor restricts, and where these restrictions are listed."""

    name: str
    in_force: int
    restrictions: int
    listed: str


def page(visit: Visit) -> Rendered | Redirect:
    """The page of the actor of that `name` and `country`; by another of its names it leads to the usual one."""
    name, country = visit.one("name"), visit.one("country")
    if name is None:
        raise NotFound("No actor is named", _HINT)
    rows = visit.data.ask(actors.known(name, country or "")).rows
    if not rows:
        return _elsewhere(visit, name, country)
    one = Known(*rows[0])
    known = country_names(visit.data)
    voices, _ = subject_page.asked_of(visit)
    subject = Subject(actor=one.name, country=one.country, min_voices=voices)
    found = subject_page.standing(visit.data, subject)
    frame = subject_page.frame(visit, subject, found)
    services_sql = actors.restricted(subject, _SERVICES)
    told_reasons, reasons_sql = subject_page.reasons(visit.data, subject, frame.every)
    about = f"of {line(one.name)}"
    values: dict[str, Any] = {
        "one": one,
        "kind": (one.kind or "").replace("_", " "),
        "country_name": known.get(one.country, one.country),
        "lead": subject_page.lead(found),
        "numbers": subject_page.numbers(found, subject, subject_page.services_restricted(found)),
        "frame": frame,
        "span_name": SPAN,
        "kept": subject_page.kept(visit, SPAN, "voices"),
        "voices": subject_page.voice_choices(voices),
        "services": [_service(Restricted(*row), subject) for row in visit.data.ask(services_sql).rows],
        "more_services": max(found.services - _SERVICES, 0),
        "services_sql": services_sql,
        "history": subject_figures.by_action(visit.data, subject, frame, about),
        "scopes": subject_figures.by_scope(visit.data, subject, frame, about),
        "lives": subject_figures.lives(visit.data, subject, frame, about),
        "reasons_over_time": subject_figures.by_reason(visit.data, subject, frame, about),
        "reasons": told_reasons,
        "reasons_sql": reasons_sql,
        "peers": of_actor(visit.data, subject, known),
        "found": found,
        "everything": links.explore(**subject_page.filters(subject)),
        **subject_page.events(visit, subject, found, in_force=True),
    }
    return Rendered("actor.html.j2", values, line(one.name))


def _elsewhere(visit: Visit, name: str, country: str | None) -> Redirect:
    """Where the one is who may have been meant. Raises NotFound where nobody is, or more than one."""
    found = [(known, place) for known, place, _ in visit.data.ask(actors.named(name)).rows]
    here = [one for one in found if country is None or one[1] == country]
    if len(here) == 1:
        return Redirect(links.actor(*here[0]))
    names = country_names(visit.data)
    others = ", ".join(f"{line(known)} ({names.get(place, place)})" for known, place in found[:5])
    where = "" if country is None else f" in {the_country(names.get(country, country))}"
    raise NotFound(
        f"nobody called {line(name, 80)} acts{where}" if len(here) < 2 else f"several are called {line(name, 80)}",
        f"There is {others}. {_HINT}" if others else _HINT,
    )


def _service(one: Restricted, subject: Subject) -> Service:
    asked = {**subject_page.filters(subject), "service": one.service}
    listed = links.explore(**asked, **subject_page.IN_EFFECT)
    return Service(line(one.service), one.in_force, one.restrictions, listed)

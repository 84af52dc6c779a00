"""Addresses of our pages, and links to the outside that say where they lead."""

from typing import NamedTuple
from urllib.parse import quote, urlencode

from reports.inert import host, web_address


class Outside(NamedTuple):
    """An address on the web, and its host as it is asked for."""

    host: str
    address: str


def overview(**asked: object) -> str:
    """The first page."""
    return _with("/", asked)


def services() -> str:
    """The list of services."""
    return "/services"


def service(name: str, **asked: object) -> str:
    """The page of a service, by its canonical name."""
    return _with(f"/service/{_part(name)}", asked)


def countries() -> str:
    """The list of countries."""
    return "/countries"


def country(code: str, **asked: object) -> str:
    """The page of a country, by its code; of EU and XX, too."""
    return _with(f"/country/{_part(code)}", asked)


def actors() -> str:
    """The list of actors."""
    return "/actors"


def actor(name: str, country: str, **asked: object) -> str:
    """The page of who acts, by canonical name and country."""
    return _with("/actor", {"name": name, "country": country, **asked})


def event(event_id: str, **asked: object) -> str:
    """The page of an event."""
    return _with(f"/event/{_part(event_id)}", asked)


def explore(**asked: object) -> str:
    """The events that fit the filters. A filter that is None is left out; of a list, each value counts."""
    return _with("/explore", asked)


def review() -> str:
    """The questions to people."""
    return "/review"


def health() -> str:
    """How the sources and the model fare."""
    return "/health"


def outside(url: str | None) -> Outside | None:
    """A link to the web; None where `url` is no http(s) address."""
    if url is None:
        return None
    named, address = host(url), web_address(url)
    return None if named is None or address is None else Outside(named, address)


def _part(text: str) -> str:
    return quote(text, safe="", errors="replace")


def _with(path: str, asked: dict[str, object]) -> str:
    given = {
        key: [str(one) for one in value] if isinstance(value, list | tuple) else str(value)
        for key, value in asked.items()
        if value is not None
    }
    return f"{path}?{urlencode(given, doseq=True, errors='replace')}" if given else path

"""Pages out of templates, with what all of them have: the way to the others, and the version of the data."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import Environment
from markupsafe import Markup

from reports.dashboard import links
from reports.dashboard.snapshots import Held
from reports.inert import line, visible
from reports.locales import count, day, full_day, moment, number, the_country
from reports.templating import environment

_NAVIGATION: Final = (
    ("Overview", links.overview(), ("/",)),
    ("Services", links.services(), ("/services", "/service/")),
    ("Countries", links.countries(), ("/countries", "/country/")),
    ("Actors", links.actors(), ("/actor",)),
    ("Explore", links.explore(), ("/explore", "/event/")),
    ("Review", links.review(), ("/review",)),
    ("Health", links.health(), ("/health",)),
)


@dataclass(frozen=True, slots=True)
class Shell:
    """What stands around a page. `data` is None where no snapshot could be opened."""

    title: str
    address: str
    zone: ZoneInfo
    data: Held | None
    may_review: bool
    token: str = ""


@dataclass(frozen=True, slots=True)
class _Way:
    words: str
    address: str
    is_current: bool


def render(name: str, values: Mapping[str, Any], shell: Shell) -> str:
    """The page of the template `dashboard/<name>`."""
    path = shell.address.partition("?")[0]
    return (
        _environment()
        .get_template(f"dashboard/{name}")
        .render(
            **values,
            title=shell.title,
            address=shell.address,
            ways=[
                _Way(words, address, path == "/" if begins == ("/",) else path.startswith(begins))
                for words, address, begins in _NAVIGATION
                if address != links.review() or shell.may_review
            ],
            zone=shell.zone.key,
            version=None if shell.data is None else shell.data.version,
            published=None if shell.data is None else shell.data.published_at.astimezone(shell.zone),
            model=None if shell.data is None else shell.data.model,
            token=shell.token,
        )
    )


def compile_all() -> None:
    """Compile every template, so that no visitor has to wait for it."""
    for name in _environment().list_templates(filter_func=lambda name: name.startswith("dashboard/")):
        _environment().get_template(name)


def _seen(value: Any) -> Any:
    """What is filled in, without characters that would turn its order, steer a terminal or hide; lines stay lines."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return "\n".join(map(visible, value.split("\n")))


@cache
def _environment() -> Environment:
    made = environment().overlay(finalize=_seen)
    made.filters = {
        **made.filters,
        "number": number,
        "day": day,
        "full_day": full_day,
        "line": line,
        "outside": links.outside,
        "the_country": the_country,
    }
    made.globals = {**made.globals, "links": links, "count": count, "moment": moment}
    return made

"""Templates of pages and mails: what is filled into HTML is escaped, what has no value is an error."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape
from markupsafe import Markup


def template(name: str) -> Template:
    """The template of that name in `reports/templates`."""
    return environment().get_template(name)


def unescaped(name: str, values: Mapping[str, Any] | None = None) -> Markup:
    """A style sheet or script, filled with `values` of our own, to be put into a page as it is."""
    return Markup(template(name).render(values or {}))  # noqa: S704 – nothing of others is in it


@cache
def environment() -> Environment:
    """Where templates are found, and how they are filled. One for all: what needs more makes an overlay of it."""
    return Environment(
        loader=PackageLoader("reports"),
        # In styles and scripts nothing is escaped, and nothing that others wrote is in them.
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

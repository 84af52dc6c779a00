"""Whether Prefect can read the settings that it is given. Where it can't, no start of its server ever succeeds.

Prefect itself tells of it by a traceback, in which the variable's name does not stand.
"""

import os
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from pipeline.errors import ServeError


def check() -> None:
    """Read Prefect's settings. Raises ServeError, which names the variable that is wrong and not its value."""
    # Heavy.
    from prefect.settings import get_current_settings

    try:
        get_current_settings()
    except ValidationError as error:
        raise _refused(*_first(error.errors(include_url=False))) from error
    except ValueError as error:
        # What is not JSON where it has to be is told in words alone.
        found = re.search(r'field "(\w+)"', str(error))
        raise _refused(found[1] if found else "", str(error), None) from error


def check_database() -> None:
    """Look at the address of the database, if one is set. Raises ServeError as `check` does."""
    from prefect.settings import get_current_settings
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    address = get_current_settings().server.database.connection_url
    if address is None:
        return
    value, begins = address.get_secret_value(), "it has to begin with sqlite+aiosqlite: or postgresql+asyncpg:"
    try:
        is_fit = make_url(value).get_dialect().is_async
    except (ArgumentError, NoSuchModuleError) as error:
        raise _refused("connection_url", begins, value) from error
    if not is_fit:
        raise _refused("connection_url", begins, value)


def variables(field: str, value: object, environ: Mapping[str, str]) -> list[str]:
    """The variables of Prefect's that may have given a setting its value, by name where one is called so."""
    given = {name: text for name, text in environ.items() if name.startswith("PREFECT_")}
    called = [name for name in given if field and name.endswith(f"_{field.upper()}")]
    alike = [name for name in given if given[name] == value]
    return sorted(set(called) & set(alike)) or sorted(alike) or sorted(called)


def _first(errors: list[Any]) -> tuple[str, str, object]:
    """Field, words and value of what is wrong first; what follows is often only of that."""
    one = errors[0]
    names = [str(part) for part in one["loc"]]
    return names[-1] if names else "", str(one["msg"]), one.get("input")


def _refused(field: str, words: str, value: object) -> ServeError:
    names = variables(field, value, os.environ)
    what = " or ".join(names) or (f"its setting {field}" if field else "its settings")
    return ServeError(
        f"Prefect can't read {what}: {words[:1].lower()}{words[1:]}",
        hint="Correct it, or take it out of the environment."
        if names
        else "See the profile in PREFECT_HOME, and .env.",
    )

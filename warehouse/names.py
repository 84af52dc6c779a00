"""What a person types, matched with what the snapshot calls it."""

import difflib
from collections.abc import Iterable
from enum import StrEnum

from pipeline.errors import InputError
from warehouse.reader import Reader


def services(reader: Reader, typed: str) -> list[str]:
    """The canonical names that `typed` stands for: a name or alias of the registry, or a service of an event."""
    rows = reader.rows(
        """
        WITH known AS (
            SELECT name AS canonical, unnest([service_id, name] || aliases) AS typed FROM services
            UNION SELECT service_canonical, service_canonical FROM events
        )
        SELECT DISTINCT canonical, typed FROM known ORDER BY ALL
        """
    )
    return _matching(rows, typed, "service")


def country(reader: Reader, typed: str) -> str:
    """The code that `typed` stands for: a code, name or alias of the registry, or a code of an event."""
    rows = reader.rows(
        """
        WITH known AS (
            SELECT code AS canonical, unnest([code, name] || aliases) AS typed FROM countries
            UNION SELECT country, country FROM events
            UNION VALUES ('EU', 'EU'), ('EU', 'European Union'), ('XX', 'XX')
        )
        SELECT DISTINCT canonical, typed FROM known ORDER BY ALL
        """
    )
    codes = _matching(rows, typed, "country")
    if len(codes) > 1:
        raise InputError(f"the country {typed!r} may be {' or '.join(codes)}", hint="Give the two-letter code.")
    return codes[0]


def actors(reader: Reader, typed: str) -> list[str]:
    """The names of the registry's bodies of which `typed` is a name or alias, maybe none."""
    rows = reader.rows(
        """
        SELECT DISTINCT name FROM bodies
        WHERE lower(name) = lower($1) OR body_id = lower($1)
            OR EXISTS (SELECT 1 FROM unnest(aliases) AS other(alias) WHERE lower(alias) = lower($1))
        ORDER BY name
        """,
        [typed],
    )
    return [name for (name,) in rows]


def body(reader: Reader, typed: str) -> str:
    """Sort and name ("regulator: Ofcom") of the one body of the registry that `typed` names, or `typed` as it is."""
    rows = reader.rows(
        """
        SELECT DISTINCT kind, name FROM bodies
        WHERE lower(name) = lower($1) OR body_id = lower($1)
            OR EXISTS (SELECT 1 FROM unnest(aliases) AS other(alias) WHERE lower(alias) = lower($1))
        ORDER BY ALL
        """,
        [typed.strip()],
    )
    return f"{rows[0][0]}: {rows[0][1]}" if len(rows) == 1 else typed


def member(of: type[StrEnum], field: str, typed: str) -> str:
    """The member of an enumeration that `typed` names, in any case and with spaces or hyphens for underscores."""
    wanted = typed.strip().lower().replace(" ", "_").replace("-", "_")
    if wanted not in {item.value for item in of}:
        raise InputError(
            f"there is no {field} {typed!r}", hint=f"Choose one of {', '.join(item.value for item in of)}."
        )
    return wanted


def _matching(rows: Iterable[tuple[str, str]], typed: str, what: str) -> list[str]:
    known: dict[str, set[str]] = {}
    spelled: dict[str, str] = {}
    for canonical, name in rows:
        known.setdefault(name.casefold(), set()).add(canonical)
        spelled.setdefault(name.casefold(), name)
    found = known.get(typed.strip().casefold())
    if found is None:
        near = difflib.get_close_matches(typed.strip().casefold(), spelled, n=3)
        hint = f"Nearest: {', '.join(spelled[name] for name in near)}." if near else None
        raise InputError(f"there is no {what} {typed!r}", hint=hint)
    return sorted(found)

"""The questions of an actor's page that only an actor is asked: what it is, and to whom it belongs."""

from typing import NamedTuple

from warehouse.dashboard.asking import Sql, filled
from warehouse.dashboard.subjects import Subject


class Known(NamedTuple):
    """Someone who acts. `aliases` are other names in the registry, `parent` the body that it is a part of, if any.

    `parts` are the bodies that are parts of it and act themselves.
    """

    name: str
    country: str
    kind: str | None
    is_registered: bool
    aliases: list[str]
    parent: str | None
    parent_acts: bool
    parts: list[str]


def known(name: str, country: str) -> Sql:
    """A `Known` for the actor of that name; no row where nobody of that name acts there."""
    return filled(
        """
        SELECT a.actor_canonical, a.country, a.kind, a.body_id IS NOT NULL AS is_registered,
            coalesce(b.aliases, []) AS aliases, p.name AS parent,
            EXISTS (FROM actors AS o WHERE o.actor_canonical = p.name AND o.country = a.country) AS parent_acts,
            (SELECT coalesce(list(o.actor_canonical ORDER BY o.events DESC, o.actor_canonical), [])
                FROM actors AS o WHERE o.part_of = a.body_id AND o.country = a.country) AS parts
        FROM actors AS a
            LEFT JOIN bodies AS b ON b.body_id = a.body_id
            LEFT JOIN bodies AS p ON p.body_id = a.part_of
        WHERE a.actor_canonical = $name AND a.country = $country
        """,
        name=name,
        country=country,
    )


def named(typed: str) -> Sql:
    """Name and country of those who act and of whom `typed` is a name, in any case, or another name in the registry."""
    return filled(
        """
        SELECT DISTINCT a.actor_canonical, a.country, a.events
        FROM actors AS a LEFT JOIN bodies AS b ON b.body_id = a.body_id
        WHERE lower(a.actor_canonical) = lower($typed)
            OR EXISTS (SELECT 1 FROM unnest(b.aliases) AS other(alias) WHERE lower(alias) = lower($typed))
        ORDER BY a.events DESC, a.country, a.actor_canonical
        """,
        typed=typed,
    )


class Restricted(NamedTuple):
    """A service that an actor restricts or restricted."""

    service: str
    restrictions: int
    in_force: int


def restricted(subject: Subject, most: int) -> Sql:
    """Rows of `Restricted`: the services with most in force first."""
    return filled(
        """
        SELECT service_canonical, count(*) AS restrictions, count(*) FILTER (WHERE NOT lifted) AS in_force
        FROM imposed
        WHERE $where
        GROUP BY service_canonical
        ORDER BY in_force DESC, restrictions DESC, service_canonical
        LIMIT $most
        """,
        where=subject.where,
        most=most,
    )

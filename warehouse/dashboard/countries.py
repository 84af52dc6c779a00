"""The questions of a country's page that only a country is asked: which services it restricts, and how early."""

from datetime import date
from typing import NamedTuple

from warehouse.dashboard.asking import Sql, filled
from warehouse.dashboard.services import Role
from warehouse.dashboard.subjects import Subject


class Restricted(NamedTuple):
    """A service that a country restricts or restricted, and when it did so compared with other countries.

    `role`, and the days after the first of all others, are None for EU and XX; `of` is how many countries restrict it.
    """

    service: str
    restrictions: int
    in_force: int
    first_date: str | None
    role: Role | None
    days_min: int | None
    days_max: int | None
    of: int


def restricted(subject: Subject, *, limit: int, offset: int = 0) -> Sql:
    """Rows of `Restricted`: the services with most in force first."""
    return filled(
        """
        WITH here AS (
            SELECT service_canonical, count(*) AS restrictions, count(*) FILTER (WHERE NOT lifted) AS in_force
            FROM imposed
            WHERE $where
            GROUP BY service_canonical
        ),
        firsts AS MATERIALIZED (
            FROM first_restrictions(public_only := $public, min_voices := $voices)
        ),
        moved AS (
            SELECT service_canonical, country, role, days_min, days_max
            FROM first_movers(NULL, public_only := $public, min_voices := $voices)
        )
        SELECT h.service_canonical, h.restrictions, h.in_force, f.first_date, m.role, m.days_min, m.days_max,
            (SELECT count(*) FROM firsts AS o WHERE o.service_canonical = h.service_canonical AND o.is_country) AS of
        FROM here AS h
            JOIN firsts AS f ON f.service_canonical = h.service_canonical AND f.country = $country
            LEFT JOIN moved AS m ON m.service_canonical = h.service_canonical AND m.country = $country
        ORDER BY h.in_force DESC, h.restrictions DESC, h.service_canonical
        LIMIT $limit OFFSET $offset
        """,
        where=subject.where,
        country=subject.country,
        public=subject.public_only,
        voices=subject.min_voices,
        limit=limit,
        offset=offset,
    )


class Roles(NamedTuple):
    """In how many services a country was first, tied with another, perhaps first, or later; or is undated."""

    first: int
    tied: int
    perhaps: int
    follower: int
    undated: int


def roles(subject: Subject) -> Sql:
    """One row, a `Roles`. Services that no other country has restricted make nobody a leader: they are left out."""
    return filled(
        """
        SELECT
            count(*) FILTER (WHERE role = 'first') AS first,
            count(*) FILTER (WHERE role = 'tied') AS tied,
            count(*) FILTER (WHERE role = 'perhaps') AS perhaps,
            count(*) FILTER (WHERE role = 'follower') AS follower,
            count(*) FILTER (WHERE role = 'undated') AS undated
        FROM (
            SELECT country, role, count(*) OVER (PARTITION BY service_canonical) AS countries
            FROM first_movers(NULL, public_only := $public, min_voices := $voices)
        )
        WHERE country = $country AND countries > 1
        """,
        country=subject.country,
        public=subject.public_only,
        voices=subject.min_voices,
    )


class Known(NamedTuple):
    """A country of the registry, and the day of the first and of the latest report on it."""

    code: str
    name: str
    first_reported: date | None
    last_reported: date | None


def known(code: str) -> Sql:
    """A `Known` for the country; no row where the code is none."""
    return filled(
        """
        SELECT c.code, c.name, min(e.first_reported), max(e.last_reported)
        FROM countries AS c LEFT JOIN events AS e ON e.country = c.code
        WHERE c.code = $code
        GROUP BY ALL
        """,
        code=code,
    )

"""The questions of a country's page that only a country is asked: which services it restricts, and how early."""

from typing import NamedTuple

from warehouse.dashboard.asking import Sql, filled
from warehouse.dashboard.services import Role
from warehouse.dashboard.subjects import Subject


class Restricted(NamedTuple):
    """A service that a country restricts or restricted, and when it did so compared with other countries.

    `role`, the days after the first of all others, and how many countries restrict it (`of`) are None for EU and XX.
    What follows is of all such services, and the same in each row: in how many that another country restricts, too,
    it was surely the `first`, `tied` with another, `perhaps` the first, a `follower`, or is `undated`.
    """

    service: str
    restrictions: int
    in_force: int
    first_date: str | None
    role: Role | None
    days_min: int | None
    days_max: int | None
    of: int | None
    first: int
    tied: int
    perhaps: int
    follower: int
    undated: int


def restricted(subject: Subject, *, limit: int, is_country: bool) -> Sql:
    """Rows of `Restricted`: the services with most in force first."""
    return filled(
        """
        WITH here AS (
            SELECT service_canonical, count(*) AS restrictions, count(*) FILTER (WHERE NOT lifted) AS in_force
            FROM imposed
            WHERE $where
            GROUP BY service_canonical
        ),
        placed AS (
            $placed
        )
        SELECT service_canonical, h.restrictions, h.in_force, p.first_date, p.role, p.days_min, p.days_max, p.of,
            count(*) FILTER (WHERE p.role = 'first' AND p.of > 1) OVER () AS first,
            count(*) FILTER (WHERE p.role = 'tied' AND p.of > 1) OVER () AS tied,
            count(*) FILTER (WHERE p.role = 'perhaps' AND p.of > 1) OVER () AS perhaps,
            count(*) FILTER (WHERE p.role = 'follower' AND p.of > 1) OVER () AS follower,
            count(*) FILTER (WHERE p.role = 'undated' AND p.of > 1) OVER () AS undated
        FROM here AS h JOIN placed AS p USING (service_canonical)
        ORDER BY h.in_force DESC, h.restrictions DESC, service_canonical
        LIMIT $limit
        """,
        where=subject.where,
        placed=filled(
            """
            FROM (
                SELECT service_canonical, country, first_date, role, days_min, days_max,
                    count(*) OVER (PARTITION BY service_canonical) AS of
                FROM first_movers(NULL, public_only := $public, min_voices := $voices)
            )
            WHERE country = $country
            """
            if is_country
            else """
            SELECT service_canonical, first_date, NULL AS role, NULL AS days_min, NULL AS days_max, NULL AS of
            FROM first_restrictions(public_only := $public, min_voices := $voices)
            WHERE country = $country
            """,
            country=subject.country,
            public=subject.public_only,
            voices=subject.min_voices,
        ),
        limit=limit,
    )

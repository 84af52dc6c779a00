"""The questions of a service's page that only a service is asked: what it is, and how restrictions on it spread."""

from datetime import date
from typing import Literal, NamedTuple, TypeAlias

from warehouse.dashboard.asking import Sql, filled
from warehouse.dashboard.subjects import Subject

Role: TypeAlias = Literal["first", "tied", "perhaps", "follower", "undated"]


class Registered(NamedTuple):
    """What the registry says of a service. `provider_country` is a code."""

    category: str | None
    provider: str | None
    provider_country: str | None
    aliases: list[str]


def registered(name: str) -> Sql:
    """A `Registered` for each entry of that name: none for a service that only articles name."""
    return filled(
        "SELECT category, provider, provider_country, aliases FROM services WHERE name = $name ORDER BY service_id",
        name=name,
    )


class Arrival(NamedTuple):
    """How restrictions on a service came to a country.

    `rank` is the best and `rank_to` the worst place that the dates allow, None for EU, XX and what is undated; so are
    `role`, for EU and XX, and the days. These count from the first of all other countries: 0 for who may be the first.
    `opened` is the restriction that decides on the date, or one that is undated, `voices` are those that carry it;
    `countries` is how many surely had one by the end of it.
    """

    country: str
    role: Role | None
    rank: int | None
    rank_to: int | None
    certain: bool | None
    first_date: str | None
    first_from: date | None
    first_to: date | None
    days_min: int | None
    days_max: int | None
    countries: int | None
    restrictions: int
    in_force: int
    undated: int
    first_reported: date | None
    opened: str
    opened_by: str | None
    voices: int


def arrivals(subject: Subject) -> Sql:
    """Rows of `Arrival` by the last day that the date allows: the macro `spread` with the roles of `first_movers`."""
    return filled(
        """
        WITH opening AS (
            SELECT country, count(*) FILTER (WHERE NOT lifted) AS in_force,
                arg_min({'event_id': event_id, 'actor': actor_canonical, 'voices': voices},
                    (coalesce(date_to, DATE '9999-12-31'), coalesce(date_from, first_reported), event_id)) AS first
            FROM imposed
            WHERE $where
            GROUP BY country
        )
        SELECT s.country, m.role, s.rank, s.rank_to, s.certain, s.first_date, s.first_from, s.first_to, s.days_min,
            s.days_max, s.countries, s.restrictions, o.in_force, s.undated, s.first_reported,
            o.first.event_id AS opened, o.first.actor AS opened_by, o.first.voices
        FROM spread($service, public_only := $public, min_voices := $voices) AS s
            LEFT JOIN first_movers($service, public_only := $public, min_voices := $voices) AS m USING (country)
            JOIN opening AS o USING (country)
        ORDER BY s.first_to NULLS LAST, s.first_from, s.country
        """,
        service=subject.service,
        public=subject.public_only,
        voices=subject.min_voices,
        where=subject.where,
    )

"""Who restricts the same services, and who of two was first: of countries, and of those who act.

Positive days say that the other came later. It is what `lead_lag` says of two countries, asked of all others at once.
"""

from typing import NamedTuple

from warehouse.dashboard.asking import Sql, filled
from warehouse.dashboard.subjects import Subject


class Peer(NamedTuple):
    """Another country (`actor` is None) or actor, and the services that both have restricted.

    Of `services` some have dates on both sides. The other surely came later in `later` of these and earlier in
    `earlier`, on the `same_day`, or in an order that the dates leave open (`unclear`). `days_min` and `days_max` are
    the medians of the fewest and the most days by which it came later; negative where it came earlier. `shared` are
    the names of some of the services.
    """

    country: str
    actor: str | None
    services: int
    dated: int
    later: int
    earlier: int
    same_day: int
    unclear: int
    days_min: float | None
    days_max: float | None
    shared: list[str]


def of_country(subject: Subject, most: int) -> Sql:
    """Rows of `Peer`: countries by how many services they share with that of the subject."""
    return filled(
        """
        WITH firsts AS MATERIALIZED (
            SELECT service_canonical, country, first_from, first_to
            FROM first_restrictions(public_only := $public, min_voices := $voices)
            WHERE is_country
        ),
        pairs AS (
            SELECT other.country, NULL AS actor, service_canonical, other.first_from - one.first_to AS days_min,
                other.first_to - one.first_from AS days_max
            FROM (FROM firsts WHERE country = $country) AS one JOIN firsts AS other USING (service_canonical)
            WHERE other.country <> $country
        )
        $summed
        """,
        public=subject.public_only,
        voices=subject.min_voices,
        country=subject.country,
        summed=_summed(most),
    )


def of_actor(subject: Subject, most: int) -> Sql:
    """Rows of `Peer`: those who act on the services that the actor of the subject has restricted, wherever they are."""
    return filled(
        """
        WITH firsts AS MATERIALIZED (
            SELECT service_canonical, country, actor_canonical AS actor, min(date_from) AS first_from,
                min(date_to) AS first_to
            FROM imposed
            WHERE actor_canonical IS NOT NULL AND voices >= $voices
            GROUP BY ALL
        ),
        pairs AS (
            SELECT other.country, other.actor, service_canonical, other.first_from - one.first_to AS days_min,
                other.first_to - one.first_from AS days_max
            FROM (FROM firsts WHERE country = $country AND actor = $actor) AS one
                JOIN firsts AS other USING (service_canonical)
            WHERE NOT (other.country = $country AND other.actor = $actor)
        )
        $summed
        """,
        voices=subject.min_voices,
        country=subject.country,
        actor=subject.actor,
        summed=_summed(most),
    )


def _summed(most: int) -> Sql:
    return filled(
        """
        SELECT country, actor, count(*) AS services, count(days_min) AS dated,
            count(*) FILTER (WHERE days_min > 0) AS later,
            count(*) FILTER (WHERE days_max < 0) AS earlier,
            count(*) FILTER (WHERE days_min = 0 AND days_max = 0) AS same_day,
            count(*) FILTER (WHERE days_min <= 0 AND days_max >= 0 AND days_min < days_max) AS unclear,
            median(days_min) AS days_min, median(days_max) AS days_max,
            list(service_canonical ORDER BY service_canonical)[:4] AS shared
        FROM pairs
        GROUP BY country, actor
        ORDER BY services DESC, country, actor
        LIMIT $most
        """,
        most=most,
    )

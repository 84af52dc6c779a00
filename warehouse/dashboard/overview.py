"""The questions of the first page: what came lately, how many are in force of each sort, where, and how they spread.

Restrictions are those of the view `imposed`; those in force have not been lifted. `subject` leaves out what is not
asked for, such as what too few voices carry.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from warehouse.dashboard.asking import Sql, filled
from warehouse.dashboard.subjects import DAY_OF, Subject
from warehouse.event_list import EVENT_COLUMNS

PLACES: Final = 24
THINGS: Final = 18
"""Countries and services of the heat map, at most."""


def last_run() -> Sql:
    """One row: the day, UTC, on which the last run ended; NULL where none has."""
    return Sql("SELECT CAST(max(finished_at) AS DATE) AS last_run FROM runs")


class Stepped(NamedTuple):
    """Restrictions of which a step was learned of: its kind, how many, and of how many it is no older than the span."""

    kind: str
    events: int
    recent: int


def steps(since: date, until: date, subject: Subject) -> Sql:
    """Rows of `Stepped`, for what was learned from `since` to `until`."""
    return filled(
        """
        SELECT t.kind, count(DISTINCT t.event_id) AS events,
            count(DISTINCT t.event_id) FILTER (WHERE coalesce(t.date_from, t.reported_on) >= $since) AS recent
        FROM event_transitions AS t JOIN events AS e USING (event_id)
        WHERE t.learned_on BETWEEN $since AND $until
            AND e.side = 'restricting' AND NOT e.retracted AND NOT e.dismissed AND $where
        GROUP BY t.kind
        ORDER BY events DESC, t.kind
        """,
        since=since,
        until=until,
        where=subject.where,
    )


def latest(since: date, until: date, subject: Subject, most: int) -> Sql:
    """Rows of EVENT_COLUMNS: of the restrictions of which a step was learned of then, those that most voices carry.

    What happened, or was first reported, in the span comes before what is older.
    """
    return filled(
        """
        SELECT $columns
        FROM events
        WHERE side = 'restricting' AND NOT retracted AND NOT dismissed AND $where
            AND event_id IN (
                SELECT event_id FROM event_transitions
                WHERE learned_on BETWEEN $since AND $until AND kind NOT IN ('corrected', 'reviewed')
            )
        ORDER BY
            coalesce(coalesce(date_from, first_reported) >= $since, false) DESC,
            voices DESC, $day DESC NULLS LAST, event_id
        LIMIT $most
        """,
        columns=Sql(EVENT_COLUMNS),
        since=since,
        until=until,
        where=subject.where,
        day=DAY_OF,
        most=most,
    )


class Counted(NamedTuple):
    """So many restrictions in force of a value, None where no text tells."""

    value: str | None
    restrictions: int


def by_action(subject: Subject) -> Sql:
    """Rows of `Counted` by action, the most first."""
    return _in_force(Sql("action"), subject)


def by_kind(subject: Subject) -> Sql:
    """Rows of `Counted` by kind of actor, the most first."""
    return _in_force(Sql("actor_kind"), subject)


def _in_force(column: Sql, subject: Subject) -> Sql:
    return filled(
        """
        SELECT $column AS value, count(*) AS restrictions
        FROM imposed
        WHERE NOT lifted AND $where
        GROUP BY value
        ORDER BY restrictions DESC, value NULLS LAST
        """,
        column=column,
        where=subject.where,
    )


class Crossing(NamedTuple):
    """So many restrictions in force on a service in a country."""

    country: str
    service: str
    restrictions: int


def heat(subject: Subject) -> Sql:
    """Rows of `Crossing`: the countries with the most restrictions in force by the services in the most countries."""
    return filled(
        """
        WITH counted AS (
            SELECT country, service_canonical AS service, count(*) AS restrictions
            FROM imposed
            WHERE NOT lifted AND country NOT IN ('EU', 'XX') AND $where
            GROUP BY ALL
        ),
        places AS (
            SELECT country, sum(restrictions) AS total FROM counted GROUP BY country
            ORDER BY total DESC, country LIMIT $places
        ),
        things AS (
            SELECT service, count(*) AS countries, sum(restrictions) AS total FROM counted GROUP BY service
            ORDER BY countries DESC, total DESC, service LIMIT $things
        )
        SELECT c.country, c.service, c.restrictions
        FROM counted AS c JOIN places AS p USING (country) JOIN things AS t USING (service)
        ORDER BY p.total DESC, c.country, t.countries DESC, t.total DESC, c.service
        """,
        where=subject.where,
        places=PLACES,
        things=THINGS,
    )


class Spread(NamedTuple):
    """A service, and how many countries have a dated restriction of it."""

    service: str
    countries: int


def spread_most(subject: Subject) -> Sql:
    """Rows of `Spread`: all services that any country has restricted on a known date, the widest spread first."""
    return filled(
        """
        SELECT service_canonical AS service, count(DISTINCT country) AS countries
        FROM imposed
        WHERE date_to IS NOT NULL AND country NOT IN ('EU', 'XX') AND $where
        GROUP BY service
        ORDER BY countries DESC, count(*) DESC, service
        """,
        where=subject.where,
    )


class First(NamedTuple):
    """The first restriction of a service in a country, as the macro `first_restrictions` has it."""

    service: str
    country: str
    first_date: str | None
    first_from: date | None
    first_to: date | None


def firsts(services: Sequence[str], subject: Subject) -> Sql:
    """Rows of `First` for those services, in the order of their days."""
    return filled(
        """
        SELECT service_canonical AS service, country, first_date, first_from, first_to
        FROM first_restrictions(min_voices := $voices)
        WHERE is_country AND service_canonical IN (SELECT unnest($services))
        ORDER BY service, first_to NULLS LAST, first_from, country
        """,
        services=list(services),
        voices=subject.min_voices,
    )


class Read(NamedTuple):
    """How well a month was covered, given by its first day: none, gaps, thin or ok, and how many articles were read."""

    month: date
    coverage: str
    articles: int
    complete: bool


def coverage() -> Sql:
    """Rows of `Read`, month by month."""
    return Sql("SELECT month, coverage, articles, complete FROM coverage_by_month ORDER BY month")

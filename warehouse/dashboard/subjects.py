"""What is asked alike of a service, of a country and of who acts: how it stands, what came when, for whom and why.

Restrictions are those of the view `imposed`: what took force, ended or not, and was not taken back. A date that is too
coarse for a period has none, as in the macro `trend`.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, NamedTuple, TypeAlias

from pipeline.types import ActorKind
from warehouse.dashboard.asking import Sql, filled, literal
from warehouse.event_list import EVENT_COLUMNS
from warehouse.tables.events import TRANSITION_FIELDS

PUBLIC: Final = (
    ActorKind.GOVERNMENT,
    ActorKind.MINISTRY,
    ActorKind.REGULATOR,
    ActorKind.DATA_PROTECTION,
    ActorKind.COURT,
    ActorKind.LEGISLATURE,
    ActorKind.SUBNATIONAL,
    ActorKind.MILITARY,
    ActorKind.POLICE,
    ActorKind.INTERNATIONAL,
)
"""Kinds of public bodies, as the macros of trends take them."""

Every: TypeAlias = Literal["month", "quarter", "year"]

MOST_QUOTED: Final = 3
"""Events that are quoted for one reason."""

MOST_REASONS: Final = 6
"""Reasons that are quoted, the commonest."""

_CONSIDERED: Final = 8
"""Events that are looked at for quotes: not every mention of an event says why."""

_MENTIONS: Final = 12
"""Mentions of an event that are looked at, the first: some have thousands."""

DAY_OF: Final = Sql("CASE WHEN date_to IS NULL THEN first_reported ELSE least(date_to, last_reported) END")
"""Where an event stands in a list. One dated "2025" and told of in February began by then, not in December."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose events are asked for: those on a service, of a country, or of who acts (`actor` in `country`).

    Names are canonical. `public_only` leaves out who is of no public kind, as the parameter of that name does in the
    macros of trends, `min_voices` what fewer independent voices carry.
    """

    service: str | None = None
    country: str | None = None
    actor: str | None = None
    public_only: bool = False
    min_voices: int = 1

    @property
    def where(self) -> Sql:
        """The condition that holds for its rows, in `events` as in `imposed`."""
        named = {"service_canonical": self.service, "country": self.country, "actor_canonical": self.actor}
        parts = [f"{column} = {literal(value)}" for column, value in named.items() if value is not None]
        if self.public_only:
            parts.append(f"actor_kind IN (SELECT unnest({literal(PUBLIC)}))")
        if self.min_voices > 1:
            parts.append(f"voices >= {literal(self.min_voices)}")
        return Sql(" AND ".join(parts) or "true")


class Standing(NamedTuple):
    """How many there are, of each sort. `countries` counts no EU and no XX; `undated` restrictions have no date.

    `announced`, `proposed` and `rejected` are restrictions that have not taken force, `pressing` warnings, inquiries
    and penalties, `easing` lifts that are events of their own. `first_from` and `first_to` bound the first restriction,
    `last_reported` is the day of the latest article.
    """

    in_force: int
    ended: int
    undated: int
    countries: int
    countries_in_force: int
    services: int
    services_in_force: int
    actors: int
    first_from: date | None
    first_to: date | None
    events: int
    announced: int
    proposed: int
    rejected: int
    pressing: int
    easing: int
    last_reported: date | None

    @property
    def restrictions(self) -> int:
        """All that took force."""
        return self.in_force + self.ended


def standing(subject: Subject) -> Sql:
    """One row, a `Standing`."""
    return filled(
        """
        WITH restricted AS (
            SELECT
                count(*) FILTER (WHERE NOT lifted) AS in_force,
                count(*) FILTER (WHERE lifted) AS ended,
                count(*) - count(date_from) AS undated,
                count(DISTINCT country) FILTER (WHERE country NOT IN ('EU', 'XX')) AS countries,
                count(DISTINCT country) FILTER (WHERE country NOT IN ('EU', 'XX') AND NOT lifted)
                    AS countries_in_force,
                count(DISTINCT service_canonical) AS services,
                count(DISTINCT service_canonical) FILTER (WHERE NOT lifted) AS services_in_force,
                count(DISTINCT actor_canonical) AS actors,
                min(date_from) AS first_from,
                min(date_to) AS first_to
            FROM imposed
            WHERE $where
        ),
        told AS (
            SELECT
                count(*) AS events,
                count(*) FILTER (WHERE side = 'restricting' AND status = 'announced') AS announced,
                count(*) FILTER (WHERE side = 'restricting' AND status = 'proposed') AS proposed,
                count(*) FILTER (WHERE side = 'restricting' AND status = 'rejected') AS rejected,
                count(*) FILTER (WHERE side = 'pressing') AS pressing,
                count(*) FILTER (WHERE side = 'easing') AS easing,
                max(last_reported) AS last_reported
            FROM events
            WHERE $where AND NOT retracted AND NOT dismissed
        )
        FROM restricted CROSS JOIN told
        """,
        where=subject.where,
    )


def listed(subject: Subject, *, in_force: bool, limit: int, offset: int = 0) -> Sql:
    """Rows of EVENT_COLUMNS, the latest first: of all events, or of the restrictions that stand."""
    stands = " AND side = 'restricting' AND status = 'in_force' AND NOT lifted" if in_force else ""
    return filled(
        """
        SELECT $columns
        FROM events
        WHERE $where AND NOT retracted AND NOT dismissed
        ORDER BY $day DESC NULLS LAST, event_id
        LIMIT $limit OFFSET $offset
        """,
        columns=Sql(EVENT_COLUMNS),
        where=Sql(subject.where + stands),
        day=DAY_OF,
        limit=limit,
        offset=offset,
    )


def lives(subject: Subject, most: int) -> Sql:
    """The steps of restrictions, proposed ones too: rows of EVENT_COLUMNS and TRANSITION_FIELDS, event by event.

    Of `most` events: those of which most steps are known, then those that most voices carry, then the latest.
    """
    return filled(
        """
        WITH shown AS (
            SELECT e.event_id
            FROM (FROM events WHERE $where AND side = 'restricting' AND NOT retracted AND NOT dismissed) AS e
                JOIN event_transitions AS t USING (event_id)
            GROUP BY e.event_id, e.voices, e.last_reported
            ORDER BY count(DISTINCT t.kind) DESC, e.voices DESC, e.last_reported DESC NULLS LAST, e.event_id
            LIMIT $most
        )
        SELECT $events, $steps
        FROM shown JOIN events AS e USING (event_id) JOIN event_transitions AS t USING (event_id)
        ORDER BY e.event_id, t.position
        """,
        where=subject.where,
        most=most,
        events=_of("e", EVENT_COLUMNS.split(", ")),
        steps=_of("t", TRANSITION_FIELDS),
    )


def _of(alias: str, columns: list[str] | tuple[str, ...]) -> Sql:
    return Sql(", ".join(f"{alias}.{column}" for column in columns))


class Dates(NamedTuple):
    """How many restrictions are dated, and how many of them began, at the latest, within so many years of the end."""

    dated: int
    one_year: int
    two_years: int
    five_years: int


def dates(subject: Subject, until: date) -> Sql:
    """One row, a `Dates`; `until` is the end from which years are counted."""
    return filled(
        """
        SELECT
            count(date_to) AS dated,
            count(*) FILTER (WHERE date_to > $until - INTERVAL 1 YEAR) AS one_year,
            count(*) FILTER (WHERE date_to > $until - INTERVAL 2 YEAR) AS two_years,
            count(*) FILTER (WHERE date_to > $until - INTERVAL 5 YEAR) AS five_years
        FROM imposed
        WHERE $where
        """,
        where=subject.where,
        until=until,
    )


class Counted(NamedTuple):
    """Restrictions that began in a period, given by its first day, under a value. No period: too coarse, or undated.

    `is_dated` tells these two apart.
    """

    period: date | None
    is_dated: bool
    value: str | None
    restrictions: int


def by_action(subject: Subject, every: Every) -> Sql:
    """Rows of `Counted` by action."""
    return _counted(subject, every, Sql("action"))


def by_scope(subject: Subject, every: Every) -> Sql:
    """Rows of `Counted` by class of the scope, which is NULL where no text states one."""
    return _counted(subject, every, Sql("scope_class"))


def by_reason(subject: Subject, every: Every) -> Sql:
    """Rows of `Counted` by class of reason, NULL where none is stated. One with two reasons counts under each."""
    return _counted(subject, every, Sql("unnest(if(len(reason_classes) > 0, reason_classes, [NULL]))"))


def _counted(subject: Subject, every: Every, value: Sql) -> Sql:
    return filled(
        """
        WITH placed AS (
            SELECT
                CASE WHEN date_trunc($every, date_from) = date_trunc($every, date_to)
                    THEN CAST(date_trunc($every, date_from) AS DATE) END AS period,
                date_from IS NOT NULL AS is_dated,
                $value AS value
            FROM imposed
            WHERE $where
        )
        SELECT period, is_dated, value, count(*) AS restrictions
        FROM placed
        GROUP BY ALL
        ORDER BY period NULLS LAST, is_dated DESC, value NULLS LAST
        """,
        every=every,
        value=value,
        where=subject.where,
    )


class Reason(NamedTuple):
    """A reason as it is stated: how many restrictions state it, and one of the articles that quote it for an event.

    `start` and `end` are the offsets of the quote in that version of the article's text.
    """

    reason: str
    restrictions: int
    event_id: str
    service: str
    country: str
    actor: str | None
    date_value: str | None
    quote: str
    start: int
    end: int
    article_id: str
    version: int
    source: str | None
    url: str


def reasons_quoted(subject: Subject) -> Sql:
    """Rows of `Reason`: the `MOST_REASONS` commonest, each with up to `MOST_QUOTED` events that most voices carry."""
    return filled(
        """
        WITH stated AS (
            SELECT event_id, service_canonical, country, actor_canonical, date_value, voices, last_reported,
                unnest(reason_classes) AS reason
            FROM imposed
            WHERE $where
        ),
        commonest AS (
            SELECT reason, count(*) AS restrictions
            FROM stated
            GROUP BY reason
            ORDER BY restrictions DESC, reason
            LIMIT $reasons
        ),
        ranked AS (
            SELECT *
            FROM stated JOIN commonest USING (reason)
            QUALIFY row_number() OVER (PARTITION BY reason ORDER BY voices DESC, last_reported DESC, event_id)
                <= $considered
        ),
        asked AS MATERIALIZED (
            SELECT event_id, mention_id FROM event_mentions
            WHERE event_id IN (SELECT event_id FROM ranked) AND position < $mentions
        ),
        saying AS MATERIALIZED (
            SELECT mention_id, article_id, version, reason_quote, reason_start, reason_end, reason_classes, score
            FROM mentions
            WHERE mention_id IN (SELECT mention_id FROM asked) AND reason_quote IS NOT NULL AND withdrawn_on IS NULL
        ),
        quoted AS MATERIALIZED (
            SELECT r.*, m.reason_quote, m.reason_start, m.reason_end, m.article_id, m.version
            FROM ranked AS r JOIN asked USING (event_id) JOIN saying AS m
                ON m.mention_id = asked.mention_id AND list_contains(m.reason_classes, r.reason)
            QUALIFY row_number() OVER (PARTITION BY r.reason, r.event_id ORDER BY m.score DESC, m.mention_id) = 1
        ),
        telling AS (
            FROM quoted
            -- What one article says of several who act is quoted once, and a lone word only where there is no more.
            QUALIFY row_number() OVER (
                PARTITION BY reason, article_id
                ORDER BY contains(reason_quote, ' ') DESC, voices DESC, last_reported DESC, event_id
            ) = 1
        ),
        chosen AS MATERIALIZED (
            FROM telling
            QUALIFY row_number() OVER (
                PARTITION BY reason
                ORDER BY contains(reason_quote, ' ') DESC, voices DESC, last_reported DESC, event_id
            ) <= $most
        )
        SELECT c.reason, c.restrictions, c.event_id, c.service_canonical, c.country, c.actor_canonical, c.date_value,
            c.reason_quote, c.reason_start, c.reason_end, c.article_id, c.version, coalesce(s.name, a.site) AS source,
            a.url
        FROM chosen AS c
            JOIN (FROM articles WHERE article_id IN (SELECT article_id FROM chosen)) AS a USING (article_id)
            LEFT JOIN sources AS s USING (source_id)
        ORDER BY c.restrictions DESC, c.reason, c.voices DESC, c.last_reported DESC, c.event_id
        """,
        where=subject.where,
        reasons=MOST_REASONS,
        considered=_CONSIDERED,
        mentions=_MENTIONS,
        most=MOST_QUOTED,
    )


class Acting(NamedTuple):
    """Who acts (None for bodies that no text names), and how much."""

    actor: str | None
    country: str
    kind: str | None
    restrictions: int
    in_force: int
    services: int


def acting(subject: Subject, most: int) -> Sql:
    """Rows of `Acting`: those with the most restrictions."""
    return filled(
        """
        SELECT actor_canonical, country, mode(actor_kind) AS kind, count(*) AS restrictions,
            count(*) FILTER (WHERE NOT lifted) AS in_force, count(DISTINCT service_canonical) AS services
        FROM imposed
        WHERE $where
        GROUP BY actor_canonical, country
        ORDER BY restrictions DESC, actor_canonical NULLS LAST, country
        LIMIT $most
        """,
        where=subject.where,
        most=most,
    )

"""Events found by filters and words: a page of them, how many by each value, and all of them with their evidence."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Final, Literal, TypeAlias

from warehouse.dashboard.asking import Sql, filled, literal
from warehouse.dashboard.search import QUOTES, Term, hits
from warehouse.event_list import EVENT_COLUMNS

NONE: Final = "none"
"""Stands among the values of a filter for what no text states."""

Facet: TypeAlias = Literal[
    "action", "status", "side", "kind", "scope", "reason", "dated", "ended", "country", "service", "actor"
]

PRECISION: Final = Sql(
    """CASE
        WHEN date_from IS NULL THEN 'none'
        WHEN date_from = date_to THEN 'day'
        WHEN date_trunc('month', date_from) = date_trunc('month', date_to) THEN 'month'
        ELSE 'year'
    END"""
)
"""How exact a date is, as the column date_precision of `imposed` has it."""

_COLUMN_OF: Final[Mapping[Facet, str]] = {
    "action": "action",
    "status": "status",
    "side": "side",
    "kind": "actor_kind",
    "scope": "scope_class",
    "dated": "dated",
    "ended": "ended",
    "country": "country",
    "service": "service_canonical",
    "actor": "actor_canonical",
}
_FACETS: Final[tuple[Facet, ...]] = (*_COLUMN_OF, "reason")

_OF_HITS: Final = "SELECT event_id FROM event_mentions WHERE mention_id IN (FROM hits)"
_GIVEN: Final = "SELECT unnest($1::JSON::VARCHAR[])"

SORTS: Final[Mapping[str, tuple[str, str]]] = {
    "date": ("coalesce(date_from, first_reported)", "coalesce(date_to, first_reported)"),
    "reported": ("first_reported", "first_reported"),
    "learned": ("learned_on", "learned_on"),
    "country": ("coalesce(c.name, country)", "coalesce(c.name, country)"),
    "service": ("lower(service_canonical)", "lower(service_canonical)"),
    "actor": ("lower(actor_canonical)", "lower(actor_canonical)"),
    "action": ("action", "action"),
    "status": ("status", "status"),
    "scope": ("scope_class", "scope_class"),
    "voices": ("voices", "voices"),
    "articles": ("articles", "articles"),
    "score": ("score", "score"),
}
"""What events can be sorted by: where it rises, and where it falls. What is not known comes last both times."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are wanted. Several values of one filter widen it, several filters narrow; empty is no filter.

    Values are those of the columns, with `NONE` for what is not stated. `actor_parts` are parts of names. `since` and
    `until` hold, as in `warehouse.event_list`, against the days that the stated date allows and for an undated event
    against its first report; `reported_since` and `reported_until` against the days of reports; `on` is a day on which
    a restriction was surely in force.

    Terms are looked for in all that was ever said, which takes long. With `is_found` a question takes the ids of the
    events that `found` gave as its parameter instead: for several questions about the same words.
    """

    terms: tuple[Term, ...] = ()
    service: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    actor: tuple[str, ...] = ()
    actor_parts: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    action: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    side: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    reason: tuple[str, ...] = ()
    dated: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    reported_since: date | None = None
    reported_until: date | None = None
    on: date | None = None
    score: float | None = None
    voices: int | None = None
    everything: bool = False
    is_found: bool = False

    def __bool__(self) -> bool:
        return any(getattr(self, one.name) not in ((), None, False) for one in fields(self))


@dataclass(frozen=True, slots=True)
class Order:
    """By what events are sorted: a key of SORTS."""

    by: str = "date"
    falls: bool = True


def found(terms: Sequence[Term]) -> Sql:
    """A question for the ids of all events that have the terms."""
    return Sql(f"{_with([hits(terms)])}\n{_OF_HITS.replace('SELECT', 'SELECT DISTINCT', 1)}")


def page(wanted: Wanted, order: Order, size: int, offset: int) -> Sql:
    """A question for EVENT_COLUMNS of the events wanted, `size` of them from `offset` on."""
    return filled(
        """
        $tables
        SELECT $columns
        FROM $source
        WHERE $conditions
        ORDER BY $order
        LIMIT $size OFFSET $offset
        """,
        tables=_with(_tables(wanted)),
        columns=Sql(EVENT_COLUMNS),
        source=_source(order),
        conditions=_and(_conditions(wanted).values()),
        order=_order(order),
        size=size,
        offset=offset,
    )


def counts(wanted: Wanted) -> Sql:
    """A question for numbers of events: facet, value, period, events.

    Of each facet its values, counted among the events that all other filters leave; under "all" how many fit in all;
    by action under "month" those dated to a day or month of it, under "year" those dated to a year, and under "undated"
    the others.
    """
    conditions = _conditions(wanted)
    own = {name: condition for name, condition in conditions.items() if name in _FACETS}
    others = [condition for name, condition in conditions.items() if name not in own]
    flags = "".join(f",\n        {condition} AS fits_{name}" for name, condition in own.items())
    pool = filled(
        """
        pool AS MATERIALIZED (
            SELECT action, status, side, actor_kind, scope_class, reason_classes, country, service_canonical,
                actor_canonical, CASE WHEN lifted THEN 'yes' ELSE 'no' END AS ended, $precision AS dated,
                date_from$flags
            FROM events
            WHERE $others
        )
        """,
        precision=_deeper(PRECISION, 4),
        flags=Sql(_deeper(flags, 4)),
        others=_deeper(_and(others), 4),
    )
    fits = Sql("\nWHERE " + " AND ".join(f"fits_{name}" for name in own) if own else "")
    parts = [
        filled(
            "SELECT 'all' AS facet, NULL AS value, NULL::DATE AS period, count(*) AS events\nFROM pool$fits", fits=fits
        ),
        filled(
            """
            SELECT CASE dated WHEN 'none' THEN 'undated' WHEN 'year' THEN 'year' ELSE 'month' END, action,
                CASE dated WHEN 'year' THEN date_trunc('year', date_from) ELSE date_trunc('month', date_from) END::DATE,
                count(*)
            FROM pool$fits GROUP BY ALL
            """,
            fits=fits,
        ),
        *(_facet(facet, [name for name in own if name != facet]) for facet in _FACETS),
    ]
    return filled("$tables\n$parts", tables=_with([*_tables(wanted), pool]), parts=Sql("\nUNION ALL\n".join(parts)))


def _facet(facet: Facet, others: Sequence[str]) -> Sql:
    fits = Sql(" AND ".join(f"fits_{name}" for name in others) or "true")
    if facet == "reason":
        return filled(
            """
            SELECT 'reason', reason, NULL, count(*)
            FROM (SELECT unnest(reason_classes) AS reason FROM pool WHERE $fits) GROUP BY ALL
            UNION ALL
            SELECT 'reason', 'none', NULL, count(*) FROM pool WHERE reason_classes = [] AND $fits
            """,
            fits=fits,
        )
    return filled(
        "SELECT $facet, coalesce($column, 'none'), NULL, count(*) FROM pool WHERE $fits GROUP BY ALL",
        facet=facet,
        column=Sql(_COLUMN_OF[facet]),
        fits=fits,
    )


def stated(event_ids: Sequence[str], terms: Sequence[Term]) -> Sql:
    """A question for the words of each of a few events: those of the mention that has the terms, or states it best.

    event_id, the quotes, where each begins, article id and version, title, url, source. The rows of mentions and
    articles are found first: a join on their ids would read whole columns.
    """
    said = f"concat_ws(' | ', {', '.join(f'm.{one}' for one in QUOTES)}, a.title)"
    fits = [filled("regexp_matches($said, $pattern)", said=Sql(said), pattern=f"(?i){one.pattern}") for one in terms]
    return filled(
        """
        WITH told AS MATERIALIZED (
            SELECT event_id, mention_id FROM event_mentions WHERE event_id IN (SELECT unnest($ids))
        ),
        stating AS MATERIALIZED (
            SELECT * FROM mentions
            WHERE rowid IN (SELECT rowid FROM mentions WHERE mention_id IN (SELECT mention_id FROM told))
        ),
        titled AS MATERIALIZED (
            SELECT article_id, title, url, site, source_id FROM articles
            WHERE rowid IN (SELECT rowid FROM articles WHERE article_id IN (SELECT article_id FROM stating))
        )
        SELECT told.event_id, $quotes, $starts, m.article_id, m.version, coalesce(v.title, a.title) AS title, a.url,
            coalesce(s.name, a.site) AS source
        FROM told
        JOIN stating AS m USING (mention_id)
        JOIN titled AS a USING (article_id)
        LEFT JOIN article_versions AS v ON v.article_id = m.article_id AND v.version = m.version
        LEFT JOIN sources AS s ON s.source_id = a.source_id
        QUALIFY row_number() OVER (
            PARTITION BY told.event_id ORDER BY $fits m.withdrawn_on IS NOT NULL, m.score DESC, m.mention_id
        ) = 1
        """,
        quotes=Sql(", ".join(f"m.{one}" for one in QUOTES)),
        starts=Sql(", ".join(f"m.{one.removesuffix('_quote')}_start" for one in QUOTES)),
        ids=list(event_ids),
        fits=Sql(f"{' AND '.join(fits)} DESC, " if fits else ""),
    )


def everything(wanted: Wanted, order: Order, columns: Sequence[str]) -> Sql:
    """A question for all events wanted, in order: event_id, `columns` of `events`, and the words that state each.

    These are of the mention that has the terms or states it best: quote with its offsets, and the article.
    """
    return filled(
        """
        $tables
        SELECT e.event_id, $columns, m.trigger_quote AS quote, m.trigger_start AS quote_start,
            m.trigger_end AS quote_end, m.mention_id, m.version AS article_version,
            coalesce(v.title, a.title) AS article_title, a.url AS article_url
        FROM found AS e
        JOIN best USING (event_id)
        JOIN mentions AS m USING (mention_id)
        JOIN articles AS a USING (article_id)
        LEFT JOIN article_versions AS v ON v.article_id = m.article_id AND v.version = m.version
        ORDER BY e.place
        """,
        tables=_with(
            [
                *_tables(wanted),
                filled(
                    """
                    found AS (
                        SELECT events.*, row_number() OVER (ORDER BY $order) AS place
                        FROM $source
                        WHERE $conditions
                    )
                    """,
                    order=_order(order),
                    source=_source(order),
                    conditions=_deeper(_and(_conditions(wanted).values()), 4),
                ),
                filled(
                    """
                    best AS (
                        SELECT event_id,
                            arg_min(mention_id, row($hit withdrawn_on IS NOT NULL, -score, mention_id)) AS mention_id
                        FROM event_mentions JOIN mentions USING (mention_id)
                        WHERE event_id IN (SELECT event_id FROM found)
                        GROUP BY event_id
                    )
                    """,
                    hit=Sql("mention_id NOT IN (FROM hits)," if wanted.terms else ""),
                ),
            ]
        ),
        columns=Sql(", ".join(f"e.{one}" for one in columns)),
    )


def _tables(wanted: Wanted) -> list[Sql]:
    return [hits(wanted.terms)] if wanted.terms and not wanted.is_found else []


def _with(tables: Sequence[Sql]) -> Sql:
    return Sql("WITH " + ",\n".join(tables) if tables else "")


def _source(order: Order) -> Sql:
    return Sql("events LEFT JOIN countries AS c ON c.code = country" if order.by == "country" else "events")


def _order(order: Order) -> Sql:
    rising, falling = SORTS[order.by]
    first = f"{falling} DESC" if order.falls else rising
    latest = "" if order.by == "date" else "coalesce(date_to, first_reported) DESC NULLS LAST, "
    return Sql(f"{first} NULLS LAST, {latest}event_id")


def _and(conditions: Iterable[str]) -> Sql:
    return Sql("\n    AND ".join(conditions) or "true")


def _deeper(text: str, by: int) -> Sql:
    return Sql(text.replace("\n", "\n" + " " * by))


def _conditions(wanted: Wanted) -> dict[str, Sql]:
    """Name of a filter → what it asks of a row of `events`."""
    found: dict[str, Sql] = {}
    if not wanted.everything:
        found["everything"] = Sql("NOT retracted AND NOT dismissed")
    if wanted.terms:
        found["terms"] = Sql(f"event_id IN ({_GIVEN if wanted.is_found else _OF_HITS})")
    for facet, column in _COLUMN_OF.items():
        if facet not in ("actor", "dated", "ended") and (values := getattr(wanted, facet)):
            found[facet] = _among(column, values)
    if wanted.actor or wanted.actor_parts:
        parts = [filled("contains(lower(actor_canonical), lower($part))", part=part) for part in wanted.actor_parts]
        exact = [_among("actor_canonical", wanted.actor)] if wanted.actor else []
        found["actor"] = Sql(f"({' OR '.join([*exact, *parts])})")
    if wanted.category:
        found["category"] = filled(
            "service_canonical IN (SELECT name FROM services WHERE $among)", among=_among("category", wanted.category)
        )
    if wanted.reason:
        named = [one for one in wanted.reason if one != NONE]
        either = [filled("list_has_any(reason_classes, $named)", named=named)] if named else []
        either += [Sql("reason_classes = []")] if NONE in wanted.reason else []
        found["reason"] = Sql(f"({' OR '.join(either)})")
    if wanted.dated:
        found["dated"] = filled("$precision IN $values", precision=PRECISION, values=_listed(wanted.dated))
    if len(set(wanted.ended)) == 1:
        found["ended"] = Sql("lifted" if wanted.ended[0] == "yes" else "NOT lifted")
    return found | _bounds(wanted)


def _bounds(wanted: Wanted) -> dict[str, Sql]:
    asked = {
        "since": ("coalesce(date_to, first_reported) >= $value", wanted.since),
        "until": ("coalesce(date_from, first_reported) <= $value", wanted.until),
        "reported_since": ("last_reported >= $value", wanted.reported_since),
        "reported_until": ("first_reported <= $value", wanted.reported_until),
        "on": ("event_id IN (SELECT event_id FROM in_force_on($value))", wanted.on),
        "score": ("score >= $value", wanted.score),
        "voices": ("voices >= $value", wanted.voices),
    }
    return {name: filled(sql, value=value) for name, (sql, value) in asked.items() if value is not None}


def _among(column: str, values: Sequence[str]) -> Sql:
    named = [one for one in values if one != NONE]
    parts = [f"{column} IN {_listed(named)}"] if named else []
    parts += [f"{column} IS NULL"] if NONE in values else []
    return Sql(parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})")


def _listed(values: Sequence[str]) -> Sql:
    return Sql(f"({', '.join(map(literal, values))})")

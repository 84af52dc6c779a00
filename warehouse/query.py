"""Questions to a published snapshot: lists of events, one event with all its evidence, free SQL, exports."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pipeline.errors import InputError, WarehouseError
from pipeline.types import Action, ActorKind, Mention, ReasonClass, ScopeClass, Side, Status, TextOrigin, Transition
from warehouse import names
from warehouse.export import export
from warehouse.reader import Reader, open_reader
from warehouse.schema import SCHEMA_VERSION
from warehouse.snapshot import DATABASE_NAME
from warehouse.sql import Table, run_sql
from warehouse.tables import mentions

__all__ = [
    "ArticleLine",
    "Dissent",
    "EventDetail",
    "EventFilter",
    "EventRow",
    "MentionDetail",
    "Reader",
    "Table",
    "VersionLine",
    "connect_snapshot",
    "event",
    "events",
    "export",
    "run_sql",
]

SHORTEST_PREFIX = 4


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted; None stands for all.

    `service` is any name of a service, `country` a code or name, `actor` part of a name; `action` and `status` are
    classes of the guidelines. `since` and `until` (inclusive) hold against the days that the event's stated date allows
    and, for an undated event, against the day it was first reported.
    """

    service: str | None = None
    country: str | None = None
    actor: str | None = None
    action: str | None = None
    status: str | None = None
    since: date | None = None
    until: date | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event without its evidence. `first_reported` is when articles told of it, never the event's own date."""

    id: str
    action: Action
    side: Side
    status: Status
    country: str
    service: str
    actor: str | None
    actor_kind: ActorKind | None
    scope: str | None
    scope_class: ScopeClass | None
    date_value: str | None
    date_from: date | None
    date_to: date | None
    lifted: bool
    reason_classes: tuple[ReasonClass, ...]
    first_reported: date | None
    last_reported: date | None
    stories: int
    articles: int
    score: float
    why: str


@dataclass(frozen=True, slots=True)
class VersionLine:
    """An earlier version of an article: its number, its title then, and when it was fetched."""

    version: int
    title: str
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class ArticleLine:
    """An article as it is cited. `earlier` are its versions before the current one, `version`, the oldest first."""

    id: str
    title: str
    url: str
    source: str | None
    site: str | None
    published: date | None
    text_origin: TextOrigin
    paywalled: bool
    story_id: str
    soft_404: bool
    modified: date | None
    version: int
    fetched_at: datetime
    earlier: tuple[VersionLine, ...] = ()


@dataclass(frozen=True, slots=True)
class MentionDetail:
    """What one article states of the event, in its own words, and the article."""

    mention: Mention
    article: ArticleLine


@dataclass(frozen=True, slots=True)
class Dissent:
    """A field on which the articles of an event do not agree: each stated value and how many stories state it."""

    field: str
    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class EventDetail:
    """One event with its steps and all its evidence.

    `copies` are further articles that carry the text of one that mentions it. `asked` is the id that was asked for,
    where that event was merged into this one.
    """

    event: EventRow
    transitions: tuple[Transition, ...]
    mentions: tuple[MentionDetail, ...]
    copies: tuple[ArticleLine, ...]
    dissent: tuple[Dissent, ...]
    asked: str | None = None


_EVENT_COLUMNS = (
    "event_id, action, side, status, country, service_canonical, actor_canonical, actor_kind, scope, scope_class, "
    "date_value, date_from, date_to, lifted, reason_classes, first_reported, last_reported, stories, articles, "
    "score, why"
)
_ARTICLE_COLUMNS = (
    "a.article_id, a.title, a.url, src.name, a.site, a.published_on, a.text_origin, a.paywalled, s.story_id, "
    "a.soft_404, a.modified_on, a.version, a.fetched_at"
)


def connect_snapshot(path: Path) -> Reader:
    """Open the snapshot at `path`: its DuckDB file, or the folder it was published to.

    Raises InputError where there is none, WarehouseError where it is damaged or of a newer schema.
    """
    reader = open_reader(path / DATABASE_NAME if path.is_dir() else path)
    try:
        if "manifest" not in reader.tables():
            raise InputError(f"{path} is no published snapshot", hint="`clampdown run` publishes one.")
        version = int(reader.rows("SELECT value FROM manifest WHERE key = 'schema_version'")[0][0])
        if version > SCHEMA_VERSION:
            raise WarehouseError(
                f"{path} has schema {version}; this program knows schemas up to {SCHEMA_VERSION}",
                hint="Update the program.",
            )
    except BaseException:
        reader.close()
        raise
    return reader


def events(reader: Reader, wanted: EventFilter | None = None) -> list[EventRow]:
    """The events that fit, the latest first: by last day that the date allows, or day of first report where undated.

    Raises InputError where the filter names no known service, country, action or status.
    """
    wanted = wanted or EventFilter()
    clauses: list[tuple[str, list[object]]] = []
    if wanted.service is not None:
        clauses.append(
            ("service_canonical IN (SELECT unnest(?::JSON::VARCHAR[]))", [names.services(reader, wanted.service)])
        )
    if wanted.country is not None:
        clauses.append(("country = ?", [names.country(reader, wanted.country)]))
    if wanted.actor is not None:
        clauses.append(
            (
                "(contains(lower(actor_canonical), lower(?)) "
                "OR actor_canonical IN (SELECT unnest(?::JSON::VARCHAR[])))",
                [wanted.actor, names.actors(reader, wanted.actor)],
            )
        )
    if wanted.action is not None:
        clauses.append(("action = ?", [names.member(Action, "action", wanted.action)]))
    if wanted.status is not None:
        clauses.append(("status = ?", [names.member(Status, "status", wanted.status)]))
    if wanted.since is not None:
        clauses.append(("coalesce(date_to, first_reported) >= ?", [wanted.since]))
    if wanted.until is not None:
        clauses.append(("coalesce(date_from, first_reported) <= ?", [wanted.until]))
    sql = f"SELECT {_EVENT_COLUMNS} FROM events"
    if clauses:
        sql += " WHERE " + " AND ".join(clause for clause, _ in clauses)
    sql += " ORDER BY coalesce(date_to, first_reported) DESC NULLS LAST, event_id"
    parameters = [parameter for _, bound in clauses for parameter in bound]
    if wanted.limit is not None:
        if wanted.limit < 0:
            raise InputError(f"the limit {wanted.limit} is negative")
        sql += " LIMIT ?"
        parameters.append(wanted.limit)
    return [_event_row(row) for row in reader.rows(sql, parameters)]


def event(reader: Reader, id_or_prefix: str) -> EventDetail:
    """The event with that id, or whose id alone begins so. An id that was merged away leads to its successor.

    Raises InputError where no event or more than one fits.
    """
    event_id = _find(reader, id_or_prefix.strip().lower())
    forwarded = reader.rows("SELECT new_id FROM event_forwards WHERE old_id = ?", [event_id])
    current = event_id
    if forwarded:
        if forwarded[0][0] is None:
            raise InputError(f"event {event_id} was withdrawn: no article states it any longer")
        current = forwarded[0][0]
    row = _event_row(reader.rows(f"SELECT {_EVENT_COLUMNS} FROM events WHERE event_id = ?", [current])[0])
    found = _mentions(reader, current)
    return EventDetail(
        event=row,
        transitions=_transitions(reader, current),
        mentions=found,
        copies=_copies(reader, current),
        dissent=_dissent(found),
        asked=event_id if forwarded else None,
    )


def _find(reader: Reader, prefix: str) -> str:
    if len(prefix) < SHORTEST_PREFIX:
        raise InputError(
            f"{prefix!r} is too short for an event's id", hint=f"Give {SHORTEST_PREFIX} characters or more."
        )
    found = reader.rows(
        """
        SELECT event_id FROM (SELECT event_id FROM events UNION SELECT old_id FROM event_forwards)
        WHERE starts_with(event_id, ?) ORDER BY event_id LIMIT 6
        """,
        [prefix],
    )
    if not found:
        raise InputError(f"there is no event {prefix}", hint="`clampdown events` lists them.")
    if len(found) > 1:
        listed = ", ".join(event_id for (event_id,) in found[:5]) + (", …" if len(found) > 5 else "")
        raise InputError(f"{prefix} may be one of {listed}", hint="Give more characters.")
    return str(found[0][0])


def _event_row(row: Sequence[Any]) -> EventRow:
    (id_, action, side, status, country, service, actor, kind, scope, scope_class, *rest) = row
    value, first, last, lifted, reasons, *reported = rest
    return EventRow(
        id_,
        Action(action),
        Side(side),
        Status(status),
        country,
        service,
        actor,
        None if kind is None else ActorKind(kind),
        scope,
        None if scope_class is None else ScopeClass(scope_class),
        value,
        first,
        last,
        lifted,
        tuple(ReasonClass(reason) for reason in reasons),
        *reported,
    )


def _transitions(reader: Reader, event_id: str) -> tuple[Transition, ...]:
    rows = reader.rows(
        "SELECT status, action, date_value, reported_on, mention_id FROM event_transitions "
        "WHERE event_id = ? ORDER BY position",
        [event_id],
    )
    return tuple(Transition(Status(status), Action(action), *rest) for status, action, *rest in rows)


def _mentions(reader: Reader, event_id: str) -> tuple[MentionDetail, ...]:
    columns = list(reader.columns("mentions"))
    listed = ", ".join(f"m.{name}" for name in columns)
    rows = reader.rows(
        f"""
        SELECT {listed}, {_ARTICLE_COLUMNS}
        FROM event_mentions AS em JOIN mentions AS m USING (mention_id) JOIN articles AS a USING (article_id)
            JOIN story_members AS s USING (article_id) LEFT JOIN sources AS src ON src.source_id = a.source_id
        WHERE em.event_id = ?
        ORDER BY a.published_on NULLS LAST, a.article_id, m.trigger_start, m.mention_id
        """,
        [event_id],
    )
    articles = [_article(row[len(columns) :]) for row in rows]
    earlier = _versions(reader, [article.id for article in articles if article.version > 1])
    return tuple(
        MentionDetail(
            mentions.read_mention(dict(zip(columns, row, strict=False))),
            replace(article, earlier=tuple(earlier.get(article.id, ()))),
        )
        for row, article in zip(rows, articles, strict=True)
    )


def _versions(reader: Reader, article_ids: Sequence[str]) -> dict[str, list[VersionLine]]:
    found: dict[str, list[VersionLine]] = {}
    for article_id, number, title, fetched_at in reader.rows(
        "SELECT article_id, version, title, fetched_at FROM article_versions "
        "WHERE article_id IN (SELECT unnest(?::JSON::VARCHAR[])) ORDER BY article_id, version",
        [list(article_ids)],
    ):
        found.setdefault(article_id, []).append(VersionLine(number, title, fetched_at.replace(tzinfo=UTC)))
    return found


def _copies(reader: Reader, event_id: str) -> tuple[ArticleLine, ...]:
    rows = reader.rows(
        f"""
        WITH citing AS (
            SELECT m.article_id FROM event_mentions JOIN mentions AS m USING (mention_id) WHERE event_id = ?
        )
        SELECT {_ARTICLE_COLUMNS}
        FROM articles AS a JOIN story_members AS s USING (article_id)
            LEFT JOIN sources AS src ON src.source_id = a.source_id
        WHERE s.story_id IN (SELECT story_id FROM story_members WHERE article_id IN (FROM citing))
            AND a.article_id NOT IN (FROM citing)
        ORDER BY a.published_on NULLS LAST, a.article_id
        """,
        [event_id],
    )
    return tuple(_article(row) for row in rows)


def _article(row: Sequence[Any]) -> ArticleLine:
    id_, title, url, source, site, published, origin, paywalled, story_id, *state, read_at = row
    named = (id_, title, url, source, site, published)
    soft_404, modified, version = state
    return ArticleLine(
        *named, TextOrigin(origin), paywalled, story_id, soft_404, modified, version, read_at.replace(tzinfo=UTC)
    )


def _dissent(found: Sequence[MentionDetail]) -> tuple[Dissent, ...]:
    """Where stated values differ. A field that an article leaves out disagrees with nothing."""
    dissent = []
    for field in ("action", "status", "actor_canonical", "country", "scope_class", "date_value"):
        stories: dict[str, set[str]] = {}
        for detail in found:
            value = getattr(detail.mention, field)
            if value is not None:
                stories.setdefault(str(value), set()).add(detail.article.story_id)
        if len(stories) > 1:
            values = sorted(((value, len(ids)) for value, ids in stories.items()), key=lambda pair: (-pair[1], pair[0]))
            dissent.append(Dissent(field, tuple(values)))
    return tuple(dissent)

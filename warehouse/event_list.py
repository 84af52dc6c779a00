"""Lists of events, asked of a published snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipeline.errors import InputError
from pipeline.types import Action, ActorKind, ReasonClass, ScopeClass, Side, Status
from warehouse import names
from warehouse.reader import Reader


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted; None stands for all.

    `service` is any name of a service, `country` a code or name, `actor` part of a name; `action` and `status` are
    classes of the guidelines. `since` and `until` (inclusive) hold against the days that the event's stated date allows
    and, for an undated event, against the day it was first reported. `everything` brings those events too that all
    articles have withdrawn or a person has dismissed.
    """

    service: str | None = None
    country: str | None = None
    actor: str | None = None
    action: str | None = None
    status: str | None = None
    since: date | None = None
    until: date | None = None
    limit: int | None = None
    everything: bool = False


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
    voices: int
    stories: int
    articles: int
    score: float
    why: str
    learned_on: date | None
    retracted: bool
    dismissed: bool


EVENT_COLUMNS = (
    "event_id, action, side, status, country, service_canonical, actor_canonical, actor_kind, scope, scope_class, "
    "date_value, date_from, date_to, lifted, reason_classes, first_reported, last_reported, voices, stories, "
    "articles, score, why, learned_on, retracted, dismissed"
)


def events(reader: Reader, wanted: EventFilter | None = None) -> list[EventRow]:
    """The events that fit, the latest first: by last day that the date allows, or day of first report where undated.

    Raises InputError where the filter names no known service, country, action or status.
    """
    wanted = wanted or EventFilter()
    clauses: list[tuple[str, list[object]]] = []
    if not wanted.everything:
        clauses.append(("NOT retracted AND NOT dismissed", []))
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
    sql = f"SELECT {EVENT_COLUMNS} FROM events"
    if clauses:
        sql += " WHERE " + " AND ".join(clause for clause, _ in clauses)
    sql += " ORDER BY coalesce(date_to, first_reported) DESC NULLS LAST, event_id"
    parameters = [parameter for _, bound in clauses for parameter in bound]
    if wanted.limit is not None:
        if wanted.limit < 0:
            raise InputError(f"the limit {wanted.limit} is negative")
        sql += " LIMIT ?"
        parameters.append(wanted.limit)
    return [event_row(row) for row in reader.rows(sql, parameters)]


def event_row(row: Sequence[Any]) -> EventRow:
    """A row of EVENT_COLUMNS as an EventRow."""
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

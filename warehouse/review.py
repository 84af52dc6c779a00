"""What waits for a person, the most useful first, and what people have decided; asked of a published snapshot."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from pipeline.errors import InputError
from warehouse import names
from warehouse.reader import Reader
from warehouse.review_queue import Differing, Kind, Waiting, queue


@dataclass(frozen=True, slots=True)
class EventLine:
    """An event in a line."""

    id: str
    date_value: str | None
    country: str
    actor: str | None
    action: str
    status: str
    service: str
    scope: str | None
    voices: int
    articles: int
    score: float
    first_reported: date | None


@dataclass(frozen=True, slots=True)
class Question:
    """Something that waits for a person, with the events that it is about; the rest as in `Waiting`."""

    kind: Kind
    weight: float
    events: tuple[EventLine, ...]
    why: str
    points: float | None = None
    differing: tuple[Differing, ...] = ()
    decision_id: str | None = None


@dataclass(frozen=True, slots=True)
class LoggedDecision:
    """A decision with its state, and the events that hold its mentions now."""

    id: str
    kind: str
    author: str
    decided_at: datetime
    reason: str
    field: str | None
    value: str | None
    revokes: str | None
    about: tuple[str, ...]
    state: str
    events: tuple[str, ...]


def check(reader: Reader) -> None:
    """Raise InputError where the snapshot is from before there were decisions."""
    if "decisions" not in reader.tables():
        raise InputError(
            f"{reader.path} was published before there were reviews", hint="`clampdown run` publishes a new one."
        )


def model_of(reader: Reader) -> str:
    """The model that the snapshot names."""
    rows = reader.rows("SELECT value FROM manifest WHERE key = 'model'")
    return str(json.loads(rows[0][0])) if rows else ""


def waiting(reader: Reader, *, service: str | None = None, country: str | None = None) -> list[Question]:
    """All that waits for a person, the most useful first. `service` and `country` are any names of these."""
    check(reader)
    found = questions(reader, queue(reader))
    if service is not None:
        wanted = set(names.services(reader, service))
        found = [one for one in found if any(line.service in wanted for line in one.events)]
    if country is not None:
        code = names.country(reader, country)
        found = [one for one in found if any(line.country == code for line in one.events)]
    return found


def questions(reader: Reader, some: Iterable[Waiting]) -> list[Question]:
    """What waits, with the events that are still there, in order."""
    asked = list(some)
    known = lines(reader, [event_id for one in asked for event_id in one.event_ids])
    return [
        Question(
            one.kind,
            one.weight,
            tuple(known[event_id] for event_id in one.event_ids if event_id in known),
            one.why,
            one.points,
            one.differing,
            one.decision_id,
        )
        for one in asked
    ]


def log(reader: Reader, event_id: str | None = None) -> list[LoggedDecision]:
    """The decisions, the latest first; only those about one event where its id is given."""
    check(reader)
    rows = reader.rows(
        """
        WITH held AS (
            SELECT decision_id, list(DISTINCT event_id ORDER BY event_id) AS events
            FROM decision_mentions JOIN event_mentions USING (mention_id) GROUP BY decision_id
        )
        SELECT decision_id, kind, author, decided_at, reason, field, value, revokes, about, state,
            coalesce(events, []::VARCHAR[])
        FROM decisions LEFT JOIN held USING (decision_id)
        WHERE $1 IS NULL OR list_contains(about, $1) OR list_contains(events, $1)
        ORDER BY decided_at DESC, decision_id
        """,
        [event_id],
    )
    return [_logged(row) for row in rows]


def decision_ids(reader: Reader) -> frozenset[str]:
    """The decisions that the snapshot knows."""
    return frozenset(str(decision_id) for (decision_id,) in reader.rows("SELECT decision_id FROM decisions"))


def _logged(row: Sequence[Any]) -> LoggedDecision:
    id_, kind, author, decided_at, reason, field, value, revokes, about, state, events = row
    at = decided_at.replace(tzinfo=UTC)
    return LoggedDecision(id_, kind, author, at, reason, field, value, revokes, tuple(about), state, tuple(events))


def lines(reader: Reader, event_ids: Iterable[str]) -> dict[str, EventLine]:
    """Event id → the event in a line, for those that are there."""
    rows = reader.rows(
        """
        SELECT event_id, date_value, country, actor_canonical, action, status, service_canonical, scope, voices,
            articles, score, first_reported
        FROM events WHERE event_id IN (SELECT unnest(?::JSON::VARCHAR[]))
        """,
        [sorted(set(event_ids))],
    )
    return {row[0]: EventLine(*row) for row in rows}

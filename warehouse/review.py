"""What waits for a person, the most useful first, and what people have decided; asked of a published snapshot."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from math import log2
from typing import Any

from pipeline.errors import InputError
from pipeline.matching import DIFFERENT_BELOW, SAME_FROM
from pipeline.statements import stated_days
from warehouse import names
from warehouse.reader import Reader

LOW_SCORE = 0.6
"""An event that scores less may well be none."""

FIELD_WEIGHTS = {"country": 1.0, "date_value": 0.8, "action": 0.4, "scope_class": 0.4}
"""How much a wrong value misleads. Who acts is left out: one body has many names."""

PAIR, SCORE, DISAGREEMENT, GROWN, LOST = "pair", "score", "disagreement", "grown", "lost"
FIRST = 100.0
"""The weight of what a person has said and is not heard."""


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
class Differing:
    """A field on which the stories of an event do not agree: each value and how many stories state it, most first."""

    field: str
    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Question:
    """Something that waits for a person. `weight` is how much an answer helps: doubt times reach.

    `kind`: a `pair` of events that may be one; an event of low `score`; a `disagreement` about fields; a rejected event
    that has `grown` since; a decision whose mentions are `lost`. `points` are those of the pair.
    """

    kind: str
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
    found = [*_lost(reader), *_pairs(reader), *_disagreements(reader), *_low_scores(reader), *_grown(reader)]
    if service is not None:
        wanted = set(names.services(reader, service))
        found = [one for one in found if any(line.service in wanted for line in one.events)]
    if country is not None:
        code = names.country(reader, country)
        found = [one for one in found if any(line.country == code for line in one.events)]
    return sorted(found, key=lambda one: (-one.weight, one.kind, [line.id for line in one.events], one.why))


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


def _reach(some: Iterable[EventLine]) -> float:
    return 1 + log2(1 + sum(line.voices for line in some))


def _pairs(reader: Reader) -> list[Question]:
    """Pairs of events that the machine could neither join nor tell apart, and nobody has yet."""
    rows = reader.rows(
        """
        WITH decided AS (
            SELECT a.mention_id AS one, b.mention_id AS other
            FROM decision_mentions AS a JOIN decision_mentions AS b USING (decision_id)
                JOIN decisions AS d USING (decision_id)
            WHERE d.kind = 'different' AND d.state = 'in_force' AND a.side <> b.side
        )
        SELECT least(a.event_id, b.event_id), greatest(a.event_id, b.event_id), max(u.points), arg_max(u.why, u.points)
        FROM unsure_pairs AS u
            JOIN event_mentions AS a ON a.mention_id = u.mention_a
            JOIN event_mentions AS b ON b.mention_id = u.mention_b
            JOIN events AS x ON x.event_id = a.event_id
            JOIN events AS y ON y.event_id = b.event_id
        WHERE a.event_id <> b.event_id AND NOT x.dismissed AND NOT y.dismissed
            AND NOT EXISTS (FROM decided WHERE one = u.mention_a AND other = u.mention_b)
        GROUP BY ALL
        """
    )
    known = lines(reader, [event_id for row in rows for event_id in row[:2]])
    found = []
    for first, second, points, why in rows:
        pair = tuple(sorted((known[first], known[second]), key=lambda line: (line.first_reported or date.max, line.id)))
        off = abs(points - (SAME_FROM + DIFFERENT_BELOW) / 2) / (SAME_FROM - DIFFERENT_BELOW)
        doubt = max(0.1, 1 - off)
        found.append(Question(PAIR, doubt * _reach(pair), pair, why.partition(": ")[2] or why, points))
    return found


def confirmed_events(reader: Reader) -> set[str]:
    """The events that a person has seen as they are: all of their mentions, and said what they are."""
    rows = reader.rows(
        """
        WITH seen AS (
            SELECT decision_id, mention_id FROM decision_mentions JOIN decisions USING (decision_id)
            WHERE kind IN ('restore', 'edit') AND state = 'in_force'
        ),
        covered AS (
            SELECT event_id, decision_id, count(*) AS held
            FROM event_mentions JOIN seen USING (mention_id) GROUP BY ALL
        )
        SELECT DISTINCT event_id FROM covered JOIN (
            SELECT event_id, count(*) AS held FROM event_mentions GROUP BY event_id
        ) USING (event_id, held)
        """
    )
    return {str(event_id) for (event_id,) in rows}


def _low_scores(reader: Reader) -> list[Question]:
    rows = reader.rows("SELECT event_id, score FROM events WHERE score < ? AND NOT dismissed", [LOW_SCORE])
    confirmed = confirmed_events(reader)
    known = lines(reader, [event_id for event_id, _ in rows])
    return [
        Question(SCORE, (1 - score) * _reach([known[event_id]]), (known[event_id],), f"it scores {score:.2f}")
        for event_id, score in rows
        if event_id not in confirmed
    ]


def _disagreements(reader: Reader) -> list[Question]:
    """Events whose stories state different values, unless a person has set the field or confirmed the event."""
    stated = " UNION ALL ".join(
        f"SELECT event_id, '{field}' AS field, {field} AS value, story_id FROM told" for field in FIELD_WEIGHTS
    )
    rows = reader.rows(
        f"""
        WITH told AS (
            SELECT em.event_id, s.story_id, m.action, m.scope_class, nullif(m.country, 'XX') AS country,
                CASE WHEN m.status = e.status THEN m.date_value END AS date_value
            FROM events AS e JOIN event_mentions AS em USING (event_id) JOIN mentions AS m USING (mention_id)
                JOIN story_members AS s USING (article_id)
            WHERE e.stories > 1 AND NOT e.dismissed AND m.withdrawn_on IS NULL
                AND (m.action = 'lift') = (e.action = 'lift')
        ),
        counted AS (
            SELECT event_id, field, value, count(DISTINCT story_id) AS told FROM ({stated})
            WHERE value IS NOT NULL GROUP BY ALL
        )
        SELECT event_id, field, value, told FROM counted ANTI JOIN (
            SELECT event_id, CASE field WHEN 'date' THEN 'date_value' WHEN 'scope' THEN 'scope_class' ELSE field END
                AS field FROM event_edits
        ) USING (event_id, field)
        QUALIFY count(*) OVER (PARTITION BY event_id, field) > 1
        ORDER BY event_id, field, told DESC, value
        """
    )
    values: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for event_id, field, value, told in rows:
        values.setdefault((event_id, field), []).append((value, told))
    confirmed = confirmed_events(reader)
    differing: dict[str, list[Differing]] = {}
    for (event_id, field), some in values.items():
        if event_id not in confirmed and not (field == "date_value" and _agree([value for value, _ in some])):
            differing.setdefault(event_id, []).append(Differing(field, tuple(some)))
    known = lines(reader, differing)
    found = []
    for event_id, fields in differing.items():
        doubt = max(FIELD_WEIGHTS[one.field] * one.values[1][1] / one.values[0][1] for one in fields)
        question = Question(DISAGREEMENT, doubt * _reach([known[event_id]]), (known[event_id],), _told(fields))
        found.append(replace(question, differing=tuple(fields)))
    return found


def _agree(values: Sequence[str]) -> bool:
    """Whether dates can all be true: a month agrees with its days."""
    spans = [span for value in values if (span := stated_days(value)) is not None]
    return max(first for first, _ in spans) <= min(last for _, last in spans) if spans else True


def _told(fields: Sequence[Differing]) -> str:
    return "; ".join(
        f"{one.field.removesuffix('_value').replace('_class', '')}: "
        + ", ".join(f"{told} {'story says' if told == 1 else 'stories say'} {value}" for value, told in one.values)
        for one in fields
    )


def _grown(reader: Reader) -> list[Question]:
    """Rejected events of which more is told now than when they were rejected."""
    rows = reader.rows(
        """
        SELECT event_id, count(*) FROM events JOIN event_mentions AS em USING (event_id)
        WHERE dismissed AND NOT EXISTS (
            FROM decision_mentions AS dm JOIN decisions AS d USING (decision_id)
            WHERE dm.mention_id = em.mention_id AND d.kind = 'reject' AND d.state = 'in_force'
        )
        GROUP BY event_id
        """
    )
    known = lines(reader, [event_id for event_id, _ in rows])
    return [
        Question(
            GROWN,
            log2(1 + more) * _reach([known[event_id]]),
            (known[event_id],),
            f"{more} {'mention has' if more == 1 else 'mentions have'} come since it was rejected",
        )
        for event_id, more in rows
    ]


def _lost(reader: Reader) -> list[Question]:
    rows = reader.rows(
        "SELECT decision_id, kind, reason, about FROM decisions WHERE state = 'lost' ORDER BY decision_id"
    )
    return [
        Question(
            LOST,
            FIRST,
            tuple(lines(reader, about).values()),
            f"the articles no longer state what “{kind}” was decided about ({reason})",
            decision_id=decision_id,
        )
        for decision_id, kind, reason, about in rows
    ]

"""The queue of questions to people, without what it shows of their events: quick where a hundred thousand wait."""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import log2
from typing import Any, Literal

from pipeline.decision_types import DecisionKind, Told
from pipeline.decisions import in_force
from pipeline.matching import DIFFERENT_BELOW, SAME_FROM
from pipeline.statements import stated_days
from warehouse.reader import Reader

LOW_SCORE = 0.6
"""An event that scores less may well be none."""

FIELD_WEIGHTS = {"country": 1.0, "date_value": 0.8, "action": 0.4, "scope_class": 0.4}
"""How much a wrong value misleads. Who acts is left out: one body has many names."""

FIRST = 100.0
"""The weight of what a person has said and is not heard."""

AT_ONCE = 200_000
"""Mentions whose stories are counted together, in some 100 MB."""

Kind = Literal["pair", "score", "disagreement", "grown", "lost"]


@dataclass(frozen=True, slots=True)
class Differing:
    """A field on which the stories of an event do not agree: each value and how many stories state it, most first."""

    field: str
    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A question to a person. `weight` is how much an answer helps: doubt times reach.

    `kind`: a `pair` of events that may be one, the one reported first before the other; an event of low `score`; a
    `disagreement` about fields; a rejected event that has `grown` since; a decision whose mentions are `lost`.
    `points` are those of the pair.
    """

    kind: Kind
    weight: float
    event_ids: tuple[str, ...]
    why: str
    points: float | None = None
    differing: tuple[Differing, ...] = ()
    decision_id: str | None = None

    @property
    def id(self) -> str:
        """What names it while it waits: its kind, and the decision or the events that it is about."""
        return "-".join((self.kind, *((self.decision_id,) if self.decision_id else self.event_ids)))


def queue(reader: Reader) -> list[Waiting]:
    """All that waits for a person, the most useful first."""
    confirmed = confirmed_events(reader)
    asked = [*_pairs(reader), *_disagreements(reader, confirmed), *_low_scores(reader, confirmed)]
    found = [*_lost(reader), *asked, *_grown(reader)]
    return sorted(found, key=lambda one: (-one.weight, one.kind, one.event_ids, one.why))


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
            SELECT event_id, count(*) AS held FROM event_mentions
            WHERE event_id IN (SELECT event_id FROM covered) GROUP BY event_id
        ) USING (event_id, held)
        """
    )
    return {str(event_id) for (event_id,) in rows}


def _reach(voices: int) -> float:
    return 1 + log2(1 + voices)


def _pairs(reader: Reader) -> list[Waiting]:
    """Pairs of events that the machine could neither join nor tell apart, and nobody has yet."""
    rows = reader.rows(
        """
        WITH decided AS (
            SELECT a.mention_id AS one, b.mention_id AS other
            FROM decision_mentions AS a JOIN decision_mentions AS b USING (decision_id)
                JOIN decisions AS d USING (decision_id)
            WHERE d.kind = 'different' AND d.state = 'in_force' AND a.side <> b.side
        ),
        placed AS (
            SELECT mention_id, event_id, voices,
                {'day': coalesce(first_reported, '9999-12-31'), 'id': event_id} AS place
            FROM event_mentions JOIN events USING (event_id)
            WHERE NOT dismissed AND mention_id IN (
                SELECT mention_a FROM unsure_pairs UNION ALL SELECT mention_b FROM unsure_pairs
            )
        )
        SELECT least(a.place, b.place).id, greatest(a.place, b.place).id, any_value(a.voices + b.voices),
            max(u.points), arg_max(u.why, u.points)
        FROM unsure_pairs AS u JOIN placed AS a ON a.mention_id = u.mention_a
            JOIN placed AS b ON b.mention_id = u.mention_b
        WHERE a.event_id <> b.event_id
            AND NOT EXISTS (FROM decided WHERE one = u.mention_a AND other = u.mention_b)
        GROUP BY 1, 2
        """
    )
    found = []
    for first, second, voices, points, why in rows:
        off = abs(points - (SAME_FROM + DIFFERENT_BELOW) / 2) / (SAME_FROM - DIFFERENT_BELOW)
        doubt = max(0.1, 1 - off)
        told = why.partition(": ")[2] or why
        found.append(Waiting("pair", doubt * _reach(voices), (first, second), told, points))
    return found


def _low_scores(reader: Reader, confirmed: Container[str]) -> list[Waiting]:
    rows = reader.rows("SELECT event_id, score, voices FROM events WHERE score < ? AND NOT dismissed", [LOW_SCORE])
    return [
        Waiting("score", (1 - score) * _reach(voices), (event_id,), f"it scores {score:.2f}")
        for event_id, score, voices in rows
        if event_id not in confirmed
    ]


_COUNTS = "m.withdrawn_on IS NULL AND (m.action = 'lift') = (e.action = 'lift')"
_VALUES = {
    "action": "m.action",
    "scope_class": "m.scope_class",
    "country": "nullif(m.country, 'XX')",
    "date_value": "CASE WHEN m.status = e.status THEN m.date_value END",
}


def _disagreements(reader: Reader, confirmed: Container[str]) -> list[Waiting]:
    """Events whose stories state different values, unless a person has set the field or confirmed the event.

    Mentions that differ are looked for first: stories are then counted for those events alone that have such.
    """
    differ = " OR ".join(f"min({value}) <> max({value})" for value in _VALUES.values())
    some = reader.rows(
        f"""
        SELECT em.event_id, count(*)
        FROM events AS e JOIN event_mentions AS em USING (event_id) JOIN mentions AS m USING (mention_id)
        WHERE e.stories > 1 AND NOT e.dismissed AND {_COUNTS}
        GROUP BY em.event_id HAVING {differ}
        """
    )
    rows = [row for ids in _portions(row for row in some if row[0] not in confirmed) for row in _stated(reader, ids)]
    values_of: dict[tuple[str, str], list[tuple[str, int]]] = {}
    voices_of: dict[str, int] = {}
    for event_id, field, value, told, voices in rows:
        values_of.setdefault((event_id, field), []).append((value, told))
        voices_of[event_id] = voices
    differing: dict[str, list[Differing]] = {}
    for (event_id, field), stated_values in values_of.items():
        if not (field == "date_value" and agree([value for value, _ in stated_values])):
            differing.setdefault(event_id, []).append(Differing(field, tuple(stated_values)))
    found = []
    for event_id, fields in differing.items():
        doubt = max(FIELD_WEIGHTS[one.field] * one.values[1][1] / one.values[0][1] for one in fields)
        weight = doubt * _reach(voices_of[event_id])
        found.append(Waiting("disagreement", weight, (event_id,), _in_words(fields), differing=tuple(fields)))
    return found


def _portions(counted: Iterable[tuple[Any, ...]]) -> Iterator[list[str]]:
    """Ids of events, as many at a time as hold `AT_ONCE` mentions: what is counted of them fits into little memory."""
    ids: list[str] = []
    total = 0
    for event_id, held in counted:
        if ids and total + held > AT_ONCE:
            yield ids
            ids, total = [], 0
        ids.append(event_id)
        total += held
    if ids:
        yield ids


def _stated(reader: Reader, event_ids: list[str]) -> list[tuple[Any, ...]]:
    """Event, field, value, how many stories state it, and voices of the event, of fields with several values."""
    values = ", ".join(f"{value} AS {field}" for field, value in _VALUES.items())
    stated = " UNION ALL ".join(
        f"SELECT event_id, '{field}' AS field, {field} AS value, story_id, voices FROM told" for field in _VALUES
    )
    return reader.rows(
        f"""
        WITH held AS MATERIALIZED (
            SELECT event_id, mention_id FROM event_mentions
            WHERE event_id IN (SELECT unnest(?::JSON::VARCHAR[]))
        ),
        said AS MATERIALIZED (
            SELECT mention_id, article_id, action, status, scope_class, country, date_value, withdrawn_on
            FROM mentions WHERE mention_id IN (SELECT mention_id FROM held)
        ),
        placed AS MATERIALIZED (
            SELECT article_id, story_id FROM story_members WHERE article_id IN (SELECT article_id FROM said)
        ),
        told AS MATERIALIZED (
            SELECT event_id, story_id, e.voices, {values}
            FROM events AS e JOIN held USING (event_id) JOIN said AS m USING (mention_id)
                JOIN placed USING (article_id)
            WHERE {_COUNTS}
        ),
        counted AS (
            SELECT event_id, field, value, count(DISTINCT story_id) AS told, any_value(voices) AS voices
            FROM ({stated}) WHERE value IS NOT NULL GROUP BY event_id, field, value
        )
        SELECT event_id, field, value, told, voices FROM counted ANTI JOIN (
            SELECT event_id, CASE field WHEN 'date' THEN 'date_value' WHEN 'scope' THEN 'scope_class' ELSE field END
                AS field FROM event_edits
        ) USING (event_id, field)
        QUALIFY count(*) OVER (PARTITION BY event_id, field) > 1
        ORDER BY event_id, field, told DESC, value
        """,
        [event_ids],
    )


def agree(values: Sequence[str]) -> bool:
    """Whether dates can all be true: a month agrees with its days."""
    spans = [span for value in values if (span := stated_days(value)) is not None]
    return max(first for first, _ in spans) <= min(last for _, last in spans) if spans else True


def _in_words(fields: Iterable[Differing]) -> str:
    return "; ".join(
        f"{one.field.removesuffix('_value').replace('_class', '')}: "
        + ", ".join(f"{told} {'story says' if told == 1 else 'stories say'} {value}" for value, told in one.values)
        for one in fields
    )


def _grown(reader: Reader) -> list[Waiting]:
    """Rejected events of which more is told now than when they were rejected."""
    rows = reader.rows(
        """
        SELECT event_id, any_value(voices), count(*) FROM events JOIN event_mentions AS em USING (event_id)
        WHERE dismissed AND NOT EXISTS (
            FROM decision_mentions AS dm JOIN decisions AS d USING (decision_id)
            WHERE dm.mention_id = em.mention_id AND d.kind = 'reject' AND d.state = 'in_force'
        )
        GROUP BY event_id
        """
    )
    return [
        Waiting(
            "grown",
            log2(1 + more) * _reach(voices),
            (event_id,),
            f"{more} {'mention has' if more == 1 else 'mentions have'} come since it was rejected",
        )
        for event_id, voices, more in rows
    ]


def _lost(reader: Reader) -> list[Waiting]:
    rows = reader.rows("SELECT decision_id, kind, reason, about FROM decisions WHERE state = 'lost'")
    return [
        Waiting(
            "lost",
            FIRST,
            tuple(about),
            f"the articles no longer state what “{kind}” was decided about ({reason})",
            decision_id=decision_id,
        )
        for decision_id, kind, reason, about in rows
    ]


def left(waiting: Iterable[Waiting], decided: Iterable[Told]) -> list[Waiting]:
    """The questions that decisions leave open which have been made since and are not carried out yet."""
    some = list(decided)
    standing = in_force(some)
    pairs: set[frozenset[str]] = set()
    rejected: set[str] = set()
    seen: set[str] = set()
    revoked: set[str | None] = set()
    for one in some:
        if one.id in standing:
            match one.kind:
                case DecisionKind.UNDO:
                    revoked.add(one.revokes)
                case DecisionKind.SAME | DecisionKind.DIFFERENT if len(one.about) > 1:
                    pairs.add(frozenset(one.about))
                case DecisionKind.REJECT:
                    rejected |= set(one.about)
                case _:
                    seen |= set(one.about)

    def is_open(one: Waiting) -> bool:
        if one.kind == "lost":
            return one.decision_id not in revoked
        if one.kind == "pair":
            return frozenset(one.event_ids) not in pairs and rejected.isdisjoint(one.event_ids)
        return rejected.isdisjoint(one.event_ids) and seen.isdisjoint(one.event_ids)

    return [one for one in waiting if is_open(one)] if some else list(waiting)

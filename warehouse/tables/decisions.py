"""Tables `decisions`, its anchors and mentions, and `event_edits`: what people decide, and what it is about now."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC
from typing import Any

from pipeline.decision_types import Anchor, Decision, DecisionKind, Known
from pipeline.decisions import AppliedEdit, Ruling, Rulings, rule
from warehouse.database import Database, to_utc

Rows = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]
"""Asks a question: `Database.execute`, or `Reader.rows` of a snapshot."""

COLUMNS = (
    "decision_id", "kind", "author", "decided_at", "reason", "field", "value", "revokes", "about", "state",
)  # fmt: skip
ANCHOR_COLUMNS = (
    "decision_id", "side", "position", "mention_id", "article_id", "action", "service", "actor", "trigger_quote",
    "scope_quote", "date_value",
)  # fmt: skip
ONE, OTHER = "one", "other"
IN_FORCE, UNDONE, OVERRULED, LOST = "in_force", "undone", "overruled", "lost"


def ids(ask: Rows) -> set[str]:
    """The ids of the decisions that are stored."""
    return {str(decision_id) for (decision_id,) in ask("SELECT decision_id FROM decisions", [])}


def all_(ask: Rows) -> list[Decision]:
    """All decisions, the first one first."""
    anchors: dict[tuple[str, str], list[Anchor]] = {}
    for decision_id, side, *row in ask(
        "SELECT decision_id, side, mention_id, article_id, action, service, actor, trigger_quote, scope_quote, "
        "date_value FROM decision_anchors ORDER BY decision_id, side, position",
        [],
    ):
        anchors.setdefault((decision_id, side), []).append(Anchor(*row))
    return [
        Decision(
            DecisionKind(kind),
            author,
            decided_at.replace(tzinfo=UTC),
            reason,
            tuple(anchors.get((decision_id, ONE), ())),
            tuple(anchors.get((decision_id, OTHER), ())),
            field,
            value,
            revokes,
            tuple(about),
        )
        for decision_id, kind, author, decided_at, reason, field, value, revokes, about in ask(
            "SELECT decision_id, kind, author, decided_at, reason, field, value, revokes, about FROM decisions "
            "ORDER BY decided_at, decision_id",
            [],
        )
    ]


def rulings(database: Database) -> Rulings:
    """What all stored decisions mean for the mentions as they are stored now."""
    return read_rulings(database.execute)


def read_rulings(ask: Rows) -> Rulings:
    """As `rulings`, also from a snapshot."""
    decided = all_(ask)
    if not decided:
        return Rulings()
    articles = sorted({anchor.article_id for decision in decided for anchor in decision.anchors})
    known = ask(
        "SELECT mention_id, article_id, version, action, service_canonical, actor_canonical, trigger_quote, "
        "trigger_start, scope_quote, date_value FROM mentions "
        "WHERE article_id IN (SELECT unnest(?::JSON::VARCHAR[]))",
        [articles],
    )
    return rule(decided, (Known(*row) for row in known))


def add(database: Database, decided: Iterable[Decision]) -> list[Decision]:
    """Insert the decisions that are not stored. Returns them. Call `refresh` afterwards."""
    stored = ids(database.execute)
    new = list({one.id: one for one in decided if one.id not in stored}.values())
    rows = [
        (
            one.id,
            one.kind.value,
            one.author,
            to_utc(one.decided_at),
            one.reason,
            one.field,
            one.value,
            one.revokes,
            list(one.about),
            IN_FORCE,
        )
        for one in new
    ]
    database.insert("decisions", COLUMNS, rows)
    database.insert(
        "decision_anchors",
        ANCHOR_COLUMNS,
        [
            (
                one.id,
                side,
                position,
                anchor.mention_id,
                anchor.article_id,
                anchor.action,
                anchor.service,
                anchor.actor,
                anchor.trigger,
                anchor.scope,
                anchor.date,
            )
            for one in new
            for side, anchors in ((ONE, one.one), (OTHER, one.other))
            for position, anchor in enumerate(anchors)
        ],
    )
    return new


def refresh(database: Database, now: Rulings) -> set[str]:
    """Store what decisions are about now, and their states. Returns the mentions for which something has changed."""
    if not now.reviews:
        return set()
    rows = {(r.decision.id, side, one) for r in now.reviews for side, some in _sides(r) for one in some}
    stored = set(database.execute("SELECT decision_id, side, mention_id FROM decision_mentions"))
    changed = rows ^ stored
    touched = {mention_id for _, _, mention_id in changed}
    if changed:
        anew = sorted({decision_id for decision_id, _, _ in changed})
        database.execute(
            "DELETE FROM decision_mentions WHERE decision_id IN (SELECT unnest(?::JSON::VARCHAR[]))", [anew]
        )
        fresh = [row for row in sorted(rows) if row[0] in set(anew)]
        database.insert("decision_mentions", ("decision_id", "side", "mention_id"), fresh)
    states = {ruling.decision.id: state_of(ruling, now) for ruling in now.reviews}
    before = dict(database.execute("SELECT decision_id, state FROM decisions"))
    other = {decision_id for decision_id, state in states.items() if before.get(decision_id) != state}
    other |= {decision_id for decision_id, _, _ in changed}
    database.update(
        "decisions", ("decision_id", "state"), [(one, states[one]) for one in sorted(other & states.keys())]
    )
    for ruling in now.reviews:
        if ruling.decision.id in other:
            touched |= ruling.mentions
    return touched


def state_of(ruling: Ruling, among: Rulings) -> str:
    """Whether a decision is in force, and if not, why."""
    if not ruling.in_force:
        return UNDONE
    if ruling.lost:
        return LOST
    return OVERRULED if ruling.decision.id in among.overruled else IN_FORCE


def lost(database: Database) -> set[str]:
    """The ids of the decisions of which no mention is found."""
    return {
        decision_id for (decision_id,) in database.execute("SELECT decision_id FROM decisions WHERE state = ?", [LOST])
    }


def replace_edits(database: Database, event_ids: Iterable[str], edits: Iterable[AppliedEdit]) -> None:
    """Put `edits` in the place of those of some events."""
    database.execute(
        "DELETE FROM event_edits WHERE event_id IN (SELECT unnest(?::JSON::VARCHAR[]))", [sorted(event_ids)]
    )
    rows = [(one.event_id, one.field, one.machine, one.human, one.decision.id) for one in edits]
    database.insert("event_edits", ("event_id", "field", "machine_value", "human_value", "decision_id"), rows)


def _sides(ruling: Ruling) -> tuple[tuple[str, frozenset[str]], ...]:
    return (ONE, ruling.one), (OTHER, ruling.other)

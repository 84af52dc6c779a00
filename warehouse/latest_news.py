"""The last news of each event, out of the whole log of changes: what feeds are made of.

The log is followed once from its beginning, so that an event keeps the name under which it was first told, whatever
ids it has gone by, and one that parts, merges or is taken back stands as what it is today.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any, Final

from pipeline.subscription_types import is_sure
from pipeline.types import Action, ActorKind
from warehouse.database import from_utc
from warehouse.event_list import EVENT_COLUMNS, EventRow, event_row
from warehouse.news import Change
from warehouse.reader import Reader
from warehouse.tables.changes import Kind

_COLUMNS: Final = tuple(EVENT_COLUMNS.split(", "))
_NEWLY: Final = frozenset({"appeared", "split", "present"})
_FLIPS: Final[Mapping[str, tuple[str, bool]]] = {
    "retracted": ("retracted", True),
    "reinstated": ("retracted", False),
    "dismissed": ("dismissed", True),
    "restored": ("dismissed", False),
}
_STEPS: Final = "['widened', 'extended', 'eased', 'corrected']"


@dataclass(frozen=True, slots=True)
class LastNews:
    """The last change of an event that is news, and what of the event decides who is told. Times are UTC.

    `name` is the id under which the event was first told, of which no other event makes use; `began_at` when that was.
    `position` is the change's place in the log, `revision` that of the last change of any sort. What is gone has the
    values that it had.
    """

    event_id: str
    name: str
    began_at: datetime
    changed_at: datetime
    position: int
    revision: int
    service: str
    country: str
    actor_kind: ActorKind | None
    action: Action
    score: float
    voices: int


@dataclass(slots=True)
class _Life:
    """An event as far as the log was followed. `position` is 0 as long as there was no news of it."""

    name: str
    began_at: datetime | None
    voices: int
    score: float
    changed_at: datetime | None = None
    position: int = 0
    taken_back: set[str] = field(default_factory=set)


def latest_news(reader: Reader) -> list[LastNews]:
    """The last news of each event of which there is any, the latest first; of one time the surest."""
    lives = _followed(
        reader.rows(
            f"""
            SELECT c.position, c.event_id, c.kind, c.other_id, c.changed_at, c.after.voices, c.after.score,
                list_has_any(c.fields, ['status', 'side']) OR list_has_any(c.steps, {_STEPS})
                    OR coalesce(r.before.status <> c.after.status OR r.before.side <> c.after.side, false)
            FROM changes AS c LEFT JOIN changes AS r
                ON c.kind = 'continued' AND r.kind = 'renamed' AND r.run_id = c.run_id
                AND r.event_id = c.other_id AND r.other_id = c.event_id
            WHERE c.kind <> 'changed' OR list_has_any(c.fields, ['status', 'side', 'voices', 'score'])
                OR list_has_any(c.steps, {_STEPS})
            ORDER BY c.position
            """
        )
    )
    facts = reader.rows(
        """
        WITH last AS (SELECT event_id, max(position) AS position FROM changes GROUP BY event_id)
        SELECT e.event_id, last.position, e.service_canonical, e.country, e.actor_kind, e.action, e.score, e.voices,
            e.learned_on
        FROM events AS e JOIN last USING (event_id)
        UNION ALL
        SELECT c.event_id, c.position, before.service_canonical, before.country, before.actor_kind, before.action,
            before.score, before.voices, before.learned_on
        FROM changes AS c JOIN last USING (event_id, position) WHERE c.kind = 'removed'
        """
    )
    found = (_last(lives[row[0]], *row) for row in facts if row[0] in lives and lives[row[0]].position)
    return sorted((one for one in found if one is not None), key=_order, reverse=True)


def _order(one: LastNews) -> tuple[object, ...]:
    return (one.changed_at, is_sure(one), one.voices, one.score, one.event_id)


def _followed(rows: Iterable[Sequence[Any]]) -> dict[str, _Life]:
    """Event id → its life, for all that stand and all that are gone."""
    lives: dict[str, _Life] = {}
    between: dict[tuple[str, str], _Life | None] = {}
    names: set[str] = set()
    for position, event_id, kind, other_id, changed_at, voices, score, is_step in rows:
        if kind == "renamed":
            between[event_id, other_id] = lives.pop(event_id, None)
            continue
        if kind == "merged":
            continue
        life = between.pop((other_id, event_id), None) if kind == "continued" else lives.get(event_id)
        if life is None or kind in _NEWLY:
            # What comes back is called as it was. What takes over an id that another has gone on from can't be.
            name = life.name if life else event_id if event_id not in names else f"{event_id}.{position}"
            names.add(name)
            life = _Life(name, life.began_at if life else changed_at, voices or 0, score or 0.0)
            is_news = kind != "present"
        else:
            is_news = _told_again(life, kind, is_step=is_step, voices=voices, score=score)
        lives[event_id] = life
        if is_news:
            life.position, life.changed_at = position, changed_at
    return lives


def _told_again(life: _Life, kind: str, *, is_step: bool, voices: int | None, score: float | None) -> bool:
    """Bring a life up to date, and say whether that is news."""
    was_sure = is_sure(life)
    life.voices = life.voices if voices is None else voices
    life.score = life.score if score is None else score
    if kind in _FLIPS:
        flag, is_so = _FLIPS[kind]
        (life.taken_back.add if is_so else life.taken_back.discard)(flag)
        return True
    if kind in ("changed", "continued"):
        # Of what was taken back nobody need hear more.
        return not life.taken_back and bool(is_step or (is_sure(life) and not was_sure))
    return True


def _last(life: _Life, event_id: str, revision: int, *facts: Any) -> LastNews | None:
    service, country, actor_kind, action, score, voices, learned_on = facts
    learned = None if learned_on is None else datetime.combine(learned_on, time(), UTC)
    changed_at = from_utc(life.changed_at) or learned
    if changed_at is None:
        # A change of no known run, to an event whose articles nobody knows the day of: there is no time to tell.
        return None
    return LastNews(
        event_id,
        life.name,
        min(from_utc(life.began_at) or learned or changed_at, changed_at),
        changed_at,
        life.position,
        revision,
        service,
        country,
        None if actor_kind is None else ActorKind(actor_kind),
        Action(action),
        score,
        voices,
    )


def changes_of(reader: Reader, wanted: Collection[LastNews]) -> dict[str, Change]:
    """Event id → the change that is its last news: `before` as it stood then, `after` as it stands now."""
    rows = reader.rows(
        """
        SELECT c.event_id, c.kind, coalesce(r.before, c.before), if(r.position IS NULL, c.fields, r.fields), c.steps,
            c.arrived
        FROM changes AS c LEFT JOIN changes AS r
            ON c.kind = 'continued' AND r.kind = 'renamed' AND r.run_id = c.run_id
            AND r.event_id = c.other_id AND r.other_id = c.event_id
        WHERE c.position IN (SELECT unnest(?::JSON::BIGINT[]))
        """,
        [[one.position for one in wanted]],
    )
    standing = {
        row[0]: dict(zip(_COLUMNS, row, strict=True))
        for row in reader.rows(
            f"SELECT {EVENT_COLUMNS} FROM events WHERE event_id IN (SELECT unnest(?::JSON::VARCHAR[]))",
            [[one.event_id for one in wanted]],
        )
    }
    days = _days(reader, [mention_id for row in rows for mention_id in row[5]])
    made = (_change(row, standing.get(row[0]), days) for row in rows)
    return {change.event_id: change for change in made}


def _days(reader: Reader, mention_ids: Sequence[str]) -> dict[str, date]:
    return dict(
        reader.rows(
            "SELECT mention_id, learned_on FROM mentions "
            "WHERE learned_on IS NOT NULL AND mention_id IN (SELECT unnest(?::JSON::VARCHAR[]))",
            [mention_ids],
        )
    )


def _change(row: Sequence[Any], now: Mapping[str, Any] | None, days: Mapping[str, date]) -> Change:
    event_id, kind, before, fields, steps, arrived = row
    was = None
    if before is not None:
        changed = {name: before[name] for name in fields if name in _COLUMNS}
        was = {**(now or {}), **changed, "event_id": event_id}
    return Change(
        event_id,
        Kind.CHANGED if kind == Kind.CONTINUED else Kind(kind),
        None if was is None else _event(was),
        None if now is None else _event(now),
        frozenset(fields),
        tuple(steps),
        tuple(arrived),
        max((days[one] for one in arrived if one in days), default=None),
    )


def _event(values: Mapping[str, Any]) -> EventRow:
    return event_row([values[name] for name in _COLUMNS])

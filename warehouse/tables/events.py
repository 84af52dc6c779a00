"""Tables `events`, `event_mentions`, `event_transitions` and `event_forwards`: replaced block by block.

An event whose content did not change keeps its rows; one that vanishes leaves a forward to the event that now holds
most of its mentions, so that an id once published keeps its meaning.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.errors import WarehouseError
from pipeline.types import SIDE, Action, ActorKind, Event, ReasonClass, ScopeClass, Status, Transition
from warehouse.database import Database
from warehouse.dates import span

COLUMNS = (
    "event_id", "block", "action", "side", "status", "country", "service_canonical", "actor_canonical", "actor_kind",
    "scope", "scope_class", "date_value", "date_from", "date_to", "lifted", "reason_classes", "first_reported",
    "last_reported", "stories", "articles", "score", "why", "first_run_id", "changed_run_id",
)  # fmt: skip
TRANSITION_COLUMNS = (
    "event_id", "position", "status", "action", "date_value", "date_from", "date_to", "reported_on", "mention_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as the warehouse has it, its block, and the run that first stored it."""

    event: Event
    block: str
    first_run_id: str


@dataclass(frozen=True, slots=True)
class Change:
    """What replacing the events of some blocks does: pure data, decided by `compare`."""

    gone: tuple[str, ...]
    rewritten: tuple[StoredEvent, ...]
    forwards: Mapping[str, str | None]


def of_blocks(database: Database, blocks: Iterable[str]) -> dict[str, StoredEvent]:
    """Event id → stored event, for all events of the blocks."""
    wanted = [list(blocks)]
    mentions: dict[str, list[str]] = {}
    where = "WHERE event_id IN (SELECT event_id FROM events WHERE block IN (SELECT unnest(?::JSON::VARCHAR[])))"
    for event_id, mention_id in database.execute(
        f"SELECT event_id, mention_id FROM event_mentions {where} ORDER BY event_id, position", wanted
    ):
        mentions.setdefault(event_id, []).append(mention_id)
    transitions: dict[str, list[Transition]] = {}
    for event_id, status, action, *rest in database.execute(
        "SELECT event_id, status, action, date_value, reported_on, mention_id "
        f"FROM event_transitions {where} ORDER BY event_id, position",
        wanted,
    ):
        transitions.setdefault(event_id, []).append(Transition(Status(status), Action(action), *rest))
    found: dict[str, StoredEvent] = {}
    for row in database.execute(
        """
        SELECT event_id, action, status, country, service_canonical, actor_canonical, actor_kind, scope, scope_class,
               date_value, reason_classes, first_reported, last_reported, stories, articles, score, why,
               block, first_run_id
        FROM events WHERE block IN (SELECT unnest(?::JSON::VARCHAR[]))
        """,
        wanted,
    ):
        event_id, action, status, country, service, actor, kind, scope, scope_class, value, reasons, *rest = row
        first_reported, last_reported, stories, articles, score, why, block, first_run_id = rest
        event = Event(
            id=event_id,
            action=Action(action),
            status=Status(status),
            country=country,
            service_canonical=service,
            actor_canonical=actor,
            actor_kind=None if kind is None else ActorKind(kind),
            scope=scope,
            scope_class=None if scope_class is None else ScopeClass(scope_class),
            date_value=value,
            reason_classes=tuple(ReasonClass(reason) for reason in reasons),
            first_reported=first_reported,
            last_reported=last_reported,
            stories=stories,
            articles=articles,
            score=score,
            mention_ids=tuple(mentions.get(event_id, ())),
            transitions=tuple(transitions.get(event_id, ())),
            why=why,
        )
        found[event_id] = StoredEvent(event, block, first_run_id)
    return found


def compare(
    old: Mapping[str, StoredEvent], new: Mapping[str, tuple[Event, str]], run_id: str, run_order: Mapping[str, int]
) -> Change:
    """Decide what happens to the stored events `old` when `new` (id → event and block) takes their place.

    `run_order` ranks run ids: an event takes over the first run of those that were merged into it.
    """
    holder = {mention_id: event.id for event, _ in new.values() for mention_id in event.mention_ids}
    gone = sorted(old.keys() - new.keys())
    forwards: dict[str, str | None] = {}
    merged: dict[str, list[str]] = {}
    for event_id in gone:
        heirs = Counter(holder[mention] for mention in old[event_id].event.mention_ids if mention in holder)
        heir = min(heirs, key=lambda heir: (-heirs[heir], heir)) if heirs else None
        forwards[event_id] = heir
        if heir is not None:
            merged.setdefault(heir, []).append(old[event_id].first_run_id)
    rewritten = []
    for event_id, (event, block) in new.items():
        stored = old.get(event_id)
        runs = [run_id if stored is None else stored.first_run_id, *merged.get(event_id, ())]
        first_run_id = min(runs, key=lambda run: run_order.get(run, len(run_order)))
        candidate = StoredEvent(event, block, first_run_id)
        if candidate != stored:
            rewritten.append(candidate)
    return Change(tuple(gone), tuple(rewritten), forwards)


def apply(database: Database, run_id: str, change: Change) -> None:
    """Carry out a change, within the caller's transaction."""
    cleared = [*change.gone, *(stored.event.id for stored in change.rewritten)]
    if not cleared:
        return
    for table in ("events", "event_mentions", "event_transitions"):
        database.execute(f"DELETE FROM {table} WHERE event_id IN (SELECT unnest(?::JSON::VARCHAR[]))", [cleared])
    taken = database.execute(
        "SELECT event_id FROM events WHERE event_id IN (SELECT unnest(?::JSON::VARCHAR[]))", [cleared]
    )
    if taken:
        raise WarehouseError(f"event {taken[0][0]} belongs to two blocks")
    database.insert("events", COLUMNS, [_row(stored, run_id) for stored in change.rewritten])
    database.insert(
        "event_mentions",
        ("event_id", "position", "mention_id"),
        [
            (stored.event.id, position, mention_id)
            for stored in change.rewritten
            for position, mention_id in enumerate(stored.event.mention_ids)
        ],
    )
    database.insert(
        "event_transitions",
        TRANSITION_COLUMNS,
        [
            _transition_row(stored.event.id, position, transition)
            for stored in change.rewritten
            for position, transition in enumerate(stored.event.transitions)
        ],
    )
    _forward(database, run_id, change, [stored.event.id for stored in change.rewritten])


def _forward(database: Database, run_id: str, change: Change, live: Sequence[str]) -> None:
    """Write the forwards, turn earlier ones that lead to a vanished event, drop those of ids in use again."""
    database.execute("DELETE FROM event_forwards WHERE old_id IN (SELECT unnest(?::JSON::VARCHAR[]))", [list(live)])
    if not change.forwards:
        return
    olds, news = list(change.forwards), list(change.forwards.values())
    database.execute(
        """
        UPDATE event_forwards SET new_id = moved.new_id, run_id = $1
        FROM (SELECT unnest($2::JSON::VARCHAR[]) AS old_id, unnest($3::JSON::VARCHAR[]) AS new_id) AS moved
        WHERE event_forwards.new_id = moved.old_id
        """,
        [run_id, olds, news],
    )
    rows = [(old, new, run_id) for old, new in change.forwards.items()]
    database.insert("event_forwards", ("old_id", "new_id", "run_id"), rows, unless=("old_id",))


def _row(stored: StoredEvent, run_id: str) -> tuple[object, ...]:
    event = stored.event
    return (
        event.id,
        stored.block,
        event.action.value,
        SIDE[event.action].value,
        event.status.value,
        event.country,
        event.service_canonical,
        event.actor_canonical,
        None if event.actor_kind is None else event.actor_kind.value,
        event.scope,
        None if event.scope_class is None else event.scope_class.value,
        event.date_value,
        *span(event.date_value),
        event.lifted,
        [reason.value for reason in event.reason_classes],
        event.first_reported,
        event.last_reported,
        event.stories,
        event.articles,
        event.score,
        event.why,
        stored.first_run_id,
        run_id,
    )


def _transition_row(event_id: str, position: int, transition: Transition) -> tuple[object, ...]:
    return (
        event_id,
        position,
        transition.status.value,
        transition.action.value,
        transition.date_value,
        *span(transition.date_value),
        transition.reported_on,
        transition.mention_id,
    )

"""Tables `events`, its mentions, transitions, forwards, origins and histories: replaced event by event.

An event whose content did not change keeps its rows; one that vanishes leaves a forward to the event that now holds
most of its mentions, so that an id once published keeps its meaning; one that takes mentions from another, which lives
on, says where it came from.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.chronicle import Chronicle, single
from pipeline.errors import WarehouseError
from pipeline.types import (
    SIDE,
    Action,
    ActorKind,
    Event,
    ReasonClass,
    ScopeClass,
    Status,
    Transition,
    TransitionKind,
)
from warehouse.database import Database
from warehouse.dates import span
from warehouse.tables import changes, history

COLUMNS = (
    "event_id", "block", "action", "side", "status", "country", "service_canonical", "actor_canonical", "actor_kind",
    "scope", "scope_class", "date_value", "date_from", "date_to", "lifted", "reason_classes", "first_reported",
    "last_reported", "stories", "articles", "score", "why", "voices", "learned_on", "retracted", "dismissed",
    "first_run_id", "changed_run_id",
)  # fmt: skip
TRANSITION_COLUMNS = (
    "event_id", "position", "kind", "status", "action", "date_value", "date_from", "date_to", "reported_on",
    "learned_on", "mention_id", "detail",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as the warehouse has it, its block, and the run that first stored it.

    `placed` says for its mentions in which happening the machine has placed them, where that is known. `row` is what is
    stored, by column; an older program may have made otherwise what follows from other columns.
    """

    event: Event
    block: str
    first_run_id: str
    placed: Mapping[str, str] = field(default_factory=dict)
    row: Mapping[str, object] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Change:
    """What replacing some events does: pure data, decided by `compare`.

    `added` are the ids among `rewritten` that were not there. `origins` are pairs of a new event and one that was there
    before and lives on, of which it holds mentions. `former` are those that were there, by their ids.
    """

    gone: tuple[str, ...]
    rewritten: tuple[StoredEvent, ...]
    forwards: Mapping[str, str | None]
    added: frozenset[str] = frozenset()
    origins: tuple[tuple[str, str], ...] = ()
    former: Mapping[str, StoredEvent] = field(default_factory=dict)


def of_ids(database: Database, event_ids: Iterable[str]) -> dict[str, StoredEvent]:
    """Event id → stored event, for those of the ids that are stored."""
    wanted = [list(event_ids)]
    mentions: dict[str, list[str]] = {}
    placed: dict[str, dict[str, str]] = {}
    where = "WHERE event_id IN (SELECT unnest(?::JSON::VARCHAR[]))"
    for event_id, mention_id, happening_id in database.execute(
        f"SELECT event_id, mention_id, happening_id FROM event_mentions {where} ORDER BY event_id, position", wanted
    ):
        mentions.setdefault(event_id, []).append(mention_id)
        if happening_id is not None:
            placed.setdefault(event_id, {})[mention_id] = happening_id
    transitions: dict[str, list[Transition]] = {}
    for event_id, *step in database.execute(
        f"SELECT event_id, {', '.join(TRANSITION_FIELDS)} FROM event_transitions {where} ORDER BY event_id, position",
        wanted,
    ):
        transitions.setdefault(event_id, []).append(read_transition(step))
    found: dict[str, StoredEvent] = {}
    for values in database.execute(f"SELECT {', '.join(COLUMNS)} FROM events {where}", wanted):
        row = dict(zip(COLUMNS, values, strict=True))
        event_id, kind, scope_class = row["event_id"], row["actor_kind"], row["scope_class"]
        event = Event(
            id=event_id,
            action=Action(row["action"]),
            status=Status(row["status"]),
            country=row["country"],
            service_canonical=row["service_canonical"],
            actor_canonical=row["actor_canonical"],
            actor_kind=None if kind is None else ActorKind(kind),
            scope=row["scope"],
            scope_class=None if scope_class is None else ScopeClass(scope_class),
            date_value=row["date_value"],
            reason_classes=tuple(ReasonClass(reason) for reason in row["reason_classes"]),
            first_reported=row["first_reported"],
            last_reported=row["last_reported"],
            stories=row["stories"],
            articles=row["articles"],
            score=row["score"],
            mention_ids=tuple(mentions.get(event_id, ())),
            transitions=tuple(transitions.get(event_id, ())),
            why=row["why"],
            voices=row["voices"],
            learned_on=row["learned_on"],
            retracted=row["retracted"],
            dismissed=row["dismissed"],
        )
        found[event_id] = StoredEvent(event, row["block"], row["first_run_id"], placed.get(event_id, {}), row)
    return found


TRANSITION_FIELDS = ("kind", "status", "action", "date_value", "reported_on", "learned_on", "mention_id", "detail")


def read_transition(row: Sequence[Any]) -> Transition:
    """A row of TRANSITION_FIELDS as the transition that was stored."""
    kind, status, action, date_value, reported_on, learned_on, mention_id, detail = row
    return Transition(
        Status(status), Action(action), date_value, reported_on, mention_id, TransitionKind(kind), learned_on, detail
    )


def compare(
    old: Mapping[str, StoredEvent],
    new: Mapping[str, tuple[Event, str]],
    run_id: str,
    run_order: Mapping[str, int],
    placed: Mapping[str, str] | None = None,
) -> Change:
    """Decide what happens to the stored events `old` when `new` (id → event and block) takes their place.

    `run_order` ranks run ids: an event takes over the first run of those that were merged into it. `placed` says in
    which happening a mention is.
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
        here = {mention: placed[mention] for mention in event.mention_ids if mention in placed} if placed else {}
        candidate = StoredEvent(event, block, first_run_id, here)
        if candidate != stored:
            rewritten.append(candidate)
    added = new.keys() - old.keys()
    # What is forwarded to a new event has become it; what lives on, it has parted from.
    origins = {
        (holder[mention_id], event_id)
        for event_id, stored in old.items()
        for mention_id in stored.event.mention_ids
        if holder.get(mention_id) in added and forwards.get(event_id) != holder[mention_id]
    }
    touched = {*gone, *(candidate.event.id for candidate in rewritten)}
    former = {event_id: stored for event_id, stored in old.items() if event_id in touched}
    return Change(tuple(gone), tuple(rewritten), forwards, frozenset(added), tuple(sorted(origins)), former)


def followed(change: Change) -> list[changes.EventChange]:
    """What a change does to each event, for the log: first those that go, then the others, each by their ids."""
    now = {stored.event.id: stored for stored in change.rewritten}
    shared: Counter[tuple[str, str]] = Counter()
    holder = {mention_id: one for one in change.added for mention_id in now[one].event.mention_ids}
    for event_id, stored in change.former.items():
        shared.update((event_id, holder[one]) for one in stored.event.mention_ids if one in holder)
    # A new event goes on for the one among those forwarded to it that gave it most.
    goes_on: dict[str, str] = {}
    for (old_id, new_id), _ in sorted(shared.items(), key=lambda item: (-item[1], item[0])):
        if change.forwards.get(old_id) == new_id:
            goes_on.setdefault(new_id, old_id)
    parted: dict[str, str] = {}
    for new_id, origin_id in sorted(change.origins, key=lambda pair: (-shared[pair[1], pair[0]], pair)):
        lives_on = change.forwards.get(origin_id, origin_id)
        if lives_on is not None:
            parted.setdefault(new_id, lives_on)
    found = []
    for event_id in sorted(change.gone):
        heir = change.forwards[event_id]
        renamed = heir is not None and goes_on.get(heir) == event_id
        found.append(changes.EventChange(event_id, _state(change.former[event_id]), None, heir, renamed=renamed))
    for event_id in sorted(now):
        before, after = change.former.get(event_id), _state(now[event_id])
        if before is not None:
            found.append(changes.EventChange(event_id, _state(before), after))
        elif event_id in goes_on:
            former_id = goes_on[event_id]
            former = _state(change.former[former_id])
            found.append(changes.EventChange(event_id, None, after, former_id, former))
        else:
            found.append(changes.EventChange(event_id, None, after, parted.get(event_id)))
    return found


def _state(stored: StoredEvent) -> changes.State:
    values = dict(stored.row or zip(COLUMNS, _row(stored, ""), strict=True))
    del values["event_id"], values["changed_run_id"]
    steps = tuple(step.kind.value for step in stored.event.transitions)
    return changes.State(values, stored.event.mention_ids, steps)


def apply(database: Database, run_id: str, change: Change, chronicles: Mapping[str, Chronicle] | None = None) -> None:
    """Carry out a change, within the caller's transaction.

    `chronicles` tells of the rewritten events, by their ids, what was known of them when; without one, an event is
    known as it is since it was learned of.
    """
    cleared = [*change.gone, *(stored.event.id for stored in change.rewritten)]
    if not cleared:
        return
    taken = database.execute(
        "SELECT event_id FROM events WHERE event_id IN (SELECT unnest(?::JSON::VARCHAR[])) ORDER BY 1",
        [sorted(change.added)],
    )
    if taken:
        raise WarehouseError(f"event {taken[0][0]} belongs to two blocks")
    for table in ("events", "event_mentions", "event_transitions", "event_history", "transition_history"):
        database.execute(f"DELETE FROM {table} WHERE event_id IN (SELECT unnest(?::JSON::VARCHAR[]))", [cleared])
    database.insert("events", COLUMNS, [_row(stored, run_id) for stored in change.rewritten])
    database.insert(
        "event_mentions",
        ("event_id", "position", "mention_id", "happening_id"),
        [
            (stored.event.id, position, mention_id, stored.placed.get(mention_id))
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
    told = {stored.event.id: (chronicles or {}).get(stored.event.id) for stored in change.rewritten}
    history.add(database, {s.event.id: told[s.event.id] or single(s.event) for s in change.rewritten})
    _forward(database, run_id, change, [stored.event.id for stored in change.rewritten])
    database.insert(
        "event_origins",
        ("event_id", "origin_id", "run_id"),
        [(event_id, origin_id, run_id) for event_id, origin_id in change.origins],
        unless=("event_id", "origin_id"),
    )
    changes.add(database, run_id, followed(change))


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
        event.voices,
        event.learned_on,
        event.retracted,
        event.dismissed,
        stored.first_run_id,
        run_id,
    )


def _transition_row(event_id: str, position: int, transition: Transition) -> tuple[object, ...]:
    return (
        event_id,
        position,
        transition.kind.value,
        transition.status.value,
        transition.action.value,
        transition.date_value,
        *span(transition.date_value),
        transition.reported_on,
        transition.learned_on,
        transition.mention_id,
        transition.detail,
    )

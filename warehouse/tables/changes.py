"""Table `changes`: what happened to events, written in the transaction in which it happens.

Whoever applies the rows in order to nothing has the table `events`: see its comment, and `Kind`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from warehouse.database import Database

COLUMNS = (
    "position", "run_id", "changed_at", "event_id", "kind", "other_id", "fields", "before", "after", "steps", "arrived",
    "departed",
)  # fmt: skip


class Kind(StrEnum):
    """What became of an event. Of several true ones, the most telling: those of one group in this order."""

    # It is new.
    CONTINUED = "continued"
    """It goes on for another, whose id is no longer in use."""
    SPLIT = "split"
    """It parted from another, which lives on."""
    APPEARED = "appeared"

    # It is gone.
    RENAMED = "renamed"
    """It goes on under another id."""
    MERGED = "merged"
    """Its mentions are in another."""
    REMOVED = "removed"
    """None of its mentions is left."""

    # It is another.
    DISMISSED = "dismissed"
    RESTORED = "restored"
    RETRACTED = "retracted"
    REINSTATED = "reinstated"
    ENDED = "ended"
    REOPENED = "reopened"
    CHANGED = "changed"


GONE = frozenset({Kind.RENAMED, Kind.MERGED, Kind.REMOVED})
"""After these the event is there no more."""

_FLIPS = (
    ("dismissed", Kind.DISMISSED, Kind.RESTORED),
    ("retracted", Kind.RETRACTED, Kind.REINSTATED),
    ("lifted", Kind.ENDED, Kind.REOPENED),
)


@dataclass(frozen=True, slots=True)
class State:
    """An event at a time: the columns of its row that the log follows, by their names, its mentions and steps."""

    values: Mapping[str, object]
    mention_ids: tuple[str, ...]
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EventChange:
    """What happens to one event. `before` is None for a new one, `after` for one that is gone.

    `other_id` is the event that goes on for it or for which it goes on, from which it parted or into which it merged;
    `former` that event's state where this one goes on for it.
    """

    event_id: str
    before: State | None
    after: State | None
    other_id: str | None = None
    former: State | None = None
    renamed: bool = False

    @property
    def kind(self) -> Kind:
        """What became of it."""
        if self.before is None:
            if self.former is not None:
                return Kind.CONTINUED
            return Kind.APPEARED if self.other_id is None else Kind.SPLIT
        if self.after is None:
            if self.other_id is None:
                return Kind.REMOVED
            return Kind.RENAMED if self.renamed else Kind.MERGED
        for name, became, is_no_more in _FLIPS:
            if self.before.values[name] != self.after.values[name]:
                return became if self.after.values[name] else is_no_more
        return Kind.CHANGED

    @property
    def fields(self) -> list[str]:
        """The columns that change: all of them where the event is new or gone."""
        if self.before is None or self.after is None:
            state = self.after or self.before
            assert state is not None, "a change has two sides or one"
            return list(state.values)
        now = self.after.values
        return [name for name, value in self.before.values.items() if value != now[name]]


def add(database: Database, run_id: str, changed: Sequence[EventChange]) -> None:
    """Append changes to the log, in this order, within the caller's transaction."""
    if not changed:
        return
    ((last,),) = database.execute("SELECT coalesce(max(position), 0) FROM changes")
    begun = database.execute("SELECT started_at FROM runs WHERE run_id = ?", [run_id])
    changed_at = begun[0][0] if begun else None
    rows = [(position, run_id, changed_at, *_row(one)) for position, one in enumerate(changed, start=last + 1)]
    database.insert("changes", COLUMNS, rows)


def _row(one: EventChange) -> tuple[object, ...]:
    fields = one.fields
    had, has = _mentions(one.before), _mentions(one.after)
    steps_before = one.before or one.former
    gained = Counter(() if one.after is None else one.after.steps)
    gained -= Counter(() if steps_before is None else steps_before.steps)
    return (
        one.event_id,
        one.kind.value,
        one.other_id,
        fields,
        _values(one.before, fields),
        _values(one.after, fields),
        list(gained.elements()),
        [mention_id for mention_id in has if mention_id not in had],
        [mention_id for mention_id in had if mention_id not in has],
    )


def _mentions(state: State | None) -> dict[str, None]:
    return dict.fromkeys(() if state is None else state.mention_ids)


def _values(state: State | None, fields: Sequence[str]) -> dict[str, object] | None:
    """The values of `fields`, None for the other columns."""
    if state is None:
        return None
    return dict.fromkeys(state.values) | {name: state.values[name] for name in fields}

"""What has become of events since then, and the place from which to go on."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, SupportsIndex, TypeAlias, overload

from clampdown.api.records import ChangeKind, Event
from pipeline.errors import InputError
from pipeline.event_types import Quote


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the log of changes. `str(cursor)` is one line of text to keep; `Warehouse.changes` takes that, too.

    It holds what is needed to find the place again after `clampdown rebuild` has written the log anew: then what came
    after the same run, or after the same time, is told.

    >>> cursor = clampdown.open("sample-data").cursor
    >>> clampdown.Cursor.parse(str(cursor)) == cursor
    True
    """

    position: int
    mark: str
    run_id: str | None = None
    ended_at: datetime | None = None

    def __str__(self) -> str:
        ended = None if self.ended_at is None else self.ended_at.isoformat()
        return json.dumps({"position": self.position, "mark": self.mark, "run_id": self.run_id, "ended_at": ended})

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """The cursor that was kept as `text`. Raises InputError where it is none."""
        try:
            told = json.loads(text)
            position, mark, run_id, ended = (told[name] for name in ("position", "mark", "run_id", "ended_at"))
            ended_at = None if ended is None else datetime.fromisoformat(ended)
            if not isinstance(position, int) or not isinstance(mark, str) or not isinstance(run_id, str | None):
                raise TypeError(f"it holds {position!r}, {mark!r}, {run_id!r}")
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"{text!r} is no cursor: {error}", hint="Keep str(changes.cursor) as it is.") from None
        return cls(position, mark, run_id, ended_at)


Since: TypeAlias = Cursor | date | str | int
"""A cursor or its text, a day or time (naive ones are UTC), the id of a run, or a position in the table `changes`."""


@dataclass(frozen=True, slots=True)
class Telling:
    """A sentence that tells of an event, an exact slice of `version` of the article's text, and where it stands."""

    quote: Quote
    title: str
    url: str
    source: str | None
    published: date | None
    article_id: str
    version: int
    mention_id: str
    score: float


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of an event that has another value now."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """What has become of one event since then, whatever it went through in between.

    `before` is None for an event that is new, `after` for one that is gone; `event` is the one of them that is newer.
    `fields` are the names of the columns of the table `events` that differ, `steps` the kinds of steps that its life
    has gained, `arrived` the ids of mentions that were added. `other_id` is the event that it was merged into or split
    from. The run `run_id`, begun at `changed_at` (UTC), made the last of these changes. `evidence` are sentences of the
    mentions that arrived or, where none did, of those that it has; the surest first. Why a person dismissed or edited
    an event stands in `Warehouse.event(change.event_id).decisions`.
    """

    kind: ChangeKind
    event_id: str
    before: Event | None
    after: Event | None
    fields: tuple[str, ...]
    steps: tuple[str, ...]
    arrived: tuple[str, ...]
    other_id: str | None
    run_id: str | None
    changed_at: datetime | None
    evidence: tuple[Telling, ...]

    @property
    def event(self) -> Event:
        """The event as it is now or, where it is gone, as it was."""
        found = self.after or self.before
        assert found is not None, "a change has two sides or one"
        return found

    @property
    def differences(self) -> tuple[Difference, ...]:
        """The fields of the event that have another value now; none where it is new or gone."""
        if self.before is None or self.after is None:
            return ()
        pairs = ((name, getattr(self.before, name), getattr(self.after, name)) for name in Event.__slots__)
        return tuple(Difference(*one) for one in pairs if one[1] != one[2] and one[0] != "why")

    def __repr__(self) -> str:
        from clampdown.api.shown import change_line

        return f"<Change {change_line(self)}>"


class Changes(tuple[Change, ...]):
    """Changes by event id: a tuple with the `cursor` from which to go on.

    `same_log` is false where a rebuild has written the log anew since the cursor was taken: a change may be told again.
    """

    _cursor: Cursor
    _same_log: bool

    @classmethod
    def _of(cls, changes: Iterable[Change], cursor: Cursor, same_log: bool) -> "Changes":
        """Put them together."""
        made = cls(changes)
        made._cursor, made._same_log = cursor, same_log
        return made

    @property
    def cursor(self) -> Cursor:
        """The place after the last of these."""
        return self._cursor

    @property
    def same_log(self) -> bool:
        """Whether the log is the one in which the cursor was taken."""
        return self._same_log

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> Change: ...
    @overload
    def __getitem__(self, index: slice, /) -> tuple[Change, ...]: ...
    def __getitem__(self, index: Any, /) -> Any:
        return super().__getitem__(index)

    def __repr__(self) -> str:
        return "\n".join([*map(repr, self), f"{len(self)} {'change' if len(self) == 1 else 'changes'}"])

    def _repr_html_(self) -> str:
        from clampdown.api.shown import changes_html

        return changes_html(self)

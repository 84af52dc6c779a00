"""One event with all that speaks for it, asked of a published snapshot: steps, voices, dissents, words, and grounds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from pipeline.dissent import Dissent, dissents
from pipeline.errors import InputError
from pipeline.statements import Family, Statement, read_statement
from pipeline.types import Transition
from warehouse.event_evidence import (
    ArticleLine,
    MentionDetail,
    StepDetail,
    Voice,
    article_lines,
    copies,
    heard,
    read_evidence,
    read_steps,
    voices,
)
from warehouse.event_list import EVENT_COLUMNS, EventRow, event_row
from warehouse.grounds import Ground, grounds
from warehouse.reader import Reader
from warehouse.tables import registries

SHORTEST_PREFIX = 4
_LISTED = 5


@dataclass(frozen=True, slots=True)
class EventDetail:
    """One event with its steps and all its evidence.

    `copies` are further articles that carry the text of one that mentions it. `asked` is the id that was asked for,
    where that event was merged into this one; `merged` are all the ids that lead here. `parted_from` are events from
    which this one has parted, `parted` those that have parted from it. `country` is the name of the event's country.
    """

    event: EventRow
    country: str
    steps: tuple[StepDetail, ...]
    mentions: tuple[MentionDetail, ...]
    voices: tuple[Voice, ...]
    copies: tuple[ArticleLine, ...]
    dissent: tuple[Dissent, ...]
    merged: tuple[str, ...] = ()
    parted_from: tuple[str, ...] = ()
    parted: tuple[str, ...] = ()
    asked: str | None = None

    @property
    def transitions(self) -> tuple[Transition, ...]:
        """The steps without the words that show them."""
        return tuple(detail.step for detail in self.steps)


class Kin(NamedTuple):
    """Other ids by which an event went or goes: see `EventDetail`."""

    merged: tuple[str, ...]
    parted_from: tuple[str, ...]
    parted: tuple[str, ...]


def event(reader: Reader, id_or_prefix: str) -> EventDetail:
    """The event with that id, or whose id alone begins so. An id that was merged away leads to its successor.

    Raises InputError where no event or more than one fits.
    """
    current, asked = find_event(reader, id_or_prefix)
    row = event_row(reader.rows(f"SELECT {EVENT_COLUMNS} FROM events WHERE event_id = ?", [current])[0])
    placed = dict(reader.rows("SELECT mention_id, happening_id FROM event_mentions WHERE event_id = ?", [current]))
    evidence = read_evidence(reader, placed)
    found = [one for one, _ in evidence]
    lineage = registries.lineage(reader.rows)
    told, lifts = told_and_lifts([read_statement(context, lineage) for _, context in evidence])
    why = grounds(told, lifts, placed)
    told_by = [heard(one) for one in evidence]
    kin = read_kin(reader, current)
    named = reader.rows("SELECT name FROM countries WHERE code = ?", [row.country])
    return EventDetail(
        event=row,
        country=next((str(name) for (name,) in named), row.country),
        steps=read_steps(reader, current, found),
        mentions=tuple(grounded(one, why.get(one.id)) for one in found),
        voices=voices(told_by),
        copies=article_lines(reader, copies(reader, told_by)),
        dissent=dissents(told, lifts),
        merged=kin.merged,
        parted_from=kin.parted_from,
        parted=kin.parted,
        asked=asked,
    )


def find_event(reader: Reader, id_or_prefix: str) -> tuple[str, str | None]:
    """The id of the event with that id, or whose id alone begins so; and the id asked for, where it was merged away.

    Raises InputError where no event or more than one fits, or the event was withdrawn.
    """
    event_id = _find(reader, id_or_prefix.strip().lower())
    forwarded = reader.rows("SELECT new_id FROM event_forwards WHERE old_id = ?", [event_id])
    if not forwarded:
        return event_id, None
    current = forwarded[0][0]
    if current is None:
        raise InputError(f"event {event_id} was withdrawn: no article states it any longer")
    return str(current), event_id


def grounded(one: MentionDetail, why: Ground | None) -> MentionDetail:
    """The mention with what ties it to its event."""
    return one if why is None else replace(one, grounds=why.words, nearest=why.nearest)


def told_and_lifts(statements: Sequence[Statement]) -> tuple[list[Statement], list[Statement]]:
    """Sort an event's statements into those that tell of it and those that tell of its end."""
    lifts = [s for s in statements if s.family is Family.LIFT]
    told = [s for s in statements if s.family is not Family.LIFT]
    return (told, lifts) if told else (lifts, [])


def read_kin(reader: Reader, event_id: str) -> Kin:
    """The ids of events that were merged into this one, and of those from which it parted or that parted from it."""
    questions = (
        "SELECT old_id FROM event_forwards WHERE new_id = ? ORDER BY 1",
        "SELECT origin_id FROM event_origins WHERE event_id = ? ORDER BY 1",
        "SELECT event_id FROM event_origins WHERE origin_id = ? ORDER BY 1",
    )
    return Kin(*(tuple(str(found) for (found,) in reader.rows(question, [event_id])) for question in questions))


def _find(reader: Reader, prefix: str) -> str:
    if len(prefix) < SHORTEST_PREFIX:
        raise InputError(
            f"{prefix!r} is too short for an event's id", hint=f"Give {SHORTEST_PREFIX} characters or more."
        )
    found = ids_beginning(reader, prefix, _LISTED + 1)
    if not found:
        raise InputError(f"there is no event {prefix}", hint="`clampdown events` lists them.")
    if len(found) > 1:
        listed = ", ".join(found[:_LISTED]) + (", …" if len(found) > _LISTED else "")
        raise InputError(f"{prefix} may be one of {listed}", hint="Give more characters.")
    return found[0]


def ids_beginning(reader: Reader, prefix: str, most: int) -> list[str]:
    """Ids of events, those of former ones too, that begin so: the first ones in their order."""
    rows = reader.rows(
        """
        SELECT event_id FROM (SELECT event_id FROM events UNION SELECT old_id FROM event_forwards)
        WHERE starts_with(event_id, ?) ORDER BY event_id LIMIT ?
        """,
        [prefix, most],
    )
    return [str(event_id) for (event_id,) in rows]

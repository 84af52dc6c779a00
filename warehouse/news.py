"""What became of events since a place in the log of changes, and the words that tell of it: what digests are made of.

All of it is asked of a published snapshot, in a few questions whatever the number of events.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pipeline.passages import sentence_at
from pipeline.types import Quote, Transition
from warehouse.database import from_utc
from warehouse.event_list import EVENT_COLUMNS, EventRow, event_row
from warehouse.reader import Reader
from warehouse.tables.changes import Kind
from warehouse.tables.events import TRANSITION_FIELDS, read_transition
from warehouse.texts import texts_of

_COLUMNS = tuple(EVENT_COLUMNS.split(", "))

LONGEST_SPAN = 240
"""Characters between the words for the deed, the service and the actor that one quote may reach over."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the log of changes: how many changes lead to it, their digest, and the last run that had ended.

    By the digest it shows whether the log of another day still tells the same up to there: a rebuild by another
    program or model writes it anew.
    """

    position: int
    mark: str
    run_id: str | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Change:
    """The net change of one event, as the macro `changes_since` tells it.

    `before` is None for an event that is new, `after` for one that is gone. `steps` are the kinds of steps it gained,
    `arrived` the ids of the mentions, of which `newest` is the last day, UTC, on which we first held the words of one;
    None where there are none. `other_id` is the event that it was merged into or split from, `run_id` the run that made
    the last of its changes, `changed_at` when that began, UTC.
    """

    event_id: str
    kind: Kind
    before: EventRow | None
    after: EventRow | None
    fields: frozenset[str]
    steps: tuple[str, ...]
    arrived: tuple[str, ...]
    newest: date | None
    other_id: str | None = None
    run_id: str | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Telling:
    """A sentence that tells of an event, an exact slice of `version` of the article's text, and the article.

    `publisher` is the owner of the source, or the source: what one publisher says in many papers it says once.
    """

    mention_id: str
    article_id: str
    version: int
    quote: Quote
    title: str
    url: str
    source: str | None
    publisher: str
    published: date | None
    learned_on: date | None
    withdrawn_on: date | None
    score: float


def end_of_log(reader: Reader) -> Place:
    """The place that the snapshot's log has reached."""
    ((position,),) = reader.rows("SELECT coalesce(max(position), 0) FROM changes")
    runs = reader.rows(
        "SELECT run_id, finished_at FROM runs WHERE finished_at IS NOT NULL "
        "ORDER BY finished_at DESC, run_id DESC LIMIT 1"
    )
    run_id, ended_at = runs[0] if runs else (None, None)
    return Place(position, _mark(reader, position), run_id, from_utc(ended_at))


def bound_of(reader: Reader, place: Place) -> tuple[str | int, bool]:
    """What `changes_since` is asked with for all that came after `place`, and whether the log is still that one.

    In a log that was written anew, the place is where the same run had ended or, where that is not known, the last one
    that had ended by then.
    """
    if _mark(reader, place.position) == place.mark:
        return place.position, True
    if place.run_id is not None and reader.rows("SELECT 1 FROM runs WHERE run_id = ?", [place.run_id]):
        return place.run_id, False
    return (0 if place.ended_at is None else place.ended_at.isoformat()), False


def _mark(reader: Reader, position: int) -> str:
    """The digest of the first so many changes; an empty one where there are not so many."""
    ((number, digest),) = reader.rows(
        "SELECT count(*), bit_xor(md5_number_lower(concat_ws(' ', position, run_id, event_id, kind, other_id))) "
        "FROM changes WHERE position <= ?",
        [position],
    )
    return f"{digest or 0:016x}" if number == position else ""


def began_at(reader: Reader) -> datetime | None:
    """When the first run began, UTC; None before there was any."""
    return from_utc(reader.rows("SELECT min(started_at) FROM runs")[0][0])


def changes_since(reader: Reader, since: str | int) -> list[Change]:
    """The net change of each event since then, by event id. `since` is what the macro `changes_since` takes.

    Raises WarehouseError where it is nothing that the log knows.
    """
    # The question is a long one to plan, and on most days there is nothing to ask.
    if isinstance(since, int) and not reader.rows("SELECT 1 FROM changes WHERE position > ? LIMIT 1", [since]):
        return []
    literal = str(since) if isinstance(since, int) else "'" + since.replace("'", "''") + "'"
    rows = reader.rows(
        "SELECT event_id, kind, before, after, fields, steps, arrived, former_id, other_id, run_id, changed_at "
        f"FROM changes_since({literal}) ORDER BY event_id"
    )
    standing = _events(reader, [row[0] for row in rows if row[3] is not None])
    learned = _learned(reader, [mention_id for row in rows for mention_id in row[6]])
    return [_change(row, standing, learned) for row in rows]


def _learned(reader: Reader, mention_ids: Sequence[str]) -> dict[str, date]:
    rows = reader.rows(
        "SELECT mention_id, learned_on FROM mentions "
        "WHERE learned_on IS NOT NULL AND mention_id IN (SELECT unnest(?::JSON::VARCHAR[]))",
        [mention_ids],
    )
    return dict(rows)


def _events(reader: Reader, event_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    rows = reader.rows(
        f"SELECT {EVENT_COLUMNS} FROM events WHERE event_id IN (SELECT unnest(?::JSON::VARCHAR[]))", [event_ids]
    )
    return {row[0]: dict(zip(_COLUMNS, row, strict=True)) for row in rows}


def _change(row: Sequence[Any], standing: Mapping[str, dict[str, Any]], learned: Mapping[str, date]) -> Change:
    """A row of the log: its structs hold what changed, all else is as it stands."""
    event_id, kind, before, after, fields, steps, arrived, former_id, other_id, run_id, changed_at = row
    now = standing.get(event_id)
    was: dict[str, Any] | None = None
    if before is not None:
        changed = {name: before[name] for name in fields if name in _COLUMNS}
        was = (now or {}) | changed | {"event_id": former_id or event_id}
    return Change(
        event_id,
        Kind(kind),
        None if was is None else event_row([was[name] for name in _COLUMNS]),
        None if after is None or now is None else event_row([now[name] for name in _COLUMNS]),
        frozenset(fields),
        tuple(steps),
        tuple(arrived),
        max((learned[one] for one in arrived if one in learned), default=None),
        other_id,
        run_id,
        from_utc(changed_at),
    )


def steps_of(reader: Reader, event_ids: Iterable[str]) -> dict[str, tuple[Transition, ...]]:
    """Event id → the steps of its life, in order."""
    found: dict[str, list[Transition]] = {}
    for event_id, *step in reader.rows(
        f"SELECT event_id, {', '.join(TRANSITION_FIELDS)} FROM event_transitions "
        "WHERE event_id IN (SELECT unnest(?::JSON::VARCHAR[])) ORDER BY event_id, position",
        [sorted(event_ids)],
    ):
        found.setdefault(event_id, []).append(read_transition(step))
    return {event_id: tuple(steps) for event_id, steps in found.items()}


def country_names(reader: Reader) -> dict[str, str]:
    """Code → English name."""
    return dict(reader.rows("SELECT code, name FROM countries"))


def tellings_of(reader: Reader, wanted: Mapping[str, Sequence[str]]) -> dict[str, tuple[Telling, ...]]:
    """Event id → the sentences that tell of it: those of the mentions that are `wanted` of it, in that order.

    Mentions that the snapshot does not have are left out: they were taken out of the event, and are gone.
    """
    ids = sorted({mention_id for some in wanted.values() for mention_id in some})
    rows = reader.rows(
        """
        SELECT m.mention_id, m.article_id, m.version, m.trigger_start, m.trigger_end, m.service_start, m.service_end,
               m.actor_start, m.actor_end, coalesce(v.title, a.title), a.url, coalesce(src.name, a.site),
               coalesce(src.owner, a.source_id), m.reported_on, m.learned_on, m.withdrawn_on, m.score
        FROM mentions AS m JOIN articles AS a USING (article_id) LEFT JOIN sources AS src ON src.source_id = a.source_id
            LEFT JOIN article_versions AS v ON v.article_id = m.article_id AND v.version = m.version
        WHERE m.mention_id IN (SELECT unnest(?::JSON::VARCHAR[]))
        """,
        [ids],
    )
    texts = texts_of(reader, (row[1] for row in rows))
    known = {row[0]: _telling(row, texts[row[1], row[2]]) for row in rows if (row[1], row[2]) in texts}
    return {event_id: tuple(known[one] for one in some if one in known) for event_id, some in wanted.items()}


def mentions_of(reader: Reader, event_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Event id → its mentions, those that still stand first, the surest first."""
    found: dict[str, list[str]] = {}
    for event_id, mention_id in reader.rows(
        """
        SELECT em.event_id, m.mention_id FROM event_mentions AS em JOIN mentions AS m USING (mention_id)
        WHERE em.event_id IN (SELECT unnest(?::JSON::VARCHAR[]))
        ORDER BY em.event_id, m.withdrawn_on IS NOT NULL, m.score DESC, m.mention_id
        """,
        [sorted(event_ids)],
    ):
        found.setdefault(event_id, []).append(mention_id)
    return {event_id: tuple(some) for event_id, some in found.items()}


def _telling(row: Sequence[Any], text: str) -> Telling:
    mention_id, article_id, version, *spans, title, url, source, publisher, published, learned, gone, score = row
    begin, stop = sentence_at(text, *_span(spans))
    return Telling(
        mention_id, article_id, version, Quote(text[begin:stop], begin, stop), title, url, source, publisher, published,
        learned, gone, score,
    )  # fmt: skip


def _span(spans: Sequence[int | None]) -> tuple[int, int]:
    """From the first to the last of the words for deed, service and actor, as far as they stand near the deed."""
    start, end, *others = spans
    assert start is not None, "a mention has a trigger"
    assert end is not None, "a mention has a trigger"
    for one, other in zip(others[::2], others[1::2], strict=True):
        if one is not None and other is not None and max(end, other) - min(start, one) <= LONGEST_SPAN:
            start, end = min(start, one), max(end, other)
    return start, end

"""The events that a run has brought, each with the sentence that tells of it best, asked of a published snapshot."""

from dataclasses import dataclass

from warehouse.event_list import EVENT_COLUMNS, EventRow, event_row
from warehouse.news import Telling, mentions_of, tellings_of
from warehouse.reader import Reader
from warehouse.tables.changes import Kind


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that is new, with the surest sentence that states it; None where no text of it is in the snapshot."""

    event: EventRow
    telling: Telling | None


def new_events(reader: Reader, run_id: str, limit: int) -> list[NewEvent]:
    """The events that are new since this run and still stand, those that most voices carry first; `limit` at most."""
    rows = reader.rows(
        f"""
        SELECT {EVENT_COLUMNS} FROM events
        WHERE NOT retracted AND NOT dismissed
            AND event_id IN (SELECT event_id FROM changes WHERE run_id = ? AND kind = ?)
        ORDER BY voices DESC, score DESC, event_id LIMIT ?
        """,
        [run_id, Kind.APPEARED.value, limit],
    )
    found = [event_row(row) for row in rows]
    surest = {event_id: ids[:1] for event_id, ids in mentions_of(reader, [one.id for one in found]).items()}
    tellings = tellings_of(reader, surest)
    return [NewEvent(one, next(iter(tellings.get(one.id, ())), None)) for one in found]

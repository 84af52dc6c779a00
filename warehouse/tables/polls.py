"""Tables `polls` and `feed_states`: how each poll ended, and what it left behind for the next one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.types import Entry, FeedState, Poll
from warehouse.database import Database, from_utc, storable, to_utc
from warehouse.tables import refs

COLUMNS = (
    "run_id", "source_id", "outcome", "detail", "fetched_at", "entries", "new_entries", *refs.COLUMNS,
)  # fmt: skip

STATE_COLUMNS = (
    "source_id", "etag", "last_modified", "moved_to", "body_sha256", "interval_seconds", "refresh_seconds",
    "next_poll_at", "failures", "error", "answered_at", "changed_at", "latest_at", "language", "gone_at",
)  # fmt: skip


def states(database: Database) -> dict[str, FeedState]:
    """Each source's state by its id."""
    rows = database.execute(f"SELECT {', '.join(STATE_COLUMNS)} FROM feed_states")
    return {row[0]: _state(row) for row in rows}


def known(database: Database, entries: Iterable[Entry]) -> set[str]:
    """The ids of those `entries` that their source has brought before, be it under another GUID."""
    asked = [
        {"id": entry.id, "stored_id": _stored_id(entry), "source_id": entry.source_id, "url": entry.canonical_url}
        for entry in entries
    ]
    rows = database.execute(
        """
        WITH asked AS (
            SELECT unnest(
                ?::JSON::STRUCT(id VARCHAR, stored_id VARCHAR, source_id VARCHAR, url VARCHAR)[], recursive := true
            )
        )
        SELECT a.id FROM asked AS a SEMI JOIN entries AS e ON e.entry_id = a.stored_id
        UNION
        SELECT a.id FROM asked AS a SEMI JOIN entries AS e ON e.source_id = a.source_id AND e.canonical_url = a.url
        """,
        [asked],
    )
    return {entry_id for (entry_id,) in rows}


def add(database: Database, run_id: str, polls: Sequence[Poll], new_entries: Mapping[str, int]) -> None:
    """Log the polls that this run has not logged yet. `new_entries` counts them by source."""
    rows = []
    for poll in polls:
        rows.append(
            (
                run_id,
                poll.source_id,
                poll.outcome.value,
                poll.detail,
                to_utc(poll.fetched_at),
                len(poll.entries) + poll.unchanged,
                new_entries.get(poll.source_id, 0),
                *refs.to_columns(poll.archived),
            )
        )
    database.insert("polls", COLUMNS, rows, unless=("run_id", "source_id"))


def set_states(database: Database, polls: Sequence[Poll]) -> None:
    """Replace the state of each source whose poll brought one."""
    new = {poll.source_id: poll.state for poll in polls if poll.state is not None}
    stored = states(database)
    changed = {source_id: state for source_id, state in new.items() if stored.get(source_id) != state}
    if changed:
        forget(database, list(changed))
        database.insert("feed_states", STATE_COLUMNS, [_row(source_id, state) for source_id, state in changed.items()])


def forget(database: Database, source_ids: Sequence[str]) -> None:
    """Remove the states of these sources: their next poll is like their first."""
    database.execute(
        "DELETE FROM feed_states WHERE source_id IN (SELECT unnest(?::JSON::VARCHAR[]))", [list(source_ids)]
    )


def _stored_id(entry: Entry) -> str:
    return replace(entry, guid=storable(entry.guid)).id


def _row(source_id: str, state: FeedState) -> tuple[object, ...]:
    return (
        source_id,
        state.etag,
        state.last_modified,
        state.moved_to,
        state.body_sha256,
        state.interval,
        state.refresh,
        to_utc(state.next_poll_at),
        state.failures,
        state.error,
        to_utc(state.answered_at),
        to_utc(state.changed_at),
        to_utc(state.latest_at),
        state.language,
        to_utc(state.gone_at),
    )


def _state(row: Sequence[Any]) -> FeedState:
    (source_id, etag, last_modified, moved_to, body, interval, refresh, next_poll, failures, error, *rest) = row
    answered, changed, latest, language, gone = rest
    return FeedState(
        source_id=source_id,
        etag=etag,
        last_modified=last_modified,
        moved_to=moved_to,
        body_sha256=body,
        interval=interval,
        refresh=refresh,
        next_poll_at=from_utc(next_poll),
        failures=failures or 0,
        error=error,
        answered_at=from_utc(answered),
        changed_at=from_utc(changed),
        latest_at=from_utc(latest),
        language=language,
        gone_at=from_utc(gone),
    )

"""Tables `polls` and `feed_states`: how each poll ended, and what it left behind for the next one."""

from collections.abc import Mapping, Sequence

from pipeline.types import FeedState, Poll
from warehouse.database import Database, to_utc
from warehouse.tables import refs

COLUMNS = (
    "run_id", "source_id", "outcome", "detail", "fetched_at", "entries", "new_entries", *refs.COLUMNS,
)  # fmt: skip


def states(database: Database) -> dict[str, FeedState]:
    """Each source's state by its id."""
    rows = database.execute("SELECT source_id, etag, last_modified, moved_to FROM feed_states")
    return {row[0]: FeedState(*row) for row in rows}


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
                len(poll.entries),
                new_entries.get(poll.source_id, 0),
                *refs.to_columns(poll.archived),
            )
        )
    database.insert("polls", COLUMNS, rows, unless=("run_id", "source_id"))


def set_states(database: Database, polls: Sequence[Poll]) -> None:
    """Replace the state of each source whose poll brought one."""
    new = {poll.source_id: poll.state for poll in polls if poll.state is not None}
    known = states(database)
    changed = {source_id: state for source_id, state in new.items() if known.get(source_id) != state}
    if not changed:
        return
    database.execute("DELETE FROM feed_states WHERE source_id IN (SELECT unnest(?::JSON::VARCHAR[]))", [list(changed)])
    rows = [(source_id, state.etag, state.last_modified, state.moved_to) for source_id, state in changed.items()]
    database.insert("feed_states", ("source_id", "etag", "last_modified", "moved_to"), rows)

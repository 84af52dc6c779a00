"""Table `entries`: every item that a feed ever listed, as it was when first seen; and which of them are due."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from pipeline.types import Entry, PendingEntry
from warehouse.database import Database, from_utc, storable, to_utc
from warehouse.tables import stamps

COLUMNS = (
    "entry_id", "source_id", "guid", "url", "canonical_url", "title", "summary", "content",
    *stamps.COLUMNS, "updated_at", "authors", "language", "run_id",
)  # fmt: skip

# Due at the time given: never concluded, or concluded for now by a failure that may have healed.
_DUE = "(o.retry_at <= ? OR (o.outcome = 'pending' AND o.retry_at IS NULL))"


def add(database: Database, run_id: str, entries: Sequence[Entry]) -> Counter[str]:
    """Insert the entries that are not known, each with the outcome `pending`. Returns their number by source."""
    first: dict[str, Entry] = {}
    for entry in entries:
        # The id must be that of the entry as it will be read back.
        readable = replace(entry, guid=storable(entry.guid))
        first.setdefault(readable.id, readable)
    known = database.execute(
        "SELECT entry_id FROM entries WHERE entry_id IN (SELECT unnest(?::JSON::VARCHAR[]))", [list(first)]
    )
    for (entry_id,) in known:
        del first[entry_id]
    database.insert("entries", COLUMNS, [_row(entry, run_id) for entry in first.values()])
    database.insert("outcomes", ("entry_id", "outcome", "attempts"), [(entry_id, "pending", 0) for entry_id in first])
    return Counter(entry.source_id for entry in first.values())


def due(database: Database, now: datetime, limit: int) -> list[PendingEntry]:
    """Up to `limit` due entries: by day of publication, undated ones last, then by id."""
    rows = database.execute(
        f"""
        SELECT e.source_id, e.guid, e.url, e.canonical_url, e.title, e.summary, e.content,
               e.published_on, e.published_at, e.published_basis, e.updated_at, e.authors, e.language, o.attempts
        FROM outcomes AS o JOIN entries AS e USING (entry_id)
        WHERE {_DUE}
        ORDER BY e.published_on NULLS LAST, e.entry_id
        LIMIT ?
        """,
        [to_utc(now), limit],
    )
    return [PendingEntry(_entry(row[:-1]), row[-1]) for row in rows]


def count_due(database: Database, now: datetime) -> int:
    """How many entries `due` would return without a limit."""
    rows = database.execute(f"SELECT count(*) FROM outcomes AS o WHERE {_DUE}", [to_utc(now)])
    return int(rows[0][0])


def count_pending(database: Database) -> int:
    """How many entries wait for their first outcome or for another try, due or not."""
    rows = database.execute("SELECT count(*) FROM outcomes WHERE outcome = 'pending' OR retry_at IS NOT NULL")
    return int(rows[0][0])


def _row(entry: Entry, run_id: str) -> tuple[object, ...]:
    return (
        entry.id,
        entry.source_id,
        entry.guid,
        entry.url,
        entry.canonical_url,
        entry.title,
        entry.summary,
        entry.content,
        *stamps.to_columns(entry.published),
        to_utc(entry.updated),
        list(entry.authors),
        entry.language,
        run_id,
    )


def _entry(row: Sequence[Any]) -> Entry:
    source_id, guid, url, canonical_url, title, summary, content, day, time, basis, updated, authors, language = row
    return Entry(
        source_id,
        guid,
        url,
        canonical_url,
        title,
        summary,
        content,
        stamps.from_columns(day, time, basis),
        from_utc(updated),
        tuple(authors),
        language,
    )

"""Which entries are due: for their first outcome, for another try, or because what was stored of them has changed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pipeline.types import Entry, Outcome, PendingEntry, StoredVersion, TextOrigin
from warehouse.database import Database, from_utc, to_utc
from warehouse.tables import refs, stamps

_COLUMNS = (
    "e.entry_id, e.source_id, e.guid, e.url, e.canonical_url, e.title, e.summary, e.content, e.published_on, "
    "e.published_at, e.published_basis, e.updated_at, e.authors, e.language, e.fetched_at, e.archive_part, "
    "e.archive_offset, e.archive_length, e.archive_sha256, s.full_text, o.attempts"
)

# Due at the time $1: never concluded, or concluded for now by a failure that may have healed …
_OPEN = "(o.retry_at <= $1 OR (o.outcome = 'pending' AND o.retry_at IS NULL))"
# … or concluded, and worth asking for again.
_REVISIT = "o.revisit_at <= $1"


_OF_SOURCES = "source_id IN (SELECT unnest(?::JSON::VARCHAR[]))"


def due(database: Database, now: datetime, limit: int, sources: Sequence[str] | None = None) -> list[PendingEntry]:
    """Up to `limit` due entries: by day of publication, undated ones last, then by id.

    With `sources`, only entries of these.
    """
    own = "" if sources is None else f"AND e.{_OF_SOURCES.replace('?', '$3')}"
    rows = database.execute(
        f"""
        SELECT {_COLUMNS}, coalesce({_REVISIT}, false)
        FROM outcomes AS o JOIN entries AS e USING (entry_id) LEFT JOIN sources AS s USING (source_id)
        WHERE ({_OPEN} OR {_REVISIT}) {own}
        ORDER BY e.published_on NULLS LAST, e.entry_id
        LIMIT $2
        """,
        [to_utc(now), limit, *(() if sources is None else [list(sources)])],
    )
    stored = _stored(database, [row[0] for row in rows if row[-1]])
    return [_pending(row[1:-1], stored.get(row[0])) for row in rows]


def again(database: Database, entry_ids: Sequence[str]) -> list[PendingEntry]:
    """These entries, in the order given, as they would be taken now: those whose article they brought, for a revisit.

    Ids of entries that are not stored are left out.
    """
    rows = database.execute(
        f"""
        SELECT {_COLUMNS}
        FROM outcomes AS o JOIN entries AS e USING (entry_id) LEFT JOIN sources AS s USING (source_id)
        WHERE e.entry_id IN (SELECT unnest(?::JSON::VARCHAR[]))
        """,
        [list(entry_ids)],
    )
    stored = _stored(database, entry_ids)
    found = {row[0]: _pending(row[1:], stored.get(row[0])) for row in rows}
    return [found[entry_id] for entry_id in entry_ids if entry_id in found]


def asking(database: Database, urls: Sequence[str]) -> list[str]:
    """The ids of entries that have one of the addresses and wait for their page, or have brought its article."""
    rows = database.execute(
        """
        SELECT e.entry_id FROM entries AS e JOIN outcomes AS o USING (entry_id)
        WHERE e.url IN (SELECT unnest(?::JSON::VARCHAR[]))
            AND (o.outcome = 'pending' OR o.retry_at IS NOT NULL OR e.entry_id IN (SELECT entry_id FROM articles))
        ORDER BY e.published_on NULLS LAST, e.entry_id
        """,
        [list(urls)],
    )
    return [entry_id for (entry_id,) in rows]


def count_due(database: Database, now: datetime, sources: Sequence[str] | None = None) -> int:
    """How many entries `due` would return without a limit."""
    if sources is None:
        rows = database.execute(f"SELECT count(*) FROM outcomes AS o WHERE {_OPEN} OR {_REVISIT}", [to_utc(now)])
    else:
        rows = database.execute(
            "SELECT count(*) FROM outcomes AS o JOIN entries AS e USING (entry_id) "
            f"WHERE ({_OPEN} OR {_REVISIT}) AND e.{_OF_SOURCES.replace('?', '$2')}",
            [to_utc(now), list(sources)],
        )
    return int(rows[0][0])


def count_pending(database: Database) -> int:
    """How many entries wait for their first outcome or for another try, due or not."""
    rows = database.execute("SELECT count(*) FROM outcomes WHERE outcome = 'pending' OR retry_at IS NOT NULL")
    return int(rows[0][0])


def _stored(database: Database, entry_ids: Sequence[str]) -> Mapping[str, StoredVersion]:
    """Entry id → the article that it brought, as it is stored."""
    if not entry_ids:
        return {}
    rows = database.execute(
        """
        WITH wanted AS (SELECT unnest(?::JSON::VARCHAR[]) AS entry_id)
        SELECT a.entry_id, a.article_id, a.canonical_url, a.title, a.text, a.text_origin, o.outcome, a.etag,
               a.last_modified, (SELECT count(*) FROM revisits AS r WHERE r.entry_id = a.entry_id)
        FROM wanted JOIN outcomes AS o USING (entry_id) JOIN articles AS a USING (entry_id, article_id)
        """,
        [list(entry_ids)],
    )
    return {
        entry_id: StoredVersion(article_id, url, title, text, TextOrigin(origin), Outcome(outcome), *rest)
        for entry_id, article_id, url, title, text, origin, outcome, *rest in rows
    }


def _pending(row: Sequence[Any], revisit: StoredVersion | None) -> PendingEntry:
    source_id, guid, url, canonical_url, title, summary, content, day, time, basis, updated, authors, language = row[
        :13
    ]
    fetched_at, part, offset, length, sha256, full_text, attempts = row[13:]
    entry = Entry(
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
    archived = refs.from_columns(part, offset, length, sha256)
    return PendingEntry(entry, attempts, revisit, archived, from_utc(fetched_at), full_text)

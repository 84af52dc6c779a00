"""Table `entries`: every item that a feed ever listed, its words as the feed last gave them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.identity import KnownEntry, identify
from pipeline.revisits import words_changed
from pipeline.types import Entry, Poll
from warehouse.database import Database, storable, to_utc
from warehouse.tables import refs, stamps

_WORDS = ("title", "summary", "content", "updated_at", "fingerprint", "fetched_at", *refs.COLUMNS)
"""What follows the feed; all else stays as it was when the entry was first seen."""
COLUMNS = (
    "entry_id", "source_id", "guid", "url", "canonical_url", *stamps.COLUMNS, "authors", "language", "run_id",
    "revisions", *_WORDS,
)  # fmt: skip

_LIKE = """
WITH listed AS (
    SELECT unnest(?::JSON::STRUCT(source_id VARCHAR, guid VARCHAR, canonical_url VARCHAR)[], recursive := true)
), found AS (
    SELECT e.entry_id FROM entries AS e SEMI JOIN listed USING (source_id, guid)
    UNION
    SELECT e.entry_id FROM entries AS e SEMI JOIN listed USING (source_id, canonical_url)
)
SELECT entry_id, source_id, guid, canonical_url, title, published_on, published_at, published_basis, fingerprint
FROM entries SEMI JOIN found USING (entry_id)
ORDER BY entry_id
"""


@dataclass(frozen=True, slots=True)
class Added:
    """What polls brought: new entries counted by source, and the known ones whose words changed, with when it came."""

    new: Counter[str]
    revised: Mapping[str, datetime | None]


@dataclass(frozen=True, slots=True)
class _Item:
    """An entry as it will be read back, and the poll that listed it."""

    entry: Entry
    poll: Poll

    def words(self) -> tuple[object, ...]:
        entry, poll = self.entry, self.poll
        times = to_utc(entry.updated), to_utc(poll.fetched_at)
        words = (entry.title, entry.summary, entry.content)
        return (*words, times[0], entry.fingerprint, times[1], *refs.to_columns(poll.archived))


def add(database: Database, run_id: str, polls: Sequence[Poll]) -> Added:
    """Insert the entries that are not known, each with the outcome `pending`, and take over what known ones say now.

    Which item is which entry is decided by `pipeline.identity`: mostly by its link, since GUIDs churn.
    """
    items = [_Item(_readable(entry), poll) for poll in polls for entry in poll.entries]
    known, fingerprints = _like(database, [item.entry for item in items])
    identified = identify([item.entry for item in items], known)
    stored = _stored(database, [one.entry.id for one in identified if one.known_id is None])
    fingerprints |= stored
    listed: dict[str, list[_Item]] = {}
    new: dict[str, _Item] = {}
    for item, one in zip(items, identified, strict=True):
        entry_id = one.entry.id if one.known_id is None and one.entry.id in stored else one.known_id
        if entry_id is None:
            new.setdefault(one.entry.id, replace(item, entry=one.entry))
        else:
            listed.setdefault(entry_id, []).append(item)
    chosen = {entry_id: _best(entry_id, some) for entry_id, some in listed.items()}
    unlike = {one: item for one, item in chosen.items() if item.entry.fingerprint != fingerprints[one]}
    revised = _revise(database, unlike, fingerprints)
    database.insert("entries", COLUMNS, [_row(item, run_id) for item in new.values()])
    database.insert("outcomes", ("entry_id", "outcome", "attempts"), [(entry_id, "pending", 0) for entry_id in new])
    return Added(Counter(item.entry.source_id for item in new.values()), revised)


def _readable(entry: Entry) -> Entry:
    """The entry as it will be read back: its id and fingerprint must be the same then."""
    return replace(
        entry,
        guid=storable(entry.guid),
        title=storable(entry.title),
        summary=storable(entry.summary),
        content=storable(entry.content),
    )


def _best(entry_id: str, some: Sequence[_Item]) -> _Item:
    """Which of a feed's items speaks for an entry: the one with its own GUID, else the first."""
    return next((item for item in some if item.entry.id == entry_id), some[0])


def _like(database: Database, entries: Sequence[Entry]) -> tuple[list[KnownEntry], dict[str, str | None]]:
    """The stored entries that have source and GUID or link of one of `entries`, and their fingerprints by id."""
    keys = [
        {"source_id": entry.source_id, "guid": entry.guid, "canonical_url": entry.canonical_url} for entry in entries
    ]
    known: list[KnownEntry] = []
    fingerprints: dict[str, str | None] = {}
    for entry_id, source_id, guid, link, title, day, time, basis, fingerprint in database.execute(_LIKE, [keys]):
        known.append(KnownEntry(entry_id, source_id, guid, link, title, stamps.from_columns(day, time, basis)))
        fingerprints[entry_id] = fingerprint
    return known, fingerprints


def _stored(database: Database, entry_ids: Sequence[str]) -> dict[str, str | None]:
    """Fingerprints by id of those that are stored: a GUID that a feed used again may have been told apart before."""
    return dict(
        database.execute(
            "SELECT entry_id, fingerprint FROM entries WHERE entry_id IN (SELECT unnest(?::JSON::VARCHAR[]))",
            [list(entry_ids)],
        )
    )


def _revise(
    database: Database, unlike: Mapping[str, _Item], fingerprints: Mapping[str, str | None]
) -> dict[str, datetime | None]:
    """Store the words of entries that say something else now. Returns those entries with when the words came."""
    revised: dict[str, datetime | None] = {}
    rows: list[tuple[object, ...]] = []
    for entry_id, title, summary, content, revisions in database.execute(
        "SELECT entry_id, title, summary, content, revisions FROM entries "
        "WHERE entry_id IN (SELECT unnest(?::JSON::VARCHAR[]))",
        [list(unlike)],
    ):
        item = unlike[entry_id]
        stored = replace(item.entry, title=title, summary=summary, content=content)
        changed = words_changed(stored, item.entry)
        if changed:
            revised[entry_id] = item.poll.fetched_at
        if changed or (fingerprints[entry_id] is None and stored.fingerprint == item.entry.fingerprint):
            rows.append((entry_id, revisions + changed, *item.words()))
    database.update("entries", ("entry_id", "revisions", *_WORDS), rows)
    return revised


def _row(item: _Item, run_id: str) -> tuple[object, ...]:
    entry = item.entry
    return (
        entry.id,
        entry.source_id,
        entry.guid,
        entry.url,
        entry.canonical_url,
        *stamps.to_columns(entry.published),
        list(entry.authors),
        entry.language,
        run_id,
        0,
        *item.words(),
    )

"""Responses from before there was a journal, sorted out by their addresses.

An address that is a source's feed was a poll of it; one that an entry names was a request for its page, or for its next
version where its article is stored already. Parts of the archive are batches as they were fetched, so they come in the
order of their first response. What can't be told: that a request failed or was answered "not modified" (the entry waits
for its page again), and what was fetched to find entries of the past (their feeds' archives and sitemaps).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from flows.replay import Replay, Shelf
from pipeline.batching import batches
from pipeline.fulltext import has_full_text
from pipeline.journal import Journal, Kept
from pipeline.types import ArchiveRef, Source
from warehouse.store import Warehouse

MODE = "direct"
FEEDS_AT_ONCE = 200
"""Entries that are read from their feeds' own texts in one batch."""


@dataclass(frozen=True, slots=True)
class Found:
    """A response of the archive without its body."""

    ref: ArchiveRef
    url: str
    moved_to: str | None
    fetched_at: datetime


def unnoted(shelf: Shelf, journal: Journal) -> list[list[Found]]:
    """The responses that came before the first note was written, part by part, in the order in which they came.

    A later one without a note was fetched by a run that was killed at once; the next run asked again.
    """
    before = journal.begun_at()
    named = set(_parts_named(journal))
    parts: dict[str, list[Found]] = {}
    for ref, response in shelf.scan(None if before is None else before.date()):
        if ref.part not in named and (before is None or response.fetched_at < before):
            found = Found(ref, response.url, response.moved_to, response.fetched_at)
            parts.setdefault(ref.part, []).append(found)
    return sorted(parts.values(), key=lambda part: (min(one.fetched_at for one in part), part[0].ref.part))


def replay_unnoted(
    replay: Replay, warehouse: Warehouse, parts: Sequence[list[Found]], sources: Sequence[Source]
) -> None:
    """Go through `parts`: a run begins with each feed that comes after a page."""
    feeds = {source.url: source.id for source in sources}
    is_polling, is_running = False, False
    last = None
    for part in parts:
        first, last = min(one.fetched_at for one in part), max(one.fetched_at for one in part)
        polled = [one for one in part if one.url in feeds]
        if (polled and not is_polling) or not is_running:
            if is_running:
                replay.end(first, "finished")
            replay.begin(first, MODE, sources)
            is_running = True
        is_polling = bool(polled)
        if polled:
            feeds |= {one.moved_to: feeds[one.url] for one in polled if one.moved_to is not None}
            replay.polls([(feeds[one.url], Kept(one.ref)) for one in polled], last)
            _read_feeds(replay, warehouse, last)
        _read_pages(replay, warehouse, [one for one in part if one.url not in feeds])
    if last is not None:
        replay.end(last, "finished")


def _parts_named(journal: Journal) -> Iterator[str]:
    """The parts of the archive in which the responses lie that notes point at."""
    for note in journal.read():
        for told in (*note.content.get("polls", ()), *note.content.get("entries", ()), *note.content.get("pages", ())):
            archived = told.get("result", {}).get("archived")
            if archived is not None:
                yield archived[0]


def _read_feeds(replay: Replay, warehouse: Warehouse, now: datetime) -> None:
    """Read the entries whose feed holds the whole article."""
    due = warehouse.pending(now, warehouse.count_due(now))
    for some in batches([pending for pending in due if has_full_text(pending.entry, pending.full_text)], FEEDS_AT_ONCE):
        replay.conclude(some)


def _read_pages(replay: Replay, warehouse: Warehouse, pages: Sequence[Found]) -> None:
    """Read the entries that the pages were fetched for."""
    came = {one.url: one.ref for one in pages}
    asking = warehouse.entries_again(warehouse.entries_asking(list(came)))
    replay.pages(
        [pending.entry.id for pending in asking],
        {pending.entry.id: Kept(came[pending.entry.url]) for pending in asking},
    )
    replay.tally.skipped["a response for which no feed or entry asked"] += len(
        came.keys() - {pending.entry.url for pending in asking}
    )

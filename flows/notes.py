"""What runs note in the journal of the archive, so that they can be gone through once more (`flows.replay`).

A note is written when the responses are in the archive and before anything of them is stored: what is stored has one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

from pipeline.archive_pages import Span
from pipeline.errors import FetchError
from pipeline.journal import Journal, Note, keep
from pipeline.types import ArchiveRef, FeedState, PendingEntry, Response, Source

if TYPE_CHECKING:
    from flows.backfill import Wanted

RUN: Final = "run"
POLLS: Final = "polls"
PAGES: Final = "pages"
BACKFILL: Final = "backfill"
WALKED: Final = "walked"
NAMED: Final = "named"
END: Final = "end"

Result = Response | FetchError


def note_run(journal: Journal, run_id: str, started_at: datetime, mode: str, sources: Sequence[Source]) -> None:
    """A run begins, with this source list."""
    listed = journal.keep_list([asdict(source) for source in sources])
    journal.write(run_id, RUN, {"started_at": started_at.astimezone(UTC).isoformat(), "mode": mode, "sources": listed})


def note_end(journal: Journal, run_id: str, ended_at: datetime, status: str) -> None:
    """A run came to its end."""
    journal.write(run_id, END, {"ended_at": ended_at.astimezone(UTC).isoformat(), "status": status})


def note_polls(
    journal: Journal,
    run_id: str,
    answered_at: datetime,
    asked: Sequence[tuple[FeedState, str, Result]],
    refs: Mapping[str, ArchiveRef | None],
) -> None:
    """Feeds were asked for: what their sources' last polls had left, the addresses, and what had come by then."""
    polls = [
        {
            "source": state.source_id,
            "before": state.body_sha256,
            "url": url,
            "result": keep(result, refs.get(state.source_id)),
        }
        for state, url, result in asked
    ]
    journal.write(run_id, POLLS, {"at": answered_at.astimezone(UTC).isoformat(), "polls": polls})


def note_pages(
    journal: Journal,
    run_id: str,
    batch: Sequence[tuple[PendingEntry, Result | None, ArchiveRef | None]],
) -> None:
    """A batch of entries was taken; for those whose page was asked for, what came."""
    entries: list[dict[str, Any]] = []
    for pending, result, archived in batch:
        visits = None if pending.revisit is None else pending.revisit.visits
        told: dict[str, Any] = {"entry": pending.entry.id, "attempts": pending.attempts, "visits": visits}
        if result is not None:
            told |= {"url": pending.entry.url, "result": keep(result, archived)}
        entries.append(told)
    journal.write(run_id, PAGES, {"entries": entries})


def note_backfill(journal: Journal, run_id: str, chosen: Sequence[Source], wanted: "Wanted") -> None:
    """A backfill begins. `chosen` have the addresses at which their feeds are now."""
    content = {
        "chosen": [asdict(source) for source in chosen],
        "since": wanted.span.since.isoformat(),
        "until": wanted.span.until.isoformat(),
        "undated": wanted.undated,
        "sitemaps": list(wanted.sitemaps),
        "max_pages": wanted.max_pages,
        "again": wanted.again,
    }
    journal.write(run_id, BACKFILL, content)


def walked_content(urls: Sequence[str], results: Sequence[Result], refs: Sequence[ArchiveRef | None]) -> dict[str, Any]:
    """What is noted of pages of the past that were asked for."""
    pages = [
        {"url": url, "result": keep(result, archived)}
        for url, result, archived in zip(urls, results, refs, strict=True)
    ]
    return {"pages": pages}


def sources_of(journal: Journal, note: Note) -> list[Source]:
    """The source list of a run, from its note."""
    return [source_from(row) for row in journal.kept_list(note.content["sources"])]


def source_from(row: Mapping[str, Any]) -> Source:
    """A source, from a note. What it says that this program does not know is left out."""
    known = {field.name for field in fields(Source)}
    told = {name: value for name, value in row.items() if name in known}
    return Source(**told | {"topics": tuple(row.get("topics", ()))})


def span_from(since: str, until: str) -> Span:
    """The days of a backfill, from a note."""
    return Span(date.fromisoformat(since), date.fromisoformat(until))

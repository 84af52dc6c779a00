"""Table `backfill_pages`: the pages of feed archives and sitemaps that each backfill found, and how far they are."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pipeline.archive_pages import ArchivePage, PageKind, PageState, Plan
from warehouse.database import Database, storable
from warehouse.tables import refs

MAX_PAGES = 100_000
"""Pages that one backfill remembers: a trap for crawlers must not fill the disk."""

_PLAN = ("source_id", "since", "until", "with_undated")
_PAGE = (
    "url", "kind", "guessed", "state", "detail", "digest", "listed", "entries", "new_entries", "undated", "before",
    *refs.COLUMNS,
)  # fmt: skip
_OF_PLAN = " AND ".join(f"{name} = ?" for name in _PLAN)


def pages(database: Database, plan: Plan) -> list[ArchivePage]:
    """The pages of a backfill, in the order in which they are to be read."""
    rows = database.execute(
        f"SELECT {', '.join(_PAGE)} FROM backfill_pages WHERE {_OF_PLAN} ORDER BY position", _key(plan)
    )
    return [_page(row) for row in rows]


def add(database: Database, run_id: str, plan: Plan, found: Sequence[ArchivePage]) -> list[ArchivePage]:
    """Append those of `found` that are not known yet, up to MAX_PAGES in all. Returns those that were appended."""
    if not found:
        return []
    rows = database.execute(f"SELECT url, position FROM backfill_pages WHERE {_OF_PLAN}", _key(plan))
    known = {url for url, _ in rows}
    free = max((position for _, position in rows), default=-1) + 1
    new: dict[str, ArchivePage] = {}
    for page in found:
        url = storable(page.url)
        if url not in known and len(known) + len(new) < MAX_PAGES:
            new.setdefault(url, replace(page, url=url))
    _insert(database, run_id, plan, dict(enumerate(new.values(), free)))
    return list(new.values())


def put(database: Database, run_id: str, plan: Plan, page: ArchivePage) -> None:
    """Replace what is kept of a known page."""
    ((position,),) = database.execute(
        f"SELECT position FROM backfill_pages WHERE {_OF_PLAN} AND url = ?", [*_key(plan), page.url]
    )
    database.execute(f"DELETE FROM backfill_pages WHERE {_OF_PLAN} AND url = ?", [*_key(plan), page.url])
    _insert(database, run_id, plan, {position: page})


def forget(database: Database, plan: Plan) -> None:
    """Drop all that is kept of a backfill; its entries stay."""
    database.execute(f"DELETE FROM backfill_pages WHERE {_OF_PLAN}", _key(plan))


def _key(plan: Plan) -> list[object]:
    return [plan.source_id, plan.span.since, plan.span.until, plan.undated]


def _page(row: Sequence[Any]) -> ArchivePage:
    url, kind, guessed, state, *figures = row
    detail, digest, listed, entries, new, undated, before, *ref = figures
    return ArchivePage(
        url=url,
        kind=PageKind(kind),
        guessed=guessed,
        state=PageState(state),
        detail=detail,
        digest=digest,
        listed=listed,
        entries=entries,
        new_entries=new,
        undated=undated,
        before=before,
        archived=refs.from_columns(*ref),
    )


def _insert(database: Database, run_id: str, plan: Plan, by_position: dict[int, ArchivePage]) -> None:
    rows = [
        (
            *_key(plan),
            position,
            page.url,
            page.kind.value,
            page.guessed,
            page.state.value,
            page.detail,
            page.digest,
            page.listed,
            page.entries,
            page.new_entries,
            page.undated,
            page.before,
            *refs.to_columns(page.archived),
            run_id,
        )
        for position, page in by_position.items()
    ]
    database.insert("backfill_pages", (*_PLAN, "position", *_PAGE, "run_id"), rows)

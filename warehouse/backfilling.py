"""Storing what a backfill finds: a page of the past, its entries and the pages that it names, in one transaction."""

from collections.abc import Sequence
from dataclasses import replace

from pipeline.archive_pages import ArchivePage, PageContent, PageState, Plan
from pipeline.failpoints import hit
from pipeline.types import FeedOutcome, Poll
from warehouse.database import Database
from warehouse.tables import backfill, entries, polls

pages = backfill.pages


def open_(database: Database, run_id: str, plan: Plan, starts: Sequence[ArchivePage], *, again: bool) -> None:
    """Begin a backfill with the pages `starts`, or take it up where it was: what failed then waits once more.

    With `again` it begins anew.
    """
    with database.transaction():
        if again:
            backfill.forget(database, plan)
        for page in backfill.pages(database, plan):
            if page.state is PageState.FAILED:
                backfill.put(database, run_id, plan, replace(page, state=PageState.WAITING))
        backfill.add(database, run_id, plan, starts)


def add(database: Database, run_id: str, plan: Plan, found: Sequence[ArchivePage]) -> list[ArchivePage]:
    """Commit pages that were found elsewhere than on a page. Returns those that were not known."""
    with database.transaction():
        return backfill.add(database, run_id, plan, found)


def store(database: Database, run_id: str, plan: Plan, content: PageContent) -> list[ArchivePage]:
    """Commit what a page brought. Returns the page with the number of entries that are new, and the new pages.

    An entry that is known stays as it is: what an archive says of it is older than what its feed said last.
    """
    with database.transaction():
        known = polls.known(database, content.entries)
        unknown = tuple(entry for entry in content.entries if entry.id not in known)
        archived = content.page.archived
        brought = Poll(
            plan.source_id, FeedOutcome.OK, entries=unknown, archived=archived, fetched_at=content.fetched_at
        )
        added = entries.add(database, run_id, [brought])
        hit("backfill.entries")
        page = content.page
        if page.entries is not None:
            page = replace(page, new_entries=added.new.total())
        backfill.put(database, run_id, plan, page)
        found = backfill.add(database, run_id, plan, content.found)
        hit("backfill.pages")
    hit("backfill.committed")
    return [page, *found]

"""Pages of the past: the records of a backfill, by which it is planned, stored and taken up again."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from pipeline.types import ArchiveRef, Entry


class PageKind(StrEnum):
    """By which way a page of the past was found."""

    FEED = "feed"
    SITEMAP = "sitemap"


class PageState(StrEnum):
    """How far a page is: still to be read, read, the same as another, not there, or not to be had for now."""

    WAITING = "waiting"
    READ = "read"
    REPEATED = "repeated"
    ABSENT = "absent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Span:
    """The days from `since` to `until`, both included."""

    since: date
    until: date

    def touches(self, first: date, last: date) -> bool:
        """Whether some day from `first` to `last` lies in the span."""
        return first <= self.until and last >= self.since


@dataclass(frozen=True, slots=True)
class Plan:
    """What one backfill is about: its pages are kept under these. `undated` takes entries without any date as well."""

    source_id: str
    span: Span
    undated: bool = False


@dataclass(frozen=True, slots=True)
class ArchivePage:
    """A page of a feed's archive, or a sitemap. All but the first three fields are unknown until it was tried.

    `guessed` says that nobody named it. `digest` identifies what it lists, `listed` counts that (entries or sitemaps),
    `entries` those of the span, `new_entries` those of them that were not known. `before` says that everything on it is
    older than the span. `undated` entries have no date and were left out for that.
    """

    url: str
    kind: PageKind
    guessed: bool = False
    state: PageState = PageState.WAITING
    detail: str | None = None
    digest: str | None = None
    listed: int | None = None
    entries: int | None = None
    new_entries: int | None = None
    undated: int | None = None
    before: bool = False
    archived: ArchiveRef | None = None


@dataclass(frozen=True, slots=True)
class PageContent:
    """What a page holds for the plan: itself with its figures, entries to store, pages to go on with; when it came."""

    page: ArchivePage
    entries: tuple[Entry, ...] = ()
    found: tuple[ArchivePage, ...] = ()
    fetched_at: datetime | None = None

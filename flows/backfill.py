"""Going back in time: the entries of past days, from the pages of a feed's archive (RFC 5005) and from sitemaps.

A source's feed is followed page by page until one lies wholly before the days that are wanted. Where that way ends too
early, its sitemaps are read as well. Each page is committed in one transaction with its entries and with the pages that
it names, so that a backfill that is killed anywhere goes on where it was. What follows is the way of every entry.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from flows.house import House
from flows.ingest import Stages, bring_to_outcomes
from flows.jobs import NURSERY
from flows.notes import NAMED, WALKED, note_backfill, walked_content
from flows.polling import FEED_TYPES
from flows.progress import NoProgress, Progress
from pipeline.archive_pages import ArchivePage, PageContent, PageKind, PageState, Plan, Span
from pipeline.backfilling import ArchiveJob, first_page, first_sitemaps, read_archive_page, sites_of
from pipeline.errors import ClampdownError, FetchError, HTTPStatusError, ParseError
from pipeline.fetch import FetchSession
from pipeline.outcomes import GONE
from pipeline.protocols import Session, Workers
from pipeline.robots_file import ROBOTS_NAME
from pipeline.settings import Settings
from pipeline.types import ArchiveRef, Entry, FetchRequest, Response, Source
from pipeline.workers import WorkerPool
from warehouse.snapshot import Snapshot
from warehouse.summary import RunSummary

SITEMAP_TYPES = "application/xml, text/xml;q=0.9, */*;q=0.5"
PAGES_AT_ONCE = 8
"""Pages fetched before the first of them is committed: what a kill can cost."""
REPEATS = 2
"""Pages that may list the same before a feed's archive counts as one that has no end."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to bring back. `sitemaps` take the place of those that a source names; `again` reads known pages anew.

    `max_pages` caps the pages read of one source in one call.
    """

    span: Span
    undated: bool = False
    sitemaps: tuple[str, ...] = ()
    max_pages: int = 1000
    again: bool = False


@dataclass(frozen=True, slots=True)
class SourceReport:
    """How far one source's backfill is, over all calls: its pages by state, and the entries that they list.

    `read_now` counts the pages of this call. `problems` are pages that were named but could not be had.
    """

    source_id: str
    pages: Mapping[PageState, int]
    read_now: int
    entries: int
    new_entries: int
    undated: int
    problems: tuple[str, ...]

    @property
    def waiting(self) -> int:
        """Pages that were found but not read yet: the cap was reached."""
        return self.pages.get(PageState.WAITING, 0)


@dataclass(frozen=True, slots=True)
class BackfillReport:
    """What a backfill found, what became of it, and the snapshot that shows it."""

    sources: tuple[SourceReport, ...]
    summary: RunSummary
    snapshot: Snapshot


class PageStore(Protocol):
    """Where the state of pages is kept: the warehouse, or nowhere."""

    def backfill_pages(self, plan: Plan) -> list[ArchivePage]: ...

    def open_backfill(self, run_id: str, plan: Plan, starts: Sequence[ArchivePage], *, again: bool = False) -> None: ...

    def add_backfill_pages(self, run_id: str, plan: Plan, found: Sequence[ArchivePage]) -> list[ArchivePage]: ...

    def store_backfill(self, run_id: str, plan: Plan, content: PageContent) -> list[ArchivePage]: ...


def _nowhere(kind: str, content: Mapping[str, Any]) -> None:
    """Note nothing: what is found is not kept either."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What finding pages needs. `note` writes down what was asked for, and what came.

    `enough` says after each batch of pages whether the rest is left for the next call.
    """

    settings: Settings
    session: Session
    pool: Workers
    store: PageStore
    run_id: str
    archive: Callable[[Sequence[Response | FetchError]], list[ArchiveRef | None]]
    note: Callable[[str, Mapping[str, Any]], None] = _nowhere
    enough: Callable[[], bool] = lambda: False


def backfill(
    house: House,
    listed: Sequence[Source],
    chosen: Sequence[Source],
    wanted: Wanted,
    progress: Progress | None = None,
) -> BackfillReport:
    """Find the wanted entries of the `chosen` sources, bring every due entry to its outcome, publish.

    `listed` is the whole source list. Of the chosen sources, each of several writers takes its own.
    """
    progress = progress or NoProgress()
    return conclude(house, find_wanted(house, listed, chosen, wanted, progress), Stages(), progress)


def find_wanted(
    house: House, listed: Sequence[Source], chosen: Sequence[Source], wanted: Wanted, progress: Progress
) -> tuple[SourceReport, ...]:
    """Begin the run and find the wanted entries: the first half of a backfill."""
    house.begin_run(listed)
    moved = {source_id: state.moved_to for source_id, state in house.warehouse.feed_states().items()}
    own = [source for source in chosen if house.warehouse.owns(source)]
    chosen = [replace(source, url=moved.get(source.id) or source.url) for source in own]
    note_backfill(house.archive.journal, house.run_id, chosen, wanted)
    return find_entries(desk_of(house), chosen, wanted, progress)


def conclude(house: House, reports: tuple[SourceReport, ...], do: Stages, progress: Progress) -> BackfillReport:
    """Bring every due entry to its outcome, end the run and publish: the second half."""
    bring_to_outcomes(house, do, progress)
    # Before publishing, so that the snapshot does not show its own run as running.
    house.finish_run()
    snapshot = do.publish(house)
    return BackfillReport(reports, house.warehouse.summary(house.run_id), snapshot)


def desk_of(house: House) -> Desk:
    """What finding pages needs, from a run's tools."""
    return Desk(
        settings=house.settings,
        session=house.session,
        pool=house.pool,
        store=house.warehouse,
        run_id=house.run_id,
        archive=house.archive_bodies,
        note=partial(house.archive.journal.write, house.run_id),
        enough=house.enough,
    )


def list_entries(
    settings: Settings, sources: Sequence[Source], wanted: Wanted, progress: Progress | None = None
) -> tuple[tuple[SourceReport, ...], list[Entry]]:
    """Return what a backfill would find, from nothing. Nothing is stored."""
    store = Listing()
    with (
        WorkerPool(settings.workers, preload=NURSERY) as pool,
        FetchSession(settings.fetch, robots_file=settings.data_dir / ROBOTS_NAME) as session,
    ):
        desk = Desk(
            settings, session, pool, store, "", lambda results: [None] * len(results), lambda kind, content: None
        )
        reports = find_entries(desk, sources, wanted, progress or NoProgress())
    return reports, store.entries


def find_entries(desk: Desk, sources: Sequence[Source], wanted: Wanted, progress: Progress) -> tuple[SourceReport, ...]:
    """Read the pages of each source that may list wanted entries, and store what they list."""
    walks = [_Walk(desk, source, wanted) for source in sources]
    done = 0
    while batch := _next_pages(walks):
        progress.begin("pages", done + sum(walk.to_come for walk in walks))
        results = desk.session.fetch_all([_request(page) for _, page in batch])
        refs = desk.archive(results)
        desk.note(WALKED, walked_content([page.url for _, page in batch], results, refs))
        jobs = {
            index: walk.job(page, result)
            for index, ((walk, page), result) in enumerate(zip(batch, results, strict=True))
            if isinstance(result, Response)
        }
        found = desk.pool.map(read_archive_page, list(jobs.values()), seconds=desk.settings.workers.page_seconds)
        contents = dict(zip(jobs, found, strict=True))
        for index, ((walk, page), result) in enumerate(zip(batch, results, strict=True)):
            walk.conclude(page, result, contents.get(index), refs[index])
        done += len(batch)
        progress.advance("pages", len(batch))
        if desk.enough():
            break
    return tuple(walk.report() for walk in walks)


def _next_pages(walks: Sequence["_Walk"]) -> list[tuple["_Walk", ArchivePage]]:
    """The pages to read at once: one of each source, then a second one, and so on."""
    waiting = [(walk, walk.next_pages()) for walk in walks]
    rounds = [(walk, pages[turn]) for turn in range(PAGES_AT_ONCE) for walk, pages in waiting if turn < len(pages)]
    return rounds[:PAGES_AT_ONCE]


def _request(page: ArchivePage) -> FetchRequest:
    return FetchRequest(page.url, accept=FEED_TYPES if page.kind is PageKind.FEED else SITEMAP_TYPES)


class _Walk:
    """The way through one source's pages. What it knows is what is stored, so that it can begin anywhere."""

    def __init__(self, desk: Desk, source: Source, wanted: Wanted) -> None:
        self._desk = desk
        self._source = source
        self._plan = Plan(source.id, wanted.span, wanted.undated)
        self._sites = sites_of(source)
        self._left = wanted.max_pages
        self._read = 0
        sitemaps = [ArchivePage(url, PageKind.SITEMAP) for url in wanted.sitemaps]
        starts = [first_page(source.url), *sitemaps]
        desk.store.open_backfill(desk.run_id, self._plan, starts, again=wanted.again)
        self._pages = {page.url: page for page in desk.store.backfill_pages(self._plan)}

    @property
    def to_come(self) -> int:
        """How many of the pages known now will still be read."""
        return min(len(self._waiting()), self._left)

    def next_pages(self) -> list[ArchivePage]:
        """The pages that can be read now, in order; none where the way ends or the cap is reached."""
        if self._left <= 0:
            return []
        waiting = self._waiting()
        if not waiting and self._needs_sitemaps:
            home = self._source.homepage or self._source.url
            sites = list(dict.fromkeys((home, self._source.url)))
            named = self._desk.session.sitemaps(sites)
            self._desk.note(NAMED, {"sites": sites, "sitemaps": [list(urls) for urls in named]})
            found = first_sitemaps(self._source, [url for urls in named for url in urls])
            waiting = self._desk.store.add_backfill_pages(self._desk.run_id, self._plan, found)
            self._know(waiting)
        return waiting[: self._left]

    def job(self, page: ArchivePage, response: Response) -> ArchiveJob:
        """What a worker needs to read the page."""
        return ArchiveJob(
            body=response.body,
            url=response.final_url,
            content_type=response.header("content-type"),
            now=response.fetched_at,
            kind=page.kind,
            plan=self._plan,
            sites=self._sites,
        )

    def conclude(
        self,
        page: ArchivePage,
        result: Response | FetchError,
        content: PageContent | Exception | None,
        archived: ArchiveRef | None,
    ) -> None:
        """Store how reading a page ended, with all that it brought."""
        self._left -= 1
        self._read += 1
        failure = result if isinstance(result, FetchError) else content
        if isinstance(failure, Exception):
            page = replace(page, state=_failed_state(page, failure), detail=_told(failure), archived=archived)
            self._store(PageContent(page))
            return
        assert isinstance(content, PageContent), "a response was read"
        assert isinstance(result, Response), "what was read is a response"
        read = replace(content.page, url=page.url, guessed=page.guessed, archived=archived)
        same = sum(other.digest == read.digest for other in self._pages.values() if read.digest is not None)
        if same:
            read = replace(read, state=PageState.REPEATED, entries=0, undated=0)
            # An archive may list once more what the feed itself does; one that goes on like that has no end.
            found = content.found if not page.guessed and same < REPEATS else ()
            content = PageContent(read, found=found)
        self._store(replace(content, page=read, fetched_at=result.fetched_at))

    def report(self) -> SourceReport:
        """How far the backfill is."""
        bad = [
            page
            for page in self._pages.values()
            if page.state is PageState.FAILED or (page.state is PageState.ABSENT and not page.guessed)
        ]
        return SourceReport(
            source_id=self._source.id,
            pages=dict(Counter(page.state for page in self._pages.values())),
            read_now=self._read,
            entries=sum(page.entries or 0 for page in self._pages.values()),
            new_entries=sum(page.new_entries or 0 for page in self._pages.values()),
            undated=sum(page.undated or 0 for page in self._pages.values()),
            problems=tuple(f"{page.url}: {page.detail}" for page in bad),
        )

    @property
    def _needs_sitemaps(self) -> bool:
        """Whether the feed's own archive does not reach back to before the wanted days, and no sitemaps are known."""
        pages = self._pages.values()
        is_covered = any(page.before for page in pages if page.kind is PageKind.FEED)
        return not is_covered and not any(page.kind is PageKind.SITEMAP for page in pages)

    def _waiting(self) -> list[ArchivePage]:
        return [page for page in self._pages.values() if page.state is PageState.WAITING]

    def _store(self, content: PageContent) -> None:
        self._know(self._desk.store.store_backfill(self._desk.run_id, self._plan, content))

    def _know(self, pages: Sequence[ArchivePage]) -> None:
        self._pages |= {page.url: page for page in pages}


def _failed_state(page: ArchivePage, failure: Exception) -> PageState:
    """A page that nobody named is not missed, unless it may be there and could not be had for now."""
    if isinstance(failure, HTTPStatusError) and failure.status in GONE:
        return PageState.ABSENT
    may_heal = isinstance(failure, FetchError) and failure.retryable
    is_other = isinstance(failure, FetchError | ParseError)
    return PageState.ABSENT if page.guessed and is_other and not may_heal else PageState.FAILED


def _told(failure: Exception) -> str:
    return str(failure) if isinstance(failure, ClampdownError) else f"{type(failure).__name__}: {failure}"


@dataclass(slots=True)
class Listing:
    """A store of pages that forgets, for looking without keeping: `entries` is what a backfill would bring."""

    entries: list[Entry] = field(default_factory=list)
    _pages: dict[Plan, dict[str, ArchivePage]] = field(default_factory=dict)
    _urls: set[tuple[str, str]] = field(default_factory=set)

    def backfill_pages(self, plan: Plan) -> list[ArchivePage]:
        """The pages found so far, in order."""
        return list(self._pages.get(plan, {}).values())

    def open_backfill(self, run_id: str, plan: Plan, starts: Sequence[ArchivePage], *, again: bool = False) -> None:
        """Take the pages to begin with."""
        self._pages.setdefault(plan, {})
        self.add_backfill_pages(run_id, plan, starts)

    def add_backfill_pages(self, run_id: str, plan: Plan, found: Sequence[ArchivePage]) -> list[ArchivePage]:
        """Append the pages that are not known yet. Returns those."""
        pages = self._pages[plan]
        new = {page.url: page for page in found if page.url not in pages}
        pages |= new
        return list(new.values())

    def store_backfill(self, run_id: str, plan: Plan, content: PageContent) -> list[ArchivePage]:
        """Take what a page brought. Returns the page with its figures, and those that are new."""
        new = 0
        for entry in content.entries:
            key = (entry.source_id, entry.canonical_url)
            if key not in self._urls:
                self._urls.add(key)
                self.entries.append(entry)
                new += 1
        page = content.page if content.page.entries is None else replace(content.page, new_entries=new)
        self._pages[plan][page.url] = page
        return [page, *self.add_backfill_pages(run_id, plan, content.found)]

"""Bytes that are kept no longer: pages and feeds give way to what was read of them, unless something rests on them.

No row of the warehouse goes, and no text: an archive that was pruned is rebuilt into the same tables. What goes is what
a better reader could have read otherwise. A part of the archive is written anew beside the old one; when the warehouse
points at the new one, the old one goes.
"""

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from flows import audit_archive
from flows.backup import locked
from flows.house import ARCHIVE_NAME, House, open_store
from flows.jobs import NURSERY, FeedJob, PageJob, read_feed, read_text
from flows.polling import said_language
from pipeline import archive_moves
from pipeline.archive import Archive
from pipeline.archive_moves import Move
from pipeline.batching import batches
from pipeline.errors import ArchiveError, ClampdownError, InputError
from pipeline.failpoints import hit
from pipeline.protocols import Workers
from pipeline.reduced import ReducedResponse, reduced
from pipeline.settings import RetentionSettings, Settings
from pipeline.types import ArchiveRef, Article, Entry, ParsedFeed
from pipeline.workers import WorkerPool
from warehouse.retention import OldFeed, OldPage
from warehouse.store import Warehouse

log = logging.getLogger(__name__)

FEEDS: Final = "feeds"
PAGES: Final = "pages"
VERSIONS: Final = "versions"
MOVES_AT_ONCE: Final = 20_000
"""Records whose places are committed together."""
PAGES_AT_ONCE: Final = 200
NOTE_BYTES: Final = 250
"""What the note of a part that is written anew takes for each of its records, kept or reduced."""
OF_AGE: Final = timedelta(days=7)
"""Runs look at what has come of age within so long: what stays is not read again at the end of each run."""

Replaced = dict[str, dict[int, tuple[ReducedResponse, str]]]
"""Part → offset → what takes the place of the record there, and of what sort it is."""


@dataclass(slots=True)
class Pruned:
    """What was reduced, or would be: records and bytes by sort. `kept` says of what could go why it stays.

    `before` and `after` are the bytes of records of each sort. `finished` counts parts that an earlier, killed program
    had begun with.
    """

    records: Counter[str] = field(default_factory=Counter)
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    parts: int = 0
    finished: int = 0

    @property
    def freed(self) -> int:
        """Bytes that the archive is smaller by."""
        return self.before.total() - self.after.total()


@dataclass(frozen=True, slots=True)
class Tools:
    """What pruning works with. The warehouse's lock keeps runs out."""

    settings: Settings
    warehouse: Warehouse
    archive: Archive
    pool: Workers


def is_set(retention: RetentionSettings) -> bool:
    """Whether anything is to go at all."""
    return any(days is not None for days in (retention.feeds_days, retention.pages_days, retention.versions_days))


def prune(settings: Settings, *, now: datetime | None = None, dry_run: bool = False) -> Pruned:
    """Reduce what the settings let go. `dry_run` reads as much and changes nothing.

    Raises InputError where the settings let nothing go, WarehouseLocked while a run or a backup is on.
    """
    if not is_set(settings.retention):
        raise InputError("nothing is to be pruned: everything is kept", hint="Set retention.pages_days, for one.")
    if not (settings.data_dir / ARCHIVE_NAME).is_dir():
        raise InputError(f"{settings.data_dir}: no archive to prune", hint="Give the data folder with --data-dir.")
    with ExitStack() as stack:
        warehouse = stack.enter_context(open_store(settings, holder="prune"))
        pool = stack.enter_context(WorkerPool(settings.workers, preload=NURSERY))
        tools = Tools(settings, warehouse, Archive(settings.data_dir / ARCHIVE_NAME), pool)
        return prune_with(tools, now or datetime.now(UTC), dry_run=dry_run)


def prune_after_run(house: House) -> None:
    """Reduce what has lately come of age, where the settings say that runs do so. A failure costs the run nothing."""
    retention = house.settings.retention
    if not (retention.after_runs and is_set(retention)):
        return
    try:
        tools = Tools(house.settings, house.warehouse, house.archive, house.pool)
        done = prune_with(tools, house.started_at, window=OF_AGE)
    except ClampdownError as error:
        log.error("the archive was not pruned: %s", error)
    else:
        log.info("pruned: %d records, %d bytes freed", done.records.total(), done.freed)


def prune_with(tools: Tools, now: datetime, *, dry_run: bool = False, window: timedelta | None = None) -> Pruned:
    """As `prune`, with tools that are open; with a `window`, of what came of age within so long before `now`."""
    done = Pruned()
    with locked(tools.settings.data_dir):
        if not dry_run:
            _finish(tools, done)
        begun = tools.archive.journal.begun_at()
        if begun is None:
            # Without the journal nothing tells whose a response is but its bytes.
            return done
        replaced: Replaced = defaultdict(dict)
        for why, some in _reduced(tools, begun, now, window, done):
            for place, response in some:
                replaced[place.part][place.offset] = response, why
        _rewrite(tools, replaced, done, dry_run=dry_run)
    return done


def _finish(tools: Tools, done: Pruned) -> None:
    """Go on where a program was killed that had rewritten parts: point at them, then let the old ones go."""
    for moves in tools.archive.unfinished():
        tools.warehouse.move_places(moves)
        tools.archive.remove(moves[0].old.part)
        done.finished += 1


def _reduced(
    tools: Tools, begun: datetime, now: datetime, window: timedelta | None, done: Pruned
) -> Iterator[tuple[str, Iterable[tuple[ArchiveRef, ReducedResponse]]]]:
    retention = tools.settings.retention
    # Other writers to a lake have archives of their own.
    here = {part for part, _ in audit_archive.parts(tools.settings.data_dir / ARCHIVE_NAME)}
    already = _already(tools)

    def is_open(place: ArchiveRef) -> bool:
        return place.part in here and place not in already

    def span(days: int | None) -> tuple[datetime, datetime]:
        until = begun if days is None else now - timedelta(days=days)
        return (begun if window is None else max(begun, until - window)), until

    pages = tools.warehouse.old_pages(*span(retention.pages_days))
    versions = tools.warehouse.old_versions(*span(retention.versions_days))
    yield FEEDS, _feeds(tools, tools.warehouse.old_feeds(*span(retention.feeds_days)), is_open, done)
    yield PAGES, _pages(tools, [one for one in pages if is_open(one.place)], done)
    yield VERSIONS, _pages(tools, [one for one in versions if is_open(one.place)], done)


def _already(tools: Tools) -> set[ArchiveRef]:
    """The places of records that are reduced."""
    root = tools.settings.data_dir / ARCHIVE_NAME
    found: set[ArchiveRef] = set()
    for moves in archive_moves.notes(root):
        if isinstance(moves, ArchiveError):
            raise moves
        found |= {move.new for move in moves if move.why is not None}
        # A part may be rewritten again: what was reduced in it stays so.
        found |= {move.new for move in moves if move.old in found}
    return found


def _pages(tools: Tools, pages: Sequence[OldPage], done: Pruned) -> Iterator[tuple[ArchiveRef, ReducedResponse]]:
    """Read pages once more; where that gives the stored text, that may take their place."""
    for some in batches(pages, PAGES_AT_ONCE):
        stored = tools.warehouse.texts_of(some)
        entries = {one.entry.id: one.entry for one in tools.warehouse.entries_again([page.entry_id for page in some])}
        jobs = {
            page: PageJob(entries[page.entry_id], tools.archive.read(page.place))
            for page in some
            if page.entry_id in entries
        }
        read = tools.pool.map(read_text, list(jobs.values()), seconds=tools.settings.workers.page_seconds)
        for (page, job), article in zip(jobs.items(), read, strict=True):
            is_same = isinstance(article, Article) and _is(article, stored.get((page.article_id, page.version)), page)
            if job.response is None or not isinstance(article, Article) or not is_same:
                done.kept["a page that is read otherwise today"] += 1
                continue
            yield page.place, reduced(job.response, article)


def _is(article: Article, stored: tuple[str, str] | None, page: OldPage) -> bool:
    """Whether an article is the stored version. One that was found unchanged may have had another title then."""
    if stored is None or article.text != stored[1]:
        return False
    return page.revisited or article.title == stored[0]


def _feeds(
    tools: Tools, feeds: Sequence[OldFeed], is_open: Callable[[ArchiveRef], bool], done: Pruned
) -> Iterator[tuple[ArchiveRef, ReducedResponse]]:
    """Reduce each source's feeds to the items that say something else than the last time.

    Of the first, and of the first after one that is reduced already, all items stay.
    """
    backfills: dict[str, list[str]] = defaultdict(list)
    for source_id, run_id in sorted(tools.warehouse.backfilled()):
        backfills[source_id].append(run_id)
    by_source: dict[str, list[OldFeed]] = defaultdict(list)
    for feed in feeds:
        by_source[feed.source_id].append(feed)
    for source_id, some in by_source.items():
        for stretch in _stretches(some, is_open, backfills[source_id]):
            yield from _of_stretch(tools, stretch, done)


def _stretches(
    feeds: Sequence[OldFeed], is_open: Callable[[ArchiveRef], bool], backfills: Sequence[str]
) -> Iterator[list[OldFeed]]:
    """Feeds of one source between which nothing else has changed its entries: no backfill, no feed reduced before."""
    stretch: list[OldFeed] = []
    for feed in feeds:
        if stretch and any(stretch[-1].run_id < run <= feed.run_id for run in backfills):
            yield stretch
            stretch = []
        if is_open(feed.place):
            stretch.append(feed)
        else:
            yield stretch
            stretch = []
    yield stretch


def _of_stretch(tools: Tools, feeds: Sequence[OldFeed], done: Pruned) -> Iterator[tuple[ArchiveRef, ReducedResponse]]:
    seen: dict[str, bytes] = {}
    for some in batches(feeds, PAGES_AT_ONCE):
        responses = [tools.archive.read(feed.place) for feed in some]
        jobs = [
            FeedJob(
                response.body, response.final_url, feed.source_id, response.header("content-type"), response.fetched_at
            )
            for feed, response in zip(some, responses, strict=True)
        ]
        read = tools.pool.map(read_feed, jobs, seconds=tools.settings.workers.feed_seconds)
        for feed, response, parsed in zip(some, responses, read, strict=True):
            if not isinstance(parsed, ParsedFeed):
                done.kept["a feed that can't be read"] += 1
                seen.clear()
                continue
            new = _new_in(parsed, seen)
            if feed.held:
                done.kept["a feed whose own words an event rests on"] += 1
            else:
                yield feed.place, reduced(response, new)


def _new_in(parsed: ParsedFeed, seen: dict[str, bytes]) -> ParsedFeed:
    """The feed with the items alone that say something else than the last time, which is noted in `seen`.

    Where items share a link or a GUID, which of them is which depends on all of them: then all are kept.
    """
    said = {one.guid: hashlib.sha256(repr(one).encode("utf-8", "surrogatepass")).digest() for one in parsed.entries}
    language = parsed.language or said_language(parsed.entries)
    if _told_by_link(parsed.entries):
        fresh = [entry for entry in parsed.entries if seen.get(entry.guid) != said[entry.guid]]
        old = [entry.published for entry in parsed.entries if seen.get(entry.guid) == said[entry.guid]]
    else:
        fresh, old = list(parsed.entries), []
    seen |= said
    return ParsedFeed(
        parsed.title, parsed.format, tuple(fresh), parsed.issues, parsed.refresh, parsed.older, language, tuple(old)
    )


def _told_by_link(entries: Sequence[Entry]) -> bool:
    links, guids = {entry.canonical_url for entry in entries}, {entry.guid for entry in entries}
    return len(links) == len(guids) == len(entries) and all(urlsplit(link).path.strip("/") for link in links)


def _rewrite(tools: Tools, replaced: Replaced, done: Pruned, *, dry_run: bool) -> None:
    """Write the parts anew, so many records at a time: commit where they are, then remove the old parts."""
    moves: list[Move] = []
    for part, offsets in sorted(replaced.items()):
        smaller = _worth_it(tools, part, offsets, done)
        if not smaller:
            continue
        done.parts += 1
        if dry_run:
            continue
        moves += tools.archive.rewrite(part, smaller)
        if len(moves) >= MOVES_AT_ONCE:
            _commit(tools, moves)
            moves = []
    _commit(tools, moves)


def _worth_it(
    tools: Tools, part: str, offsets: Mapping[int, tuple[ReducedResponse, str]], done: Pruned
) -> dict[int, tuple[ReducedResponse, str]]:
    """Those of the records that get smaller; none where all of them save less than the note of the part takes."""
    lengths = tools.archive.lengths(part)
    sizes = {offset: tools.archive.record_size(response) for offset, (response, _) in offsets.items()}
    found = {offset: told for offset, told in offsets.items() if sizes[offset] < lengths[offset]}
    if sum(lengths[offset] - sizes[offset] for offset in found) <= NOTE_BYTES * len(lengths):
        found = {}
    done.kept["a record that is hardly larger than what was read of it"] += len(offsets) - len(found)
    for offset, (_, why) in found.items():
        done.records[why] += 1
        done.before[why] += lengths[offset]
        done.after[why] += sizes[offset]
    return found


def _commit(tools: Tools, moves: Sequence[Move]) -> None:
    if not moves:
        return
    tools.warehouse.move_places(moves)
    hit("prune.moved")
    for part in sorted({move.old.part for move in moves}):
        tools.archive.remove(part)
        hit("prune.removed")

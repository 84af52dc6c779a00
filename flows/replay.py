"""Runs gone through once more: the same stages, with what came then in the place of fetching.

The journal of the archive (`flows.notes`) says who asked for what, and in which order. What was noted and never stored,
because the run was killed in between, was asked for again later: the later time counts, as it did then.
"""

import logging
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from flows import extracting, notes, polling, reading
from flows.backfill import Wanted, desk_of, find_entries
from flows.house import House
from flows.progress import NoProgress, Progress
from pipeline.archive import Archive
from pipeline.errors import FetchError
from pipeline.journal import Journal, Kept, Note, kept
from pipeline.reduced import body_sha256, with_body_of
from pipeline.settings import Settings
from pipeline.types import ArchiveRef, FeedState, FetchRequest, PendingEntry, Response, Source

log = logging.getLogger(__name__)


class NotKept(FetchError):
    """Nothing is known of what came of a request, or whether it was ever made."""


class _Silent(Journal):
    """The journal of what is gone through once more: it is written already."""

    def write(self, run_id: str, kind: str, content: Mapping[str, Any]) -> None:
        pass

    def keep_list(self, rows: Sequence[Mapping[str, Any]]) -> str:
        return ""


class Shelf(Archive):
    """The archive, from which responses are taken; keeping one again gives its old place."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.journal = _Silent(root)
        self._taken: dict[int, tuple[Response, ArchiveRef]] = {}

    def take(self, ref: ArchiveRef) -> Response:
        """Read a response. Raises ArchiveError if it is missing or not as it was written."""
        place = self.where(ref)
        return self.lend(self.read(place), place)

    def lend(self, response: Response, ref: ArchiveRef) -> Response:
        """Take `response` for what lies at `ref`."""
        self._taken[id(response)] = (response, ref)
        return response

    def append(self, responses: Sequence[Response]) -> list[ArchiveRef]:
        return [self._taken.pop(id(response))[1] for response in responses]

    def sweep(self) -> int:
        return 0

    def clear(self) -> None:
        """Forget what was taken."""
        self._taken.clear()


@dataclass(slots=True)
class Answers:
    """The session of a replay: for each address, what came of the requests for it, in order.

    What lies in the archive is read when it is asked for. `strict` raises NotKept for a request of which nothing is
    known; else that is its result.
    """

    shelf: Shelf
    strict: bool = False
    results: dict[str, deque[ArchiveRef | Response | FetchError]] = field(default_factory=dict)
    named: dict[tuple[str, ...], list[tuple[str, ...]]] = field(default_factory=dict)

    def put(self, url: str, result: ArchiveRef | Response | FetchError) -> None:
        """Answer the next request for `url` with `result`."""
        self.results.setdefault(url, deque()).append(result)

    def fetch_all(self, requests: Sequence[FetchRequest]) -> list[Response | FetchError]:
        """One result per request, in order."""
        return [self._answer(request.url) for request in requests]

    def sitemaps(self, urls: Sequence[str]) -> list[tuple[str, ...]]:
        """What the sites' robots.txt named then."""
        if tuple(urls) not in self.named:
            raise NotKept("nobody asked for sitemaps", url=urls[0])
        return self.named[tuple(urls)]

    def _answer(self, url: str) -> Response | FetchError:
        waiting = self.results.get(url)
        if waiting:
            came = waiting.popleft()
            return self.shelf.take(came) if isinstance(came, ArchiveRef) else came
        error = NotKept("the archive does not tell what came", url=url)
        if self.strict:
            raise error
        return error


@dataclass(slots=True)
class Tally:
    """What a replay went through. `skipped` counts what it could do nothing with, by reason."""

    runs: int = 0
    polls: int = 0
    entries: int = 0
    skipped: Counter[str] = field(default_factory=Counter)


class Replay:
    """Goes through runs with the tools of `house`, whose warehouse is new and whose archive is a `Shelf`."""

    def __init__(self, house: House, shelf: Shelf, progress: Progress | None = None) -> None:
        self._base = replace(house, archive=shelf)
        self._house = self._base
        self._shelf = shelf
        self._progress = progress or NoProgress()
        self._sources: dict[str, Source] = {}
        self._last_feed: dict[str, ArchiveRef] = {}
        self.tally = Tally()

    def begin(self, started_at: datetime, mode: str, sources: Sequence[Source]) -> None:
        """Begin a run as it began then."""
        self._house = replace(self._base, started_at=started_at, mode=mode)
        self._sources = {source.id: source for source in sources}
        self._house.begin_run(sources)
        self.tally.runs += 1

    def end(self, ended_at: datetime, status: str) -> None:
        """End the run as it ended then."""
        self._house.warehouse.finish_run(self._house.run_id, ended_at, status)

    def take_over_decisions(self, settings: Settings) -> None:
        """Do what people have decided, as the archive of `settings` keeps it."""
        replace(self._house, settings=settings).take_over_decisions()

    def journal(self, journal: Journal) -> None:
        """Go through all runs of the journal."""
        notes_in_all, stale = _stale(journal.read())
        walks = _walks(journal.read())
        self._progress.begin("notes", notes_in_all)
        for number, note in enumerate(journal.read()):
            told = note.content
            if note.kind == notes.RUN:
                started_at = datetime.fromisoformat(told["started_at"])
                self.begin(started_at, told["mode"], notes.sources_of(journal, note))
            elif note.kind == notes.POLLS:
                fresh = [one for one in told["polls"] if (number, one["source"]) not in stale]
                came_at = datetime.fromisoformat(told["at"])
                self.polls([(one["source"], kept(one["result"])) for one in fresh], came_at)
            elif note.kind == notes.PAGES:
                fresh = [one for one in told["entries"] if (number, one["entry"]) not in stale]
                came = {one["entry"]: kept(one["result"]) for one in fresh if "result" in one}
                self.pages([one["entry"] for one in fresh], came)
            elif note.kind == notes.BACKFILL:
                self._backfill(told, walks[note.run_id])
            elif note.kind == notes.END:
                self.end(datetime.fromisoformat(told["ended_at"]), told["status"])
            self._shelf.clear()
            self._progress.advance("notes", 1)

    def polls(self, asked: Sequence[tuple[str, Kept]], answered_at: datetime) -> None:
        """Poll sources, given by their ids with what had come by `answered_at`."""
        answers = Answers(self._shelf)
        states = self._house.warehouse.feed_states()
        sources = []
        for source_id, came in asked:
            source = self._sources.get(source_id)
            if source is None:
                self.tally.skipped["a feed of no known source"] += 1
                continue
            request = polling.request_for(source, states.get(source_id, FeedState(source_id)))
            answers.put(request.url, self._feed(source_id, came))
            sources.append(source)
        house = replace(self._house, session=answers, clock=lambda: answered_at)
        polls = polling.poll_sources(house, sources)
        polling.store_polls(self._house, polls)
        self.tally.polls += len(polls)

    def pages(self, entry_ids: Sequence[str], came: Mapping[str, Kept]) -> None:
        """Bring a batch of entries to their outcomes. `came` gives the answer where a page was asked for."""
        due = self._house.warehouse.entries_again(entry_ids)
        answers = Answers(self._shelf)
        taken = []
        for pending in due:
            answer = came.get(pending.entry.id, Kept()).answer
            if isinstance(answer, Response) and pending.revisit is None:
                # "Not modified" says nothing of an article that is not stored.
                continue
            if answer is not None:
                answers.put(pending.entry.url, answer)
            taken.append(pending)
        self.tally.skipped["an entry that no feed lists"] += len(entry_ids) - len(due)
        self.conclude(taken, answers)

    def conclude(self, due: Sequence[PendingEntry], answers: Answers | None = None) -> None:
        """Read and store a batch whose pages `answers` has; entries without theirs stay as they are."""
        house = replace(self._house, session=answers or Answers(self._shelf))
        fetched = [item for item in reading.fetch_articles(house, due) if not isinstance(item.result, NotKept)]
        there = {item.pending.entry.id for item in fetched}
        fetched = [item for item in fetched if item.twin is None or item.twin in there]
        results = extracting.extract_events(house, reading.read_articles(house, fetched))
        extracting.store_results(house, results)
        self.tally.entries += len(results)
        self.tally.skipped["an entry whose page is not in the archive"] += len(due) - len(fetched)

    def _feed(self, source_id: str, came: Kept) -> ArchiveRef | Response | FetchError:
        """What a poll brought; for bytes that had come before, those that did."""
        if came.archived is not None:
            self._last_feed[source_id] = came.archived
        elif came.bare is not None and came.sha256 is not None:
            last = self._last_feed.get(source_id)
            if last is not None:
                place = self._shelf.where(last)
                whole = self._shelf.read(place)
                if body_sha256(whole) == came.sha256:
                    return self._shelf.lend(with_body_of(came.bare, whole), place)
            return replace(came.bare, status=reading.NOT_MODIFIED)
        return came.answer or NotKept("the journal does not tell what came", url=source_id)

    def _backfill(self, told: Mapping[str, Any], walked: Sequence[Note]) -> None:
        """Find entries of the past once more, as far as it was done then."""
        answers = Answers(self._shelf, strict=True)
        for note in walked:
            if note.kind == notes.NAMED:
                answers.named[tuple(note.content["sites"])] = [tuple(urls) for urls in note.content["sitemaps"]]
                continue
            for page in note.content["pages"]:
                answer = kept(page["result"]).answer
                if answer is not None:
                    answers.put(page["url"], answer)
        wanted = Wanted(
            notes.span_from(told["since"], told["until"]),
            told["undated"],
            tuple(told["sitemaps"]),
            told["max_pages"],
            told["again"],
        )
        chosen = [notes.source_from(row) for row in told["chosen"]]
        try:
            find_entries(desk_of(replace(self._house, session=answers)), chosen, wanted, NoProgress())
        except NotKept:
            log.info("the backfill of run %s ended before its last page", self._house.run_id)


def _stale(journal: Iterable[Note]) -> tuple[int, set[tuple[int, str]]]:
    """How many notes there are, and what they name that was never stored: number of the note, and source or entry.

    That is what the next note of the same source or entry finds as this one had found it.
    """
    stale: set[tuple[int, str]] = set()
    polls: dict[str, tuple[int, str | None]] = {}
    pages: dict[int, int] = {}
    number = -1
    for number, note in enumerate(journal):
        for poll in note.content["polls"] if note.kind == notes.POLLS else ():
            source, before = poll["source"], poll["before"]
            earlier, found = polls.pop(source, (-1, None))
            if earlier >= 0 and found == before:
                stale.add((earlier, source))
            if "archived" in poll["result"]:
                polls[source] = number, before
        for page in note.content["entries"] if note.kind == notes.PAGES else ():
            # Hashes, as there is one for each entry that ever was.
            key = hash((page["entry"], page["attempts"], page["visits"]))
            if key in pages:
                stale.add((pages[key], page["entry"]))
            pages[key] = number
    return number + 1, stale


def _walks(listed: Iterable[Note]) -> dict[str, list[Note]]:
    """Run id → what the run noted of pages of the past."""
    walks: dict[str, list[Note]] = {}
    for note in listed:
        if note.kind == notes.BACKFILL:
            walks.setdefault(note.run_id, [])
        elif note.kind in (notes.WALKED, notes.NAMED):
            walks.setdefault(note.run_id, []).append(note)
    return walks

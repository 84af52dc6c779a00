"""The review page's desk: a decision is kept in the archive at once, and carried out in a process beside the server.

What decisions change is worked out and published a second or more after them, so several are carried out together. That
takes more memory than a server of pages should, which the process gives back when it ends. Killing it loses nothing: a
decision is in the archive before, and done whole or not at all.
"""

import logging
import multiprocessing
import os
import signal
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from threading import Event, Lock, Thread
from typing import Final

from flows.reviewing import author_of, decide, keep, now
from pipeline.decision_archive import DecisionArchive
from pipeline.decision_types import Decision
from pipeline.errors import ArchiveError, ClampdownError, InputError
from pipeline.lease import holder
from pipeline.places import ARCHIVE_NAME, PUBLISHED_NAME, WAREHOUSE_NAME
from pipeline.settings import Settings
from reports.dashboard.review_seam import Answer, Carried
from warehouse import drafting, review
from warehouse.query import connect_snapshot
from warehouse.reader import Reader
from warehouse.review import LoggedDecision

log = logging.getLogger(__name__)

RETRY: Final = 5.0
"""Seconds until it is tried again where a run holds the warehouse, or something failed."""

GRACE: Final = 5.0
"""Seconds for which the end of the server waits for what is being carried out."""

_NICE: Final = 10
"""Pages are looked at meanwhile: they come first."""

_NO_WAREHOUSE: Final = "there is no warehouse in this data folder: what is decided is kept, and waits for one"


def _nothing() -> None:
    pass


@contextmanager
def open_desk(settings: Settings, published: Callable[[], None] = _nothing) -> Iterator["Desk"]:
    """A desk for the data folder, with its carrier; what was kept before and waits is carried out, too.

    `published` is called in a thread: at the start, and when decisions were carried out and a newer snapshot is there.

    Raises InputError where the snapshot is from before there were reviews.
    """
    with connect_snapshot(settings.data_dir / PUBLISHED_NAME) as reader:
        review.check(reader)
        model = review.model_of(reader)
        known = review.decision_ids(reader)
    carrier = Carrier(settings, model, published)
    carrier.wake(DecisionArchive(settings.data_dir / ARCHIVE_NAME).paths().keys() - known)
    try:
        yield Desk(settings, carrier)
    finally:
        carrier.close()


class Desk:
    """See `reports.dashboard.review_seam.ReviewDesk`."""

    def __init__(self, settings: Settings, carrier: "Carrier") -> None:
        self._archive = DecisionArchive(settings.data_dir / ARCHIVE_NAME)
        self._carrier = carrier
        self._keeping = Lock()
        self._read: dict[str, LoggedDecision] = {}
        try:
            self._author = author_of(settings)
        except InputError:
            self._author = ""

    @property
    def author(self) -> str:
        """Who decided last here, or else the setting `review.author`, or the login name; empty if nobody is known."""
        return self._author

    def decide(self, reader: Reader, answer: Answer) -> tuple[LoggedDecision, ...]:
        """Keep the decisions that an answer means, and have them carried out."""
        drafts = self._drafts(reader, answer)
        with self._keeping:
            # Each is later than any other that is there: of two on one matter, the later holds.
            made = drafting.sign(drafts, now(self._archive), answer.author, answer.reason)
            keep(self._archive, made)
            self._author = answer.author
        self._carrier.wake({one.id for one in made})
        return tuple(map(_light, made))

    def carried(self, known: Collection[str]) -> Carried:
        """How far decisions have come."""
        return Carried(self._waiting(known), self._carrier.is_busy, self._carrier.problem)

    def _waiting(self, known: Collection[str]) -> tuple[LoggedDecision, ...]:
        """The decisions that are not `known`. Each is read once: it may be about ten thousand mentions."""
        found = []
        for decision_id, path in self._archive.paths().items():
            if decision_id not in known:
                # What is no decision is told by the log, and by the run that takes over the others.
                with suppress(ArchiveError):
                    light = self._read.get(decision_id) or _light(self._archive.read(path))
                    self._read[decision_id] = light
                    found.append(light)
        return tuple(sorted(found, key=lambda one: (one.decided_at, one.id)))

    def _drafts(self, reader: Reader, answer: Answer) -> list[drafting.Draft]:
        match answer.verb, answer.events:
            case "same", (one, other):
                return [drafting.same(reader, one, other)]
            case "different", (one, *other):
                return [drafting.different(reader, one, other[0] if other else None, answer.articles)]
            case "reject", (one,):
                return [drafting.rejected(reader, one)]
            case "keep", (one,):
                return [drafting.restored(reader, one)]
            case "edit", (one,):
                if not answer.values:
                    raise InputError("no field was changed", hint="To say that all is right as it stands, keep it.")
                return drafting.edits(reader, one, answer.values, new=answer.takes_new)
            case "undo", _:
                logged = {one.id: one for one in review.log(reader)}
                waiting = self._waiting(logged)
                return [drafting.undone([*logged.values(), *waiting], answer.decision)]
            case _:
                raise InputError(f"{answer.verb} can't be said of {len(answer.events)} events")


def _light(one: Decision) -> LoggedDecision:
    """A decision without its anchors, as the log has it."""
    return LoggedDecision(
        one.id, one.kind.value, one.author, one.decided_at, one.reason, one.field, one.value, one.revokes, one.about,
        "waiting", (),
    )  # fmt: skip


class Carrier:
    """A thread that has decisions carried out, in a process for all that are kept by its start."""

    def __init__(self, settings: Settings, model: str, published: Callable[[], None]) -> None:
        self._settings = settings
        self._model = model
        self._published = published
        self._lock = Lock()
        self._waiting: set[str] = set()
        self._work = Event()
        self._ended = Event()
        self._process: SpawnProcess | None = None
        self._thread = Thread(target=self._go_on, name="review-carrier", daemon=True)
        self.problem = ""
        self._thread.start()

    @property
    def is_busy(self) -> bool:
        """Whether decisions are being carried out."""
        return self._process is not None

    def wake(self, decision_ids: Collection[str]) -> None:
        """Have these, which are in the archive, carried out, with all others that wait there."""
        with self._lock:
            self._waiting |= set(decision_ids)
        self._work.set()

    def close(self) -> None:
        """Let what is being carried out end, for a while; what is left waits in the archive."""
        self._ended.set()
        self._work.set()
        self._thread.join(GRACE)
        if (process := self._process) is not None:
            process.terminate()
            self._thread.join()

    def _go_on(self) -> None:
        self._published()
        while not self._ended.is_set():
            self._work.wait()
            self._work.clear()
            with self._lock:
                some = set(self._waiting)
            if not some or self._ended.is_set():
                continue
            self.problem = self._carry()
            if self.problem:
                if not self._ended.is_set():
                    log.warning("decisions are kept, and not carried out yet: %s", self.problem)
                self._ended.wait(RETRY)
                self._work.set()
            else:
                with self._lock:
                    self._waiting -= some
                    if self._waiting:
                        self._work.set()
                self._published()

    def _carry(self) -> str:
        """Carry out all that waits in the archive. Returns why that could not be done; empty where it was."""
        settings = self._settings
        if not settings.warehouse.url and not (settings.data_dir / WAREHOUSE_NAME).exists():
            return _NO_WAREHOUSE
        if (who := holder(settings.data_dir)) is not None:
            return f"{who} uses the warehouse"
        context = multiprocessing.get_context("spawn")
        mine, its = context.Pipe(duplex=False)
        process = context.Process(target=_carry_out, args=(settings, self._model, its), name="review", daemon=True)
        # An interrupt of the terminal reaches the process, too: it takes over this mask, the server decides for both.
        # The tracker of resources, which is started with the first process, would lift the mask.
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        except OSError as error:
            return f"no process can be started: {error.strerror or error}"
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            its.close()
        self._process = process
        try:
            return str(mine.recv())
        except EOFError:
            process.join()
            return f"the process that did it ended with {process.exitcode}"
        finally:
            mine.close()
            process.join()
            self._process = None


def _carry_out(settings: Settings, model: str, answer: Connection) -> None:
    """Carry out what waits in the archive and publish; tells what went wrong, or nothing. Runs in its own process."""
    os.nice(_NICE)
    try:
        decide(settings, [], model=model)
        answer.send("")
    except ClampdownError as error:
        answer.send(str(error))

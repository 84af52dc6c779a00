"""Digests: one for each subscription and occasion, made once, from the published snapshot (files: `digest_records`).

Each digest tells what came after the place in the log of changes at which the one before of the same subscription
ended, however long ago that was. The record is written last and whole. So a digest that was killed is made anew, two
that are made at once are one, and days on which nothing ran have none: what came on them is in the next one.

All that is due is made together: the snapshot is asked once for all that go on from the same place, and each chooses
from that what its filters want.
"""

import fcntl
import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Final

from flows.digest_coverage import Readings, waited_for_reading
from flows.digest_issue import Issue, issue
from flows.digest_records import (
    FOLDER,
    PAGES,
    Record,
    Stand,
    folder_of,
    last_told,
    note_stand,
    read_record,
    record_path,
    stand_of,
)
from flows.digest_report import DigestReport, DigestState
from flows.subscribed import categories, named, subscriptions
from pipeline.archive_files import make_folder
from pipeline.errors import ArchiveError, ClampdownError, InputError
from pipeline.occasions import Occasion
from pipeline.places import PUBLISHED_NAME
from pipeline.settings import Settings
from pipeline.subscriptions import Cadence, Subscription
from pipeline.unsubscribe import secret_of
from reports.digest import Digest, Findings, Told
from reports.digest_reading import Changes, Draft, with_words
from reports.messages import view_url
from reports.week import Spread
from warehouse import news
from warehouse.news import Place
from warehouse.query import connect_snapshot
from warehouse.reader import Reader

log = logging.getLogger(__name__)

LOCK: Final = ".lock"

FIRST_REACH: Final = {Cadence.DAILY: timedelta(1), Cadence.WEEKLY: timedelta(7), Cadence.AT_ONCE: timedelta(1)}
"""How far back a first digest looks where watching has begun `LONG_AGO`; else it tells all there is."""

LONG_AGO: Final = timedelta(days=7)

ISSUED_AT_ONCE: Final = 8
"""Digests that are written side by side: each waits for the disk several times."""

_LOCK_PATIENCE: Final = 300.0
_PAUSE: Final = 0.1


@dataclass(frozen=True, slots=True)
class _Task:
    """A digest that may have to be made, into `folder` under `name`; `report` is what is said of it until then."""

    subscription: Subscription
    folder: Path
    occasion: Occasion
    name: str
    report: DigestReport


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a digest begins: what the log of changes is asked with, since when that is, and which came before."""

    bound: str | int
    is_same: bool
    since: datetime | None
    record: Record | None


def make_digests(
    settings: Settings,
    now: datetime,
    *,
    patience: float = 0.0,
    cadence: Cadence | None = None,
    only: str | None = None,
) -> list[DigestReport]:
    """Make the digests of the latest occasions that are not made already. Any number of processes may do so at once.

    With `cadence` or `only`, those of that cadence, or of the subscription of that id. Where the sources have not been
    read for long, as after a week's sleep, up to `patience` seconds are waited for a reading to end: its news are to be
    in these digests, and not in tomorrow's. What goes wrong with one subscription is told in its report. Raises
    InputError where no subscription can have a digest or what was published is gone, ArchiveError where nothing can be
    written.
    """
    chosen = _chosen(settings, cadence, only)
    tasks = [_task(settings, one, now) for one in chosen]
    reports = {task.subscription.id: _before(task) for task in tasks}
    if not _pending(tasks, reports):
        return list(reports.values())
    now += waited_for_reading(settings, now, patience)
    folder, published = settings.data_dir / FOLDER, settings.data_dir / PUBLISHED_NAME
    if not folder.exists() and not published.exists():
        return list(reports.values())
    with _alone(folder), connect_snapshot(published, memory_limit=_memory(settings)) as reader:
        # Another may have made them while this one waited.
        reports = {task.subscription.id: _before(task) for task in tasks}
        workshop = _Workshop(settings, reader, now)
        for report in workshop.make(_pending(tasks, reports)):
            reports[report.subscription] = report
    return list(reports.values())


def digests_at_once(settings: Settings) -> list[DigestReport]:
    """Make the digests that are wanted as soon as there is news, after something was published.

    What keeps that from being done is logged: no run fails for want of a digest, and the next one makes it.
    """
    try:
        return make_digests(settings, datetime.now(UTC), cadence=Cadence.AT_ONCE)
    except ClampdownError as error:
        log.error("no digests are made at once: %s%s", error, f" ({error.hint})" if error.hint else "")
        return []


def preview_digest(settings: Settings, now: datetime, subscription: Subscription) -> Digest:
    """The digest of a subscription as it would be if it were made now. Nothing is written or remembered."""
    occasion = Occasion(now.astimezone(subscription.zone(settings.serve)).date(), now)
    task = _with(settings, subscription, occasion, now)
    with connect_snapshot(settings.data_dir / PUBLISHED_NAME, memory_limit=_memory(settings)) as reader:
        workshop = _Workshop(settings, reader, now)
        start = workshop.start(task)
        (digest,) = workshop.digests([(task, start, workshop.draft(task, start))])
    return digest


def _chosen(settings: Settings, cadence: Cadence | None, only: str | None) -> list[Subscription]:
    """The subscriptions that digests are to be made of. Raises InputError where none can have any."""
    every = subscriptions(settings)
    if only is not None:
        found = named(every, only)
        if not found.enabled:
            raise InputError(f"the subscription {only} is not enabled", hint="Remove `enabled = false` from its entry.")
        every = (found,)
    enabled = [one for one in every if one.enabled and cadence in (None, one.cadence)]
    timed = [one for one in enabled if one.cadence is Cadence.AT_ONCE or one.at or settings.serve.digest_at]
    if enabled and not timed:
        raise InputError(
            "no time is set for a digest", hint='Set serve.digest_at = "07:00", or look at one with --preview.'
        )
    return timed


def _task(settings: Settings, subscription: Subscription, now: datetime) -> _Task:
    occasion = subscription.latest(settings.serve, now)
    if occasion is None:
        occasion = Occasion(now.astimezone(subscription.zone(settings.serve)).date(), now)
    return _with(settings, subscription, occasion, now)


def _with(settings: Settings, subscription: Subscription, occasion: Occasion, now: datetime) -> _Task:
    following = subscription.upcoming(settings.serve, now)
    at_once = subscription.cadence is Cadence.AT_ONCE
    name = f"{now.astimezone(UTC):%Y-%m-%dT%H%M%SZ}" if at_once else occasion.day.isoformat()
    report = DigestReport(
        DigestState.QUIET if at_once else DigestState.NOT_DUE,
        occasion.day,
        None if following is None else following.at,
        subscription.id,
    )
    return _Task(subscription, folder_of(settings.data_dir, subscription.id), occasion, name, report)


def _before(task: _Task) -> DigestReport:
    """The report before anything is made: a digest whose record is there is done, also where that can't be read."""
    if not record_path(task.folder, task.name).exists():
        return task.report
    try:
        return _of_record(DigestState.DONE, task)
    except ArchiveError as error:
        return replace(task.report, state=DigestState.FAILED, error=str(error))


def _pending(tasks: Sequence[_Task], reports: dict[str, DigestReport]) -> list[_Task]:
    open_states = (DigestState.NOT_DUE, DigestState.QUIET)
    return [task for task in tasks if reports[task.subscription.id].state in open_states]


def _of_record(state: DigestState, task: _Task) -> DigestReport:
    """What a record says. Pages that somebody took away are not made anew."""
    path = record_path(task.folder, task.name)
    record = read_record(path)
    return replace(
        task.report,
        state=state,
        number=record.number,
        subject=record.subject,
        news=record.news,
        partial=record.partial,
        files=tuple(one for one in (*(path.with_suffix(ending) for ending in PAGES), path) if one.exists()),
    )


class _Workshop:
    """What digests are made of and with, asked once of a snapshot for all that are made together."""

    def __init__(self, settings: Settings, reader: Reader, now: datetime) -> None:
        self.settings = settings
        self.reader = reader
        self.now = now
        self._categories = categories()
        self._readings = Readings(settings)
        self._end = news.end_of_log(reader)
        self._began_at = news.began_at(reader)
        # Only links that readers can follow are signed.
        self._secret = secret_of(settings.data_dir) if settings.mail.public_url else b""
        self._bounds: dict[Place, tuple[str | int, bool]] = {}
        self._changes: dict[tuple[str | int, date | None], Changes] = {}

    @cached_property
    def _spread(self) -> Spread:
        return Spread(self.reader, self._categories)

    def make(self, tasks: Sequence[_Task]) -> Iterator[DigestReport]:
        """Make these digests, one after the other, as far as there is anything to make."""
        wanted: list[tuple[_Task, _Start, Draft]] = []
        for task in tasks:
            try:
                start = self.start(task)
                if start.record is None and not self._is_watching(task):
                    continue
                draft = self.draft(task, start)
            except ClampdownError as error:
                yield _failed(task, error)
                continue
            if task.subscription.cadence is Cadence.AT_ONCE and not draft.findings.items:
                # What it has looked through need not be looked through again.
                note_stand(task.folder, Stand(start.record, self._end))
                continue
            wanted.append((task, start, draft))
        digests = self.digests(wanted)
        # While the disk takes one, another is drawn.
        with ThreadPoolExecutor(min(ISSUED_AT_ONCE, len(wanted) or 1)) as pool:
            yield from pool.map(self._issued, [task for task, _, _ in wanted], digests)

    def start(self, task: _Task) -> _Start:
        """Where the digest of a subscription begins."""
        stand = stand_of(task.folder)
        record = stand.record
        place = stand.seen or (None if record is None else record.until)
        if place is not None:
            if place not in self._bounds:
                self._bounds[place] = news.bound_of(self.reader, place)
            bound, is_same = self._bounds[place]
            return _Start(bound, is_same, None if record is None else record.made_at, record)
        if self._began_at is None or self._began_at > self.now - LONG_AGO:
            return _Start(0, True, None, None)
        since = self.now - FIRST_REACH[task.subscription.cadence]
        return _Start(since.astimezone(UTC).isoformat(), True, since, None)

    def draft(self, task: _Task, start: _Start) -> Draft:
        """What changed since, as far as the subscription wants to hear of it."""
        # Of the time only the day matters here, so that those made in one minute share what is asked.
        key = (start.bound, None if start.since is None else start.since.date())
        if key not in self._changes:
            self._changes[key] = Changes(self.reader, start.bound, start.since, self._categories)
        return self._changes[key].draft(task.subscription.filters)

    def digests(self, wanted: Sequence[tuple[_Task, _Start, Draft]]) -> list[Digest]:
        """The digests, ready to be told."""
        every = with_words(self.reader, [draft for _, _, draft in wanted])
        return [self._digest(task, start, findings) for (task, start, _), findings in zip(wanted, every, strict=True)]

    def _digest(self, task: _Task, start: _Start, findings: Findings) -> Digest:
        subscription, record = task.subscription, start.record
        changed = [item.event.id for item in findings.items if item.listed and item.before is not None]
        told = {event_id: self._told(task, one) for event_id, one in last_told(task.folder, changed).items()}
        items = tuple(
            replace(item, told=told[item.event.id]) if item.event.id in told else item for item in findings.items
        )
        return Digest(
            number=1 if record is None else record.number + 1,
            day=task.occasion.day,
            zone=subscription.zone(self.settings.serve).key,
            made_at=self.now,
            since=start.since,
            findings=replace(findings, items=items, known=self._spread.known(subscription.filters)),
            coverage=self._readings.coverage(start.since or self._began_at or self.now, self.now),
            anew=not start.is_same,
            subscription=subscription,
            name=task.name,
            week=self._spread.week(subscription.filters, task.occasion.day),
            previous=None if record is None else self._told(task, record),
        )

    def _told(self, task: _Task, record: Record) -> Told:
        url = view_url(self.settings.mail, self._secret, task.subscription.id, record.name)
        return Told(record.number, record.day, record.name, url)

    def _issued(self, task: _Task, digest: Digest) -> DigestReport:
        try:
            return self._issue(task, digest)
        except ClampdownError as error:
            return _failed(task, error)

    def _issue(self, task: _Task, digest: Digest) -> DigestReport:
        one = Issue(digest, task.occasion.at, self._end, self.reader.path.parent.name)
        posted = issue(self.settings, task.folder, one, self._secret)
        note_stand(task.folder, Stand(read_record(record_path(task.folder, digest.name))))
        report = _of_record(DigestState.MADE, task)
        return replace(report, mails=len(posted.entries), unsent=tuple(posted.unsent.items()))

    def _is_watching(self, task: _Task) -> bool:
        """Whether watching had begun by then: nobody who has just begun wants this morning's digest in the evening.

        Nor does who subscribed on a Thursday want Monday's.
        """
        if self._began_at is None:
            return False
        if task.subscription.cadence is Cadence.AT_ONCE:
            return True
        return self._began_at < task.occasion.at and self.now - task.occasion.at < timedelta(days=1, hours=1)


def _failed(task: _Task, error: ClampdownError) -> DigestReport:
    log.error("the digest of %s can't be made: %s", task.subscription.id, error)
    return replace(task.report, state=DigestState.FAILED, error=str(error))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep others from making digests meanwhile."""
    try:
        make_folder(folder)
        lock = (folder / LOCK).open("a")
    except OSError as error:
        raise ArchiveError(
            f"{folder}: can't be written: {error.strerror or error}", hint="is the disk full, or read-only?"
        ) from error
    with lock:
        until = time.monotonic() + _LOCK_PATIENCE
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise ArchiveError(f"{folder}: another process has been making digests for long") from None
                time.sleep(_PAUSE)
        yield


def _memory(settings: Settings) -> str | None:
    return settings.warehouse.memory_limit or None

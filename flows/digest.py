"""The daily digest: made once for each day's occasion, from the published snapshot, into files of the data folder.

    digests/
    ├── 2026-11-22.md      the page
    ├── 2026-11-22.txt     the same as plain text, ready to be mailed
    └── 2026-11-22.json    the same for programs, and the record: as soon as it is there, that day's digest is made

Each digest tells what came after the place in the log of changes at which the one before ended, however long ago that
was. The record is written last and whole. So a digest that was killed is made anew, two that are made at once are one,
and days on which nothing ran have none: what came on them is in the next one.
"""

import fcntl
import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from pipeline import site_state
from pipeline.archive_files import TEMPORARY, make_folder, put
from pipeline.errors import ArchiveError, InputError
from pipeline.failpoints import hit
from pipeline.flow_log import FlowLog, FlowStatus
from pipeline.occasions import Occasion, latest, upcoming
from pipeline.places import PUBLISHED_NAME
from pipeline.settings import Settings
from reports.digest import Coverage, Digest, gaps_between
from reports.digest_pages import as_document, as_markdown, as_text
from reports.digest_reading import what_changed
from reports.digest_words import subject
from warehouse import news
from warehouse.news import Place
from warehouse.query import connect_snapshot
from warehouse.reader import Reader

log = logging.getLogger(__name__)

FOLDER: Final = "digests"
RECORD: Final = ".json"
PAGES: Final = (".md", ".txt")
LOCK: Final = ".lock"

FIRST_REACH: Final = timedelta(days=1)
"""How far back the first digest looks where watching has begun `LONG_AGO`; else it tells all there is."""

LONG_AGO: Final = timedelta(days=7)

USUAL_GAP: Final = timedelta(hours=3)
"""Time between two readings of the sources that nobody need be told of; or four times the usual, if that is more."""

_LOCK_PATIENCE: Final = 60.0
_PAUSE: Final = 2.0
_READINGS: Final = 5000
"""Runs of ingest that are looked at for gaps: seven weeks of every quarter of an hour."""


class DigestState(StrEnum):
    """What came of asking for a digest."""

    MADE = "made"
    DONE = "done"
    NOT_DUE = "not due"


@dataclass(frozen=True, slots=True)
class DigestReport:
    """The digest that was made, or the one that had been made for the day; `files` are its page, text and record.

    Where none is due, `files` is empty and `day` that of the latest occasion. `next_at` is when the next one is due.
    `news` counts its items, `partial` says that sources could not be read.
    """

    state: DigestState
    day: date
    next_at: datetime
    number: int | None = None
    subject: str = ""
    news: int = 0
    partial: bool = False
    files: tuple[Path, ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """The figures, for the flow log."""
        return {
            "state": self.state.value,
            "day": self.day.isoformat(),
            "number": self.number,
            "subject": self.subject,
            "news": self.news,
            "partial": self.partial,
        }


@dataclass(frozen=True, slots=True)
class Record:
    """What is remembered of a digest: its number, day, the place in the log of changes that it reached, its gist."""

    number: int
    day: date
    made_at: datetime
    until: Place
    subject: str
    news: int
    partial: bool


def make_digest(settings: Settings, now: datetime, *, patience: float = 0.0) -> DigestReport:
    """Make the digest of the latest occasion, unless it is made already. Any number of processes may do so at once.

    Where the sources have not been read for long, as after a week's sleep, up to `patience` seconds are waited for a
    reading to end: its news are to be in this digest, and not in tomorrow's. Raises InputError where no time for
    digests is set or what was published is gone, ArchiveError where the files can't be written.
    """
    if settings.serve.digest_at is None:
        raise InputError(
            "no time is set for a digest", hint='Set serve.digest_at = "07:00", or look at one with --preview.'
        )
    zone = settings.serve.zone
    occasion = latest(settings.serve.digest_at, zone, now)
    folder = settings.data_dir / FOLDER
    report = DigestReport(DigestState.NOT_DUE, occasion.day, upcoming(settings.serve.digest_at, zone, now).at)
    if _is_made(folder, occasion.day):
        return _of_record(DigestState.DONE, folder, occasion.day, report.next_at)
    now += _waited_for_reading(settings, now, patience)
    if not files_in(folder) and not (settings.data_dir / PUBLISHED_NAME).exists():
        return report
    with _alone(folder), connect_snapshot(settings.data_dir / PUBLISHED_NAME, memory_limit=_memory(settings)) as reader:
        if _is_made(folder, occasion.day):
            return _of_record(DigestState.DONE, folder, occasion.day, report.next_at)
        told = records(folder)
        if not told and not _is_watching(reader, occasion):
            return report
        digest = _compose(settings, reader, told, occasion, now)
        _write(folder, digest, occasion, reader)
    return _of_record(DigestState.MADE, folder, occasion.day, report.next_at)


def preview_digest(settings: Settings, now: datetime) -> Digest:
    """The digest as it would be if it were made now. Nothing is written or remembered."""
    told = records(settings.data_dir / FOLDER)
    occasion = Occasion(now.astimezone(settings.serve.zone).date(), now)
    with connect_snapshot(settings.data_dir / PUBLISHED_NAME, memory_limit=_memory(settings)) as reader:
        return _compose(settings, reader, told, occasion, now)


def records(folder: Path) -> list[Record]:
    """The digests that were made, in that order. Files that are no records are logged and left out."""
    found = []
    for path in folder.glob(f"????-??-??{RECORD}"):
        try:
            found.append(_read(path))
        except ArchiveError as error:
            log.error("a digest is left out of account: %s", error)
    return sorted(found, key=lambda record: record.number)


def files_in(folder: Path) -> list[Path]:
    """The pages and records of digests; none where there is no such folder."""
    return sorted(path for path in folder.glob("????-??-??.*") if path.suffix in (*PAGES, RECORD))


def _read(path: Path) -> Record:
    try:
        return _record(json.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArchiveError(
            f"{path}: is no record of a digest: {error}", hint="Restore it from a backup, or move it away."
        ) from error


def _record(document: Mapping[str, Any]) -> Record:
    until, ended_at = document["until"], document["until"]["ended_at"]
    return Record(
        int(document["number"]),
        date.fromisoformat(document["day"]),
        datetime.fromisoformat(document["made_at"]),
        Place(
            int(until["position"]),
            str(until["mark"]),
            until["run_id"],
            None if ended_at is None else datetime.fromisoformat(ended_at),
        ),
        str(document["subject"]),
        len(document["items"]),
        bool(document["coverage"]["partial"]),
    )


def _is_made(folder: Path, day: date) -> bool:
    """Whether that day's digest is made. A record that can't be read is one: better none than a second."""
    return _record_path(folder, day).exists()


def _record_path(folder: Path, day: date) -> Path:
    return folder / f"{day.isoformat()}{RECORD}"


def _of_record(state: DigestState, folder: Path, day: date, next_at: datetime) -> DigestReport:
    """What the record of a day says. Pages that somebody took away are not made anew."""
    path = _record_path(folder, day)
    files = tuple(one for one in (*(path.with_suffix(suffix) for suffix in PAGES), path) if one.exists())
    record = _read(path)
    return DigestReport(state, day, next_at, record.number, record.subject, record.news, record.partial, files)


def _is_watching(reader: Reader, occasion: Occasion) -> bool:
    """Whether watching had begun by then: nobody who has just begun wants this morning's digest in the evening."""
    began_at = news.began_at(reader)
    return began_at is not None and began_at < occasion.at


def _compose(settings: Settings, reader: Reader, told: list[Record], occasion: Occasion, now: datetime) -> Digest:
    bound: str | int
    if told:
        bound, is_same = news.bound_of(reader, told[-1].until)
        since: datetime | None = told[-1].made_at
    else:
        bound, is_same, since = _first_bound(reader, now)
    return Digest(
        number=told[-1].number + 1 if told else 1,
        day=occasion.day,
        zone=settings.serve.zone.key,
        made_at=now,
        since=since,
        findings=what_changed(reader, bound, since),
        coverage=_coverage(settings, since or news.began_at(reader) or now, now),
        anew=not is_same,
    )


def _first_bound(reader: Reader, now: datetime) -> tuple[str | int, bool, datetime | None]:
    """Where the first digest begins: with the first change, or so long ago as one can still call it news."""
    began_at = news.began_at(reader)
    if began_at is None or began_at > now - LONG_AGO:
        return 0, True, None
    return (now - FIRST_REACH).astimezone(UTC).isoformat(), True, now - FIRST_REACH


def _coverage(settings: Settings, since: datetime, now: datetime) -> Coverage:
    """How the sources fared since then, by what the last run has noted and by the flow log."""
    try:
        state = site_state.load(settings.data_dir)
    except ArchiveError as error:
        log.warning("%s", error)
        state = None
    readings = _readings(settings)
    # Before the first reading that is still known, nothing can be said.
    start = max(since, readings[-1]) if readings else now
    longest = max(USUAL_GAP, 4 * timedelta(seconds=settings.serve.ingest_every))
    return Coverage(
        {} if state is None else state.sources,
        () if state is None else state.trouble,
        readings[0] if readings else None if state is None else state.written_at,
        gaps_between(readings, start, now, longest),
    )


def _readings(settings: Settings) -> list[datetime]:
    """When the sources were read, the latest first."""
    runs = FlowLog(settings.data_dir).runs("ingest", _READINGS)
    return [run.ended_at for run in runs if run.status is FlowStatus.FINISHED and run.ended_at is not None]


def _waited_for_reading(settings: Settings, now: datetime, patience: float) -> timedelta:
    """Wait until the sources have been read, where that is overdue; for how long, at most so many seconds."""
    if patience <= 0:
        return timedelta()
    begun = time.monotonic()
    longest = 2 * timedelta(seconds=settings.serve.ingest_every)
    flow_log = FlowLog(settings.data_dir)
    while (waited := time.monotonic() - begun) < patience:
        last = flow_log.last("ingest", FlowStatus.FINISHED)
        if last is not None and last.ended_at is not None and last.ended_at > now - longest:
            break
        time.sleep(_PAUSE)
    return timedelta(seconds=waited)


def _write(folder: Path, digest: Digest, occasion: Occasion, reader: Reader) -> None:
    """Write the pages, then the record, by which it counts."""
    end = news.end_of_log(reader)
    document = as_document(digest) | {
        "due_at": occasion.at.astimezone(UTC).isoformat(),
        "until": {
            "position": end.position,
            "mark": end.mark,
            "run_id": end.run_id,
            "ended_at": None if end.ended_at is None else end.ended_at.isoformat(),
        },
        "program": version("clampdown"),
        "snapshot": reader.path.parent.name,
    }
    name = digest.day.isoformat()
    for suffix, text in zip(PAGES, (as_markdown(digest), as_text(digest)), strict=True):
        # Half characters, which have no bytes in UTF-8, can stand in what a publisher wrote.
        put(folder, f"{name}{suffix}", text.encode("utf-8", "replace"))
    hit("digest.pages")
    text = json.dumps(document, ensure_ascii=False, indent=1)
    put(folder, f"{name}{RECORD}", text.encode("utf-8", "replace") + b"\n")
    hit("digest.recorded")
    log.info("digest %s: %s", name, subject(digest))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep others from making a digest, and clear up what one that was killed left."""
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
                    raise ArchiveError(f"{folder}: another process has been making a digest for long") from None
                time.sleep(_PAUSE / 20)
        for path in folder.glob(f"{TEMPORARY}*"):
            path.unlink(missing_ok=True)
        yield


def _memory(settings: Settings) -> str | None:
    return settings.warehouse.memory_limit or None

"""The records of digests: what was told to whom, until which change. By its record a digest is made.

    digests/
    ├── 2026-11-22.json               of the subscription `daily`, with its pages beside it
    └── policy-desk/                  of every other one
        ├── 2026-11-22.html           the page for a browser, .txt and .md the same as text, .png its picture
        ├── 2026-11-22.json           the same for programs, and the record, written last and whole
        └── .latest                   which record is the latest: made anew where it is gone or behind

Files are called after the day that they are for, those of digests that are made at once after the moment (UTC).
"""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from pipeline.archive_files import TEMPORARY
from pipeline.errors import ArchiveError
from pipeline.subscriptions import BUILT_IN
from warehouse.news import Place

log = logging.getLogger(__name__)

FOLDER: Final = "digests"
RECORD: Final = ".json"
PAGES: Final = (".html", ".md", ".txt", ".png")
LATEST: Final = ".latest"

_NAME: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d{6}Z)?")
_LOOKED_AT: Final = 14
"""Digests that are searched for the one that told of an event before."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is remembered of a digest: its number, day, the place in the log of changes that it reached, its gist.

    `name` is that of its files.
    """

    number: int
    day: date
    name: str
    made_at: datetime
    until: Place
    subject: str
    news: int
    partial: bool


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a subscription stands: its latest digest, and how far the log of changes was looked through since.

    Up to `seen` there was nothing to tell; None where it was not looked through since.
    """

    record: Record | None
    seen: Place | None = None


def folder_of(data_dir: Path, subscription_id: str) -> Path:
    """Where the digests of a subscription are. The built-in one keeps the folder that it always had."""
    folder = data_dir / FOLDER
    return folder if subscription_id == BUILT_IN.id else folder / subscription_id


def record_path(folder: Path, name: str) -> Path:
    """The record of the digest of that name."""
    return folder / f"{name}{RECORD}"


def record_files(folder: Path) -> list[Path]:
    """The records in the folder, by name."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == RECORD and _NAME.fullmatch(path.stem))
    except (FileNotFoundError, NotADirectoryError):
        return []


def files_in(folder: Path) -> list[Path]:
    """The pages and records of all subscriptions below the folder of digests; none where there is no such folder."""
    found = (path for path in folder.rglob("????-??-??*") if path.suffix in (*PAGES, RECORD))
    return sorted(path for path in found if _NAME.fullmatch(path.stem) and not path.name.startswith(TEMPORARY))


def read_record(path: Path) -> Record:
    """The record in that file. Raises ArchiveError where it is none."""
    try:
        return _record(json.loads(path.read_bytes()), path.stem)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArchiveError(
            f"{path}: is no record of a digest: {error}", hint="Restore it from a backup, or move it away."
        ) from error


def records(folder: Path) -> list[Record]:
    """The digests of a subscription, in the order in which they were made. Files that are no records are left out."""
    found = []
    for path in record_files(folder):
        try:
            found.append(read_record(path))
        except ArchiveError as error:
            log.error("a digest is left out of account: %s", error)
    return sorted(found, key=lambda record: record.number)


def stand_of(folder: Path) -> Stand:
    """Where a subscription stands, by its note where that is up to date, else by all of its records."""
    there = record_files(folder)
    try:
        note = json.loads((folder / LATEST).read_bytes())
        record = None if note["name"] is None else read_record(record_path(folder, note["name"]))
        if note["records"] == len(there):
            return Stand(record, None if note["seen"] is None else _place(note["seen"]))
    except (OSError, ValueError, KeyError, TypeError, ArchiveError):
        # A note is made of the records: without one, or after a kill between the two, these tell the same.
        pass
    told = records(folder)
    return Stand(told[-1] if told else None)


def note_stand(folder: Path, stand: Stand) -> None:
    """Write down where the subscription stands, so that not all of its records need be read the next time."""
    note = {
        "name": None if stand.record is None else stand.record.name,
        "records": len(record_files(folder)),
        "seen": None if stand.seen is None else place_document(stand.seen),
    }
    beside = folder / f"{TEMPORARY}{LATEST}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(note), encoding="utf-8")
        beside.replace(folder / LATEST)
    except OSError as error:
        log.warning("%s: where it stands can't be noted: %s", folder, error.strerror or error)


def place_document(place: Place) -> dict[str, Any]:
    """A place in the log of changes in values that JSON has."""
    return {
        "position": place.position,
        "mark": place.mark,
        "run_id": place.run_id,
        "ended_at": None if place.ended_at is None else place.ended_at.isoformat(),
    }


def last_told(folder: Path, event_ids: Sequence[str]) -> dict[str, Record]:
    """Event id → the last of the latest digests that told of it, as far as one did."""
    wanted, found = set(event_ids), dict[str, Record]()
    for path in sorted(record_files(folder), key=lambda path: path.name, reverse=True)[:_LOOKED_AT]:
        if not wanted:
            break
        try:
            document = json.loads(path.read_bytes())
            told = {str(item["event"]["id"]) for item in document["items"] if item["listed"]} & wanted
            if told:
                found.update(dict.fromkeys(told, _record(document, path.stem)))
                wanted -= told
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.error("%s: is no record of a digest: %s", path, error)
    return found


def _record(document: Mapping[str, Any], name: str) -> Record:
    return Record(
        int(document["number"]),
        date.fromisoformat(document["day"]),
        name,
        datetime.fromisoformat(document["made_at"]),
        _place(document["until"]),
        str(document["subject"]),
        len(document["items"]),
        bool(document["coverage"]["partial"]),
    )


def _place(until: Mapping[str, Any]) -> Place:
    ended_at = until["ended_at"]
    return Place(
        int(until["position"]),
        str(until["mark"]),
        until["run_id"],
        None if ended_at is None else datetime.fromisoformat(ended_at),
    )

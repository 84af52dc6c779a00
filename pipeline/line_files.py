"""Files of JSON lines that are only ever appended to: each line is on the disk before the next thing is done.

Any number of processes may append at a time. What a power cut left of a line is closed off by the next writer and
skipped by readers.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from pipeline.archive_files import sync_folder

SUFFIX: Final = ".jsonl"
LOCK: Final = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other writers of `folder` out, for as long as it takes to write some lines. Raises OSError."""
    with (folder / LOCK).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def append(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Write lines to the end of a file, synced. Whoever calls holds the lock of its folder. Raises OSError."""
    data = b"".join(_line(line) for line in lines)
    is_new = not path.exists()
    with path.open("ab+") as file:
        file.write(b"\n" + data if _is_torn(file) else data)
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        sync_folder(path.parent)


def read_on(path: Path, offset: int) -> tuple[list[Mapping[str, Any]], int]:
    """The whole lines from `offset` on, and where the next ones will begin; none of a file that is not there.

    Lines that are torn, or no objects, are left out. Raises OSError.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
    except FileNotFoundError:
        return [], 0
    whole, newline, _ = data.rpartition(b"\n")
    return [found for line in whole.split(b"\n") if (found := parsed(line)) is not None], offset + len(whole + newline)


def parsed(line: bytes) -> Mapping[str, Any] | None:
    """What a line says; None where it is torn or no object."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _line(line: Mapping[str, Any]) -> bytes:
    text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
    # Half characters are written as JSON writes them.
    return text.encode(errors="backslashreplace") + b"\n"


def _is_torn(file: BinaryIO) -> bool:
    """Whether the last line was not written to its end."""
    if file.seek(0, os.SEEK_END) == 0:
        return False
    file.seek(-1, os.SEEK_END)
    return file.read(1) != b"\n"


def time_of(text: str) -> datetime:
    """The time that a line gives, in UTC. Raises ValueError where it is none, or has no zone."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"the time {text} has no zone")
    return found.astimezone(UTC)


def month_of(path: Path) -> date:
    """The first day of a file's month; the beginning of time for a name that is none."""
    try:
        return date.fromisoformat(f"{path.stem}-01")
    except ValueError:
        return date.min

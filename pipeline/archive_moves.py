"""Parts of the archive that were rewritten, and where what they held is now.

    archive/moved/2026/11/22/<part>-<hash>.json

A note is written when the new part is on the disk, and before the old one goes: what points at the old place finds its
record at any moment. Notes are never changed; their names tell the hash of their bytes.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from pipeline.archive_files import put
from pipeline.errors import ArchiveError
from pipeline.types import ArchiveRef

FOLDER: Final = "moved"
SUFFIX: Final = ".json"
HASH_LENGTH: Final = 16


@dataclass(frozen=True, slots=True)
class Move:
    """One record's old and new place. `why` says why it was reduced; None for one that was kept as it is."""

    old: ArchiveRef
    new: ArchiveRef
    why: str | None = None


def write(root: Path, moves: Sequence[Move]) -> None:
    """Note where the records of one part are now. Raises ArchiveError where it can't be written."""
    part = moves[0].old.part
    told = {
        "part": part,
        "into": moves[0].new.part,
        "moved_at": datetime.now(UTC).isoformat(),
        "records": [
            [one.old.offset, one.old.length, one.old.sha256, one.new.offset, one.new.length, one.new.sha256, one.why]
            for one in moves
        ],
    }
    data = (json.dumps(told, separators=(",", ":")) + "\n").encode()
    folder = (root / FOLDER / part).parent
    name = f"{_stem(part)}-{hashlib.sha256(data).hexdigest()[:HASH_LENGTH]}{SUFFIX}"
    put(folder, name, data)
    _of_part.cache_clear()


def of_part(root: Path, part: str) -> Mapping[int, Move]:
    """Offset → the move of each record of a part; empty if it was never rewritten."""
    return _of_part(root, part)


def notes(root: Path) -> Iterator[list[Move] | ArchiveError]:
    """The moves of each part that was rewritten, or what is wrong with the note of them."""
    for path in sorted((root / FOLDER).glob(f"*/*/*/[!.]*{SUFFIX}")):
        try:
            yield _read(path)
        except ArchiveError as error:
            yield error


@lru_cache(maxsize=256)
def _of_part(root: Path, part: str) -> Mapping[int, Move]:
    found: dict[int, Move] = {}
    # Should it have been rewritten twice, after a kill, either will do.
    for path in sorted((root / FOLDER / part).parent.glob(f"{_stem(part)}-*{SUFFIX}")):
        found = {move.old.offset: move for move in _read(path)}
    return found


def _read(path: Path) -> list[Move]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ArchiveError(f"{path}: can't be read: {error.strerror or error}") from error
    if hashlib.sha256(data).hexdigest()[:HASH_LENGTH] != path.stem.rpartition("-")[2]:
        raise ArchiveError(f"{path}: its name is not the hash of its bytes", hint="restore it from a backup")
    told = json.loads(data)
    return [
        Move(ArchiveRef(told["part"], *record[:3]), ArchiveRef(told["into"], *record[3:6]), record[6])
        for record in told["records"]
    ]


def _stem(part: str) -> str:
    return part.rpartition("/")[2].partition(".")[0]

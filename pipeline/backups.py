"""Backups: versions of a folder's files, each whole in itself, unchanged files shared between them by hard links.

    TARGET/
    ├── 20261122T104500.000000Z/    a version, named by its time (UTC)
    │   ├── manifest.json           its files with sizes and SHA-256, and what was left out
    │   └── archive/ …              the files
    └── 20261121T…/

A version is written under a temporary name, synced, then renamed: what has no temporary name is whole. A file whose
name tells the hash of its content is not read again once it is kept; all others are read and compared. A version is a
folder of plain files: it can be read without this program.
"""

import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

from pipeline.archive_files import make_folder, sync_folder
from pipeline.errors import ArchiveError, InputError
from pipeline.failpoints import hit

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1
UNFINISHED: Final = ".unfinished-"
NO_ROOM: Final = "is the disk full, read-only, or gone?"
_VERSION: Final = "%Y%m%dT%H%M%S.%fZ"
_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Item:
    """A file to keep: where it is, and its path in the backup.

    `digest` is the beginning of its SHA-256 as its name tells it: its content never changes then. `file` is the file
    where it is open already; it is read from its start, and stays open.
    """

    source: Path
    name: str
    digest: str | None = None
    file: BufferedReader | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """A version that is there. `files` maps names to sizes and hashes, `about` is what was said of it."""

    folder: Path
    made_at: datetime
    files: Mapping[str, tuple[int, str]]
    about: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """A version that was written: how much of it is new, and the older versions that were removed.

    `damaged` are files whose names do not fit what they hold: damaged where they come from.
    """

    version: Version
    new_files: int
    new_bytes: int
    removed: tuple[str, ...]
    damaged: tuple[str, ...]


def versions(target: Path) -> list[Version]:
    """The versions in `target`, the latest first; folders without a manifest that can be read are none."""
    found = []
    for folder in sorted(target.glob("[!.]*"), reverse=True):
        try:
            found.append(version_at(folder))
        except InputError:
            continue
    return found


def version_at(folder: Path) -> Version:
    """The version in `folder`. Raises InputError where there is none, or its manifest is damaged."""
    try:
        told = json.loads((folder / MANIFEST).read_text("utf-8"))
        if told["format"] != FORMAT:
            raise InputError(f"{folder}: a backup of format {told['format']}", hint="Update the program.")
        files = {str(name): (int(one["bytes"]), str(one["sha256"])) for name, one in told["files"].items()}
        made_at = datetime.fromisoformat(told["made_at"])
    except OSError as error:
        raise InputError(f"{folder}: no backup: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{folder / MANIFEST}: damaged: {error}") from error
    for name in files:
        if name.startswith("/") or ".." in Path(name).parts:
            raise InputError(f"{folder / MANIFEST}: damaged: it names {name}")
    return Version(folder, made_at, files, told["about"])


def write(target: Path, items: Iterable[Item], about: Mapping[str, Any], keep: int | None = None) -> Written:
    """Write a version into `target` and remove all but the `keep` latest ones, if that is given.

    Raises ArchiveError where it can't be written; the versions that are there stay as they are then.
    """
    with _as_archive_error(target), ExitStack() as stack:
        make_folder(target)
        _sweep(target)
        former = next(iter(versions(target)), None)
        made_at = datetime.now(UTC)
        building = target / f"{UNFINISHED}{uuid.uuid4().hex}"
        building.mkdir()
        stack.enter_context(_given_up(building))
        files: dict[str, tuple[int, str]] = {}
        damaged = []
        new_files = new_bytes = 0
        for item in items:
            size, sha256, is_new = _take(item, building / item.name, former)
            files[item.name] = size, sha256
            if item.digest is not None and not sha256.startswith(item.digest):
                damaged.append(item.name)
            new_files += is_new
            new_bytes += size * is_new
        hit("backup.files")
        manifest = {
            "format": FORMAT,
            "made_at": made_at.isoformat(),
            "about": dict(about),
            "files": {name: {"bytes": size, "sha256": sha256} for name, (size, sha256) in sorted(files.items())},
        }
        with (building / MANIFEST).open("x", encoding="utf-8") as file:
            json.dump(manifest, file, indent=1, ensure_ascii=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        for folder in [path for path in building.rglob("*") if path.is_dir()]:
            sync_folder(folder)
        sync_folder(building)
        hit("backup.written")
        final = target / made_at.strftime(_VERSION)
        building.rename(final)
        sync_folder(target)
        hit("backup.renamed")
        # The oldest goes first: should this be stopped, what is left has no gap.
        removed = [] if keep is None else [version.folder for version in versions(target)[max(1, keep) :]][::-1]
        for folder in removed:
            _remove(folder)
    version = Version(final, made_at, files, about)
    return Written(version, new_files, new_bytes, tuple(folder.name for folder in removed), tuple(damaged))


def check(version: Version) -> tuple[list[str], list[str]]:
    """Read all files of a version. Returns the names of those that are missing, and of those that are damaged."""
    missing, damaged = [], []
    for name, (size, sha256) in version.files.items():
        path = version.folder / name
        try:
            if path.stat().st_size != size or _sha256(path) != sha256:
                damaged.append(name)
        except FileNotFoundError:
            missing.append(name)
        except OSError:
            damaged.append(name)
    return missing, damaged


def copy_out(version: Version, names: Iterable[str], folder: Path) -> None:
    """Copy files of a version into `folder`, each synced. Raises ArchiveError where that fails."""
    with _as_archive_error(folder):
        for name in names:
            make_folder((folder / name).parent)
            with (version.folder / name).open("rb") as read:
                _copy(read, folder / name)


def _take(item: Item, to: Path, former: Version | None) -> tuple[int, str, bool]:
    """Copy a file, or link it where the former version has the same. Returns size, hash, and whether it was copied."""
    known = None if former is None else former.files.get(item.name)
    make_folder(to.parent)
    if former is not None and known is not None and _is_same(item, known):
        kept = former.folder / item.name
        if kept.is_file() and kept.stat().st_size == known[0] and _link(kept, to):
            return *known, False
    with _opened(item) as read:
        return *_copy(read, to), True


def _is_same(item: Item, known: tuple[int, str]) -> bool:
    """Whether a file is the one that is kept. One whose content its name tells is, also if it was damaged since."""
    size, sha256 = known
    if item.digest is not None:
        return sha256.startswith(item.digest)
    with _opened(item) as read:
        return os.fstat(read.fileno()).st_size == size and hashlib.file_digest(read, "sha256").hexdigest() == sha256


@contextmanager
def _opened(item: Item) -> Iterator[BufferedReader]:
    if item.file is None:
        with item.source.open("rb") as read:
            yield read
    else:
        item.file.seek(0)
        yield item.file


def _link(kept: Path, to: Path) -> bool:
    """Link a file, if the file system can: not all can, and some only so often."""
    try:
        os.link(kept, to)
    except OSError as error:
        if error.errno in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS):
            return False
        raise
    return True


def _copy(read: BufferedReader, to: Path) -> tuple[int, str]:
    """Copy a file to a new one and have it on the disk. Returns its size and hash."""
    digest, size = hashlib.sha256(), 0
    with to.open("xb") as written:
        while block := read.read(_BLOCK):
            written.write(block)
            digest.update(block)
            size += len(block)
        written.flush()
        os.fsync(written.fileno())
    return size, digest.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove(folder: Path) -> None:
    """Remove a version so that no half of it is ever taken for one."""
    gone = folder.with_name(f"{UNFINISHED}{uuid.uuid4().hex}")
    folder.rename(gone)
    hit("backup.removing")
    shutil.rmtree(gone)


def _sweep(target: Path) -> None:
    """Remove what was left unfinished."""
    for left in target.glob(f"{UNFINISHED}*"):
        shutil.rmtree(left)


@contextmanager
def _given_up(building: Path) -> Iterator[None]:
    """Where a full disk, for one, stops the writing, its room is given back at once."""
    try:
        yield
    except OSError:
        shutil.rmtree(building, ignore_errors=True)
        raise


@contextmanager
def _as_archive_error(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        raise ArchiveError(f"{folder}: {named}{error.strerror or error}", hint=NO_ROOM) from error

"""Writing into the archive's folder so that a file is there whole or not at all, whatever happens meanwhile."""

import fcntl
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BufferedWriter
from pathlib import Path

from pipeline.errors import ArchiveError

TEMPORARY = ".unfinished-"
"""Beginning of the names of files that are being written."""


def make_folder(folder: Path) -> None:
    """Make `folder` and those above it, and have each new name on the disk."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in `folder` on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def temporary_file(folder: Path) -> Iterator[BufferedWriter]:
    """Open a new file that `sweep` leaves alone while this process lives, and that goes unless it gets another name."""
    path = folder / f"{TEMPORARY}{uuid.uuid4().hex}"
    with path.open("xb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            path.unlink(missing_ok=True)


def sweep(root: Path) -> int:
    """Remove what crashed writers left below `root`, and only that. Returns how many files it were."""
    swept = 0
    for path in root.rglob(f"{TEMPORARY}*"):
        with suppress(BlockingIOError, FileNotFoundError, IsADirectoryError), path.open("rb") as file:
            # A lock that can't be had belongs to a writer that lives.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
            swept += 1
    return swept


def put(folder: Path, name: str, data: bytes) -> None:
    """Write a file of `folder` whole, synced, in one step. Raises ArchiveError where it can't be written."""
    put_all(folder, {name: data})


def put_all(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files of `folder` by name, each whole, synced, in one step. Raises ArchiveError likewise."""
    try:
        make_folder(folder)
        for name, data in files.items():
            with temporary_file(folder) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(folder / name)
        sync_folder(folder)
    except OSError as error:
        raise ArchiveError(
            f"{folder}: can't be written: {error.strerror or error}", hint="is the disk full, or read-only?"
        ) from error

"""Writing into the archive's folder so that a file is there whole or not at all, whatever happens meanwhile."""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedWriter
from pathlib import Path

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

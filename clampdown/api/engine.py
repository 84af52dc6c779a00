"""One opened version of the data, with a connection for each question; and how its file is found."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline.errors import InputError, WarehouseError
from pipeline.places import PUBLISHED_NAME, WAREHOUSE_NAME

if TYPE_CHECKING:
    from warehouse.reader import Reader

_DATABASE: Final = "clampdown.duckdb"


class Engine:
    """One version of the data, opened. Each question has a connection of its own, so that threads can share it."""

    def __init__(self, path: Path, *, memory_limit: str | None = None, threads: int | None = None) -> None:
        from warehouse.query import connect_snapshot

        self._lock = threading.Lock()
        self._process = os.getpid()
        # Taken before: what is published meanwhile is then found to be new once more, and never missed.
        self.seen = identity(path)
        self._reader: Reader | None = connect_snapshot(path, memory_limit=memory_limit, threads=threads)
        self.file = self._reader.path

    def cursor(self) -> "Reader":
        """A reader for one question. Raises InputError where this was closed, or opened by another process."""
        from warehouse.reader import Reader

        if os.getpid() != self._process:
            raise InputError(
                "this warehouse was opened by another process", hint="Open it in the process that asks, after the fork."
            )
        with self._lock:
            if self._reader is None:
                raise InputError("this warehouse is closed", hint="Open it anew, or ask within its `with` block.")
            return Reader(self._reader.cursor(), self._reader.path)

    @contextmanager
    def question(self) -> "Iterator[Reader]":
        """A reader for one of our own questions. What an older version of Clampdown published may not know of it."""
        from warehouse.schema import SCHEMA_VERSION

        with self.cursor() as reader:
            try:
                yield reader
            except WarehouseError as error:
                published_as = int(reader.rows("SELECT value FROM manifest WHERE key = 'schema_version'")[0][0])
                if error.hint is not None or published_as == SCHEMA_VERSION:
                    raise
                raise WarehouseError(
                    f"{self.file} was published by an older version of Clampdown (schema {published_as}, not "
                    f"{SCHEMA_VERSION}), and lacks what was asked for",
                    hint="Ask it in SQL, or open data that this version published: `clampdown run` publishes anew.",
                ) from error

    def close(self) -> None:
        """Let go of the file. Closing again does nothing."""
        with self._lock:
            reader, self._reader = self._reader, None
        if reader is not None and os.getpid() == self._process:
            reader.close()


def identity(path: Path) -> tuple[str, int, int, int] | None:
    """What tells the file to which `path` leads from another one; None where it leads to none at the moment."""
    try:
        file = path.resolve(strict=True)
        stat = file.stat()
    except OSError:
        return None
    return str(file), stat.st_ino, stat.st_size, stat.st_mtime_ns


def snapshot_at(path: Path) -> Path:
    """The DuckDB file of a snapshot, links as they are: `path`, or in a folder of data or of published files at `path`.

    Raises InputError where there is none.
    """
    if not path.exists():
        raise InputError(
            f"there is nothing at {path}",
            hint="Name a data folder or a published clampdown.duckdb; `clampdown run --sample` makes one to try.",
        )
    if path.is_file():
        if path.name == WAREHOUSE_NAME:
            raise InputError(f"{path} is the writer's own file", hint=_way_to_published(path.parent))
        return path
    for folder in (path / PUBLISHED_NAME, path):
        if (folder / _DATABASE).exists():
            return folder / _DATABASE
    if (path / WAREHOUSE_NAME).exists():
        raise InputError(f"nothing is published in {path}", hint=_way_to_published(path))
    if any(path.glob(f"*/{WAREHOUSE_NAME}")):
        newest = max(found.parent for found in path.glob(f"*/{WAREHOUSE_NAME}"))
        raise InputError(f"nothing is published in {path}", hint=_way_to_published(newest))
    raise InputError(f"there is no snapshot in {path}", hint="`clampdown run` publishes one.")


def _way_to_published(folder: Path) -> str:
    if (folder / "manifest.json").exists():
        return f"{folder} is a backup: `clampdown -d NEW-FOLDER restore {folder}` makes a data folder of it to open."
    if (folder / PUBLISHED_NAME / _DATABASE).exists():
        return f"Open {folder}: its published snapshot can be read while runs go on."
    return "`clampdown run` publishes a snapshot."

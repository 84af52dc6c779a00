"""The published snapshot as the dashboard has it open: always the newest version, and the older while they are read."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from pipeline.errors import InputError, WarehouseError
from pipeline.places import way_to_data
from reports.dashboard.memory import Memory, Shelf
from warehouse.query import Reader, Table, connect_snapshot, run_sql
from warehouse.snapshot_check import DATABASE_NAME

T = TypeVar("T")

MEMORY: Final = "256MB"
"""What the engine may take for one version; what does not fit goes to disk."""

THREADS: Final = 2
KEPT: Final = 400_000
"""What is kept of answers for one version, by `_weight`: some 40 MB."""

PAGES: Final = 12_000_000
"""Bytes of compressed pages that are kept for one version."""

REMEMBERED: Final = 256
"""Values kept for one version that were worked out of answers."""


class Held:
    """One version of the snapshot, open. Several threads may ask at a time.

    `workspace` is the one folder that a question may write to, if there is one.
    """

    def __init__(self, reader: Reader, workspace: Path | None = None) -> None:
        self._reader = reader
        self.workspace: Final = workspace
        self.path: Final = reader.path
        manifest = {key: json.loads(value) for key, value in reader.rows("SELECT key, value FROM manifest")}
        self.version: Final[str] = f"{reader.path.parent.name}-{str(manifest.get('fingerprint', ''))[:12]}"
        self.published_at: Final[datetime] = datetime.fromisoformat(manifest["published_at"])
        self.model: Final[str] = str(manifest.get("model") or "not known")
        self._answers = Memory(KEPT)
        self._values = Memory(REMEMBERED)
        self.pages: Final = Shelf[Any](PAGES)

    def ask(self, sql: str) -> Table:
        """The whole answer to a question; asked once for a version. Raises WarehouseError where it can't be."""

        def asked() -> Table:
            with self.reader() as reader:
                try:
                    return run_sql(reader, sql)
                except InputError as error:
                    # Of our own making: nobody who visits a page can mend it.
                    raise WarehouseError(f"{reader.path}: {error}") from error

        return self._answers.get(sql, asked, _weight)

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """A reader of its own on this version, for one thread."""
        with Reader(self._reader.cursor(), self._reader.path) as reader:
            yield reader

    def remember(self, key: str, make: Callable[[], T]) -> T:
        """What `make` gives, made once for a version and kept while there is room."""
        return self._values.get(key, make)

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()


class Snapshots:
    """The snapshot published in a folder, opened once for each version.

    Whoever holds a version reads it to the end; it is closed when a newer one is open and nobody holds it any more.
    """

    def __init__(self, published: Path, *, workspace: Path | None = None) -> None:
        self._published = published
        self._workspace = workspace
        self._opening = threading.Lock()
        self._counting = threading.Lock()
        self._current: tuple[Path, Held] | None = None
        self._readers: dict[Held, int] = {}

    @contextmanager
    def held(self) -> Iterator[Held]:
        """The newest version, for as long as the block lasts.

        Raises InputError where nothing is published, WarehouseError where it is damaged or of a newer schema.
        """
        held = self._take()
        try:
            yield held
        finally:
            self._give_back(held)

    def close(self) -> None:
        """Close what nobody holds; what is held is closed when it is given back."""
        with self._counting:
            current, self._current = self._current, None
            idle = current is not None and not self._readers.get(current[1])
        if current is not None and idle:
            current[1].close()

    def _take(self) -> Held:
        newest = self._newest()
        with self._counting:
            if self._current is not None and self._current[0] == newest:
                return self._counted(self._current[1])
        with self._opening:
            newest = self._newest()
            with self._counting:
                if self._current is not None and self._current[0] == newest:
                    return self._counted(self._current[1])
            opened = self._open()
            with self._counting:
                before, self._current = self._current, (opened.path, opened)
                idle = before is not None and not self._readers.get(before[1])
                self._counted(opened)
        if before is not None and idle:
            before[1].close()
        return opened

    def _open(self) -> Held:
        reader = connect_snapshot(self._published, workspace=self._workspace, memory_limit=MEMORY, threads=THREADS)
        try:
            return Held(reader, self._workspace)
        except BaseException:
            reader.close()
            raise

    def _counted(self, held: Held) -> Held:
        self._readers[held] = self._readers.get(held, 0) + 1
        return held

    def _give_back(self, held: Held) -> None:
        with self._counting:
            self._readers[held] -= 1
            left = self._readers[held]
            if not left:
                del self._readers[held]
            idle = not left and (self._current is None or self._current[1] is not held)
        if idle:
            held.close()

    def _newest(self) -> Path:
        file = self._published / DATABASE_NAME
        try:
            return file.resolve(strict=True)
        except OSError as error:
            raise InputError(f"there is no snapshot at {self._published}", hint=way_to_data(self._published)) from error


def _weight(table: Table) -> int:
    """How much room an answer takes, in cells; a long text counts as several."""
    texts = sum(len(cell) // 64 for row in table.rows for cell in row if isinstance(cell, str))
    return 1 + len(table.rows) * len(table.columns) + texts

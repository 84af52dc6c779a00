"""The version of a snapshot from which the next one takes what has not changed, and how far it is believed."""

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from warehouse import snapshot_parts
from warehouse.snapshot_check import DATABASE_NAME, MANIFEST_NAME, sha256
from warehouse.snapshot_parts import Prints

PRINTS_NAME = "fingerprints.json"
_AT_ONCE = 8 << 20


class Doubt(Exception):
    """An earlier version is not what it says it is."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier version: its folder, its fingerprints, and what its manifest says of its files."""

    folder: Path
    prints: Prints
    files: Mapping[str, Mapping[str, Any]]


def note(folder: Path, layout: str, prints: Prints) -> None:
    """Write down what the version in `folder` holds, for the one that comes after it. All other files are there."""
    times = {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in sorted(folder.rglob("*.parquet"))}
    told = {"layout": layout, "tables": snapshot_parts.to_json(prints), "written": times}
    (folder / PRINTS_NAME).write_text(json.dumps(told, indent=1) + "\n", "utf-8")


def find(folder: Path, layout: str) -> Earlier | None:
    """The version in `folder`, if it is laid out so and all its Parquet files are the ones that were written."""
    folder = folder.resolve()
    try:
        files = json.loads((folder / MANIFEST_NAME).read_text("utf-8"))["files"]
        if sha256(folder / PRINTS_NAME) != files[PRINTS_NAME]["sha256"]:
            return None
        noted = json.loads((folder / PRINTS_NAME).read_text("utf-8"))
        if noted["layout"] != layout:
            return None
        for name, written in noted["written"].items():
            found = (folder / name).stat()
            if (found.st_size, found.st_mtime_ns) != (files[name]["bytes"], written):
                return None
        return Earlier(folder, snapshot_parts.from_json(noted["tables"]), files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


class Copy:
    """The DuckDB file of an earlier version on its way into a folder of its own, beside other work.

    At ten million mentions that is 5 GB to copy and to digest, as long as fingerprints of all rows take.
    """

    def __init__(self, earlier: Earlier, folder: Path) -> None:
        self.earlier = earlier
        self.folder = folder
        self._cancelled = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="snapshot-copy", daemon=True)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cancelled.set()
        self._thread.join()

    def wait(self) -> None:
        """Wait until it is there. Raises Doubt where it is not the one that was published, or OSError."""
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        source = self.earlier.folder / DATABASE_NAME
        digest = hashlib.sha256()
        try:
            with source.open("rb") as read, (self.folder / DATABASE_NAME).open("wb") as written:
                while (some := read.read(_AT_ONCE)) and not self._cancelled.is_set():
                    digest.update(some)
                    written.write(some)
            if digest.hexdigest() != self.earlier.files[DATABASE_NAME]["sha256"]:
                self._error = Doubt(f"{source} was changed after it was published")
        except OSError as error:
            self._error = error

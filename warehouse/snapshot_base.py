"""The version of a snapshot from which the next one takes what has not changed, and how far it is believed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


def copy_database(earlier: Earlier, to: Path) -> None:
    """Copy the DuckDB file of an earlier version. Raises Doubt where it is not the one that was published."""
    digest = hashlib.sha256()
    with (earlier.folder / DATABASE_NAME).open("rb") as read, to.open("wb") as written:
        while some := read.read(_AT_ONCE):
            digest.update(some)
            written.write(some)
    if digest.hexdigest() != earlier.files[DATABASE_NAME]["sha256"]:
        raise Doubt(f"{earlier.folder / DATABASE_NAME} was changed after it was published")

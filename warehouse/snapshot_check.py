"""Whether a published snapshot is what its manifest says: files, digests, counts."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import ClampdownError, WarehouseError
from warehouse.reader import open_reader

DATABASE_NAME = "clampdown.duckdb"
PARQUET_NAME = "parquet"
MANIFEST_NAME = "manifest.json"
SUMS_NAME = "SHA256SUMS"
CURRENT = "current"

_ONLY_IN_FILE = frozenset({"files", "partitions"})
"""Keys of manifest.json that the table `manifest` has not: they tell of the files themselves, or only the publisher."""


def verify(folder: Path) -> list[str]:
    """Hold the snapshot in `folder` (that of `published/`, or one version) against its manifest; return all faults.

    Every byte is read. An empty list says that each file is listed, there, and has its size and digest, and that the
    DuckDB file has the rows that the manifest counts.
    """
    version = folder / CURRENT if (folder / CURRENT).exists() else folder
    try:
        manifest = json.loads((version / MANIFEST_NAME).read_text("utf-8"))
        files = {str(name): dict(about) for name, about in manifest["files"].items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        return [f"{version / MANIFEST_NAME}: can't be read: {error}"]
    faults = [*_files(version, files), *_sums(version, files)]
    if version != folder:
        faults += _names(folder)
    if not any(fault.startswith(DATABASE_NAME) for fault in faults):
        faults += _content(version, manifest)
    return faults


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sums(version: Path, files: Mapping[str, Mapping[str, Any]]) -> str:
    """What the file SHA256SUMS says, for `sha256sum -c`: all `files` of a version, and its manifest."""
    digests = {name: str(about["sha256"]) for name, about in files.items()}
    digests[MANIFEST_NAME] = sha256(version / MANIFEST_NAME)
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))


def _files(version: Path, files: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, about in sorted(files.items()):
        path = version / name
        try:
            size = path.stat().st_size
            if size != about.get("bytes"):
                yield f"{name}: {size} bytes, not {about.get('bytes')}"
            elif sha256(path) != about.get("sha256"):
                yield f"{name}: its SHA-256 is not the one in the manifest"
        except OSError as error:
            yield f"{name}: can't be read: {error.strerror}"
    found = {str(path.relative_to(version)) for path in version.rglob("*") if not path.is_dir()}
    for name in sorted(found - files.keys() - {MANIFEST_NAME, SUMS_NAME}):
        yield f"{name}: not in the manifest"


def _sums(version: Path, files: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    try:
        if (version / SUMS_NAME).read_text("utf-8") != sums(version, files):
            yield f"{SUMS_NAME}: does not agree with the manifest"
    except (OSError, ValueError, KeyError) as error:
        yield f"{SUMS_NAME}: can't be read: {error}"


def _names(folder: Path) -> Iterator[str]:
    for name in (DATABASE_NAME, PARQUET_NAME, MANIFEST_NAME, SUMS_NAME):
        if (folder / name).resolve() != (folder / CURRENT / name).resolve():
            yield f"{name}: does not lead to the current version"


def _content(version: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    """What the DuckDB file says otherwise than the manifest."""
    try:
        with open_reader(version / DATABASE_NAME) as reader:
            told = {key: json.loads(value) for key, value in reader.rows("SELECT key, value FROM manifest")}
            for key in sorted(manifest.keys() | told.keys()):
                if key not in _ONLY_IN_FILE and manifest.get(key) != told.get(key):
                    yield f"{DATABASE_NAME}: its table manifest says otherwise on {key}"
            for table, count in sorted(manifest.get("counts", {}).items()):
                rows = reader.rows(f'SELECT count(*) FROM "{table}"')[0][0] if table in reader.tables() else None
                if rows != count:
                    yield f"{DATABASE_NAME}: {rows} rows in {table}, not {count}"
    except (WarehouseError, ClampdownError, ValueError) as error:
        yield f"{DATABASE_NAME}: can't be read: {error}"

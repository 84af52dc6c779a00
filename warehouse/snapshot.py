"""The published snapshot: a DuckDB file, Parquet files and a manifest, replaced together by one rename.

    published/
    ├── clampdown.duckdb  → current/clampdown.duckdb
    ├── parquet           → current/parquet
    ├── manifest.json     → current/manifest.json
    ├── current           → versions/20250206T101500.000000Z
    └── versions/         the current version and the one before it

Publishing builds a version under a temporary name, syncs it, renames it, then renames the link `current`: at any moment
all three names lead into one version. Who resolves a path once reads one version, however often a newer one is
published; a version goes when its second successor comes.
"""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import WarehouseError
from pipeline.failpoints import hit
from warehouse import schema, snapshot_file
from warehouse.database import Database

DATABASE_NAME = "clampdown.duckdb"
PARQUET_NAME = "parquet"
MANIFEST_NAME = "manifest.json"
CURRENT = "current"
VERSIONS = "versions"
KEPT_VERSIONS = 2
_UNFINISHED = ".unfinished-"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A published version. The paths are the lasting ones; `changed` says whether this call wrote it."""

    database: Path
    parquet: Path
    manifest: Path
    published_at: datetime
    counts: Mapping[str, int]
    changed: bool


def publish(database: Database, target: Path, manifest: Mapping[str, object]) -> Snapshot:
    """Publish the warehouse into the folder `target`, unless what is there says the same.

    `manifest` goes into manifest.json and into the table of that name; its values must fit into JSON.
    """
    described = dict(manifest) | {"schema_version": schema.SCHEMA_VERSION}
    fingerprint = snapshot_file.fingerprint(database, described)
    with _as_warehouse_error(target):
        current = _read_manifest(target)
        if current is not None and current.get("fingerprint") == fingerprint and _complete(target, current):
            return _snapshot(target, current, changed=False)
        published_at = datetime.now(UTC)
        building = target / VERSIONS / f"{_UNFINISHED}{uuid.uuid4().hex}"
        _sweep(target)
        (building / PARQUET_NAME).mkdir(parents=True)
        described["published_at"] = published_at.isoformat()
        described["fingerprint"] = fingerprint
        described |= snapshot_file.build(database, building / DATABASE_NAME, building / PARQUET_NAME, described)
        hit("publish.built")
        described["files"] = {
            str(file.relative_to(building)): {"sha256": _sha256(file), "bytes": file.stat().st_size}
            for file in sorted(building.rglob("*"))
            if file.is_file()
        }
        (building / MANIFEST_NAME).write_text(json.dumps(described, indent=2, ensure_ascii=False) + "\n", "utf-8")
        for path in (*building.rglob("*"), building):
            _sync(path)
        version = target / VERSIONS / published_at.strftime("%Y%m%dT%H%M%S.%fZ")
        building.rename(version)
        _sync(version.parent)
        hit("publish.renamed")
        for name in (DATABASE_NAME, PARQUET_NAME, MANIFEST_NAME):
            _link(target / name, Path(CURRENT) / name)
        _link(target / CURRENT, Path(VERSIONS) / version.name)
        _sync(target)
        hit("publish.switched")
        _prune(target, version.name)
        return _snapshot(target, described, changed=True)


def _snapshot(target: Path, manifest: Mapping[str, object], *, changed: bool) -> Snapshot:
    counts = manifest["counts"]
    assert isinstance(counts, dict)
    return Snapshot(
        database=target / DATABASE_NAME,
        parquet=target / PARQUET_NAME,
        manifest=target / MANIFEST_NAME,
        published_at=datetime.fromisoformat(str(manifest["published_at"])),
        counts=counts,
        changed=changed,
    )


def _read_manifest(target: Path) -> dict[str, object] | None:
    """The manifest of the current version; None where there is none, or none that can be read."""
    try:
        read = json.loads((target / CURRENT / MANIFEST_NAME).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return read if isinstance(read, dict) and {"counts", "published_at", "files"} <= read.keys() else None


def _complete(target: Path, manifest: Mapping[str, object]) -> bool:
    """Whether the current version has all its files in their sizes, and the lasting names lead to it."""
    files = manifest["files"]
    if not isinstance(files, dict):
        return False
    names = (DATABASE_NAME, PARQUET_NAME, MANIFEST_NAME)
    if not all((target / name).resolve() == (target / CURRENT / name).resolve() for name in names):
        return False
    paths = {target / CURRENT / name: about for name, about in files.items()}
    return all(path.is_file() and path.stat().st_size == about["bytes"] for path, about in paths.items())


def _link(link: Path, to: Path) -> None:
    """Make `link` lead to `to`, in one step also where it led elsewhere before."""
    if link.is_symlink() and link.readlink() == to:
        return
    if link.exists() and not link.is_symlink():
        raise WarehouseError(f"{link} is in the way of the published snapshot", hint="Move it away.")
    new = link.with_name(f"{_UNFINISHED}{link.name}")
    new.unlink(missing_ok=True)
    new.symlink_to(to)
    new.replace(link)


def _sweep(target: Path) -> None:
    """Remove what publishing left unfinished when it was killed. The warehouse's lock keeps out a second publisher."""
    for left in (target / VERSIONS).glob(f"{_UNFINISHED}*"):
        shutil.rmtree(left)


def _prune(target: Path, current: str) -> None:
    """Remove all but the newest versions; a version that was renamed but never linked is the older one then."""
    versions = sorted(path for path in (target / VERSIONS).iterdir() if path.name != current)
    for old in versions[: max(0, len(versions) + 1 - KEPT_VERSIONS)]:
        shutil.rmtree(old)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _as_warehouse_error(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WarehouseError(f"can't publish to {target}: {error}") from error

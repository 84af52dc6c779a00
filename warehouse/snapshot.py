"""The published snapshot: a DuckDB file, Parquet files and a manifest, replaced together by one rename.

    published/
    ├── clampdown.duckdb  → current/clampdown.duckdb
    ├── parquet           → current/parquet
    ├── manifest.json     → current/manifest.json
    ├── SHA256SUMS        → current/SHA256SUMS
    ├── current           → versions/20250206T101500.000000Z
    └── versions/         the current version and those before it, as many as are kept

Publishing builds a version under a temporary name, syncs it, renames it, then renames the link `current`: at any moment
all names lead into one version. Who resolves a path once reads one version, however often a newer one is published; a
version goes when as many newer ones are there as are kept.

What has not changed since the version before is taken over from it. That version is believed only as far as it can be
checked: its manifest and fingerprints are read, every file has its size and time, the DuckDB file its digest. On any
doubt, all is written anew from the warehouse.
"""

import errno
import json
import logging
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import WarehouseError
from pipeline.failpoints import hit
from warehouse import schema, snapshot_base, snapshot_file, snapshot_manifest, snapshot_parquet, snapshot_parts
from warehouse.database import Database
from warehouse.snapshot_base import Earlier
from warehouse.snapshot_check import CURRENT, DATABASE_NAME, MANIFEST_NAME, PARQUET_NAME, SUMS_NAME, sums, verify
from warehouse.snapshot_file import Content
from warehouse.snapshot_parts import Prints

__all__ = [
    "CURRENT",
    "DATABASE_NAME",
    "KEPT_VERSIONS",
    "MANIFEST_NAME",
    "PARQUET_NAME",
    "SUMS_NAME",
    "VERSIONS",
    "Snapshot",
    "publish",
    "verify",
]

log = logging.getLogger(__name__)

VERSIONS = "versions"
KEPT_VERSIONS = 2
NAMES = (DATABASE_NAME, PARQUET_NAME, MANIFEST_NAME, SUMS_NAME)
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


def publish(database: Database, target: Path, manifest: Mapping[str, object], *, keep: int = KEPT_VERSIONS) -> Snapshot:
    """Publish the warehouse into the folder `target`, unless what is there says the same.

    `manifest` goes into manifest.json and into the table of that name; its values must fit into JSON. So many versions
    are kept, the new one among them.
    """
    content = snapshot_file.content(database)
    with _as_warehouse_error(target), ExitStack() as stack:
        _sweep(target)
        earlier = snapshot_base.find(target / CURRENT, content.layout)
        copy = None if earlier is None else stack.enter_context(snapshot_base.Copy(earlier, _unfinished(target)))
        prints = snapshot_parts.take(database, content.live, content.columns)
        described = dict(manifest) | {"schema_version": schema.SCHEMA_VERSION}
        described["fingerprint"] = snapshot_manifest.fingerprint(content, prints, described)
        current = _read_manifest(target)
        if current is not None and current["fingerprint"] == described["fingerprint"] and _complete(target, current):
            stack.close()
            _sweep(target)
            return _snapshot(target, current, changed=False)
        published_at = datetime.now(UTC)
        described["published_at"] = published_at.isoformat()
        building = _build(target, content, prints, described, copy)
        for path in (*building.rglob("*"), building):
            _sync(path)
        version = target / VERSIONS / published_at.strftime("%Y%m%dT%H%M%S.%fZ")
        building.rename(version)
        _sync(version.parent)
        hit("publish.renamed")
        for name in NAMES:
            _link(target / name, Path(CURRENT) / name)
        _link(target / CURRENT, Path(VERSIONS) / version.name)
        _sync(target)
        hit("publish.switched")
        _prune(target, version.name, keep)
        told = _read_manifest(target)
        assert told is not None, "it was just written"
        return _snapshot(target, told, changed=True)


def _build(
    target: Path, content: Content, prints: Prints, described: Mapping[str, object], copy: snapshot_base.Copy | None
) -> Path:
    """Make a version under a temporary name: from the one before where that can be, else from nothing."""
    if copy is not None:
        try:
            copy.wait()
            return _build_in(copy.folder, content, prints, described, copy.earlier)
        except (WarehouseError, snapshot_base.Doubt) as error:
            log.warning("the snapshot is published from nothing: %s", error)
            _sweep(target)
    building = _unfinished(target)
    building.mkdir(parents=True)
    return _build_in(building, content, prints, described, None)


def _unfinished(target: Path) -> Path:
    return target / VERSIONS / f"{_UNFINISHED}{uuid.uuid4().hex}"


def _build_in(
    building: Path, content: Content, prints: Prints, described: Mapping[str, object], earlier: Earlier | None
) -> Path:
    """Make a version in the folder `building`, where a copy of the DuckDB file of `earlier` is."""
    with snapshot_file.opened(content, building / DATABASE_NAME) as snapshot:
        with snapshot.transaction():
            snapshot_file.write(snapshot, content, prints, None if earlier is None else earlier.prints)
            counts = snapshot_file.check(snapshot, prints)
            every = {**prints, **snapshot_file.derived_prints(snapshot)}
            told = {**described, **snapshot_manifest.told(snapshot, every, counts)}
            snapshot_file.add_manifest(snapshot, told)
        rows = snapshot_parquet.write(snapshot, building, every, earlier)
    hit("publish.built")
    snapshot_base.note(building, content.layout, every)
    files = snapshot_manifest.files(building, rows, earlier)
    told |= {"files": files}
    (building / MANIFEST_NAME).write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8")
    (building / SUMS_NAME).write_text(sums(building, files), "utf-8")
    return building


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
    wanted = {"counts", "published_at", "files", "fingerprint"}
    return read if isinstance(read, dict) and wanted <= read.keys() else None


def _complete(target: Path, manifest: Mapping[str, object]) -> bool:
    """Whether the current version has all its files in their sizes, and the lasting names lead to it."""
    files = manifest["files"]
    if not isinstance(files, dict):
        return False
    if not all((target / name).resolve() == (target / CURRENT / name).resolve() for name in NAMES):
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


def _prune(target: Path, current: str, keep: int) -> None:
    """Remove all but the newest versions; a version that was renamed but never linked is the older one then."""
    versions = sorted(path for path in (target / VERSIONS).iterdir() if path.name != current)
    for old in versions[: max(0, len(versions) + 1 - keep)]:
        shutil.rmtree(old)


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
        hint = "Make room on that disk and run again: the published version before it stands meanwhile."
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        raise WarehouseError(f"can't publish to {target}: {error}", hint=hint if full else None) from error

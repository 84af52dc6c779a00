"""Checks of the published snapshot: its files against its manifest, its tables against the warehouse."""

import hashlib
import json
from pathlib import Path
from typing import Any

from warehouse import compare
from warehouse.audit import Asked, Finding
from warehouse.snapshot import CURRENT, DATABASE_NAME, MANIFEST_NAME, PARQUET_NAME

ANEW = "move the folder `published` away: the next run publishes anew"


def files(folder: Path, finding: Finding) -> None:
    """Hold the files of the current version against the manifest's sizes and hashes, and the lasting names."""
    finding.look()
    try:
        manifest: Any = json.loads((folder / CURRENT / MANIFEST_NAME).read_text("utf-8"))
        listed = {str(name): (str(told["sha256"]), int(told["bytes"])) for name, told in manifest["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        finding.add(f"{MANIFEST_NAME}: can't be read: {error}")
        return
    for name in (DATABASE_NAME, PARQUET_NAME, MANIFEST_NAME):
        if (folder / name).resolve() != (folder / CURRENT / name).resolve():
            finding.add(f"{name}: does not lead into the current version")
    for name, (sha256, size) in listed.items():
        finding.look()
        path = folder / CURRENT / name
        try:
            with path.open("rb") as file:
                if path.stat().st_size != size:
                    finding.add(f"{name}: {path.stat().st_size:,} bytes, not {size:,}")
                elif hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                    finding.add(f"{name}: its bytes are not those that were published")
        except OSError as error:
            finding.add(f"{name}: can't be read: {error.strerror or error}")


def tables(warehouse: Asked, snapshot: Asked, finding: Finding) -> None:
    """Hold the snapshot's tables against those of the warehouse, without what depends on the last run alone."""
    last = warehouse.rows("SELECT status FROM runs ORDER BY started_at DESC LIMIT 1")
    if last and last[0][0] != "finished":
        finding.note("left out: the last run did not come to its end, and the next one publishes")
        return
    for table, columns in snapshot.columns.items():
        if table in compare.CLOCK_TABLES or not warehouse.has(table):
            continue
        kept = [name for name in compare.kept_columns(columns) if warehouse.has(table, [name])]
        if not kept:
            continue
        finding.look()
        there, published = (_digest(asked, table, kept) for asked in (warehouse, snapshot))
        if there[0] != published[0]:
            finding.add(f"{table}: {published[0]:,} rows are published, the warehouse has {there[0]:,}")
        elif there != published:
            finding.add(f"{table}: what is published is not what the warehouse has")


def _digest(asked: Asked, table: str, columns: list[str]) -> tuple[int, str]:
    # As text, so that a type that says the same otherwise makes no difference.
    listed = ", ".join(f'CAST("{name}" AS VARCHAR)' for name in columns)
    ((count, digest),) = asked.rows(f'SELECT count(*), CAST(sum(hash({listed})) AS VARCHAR) FROM "{table}"')
    return int(count), str(digest)

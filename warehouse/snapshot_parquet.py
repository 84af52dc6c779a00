"""The Parquet files of a snapshot: one for a small table, one for each month of a large one.

A file whose rows have not changed is a hard link to that of the version before: it takes no room of its own.
"""

import os
import shutil
from pathlib import Path

from pipeline.errors import WarehouseError
from warehouse import snapshot_parts
from warehouse.database import Database
from warehouse.snapshot_base import Earlier
from warehouse.snapshot_check import PARQUET_NAME
from warehouse.snapshot_file import CATALOG, PUBLISHED, is_large, literal
from warehouse.snapshot_parts import Part, Prints, Range, ranges


def write(snapshot: Database, folder: Path, prints: Prints, base: Earlier | None) -> dict[str, int]:
    """Write the Parquet files of an opened snapshot below `folder`. Returns the rows of each by its relative path."""
    rows: dict[str, int] = {}
    (folder / PARQUET_NAME).mkdir()
    for table in PUBLISHED:
        if is_large(table, prints[table]):
            (folder / PARQUET_NAME / table).mkdir()
        files = _files(table, prints)
        taken = {file for file, (name, part) in files.items() if _linked(folder, file, base, table, name, part)}
        places = ranges(snapshot, CATALOG, table) if is_large(table, prints[table]) and len(taken) < len(files) else {}
        for file, (name, part) in files.items():
            if file not in taken:
                query = f"FROM {table}" if name is None else _rows_of(table, name, places[name])
                _copy(snapshot, query, folder / file, part.rows)
            rows[file] = part.rows
    return rows


def _rows_of(table: str, name: str, range_: Range) -> str:
    where = "" if range_.alone else f" AND {snapshot_parts.within(table, [name])}"
    return f"FROM {table} AS t WHERE t.rowid BETWEEN {range_.first} AND {range_.last}{where}"


def globs(prints: Prints) -> dict[str, str]:
    """Table → the path of its file or, of a large one, the pattern that all its files match."""
    return {
        table: f"{PARQUET_NAME}/{table}/*.parquet" if is_large(table, parts) else f"{PARQUET_NAME}/{table}.parquet"
        for table, parts in prints.items()
    }


def _files(table: str, prints: Prints) -> dict[str, tuple[str | None, Part]]:
    """The paths of a table's files, with the part that each holds: its name, None for the whole table, and content."""
    parts = prints[table]
    if is_large(table, parts):
        return {f"{PARQUET_NAME}/{table}/{name}.parquet": (name, part) for name, part in parts.items()}
    return {f"{PARQUET_NAME}/{table}.parquet": (None, _whole(prints, table))}


def _whole(prints: Prints, table: str) -> Part:
    """All parts of a table as one."""
    parts = prints[table].values()
    content, whole = (str(sum(int(getattr(part, name)) for part in parts)) for name in ("content", "whole"))
    return Part(sum(part.rows for part in parts), content, whole)


def _linked(folder: Path, file: str, base: Earlier | None, table: str, name: str | None, part: Part) -> bool:
    """Take a file over from the earlier version; False where it says something else or is not there."""
    if base is None or file not in base.files:
        return False
    held = _whole(base.prints, table) if name is None else base.prints[table].get(name)
    if held != part:
        return False
    try:
        os.link(base.folder / file, folder / file)
    except OSError:
        # A file system without links, or with as many as it can have.
        shutil.copy2(base.folder / file, folder / file)
    return True


def _copy(snapshot: Database, query: str, to: Path, wanted: int) -> None:
    copied = int(snapshot.execute(f"COPY ({query}) TO {literal(to)} (FORMAT parquet, COMPRESSION zstd)")[0][0])
    if copied != wanted:
        raise WarehouseError(f"{copied} rows went into {to.name}, not {wanted}")

"""Compaction: a warehouse's file written anew where much of it is room that nothing uses.

DuckDB fills freed room again but never gives it back. The copy is compared with the file, table by table, and takes its
place by one rename: killed at any time, the one or the other is there, whole.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.archive_files import sync_folder
from pipeline.errors import WarehouseError
from pipeline.failpoints import hit
from warehouse.database import Database
from warehouse.snapshot_file import literal

LEAST_FREE: Final = 32 * 1024 * 1024
"""Bytes of free room below which a copy is not worth its writing."""

LEAST_SHARE: Final = 0.25
"""The same as a share of the file."""

SUFFIX: Final = ".compacting"
LOG: Final = ".wal"
_COPY: Final = "compacted"


@dataclass(frozen=True, slots=True)
class Compacted:
    """What compaction found and left: bytes of the file before and after, and of the room in it that was free."""

    before: int
    after: int
    free: int

    @property
    def done(self) -> bool:
        """Whether the file was written anew."""
        return self.after != self.before


def compact(database: Database, *, least_free: int = LEAST_FREE, least_share: float = LEAST_SHARE) -> Compacted:
    """Write the file of `database` anew if it has enough free room. Closes the connection in any case.

    Nobody else may write meanwhile; those who read go on with the file that they opened. Raises WarehouseError where
    the copy can't be written or differs, and leaves the file as it is.
    """
    path = database.path.resolve()
    copy = path.with_name(path.name + SUFFIX)
    try:
        _remove(copy)
        database.execute("CHECKPOINT")
        before = path.stat().st_size
        ((block, blocks, free),) = database.execute(
            "SELECT block_size, total_blocks, free_blocks FROM pragma_database_size() "
            "WHERE database_name = current_database()"
        )
        unchanged = Compacted(before, before, free * block)
        if unchanged.free < least_free or free < least_share * blocks:
            return unchanged
        if shutil.disk_usage(path.parent).free < 2 * before:
            raise WarehouseError(f"{path}: no room for a second one on its disk", hint="Make room there.")
        _write(database, copy)
        hit("compact.copied")
        database.close()
        return Compacted(before, _replace(path, copy), unchanged.free)
    except OSError as error:
        raise WarehouseError(f"{path}: can't be written anew: {error.strerror or error}") from error
    finally:
        database.close()
        _remove(copy)


def _write(database: Database, copy: Path) -> None:
    """Copy all there is, and compare it."""
    ((live,),) = database.execute("SELECT current_database()")
    database.script(f"ATTACH {literal(str(copy))} AS {_COPY}")
    try:
        database.script(f'COPY FROM DATABASE "{live}" TO {_COPY}')
        if _schema(database, live) != _schema(database, _COPY):
            raise WarehouseError(f"{copy}: the copy has other tables or columns; it is not used")
        for (table,) in database.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = ? ORDER BY 1", [live]
        ):
            there, here = (
                database.execute(f'SELECT count(*), CAST(sum(hash(t)) AS VARCHAR) FROM "{place}".main."{table}" AS t')
                for place in (live, _COPY)
            )
            if there != here:
                raise WarehouseError(f"{copy}: table {table} is not the same in the copy; it is not used")
    finally:
        database.script(f"DETACH {_COPY}")


def _schema(database: Database, name: str) -> list[tuple[object, ...]]:
    """All that is said of tables, columns, views and macros, their comments included."""
    columns = database.execute(
        "SELECT schema_name, table_name, column_index, column_name, data_type, is_nullable, column_default, comment "
        "FROM duckdb_columns() WHERE database_name = ? AND NOT internal ORDER BY ALL",
        [name],
    )
    tables = database.execute(
        "SELECT schema_name, table_name, comment, has_primary_key, index_count, check_constraint_count "
        "FROM duckdb_tables() WHERE database_name = ? ORDER BY ALL",
        [name],
    )
    views = database.execute(
        "SELECT schema_name, view_name, comment FROM duckdb_views() WHERE database_name = ? AND NOT internal "
        "ORDER BY ALL",
        [name],
    )
    return [*columns, *tables, *views]


def _replace(path: Path, copy: Path) -> int:
    """Put the copy in the place of the file, which is closed. Returns its size."""
    log = path.with_name(path.name + LOG)
    if log.exists() and log.stat().st_size:
        raise WarehouseError(f"{path}: something was written meanwhile; it stays as it is")
    log.unlink(missing_ok=True)
    with copy.open("rb+") as file:
        os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
        os.fsync(file.fileno())
        size = os.fstat(file.fileno()).st_size
    copy.replace(path)
    hit("compact.replaced")
    sync_folder(path.parent)
    return size


def _remove(copy: Path) -> None:
    for left in (copy, copy.with_name(copy.name + LOG)):
        left.unlink(missing_ok=True)

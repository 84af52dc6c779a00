"""Taking a warehouse from its file to a lake, or back: table by table, in one transaction, and compared."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import InputError, WarehouseError
from pipeline.failpoints import hit
from pipeline.settings import WarehouseSettings
from warehouse import schema
from warehouse.database import Database
from warehouse.lake import ALIAS, LakeDatabase, at_work
from warehouse.store import open_warehouse

_OWN = frozenset({"schema_versions", "lake_turns"})
"""Tables that each warehouse has of its own."""
_OTHER = "other"
_UNFINISHED = ".unfinished"

Tell = Callable[[str, int], None]
"""Hears of each table when it is copied, and of its rows."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Table → how many rows were copied; both sides hold the same."""

    rows: dict[str, int]

    @property
    def total(self) -> int:
        """All rows."""
        return sum(self.rows.values())


def to_lake(file: Path, settings: WarehouseSettings, tell: Tell) -> Moved:
    """Copy the warehouse in `file` to the lake, which must be empty. The file stays as it is.

    Killed at any time, it leaves the lake empty. Raises InputError where there is no file or the lake has rows,
    WarehouseLocked where either is in use, WarehouseError where what arrives is not what was sent.
    """
    if not file.exists():
        raise InputError(f"{file}: no warehouse to migrate", hint="A new lake needs none: the first run fills it.")
    # Of this program's schema, and with nothing left to be done in it.
    open_warehouse(file).close()
    _alone(settings)
    lake = LakeDatabase.open_lake(settings)
    try:
        with lake.turn():
            schema.migrate(lake)
        tables = _tables(lake)
        full = [table for table in tables if lake.execute(f'SELECT 1 FROM "{table}" LIMIT 1')]
        if full:
            raise InputError(
                f"{lake.path} is not empty: there are rows in {', '.join(full)}",
                hint="Migrate to a new lake: an empty database, and an empty folder for its data files.",
            )
        lake.script(f"ATTACH {_literal(file)} AS {_OTHER} (READ_ONLY)")
        with lake.transaction():
            return _copied(lake, tables, f"{_OTHER}.main", f"{ALIAS}.main", tell)
    finally:
        lake.close()


def to_file(settings: WarehouseSettings, file: Path, tell: Tell) -> Moved:
    """Copy the lake as it is now to `file`, which must not be there. The lake stays as it is.

    Killed at any time, it leaves no file of that name.
    """
    if file.exists():
        raise InputError(f"{file} is there already", hint="Move it away.")
    _alone(settings)
    unfinished = file.with_name(file.name + _UNFINISHED)
    for left in (unfinished, unfinished.with_name(unfinished.name + ".wal")):
        left.unlink(missing_ok=True)
    open_warehouse(unfinished).close()
    lake = LakeDatabase.open_lake(settings)
    try:
        if schema.version(lake) != schema.SCHEMA_VERSION:
            raise WarehouseError(f"{lake.path} is of another schema", hint="`clampdown run` migrates it.")
        tables = _tables(lake)
        lake.script(f"ATTACH {_literal(unfinished)} AS {_OTHER}")
        # The lake's own transaction writes to it, and one transaction writes to one catalog.
        with lake.turn(), Database.transaction(lake):
            moved = _copied(lake, tables, f"{ALIAS}.main", f"{_OTHER}.main", tell)
        lake.script(f"CHECKPOINT {_OTHER}; DETACH {_OTHER}")
    finally:
        lake.close()
    with unfinished.open("rb") as written:
        os.fsync(written.fileno())
    unfinished.rename(file)
    return moved


def _alone(settings: WarehouseSettings) -> None:
    others = at_work(settings)
    if others:
        raise InputError(f"writers are at work: {'; '.join(others)}", hint="Stop them first.")


def _tables(database: Database) -> list[str]:
    rows = database.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND NOT temporary ORDER BY 1"
    )
    return [table for (table,) in rows if table not in _OWN]


def _copied(database: Database, tables: list[str], source: str, target: str, tell: Tell) -> Moved:
    """Copy within the caller's transaction, and compare each table with what it was made of."""
    moved: dict[str, int] = {}
    for table in tables:
        names = ", ".join(f'"{name}"' for name in database.column_types(table))
        database.execute(f'INSERT INTO {target}."{table}" ({names}) SELECT {names} FROM {source}."{table}"')
        hit("migrate.table")
        there, here = (
            database.execute(
                f'SELECT count(*), CAST(sum(hash(t)) AS VARCHAR) FROM (SELECT {names} FROM {place}."{table}") AS t'
            )[0]
            for place in (source, target)
        )
        if there != here:
            raise WarehouseError(f"table {table}: {there[0]:,} rows were sent, and {here[0]:,} others arrived")
        moved[table] = int(here[0])
        tell(table, moved[table])
    return Moved(moved)


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"

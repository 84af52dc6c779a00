"""Read-only access to a DuckDB file: attached to an engine in memory that has no way to any other file."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from pipeline.errors import InputError, WarehouseError
from pipeline.places import way_to_data
from warehouse.database import OFFLINE, opening_error, parameter

CATALOG = "clampdown"
"""The name under which the file is attached."""


def open_reader(
    path: Path, *, memory_limit: str | None = None, workspace: Path | None = None, threads: int | None = None
) -> "Reader":
    """Open the DuckDB file at `path`. Raises InputError where there is none, WarehouseError where it can't be read.

    A link is followed once, so that everything that is read comes from one version of a published snapshot, also where
    a newer one is published meanwhile. A `workspace` is the one folder that the engine may write to, and where it puts
    what does not fit into memory; it can be left out. `threads` are as many as the machine has cores unless told.
    """
    try:
        return _open(path, memory_limit, workspace, threads)
    except _Vanished:
        # Between following the link and opening the file, that version was removed: a newer one is there.
        return _open(path, memory_limit, workspace, threads)


class _Vanished(InputError):
    """There is no file at the path."""


def _open(path: Path, memory_limit: str | None, workspace: Path | None, threads: int | None) -> "Reader":
    real = path.resolve()
    if not real.is_file():
        raise _Vanished(f"there is no snapshot at {path}", hint=way_to_data(path))
    config = dict(OFFLINE)
    config["temp_directory"] = "" if workspace is None else str(workspace / "spill")
    if memory_limit is not None:
        config["memory_limit"] = memory_limit
    if threads is not None:
        config["threads"] = threads
    connection = duckdb.connect(":memory:", config=config)
    quoted = str(real).replace("'", "''")
    try:
        connection.execute(f"ATTACH '{quoted}' AS {CATALOG} (READ_ONLY)")
        connection.execute(f"USE {CATALOG}")
        if workspace is not None:
            connection.execute("SET allowed_directories = [{}]".format("'" + str(workspace).replace("'", "''") + "'"))
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    except duckdb.Error as error:
        connection.close()
        if not real.exists():
            raise _Vanished(f"there is no snapshot at {path}", hint=way_to_data(path)) from error
        raise opening_error(error, path) from error
    return Reader(connection, real)


class Reader:
    """An open file that can only be read. `path` is the file itself, links followed. A context manager."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self.connection = connection
        self.path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A second connection to the same engine, for an answer that is read while others are asked."""
        cursor = self.connection.cursor()
        cursor.execute(f"USE {CATALOG}")
        return cursor

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of one of our own questions. Raises WarehouseError where the file is damaged."""
        try:
            return self.connection.execute(sql, [parameter(value) for value in parameters]).fetchall()
        except duckdb.Error as error:
            raise WarehouseError(f"{self.path}: {str(error).splitlines()[0]}") from error

    def tables(self) -> list[str]:
        """The names of the tables, sorted."""
        return self._names("duckdb_tables()", "table_name")

    def views(self) -> list[str]:
        """The names of the views, sorted."""
        return self._names("duckdb_views()", "view_name")

    def macros(self) -> dict[str, tuple[str, ...]]:
        """Name → names of the parameters of the table macros, sorted."""
        rows = self.rows(
            "SELECT function_name, parameters FROM duckdb_functions() "
            "WHERE database_name = ? AND function_type = 'table_macro' AND NOT internal ORDER BY ALL",
            [CATALOG],
        )
        return {name: tuple(parameters) for name, parameters in rows}

    def comment(self, relation: str) -> str | None:
        """What the comment on a table or view says; None if it has none or is not there."""
        rows = self.rows(
            "SELECT comment FROM duckdb_tables() WHERE database_name = $1 AND table_name = $2 "
            "UNION ALL SELECT comment FROM duckdb_views() WHERE database_name = $1 AND view_name = $2",
            [CATALOG, relation],
        )
        return rows[0][0] if rows else None

    def column_comments(self, relation: str) -> dict[str, str | None]:
        """Name → comment of the columns of a table or view, in order."""
        return dict(
            self.rows(
                "SELECT column_name, comment FROM duckdb_columns() WHERE database_name = ? AND table_name = ? "
                "ORDER BY column_index",
                [CATALOG, relation],
            )
        )

    def columns(self, relation: str) -> dict[str, str]:
        """Name → DuckDB type of the columns of a table or view, in order; empty if there is no such relation."""
        return dict(
            self.rows(
                "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = ? AND table_name = ? "
                "ORDER BY column_index",
                [CATALOG, relation],
            )
        )

    def _names(self, function: str, column: str) -> list[str]:
        rows = self.rows(
            f"SELECT {column} FROM {function} WHERE database_name = ? AND NOT internal ORDER BY 1", [CATALOG]
        )
        return [name for (name,) in rows]

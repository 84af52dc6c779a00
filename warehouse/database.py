"""The one connection to the warehouse file: opening, transactions, inserts, and DuckDB's errors turned into ours."""

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipeline.errors import WarehouseError

# An extension that is not linked in would be looked for on the network.
OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
}
_HOLDER = re.compile(r"Conflicting lock is held in (?P<program>.+?) \(PID (?P<pid>\d+)\)(?: by user (?P<user>\S+?)\.)?")
_SURROGATES = re.compile("[\ud800-\udfff]")


class Database:
    """A DuckDB connection that knows its file, speaks in WarehouseErrors and inserts rows by the hundred."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self.connection = connection
        self.path = path
        self._types: dict[str, dict[str, str]] = {}
        # Tasks of one run may come from several threads; their statements must not mix within a transaction.
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: Path, *, memory_limit: str | None = None) -> "Database":
        """Open or create the file. Raises WarehouseError where it is locked, no DuckDB file or out of reach."""
        config = dict(OFFLINE)
        if memory_limit is not None:
            config["memory_limit"] = memory_limit
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return cls(duckdb.connect(str(path), config=config), path)
        except OSError as error:
            raise WarehouseError(f"can't create the folder {path.parent}: {error.strerror}") from error
        except duckdb.Error as error:
            raise opening_error(error, path) from error

    def close(self) -> None:
        """Close the connection; what is committed is moved from the log into the file."""
        with self._lock:
            self.connection.close()

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and return all its rows. Strings among `parameters` may hold any code point."""
        with self._lock:
            try:
                self.connection.execute(sql, [storable(parameter) for parameter in parameters])
                return self.connection.fetchall()
            except duckdb.Error as error:
                raise WarehouseError(f"{self.path}: {_first_line(error)}") from error

    def script(self, sql: str) -> None:
        """Run the statements of a script, for their effect alone."""
        with self._lock:
            try:
                self.connection.execute(sql)
            except duckdb.Error as error:
                raise WarehouseError(f"{self.path}: {_first_line(error)}") from error

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other threads out over several statements."""
        with self._lock:
            yield

    @contextmanager
    def second_connection(self) -> Iterator["Database"]:
        """A connection beside this one, whose current catalog can be another file."""
        second = Database(self.connection.cursor(), self.path)
        try:
            yield second
        finally:
            second.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: commit at the end, roll back on any exception."""
        with self._lock:
            self.execute("BEGIN TRANSACTION")
            try:
                yield
                self.execute("COMMIT")
            except BaseException:
                try:
                    self.connection.execute("ROLLBACK")
                except duckdb.Error:
                    # A failed COMMIT has already ended the transaction; the first error is the one to tell.
                    pass
                raise

    def insert(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, unless: Sequence[str] = ()
    ) -> int:
        """Insert `rows` (tuples in the order of `columns`) in one statement; return how many went in.

        With `unless`, an anti-join: a row whose values in these columns are stored already stays out. Two rows of one
        call are not compared with each other.
        """
        cells = list(zip(*rows, strict=True))
        if not cells:
            return 0
        types = self.column_types(table)
        unnested = ", ".join(f'unnest(?::{types[name]}[]) AS "{name}"' for name in columns)
        names = ", ".join(f'"{name}"' for name in columns)
        sql = f'INSERT INTO "{table}" ({names}) SELECT {names} FROM (SELECT {unnested}) AS new'
        if unless:
            same = " AND ".join(f'old."{name}" = new."{name}"' for name in unless)
            sql += f' WHERE NOT EXISTS (SELECT 1 FROM "{table}" AS old WHERE {same})'
        return int(self.execute(sql, [list(column) for column in cells])[0][0])

    def column_types(self, table: str) -> dict[str, str]:
        """Name → DuckDB type of the columns of `table`, in order; empty if there is no such table."""
        types = self._types.get(table)
        if not types:
            rows = self.execute(
                "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = current_database() "
                "AND table_name = ? ORDER BY column_index",
                [table],
            )
            types = self._types[table] = dict(rows)
        return types


def storable(value: Any) -> Any:
    """Replace lone surrogates by U+FFFD, one for one so that offsets hold: UTF-8 has no bytes for them."""
    if isinstance(value, str):
        return value if value.isascii() else _SURROGATES.sub("\ufffd", value)
    if isinstance(value, (list, tuple)):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {key: storable(item) for key, item in value.items()}
    return value


def as_map(values: Iterable[tuple[str, float]]) -> dict[str, list[Any]]:
    """Pairs in the shape that DuckDB's client takes for a MAP."""
    pairs = sorted(values)
    return {"key": [key for key, _ in pairs], "value": [value for _, value in pairs]}


def to_utc(value: datetime | None) -> datetime | None:
    """An aware time as the naive UTC that a TIMESTAMP column holds."""
    if value is None:
        return None
    if value.tzinfo is None:
        raise WarehouseError(f"the time {value.isoformat()} has no zone; times are stored in UTC")
    return value.astimezone(UTC).replace(tzinfo=None)


def from_utc(value: datetime | None) -> datetime | None:
    """A TIMESTAMP column's naive UTC as an aware time."""
    return None if value is None else value.replace(tzinfo=UTC)


def opening_error(error: duckdb.Error, path: Path) -> WarehouseError:
    """What went wrong while opening `path`, and the way out."""
    message = str(error)
    if "Could not set lock" in message:
        holder = _HOLDER.search(message)
        if holder is None:
            return WarehouseError(f"{path} is locked by another process", hint="Wait until that process ends.")
        who = f"process {holder['pid']} ({Path(holder['program']).name})"
        if holder["user"]:
            who += f" of user {holder['user']}"
        return WarehouseError(
            f"{path} is locked by {who}",
            hint="Wait until that run ends, or stop it. To read meanwhile, open the published snapshot.",
        )
    if "not a valid DuckDB database" in message:
        return WarehouseError(f"{path} is no DuckDB file", hint="Move it away; the warehouse will be created anew.")
    return WarehouseError(f"can't open {path}: {_first_line(error)}")


def _first_line(error: duckdb.Error) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__

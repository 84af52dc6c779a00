"""The one connection to the warehouse file: opening, transactions, inserts, and DuckDB's errors turned into ours."""

import json
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipeline.errors import WarehouseError, WarehouseLocked
from pipeline.secrets import masked
from pipeline.writers import Writer

# An extension that is not linked in would be looked for on the network.
OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
}
_HOLDER = re.compile(r"Conflicting lock is held in (?P<program>.+?) \(PID (?P<pid>\d+)\)(?: by user (?P<user>\S+?)\.)?")
_FULL = ("No space left on device", "File too large", "Disk quota exceeded")
_DAMAGED = ("Corrupt", "replaying WAL", "checksum")
_IN_JSON = {"BLOB": "VARCHAR"}
_ROWS_AT_ONCE = 1000
_SURROGATES = re.compile("[\ud800-\udfff]")


class Database:
    """A DuckDB connection that knows its file, speaks in WarehouseErrors and inserts rows by the hundred."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self.connection = connection
        self.path = path
        self.writer: Writer | None = None
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
        """Run one statement and return all its rows. Lists among `parameters` are bound as JSON: see `parameter`."""
        with self._lock:
            try:
                self.connection.execute(sql, [parameter(value) for value in parameters])
                return self.connection.fetchall()
            except duckdb.Error as error:
                raise self._error(error) from error

    def script(self, sql: str) -> None:
        """Run the statements of a script, for their effect alone."""
        with self._lock:
            try:
                self.connection.execute(sql)
            except duckdb.Error as error:
                raise self._error(error) from error
            finally:
                self._types = {}

    def _error(self, error: duckdb.Error) -> WarehouseError:
        return WarehouseError(f"{self.path}: {first_line(error)}", hint=_way_out(str(error)))

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
    def still(self) -> Iterator["Database"]:
        """What is stored, while it does not change."""
        with self.exclusive():
            yield self

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Keep other writers out over several transactions. Of a file there are none: its lock keeps them out."""
        yield

    def row_key(self, key: str) -> tuple[str, str]:
        """The column by which rows are found fastest whose `key` has been looked up, and its type."""
        return "rowid", "BIGINT"

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
        """Insert `rows` (tuples in the order of `columns`); return how many went in.

        With `unless`, an anti-join: a row whose values in these columns are stored already stays out. Two rows of one
        call are not compared with each other.
        """
        values, names = self._values(table, columns), ", ".join(f'"{name}"' for name in columns)
        sql = f'INSERT INTO "{table}" ({names}) SELECT * FROM ({values}) AS new({names})'
        if unless:
            same = " AND ".join(f'old."{name}" = new."{name}"' for name in unless)
            sql += f' WHERE NOT EXISTS (SELECT 1 FROM "{table}" AS old WHERE {same})'
        return self._in_parts(sql, columns, rows)

    def update(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
        """Update the rows whose value in the first of `columns` is that of one of `rows`; return how many these were.

        No two of `rows` may have the same first value.
        """
        values, names = self._values(table, columns), ", ".join(f'"{name}"' for name in columns)
        changes = ", ".join(f'"{name}" = new."{name}"' for name in columns[1:])
        sql = (
            f'UPDATE "{table}" SET {changes} FROM ({values}) AS new({names}) '
            f'WHERE "{table}"."{columns[0]}" = new."{columns[0]}"'
        )
        return self._in_parts(sql, columns, rows)

    def _values(self, table: str, columns: Sequence[str]) -> str:
        """The query that reads rows of `columns` from the statement's one parameter."""
        types = self.column_types(table)
        struct = ", ".join(f'"{name}" {_IN_JSON.get(types[name], types[name])}' for name in columns)
        values = ", ".join(f'unhex(r."{name}")' if types[name] == "BLOB" else f'r."{name}"' for name in columns)
        return f"SELECT {values} FROM (SELECT unnest(?::JSON::STRUCT({struct})[]) AS r)"

    def _in_parts(self, sql: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
        objects = [dict(zip(columns, row, strict=True)) for row in rows]
        done = 0
        for start in range(0, len(objects), _ROWS_AT_ONCE):
            done += int(self.execute(sql, [objects[start : start + _ROWS_AT_ONCE]])[0][0])
        return done

    def column_types(self, table: str) -> dict[str, str]:
        """Name → DuckDB type of the columns of `table`, in order; empty if there is no such table."""
        if table not in self._types:
            # DuckDB takes as long to tell of one table as of all: 3 ms, and a batch goes into a dozen of them.
            found: dict[str, dict[str, str]] = {}
            for name, column, kind in self.execute(
                "SELECT table_name, column_name, data_type FROM duckdb_columns() "
                "WHERE database_name = current_database() ORDER BY column_index"
            ):
                found.setdefault(name, {})[column] = kind
            self._types = found
        return self._types.get(table, {})


def parameter(value: Any) -> Any:
    """`value` as it is bound to a statement: a list as JSON text, for the statement to cast.

    Measured with DuckDB 1.5.5: 200 rows of 36 columns go in within 0.02 s as JSON, 0.5 s as lists or as single values.
    Lone surrogates become U+FFFD, one for one so that offsets hold: UTF-8 has no bytes for them.
    """
    if isinstance(value, list):
        try:
            value = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_in_json)
        except ValueError as error:
            raise WarehouseError(f"a number can't be stored: {error}") from error
    return storable(value) if isinstance(value, str) else value


def storable(text: str) -> str:
    """`text` with lone surrogates replaced."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def _in_json(value: object) -> str:
    if isinstance(value, date):  # datetimes are dates
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"{type(value).__name__} can't be stored")


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
            return WarehouseLocked(f"{path} is locked by another process", hint="Wait until that process ends.")
        who = f"process {holder['pid']} ({Path(holder['program']).name})"
        if holder["user"]:
            who += f" of user {holder['user']}"
        return WarehouseLocked(
            f"{path} is locked by {who}",
            hint="Wait until that run ends, or stop it. To read meanwhile, open the published snapshot.",
        )
    if "not a valid DuckDB database" in message:
        return WarehouseError(f"{path} is no DuckDB file", hint="`clampdown rebuild` makes it anew from the archive.")
    return WarehouseError(f"can't open {path}: {first_line(error)}", hint=_way_out(message))


def _way_out(message: str) -> str | None:
    """What to do about an error of DuckDB's, where that can be told from its words."""
    if any(words in message for words in _FULL):
        return "Make room on that disk and run again: what was committed is there, and the run goes on from it."
    if any(words in message for words in _DAMAGED):
        return "`clampdown rebuild` makes the warehouse anew from the archive, and keeps this one beside it."
    return None


def first_line(error: Exception) -> str:
    """What went wrong, in one line, without passwords."""
    lines = str(error).splitlines() or [type(error).__name__]
    # Why a lake refuses a commit stands in the second line.
    return masked(" ".join(lines[: 2 if lines[0].endswith("DuckLake transaction.") else 1]))

"""Rows of a snapshot as a stream – of a table, a view, a question or what changed – or as a Parquet file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from pipeline.errors import InputError
from warehouse.delta import changed_sql
from warehouse.query import connect_snapshot
from warehouse.reader import Reader, open_reader
from warehouse.sql import as_input_error, nearest, sole_question

TABLE_MEMORY = "96MB"
"""What DuckDB may hold of a table that is only read through: its rows pass, and rarely need more."""

_ROWS_AT_ONCE = 1000
_KEY_COLUMNS = 5


class NeedsMemory(InputError):
    """There was not memory enough. Texts of some 100 kB each, a thousand at once, are too much for `TABLE_MEMORY`."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result: its name, its DuckDB type, and its comment, if it has one."""

    name: str
    type: str
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that are ready to be read: each `batches` or `to_parquet` reads them anew, from the same file."""

    reader: Reader
    name: str
    columns: tuple[Column, ...]
    sql: str
    about: str | None = None
    is_whole: bool = False
    """Whether these are all rows of a table or view, and nothing else."""

    def batches(self) -> Iterator[Sequence[tuple[Any, ...]]]:
        """The rows, by the thousand. Raises InputError where the question fails on the way."""
        cursor = self.reader.cursor()
        try:
            with _telling(self):
                cursor.execute(self.sql)
            while True:
                with _telling(self):
                    some = cursor.fetchmany(_ROWS_AT_ONCE)
                if not some:
                    return
                yield some
        finally:
            cursor.close()

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for some in self.batches():
            yield from some

    def has_null(self, names: Sequence[str]) -> bool:
        """Whether one of these columns has a NULL in any row."""
        unknown = " OR ".join(f'"{name}" IS NULL' for name in names)
        cursor = self.reader.cursor()
        try:
            with _telling(self):
                found = cursor.execute(f"SELECT 1 FROM ({self.sql}\n) WHERE {unknown} LIMIT 1").fetchall()
            return bool(found)
        finally:
            cursor.close()

    def to_parquet(self, target: Path) -> int:
        """Write the rows to a new file below the workspace, as DuckDB writes Parquet with zstd; returns how many."""
        quoted = str(target).replace("'", "''")
        cursor = self.reader.cursor()
        try:
            with _telling(self):
                # A question whose columns share a name gets the names that `columns` has.
                cursor.execute(
                    f"COPY (SELECT * FROM ({self.sql}\n)) TO '{quoted}' "
                    "(FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)"
                )
                return int(cursor.execute(f"SELECT count(*) FROM read_parquet('{quoted}')").fetchall()[0][0])
        finally:
            cursor.close()


@contextmanager
def _telling(rows: Rows) -> Iterator[None]:
    try:
        with as_input_error(rows.reader, rows.sql):
            yield
    except InputError as error:
        if isinstance(error.__cause__, duckdb.OutOfMemoryException):
            hint = "Ask for fewer columns or rows with --query."
            raise NeedsMemory(f"{rows.name} needs more memory than there is", hint=hint) from error
        raise


def answer_to(reader: Reader, sql: str, name: str = "query") -> Rows:
    """The rows that answer one question, in its own order; see `run_sql` for what is refused."""
    question = sole_question(reader, sql)
    return Rows(reader, name, described(reader, question), question)


def described(reader: Reader, question: str) -> tuple[Column, ...]:
    """The columns of the answer to a question."""
    with as_input_error(reader, question):
        cursor = reader.cursor()
        # On a line of its own, so that an error shows the question and not what is around it.
        told = cursor.execute(f"SELECT * FROM (\n{question}\n) LIMIT 0").description or []
        cursor.close()
    return tuple(Column(str(one[0]), str(one[1])) for one in told)


class RowSource:
    """One version of a snapshot, open for reading rows out of it. A context manager.

    `workspace` is a folder of its own: Parquet files are written there, and what does not fit into memory. Tables pass
    through an engine with `table_memory` (None: as much as DuckDB takes, which is most of the machine's); questions,
    which may have to hold much, through another.
    """

    def __init__(self, snapshot: Path, workspace: Path, *, table_memory: str | None = TABLE_MEMORY) -> None:
        self._asking = connect_snapshot(snapshot, workspace=workspace)
        try:
            self._passing = open_reader(self._asking.path, workspace=workspace, memory_limit=table_memory)
        except BaseException:
            self._asking.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._asking.close()
        self._passing.close()

    def tables(self) -> list[str]:
        """The names of the tables, sorted, without `manifest`, which tells of the others."""
        return [name for name in self._asking.tables() if name != "manifest"]

    def manifest(self) -> dict[str, str]:
        """Key → value as JSON text of what the snapshot says of itself."""
        return dict(self._asking.rows("SELECT key, value FROM manifest ORDER BY key"))

    def relation(self, name: str) -> Rows:
        """The rows of a table, in the order in which it is stored, or of a view, in the order of its first columns.

        Raises InputError where there is no such table or view, with the nearest names.
        """
        columns = self._columns(name)
        is_table = name in self._asking.tables()
        reader = self._passing if is_table else self._asking
        keys = ", ".join(f"{key} NULLS LAST" for key in range(1, min(_KEY_COLUMNS, len(columns)) + 1))
        order = "" if is_table else f" ORDER BY {keys}"
        about = self._asking.comment(name)
        return Rows(reader, name, columns, f'SELECT * FROM "{name}"{order}', about, is_whole=True)

    def question(self, sql: str, name: str = "query") -> Rows:
        """The answer to one question, in its own order; see `run_sql` for what is refused."""
        return answer_to(self._asking, sql, name)

    def changes(self, name: str, since: str | int) -> Rows:
        """What has changed in a table or view with a column event_id; see `warehouse.delta`."""
        columns = self._columns(name)
        sql, added = changed_sql(self._asking, name, [column.name for column in columns], since)
        own = {column.name: column for column in columns}
        made = tuple(
            Column(one.name, one.type, added.get(one.name) or (own[one.name].about if one.name in own else None))
            for one in described(self._asking, sql)
        )
        return Rows(self._asking, name, made, sql, self._asking.comment(name))

    def _columns(self, name: str) -> tuple[Column, ...]:
        known = [*self._asking.tables(), *self._asking.views()]
        if name not in known:
            near = nearest(name, known)
            hint = f"Nearest: {', '.join(near)}." if near else f"Choose one of {', '.join(sorted(known))}."
            if name.partition("(")[0] in self._asking.macros():
                hint = f'A macro is asked with a question: --query "FROM {name}".'
            raise InputError(f"the snapshot has no table or view {name!r}", hint=hint)
        comments = self._asking.column_comments(name)
        return tuple(Column(one, type_, comments[one]) for one, type_ in self._asking.columns(name).items())

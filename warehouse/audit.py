"""What an audit of the tables says, and how it asks: the same questions for the warehouse and for a snapshot.

No constraint of the database holds keys and references (`warehouse/schema/0001_tables.sql` says why), so they are
looked at here. A question whose tables or columns a snapshot leaves out is not asked of it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Generic, TypeVar

import duckdb

from pipeline.errors import WarehouseError
from warehouse.reader import CATALOG, Reader
from warehouse.tables import refs

SHOWN = 5
"""Examples of what is wrong that a check names."""

_ROWS_AT_ONCE = 10_000

REBUILD = "`clampdown rebuild` makes the warehouse anew from the archive"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: how many things it looked at, how many are wrong, the first of them in words, and the way out.

    `note` says what was left out, or why, where it did not look at everything.
    """

    name: str
    about: str
    checked: int
    wrong: int = 0
    examples: tuple[str, ...] = ()
    way_out: str | None = None
    note: str | None = None

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return self.wrong == 0


class Finding:
    """What one check has found so far. `look` counts things looked at, `add` those that are wrong."""

    def __init__(self, name: str, about: str, way_out: str) -> None:
        self._check = Check(name, about, 0, way_out=way_out)
        self._examples: list[str] = []
        self._wrong = 0
        self._checked = 0
        self._notes: list[str] = []

    def look(self, number: int = 1) -> None:
        """Count things that were looked at."""
        self._checked += number

    def add(self, example: str) -> None:
        """Count a thing that is wrong."""
        self._wrong += 1
        if len(self._examples) < SHOWN:
            self._examples.append(example)

    def more(self, number: int) -> None:
        """Count wrong things that are not named."""
        self._wrong += number

    def note(self, words: str) -> None:
        """Say what was left out."""
        self._notes.append(words)

    @property
    def check(self) -> Check:
        """What was found. Without anything wrong there is no way out to tell."""
        return replace(
            self._check,
            checked=self._checked,
            wrong=self._wrong,
            examples=tuple(self._examples),
            way_out=self._check.way_out if self._wrong else None,
            note="; ".join(self._notes) or None,
        )


class Asked:
    """An open warehouse or snapshot, and what tables it has."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    @cached_property
    def columns(self) -> Mapping[str, Mapping[str, str]]:
        """Table → column → comment, empty where there is none."""
        found: dict[str, dict[str, str]] = {}
        for table, column, comment in self.reader.rows(
            "SELECT table_name, column_name, coalesce(c.comment, '') FROM duckdb_columns() AS c "
            "JOIN duckdb_tables() AS t USING (database_name, table_name) WHERE database_name = ? "
            "ORDER BY table_name, column_index",
            [CATALOG],
        ):
            found.setdefault(table, {})[column] = comment
        return found

    def has(self, table: str, columns: Iterable[str] = ()) -> bool:
        """Whether there is such a table with all of these columns."""
        return table in self.columns and set(columns) <= self.columns[table].keys()

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a question."""
        return self.reader.rows(sql, parameters)

    def stream(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a question, some thousand at a time: there may be any number of them."""
        try:
            result = self.reader.connection.execute(sql)
            while rows := result.fetchmany(_ROWS_AT_ONCE):
                yield from rows
        except duckdb.Error as error:
            raise WarehouseError(f"{self.reader.path}: {str(error).splitlines()[0]}") from error

    def places(self) -> Iterator[tuple[Any, ...]]:
        """Part, offset, length and SHA-256 of all that the tables have from the archive, part by part, each once."""
        tables = [table for table in self.columns if self.has(table, refs.COLUMNS)]
        listed = ", ".join(refs.COLUMNS)
        named = " UNION ".join(f"SELECT {listed} FROM {table} WHERE {refs.COLUMNS[0]} IS NOT NULL" for table in tables)
        return self.stream(f"{named} ORDER BY 1, 2") if tables else iter(())

    def number(self, sql: str) -> int:
        """The one number that answers a question."""
        return int(self.reader.rows(sql)[0][0])

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return self.number(f'SELECT count(*) FROM "{table}"')

    def wrong(self, finding: Finding, sql: str, words: str) -> None:
        """Add what a question for wrong rows finds. `words` is a template that the values of a row fill."""
        some = self.reader.rows(f"SELECT * FROM ({sql}) ORDER BY ALL LIMIT {SHOWN}")
        for row in some:
            finding.add(words.format(*row))
        if len(some) == SHOWN:
            finding.more(self.number(f"SELECT count(*) FROM ({sql})") - len(some))


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """A check by its name, what it is about, the function that looks, and the way out."""

    name: str
    about: str
    look: Callable[[T, Finding], None]
    way_out: str = REBUILD


def ask(asked: T, questions: Iterable[Question[T]]) -> list[Check]:
    """Ask all questions; one that can't be answered is a finding of its own.

    A damaged file may show only when a part of it is read, and may not be usable after that.
    """
    found = []
    for question in questions:
        finding = Finding(question.name, question.about, question.way_out)
        try:
            question.look(asked, finding)
        except WarehouseError as error:
            finding.add(f"can't be checked: {error}")
        found.append(finding.check)
    return found

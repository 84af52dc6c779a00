"""Answers to questions in SQL: rows, or tables of whichever library is installed."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from pipeline.errors import InputError

if TYPE_CHECKING:
    import pandas  # type: ignore[import-not-found, import-untyped, unused-ignore]  # optional
    import polars  # type: ignore[import-not-found, unused-ignore]  # optional
    import pyarrow  # type: ignore[import-not-found, import-untyped, unused-ignore]  # optional

    from clampdown.api.engine import Engine
    from warehouse.reader import Reader

Parameters: TypeAlias = Sequence[object] | Mapping[str, object]

_ROWS_AT_ONCE = 1000


class Answer:
    """The answer to one question: iterate over its rows, or take it as a table of pandas, Polars or Arrow.

    It can be read as often as need be: it is asked again then, of the version of the data to which it was put. Rows
    come as they are wanted, so LIMIT what you don't need, and ORDER what has an order. Raises InputError where a value
    does not fit, on the way, too.

    >>> answer = clampdown.open("sample-data").sql("SELECT 'DeepSeek' AS service, 3 AS events")
    >>> answer.columns
    ('service', 'events')
    >>> answer.rows()
    [('DeepSeek', 3)]
    >>> answer
    service   events
    --------  ------
    DeepSeek  3
    1 row
    """

    def __init__(self, engine: "Engine", sql: str, parameters: Parameters = ()) -> None:
        from warehouse.sql import as_input_error, sole_question, unique

        self._engine = engine
        self._parameters = parameters
        self._lock = threading.Lock()
        reader = engine.cursor()
        self._sql = sole_question(reader, sql)
        with as_input_error(reader, self._sql):
            described = reader.connection.execute(self._sql, parameters).description or []
        self._columns = unique([str(column[0]) for column in described])
        self._types = tuple(str(column[1]) for column in described)
        self._executed: Reader | None = reader

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns; where two have one name, the second gets `_1`."""
        return self._columns

    @property
    def types(self) -> tuple[str, ...]:
        """The DuckDB types of its columns."""
        return self._types

    @contextmanager
    def _run(self) -> "Iterator[Reader]":
        """A reader on which the question was just executed: for the first one that wants it, that of the beginning."""
        from warehouse.sql import as_input_error

        with self._lock:
            reader, self._executed = self._executed, None
        if reader is None:
            reader = self._engine.cursor()
            with as_input_error(reader, self._sql):
                reader.connection.execute(self._sql, self._parameters)
        with reader, as_input_error(reader, self._sql):
            yield reader

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Its rows, one after the other."""
        with self._run() as reader:
            while some := reader.connection.fetchmany(_ROWS_AT_ONCE):
                yield from some

    def rows(self) -> list[tuple[Any, ...]]:
        """All rows, as Python's own values."""
        return list(self)

    def dicts(self) -> list[dict[str, Any]]:
        """All rows, as dictionaries by column."""
        return [dict(zip(self._columns, row, strict=True)) for row in self]

    def value(self) -> Any:
        """The one value of an answer of one row and one column. Raises InputError where there are more, or none.

        >>> clampdown.open("sample-data").sql("SELECT max(year) FROM trend('all') WHERE year < ?", [2025]).value()
        2024
        """
        found = list(islice(self, 2))
        if len(found) != 1 or len(self._columns) != 1:
            raise InputError("the answer is not one value", hint="Use rows(), or ask for one row and one column.")
        return found[0][0]

    def df(self) -> "pandas.DataFrame":
        """As a pandas DataFrame, with pandas installed."""
        return self._made("pandas", lambda connection: connection.df())

    def pl(self) -> "polars.DataFrame":
        """As a Polars DataFrame, with polars and pyarrow installed."""
        return self._made("polars", lambda connection: connection.pl(), "pyarrow")

    def arrow(self) -> "pyarrow.Table":
        """As an Arrow table, with pyarrow installed."""
        return self._made("pyarrow", lambda connection: connection.to_arrow_table())

    def _made(self, library: str, make: Callable[[Any], Any], *others: str) -> Any:
        if missing := [name for name in (library, *others) if find_spec(name) is None]:
            raise InputError(f"{' and '.join(missing)} is not installed", hint=f"`pip install {' '.join(missing)}`")
        with self._run() as reader:
            return make(reader.connection)

    def __repr__(self) -> str:
        return self._shown("text_table")

    def _repr_html_(self) -> str:
        return self._shown("html_table")

    def _shown(self, how: str) -> str:
        from clampdown.api import shown

        some = list(islice(self, shown.ROWS_SHOWN + 1))
        left = len(some) > shown.ROWS_SHOWN
        count = f"the first {shown.ROWS_SHOWN} rows" if left else f"{len(some)} {'row' if len(some) == 1 else 'rows'}"
        return str(getattr(shown, how)(self.columns, some[: shown.ROWS_SHOWN], count))

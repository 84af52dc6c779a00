"""Free SQL over a snapshot: questions only, no files, no network, no settings."""

from dataclasses import dataclass
from typing import Any

import duckdb

from pipeline.errors import InputError
from warehouse.database import storable
from warehouse.reader import Reader


@dataclass(frozen=True, slots=True)
class Table:
    """A result: names and DuckDB types of its columns, and its rows."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


# A PIVOT is a MULTI for DuckDB 2, and for 1.5 a SELECT with a helper of its own.
_QUESTIONS = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN, duckdb.StatementType.MULTI)


def run_sql(reader: Reader, sql: str) -> Table:
    """Answer one SQL question. Raises InputError where it is faulty, several, or would change or open anything."""
    question, connection = storable(sql), reader.connection
    try:
        _check(connection.extract_statements(question))
        connection.execute(question)
        described = connection.description or []
        return Table(
            tuple(str(column[0]) for column in described),
            tuple(str(column[1]) for column in described),
            tuple(connection.fetchall()),
        )
    except duckdb.Error as error:
        raise InputError(str(error).strip()) from error


def _check(statements: list[duckdb.Statement]) -> None:
    asked = [statement for statement in statements if not _is_helper(statement)]
    if not asked:
        raise InputError("there is no SQL statement to run")
    if len(asked) > 1:
        raise InputError("there is more than one SQL statement", hint="Give one at a time.")
    if asked[0].type not in _QUESTIONS:
        raise InputError(
            f"a snapshot can only be read, not changed: {asked[0].type.name} is refused",
            hint="Ask with SELECT, FROM, WITH, PIVOT, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN.",
        )


def _is_helper(statement: duckdb.Statement) -> bool:
    """A PIVOT brings a statement of its own that has no text: it collects the values that become columns."""
    return statement.type == duckdb.StatementType.CREATE and not statement.query

"""Free SQL over a snapshot: questions only, no files, no network, no settings; and errors that help."""

import difflib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import duckdb

from pipeline.errors import InputError
from warehouse.database import storable
from warehouse.reader import CATALOG, Reader


@dataclass(frozen=True, slots=True)
class Table:
    """A result: names and DuckDB types of its columns, and its rows; `more` says that rows beyond these were left."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A result whose rows come while they are read, once: names and DuckDB types of its columns."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


_ROWS_AT_ONCE = 1000

# A PIVOT is a MULTI for DuckDB 2, and for 1.5 a SELECT with a helper of its own.
_QUESTIONS = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN, duckdb.StatementType.MULTI)

_LACKING = re.compile(r'(?:Referenced column|does not have a column named) "(?P<column>[^"]+)"')
_UNKNOWN = re.compile(r"(?P<kind>Table|Table Function) with name (?P<name>\S+) does not exist")
_AS_SCALAR = re.compile(r'Function "(?P<name>[^"]+)" is a table function')
_OUT_OF_REACH = "Files and the network are out of reach: a question goes to the snapshot alone."
_CANDIDATES = re.compile(r"\n\tCandidate functions:\n(?:\t.*\n)*")
_NEAREST = 3


def run_sql(reader: Reader, sql: str, *, limit: int | None = None) -> Table:
    """Answer one SQL question, with at most `limit` rows; see `ask`."""
    answer = ask(reader, sql)
    rows = list(answer.rows if limit is None else islice(answer.rows, limit + 1))
    return Table(answer.columns, answer.types, tuple(rows[:limit]), limit is not None and len(rows) > limit)


def ask(reader: Reader, sql: str) -> Answer:
    """Ask one SQL question. Columns of one name get numbers, as in a subquery.

    Raises InputError where it is faulty, several, or would change or open anything; on the way, too.
    """
    question = sole_question(reader, sql)
    with as_input_error(reader, question):
        reader.connection.execute(question)
    described = reader.connection.description or []
    types = tuple(str(column[1]) for column in described)
    return Answer(unique([str(column[0]) for column in described]), types, _rows(reader, question))


def _rows(reader: Reader, question: str) -> Iterator[tuple[Any, ...]]:
    while True:
        with as_input_error(reader, question):
            some = reader.connection.fetchmany(_ROWS_AT_ONCE)
        if not some:
            return
        yield from some


def sole_question(reader: Reader, sql: str) -> str:
    """The one question of `sql`, without a semicolon and what follows it. Raises InputError where it is none."""
    text = storable(sql)
    with as_input_error(reader, text):
        _check(reader.connection.extract_statements(text))
    encoded = text.encode()
    operators = [start for start, kind in duckdb.tokenize(text) if kind == duckdb.token_type.operator]
    ends = [start for start in operators if encoded[start : start + 1] == b";"]
    return encoded[: min(ends)].decode() if ends else text


def unique(names: Sequence[str]) -> tuple[str, ...]:
    """`names`, where one that came before, in any case, gets `_1`, `_2` … so that no column hides another."""
    taken: set[str] = set()
    result = []
    for name in names:
        new, number = name, 0
        while new.casefold() in taken:
            number += 1
            new = f"{name}_{number}"
        taken.add(new.casefold())
        result.append(new)
    return tuple(result)


def nearest(name: str, known: Sequence[str]) -> list[str]:
    """Those of `known` that `name` may have meant, the likeliest first: alike, or with it in their names."""
    folded = {one.casefold(): one for one in known}
    alike = difflib.get_close_matches(name.casefold(), folded, n=_NEAREST, cutoff=0.7)
    # "service" for service_canonical: the name may have more words than were thought of.
    part = name.casefold()
    within = [one for one in folded if one not in alike and len(part) > 2 and f"_{part}" in f"_{one}"]
    return [folded[one] for one in (*alike, *within)][:_NEAREST]


@contextmanager
def as_input_error(reader: Reader, sql: str) -> Iterator[None]:
    """DuckDB's errors as InputError, with the nearest names that the snapshot has as a hint."""
    try:
        yield
    except duckdb.Error as error:
        # DuckDB lists every form of a function that does not fit, by the dozen.
        message = _CANDIDATES.sub("\n", str(error).strip())
        raise InputError(message, hint=_hint(reader, sql, message)) from error


def _hint(reader: Reader, sql: str, message: str) -> str | None:
    """Where to find what an error says is lacking; what DuckDB itself proposes stands in the error."""
    try:
        if found := _UNKNOWN.search(message):
            return _hint_for_name(reader, found["kind"], found["name"])
        if found := _AS_SCALAR.search(message):
            return f"{found['name']} is a table: SELECT … FROM {found['name']}(…)."
        if "file system operations are disabled" in message:
            return _OUT_OF_REACH
        if found := _LACKING.search(message):
            return _hint_for_column(reader, sql, found["column"])
    except duckdb.Error:
        # The hint is a kindness: the error itself must not be lost for it.
        return None
    return None


def _hint_for_name(reader: Reader, kind: str, name: str) -> str | None:
    macros = {macro: f"{macro}({', '.join(parameters)})" for macro, parameters in reader.macros().items()}
    relations = [*reader.tables(), *reader.views()]
    if kind == "Table" and name in macros:
        return f"{name} takes arguments: FROM {macros[name]}."
    if kind == "Table Function" and name in relations:
        return f"{name} takes no arguments: FROM {name}."
    if re.search(r"[/\\.:]", name):
        return _OUT_OF_REACH
    near = nearest(name, [*relations, *macros])
    if near:
        return f"Nearest: {', '.join(macros.get(one, one) for one in near)}."
    return f"There are {', '.join([*relations, *macros.values()])}. `DESCRIBE events` lists the columns of one."


def _hint_for_column(reader: Reader, sql: str, column: str) -> str | None:
    """The nearest columns of the relations that the question names; else the relations that have the column."""
    by_relation: dict[str, list[str]] = {}
    for relation, name in reader.rows(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = ? AND NOT internal ORDER BY ALL",
        [CATALOG],
    ):
        by_relation.setdefault(relation, []).append(name)
    words = set(re.findall(r"\w+", sql.casefold()))
    asked = {name for relation, names in by_relation.items() if relation in words for name in names}
    if near := nearest(column, sorted(asked)):
        return f"Nearest: {', '.join(near)}."
    having = [relation for relation, names in by_relation.items() if column.casefold() in names]
    return f"{column} is a column of {', '.join(having)}." if having else None


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

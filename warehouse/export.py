"""A table or view of a snapshot as CSV, JSON Lines or Parquet."""

import csv
import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

import duckdb

from pipeline.errors import InputError
from warehouse.database import OFFLINE
from warehouse.reader import CATALOG, Reader

FORMATS = ("csv", "jsonl", "parquet")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A text cell that starts so may be run as a formula by a spreadsheet."""

_ROWS_AT_ONCE = 1000
_KEY_COLUMNS = 5


def export(reader: Reader, fmt: str, what: str, path: Path) -> int:
    """Write the table or view `what` to `path`, replacing it in one step. Returns the number of rows.

    CSV: UTF-8, a header, RFC 4180 quoting, empty for NULL, lists and maps as JSON; a text that a spreadsheet could
    take for a formula gets an apostrophe in front. JSON Lines: an object a row, dates in ISO 8601, times with `Z`.
    Parquet: DuckDB's own, compressed with zstd. Raises InputError for an unknown format or name, or a bad path.
    """
    if fmt not in FORMATS:
        raise InputError(f"there is no export format {fmt!r}", hint=f"Choose one of {', '.join(FORMATS)}.")
    known = sorted([*reader.tables(), *reader.views()])
    if what not in known:
        raise InputError(f"the snapshot has no table or view {what!r}", hint=f"Choose one of {', '.join(known)}.")
    with _replacing(path) as unfinished:
        if fmt == "parquet":
            return _parquet(reader, what, unfinished)
        with unfinished.open("w", encoding="utf-8", newline="") as file:
            return (_csv if fmt == "csv" else _jsonl)(reader, what, file)


def formula_safe(value: object) -> object:
    """`value` for a CSV cell: texts that start like a formula get an apostrophe, lists and maps become JSON."""
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return "'" + value
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    return value


def _csv(reader: Reader, what: str, file: IO[str]) -> int:
    writer = csv.writer(file)
    writer.writerow(reader.columns(what))
    count = 0
    for row in _rows(reader, what):
        writer.writerow([formula_safe(value) for value in row])
        count += 1
    return count


def _jsonl(reader: Reader, what: str, file: IO[str]) -> int:
    columns = list(reader.columns(what))
    count = 0
    for row in _rows(reader, what):
        json.dump(dict(zip(columns, row, strict=True)), file, ensure_ascii=False, default=_iso)
        file.write("\n")
        count += 1
    return count


def _parquet(reader: Reader, what: str, path: Path) -> int:
    # The reader's engine has no way to files: this one has, and runs no SQL but ours.
    source, target = (str(one).replace("'", "''") for one in (reader.path, path))
    with duckdb.connect(":memory:", config=OFFLINE) as connection:
        connection.execute(f"ATTACH '{source}' AS {CATALOG} (READ_ONLY)")
        connection.execute(f"USE {CATALOG}")
        copied = connection.execute(
            f"COPY ({_question(reader, what)}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
        )
        return int(copied.fetchall()[0][0])


def _question(reader: Reader, what: str) -> str:
    """All rows of a relation in an order of their own: the first columns of each are its key."""
    keys = range(1, min(_KEY_COLUMNS, len(reader.columns(what))) + 1)
    return f'SELECT * FROM "{what}" ORDER BY {", ".join(f"{key} NULLS LAST" for key in keys)}'


def _rows(reader: Reader, what: str) -> Iterator[Sequence[Any]]:
    cursor = reader.connection.cursor()
    try:
        cursor.execute(f"USE {CATALOG}")
        cursor.execute(_question(reader, what))
        while some := cursor.fetchmany(_ROWS_AT_ONCE):
            yield from some
    finally:
        cursor.close()


def _iso(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, which takes its place if all goes well."""
    unfinished = path.with_name(f".unfinished-{uuid.uuid4().hex}-{path.name}")
    try:
        yield unfinished
        unfinished.replace(path)
    except OSError as error:
        raise InputError(f"can't write {path}: {error.strerror or error}") from error
    except duckdb.Error as error:
        raise InputError(f"can't write {path}: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)

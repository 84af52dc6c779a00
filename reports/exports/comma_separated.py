"""Rows as CSV: UTF-8, a header, RFC 4180 quoting, CRLF; nothing for NULL and "" for the empty text."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from reports.exports.cells import csv_cell
from warehouse.rows import Rows

_QUOTED = re.compile('[",\r\n]')


def write_csv(rows: Rows, path: Path, *, raw: bool = False) -> int:
    """Write `rows` to a new file; returns how many. Text is guarded against formulas unless `raw`."""
    with path.open("w", encoding="utf-8", newline="") as file:
        return write_lines(file, [column.name for column in rows.columns], rows, raw=raw)


def write_lines(file: IO[str], names: Sequence[str], rows: Iterable[Sequence[Any]], *, raw: bool = False) -> int:
    """Write a header and `rows` to an open file; returns how many rows."""
    file.write(csv_line(names, raw=raw))
    count = 0
    for row in rows:
        file.write(csv_line(row, raw=raw))
        count += 1
    return count


def csv_line(row: Iterable[object], *, raw: bool = False) -> str:
    """One line of CSV with its CRLF."""
    line = ",".join(_cells(row, raw=raw))
    # A line of one empty cell would be a blank line, which readers skip.
    return (line or '""') + "\r\n"


def _cells(row: Iterable[object], *, raw: bool) -> Iterator[str]:
    for value in row:
        cell = csv_cell(value, raw=raw)
        if cell is None:
            yield ""
        elif isinstance(cell, str):
            yield '"' + cell.replace('"', '""') + '"' if not cell or _QUOTED.search(cell) else cell
        else:
            yield repr(cell)

"""Rows as CSV: UTF-8, a header, RFC 4180 quoting, CRLF; nothing for NULL and "" for the empty text."""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from reports.exports.cells import as_text, guarded
from warehouse.rows import Column, Rows

_QUOTED = re.compile('[",\r\n]')

# Most texts hold none of these, and are written as they are: nothing to quote, to guard or to replace.
_CARE = re.compile("^[ '=+\\-@＝＋－＠]|[\",;\t\r\n\0]")


def write_csv(rows: Rows, path: Path, *, raw: bool = False) -> int:
    """Write `rows` to a new file; returns how many. Text is guarded against formulas unless `raw`."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        for lines in csv_lines(rows, raw=raw):
            file.writelines(lines)
            count += len(lines)
    return count - 1


def csv_lines(rows: Rows, *, raw: bool = False) -> Iterator[Sequence[str]]:
    """The header, and then the lines by the thousand. Text is guarded against formulas unless `raw`."""
    forms = [_form(column, raw=raw) for column in rows.columns]
    yield [csv_line([column.name for column in rows.columns], raw=raw)]
    for some in rows.batches():
        yield [
            _line(["" if value is None else form(value) for form, value in zip(forms, row, strict=True)])
            for row in some
        ]


def csv_line(row: Iterable[object], *, raw: bool = False) -> str:
    """One line of CSV with its CRLF."""
    return _line([_cell(value, raw=raw) for value in row])


def _line(cells: Sequence[str]) -> str:
    # A line of one empty cell would be a blank line, which readers skip.
    return (",".join(cells) or '""') + "\r\n"


def _form(column: Column, *, raw: bool) -> Callable[[Any], str]:
    """How values of a column that are not NULL become cells: the same as `_cell`, sooner."""
    if column.type == "VARCHAR":
        return _raw_text if raw else _text
    if column.type.endswith("INT") or column.type == "INTEGER":
        return str
    if column.type == "BOOLEAN":
        return {True: "true", False: "false"}.__getitem__
    if column.type == "DATE":
        return date.isoformat
    if column.type == "DOUBLE":
        return lambda value: repr(value) if math.isfinite(value) else str(as_text(value))
    if column.type == "TIMESTAMP":
        return lambda value: value.isoformat() + "Z"
    return lambda value: _cell(value, raw=raw)


def _cell(value: object, *, raw: bool) -> str:
    found = as_text(value)
    if found is None:
        return ""
    if isinstance(found, str):
        return _raw_text(found) if raw else _text(found)
    return repr(found)


def _text(text: str) -> str:
    return _raw_text(guarded(text)) if not text or _CARE.search(text) else text


def _raw_text(text: str) -> str:
    """`text` in quotes where it needs them. No cell has U+0000, at which some readers stop."""
    text = text.replace("\0", "\ufffd")
    return '"' + text.replace('"', '""') + '"' if not text or _QUOTED.search(text) else text

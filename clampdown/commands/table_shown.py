"""How the answer to a question in SQL is printed: as a table, row by row where it is too wide, as CSV or as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import IO, TYPE_CHECKING, Any, Literal

from rich.cells import cell_len, set_cell_size
from rich.console import RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from clampdown.output import escaped, printable

if TYPE_CHECKING:
    from warehouse.query import Answer, Table

_GAP = 2
_NARROWEST = 12
"""Columns of a shortened cell at least: below, rows are printed one by one."""

_SHORT_NAME = 8
"""Columns that a shortened name of a column has at least."""

_RECORDS = 20
"""Rows that are printed one by one at most."""

_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_WHOLE = ("DATE", "TIMESTAMP", "BOOLEAN", "TIME")
"""Types whose cells are short and of no use in part."""


def table_lines(found: "Table", width: int) -> Iterator[RenderableType]:
    """What to print for an answer on so many columns, with hints where something is left out."""
    cells = [[_cell(value) for value in row] for row in found.rows]
    widths = _widths(found, cells, width)
    shown, was_cut = len(cells), False
    if widths is None:
        shown = min(shown, _RECORDS)
        for number, row in enumerate(cells[:shown], 1):
            lines, cut = _record(number, found.columns, row, width)
            was_cut |= cut
            yield from lines
    elif found.columns:
        made, was_cut = _table(found, cells, widths)
        yield made
    yield Text(_count(shown, more=found.more or shown < len(cells), rows=len(cells)), style="dim")
    if was_cut:
        yield Text("Long cells are shortened: --json or --csv prints them whole.", style="dim")


def _count(shown: int, *, more: bool, rows: int) -> str:
    if not more:
        return f"{shown} {'row' if shown == 1 else 'rows'}"
    if shown < rows:
        return f"The first {shown} rows, one by one, for they are wide: name columns, or take --json or --csv for all."
    return f"The first {shown} rows. More with --rows, all with --json or --csv."


def _cell(value: object) -> Text:
    if value is None:
        return Text("NULL", style="dim")
    return Text(printable(_told(value)).replace("\n", " ").replace("\t", " "))


def _told(value: object) -> str:
    """A value for people: dates in ISO 8601, lists with commas, numbers without digits that say nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".") if value == 0 or 0.001 <= abs(value) < 1e15 else f"{value:.3g}"
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds") + ("Z" if value.tzinfo is None else "")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_told(one)}" for key, one in value.items()) or "{}"
    if isinstance(value, list | tuple):
        return ", ".join(_told(one) for one in value) or "[]"
    if isinstance(value, bytes):
        return value.hex()
    return "NULL" if value is None else str(value)


def _widths(found: "Table", cells: Sequence[Sequence[Text]], width: int) -> list[int] | None:
    """The columns' widths: all that they need, else less for names of columns, else less for the widest cells.

    None if they can't share the width.
    """
    names = [cell_len(printable(name)) for name in found.columns]
    whole = [max((row[place].cell_len for row in cells), default=0) for place in range(len(names))]
    room = width - _GAP * max(len(names) - 1, 0)
    named = [max(size, min(name, _SHORT_NAME)) for size, name in zip(whole, names, strict=True)]
    fixed = [type_.startswith(_WHOLE) or _is_number(type_) for type_ in found.types]
    cut = [size if is_fixed else min(size, _NARROWEST) for size, is_fixed in zip(named, fixed, strict=True)]
    return _shared([max(sizes) for sizes in zip(whole, names, strict=True)], named, room) or _shared(named, cut, room)


def _shared(wanted: Sequence[int], least: Sequence[int], room: int) -> list[int] | None:
    """`wanted` widths, the widest of them cut alike until all fit into `room`; None if the `least` do not."""
    if sum(least) > room:
        return None
    most = min(max(wanted, default=0), room)
    while sum(sizes := [max(low, min(size, most)) for size, low in zip(wanted, least, strict=True)]) > room:
        most -= 1
    return sizes


def _is_number(type_: str) -> bool:
    return type_ in (*_NUMBERS, "DOUBLE", "FLOAT") or (type_.startswith("DECIMAL(") and type_.endswith(")"))


def _table(found: "Table", cells: Sequence[Sequence[Text]], widths: Sequence[int]) -> tuple[RichTable, bool]:
    made = RichTable(header_style="bold", box=None, pad_edge=False)
    for name, type_, size in zip(found.columns, found.types, widths, strict=True):
        justify: Literal["left", "right"] = "right" if _is_number(type_) else "left"
        made.add_column(Text(_cut(printable(name), size)), justify=justify, width=size, no_wrap=True)
    was_cut = any(cell.cell_len > size for row in cells for cell, size in zip(row, widths, strict=True))
    for row in cells:
        made.add_row(*(_fitting(cell, size) for cell, size in zip(row, widths, strict=True)))
    return made, was_cut


def _record(number: int, names: Sequence[str], row: Sequence[Text], width: int) -> tuple[list[Text], bool]:
    """One row as lines of a name and a value."""
    label = max(cell_len(printable(name)) for name in names)
    room = max(width - label - _GAP, _NARROWEST)
    lines = [Text(f"row {number}", style="bold")]
    for name, cell in zip(names, row, strict=True):
        head = set_cell_size(printable(name), label) + " " * _GAP
        lines.append(Text.assemble((head, "cyan"), _fitting(cell, room)))
    return [*lines, Text()], any(cell.cell_len > room for cell in row)


def _fitting(cell: Text, size: int) -> Text:
    return cell if cell.cell_len <= size else Text(_cut(cell.plain, size), style=cell.style)


def _cut(text: str, size: int) -> str:
    return text if cell_len(text) <= size else set_cell_size(text, size - 1).rstrip() + "…"


def print_csv(answer: "Answer", stream: IO[str], *, raw: bool) -> None:
    """Write an answer to `stream` as CSV; to a terminal without characters that could steer it."""
    from reports.exports.comma_separated import csv_line

    stream.write(_line(csv_line(answer.columns, raw=raw), stream))
    for row in answer.rows:
        stream.write(_line(csv_line(row, raw=raw), stream))


def _line(line: str, stream: IO[str]) -> str:
    line = line.removesuffix("\r\n") + "\n"
    return printable(line) if stream.isatty() else line


def print_json_rows(answer: "Answer", stream: IO[str]) -> None:
    """Write an answer to `stream` as a JSON array of an object per row."""
    from reports.exports.cells import as_json

    stream.write("[")
    ahead = "\n  "
    for row in answer.rows:
        stream.write(ahead + escaped(as_json(dict[str, Any](zip(answer.columns, row, strict=True)))))
        ahead = ",\n  "
    stream.write("\n]\n" if ahead.startswith(",") else "]\n")

"""Rows as an Excel workbook: a sheet per table, and one that says what the columns mean."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import InputError
from reports.exports.cells import FORMULA, as_text
from warehouse.rows import Column, Rows

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

TEXT_LIMIT = 32_767
"""UTF-16 units that Excel holds in a cell."""

ROW_LIMIT = 1_048_575
"""Rows below the header that Excel holds in a sheet."""

COLUMN_LIMIT = 16_384
"""Columns that Excel holds in a sheet."""

_NAME_LIMIT = 31
_EXACT = 10**15
"""Excel keeps fifteen digits: larger whole numbers are written as text."""

_EARLIEST = date(1900, 3, 1)
"""Excel's calendar has a day too many before: earlier days are written as text."""

# XML 1.0 has no character for these; a carriage return would come back as a line feed.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_FORMULA = re.compile(f"[\\s]*[{FORMULA}]")
_WIDTHS = {"VARCHAR": 28, "DATE": 11, "TIMESTAMP": 19, "BOOLEAN": 8}
_WIDTH = 12
_ABOUT = "about"


@dataclass(slots=True)
class Written:
    """What became of the rows: how many each table has, how many texts were cut, and which tables fill more sheets."""

    rows: dict[str, int] = field(default_factory=dict)
    cut: int = 0
    sheets: dict[str, int] = field(default_factory=dict)

    def notes(self) -> Iterator[str]:
        """What a reader has to know of what Excel could not hold."""
        for name, count in self.sheets.items():
            if count > 1:
                yield f"{name} fills {count} sheets: Excel holds {ROW_LIMIT:,} rows in one"
        if self.cut:
            yield f"{self.cut} texts were cut to the {TEXT_LIMIT:,} characters that Excel holds in a cell"


def write_workbook(
    tables: Sequence[Rows], path: Path, manifest: Mapping[str, Any], *, row_limit: int = ROW_LIMIT
) -> Written:
    """Write a workbook of `tables` to a new file, a row at a time.

    Text is text: never a formula, a link or a number. Dates and times (UTC) are Excel's, lists and maps JSON. Control
    characters become U+FFFD, and what is too long for a cell is cut. `manifest` is what the snapshot says of itself.
    """
    from xlsxwriter import Workbook

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "use_zip64": True,
        "tmpdir": str(path.parent),
    }
    with Workbook(str(path), options) as workbook:
        published = manifest.get("published_at")
        if published:
            # So that the same snapshot gives the same workbook.
            workbook.set_properties({"created": datetime.fromisoformat(published).astimezone(UTC).replace(tzinfo=None)})
        writer = _Writer(workbook, row_limit)
        for table in tables:
            writer.add(table)
        writer.about(tables, manifest)
    return writer.written


class _Writer:
    def __init__(self, workbook: "Workbook", row_limit: int) -> None:
        self.written = Written()
        self._workbook = workbook
        self._row_limit = row_limit
        self._head: Format = workbook.add_format({"bold": True, "bottom": 1})
        self._day: Format = workbook.add_format({"num_format": "yyyy-mm-dd"})
        self._time: Format = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._quoted: Format = workbook.add_format({"quote_prefix": True})
        self._taken = {_ABOUT}

    def add(self, table: Rows) -> None:
        """Write one table, to as many sheets as it needs."""
        if len(table.columns) > COLUMN_LIMIT:
            raise InputError(f"{table.name} has {len(table.columns)} columns; Excel holds {COLUMN_LIMIT:,}")
        left = iter(table)
        count = sheets = 0
        while True:
            some = islice(left, self._row_limit)
            first = next(some, None)
            if first is None and sheets:
                break
            sheets += 1
            sheet = self._sheet(table.name, table.columns)
            number = 0
            if first is not None:
                number = 1
                self._row(sheet, number, first)
                for number, row in enumerate(some, 2):
                    self._row(sheet, number, row)
            sheet.autofilter(0, 0, number, len(table.columns) - 1)
            count += number
            if number < self._row_limit:
                break
        self.written.rows[table.name] = count
        self.written.sheets[table.name] = sheets

    def about(self, tables: Sequence[Rows], manifest: Mapping[str, Any]) -> None:
        """Write the sheet that tells where the rows come from and what the columns mean."""
        sheet = self._workbook.add_worksheet(_ABOUT)
        sheet.set_column(0, 1, 26)
        sheet.set_column(2, 2, 16)
        sheet.set_column(3, 3, 110)
        lines: list[tuple[object, ...]] = [("Exported from a snapshot of Clampdown. Times are UTC.",)]
        lines += [(key, manifest[key]) for key in ("published_at", "schema_version", "model") if manifest.get(key)]
        lines += [(), ("table", "column", "type", "meaning")]
        heading = len(lines) - 1
        for table in tables:
            lines.append((table.name, None, None, table.about))
            lines += [(table.name, column.name, column.type, column.about) for column in table.columns]
        for number, line in enumerate(lines):
            for place, value in enumerate(line):
                self._cell(sheet, number, place, value, self._head if number == heading else None)

    def _sheet(self, name: str, columns: Sequence[Column]) -> "Worksheet":
        sheet = self._workbook.add_worksheet(self._sheet_name(name))
        for place, column in enumerate(columns):
            sheet.set_column(place, place, _WIDTHS.get(column.type, _WIDTH))
            self._cell(sheet, 0, place, column.name, self._head)
        sheet.freeze_panes(1, 0)
        return sheet

    def _sheet_name(self, name: str) -> str:
        """`name` as Excel allows it, with a number where it is taken."""
        plain = re.sub(r"[\[\]:*?/\\']", "_", name)[:_NAME_LIMIT] or "sheet"
        found, number = plain, 1
        while found.casefold() in self._taken:
            number += 1
            ending = f" ({number})"
            found = plain[: _NAME_LIMIT - len(ending)] + ending
        self._taken.add(found.casefold())
        return found

    def _row(self, sheet: "Worksheet", number: int, row: Sequence[object]) -> None:
        for place, value in enumerate(row):
            if value is not None:
                self._cell(sheet, number, place, value)

    def _cell(self, sheet: "Worksheet", row: int, column: int, value: object, style: "Format | None" = None) -> None:
        if value is None:
            return
        if isinstance(value, bool):
            sheet.write_boolean(row, column, value, style)
        elif isinstance(value, date) and _day_of(value) >= _EARLIEST:
            self._moment(sheet, row, column, value)
        else:
            found = as_text(value)
            if isinstance(found, str) or (isinstance(found, int) and abs(found) >= _EXACT):
                text = self._fitting(str(found))
                # Who edits such a cell and leaves it again would else make a formula of it.
                sheet.write_string(row, column, text, self._quoted if _FORMULA.match(text) else style)
            elif found is not None:
                sheet.write_number(row, column, found, style)

    def _moment(self, sheet: "Worksheet", row: int, column: int, value: date) -> None:
        if isinstance(value, datetime):
            utc = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
            sheet.write_datetime(row, column, utc, self._time)
        else:
            sheet.write_datetime(row, column, datetime.combine(value, time.min), self._day)

    def _fitting(self, text: str) -> str:
        """`text` as a cell holds it."""
        text = _NOT_IN_XML.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
        if len(text) > TEXT_LIMIT // 2 and len(text.encode("utf-16-le")) > 2 * TEXT_LIMIT:
            text = text.encode("utf-16-le")[: 2 * TEXT_LIMIT].decode("utf-16-le", "ignore")
            self.written.cut += 1
        if text.startswith("<r>") and text.rstrip("\n").endswith("</r>"):
            # XlsxWriter takes such a text for XML of its own and writes it as it is.
            text = text[: TEXT_LIMIT - 1] + " "
        return text


def _day_of(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value

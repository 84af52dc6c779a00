"""Reading exported files as other programs do: spreadsheets that look for formulas, and readers that want the data."""

import csv
import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import Element, iterparse

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"

_FORMULA = re.compile('[ \t\r\n"]*[=+\\-@＝＋－＠]')
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")

csv.field_size_limit(10_000_000)


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet that reads a CSV file could compute this cell. Numbers it may."""
    if not _FORMULA.match(cell):
        return False
    try:
        float(cell)
    except ValueError:
        return True
    return False


def csv_rows(path: Path, separator: str = ",") -> Iterator[list[str]]:
    """The rows of a CSV file, as a program splits them whose separator this is."""
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.reader(file, delimiter=separator)


def json_rows(path: Path) -> Iterator[dict[str, object]]:
    """The objects of a JSON Lines file, for readers that end lines wherever Unicode does."""
    for line in path.read_text("utf-8").splitlines():
        yield json.loads(line)


def workbook_sheets(path: Path) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Name and rows of the sheets of a workbook; a row has text or number by the letters of the column."""
    with zipfile.ZipFile(path) as packed:
        with packed.open("xl/workbook.xml") as opened:
            names = [one.attrib["name"] for one in _elements(opened) if one.tag == f"{SHEET}sheet"]
        for number, name in enumerate(names, 1):
            rows = []
            with packed.open(f"xl/worksheets/sheet{number}.xml") as opened:
                for element in _elements(opened):
                    if element.tag == f"{SHEET}row":
                        rows.append({_letters(cell): _value(cell) for cell in element})
                        element.clear()
            yield name, rows


def workbook_dangers(path: Path) -> list[str]:
    """What in a workbook computes, leads elsewhere or runs, by part and tag. None is expected."""
    found = []
    with zipfile.ZipFile(path) as packed:
        for name in packed.namelist():
            if re.search(r"externalLink|vba|macro|embeddings|connections|queryTable", name, re.IGNORECASE):
                found.append(name)
            if not name.startswith("xl/worksheets/sheet"):
                continue
            with packed.open(name) as opened:
                for element in _elements(opened):
                    tag = element.tag.removeprefix(SHEET)
                    if tag in ("f", "hyperlink", "hyperlinks", "r", "oleObject", "control"):
                        found.append(f"{name}: {tag}")
                    if tag == "row":
                        element.clear()
    return found


def _elements(opened: IO[bytes]) -> Iterator[Element]:
    # The files are our own, and have no entities.
    for _, element in iterparse(opened):  # noqa: S314 - of our own making
        yield element


def _letters(cell: Element) -> str:
    return cell.attrib["r"].rstrip("0123456789")


def _value(cell: Element) -> str:
    if cell.attrib.get("t") != "inlineStr":
        value = cell.find(f"{SHEET}v")
        return "" if value is None else value.text or ""
    text = "".join(one.text or "" for one in cell.iter(f"{SHEET}t"))
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def column_letters(count: int) -> Sequence[str]:
    """A, B … Z, AA … for so many columns."""
    letters = []
    for number in range(1, count + 1):
        name = ""
        while number:
            number, rest = divmod(number - 1, 26)
            name = chr(65 + rest) + name
        letters.append(name)
    return letters

"""Rows as JSON Lines: an object a row, UTF-8."""

import json
from pathlib import Path

from reports.exports.cells import plain
from warehouse.rows import Rows


def write_json_lines(rows: Rows, path: Path) -> int:
    """Write `rows` to a new file; returns how many. Dates and times in ISO 8601, UTC with Z."""
    names = [column.name for column in rows.columns]
    # U+0085, U+2028 and U+2029 may stand in JSON, but readers that split lines at them would cut an object in two.
    splitting = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            values = {name: plain(value) for name, value in zip(names, row, strict=True)}
            file.write(json.dumps(values, ensure_ascii=False, allow_nan=False).translate(splitting) + "\n")
            count += 1
    return count

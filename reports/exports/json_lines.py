"""Rows as JSON Lines: an object a row, UTF-8."""

import json
import re
from pathlib import Path

from reports.exports.cells import plain
from warehouse.rows import Rows

# U+0085, U+2028 and U+2029 may stand in JSON, but readers that end lines at them would cut an object in two.
_ENDING = re.compile("[\x85\u2028\u2029]")

_AS_THEY_ARE = ("VARCHAR", "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")


def write_json_lines(rows: Rows, path: Path) -> int:
    """Write `rows` to a new file; returns how many. Dates and times in ISO 8601, UTC with Z."""
    names = [column.name for column in rows.columns]
    made = [place for place, column in enumerate(rows.columns) if column.type not in _AS_THEY_ARE]
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for some in rows.batches():
            for row in some:
                values = list(row)
                for place in made:
                    values[place] = plain(values[place])
                line = encode(dict(zip(names, values, strict=True)))
                file.write(_ENDING.sub(lambda found: f"\\u{ord(found[0]):04x}", line) + "\n")
            count += len(some)
    return count

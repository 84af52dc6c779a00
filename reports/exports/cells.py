"""Values of a snapshot as cells: as JSON, and as CSV text that no spreadsheet takes for a formula."""

import json
import math
import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

FORMULA = "=+\\-@＝＋－＠"
"""Characters, for use in a regular expression, with which a spreadsheet lets a formula begin."""

_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_AT_START = re.compile(f"""['\t\r\n]|[ "]*[{FORMULA}]""")
_INSIDE = re.compile(f"""([;\t\r\n][ "]*)('*[{FORMULA}])""")
_GUARDED_INSIDE = re.compile(f"""([;\t\r\n][ "]*)'('*[{FORMULA}])""")


def guarded(text: str) -> str:
    """`text` with an apostrophe wherever a spreadsheet could begin a formula.

    That is in front, where the text begins with =, +, -, @ or their full-width forms (blanks and quotes before them or
    not), a tab, a line break or an apostrophe; and inside, before such a sign that stands first after a semicolon, tab
    or line break: a spreadsheet whose own separator is the semicolon splits a cell there, within quotes too.
    `unguarded` takes all of them away.
    """
    inside = _INSIDE.sub(r"\1'\2", text)
    return "'" + inside if _AT_START.match(text) else inside


def unguarded(text: str) -> str:
    """The text that `guarded` was given."""
    return _GUARDED_INSIDE.sub(r"\1\2", text.removeprefix("'"))


def plain(value: object) -> object:
    """`value` as JSON has it: dates and times in ISO 8601, UTC with Z; no number for what is none; bytes in hex."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        # DuckDB's TIMESTAMP has no zone: all of the snapshot's are UTC.
        utc = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
        return utc.isoformat() + "Z"
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {str(plain(key)): plain(one) for key, one in value.items()}
    return _rarely(value)


def _rarely(value: object) -> object:
    """What only free questions bring."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, timedelta):
        return f"P{value.days}DT{value.seconds + value.microseconds / 1_000_000:g}S"
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, UUID):
        return str(value)
    return str(value)


def as_json(value: object) -> str:
    """`value` as a line of JSON."""
    return _ENCODE(plain(value))


def as_text(value: object) -> str | int | float | None:
    """`value` for a cell that holds text or a number: lists, maps and structs as JSON, `true` and `false`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "INF" if value > 0 else "-INF"
    found = plain(value)
    if found is None or isinstance(found, str | int | float):
        return found
    return _ENCODE(found)

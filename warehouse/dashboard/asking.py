"""SQL with its values written out, so that what is shown beside a chart is what was asked, and can be asked again."""

import math
import re
import textwrap
from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import TypeAlias

from warehouse.database import storable

Value: TypeAlias = bool | int | float | str | date | Sequence[str] | None


class Sql(str):
    """A text of SQL, made of our own words and of values that were written out. `filled` puts it in as it is."""

    __slots__ = ()


_NAME = re.compile(r"\$([a-z_][a-z0-9_]*)")


def literal(value: Value) -> str:
    """The value as SQL has it. No text ends its quotes, whatever it holds; a list of texts is a VARCHAR[].

    Raises TypeError for what has no form in SQL.
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        # With an exponent it is a DOUBLE; without one, a DECIMAL.
        shown = repr(value)
        return f"'{shown}'::DOUBLE" if not math.isfinite(value) else shown if "e" in shown else f"{shown}e0"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, date):
        return f"DATE '{value:%Y-%m-%d}'"
    if isinstance(value, Sequence) and all(isinstance(one, str) for one in value):
        return f"[{', '.join(map(_text, value))}]" if value else "[]::VARCHAR[]"
    raise TypeError(f"{type(value).__name__} has no form in SQL")


def _text(value: str) -> str:
    # Within quotes nothing but a quote has a meaning. What can't be seen is written by its number: the text would not
    # show what it asks, and a zero would end it for the parser.
    text = storable(value)
    if text.isprintable():
        return _quoted(text)
    parts: list[str] = []
    for is_seen, some in groupby(text, str.isprintable):
        part = "".join(some)
        parts += [_quoted(part)] if is_seen else [f"chr({ord(one)})" for one in part]
    return f"({' || '.join(parts)})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def filled(sql: str, **values: "Value | Sql") -> Sql:
    """`sql` without its indentation, where each `$name` is the value of that name; what is `Sql` is put in as it is.

    Raises KeyError where a name has no value or a value no name.
    """
    text = textwrap.dedent(sql).strip()
    named = set(_NAME.findall(text))
    if wrong := named ^ values.keys():
        raise KeyError(f"names without a value or values without a name: {', '.join(sorted(wrong))}")

    def written(found: re.Match[str]) -> str:
        value = values[found[1]]
        return str(value) if isinstance(value, Sql) else literal(value)

    return Sql(_NAME.sub(written, text))

"""What somebody may have meant by a setting that is not one."""

import difflib
from collections.abc import Iterable

_SHOWN = 3
_LIST = "`clampdown config` lists all settings"


def meant(key: str, known: Iterable[str]) -> str:
    """The way out for an unknown dotted key: the table that it belongs to, or the nearest key or table."""
    keys = list(known)
    tables = sorted({table for name in keys if (table := name.rpartition(".")[0])})
    if "." not in key:
        # Whoever leaves out the [table] means a key of one.
        below = [name for name in keys if name.rpartition(".")[2] == key]
        if below:
            return f"did you mean {_either(below)}? Write it below the [table] that it belongs to."
        if near := difflib.get_close_matches(key, tables, n=1, cutoff=0.6):
            return f"did you mean [{near[0]}]?"
    table, _, leaf = key.rpartition(".")
    if inside := {name.rpartition(".")[2]: name for name in keys if name.rpartition(".")[0] == table and table}:
        near = difflib.get_close_matches(leaf, inside, n=1, cutoff=0.5)
        return f"did you mean {inside[near[0]]}?" if near else f"[{table}] has {', '.join(inside)}."
    near = difflib.get_close_matches(key, keys, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else _LIST


def _either(names: list[str]) -> str:
    *others, last = names[:_SHOWN]
    return f"{', '.join(others)} or {last}" if others else last

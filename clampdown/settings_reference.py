"""The reference of settings, made from the code: `python -m clampdown.settings_reference > docs/settings.md`.

A test compares what this prints with `docs/settings.md`.
"""

from collections.abc import Iterator
from datetime import time
from itertools import groupby
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

_HEAD = """\
# Settings

Made by `python -m clampdown.settings_reference > docs/settings.md`.

They stand in `clampdown.toml`, which `clampdown init` writes with all defaults in comments: `key = value` below
`[table]`. The environment goes before the file, and an option of the command before both. `clampdown config` shows each
value and where it came from. A key that is not known is an error that names the nearest one.

The file is that of `--config`, else of `$CLAMPDOWN_CONFIG`, else `./clampdown.toml` where it is there. Relative paths
are relative to the file, or to the current folder without one. An empty string stands for nothing. In the environment,
words of a list are separated by commas.
"""
_KINDS = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path", time: "time of day"}


def reference() -> str:
    """Return the Markdown text."""
    return "\n".join([_HEAD, *_tables()])


def kind_of(annotation: Any, constraints: list[Any]) -> str:
    """What a setting takes, in words, with its bounds."""
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if get_origin(annotation) is tuple:
        return "list of words"
    if inner := [one for one in get_args(annotation) if one is not NoneType]:
        known = inner[0] if inner[0] in _KINDS else get_args(inner[0])[0]
        nested = [one for field in get_args(inner[0])[1:] for one in getattr(field, "metadata", [])]
        return f"{kind_of(known, [*constraints, *nested])}, or nothing"
    bounds = {name: getattr(one, name) for one in constraints for name in ("gt", "ge", "le") if hasattr(one, name)}
    words = {"gt": "more than", "ge": "at least", "le": "at most"}
    return ", ".join([_KINDS[annotation], *(f"{words[name]} {bounds[name]:g}" for name in words if name in bounds)])


def _tables() -> Iterator[str]:
    from clampdown.commands.configure import as_toml
    from pipeline.settings import Settings, declared, flatten, variable_of

    defaults = dict(flatten(Settings.model_construct().model_dump()))
    for table, some in groupby(declared().items(), lambda item: item[0].rpartition(".")[0]):
        yield f"## {table}\n" if table else "## Above all tables\n"
        yield "| setting, and its variable | meaning | takes | default |"
        yield "| --- | --- | --- | --- |"
        for key, field in some:
            takes, default = kind_of(field.annotation, field.metadata), as_toml(defaults[key])
            yield f"| `{key}`<br>`{variable_of(key)}` | {field.description} | {takes} | `{default}` |"
        yield ""


if __name__ == "__main__":
    print(reference(), end="")

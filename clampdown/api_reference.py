"""The reference of the Python API, made from the code: `python -m clampdown.api_reference > docs/python.md`.

The guide stands in the docstring of `clampdown.api`. `--surface` prints the public names and signatures alone. A test
compares both with what is committed.
"""

import argparse
import dataclasses
import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Any, get_args

import clampdown
from clampdown.api import trends

_WIDTH = 100

GROUPS = {
    "Opening and asking": ("open", "Warehouse", "Answer", "Trends"),
    "Events and their evidence": (
        "Event", "Events", "EventDetail", "Step", "StoredMention", "Mention", "Quotes", "Quote", "Article",
        "ArticleVersion", "Voice", "Dissent", "Decision",
    ),
    "Changes": ("Changes", "Change", "Difference", "Telling", "Cursor"),
    "Reading texts": ("extract", "Extractor", "Extraction"),
    "Closed sets of values": (
        "Action", "Side", "Status", "TransitionKind", "ReasonClass", "ScopeClass", "ActorKind", "TextOrigin",
        "ChangeKind",
    ),
    "Errors": (
        "ClampdownError", "InputError", "WarehouseError", "ModelError", "SettingsError", "ExtractionError",
        "EndpointError",
    ),
}  # fmt: skip
"""Heading → the names that are told below it, in this order: all that are public, but `__version__`."""

_CONSTRUCTED = ("Extractor", "ClampdownError")
"""Classes that programs make objects of, or derive from."""

_NAMED = ("Every", "Basis", "Dimension", "Partition")
"""Names of `clampdown.api.trends` that stand for long types."""

_KEPT = ("threading.Event", "pandas.DataFrame", "polars.DataFrame", "pyarrow.Table")
"""Names that mean something else without their modules."""


def reference() -> str:
    """Return the Markdown text."""
    from clampdown import api

    lines = [_prose(api), "## Reference", "", "`clampdown.__version__` is the version, as text.", ""]
    for heading, names in GROUPS.items():
        lines += [f"### {heading}", ""]
        for name in names:
            lines += _told(name, getattr(clampdown, name))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def surface() -> str:
    """Return all that programs can rely on, a line each: names, fields, signatures, bases, values."""
    lines = []
    for name in sorted(clampdown.__all__):
        one = getattr(clampdown, name)
        if not inspect.isclass(one):
            lines.append(f"{name}{_signature(one)}" if callable(one) else f"{name}: {type(one).__name__}")
            continue
        written = vars(one).get("__orig_bases__", one.__bases__)
        bases = ", ".join(_type(base) for base in written if base is not object)
        lines.append(f"class {name}({bases})" if bases else f"class {name}")
        lines += [f"    {line}" for line in _members(one)]
    return "\n".join(lines) + "\n"


def _members(one: type) -> Iterator[str]:
    if issubclass(one, StrEnum):
        yield " ".join(one)
        return
    yield from (f"{name}: {kind}" for name, kind in _fields(one))
    if one is trends.Trends:
        yield from (f"{name} = {_values(name)}" for name in _NAMED)
    yield from (f"{name}{_signature(member)}" for name, member in _own(one))


def _told(name: str, one: Any) -> Iterator[str]:
    yield f"#### {name}\n"
    if not inspect.isclass(one):
        yield _code(f"clampdown.{name}{_signature(one)}")
        yield _prose(one)
        return
    own = dict(_own(one))
    if "__init__" in own:
        yield _code(f"clampdown.{name}{_signature(own.pop('__init__'))}")
    yield _prose(one)
    if issubclass(one, StrEnum):
        yield f"{', '.join(f'`{value}`' for value in one)}\n"
    if rows := list(_fields(one)):
        if len(rows) < len(vars(one)["__dataclass_fields__"]):
            base = one.__bases__[0].__name__
            yield f"All that [{base}](#{base.lower()}) has, and\n"
        yield "| field | type |\n| --- | --- |"
        yield from ("| `{}` | `{}` |".format(field, kind.replace("|", "\\|")) for field, kind in rows)
        yield ""
    if one is trends.Trends:
        yield from (f"`{name}` is one of {_values(name)}.\n" for name in _NAMED)
    for member_name, member in own.items():
        is_iterated = member_name == "__iter__"
        yield _code(f"iter({name.lower()})" if is_iterated else f"{name}.{member_name}{_signature(member)}")
        yield _prose(member)


def _fields(one: Any) -> Iterator[tuple[str, str]]:
    """Name and type of the fields of a record that are its own."""
    inherited = {name for base in inspect.getmro(one)[1:] for name in vars(base).get("__dataclass_fields__", ())}
    if not dataclasses.is_dataclass(one):
        return
    for field in dataclasses.fields(one):
        if field.name not in inherited:
            yield field.name, _type(field.type)


def _own(one: type) -> Iterator[tuple[str, Any]]:
    """The public members that a class has of itself, in the order of the code."""
    for name, member in vars(one).items():
        wanted = not name.startswith("_") or (name == "__iter__" and not dataclasses.is_dataclass(one))
        if name == "__init__" and one.__name__ in _CONSTRUCTED:
            wanted = True
        if isinstance(member, classmethod):
            member = member.__func__
        elif isinstance(member, cached_property):
            member = property(member.func)
        if wanted and (inspect.isfunction(member) or isinstance(member, property)):
            yield name, member


def _signature(one: Any) -> str:
    if isinstance(one, property):
        assert one.fget is not None, "a property is read"
        return f": {_type(inspect.signature(one.fget).return_annotation)}"
    signature = inspect.signature(one)
    parts: list[str] = []
    for name, parameter in signature.parameters.items():
        if name in ("self", "cls"):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        value = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        parts.append(f"{name}: {_type(parameter.annotation)}{value}")
    told = "" if signature.return_annotation in (signature.empty, None) else f" -> {_type(signature.return_annotation)}"
    return f"({', '.join(parts)}){told}"


def _type(annotation: Any) -> str:
    """A type as it is written, names without the modules that they are from."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    for name in _NAMED:
        text = text.replace(inspect.formatannotation(getattr(trends, name)), name)
    return re.sub(r"\b(?:[a-z_]\w*\.)+\w+", lambda found: _bare(found[0]), text)


def _values(name: str) -> str:
    return ", ".join(f"`{value}`" for value in get_args(getattr(trends, name)))


def _bare(name: str) -> str:
    return name if name in _KEPT else name.rpartition(".")[2]


def _code(text: str) -> str:
    return f"```python\n{text if len(text) <= _WIDTH else _broken(text)}\n```\n"


def _broken(signature: str) -> str:
    """A long signature with each parameter on a line of its own."""
    start, end = signature.index("(") + 1, signature.rindex(")")
    # Commas between parameters are those before a name and a colon, or around the lone star.
    parts = re.split(r", (?=\*|\w+: )", signature[start:end])
    return "\n".join([signature[:start], *(f"    {part}," for part in parts), signature[end:]])


def _prose(one: Any) -> str:
    """A docstring as Markdown: its examples stand in blocks of code."""
    lines, is_example = [], False
    for line in (inspect.getdoc(one) or "").splitlines():
        if line.startswith(">>>") and not is_example:
            lines.append("```pycon")
            is_example = True
        elif not line.strip() and is_example:
            lines.append("```")
            is_example = False
        lines.append(line)
    return "\n".join([*lines, "```"] if is_example else lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the page, or the surface."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--surface", action="store_true", help="public names and signatures alone")
    sys.stdout.write(surface() if parser.parse_args(arguments).surface else reference())
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The notebook for analysts with its outputs: `python -m clampdown.notebook > docs/notebook.ipynb`.

Its cells stand in `docs/notebook.py`, between lines that begin with `# %%`; cells of text are comments there. They are
executed in order, without Jupyter, over a fresh run of the bundled sample, or with `--snapshot FILE` over that file.
`--source docs/api-notebook.py` makes the one about the Python API, docs/api-notebook.ipynb.
"""

import argparse
import ast
import contextlib
import hashlib
import io
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clampdown.cookbook import reading
from clampdown.sample_run import publish_sample

SOURCE = Path(__file__).resolve().parent.parent / "docs" / "notebook.py"
VARIABLE = "CLAMPDOWN_SNAPSHOT"
_SHOWN = {"image/svg+xml": "_repr_svg_", "text/html": "_repr_html_"}


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of text, in Markdown, or of code."""

    is_code: bool
    text: str


def cells(source: Path = SOURCE) -> list[Cell]:
    """The cells of a notebook's source, in order."""
    found = []
    for part in re.split(r"^# %%", source.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        kind, _, text = part.partition("\n")
        if "[markdown]" in kind:
            lines = [line.removeprefix("#").removeprefix(" ") for line in text.strip().splitlines()]
            found.append(Cell(False, "\n".join(lines)))
        else:
            found.append(Cell(True, text.strip()))
    return found


def execute(some: Sequence[Cell], snapshot: Path) -> list[list[dict[str, Any]]]:
    """Execute the cells of code, in order and in one namespace; the outputs of each cell, none for text."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(snapshot)
    try:
        return [list(_outputs(cell.text, namespace)) if cell.is_code else [] for cell in some]
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


def _outputs(code: str, namespace: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What Jupyter would show: what is printed, and the value of a last expression."""
    tree = ast.parse(code)
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr):
        tree.body.pop()
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, "<cell>", "exec"), namespace)  # noqa: S102 - the cells are ours
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), namespace)  # noqa: S307 - likewise
    if printed.getvalue():
        yield {"output_type": "stream", "name": "stdout", "text": _lines(printed.getvalue())}
    if value is not None:
        shown = ((kind, getattr(value, name, None)) for kind, name in _SHOWN.items())
        data = {kind: _lines(show()) for kind, show in shown if show is not None}
        data["text/plain"] = _lines(repr(value))
        yield {"output_type": "execute_result", "execution_count": None, "metadata": {}, "data": data}


def render(some: Sequence[Cell], snapshot: Path) -> dict[str, Any]:
    """The notebook, as its file's JSON."""
    from warehouse.query import connect_snapshot

    outputs = execute(some, snapshot)
    with connect_snapshot(snapshot) as reader:
        made_from = reading(reader)
    return {
        "cells": [_cell(number, cell, shown) for number, (cell, shown) in enumerate(zip(some, outputs, strict=True))],
        "metadata": {
            "clampdown": {"made_from": made_from},
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cell(number: int, cell: Cell, outputs: list[dict[str, Any]]) -> dict[str, Any]:
    digest = hashlib.sha256(f"{number} {cell.text}".encode()).hexdigest()[:8]
    common = {"id": digest, "metadata": {}, "source": _lines(cell.text)}
    if not cell.is_code:
        return {"cell_type": "markdown", **common}
    return {"cell_type": "code", **common, "execution_count": None, "outputs": outputs}


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the notebook's file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--snapshot", type=Path, help="run it over this published DuckDB file")
    parser.add_argument("--source", type=Path, default=SOURCE, help="the file with the notebook's cells")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        made = render(cells(given.source), given.snapshot or publish_sample(Path(folder)))
    sys.stdout.write(json.dumps(made, indent=1, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The worked queries with their results: `python -m clampdown.cookbook > docs/queries.md`.

Each file of `docs/queries/` is one question: lines of comment – its title, what it tells, its traps – and one SQL
statement. They are asked of a fresh run of the bundled sample, or with `--snapshot FILE` of any published snapshot.
"""

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from clampdown.sample_run import publish_sample

if TYPE_CHECKING:
    from warehouse.query import Reader

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "queries"
SHOWN_ROWS = 12
SHOWN_CHARACTERS = 140
READING = "made from"

_INTRODUCTION = """\
# Worked queries

Each query stands alone in `docs/queries/`, for the DuckDB shell, a notebook or `clampdown sql --file`, and
names its traps. Results are those of the bundled sample, of which {rows} rows are shown: its articles are invented or
retold, so read the form of an answer here, never its content ([samples/README.md](../samples/README.md)). Columns are
described in [schema.md](schema.md); how to open the file is told in [analyst.md](analyst.md), how far to trust it in
[trust.md](trust.md).

This page is made by `python -m clampdown.cookbook`.
"""

# All that a result on the sample can depend on: what was read in which article. Ids of articles hold the port at which
# they were served, and where nothing else tells two mentions apart, their ids do.
_READ = """
SELECT article_id, trigger_start, action, status, actor_canonical, service_canonical, date_value, round(score, 2)
FROM mentions ORDER BY ALL
"""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One worked query: `about` is Markdown, a paragraph per element."""

    name: str
    title: str
    about: tuple[str, ...]
    sql: str


def recipes(folder: Path = FOLDER) -> list[Recipe]:
    """The worked queries of a folder by file name. Raises ValueError for a file without title, explanation or SQL."""
    return [_recipe(path) for path in sorted(folder.glob("*.sql"))]


def _recipe(path: Path) -> Recipe:
    lines = path.read_text("utf-8").splitlines()
    count = next((number for number, line in enumerate(lines) if not line.startswith("--")), len(lines))
    told = "\n".join(line.removeprefix("--").strip() for line in lines[:count])
    title, *about = (" ".join(part.split("\n")) for part in told.split("\n\n"))
    sql = "\n".join(lines[count:]).strip()
    if not (title and about and sql):
        raise ValueError(f"{path.name} lacks its title, what it tells, or its SQL")
    return Recipe(path.name, title, tuple(about), sql)


def render(reader: "Reader", some: Sequence[Recipe]) -> str:
    """The page, as Markdown."""
    parts = [_INTRODUCTION.format(rows=SHOWN_ROWS), f"<!-- {READING} {reading(reader)} -->\n"]
    parts += [f"{number}. [{one.title}](#{_anchor(number, one.title)})" for number, one in enumerate(some, 1)]
    for number, one in enumerate(some, 1):
        parts.append(f"\n## {number}. {one.title}\n")
        parts += [f"{paragraph}\n" for paragraph in one.about]
        parts.append(f"```sql\n{one.sql}\n```\n\n[{one.name}](queries/{one.name}) gives\n")
        parts.append(result(reader, one.sql))
    return "\n".join(parts) + "\n"


def reading(reader: "Reader") -> str:
    """The model's revision, and a digest of what it read in the articles that `reader` has."""
    rows = reader.rows(_READ)
    ((model,),) = reader.rows("SELECT value FROM manifest WHERE key = 'model'")
    return f"{json.loads(model)} {hashlib.sha256(repr(rows).encode()).hexdigest()[:16]}"


def result(reader: "Reader", sql: str) -> str:
    """The answer to a question as a Markdown table, long texts and long lists cut."""
    from warehouse.query import run_sql

    table = run_sql(reader, sql)
    right = ("INT", "DOUBLE", "DECIMAL", "FLOAT", "HUGEINT", "BIGINT", "UBIGINT")
    marks = ["--:" if type_.upper().startswith(right) or type_ == "NUMBER" else "---" for type_ in table.types]
    lines = [_line(table.columns), _line(marks)]
    lines += [_line([_cell(value) for value in row]) for row in table.rows[:SHOWN_ROWS]]
    if not table.rows:
        lines.append("\nNo rows.")
    elif (left := len(table.rows) - SHOWN_ROWS) > 0:
        lines.append(f"\n… and {left} more.")
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case date() | datetime():
            return value.isoformat()
        case list() | tuple():
            return _text(", ".join("NULL" if one is None else str(one) for one in value))
        case _:
            return _text(str(value))


def _text(text: str) -> str:
    short = " ".join(text.split())
    if len(short) > SHOWN_CHARACTERS:
        short = short[: SHOWN_CHARACTERS - 1].rstrip() + "…"
    for mark in ("\\", "|", "*", "_", "`", "<", "["):
        short = short.replace(mark, f"\\{mark}")
    return short


def _anchor(number: int, title: str) -> str:
    """The anchor that Markdown readers make of a heading."""
    kept = "".join(one for one in f"{number}. {title}".lower() if one.isalnum() or one in " -_")
    return kept.replace(" ", "-")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the page."""
    from warehouse.query import connect_snapshot

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--snapshot", type=Path, help="ask this published DuckDB file")
    parser.add_argument("--queries", type=Path, default=FOLDER, help="the folder of queries")
    given = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory() as folder,
        connect_snapshot(given.snapshot or publish_sample(Path(folder))) as reader,
    ):
        sys.stdout.write(render(reader, recipes(given.queries)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The data dictionary, from the comments in the database itself: `python -m warehouse.dictionary > docs/schema.md`."""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from warehouse import entities, macro_notes
from warehouse.query import connect_snapshot
from warehouse.reader import CATALOG, Reader
from warehouse.store import open_warehouse

_INTRODUCTION = """\
# The published tables

`published/clampdown.duckdb` opens with plain DuckDB; `published/parquet/` holds each table as a file. Times are UTC, in
TIMESTAMP columns. Offsets count Unicode code points. Views and macros are in the DuckDB file; the macros work where it
is opened or made the current database with `USE`.

How to open the file is told in [analyst.md](analyst.md). [trends.md](trends.md) lists the trend questions on one page,
[queries.md](queries.md) shows worked ones with their results, [trust.md](trust.md) says how far to trust an answer.

This page is made by `python -m warehouse.dictionary`. What it says of tables, views, macros and columns are the
comments in the database: `FROM duckdb_columns()` shows them wherever you are. Keys and references are those of
`warehouse/entities.py`, to which a test holds the data.
"""

_LEGEND = """\
In the diagrams `PK` marks key columns and `FK` columns that refer to another table; `||` is exactly one, `o|` one or
none, `o{` any number. A dotted line is a reference by name: not every name is in the registry it points to. Columns
called `run_id` name the row of `runs` that wrote them and are not drawn.
"""


@dataclass(frozen=True, slots=True)
class Group:
    """A heading of the dictionary: what its relations are for, and their names in the order in which to read them."""

    title: str
    purpose: str
    names: tuple[str, ...]
    drawn: tuple[str, ...] = ()
    """The tables of its diagram; none where there is none."""


GROUPS = (
    Group(
        "Events and their evidence",
        "What happened, who says so, and in which words. Start at `restrictions` to count and at `events` to see all.",
        (
            *("events", "event_transitions", "event_mentions", "mentions", "evidence"),
            *("articles", "article_versions", "stories", "story_members"),
            *("services", "bodies", "actors", "countries"),
        ),
        drawn=(
            *("events", "event_transitions", "event_mentions", "mentions", "articles", "article_versions"),
            *("stories", "story_members", "actors"),
        ),
    ),
    Group(
        "Analysis",
        "Questions that the file answers in one line.",
        (
            *("restrictions", "imposed", "restrictions_by_month", "trend", "reasons_over_time"),
            *("most_restricted", "sectors"),
            *("spread", "first_movers", "first_restrictions", "days_to_nth", "lead_lag", "lead_lag_services"),
            *("lifetimes", "survival", "restriction_rates", "rates", "matched_rates"),
            *("in_force_on", "known_on", "event_history", "transition_history"),
            *("changes", "changes_since"),
        ),
        drawn=("event_history", "transition_history", "changes"),
    ),
    Group(
        "Sources and coverage",
        "What was looked at, and what was not: an outage of ours must not be read as a calm.",
        (
            *("sources", "coverage", "coverage_by_month", "coverage_by", "source_health", "source_pace", "feed_states"),
            *("entries", "outcomes", "polls"),
        ),
        drawn=("coverage", "source_pace", "feed_states", "entries", "outcomes", "polls"),
    ),
    Group(
        "People's word",
        "What people have decided about events, and what the machine would like them to decide.",
        ("decisions", "decision_mentions", "decision_anchors", "event_edits", "unsure_pairs"),
        drawn=("decisions", "decision_mentions", "decision_anchors", "event_edits", "unsure_pairs"),
    ),
    Group(
        "Bookkeeping",
        "What this file is, and what became of ids, runs and requests.",
        ("manifest", "runs", "event_forwards", "event_origins", "happenings", "revisits", "backfill_pages"),
        drawn=("event_forwards", "event_origins", "happenings", "revisits", "backfill_pages"),
    ),
)


def render() -> str:
    """The dictionary of a freshly published, empty snapshot, as Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        with open_warehouse(Path(folder) / "warehouse.duckdb") as warehouse:
            published = warehouse.publish(Path(folder) / "published", manifest={})
        with connect_snapshot(published.database) as reader:
            return "\n".join([_INTRODUCTION, *_groups(reader)])


def ungrouped(reader: Reader) -> list[str]:
    """The names of tables, views and macros that stand under no heading."""
    grouped = {name for group in GROUPS for name in group.names}
    return [name for name in (*reader.tables(), *reader.views(), *_macros(reader)) if name not in grouped]


def _groups(reader: Reader) -> Iterator[str]:
    tables, views, macros = reader.tables(), reader.views(), _macros(reader)
    kinds = dict.fromkeys(tables, "table") | dict.fromkeys(views, "view") | dict.fromkeys(macros, "macro")
    groups = list(GROUPS)
    if left := ungrouped(reader):
        groups.append(Group("Further", "Not sorted yet.", tuple(left)))
    yield "## Overview\n\n| for | tables, views and macros |\n| --- | --- |"
    for group in groups:
        linked = [f"[`{name}`](#{_anchor(kinds[name], name)})" for name in group.names if name in kinds]
        yield f"| {group.title} | {', '.join(linked)} |"
    yield f"\n{_LEGEND}"
    types = {table: reader.columns(table) for table in tables}
    for group in groups:
        yield f"## {group.title}\n\n{group.purpose}\n"
        drawn = [table for table in group.drawn if table in types]
        if drawn:
            yield f"```mermaid\n{entities.diagram(drawn, types)}\n```\n"
        for name in group.names:
            match kinds.get(name):
                case "macro":
                    yield _macro(reader, name, *macros[name])
                case str(kind):
                    yield _relation(reader, kind, name)


def _anchor(kind: str, name: str) -> str:
    """The anchor that Markdown readers make of a heading."""
    return f"{kind}-{name}"


def _relation(reader: Reader, kind: str, name: str) -> str:
    ((comment,),) = reader.rows(
        """
        SELECT comment FROM (
            SELECT database_name, table_name AS name, comment FROM duckdb_tables()
            UNION ALL SELECT database_name, view_name, comment FROM duckdb_views()
        ) WHERE database_name = ? AND name = ?
        """,
        [CATALOG, name],
    )
    lines = [f"### {kind.capitalize()} `{name}`", "", comment, ""]
    if key := entities.KEYS.get(name):
        lines += [f"Key: {', '.join(f'`{column}`' for column in key)}.", ""]
    lines += ["| column | type | meaning |", "| --- | --- | --- |"]
    to = {one.column: f" → `{one.to}.{one.to_column}`" for one in entities.REFERENCES if one.table == name}
    for column, type_, meaning in reader.rows(
        "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE database_name = ? AND table_name = ? "
        "ORDER BY column_index",
        [CATALOG, name],
    ):
        lines.append(f"| `{column}` | {type_} | {meaning}{to.get(column, '')} |")
    return "\n".join([*lines, ""])


def _macros(reader: Reader) -> dict[str, tuple[list[str], str]]:
    """Table macro → its parameters and its comment."""
    rows = reader.rows(
        "SELECT function_name, parameters, comment FROM duckdb_functions() "
        "WHERE database_name = ? AND function_type = 'table_macro' AND NOT internal ORDER BY function_name",
        [CATALOG],
    )
    return {name: (parameters, comment) for name, parameters, comment in rows}


def _macro(reader: Reader, name: str, parameters: list[str], comment: str) -> str:
    if name not in macro_notes.EXAMPLES:
        raise LookupError(f"warehouse/macro_notes.py does not describe the macro {name}")
    call = macro_notes.EXAMPLES[name]
    takes, means = macro_notes.PARAMETERS[name], _columns(reader, name)
    lines = [f"### Macro `{name}`", "", comment, "", f"```sql\nFROM {call};\n```", ""]
    lines += ["| parameter | takes |", "| --- | --- |"]
    lines += [f"| `{parameter}` | {takes[parameter]} |" for parameter in parameters]
    lines += ["", "| column | type | meaning |", "| --- | --- | --- |"]
    for column, type_, *_ in reader.rows(f"DESCRIBE FROM {call}"):
        lines.append(f"| `{column}` | {type_} | {means[column]} |")
    return "\n".join([*lines, ""])


def _columns(reader: Reader, macro: str) -> dict[str, str]:
    """What the columns of a macro mean: those of the relation whose columns it has, and its own."""
    rows = reader.rows(
        "SELECT column_name, comment FROM duckdb_columns() WHERE database_name = ? AND table_name = ?",
        [CATALOG, macro_notes.LIKE.get(macro)],
    )
    return dict(rows) | dict(macro_notes.COLUMNS.get(macro, {}))


if __name__ == "__main__":
    sys.stdout.write(render())

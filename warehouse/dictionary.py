"""The data dictionary, from the comments in the database itself: `python -m warehouse.dictionary > docs/schema.md`."""

import sys
import tempfile
from pathlib import Path

from warehouse.query import connect_snapshot
from warehouse.reader import CATALOG, Reader
from warehouse.store import open_warehouse

_INTRODUCTION = """\
# The published tables

`published/clampdown.duckdb` opens with plain DuckDB; `published/parquet/` holds each table as a file. Times are UTC, in
TIMESTAMP columns. Offsets count Unicode code points. Views and macros are in the DuckDB file; the macros work where it
is opened or made the current database with `USE`.

This page is made from the comments in the database by `python -m warehouse.dictionary`.
"""


def render() -> str:
    """The dictionary of a freshly published, empty snapshot, as Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        with open_warehouse(Path(folder) / "warehouse.duckdb") as warehouse:
            published = warehouse.publish(Path(folder) / "published", manifest={})
        with connect_snapshot(published.database) as reader:
            parts = [_INTRODUCTION]
            parts += [_relation(reader, "Table", name) for name in reader.tables()]
            parts += [_relation(reader, "View", name) for name in reader.views()]
            parts += _macros(reader)
    return "\n".join(parts)


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
    lines = [f"## {kind} `{name}`", "", comment, "", "| column | type | meaning |", "| --- | --- | --- |"]
    for column, type_, meaning in reader.rows(
        "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE database_name = ? AND table_name = ? "
        "ORDER BY column_index",
        [CATALOG, name],
    ):
        lines.append(f"| `{column}` | {type_} | {meaning} |")
    return "\n".join([*lines, ""])


def _macros(reader: Reader) -> list[str]:
    rows = reader.rows(
        "SELECT function_name, parameters, comment FROM duckdb_functions() "
        "WHERE database_name = ? AND function_type = 'table_macro' AND NOT internal ORDER BY function_name",
        [CATALOG],
    )
    return [f"## Macro `{name}({', '.join(parameters)})`\n\n{comment}\n" for name, parameters, comment in rows]


if __name__ == "__main__":
    sys.stdout.write(render())

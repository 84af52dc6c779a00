"""What a snapshot holds: which tables and columns of the warehouse, those made from them, views and macros.

The DuckDB file is written from nothing, or from a copy of an earlier version in which the parts are replaced that have
changed since (`warehouse.snapshot_parts`). Both give the same rows.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipeline.errors import WarehouseError
from pipeline.failpoints import hit
from warehouse import analysis, snapshot_delta, snapshot_parts, views
from warehouse.database import Database
from warehouse.snapshot_parts import Parts, Prints

CATALOG = "publishing"

_ARCHIVED = frozenset({"archive_part", "archive_offset", "archive_length", "archive_sha256"})

# Table → the columns that are left out: of use to the pipeline only, or large and told elsewhere.
TABLES: Mapping[str, frozenset[str]] = {
    "sources": frozenset(),
    "services": frozenset(),
    "bodies": frozenset(),
    "countries": frozenset(),
    "feed_states": frozenset({"etag", "last_modified", "body_sha256"}),
    "source_pace": frozenset(),
    "backfill_pages": frozenset({"digest"}) | _ARCHIVED,
    "runs": frozenset(),
    "polls": _ARCHIVED,
    "entries": frozenset({"summary", "content"}) | _ARCHIVED,
    "outcomes": _ARCHIVED,
    "articles": frozenset({"etag", "last_modified"}),
    "article_versions": frozenset(),
    "revisits": _ARCHIVED,
    "story_members": frozenset({"signature", "body", "body_hash", "digest"}),
    "mentions": frozenset({"context_words", "context_names"}),
    "events": frozenset(),
    "event_mentions": frozenset(),
    "event_transitions": frozenset(),
    "event_forwards": frozenset(),
    "happenings": frozenset(),
    "unsure_pairs": frozenset(),
    "event_edits": frozenset(),
    "decisions": frozenset(),
    "decision_anchors": frozenset(),
    "decision_mentions": frozenset(),
    "event_origins": frozenset(),
    "event_history": frozenset(),
    "transition_history": frozenset(),
    "changes": frozenset(),
}

PUBLISHED = (*TABLES, *analysis.TABLES)
"""All tables of a snapshot but `manifest`."""

# Older DuckDB versions than the one that writes can read this format; by default it follows the writer's version.
STORAGE_VERSION = "v1.2.0"

LARGE = 250_000
"""Rows from which on a table is a folder of Parquet files."""

_HERE = "database_name = current_database()"

_MANIFEST = """
CREATE OR REPLACE TABLE manifest (key VARCHAR, value VARCHAR);
COMMENT ON TABLE manifest IS 'What this snapshot is: schema version, model, time of publication, counts and time span.';
COMMENT ON COLUMN manifest.key IS 'Key.';
COMMENT ON COLUMN manifest.value IS 'Value, as JSON.';
"""


@dataclass(frozen=True, slots=True)
class Content:
    """The warehouse as it is to be published: `live` names its catalog, `columns` are the ones that are taken over.

    `comments` are the statements that repeat the warehouse's comments on each table and these columns.
    """

    database: Database
    live: str
    columns: Mapping[str, tuple[str, ...]]
    comments: Mapping[str, tuple[str, ...]]
    layout: str


def content(database: Database) -> Content:
    """What is to be published of a warehouse."""
    live = str(database.execute("SELECT current_database()")[0][0])
    columns: dict[str, tuple[str, ...]] = {}
    comments: dict[str, tuple[str, ...]] = {}
    described: list[object] = [STORAGE_VERSION, duckdb.__version__, snapshot_parts.layout()]
    # All tables in one question each: on a lake the catalog is asked through another server.
    on_tables = dict(database.execute(f"SELECT table_name, comment FROM duckdb_tables() WHERE {_HERE}"))
    on_columns: dict[str, list[tuple[str, str, str]]] = {}
    for table, *column in database.execute(
        f"SELECT table_name, column_name, data_type, comment FROM duckdb_columns() WHERE {_HERE} ORDER BY column_index"
    ):
        on_columns.setdefault(table, []).append((column[0], column[1], column[2]))
    for table, left_out in TABLES.items():
        kept = [column for column in on_columns[table] if column[0] not in left_out]
        columns[table] = tuple(name for name, _, _ in kept)
        comments[table] = (
            f"COMMENT ON TABLE {table} IS {literal(on_tables[table])}",
            *(f'COMMENT ON COLUMN {table}."{name}" IS {literal(comment)}' for name, _, comment in kept),
        )
        described.append([table, [(name, kind) for name, kind, _ in kept], comments[table]])
    described += [_MANIFEST, analysis.scripts(), views.scripts()]
    return Content(database, live, columns, comments, snapshot_parts.digest(described))


@contextmanager
def opened(content: Content, file: Path) -> Iterator[Database]:
    """A connection to a snapshot's file, made if it is not there. Afterwards all that was written is in the file."""
    with content.database.second_connection() as second:
        second.script(f"ATTACH {literal(file)} AS {CATALOG} (STORAGE_VERSION '{STORAGE_VERSION}'); USE {CATALOG}")
        try:
            yield second
        finally:
            second.script(f'USE "{content.live}"; DETACH {CATALOG}')


def write(snapshot: Database, content: Content, prints: Prints, base: Prints | None) -> None:
    """Bring the tables of a snapshot, and its views and macros, to what the warehouse says.

    `base` is what the file has already, None where it is empty.
    """
    followed = set()
    for table in TABLES:
        if base is not None and _follow(snapshot, content, table, prints[table], base[table]):
            followed.add(table)
        else:
            snapshot.script(f"CREATE OR REPLACE TABLE {table} AS {_selected(content, table)}")
            snapshot.script(";\n".join(content.comments[table]))
    hit("publish.tables")
    for name, script in zip(analysis.TABLES, analysis.scripts(), strict=True):
        snapshot_delta.derive(snapshot, name, script, frozenset(followed))
    if base is None:
        for script in views.scripts():
            snapshot.script(script)


def is_large(table: str, parts: Parts) -> bool:
    """Whether a table is a folder of Parquet files, one a month."""
    return table in snapshot_parts.MONTHS and sum(part.rows for part in parts.values()) >= LARGE


def _follow(snapshot: Database, content: Content, table: str, new: Parts, old: Parts) -> bool:
    """Replace the rows of a table that have changed; False where it had better be written anew as a whole."""
    names = [name for name in new.keys() | old.keys() if new.get(name) != old.get(name)]
    if not names:
        snapshot_delta.stays(snapshot, table)
        return True
    touched = sum(parts[name].rows for parts in (new, old) for name in names if name in parts)
    if not snapshot_parts.is_cut(table) or touched > sum(part.rows for part in new.values()):
        return False
    where, warehouse = snapshot_parts.within(table, names), f'"{content.live}".main.{table}'
    snapshot_delta.follow(snapshot, table, content.columns[table], warehouse, where)
    return True


def _selected(content: Content, table: str) -> str:
    """All rows of a table. What belongs to one event stands together; what came by and by, in the order it came."""
    listed = ", ".join(f't."{name}"' for name in content.columns[table])
    order = "" if table in snapshot_parts.MONTHS else "ORDER BY 1, 2"
    return f'SELECT {listed} FROM "{content.live}".main.{table} AS t {order}'


def add_manifest(snapshot: Database, described: Mapping[str, object]) -> None:
    """Write the table `manifest`."""
    snapshot.script(_MANIFEST)
    rows = [(key, json.dumps(value, ensure_ascii=False)) for key, value in described.items()]
    snapshot.insert("manifest", ("key", "value"), sorted(rows))


def check(snapshot: Database, prints: Prints) -> dict[str, int]:
    """The number of rows of each table. Raises WarehouseError where it is not that of the warehouse."""
    counts = {table: int(snapshot.execute(f"SELECT count(*) FROM {table}")[0][0]) for table in PUBLISHED}
    for table, parts in prints.items():
        if counts[table] != (wanted := sum(part.rows for part in parts.values())):
            raise WarehouseError(f"{counts[table]} rows were published of {table}, not {wanted}")
    return counts


def derived_prints(snapshot: Database) -> Prints:
    """The fingerprints of the derived tables."""
    columns = {table: tuple(snapshot.column_types(table)) for table in analysis.TABLES}
    return snapshot_parts.take(snapshot, CATALOG, columns)


def literal(value: object) -> str:
    """A text in SQL."""
    return "'" + str(value).replace("'", "''") + "'"

"""What a snapshot holds: which tables and columns of the warehouse, its views and macros, and their comments."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pipeline.failpoints import hit
from warehouse import analysis, compare, views
from warehouse.database import Database

CATALOG = "publishing"

# Table → the columns that are left out: of use to the pipeline only, or large and told elsewhere.
TABLES: Mapping[str, frozenset[str]] = {
    "sources": frozenset(),
    "services": frozenset(),
    "bodies": frozenset(),
    "countries": frozenset(),
    "feed_states": frozenset({"etag", "last_modified", "body_sha256"}),
    "source_pace": frozenset(),
    "backfill_pages": frozenset({"digest"}),
    "runs": frozenset(),
    "polls": frozenset(),
    "entries": frozenset({"summary", "content"}),
    "outcomes": frozenset(),
    "articles": frozenset({"etag", "last_modified"}),
    "article_versions": frozenset(),
    "revisits": frozenset(),
    "story_members": frozenset({"signature", "body", "digest"}),
    "mentions": frozenset(),
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

# Older DuckDB versions than the one that writes can read this format; by default it follows the writer's version.
STORAGE_VERSION = "v1.2.0"

_MANIFEST = """
CREATE TABLE manifest (key VARCHAR, value VARCHAR);
COMMENT ON TABLE manifest IS 'What this snapshot is: schema version, model, time of publication, counts and time span.';
COMMENT ON COLUMN manifest.key IS 'Key.';
COMMENT ON COLUMN manifest.value IS 'Value, as JSON.';
"""

_HEALTH = """
SELECT source_id,
       CASE WHEN outcome IN ('ok', 'not_modified', 'empty') THEN 'answers' ELSE outcome END,
       fell_silent_at IS NOT NULL
FROM polls JOIN runs USING (run_id) LEFT JOIN source_pace USING (source_id)
QUALIFY row_number() OVER (PARTITION BY source_id ORDER BY started_at DESC) = 1
ORDER BY source_id
"""


def fingerprint(database: Database, described: Mapping[str, object]) -> str:
    """A digest of all that a snapshot would say. The log of runs is left out, but not how sources fare."""
    parts: list[object] = [sorted(described.items()), analysis.scripts(), views.scripts()]
    for table in TABLES:
        if table not in compare.CLOCK_TABLES:
            names = compare.kept_columns(_columns(database, table))
            sql = (
                f"SELECT count(*), CAST(sum(hash(kept)) AS VARCHAR) FROM (SELECT {_listed(names)} FROM {table}) AS kept"
            )
            parts.append([table, names, database.execute(sql)[0]])
    parts.append(database.execute(_HEALTH))
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def build(database: Database, file: Path, parquet: Path, described: Mapping[str, object]) -> dict[str, object]:
    """Write the snapshot's DuckDB file and, into the folder `parquet`, a file per table.

    `described` and what is returned, counts and time span, make up the table `manifest`.
    """
    live = database.execute("SELECT current_database()")[0][0]
    with database.second_connection() as second:
        second.script(f"ATTACH {_literal(file)} AS {CATALOG} (STORAGE_VERSION '{STORAGE_VERSION}'); USE {CATALOG}")
        try:
            with second.transaction():
                added = _write(second, database, live, described)
            for table in (*TABLES, *analysis.TABLES):
                to = _literal(parquet / f"{table}.parquet")
                second.script(f"COPY {table} TO {to} (FORMAT parquet, COMPRESSION zstd)")
        finally:
            second.script(f'USE "{live}"; DETACH {CATALOG}')
    return added


def _write(snapshot: Database, database: Database, live: str, described: Mapping[str, object]) -> dict[str, object]:
    """Fill the snapshot's file, whose connection is `snapshot`, from the catalog `live`."""
    for table in TABLES:
        listed = _listed(_columns(database, table))
        snapshot.script(f'CREATE TABLE {table} AS SELECT {listed} FROM "{live}".main.{table} ORDER BY 1, 2')
        snapshot.script(";\n".join(_comments(database, table)))
    hit("publish.tables")
    for script in (*analysis.scripts(), *views.scripts()):
        snapshot.script(script)
    added: dict[str, object] = {"counts": _counts(snapshot), "span": _span(snapshot)}
    snapshot.script(_MANIFEST)
    rows = [(key, json.dumps(value, ensure_ascii=False)) for key, value in {**described, **added}.items()]
    snapshot.insert("manifest", ("key", "value"), sorted(rows))
    return added


def _columns(database: Database, table: str) -> dict[str, str]:
    left_out = TABLES[table]
    return {name: type_ for name, type_ in database.column_types(table).items() if name not in left_out}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _literal(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _comments(database: Database, table: str) -> Iterator[str]:
    """The statements that repeat the warehouse's comments on a table and the columns that are taken over."""
    ((comment,),) = database.execute(
        "SELECT comment FROM duckdb_tables() WHERE database_name = current_database() AND table_name = ?", [table]
    )
    yield f"COMMENT ON TABLE {table} IS {_literal(comment)}"
    kept = _columns(database, table)
    for name, text in database.execute(
        "SELECT column_name, comment FROM duckdb_columns() "
        "WHERE database_name = current_database() AND table_name = ? ORDER BY column_index",
        [table],
    ):
        if name in kept:
            yield f'COMMENT ON COLUMN {table}."{name}" IS {_literal(text)}'


def _counts(snapshot: Database) -> dict[str, int]:
    return {
        table: int(snapshot.execute(f"SELECT count(*) FROM {table}")[0][0]) for table in (*TABLES, *analysis.TABLES)
    }


def _span(snapshot: Database) -> dict[str, list[str | None]]:
    """First and last day: of publication over the articles, and of the stated dates over the events."""
    rows = snapshot.execute(
        """
        SELECT 'articles', min(published_on), max(published_on) FROM articles
        UNION ALL SELECT 'events', min(date_from), max(date_to) FROM events
        """
    )
    return {name: [None if day is None else day.isoformat() for day in days] for name, *days in rows}

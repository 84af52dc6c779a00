"""What a shell offers while somebody types: opened and read in a tenth of a second, and silent whatever happens."""

from pathlib import Path

import duckdb

SHOWN = 200
"""Ids that are offered at most: who has typed nothing can't choose among a million."""


def event_ids(snapshot: Path, beginning: str) -> list[tuple[str, str]]:
    """Ids of events that begin so, each with its service, country and action; none where nothing can be read."""
    try:
        with duckdb.connect(str(snapshot.resolve()), read_only=True, config={"threads": 1}) as connection:
            return connection.execute(
                "SELECT event_id[:8], concat_ws(' ', service_canonical, country, action) FROM events "
                "WHERE starts_with(event_id, ?) AND NOT retracted AND NOT dismissed "
                "ORDER BY voices DESC, articles DESC, event_id LIMIT ?",
                [beginning, SHOWN],
            ).fetchall()
    except duckdb.Error:
        return []


def relations(snapshot: Path) -> list[str]:
    """Names of the tables and views of a snapshot; none where nothing can be read."""
    try:
        with duckdb.connect(str(snapshot.resolve()), read_only=True, config={"threads": 1}) as connection:
            rows = connection.execute(
                "SELECT table_name FROM duckdb_tables() WHERE NOT internal "
                "UNION ALL SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1"
            ).fetchall()
    except duckdb.Error:
        return []
    return [name for (name,) in rows]

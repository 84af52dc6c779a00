"""Migrations: an append-only list of scripts, each applied once, in order, in a transaction of its own."""

import logging
from datetime import UTC, datetime
from importlib.resources import files

from pipeline.errors import WarehouseError
from pipeline.failpoints import hit
from warehouse.database import Database, to_utc

# Append only. A script that a release has shipped is never edited: it has already run on somebody's warehouse. All run
# on a lake, too, which takes no default but a literal: 'false', not false.
MIGRATIONS: tuple[str, ...] = (
    "0001_tables.sql",
    "0002_polling.sql",
    "0003_versions.sql",
    "0004_backfill.sql",
    "0005_resolution.sql",
    "0006_stories.sql",
    "0007_lifecycle.sql",
    "0008_decisions.sql",
    "0009_changes.sql",
    "0010_readings.sql",
)

SCHEMA_VERSION = len(MIGRATIONS)

log = logging.getLogger(__name__)

_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_versions (
    version INTEGER NOT NULL,
    script VARCHAR NOT NULL,
    applied_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE schema_versions IS 'The migrations that made this file what it is.';
COMMENT ON COLUMN schema_versions.version IS 'Key: 1 for the first migration, and so on without gaps.';
COMMENT ON COLUMN schema_versions.script IS 'The migration''s script.';
COMMENT ON COLUMN schema_versions.applied_at IS 'When it was applied, UTC.';
"""


def migrate(database: Database) -> None:
    """Bring the warehouse to SCHEMA_VERSION. Raises WarehouseError where it is of a later one."""
    found = version(database)
    if found > SCHEMA_VERSION:
        raise WarehouseError(
            f"{database.path} has schema {found}; this program knows schemas up to {SCHEMA_VERSION}",
            hint="Update the program, or point data_dir at another folder.",
        )
    if 0 < found < SCHEMA_VERSION:
        log.warning("%s: brought from schema %d to %d, once and for good", database.path, found, SCHEMA_VERSION)
    for number, script in enumerate(MIGRATIONS[found:], start=found + 1):
        with database.transaction():
            database.script(_LEDGER)
            database.script((files(__name__) / script).read_text(encoding="utf-8"))
            hit("migrate.script")
            database.execute(
                "INSERT INTO schema_versions VALUES (?, ?, ?)", [number, script, to_utc(datetime.now(UTC))]
            )
        hit("migrate.committed")


def version(database: Database) -> int:
    """The schema's version, 0 for an empty file."""
    if not database.column_types("schema_versions"):
        return 0
    return int(database.execute("SELECT coalesce(max(version), 0) FROM schema_versions")[0][0])

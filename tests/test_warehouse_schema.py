"""The warehouse's file: migrations, comments, constraints, locks, and the dictionary made from it."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import warehouse_material as material
from conftest import ROOT

from pipeline.errors import WarehouseError
from warehouse import analysis, dictionary, schema, views
from warehouse.compare import CLOCK_COLUMNS, CLOCK_TABLES, content
from warehouse.query import connect_snapshot
from warehouse.reader import open_reader
from warehouse.snapshot_file import TABLES
from warehouse.store import open_warehouse


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "warehouse.duckdb"


def test_empty_file_is_migrated_once(path: Path) -> None:
    open_warehouse(path).close()
    with duckdb.connect(str(path)) as plain:
        before = plain.execute("FROM schema_versions").fetchall()
    open_warehouse(path).close()
    with duckdb.connect(str(path)) as plain:
        assert plain.execute("FROM schema_versions").fetchall() == before
    assert [version for version, _, _ in before] == list(range(1, schema.SCHEMA_VERSION + 1))
    assert [script for _, script, _ in before] == list(schema.MIGRATIONS)


def test_migrations_are_the_scripts_of_the_folder_in_order() -> None:
    scripts = sorted(file.name for file in (ROOT / "warehouse" / "schema").glob("*.sql"))
    assert list(schema.MIGRATIONS) == scripts


@pytest.mark.parametrize("failpoint", ["migrate.script", "migrate.committed"])
def test_killed_migration_is_continued(path: Path, failpoint: str) -> None:
    program = (
        f"from warehouse.store import open_warehouse; from pathlib import Path; open_warehouse(Path({str(path)!r}))"
    )
    environment = os.environ | {"CLAMPDOWN_FAILPOINT": failpoint}
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=False).returncode == -9
    with open_warehouse(path) as warehouse:
        material.fill(warehouse, "run-1", 4)
        assert warehouse.ledger_balance().balanced


def test_newer_schema_is_refused(path: Path) -> None:
    open_warehouse(path).close()
    with duckdb.connect(str(path)) as plain:
        plain.execute("INSERT INTO schema_versions VALUES (99, '0099_later.sql', now()::TIMESTAMP)")
    with pytest.raises(WarehouseError, match="schema 99") as caught:
        open_warehouse(path)
    assert caught.value.hint
    # The refusal lets go of the file.
    duckdb.connect(str(path)).close()


def test_every_table_and_column_has_a_comment(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        published = warehouse.publish(tmp_path / "published", manifest={})
    for file in (tmp_path / "warehouse.duckdb", published.database):
        with open_reader(file) as reader:
            mute = reader.rows(
                """
                SELECT table_name FROM duckdb_tables() WHERE NOT internal AND coalesce(comment, '') = ''
                UNION ALL
                SELECT view_name FROM duckdb_views() WHERE NOT internal AND coalesce(comment, '') = ''
                UNION ALL
                SELECT table_name || '.' || column_name FROM duckdb_columns()
                WHERE NOT internal AND coalesce(comment, '') = ''
                UNION ALL
                SELECT function_name FROM duckdb_functions()
                WHERE database_name = 'clampdown' AND NOT internal AND coalesce(comment, '') = ''
                """
            )
            assert mute == []
            assert reader.tables()
    with connect_snapshot(published.database) as reader:
        macros = reader.rows(
            "SELECT function_name FROM duckdb_functions() WHERE database_name = 'clampdown' ORDER BY 1"
        )
        made = {name for (name,) in macros} | set(reader.views())
        assert made == {name.removesuffix(".sql") for name in views.SCRIPTS}


def test_no_keys_no_indexes_and_only_utc_timestamps(path: Path) -> None:
    open_warehouse(path).close()
    with open_reader(path) as reader:
        assert reader.rows("SELECT DISTINCT constraint_type FROM duckdb_constraints()") == [("NOT NULL",)]
        assert reader.rows("FROM duckdb_indexes()") == []
        zoned = reader.rows(
            "SELECT table_name FROM duckdb_columns() WHERE data_type = 'TIMESTAMP WITH TIME ZONE' AND NOT internal"
        )
        assert zoned == []
        times = reader.rows(
            "SELECT column_name, comment FROM duckdb_columns() "
            "WHERE data_type = 'TIMESTAMP' AND database_name = 'clampdown'"
        )
        assert times
        assert all(name.endswith("_at") and "UTC" in comment for name, comment in times)


def test_what_comparing_and_publishing_name_exists(path: Path) -> None:
    open_warehouse(path).close()
    with open_reader(path) as reader:
        tables = set(reader.tables())
        columns = {name for table in tables for name in reader.columns(table)}
        assert set(TABLES) <= tables
        assert set(CLOCK_TABLES) - {"manifest", "lake_turns", *analysis.TABLES} <= tables
        assert set(CLOCK_COLUMNS) <= columns
        for table, left_out in TABLES.items():
            assert left_out <= set(reader.columns(table))
    assert set(content(path)) == tables - set(CLOCK_TABLES)


def test_lock_names_its_holder(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from warehouse.store import open_warehouse\n"
        f"w = open_warehouse(Path({str(path)!r})); print('open', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(WarehouseError, match=rf"locked by process {holder.pid} \(python") as caught:
            open_warehouse(path)
        assert "snapshot" in str(caught.value.hint)
    finally:
        holder.communicate(b"")
    open_warehouse(path).close()


def test_other_files_are_refused(tmp_path: Path) -> None:
    letter = tmp_path / "letter.duckdb"
    letter.write_text("Dear DuckDB, " * 1000)
    with pytest.raises(WarehouseError, match="no DuckDB file"):
        open_warehouse(letter)
    with pytest.raises(WarehouseError, match="can't create the folder"):
        open_warehouse(letter / "warehouse.duckdb")
    with pytest.raises(WarehouseError, match="can't open"):
        open_warehouse(tmp_path / "warehouse.duckdb", memory_limit="plenty")


def test_documented_schema_is_the_schema() -> None:
    assert (ROOT / "docs" / "schema.md").read_text("utf-8") == dictionary.render(), (
        "run python -m warehouse.dictionary > docs/schema.md"
    )

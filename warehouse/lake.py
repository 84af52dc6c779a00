"""The warehouse on a DuckLake: its catalog in Postgres (or, for one machine, in a file), its rows in Parquet files.

The same tables, migrations and SQL as those of a file. What differs: extensions that lie in installed packages, never
on the network; transactions in turns (`warehouse.turns`); and rows are found by their keys, not by row numbers, since
those of a transaction's own rows are not unique in DuckLake 1.0.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import duckdb

from pipeline.errors import WarehouseError, WarehouseLocked
from pipeline.secrets import masked
from pipeline.settings import WarehouseSettings
from pipeline.writers import Writer
from warehouse import schema
from warehouse.database import OFFLINE, Database, first_line
from warehouse.reader import CATALOG, Reader

if TYPE_CHECKING:
    from warehouse.turns import Turns

ALIAS = "lake"
EXTRA = "lake"
_POSTGRES = "postgres:"
_URIS = ("postgresql://", "postgres://")
_OTHER_CATALOGS = ("mysql:", "sqlite:", "duckdb:", "quack:")

_TURNS = """
CREATE TABLE lake_turns (turn BIGINT NOT NULL);
COMMENT ON TABLE lake_turns IS 'One row that every transaction changes, so that no two commit that overlapped.';
COMMENT ON COLUMN lake_turns.turn IS 'How many transactions there were.';
"""
# Rows that stand in the catalog instead of in a file are not read back where they hold structs: DuckDB 1.5.5 ends with
# an internal error. For the one row that all change it is the right place.
_FIRST_TURN = f"""
CALL {ALIAS}.set_option('data_inlining_row_limit', 0);
CALL {ALIAS}.set_option('data_inlining_row_limit', 10, table_name => 'lake_turns');
INSERT INTO lake_turns SELECT 0 WHERE NOT EXISTS (FROM lake_turns);
"""


class LakeDatabase(Database):
    """A connection to a lake. `path` is what errors call it: its address without passwords."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, settings: WarehouseSettings, turns: "Turns | None", writer: Writer
    ) -> None:
        super().__init__(connection, Path(masked(settings.url)))
        self.writer = writer
        self._settings = settings
        self._turns = turns

    @classmethod
    def open_lake(
        cls, settings: WarehouseSettings, *, guest: bool = False, memory_limit: str | None = None
    ) -> "LakeDatabase":
        """Open or create the lake. Raises WarehouseLocked where the writer is at work already, or WarehouseError."""
        writer = Writer(0 if guest else settings.writer, settings.writers)
        conninfo = _conninfo(settings.url)
        turns = None
        if conninfo is not None:
            turns = _turns(conninfo, masked(settings.url), writer)
        elif settings.writers > 1:
            raise WarehouseError(
                f"{masked(settings.url)} is for one writer", hint="Several writers need a catalog on Postgres."
            )
        connection = None
        try:
            if turns is not None and not guest:
                turns.lease()
            connection = _connect(memory_limit)
            lake = cls(connection, settings, turns, writer)
            with lake.turn():
                _attach(connection, settings, ALIAS)
                connection.execute(f"USE {ALIAS}")
                lake._make_fit()
            return lake
        except BaseException:
            if connection is not None:
                connection.close()
            if turns is not None:
                turns.close()
            raise

    def _make_fit(self) -> None:
        """Set what we need of a lake, new or not; refuse to migrate it while others write."""
        found = schema.version(self)
        if 0 < found < schema.SCHEMA_VERSION and self._turns is not None and (others := self._turns.others()):
            raise WarehouseLocked(
                f"{self.path} has schema {found} and must be migrated, while others write: {'; '.join(others)}",
                hint="Stop all writers, update the program on each, then start one first.",
            )
        if not self.column_types("lake_turns"):
            self.script(_TURNS)
        # Also where a first opening was killed in between.
        if not self.execute("SELECT 1 FROM lake_turns"):
            self.script(_FIRST_TURN)

    def close(self) -> None:
        """Let go of the lake, and of the writer's number."""
        super().close()
        if self._turns is not None:
            self._turns.close()

    def row_key(self, key: str) -> tuple[str, str]:
        """The key itself: row numbers are not unique within a transaction."""
        return key, "VARCHAR"

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Keep other writers out over several transactions."""
        with self._lock:
            if self._turns is None:
                yield
            else:
                with self._turns.turn():
                    yield

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, with all in view that others have committed."""
        with self._lock, self.turn(), super().transaction():
            self.execute("UPDATE lake_turns SET turn = turn + 1")
            yield
            if self._turns is not None:
                self._turns.check()

    @contextmanager
    def second_connection(self) -> Iterator[Database]:
        """A connection beside this one, whose current catalog can be another."""
        with super().second_connection() as second:
            second.script(f"USE {ALIAS}")
            yield second

    @contextmanager
    def still(self) -> Iterator[Database]:
        """The lake as it is now, whatever others commit meanwhile. Read only."""
        with super().second_connection() as second:
            ((version,),) = second.execute(f"SELECT * FROM ducklake_current_snapshot('{ALIAS}')")
            alias = f"{ALIAS}_{version}"
            try:
                _attach(second.connection, self._settings, alias, f"READ_ONLY, SNAPSHOT_VERSION {int(version)}")
                second.script(f"USE {alias}")
                yield _Still(second.connection, self.path, alias)
            finally:
                second.script(f"USE {ALIAS}; DETACH DATABASE IF EXISTS {alias}")


class _Still(Database):
    """A lake as it was at one time, in the catalog `alias`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path, alias: str) -> None:
        super().__init__(connection, path)
        self._alias = alias

    def row_key(self, key: str) -> tuple[str, str]:
        return key, "VARCHAR"

    @contextmanager
    def second_connection(self) -> Iterator[Database]:
        with super().second_connection() as second:
            second.script(f"USE {self._alias}")
            yield second


def open_lake_reader(settings: WarehouseSettings, *, memory_limit: str | None = None) -> Reader:
    """Open the lake to read it only, beside any number of writers. Raises WarehouseError where it can't be reached.

    Each question sees what is committed when it is asked.
    """
    connection = _connect(memory_limit)
    try:
        _attach(connection, settings, CATALOG, "READ_ONLY")
        connection.execute(f"USE {CATALOG}")
    except BaseException:
        connection.close()
        raise
    return Reader(connection, Path(masked(settings.url)))


def at_work(settings: WarehouseSettings) -> list[str]:
    """The writers that hold their numbers now: who, and where. Of a catalog in a file nobody can be told."""
    conninfo = _conninfo(settings.url)
    if conninfo is None:
        return []
    turns = _turns(conninfo, masked(settings.url), Writer(0, settings.writers))
    try:
        return turns.others()
    finally:
        turns.close()


def is_there(settings: WarehouseSettings) -> bool:
    """Whether the catalog holds a lake. Raises WarehouseError where the catalog can't be reached."""
    conninfo = _conninfo(settings.url)
    if conninfo is None:
        return Path(settings.url.removeprefix("ducklake:")).exists()
    turns = _turns(conninfo, masked(settings.url), Writer(0, settings.writers))
    try:
        return turns.is_lake()
    finally:
        turns.close()


def _turns(conninfo: str, name: str, writer: Writer) -> "Turns":
    try:
        from warehouse.turns import Turns
    except ImportError as error:
        raise _not_installed("psycopg") from error
    return Turns.connect(conninfo, name, writer)


def _conninfo(url: str) -> str | None:
    """What libpq makes of the address of a lake; None where the catalog is a file."""
    catalog = url.removeprefix("ducklake:")
    if catalog.startswith(_POSTGRES):
        return catalog.removeprefix(_POSTGRES)
    if catalog.startswith(_URIS):
        return catalog
    if catalog.startswith(_OTHER_CATALOGS):
        raise WarehouseError(
            f"{masked(url)}: there are no lakes on this kind of catalog",
            hint="warehouse.url is ducklake:postgres:dbname=… host=…, or ducklake:FILE for one machine.",
        )
    return None


def _connect(memory_limit: str | None) -> duckdb.DuckDBPyConnection:
    config = dict(OFFLINE)
    # There is no file beside which to put what does not fit into memory; the current folder is the user's.
    config["temp_directory"] = str(Path(tempfile.gettempdir()) / f"clampdown-lake-{os.getpid()}")
    if memory_limit is not None:
        config["memory_limit"] = memory_limit
    return duckdb.connect(":memory:", config=config)


def _attach(connection: duckdb.DuckDBPyConnection, settings: WarehouseSettings, alias: str, options: str = "") -> None:
    conninfo = _conninfo(settings.url)
    catalog = settings.url.removeprefix("ducklake:") if conninfo is None else f"{_POSTGRES}{conninfo}"
    given = [options] if options else []
    try:
        _load(connection, "ducklake")
        if conninfo is not None:
            _load(connection, "postgres_scanner")
        if settings.data_path:
            given.append(f"DATA_PATH {_literal(settings.data_path)}")
            if "://" in settings.data_path:
                _load(connection, "httpfs")
                connection.execute(_secret(settings.data_path))
        attached = f" ({', '.join(given)})" if given else ""
        connection.execute(f"ATTACH {_literal(f'ducklake:{catalog}')} AS {alias}{attached}")
    except duckdb.Error as error:
        hint = None
        if "DATA_PATH" in str(error):
            hint = "warehouse.data_path must be what it was when the lake was made, or empty."
        raise WarehouseError(f"can't open {masked(settings.url)}: {first_line(error)}", hint=hint) from None


def _load(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Load an extension from the package that brings it."""
    package = f"duckdb_extension_{name}"
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise _not_installed(package)
    folder = Path(spec.origin).parent / "extensions"
    file = folder / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    if not file.is_file():
        versions = ", ".join(sorted(path.name for path in folder.glob("v*"))) or "no version"
        raise WarehouseError(
            f"the package {package} is for DuckDB {versions}, and {duckdb.__version__} is installed",
            hint=f"Install the extra `{EXTRA}` anew: it names the version of DuckDB that fits.",
        )
    connection.execute(f"LOAD {_literal(str(file))}")


def _not_installed(package: str) -> WarehouseError:
    return WarehouseError(
        f"a lake needs the extra `{EXTRA}`, which is not installed ({package} is missing)",
        hint=f'Install it: pip install "clampdown[{EXTRA}]"',
    )


def _secret(data_path: str) -> str:
    """The statement that gives DuckDB what the environment says of an S3-compatible store, in AWS's own variables."""
    env = os.environ
    given = {
        "KEY_ID": env.get("AWS_ACCESS_KEY_ID"),
        "SECRET": env.get("AWS_SECRET_ACCESS_KEY"),
        "SESSION_TOKEN": env.get("AWS_SESSION_TOKEN"),
        "REGION": env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION"),
    }
    endpoint = env.get("AWS_ENDPOINT_URL_S3") or env.get("AWS_ENDPOINT_URL")
    if endpoint:
        parts = urlsplit(endpoint)
        given |= {"ENDPOINT": parts.netloc + parts.path.rstrip("/"), "URL_STYLE": "path"}
        given["USE_SSL"] = "false" if parts.scheme == "http" else "true"
    listed = "".join(f", {name} {_literal(value)}" for name, value in given.items() if value)
    return f"CREATE OR REPLACE SECRET clampdown_lake (TYPE s3, SCOPE {_literal(data_path)}{listed})"


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"

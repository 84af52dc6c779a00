"""Who may write to a lake on Postgres: each writer holds its number, and they change what they share in turns.

DuckLake lets transactions run side by side and commit what does not conflict, and for it two inserts of one key do not.
So each transaction waits for its turn, an advisory lock of Postgres that is taken before BEGIN and given back after
COMMIT: it sees all that others have committed. The locks belong to a connection of their own, and go with it when the
process dies. Should that connection break under a transaction, the turn may be another's: the commit is refused then
(`check`). And should two transactions overlap all the same, DuckLake refuses the later one, since each changes the one
row of `lake_turns` (`warehouse.lake`).
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pipeline.errors import WarehouseError, WarehouseLocked
from pipeline.writers import Writer
from warehouse.database import first_line

_OURS = 0x436C616D
"""The first half of our locks' keys; the second is _TURN, a writer's number, or _ALL and how many writers there are."""
_TURN = 0
_ALL = 1_000_000
PATIENCE_SECONDS = 900
"""How long to wait for a turn: publishing takes none, and no transaction takes as long unless its process hangs."""

_HOLDERS = """
SELECT objid, coalesce(application_name, 'another user'), backend_start
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND classid = %s AND granted AND pid <> pg_backend_pid()
    AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY objid
"""
_DEFAULTS = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}


class Turns:
    """One writer's locks, on a connection to the lake's catalog of its own."""

    def __init__(self, connection: psycopg.Connection, name: str, writer: Writer) -> None:
        self._connection = connection
        self._name = name
        self._writer = writer
        self._depth = 0

    @classmethod
    def connect(cls, conninfo: str, name: str, writer: Writer) -> "Turns":
        """Connect to the catalog, which errors call `name`. Raises WarehouseError where it can't be reached."""
        try:
            # Shown to who is kept waiting; Postgres cuts it at 63 bytes.
            who = f"clampdown {writer.number}/{writer.of}, process {os.getpid()} on {socket.gethostname()}"
            own: dict[str, Any] = {**_DEFAULTS, **conninfo_to_dict(conninfo), "application_name": who}
            connection = psycopg.connect(make_conninfo(**own), autocommit=True)
            # The server must notice within a minute that a machine is gone: its turn would hold up all others.
            for setting, value in (("idle", 30), ("interval", 10), ("count", 3)):
                connection.execute(f"SET tcp_keepalives_{setting} = {value}".encode())
            connection.execute(f"SET lock_timeout = '{PATIENCE_SECONDS}s'".encode())
        except psycopg.Error as error:
            raise WarehouseError(
                f"can't reach the catalog of {name}: {first_line(error)}",
                hint="Is Postgres up, is the database there (`createdb`), and may this user log in?",
            ) from None
        return cls(connection, name, writer)

    def close(self) -> None:
        """Give back everything."""
        self._connection.close()

    def lease(self) -> None:
        """Take the writer's number until `close`. Raises WarehouseLocked where it is taken, or the counts differ."""
        number, of = self._writer.number, self._writer.of
        self._ask("SELECT pg_advisory_lock_shared(%s, %s)", _OURS, _ALL + of)
        for key, who, since in self._ask(_HOLDERS, _OURS):
            if key > _ALL and key != _ALL + of:
                raise WarehouseLocked(
                    f"{self._name} has {key - _ALL} writers, and this one counts {of}: {who}, since {since:%H:%M}",
                    hint="Stop all writers, give all the same warehouse.writers, and start them again.",
                )
        if not self._ask("SELECT pg_try_advisory_lock(%s, %s)", _OURS, number)[0][0]:
            raise WarehouseLocked(
                f"writer {number} of {of} to {self._name} is at work already: {self._holder(number)}",
                hint="Wait until it ends, or stop it. Each writer needs a warehouse.writer of its own.",
            )

    def others(self) -> list[str]:
        """The other writers that are at work."""
        return [who for key, who, _ in self._ask(_HOLDERS, _OURS) if 0 < key < _ALL]

    def is_lake(self) -> bool:
        """Whether the database holds the catalog of a lake."""
        return bool(self._ask("SELECT to_regclass('ducklake_snapshot') IS NOT NULL")[0][0])

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn and keep it; a turn within a turn is the same. Raises WarehouseLocked after a while."""
        if self._depth == 0:
            try:
                self._ask("SELECT pg_advisory_lock(%s, %s)", _OURS, _TURN)
            except psycopg.errors.LockNotAvailable:
                raise WarehouseLocked(
                    f"{self._name} is held for longer than {PATIENCE_SECONDS // 60} minutes: {self._holder(_TURN)}",
                    hint="Stop that process if it hangs; what it has not committed is undone.",
                ) from None
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0 and not self._connection.closed:
                try:
                    self._ask("SELECT pg_advisory_unlock(%s, %s)", _OURS, _TURN)
                except WarehouseError:
                    # The lock went with the connection. What was committed is committed; the next turn will tell.
                    pass

    def check(self) -> None:
        """Raise WarehouseError unless the turn is still ours."""
        self._ask("SELECT 1")

    def _holder(self, key: int) -> str:
        found = [f"{who}, since {since:%H:%M}" for at, who, since in self._ask(_HOLDERS, _OURS) if at == key]
        return found[0] if found else "it has just ended"

    def _ask(self, sql: str, *values: int) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(sql.encode(), values).fetchall()
        except psycopg.errors.LockNotAvailable:
            raise
        except psycopg.Error as error:
            raise WarehouseError(
                f"the connection to the catalog of {self._name} broke: {first_line(error)}",
                hint="Nothing is committed by halves. Run again once Postgres is up.",
            ) from None

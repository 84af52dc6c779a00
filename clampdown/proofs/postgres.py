"""A Postgres server for a proof or a test: started on loopback in a folder of its own, gone with it afterwards."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clampdown.proofs.claims import NotPossible
from clampdown.proofs.ports import free_ports
from pipeline.errors import InputError

USER = "clampdown"
_DEBIAN = Path("/usr/lib/postgresql")
_UNPRIVILEGED = ("postgres", "nobody")
START_WITHIN = "300"
"""Seconds that the server has to start; it needs one or two."""
_LOCALE = {"LC_ALL": "C.UTF-8"}


def binaries() -> Path:
    """The folder of `initdb` and `pg_ctl`. Raises NotPossible where Postgres is not installed."""
    found = shutil.which("pg_ctl")
    # On Debian the path has only wrappers; the programs lie in a folder for each version.
    folders = sorted(_DEBIAN.glob("*/bin"), key=lambda path: (len(path.parent.name), path.parent.name), reverse=True)
    for folder in ([Path(found).parent] if found else []) + folders:
        if all((folder / name).exists() for name in ("initdb", "pg_ctl", "postgres")):
            return folder
    raise NotPossible("Postgres is not installed here", hint="On Debian: apt-get install postgresql")


@contextmanager
def server() -> Iterator[str]:
    """Run a server. Yields what connects to it: `make_database` takes it.

    It trusts whoever connects from this machine, and syncs nothing to the disk: what it holds is thrown away.
    """
    programs, user = binaries(), _owner()
    data = Path(tempfile.mkdtemp(prefix="clampdown-postgres-"))
    if user is not None:
        # Postgres refuses to run as root.
        shutil.chown(data, *user)
    _run(
        [programs / "initdb", "-D", data / "data", "-U", USER, "-A", "trust", "-E", "UTF8", "--no-locale", "-N"],
        user, data,
    )  # fmt: skip
    (port,) = free_ports(1)
    options = f"-p {port} -k '' -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=100"
    _run(
        [programs / "pg_ctl", "-D", data / "data", "-l", data / "log", "-o", options, "-wt", START_WITHIN, "start"],
        user,
        data,
    )
    try:
        yield f"host=127.0.0.1 port={port} user={USER}"
    finally:
        _run([programs / "pg_ctl", "-D", data / "data", "-m", "immediate", "-w", "stop"], user, data)
        shutil.rmtree(data, ignore_errors=True)


def make_database(server: str, name: str) -> str:
    """Create a database on the server. Returns what connects to it."""
    import psycopg

    with psycopg.connect(f"{server} dbname=postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return f"{server} dbname={name}"


def ask(database: str, question: str) -> list[tuple[Any, ...]]:
    """Return the rows that answer a question. Raises InputError where the database has no answer."""
    import psycopg

    try:
        with psycopg.connect(database) as connection:
            return connection.execute(question.encode()).fetchall()
    except psycopg.Error as error:
        raise InputError(f"Postgres can't tell: {str(error).strip()}") from error


def _owner() -> tuple[int, int] | None:
    """Whom the server runs as, where this process is root."""
    if os.geteuid() != 0:
        return None
    for name in _UNPRIVILEGED:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return found.pw_uid, found.pw_gid
    raise NotPossible("Postgres does not run as root, and there is no user to run it as")


def _run(command: Sequence[str | Path], user: tuple[int, int] | None, folder: Path) -> None:
    who = {} if user is None else {"user": user[0], "group": user[1], "extra_groups": []}
    done = subprocess.run(  # noqa: S603 - our own command line
        [str(part) for part in command],
        cwd=folder,
        env=os.environ | _LOCALE,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **who,  # type: ignore[call-overload]  # the stubs know no keywords by dictionary
    )
    if done.returncode:
        raise InputError(f"Postgres can't be run here: {done.stdout.strip()}")

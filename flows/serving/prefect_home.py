"""What Prefect is told by the environment, and its folder. No part of Prefect is imported here.

All of it are defaults: whoever sets a variable of Prefect's own has the last word.
"""

import logging
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from flows.serving import prefect_logs
from pipeline.settings import Settings

log = logging.getLogger(__name__)

DATABASE_NAME = "prefect.db"
HOME_NAME = "prefect"
MEMO_NAME = "memo_store.toml"
ASIDE = "broken"

DAY_SECONDS = 86_400
EVENT_DAYS = 7
"""Days for which the server keeps its events. Many come of each run, and runs say all that they say."""

QUIET_SERVICES: Mapping[str, str] = {
    "CANCELLATION_CLEANUP_LOOP_SECONDS": "60",
    "CLEANUP_RECONCILER_LOOP_SECONDS": "120",
    "FOREMAN_ENABLED": "false",
    "LATE_RUNS_AFTER_SECONDS": "60",
    "LATE_RUNS_LOOP_SECONDS": "30",
    "PAUSE_EXPIRATIONS_ENABLED": "false",
    "REPOSSESSOR_LOOP_SECONDS": "60",
    "SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "30",
    "TRIGGERS_ENABLED": "false",
}
"""How rarely an idle server looks after what we hardly use: by default that takes up to a twentieth of a core."""


def home(settings: Settings, environ: Mapping[str, str]) -> Path:
    """Prefect's folder: settings, database and pages. All in it can go at any time."""
    return Path(environ.get("PREFECT_HOME") or settings.data_dir.absolute() / HOME_NAME)


def joined(environ: Mapping[str, str]) -> str:
    """The API of the server to join, or "" where one of our own is to be started."""
    return environ.get("PREFECT_API_URL", "")


def own_api(settings: Settings) -> str:
    """Where processes of this machine reach the server of our own."""
    return f"{base_url(settings.serve.host, settings.serve.port)}/api"


def base_url(host: str, port: int) -> str:
    """The address of a server for clients of this machine; one that listens everywhere is reached by loopback."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # not what is listened on
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens on `host`."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def environment(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of Prefect's server, of the runner and of its flows."""
    folder = home(settings, environ)
    keep_seconds = settings.serve.keep_days * DAY_SECONDS
    defaults = {
        "PREFECT_HOME": str(folder),
        "PREFECT_API_URL": own_api(settings),
        # A flow that can't reach the server fails; it does not start a server of its own beside it.
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_UI_ENABLED": "true" if settings.serve.ui else "false",
        # By default Prefect writes its pages into the folder where it is installed, which may be read-only.
        "PREFECT_UI_STATIC_DIRECTORY": str(folder / "pages"),
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        # Slots that a dead process held are freed after a restart of the server, too.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(keep_seconds),
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": f"P{min(settings.serve.keep_days, EVENT_DAYS)}D",
        # glibc keeps a heap for each thread; two are enough for programs that wait most of the time.
        "MALLOC_ARENA_MAX": "2",
        **prefect_logs.environment(settings.log),
        **{f"PREFECT_SERVER_SERVICES_{name}": value for name, value in QUIET_SERVICES.items()},
    }
    if auth := environ.get("PREFECT_SERVER_API_AUTH_STRING"):
        defaults["PREFECT_API_AUTH_STRING"] = auth
    return {**defaults, **{name: value for name, value in environ.items() if value}}


def database(settings: Settings, environ: Mapping[str, str]) -> Path | None:
    """The file of our own server's database, or None where the operator has it elsewhere."""
    named = ("PREFECT_API_DATABASE_CONNECTION_URL", "PREFECT_SERVER_DATABASE_CONNECTION_URL")
    if any(environ.get(name) for name in (*named, "PREFECT_SERVER_DATABASE_HOST", "PREFECT_API_DATABASE_HOST")):
        return None
    return home(settings, environ) / DATABASE_NAME


def fault(path: Path) -> str:
    """What is wrong with a database file, in Prefect's stead, or "". Reads all of it."""
    if not path.exists():
        return ""
    try:
        with closing(sqlite3.connect(path, timeout=10)) as connection:
            answer = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as error:
        return str(error) if error.sqlite_errorcode in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) else ""
    return "" if answer == "ok" else " ".join(answer.split())


def put_aside(path: Path, why: str) -> None:
    """Give a database that can't be used another name, so that the server begins a new one."""
    name = f"{path.name}.{ASIDE}-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    for end in ("", "-wal", "-shm"):
        old = path.with_name(path.name + end)
        if old.exists():
            old.replace(path.with_name(name + end))
    forget_blocks(path)
    # One is enough to look at what went wrong; more would fill the disk of a server that nobody looks after.
    for older in sorted(path.parent.glob(f"{path.name}.{ASIDE}-*")):
        if not older.name.startswith(name):
            older.unlink(missing_ok=True)
    log.warning("Prefect's database %s can't be used (%s): it is kept as %s, and a new one begins", path, why, name)


def forget_blocks(path: Path) -> None:
    """Have the server write its block types into a new database: a file says that they are there already."""
    if not path.exists():
        path.with_name(MEMO_NAME).unlink(missing_ok=True)

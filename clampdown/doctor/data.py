"""Of the data folder: who owns it, the warehouse in it, what is published, disk, and what was left behind."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from clampdown.doctor.finding import Check
from clampdown.output import ago
from pipeline.errors import WarehouseLocked

if TYPE_CHECKING:
    from pipeline.settings import LoadedSettings

MIN_FREE_BYTES: Final = 1_000_000_000
"""Under this the archive of a few days may not fit."""

STALE_DAYS: Final = 7
"""Days after which a snapshot is told to be old, where somebody meant it to go on."""

_OURS = frozenset({"archive", "warehouse.duckdb", "published", "state", "flows", "feeds", ".lock"})


def folder(loaded: "LoadedSettings") -> Check:
    """Whether the data folder is ours, can be written to, and who is at work in it."""
    from pipeline.lease import holder
    from pipeline.places import require_writable

    path = loaded.settings.data_dir
    if not path.exists():
        require_writable(path)
        return Check("folder", "ok", f"{path}: not there yet; the first run makes it")
    require_writable(path)
    names = {entry.name for entry in path.iterdir()}
    if names and not names & _OURS:
        some = ", ".join(sorted(names)[:3])
        return Check("folder", "warn", f"{path} holds other things ({some})", "Give an empty or new folder with -d.")
    if strangers := [name for name in sorted(names & _OURS) if not os.access(path / name, os.W_OK)]:
        hint = f"chown -R them to whoever runs clampdown, here user {os.geteuid()}."
        return Check("folder", "fail", f"{path}: {', '.join(strangers)} can't be written to", hint)
    if who := holder(path):
        return Check("folder", "ok", f"{path}: in use by {who}")
    return Check("folder", "ok", f"{path}: nobody is at work in it")


def warehouse(loaded: "LoadedSettings") -> Check:
    """Whether the warehouse can be opened, is of this version's schema, and its ledger sums up."""
    from flows.house import WAREHOUSE_NAME, open_store
    from warehouse.schema import SCHEMA_VERSION
    from warehouse.schema_of import schema_of

    if loaded.settings.warehouse.url:
        return _lake(loaded)
    path = loaded.settings.data_dir / WAREHOUSE_NAME
    if not path.exists():
        return Check("warehouse", "ok", f"{path}: not there yet; the first run makes it")
    try:
        schema = schema_of(path)
        if schema > SCHEMA_VERSION:
            detail = f"{path}: schema {schema}; this program knows schemas up to {SCHEMA_VERSION}"
            return Check("warehouse", "fail", detail, "Update clampdown, or point data_dir at another folder.")
        if schema < SCHEMA_VERSION:
            detail = f"{path}: schema {schema}, of an earlier version"
            hint = f"The next run makes it schema {SCHEMA_VERSION}, which earlier versions can't read: back up first."
            return Check("warehouse", "warn", detail, hint)
        with open_store(loaded.settings, holder="doctor") as opened:
            balance, pending = opened.ledger_balance(), opened.count_pending()
    except WarehouseLocked as locked:
        # While a run is on, that is as it should be.
        return Check("warehouse", "ok", f"{locked}; it was not looked at")
    if not balance.balanced:
        faults = f"{balance.missing} entries without an outcome, {balance.surplus} outcomes too many"
        return Check("warehouse", "fail", f"{path}: {faults}", "`clampdown rebuild` makes it anew from the archive")
    return Check("warehouse", "ok", f"schema {schema}, {balance.discovered} entries, {pending} of them pending")


def _lake(loaded: "LoadedSettings") -> Check:
    from warehouse.lake_care import state

    settings = loaded.settings.warehouse
    found = state(settings)
    name = f"{found.name}, writer {settings.writer} of {settings.writers}"
    if found.schema == 0:
        return Check("warehouse", "ok", f"{name}: nothing there yet; the first run makes it")
    if found.balance is None:
        return Check("warehouse", "warn", f"{name}: schema {found.schema}", "the next run migrates it")
    if not found.balance.balanced:
        faults = f"{found.balance.missing} entries without an outcome, {found.balance.surplus} outcomes too many"
        return Check("warehouse", "fail", f"{name}: {faults}")
    busy = f", at work: {'; '.join(found.at_work)}" if found.at_work else ""
    detail = f"{name}: {found.balance.discovered} entries, {found.files:,} data files{busy}"
    if found.untidy:
        return Check("warehouse", "warn", detail, "`clampdown lake tidy` makes few large files of many small ones")
    return Check("warehouse", "ok", detail)


def snapshot(loaded: "LoadedSettings") -> Check:
    """Whether what is published can be read here, and how old it is."""
    from pipeline.places import PUBLISHED_NAME
    from warehouse.query import connect_snapshot

    path = loaded.settings.data_dir / PUBLISHED_NAME
    if not path.exists():
        return Check("snapshot", "ok", "nothing is published yet; the first run does")
    with connect_snapshot(path) as reader:
        ((events, at),) = reader.rows(
            "SELECT (SELECT count(*) FROM events), (SELECT value FROM manifest WHERE key = 'published_at')"
        )
    now, published = datetime.now(UTC), datetime.fromisoformat(json.loads(at))
    detail = f"{events} events, published {ago(published, now)}"
    if loaded.settings.sources.exists() and (now - published).days >= STALE_DAYS:
        return Check(
            "snapshot", "warn", detail, "`clampdown run` brings the news; `clampdown status` says what stopped it"
        )
    return Check("snapshot", "ok", detail)


def feeds(loaded: "LoadedSettings") -> Check:
    """How the sources fare by what was stored of their polls."""
    from clampdown.commands.health import health_of

    counts = Counter(health.state for health in health_of(loaded.settings).sources.values())
    if not counts:
        return Check("feeds", "ok", "none was polled yet")
    detail = ", ".join(f"{number} {state.replace('_', ' ')}" for state, number in counts.most_common())
    if counts.keys() & {"gone", "failing", "silent"}:
        return Check("feeds", "warn", detail, "`clampdown sources check` tells which and why")
    return Check("feeds", "ok", detail)


def disk(loaded: "LoadedSettings") -> Check:
    """Whether there is room where the data are."""
    folder = loaded.settings.data_dir.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    writable = os.access(folder, os.W_OK)
    detail = f"{folder}: {free / 1e9:.1f} GB free{'' if writable else ', not writable'}"
    if not writable:
        return Check("disk", "fail", detail, "Give a folder that can be written to, with -d before the command.")
    if free < MIN_FREE_BYTES:
        return Check(
            "disk", "warn", detail, "A few days of pages may not fit: make room, or see `retention` in docs/keeping.md"
        )
    return Check("disk", "ok", detail)


def leftovers(loaded: "LoadedSettings") -> Iterator[Check]:
    """What killed programs left: it costs room and nothing else."""
    from pipeline.archive_files import TEMPORARY
    from pipeline.lease import holder

    path = loaded.settings.data_dir
    if not path.is_dir() or holder(path) is not None:
        return
    left = [file for file in path.rglob(f"{TEMPORARY}*") if file.is_file()]
    if left:
        size = sum(_size(file) for file in left) / 1e6
        detail = f"{len(left)} temporary files of killed programs, {size:.0f} MB"
        yield Check("leftovers", "warn", detail, "`clampdown maintain` removes them; they hold nothing that is missed")
    else:
        yield Check("leftovers", "ok", "none")


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0

"""Backups of a data folder, and a data folder made of one.

Kept is what can't be made again, or not cheaply: archive, warehouse, digests, what was sent of them and to whom not,
settings file, source list, subscriptions and the answers of a language model. What can be made of these at once (the
published snapshot, feeds) or is asked for again (robots.txt) is not.
"""

import fcntl
import logging
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from flows import digest_records
from flows.house import ARCHIVE_NAME, PUBLISHED_NAME, WAREHOUSE_NAME
from pipeline import archive, backups, decision_archive, journal, outbox, unsubscribe
from pipeline.archive_files import TEMPORARY, make_folder, sync_folder
from pipeline.backups import Item, Version, Written
from pipeline.errors import ArchiveError, InputError, WarehouseError, WarehouseLocked
from pipeline.failpoints import hit
from pipeline.lease import LOCK_NAME, QUEUE_NAME, lease
from pipeline.outbox_intake import fresh_batches
from pipeline.settings import Settings
from pipeline.status import serving
from warehouse import schema
from warehouse.database import Database
from warehouse.store import open_warehouse

log = logging.getLogger(__name__)

LOG_SUFFIX: Final = ".wal"
LOCK: Final = ".keeping.lock"
_LOCKS: Final = frozenset({LOCK, LOCK_NAME, QUEUE_NAME})
SETTINGS: Final = "settings"
SETTINGS_NAME: Final = "clampdown.toml"
SOURCES_NAME: Final = "sources.toml"
SUBSCRIPTIONS_NAME: Final = "subscriptions.toml"
CACHE: Final = "llm-cache"
_TO_REBUILD: Final = "`clampdown rebuild` makes it of the archive"


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made. `left_out` says of what is not in it why."""

    written: Written
    left_out: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Restored:
    """A data folder that was made of a backup.

    `missing` are files that the backup should have and were left out, `before` is where the former data folder is now.
    `rebuild` says why the warehouse has to be made anew from the archive, if it has; else `schemas` are the versions of
    its schema, in the backup and now. `beside` are settings files that were written beside those in use.
    """

    version: Version
    missing: tuple[str, ...]
    before: Path | None
    rebuild: str | None
    schemas: tuple[int, int] | None
    settings: tuple[Path, ...]
    beside: tuple[Path, ...]


def backup(
    settings: Settings, target: Path, *, config: Path | None = None, keep: int | None = None, wait: float = 0.0
) -> Backup:
    """Write a backup into the folder `target`, of which only what is new takes room; keep the `keep` latest ones.

    Where a run holds the warehouse for longer than `wait` seconds, the archive is kept alone: all else can be made of
    it. Raises InputError where there is nothing to keep, ArchiveError where `target` can't be written.
    """
    data_dir = settings.data_dir
    if not (data_dir / ARCHIVE_NAME).is_dir():
        raise InputError(f"{data_dir}: no archive to back up", hint="Give the data folder with --data-dir.")
    if target.absolute().is_relative_to((data_dir / ARCHIVE_NAME).absolute()):
        raise InputError(f"{target} lies in the archive itself", hint="Give a folder on another disk.")
    left_out: dict[str, str] = {}
    with ExitStack() as stack:
        # Waited for before anything is kept from others who might be those it is waited for.
        busy = _leased(settings, stack, wait)
        stack.enter_context(locked(data_dir, shared=True))
        make_folder_at(target)
        stack.enter_context(locked(target))
        # The warehouse first: while it is held, nothing else changes but by decisions, which are whole in themselves.
        items = [*_warehouse(settings, stack, left_out, busy), *_archive(data_dir / ARCHIVE_NAME)]
        # With them it is known up to where they have told: what is restored goes on from there.
        told = digest_records.files_in(data_dir / digest_records.FOLDER)
        items += [Item(path, path.relative_to(data_dir).as_posix()) for path in told]
        # The outbox after the digests: what is in these may be in it already, and never the other way round.
        sent = [*_files(data_dir / outbox.FOLDER), data_dir / unsubscribe.FOLDER / unsubscribe.NAME]
        items += [Item(path, path.relative_to(data_dir).as_posix()) for path in sent if _is_kept(path)]
        cache = settings.extract.llm.cache
        if cache is not None and cache.is_dir():
            items += [Item(path, f"{CACHE}/{path.relative_to(cache).as_posix()}") for path in _files(cache)]
        named = (
            (config, SETTINGS_NAME),
            (settings.sources, SOURCES_NAME),
            (settings.subscriptions, SUBSCRIPTIONS_NAME),
        )
        items += [Item(path, f"{SETTINGS}/{name}") for path, name in named if path is not None and path.is_file()]
        about = {"program": version("clampdown"), "schema": schema.SCHEMA_VERSION, "left_out": left_out}
        return Backup(backups.write(target, items, about, keep), left_out)


def find(source: Path, name: str | None = None) -> Version:
    """The version that `source` is, or the latest in it, or the one whose name begins with `name`.

    Raises InputError where there is none, or more than one.
    """
    if (source / backups.MANIFEST).exists():
        return backups.version_at(source)
    some = [one for one in backups.versions(source) if one.folder.name.startswith(name or "")]
    if not some:
        raise InputError(f"{source}: no backup{f' called {name}' if name else ''} in it")
    if name is not None and len(some) > 1:
        raise InputError(f"{len(some)} backups begin with {name}", hint="Give more of the name.")
    return some[0]


def restore(
    settings: Settings, found: Version, *, config: Path | None = None, force: bool = False, incomplete: bool = False
) -> Restored:
    """Make the data folder of a backup, all of whose files are read and compared first.

    The warehouse is brought to today's schema and published. Raises InputError where files of the backup are missing or
    damaged, unless `incomplete`, and where the data folder is not empty, unless `force`, which keeps it beside;
    WarehouseLocked where a run, or `clampdown serve`, is at work in it.
    """
    data_dir = settings.data_dir.absolute()
    missing, damaged = backups.check(found)
    absent = {*missing, *damaged}
    if absent and not incomplete:
        raise InputError(
            _told(found, missing, damaged), hint="--incomplete restores the rest; an older one may be whole."
        )
    if data_dir.is_dir() and _content(data_dir) and not force:
        raise InputError(f"{data_dir} is not empty", hint="--force keeps it beside, under another name.")
    if os.path.ismount(data_dir):
        raise InputError(f"{data_dir} is a mount point", hint="Restore into a folder below it, then move it.")
    building = data_dir.with_name(f"{backups.UNFINISHED}{data_dir.name}-{uuid.uuid4().hex}")
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, building, ignore_errors=True)
        if data_dir.is_dir():
            stack.enter_context(locked(data_dir))
            _is_not_served(data_dir)
            stack.enter_context(lease(data_dir, holder="restore"))
            stack.enter_context(_unused(data_dir / WAREHOUSE_NAME))
        make_folder_at(building)
        names = [name for name in found.files if name not in absent and not name.startswith(f"{SETTINGS}/")]
        backups.copy_out(found, names, building)
        rebuild, schemas = _open_again(building, found, absent)
        _doubt(building)
        for folder in [path for path in building.rglob("*") if path.is_dir()]:
            sync_folder(folder)
        hit("restore.copied")
        before = _put_in_place(building, data_dir)
    places = {SETTINGS_NAME: config, SOURCES_NAME: settings.sources, SUBSCRIPTIONS_NAME: settings.subscriptions}
    written, beside = _settings(found, absent, places)
    return Restored(found, tuple(sorted(absent)), before, rebuild, schemas, tuple(written), tuple(beside))


@contextmanager
def locked(folder: Path, *, shared: bool = False) -> Iterator[None]:
    """Keep others that take the archive away, or make a data folder, out of `folder`."""
    with (folder / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WarehouseLocked(
                f"{folder} is being backed up, restored or pruned by another process", hint="Wait until it ends."
            ) from error
        yield


def make_folder_at(folder: Path) -> None:
    """Make a folder. Raises ArchiveError where that fails."""
    try:
        make_folder(folder.absolute())
    except OSError as error:
        raise ArchiveError(
            f"{folder}: {error.strerror or error}", hint="is the disk full, read-only, or gone?"
        ) from error


def _is_kept(path: Path) -> bool:
    """Whether it is a file with something in it, and no lock."""
    return path.is_file() and not path.name.endswith(".lock")


def _doubt(data_dir: Path) -> None:
    """Have nothing sent that may have been sent since the backup was written, but by an operator's word."""
    box = outbox.Outbox(data_dir)
    box.take_in(fresh_batches(data_dir, datetime.fromtimestamp(0, UTC)))
    if doubted := box.doubt("restored from a backup: it may have been sent since"):
        log.warning("%d messages of the outbox may have been sent since: see `clampdown outbox list`", doubted)


def _archive(root: Path) -> Iterator[Item]:
    """The files of the archive; notes of the journal before what they point at, which was there before them."""
    notes = root / journal.FOLDER
    for path in [*_files(notes), *(path for path in _files(root) if not path.is_relative_to(notes))]:
        yield Item(path, f"{ARCHIVE_NAME}/{path.relative_to(root).as_posix()}", _digest(path.relative_to(root)))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(TEMPORARY))


def _digest(path: Path) -> str | None:
    """What the name of a file of the archive tells of the hash of its bytes."""
    if path.name.endswith(archive.SUFFIX):
        return path.name.removesuffix(archive.SUFFIX)
    if path.parts[0] == decision_archive.FOLDER:
        return None
    return path.stem.rpartition("-")[2] if path.suffix == journal.SUFFIX else None


def _leased(settings: Settings, stack: ExitStack, wait: float) -> WarehouseError | None:
    """Keep the warehouse from being written to until the end, where it is a file of the data folder; or why not."""
    if settings.warehouse.url or not (settings.data_dir / WAREHOUSE_NAME).exists():
        return None
    try:
        stack.enter_context(lease(settings.data_dir, holder="backup", wait=wait))
    except WarehouseError as error:
        return error
    return None


def _warehouse(
    settings: Settings, stack: ExitStack, left_out: dict[str, str], busy: WarehouseError | None
) -> list[Item]:
    """The warehouse, with its log where one is left, unless it is `busy`."""
    path = settings.data_dir / WAREHOUSE_NAME
    if settings.warehouse.url:
        left_out["warehouse"] = f"it is a lake, to be backed up where it lies; {_TO_REBUILD}"
        return []
    if not path.exists():
        left_out["warehouse"] = f"there is none: {_TO_REBUILD}"
        return []
    if busy is not None:
        left_out["warehouse"] = f"{busy}; {_TO_REBUILD}"
        return []
    try:
        # What the log has goes into the file, and what is no warehouse shows.
        Database.open(path).close()
        file = stack.enter_context(path.open("rb"))
        fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (WarehouseError, BlockingIOError) as error:
        left_out["warehouse"] = f"{error}; {_TO_REBUILD}"
        return []
    items = [Item(path, WAREHOUSE_NAME, file=file)]
    log = path.with_name(path.name + LOG_SUFFIX)
    return [*items, Item(log, log.name)] if log.exists() else items


def _is_not_served(data_dir: Path) -> None:
    """See that no `clampdown serve` goes on in the folder that is about to go."""
    if (serve := serving(data_dir)) is not None:
        raise WarehouseLocked(
            f"`clampdown serve` (process {serve.pid}) runs in {data_dir}", hint="Stop it, restore, then start it again."
        )


@contextmanager
def _unused(warehouse: Path) -> Iterator[None]:
    """See that no run uses the warehouse that is about to go, and keep new ones out."""
    if not warehouse.exists():
        yield
        return
    with warehouse.open("rb+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise WarehouseLocked(f"{warehouse} is in use", hint="Wait until the run ends, or stop it.") from error
        yield


def _open_again(folder: Path, found: Version, absent: set[str]) -> tuple[str | None, tuple[int, int] | None]:
    """Migrate and publish the warehouse in `folder`. Returns why it has to be rebuilt, or its schemas then and now."""
    path = folder / WAREHOUSE_NAME
    if not path.exists():
        why = "it is damaged or missing there" if WAREHOUSE_NAME in absent else found.about["left_out"].get("warehouse")
        return why or "it is not in the backup", None
    try:
        database = Database.open(path)
        try:
            old = schema.version(database)
            last = database.execute("SELECT model FROM runs ORDER BY started_at DESC LIMIT 1") if old else []
        finally:
            database.close()
        with open_warehouse(path) as warehouse:
            if last:
                manifest = {"model": last[0][0], "version": version("clampdown")}
                warehouse.publish(folder / PUBLISHED_NAME, manifest=manifest)
    except WarehouseError as error:
        shutil.rmtree(folder / PUBLISHED_NAME, ignore_errors=True)
        for one in folder.glob(f"{WAREHOUSE_NAME}*"):
            one.unlink()
        return str(error), None
    return None, (old, schema.SCHEMA_VERSION)


def _content(data_dir: Path) -> bool:
    """Whether anything is in a data folder but what locks it."""
    return any(path.name not in _LOCKS for path in data_dir.iterdir())


def _put_in_place(new: Path, data_dir: Path) -> Path | None:
    """Put a data folder in the place of what is there, which is kept beside unless it is empty."""
    before = None
    try:
        if data_dir.is_dir() and _content(data_dir):
            before = data_dir.with_name(f"{data_dir.name}-before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
            data_dir.rename(before)
            hit("restore.moved")
        elif data_dir.is_dir():
            for name in _LOCKS:
                (data_dir / name).unlink(missing_ok=True)
        new.rename(data_dir)
        sync_folder(data_dir.parent)
    except OSError as error:
        kept = "" if before is None else f"; the former data folder is at {before}"
        raise ArchiveError(f"{data_dir}: {error.strerror or error}{kept}") from error
    return before


def _settings(found: Version, absent: set[str], places: Mapping[str, Path | None]) -> tuple[list[Path], list[Path]]:
    """Write the settings files where there are none; beside them where others are. Returns both."""
    written: list[Path] = []
    beside: list[Path] = []
    for name, place in places.items():
        kept = f"{SETTINGS}/{name}"
        if kept not in found.files or kept in absent or place is None:
            continue
        data = (found.folder / kept).read_bytes()
        if place.exists() and place.read_bytes() == data:
            continue
        to = place.with_name(f"{place.name}.restored") if place.exists() else place
        try:
            make_folder(to.absolute().parent)
            to.write_bytes(data)
        except OSError as error:
            raise ArchiveError(f"{to}: {error.strerror or error}", hint="The data folder is restored.") from error
        (beside if to != place else written).append(to)
    return written, beside


def _told(found: Version, missing: Sequence[str], damaged: Sequence[str]) -> str:
    parts = [
        f"{len(names):,} of {len(found.files):,} files are {what}: {', '.join(names[:3])}" + " …" * (len(names) > 3)
        for what, names in (("missing", missing), ("damaged", damaged))
        if names
    ]
    return f"{found.folder}: {'; '.join(parts)}"

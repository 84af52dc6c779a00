"""Backups: what is unchanged is shared, what is killed leaves the former one whole, what is restored is what was."""

import errno
import fcntl
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from clampdown.main import main
from flows.backup import SETTINGS, backup, find, restore
from flows.house import ARCHIVE_NAME, PUBLISHED_NAME, WAREHOUSE_NAME
from pipeline.backups import UNFINISHED, check, version_at, versions
from pipeline.errors import ArchiveError, InputError, WarehouseLocked
from pipeline.lease import lease
from pipeline.settings import Settings
from pipeline.status import SERVE_LOCK
from warehouse import schema
from warehouse.compare import content
from warehouse.store import Warehouse


@pytest.fixture
def house(sample_snapshot: Path, tmp_path: Path) -> Settings:
    """The data folder of the sample, without what is published of it."""
    sample, folder = sample_snapshot.parent.parent, tmp_path / "data"
    folder.mkdir()
    shutil.copytree(sample / ARCHIVE_NAME, folder / ARCHIVE_NAME)
    shutil.copy(sample / WAREHOUSE_NAME, folder)
    sources = tmp_path / "sources.toml"
    sources.write_text("# a list\n")
    return Settings(data_dir=folder, sources=sources)


@pytest.fixture
def unpublished(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restoring publishes, which takes half a second each time: left out where nobody looks at the snapshot."""
    monkeypatch.setattr(Warehouse, "publish", lambda *_, **__: None)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def elsewhere(house: Settings, name: str = "restored") -> Settings:
    folder = house.data_dir.with_name(name)
    return house.model_copy(update={"data_dir": folder, "sources": folder.with_name(f"{name}.toml")})


def test_what_is_restored_is_what_was_backed_up(house: Settings, tmp_path: Path) -> None:
    target = tmp_path / "backups"
    archive, tables = files(house.data_dir / ARCHIVE_NAME), content(house.data_dir / WAREHOUSE_NAME)
    config = tmp_path / "clampdown.toml"
    config.write_text("[fetch]\ntimeout = 20\n")
    digests = house.data_dir / "digests"
    digests.mkdir()
    for name in ("2026-11-22.json", "2026-11-22.md", ".lock", ".unfinished-1"):
        (digests / name).write_text(name)
    done = backup(house, target, config=config)
    assert done.left_out == {}
    assert (done.written.new_files, done.written.damaged) == (len(done.written.version.files), ())
    to = elsewhere(house)
    restored = restore(to, find(target), config=config)
    assert files(to.data_dir / ARCHIVE_NAME) == archive
    assert content(to.data_dir / WAREHOUSE_NAME) == tables
    assert sorted(files(to.data_dir / "digests")) == ["2026-11-22.json", "2026-11-22.md"]
    assert (restored.missing, restored.before, restored.rebuild) == ((), None, None)
    assert restored.schemas == (schema.SCHEMA_VERSION, schema.SCHEMA_VERSION)
    with duckdb.connect(str(to.data_dir / PUBLISHED_NAME / "clampdown.duckdb"), read_only=True) as published:
        assert published.execute("SELECT count(*) FROM events").fetchone() == (len(tables["events"]),)
    # The source list was not there, the settings file is what it was.
    assert (restored.settings, restored.beside) == ((to.sources,), ())
    assert to.sources.read_text() == "# a list\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "backups", "clampdown.toml", "data", "restored", "restored.toml", "sources.toml",
    ]  # fmt: skip


def test_only_what_is_new_takes_room(house: Settings, tmp_path: Path, unpublished: None) -> None:
    target = tmp_path / "backups"
    first = backup(house, target).written
    part = min((house.data_dir / ARCHIVE_NAME).rglob("*.warc.gz"))
    name = f"{ARCHIVE_NAME}/{part.relative_to(house.data_dir / ARCHIVE_NAME)}"
    # What is kept already is not read again: damage that came since does not reach the backup.
    part.write_bytes(b"damaged since")
    house.sources.write_text("# another list\n")
    second = backup(house, target).written
    assert (second.new_files, second.new_bytes, second.damaged) == (1, 15, ())
    assert (second.version.folder / name).samefile(first.version.folder / name)
    assert [one.folder for one in versions(target)] == [second.version.folder, first.version.folder]
    assert (first.version.folder / SETTINGS / "sources.toml").read_text() == "# a list\n"
    third = backup(house, target, keep=2).written
    assert third.removed == (first.version.folder.name,)
    assert [one.folder for one in versions(target)] == [third.version.folder, second.version.folder]
    assert restore(elsewhere(house), find(target, second.version.folder.name)).missing == ()


def test_a_run_that_is_on_is_waited_for(house: Settings, tmp_path: Path) -> None:
    taken = threading.Event()

    def run() -> None:
        with lease(house.data_dir, holder="ingest"):
            taken.set()
            time.sleep(0.5)

    other = threading.Thread(target=run)
    other.start()
    taken.wait()
    busy = backup(house, tmp_path / "backups")
    assert "ingest" in busy.left_out["warehouse"]
    whole = backup(house, tmp_path / "backups", wait=60)
    other.join()
    assert whole.left_out == {}
    assert WAREHOUSE_NAME in whole.written.version.files


def test_damage_at_the_source_is_told(house: Settings, tmp_path: Path) -> None:
    part = min((house.data_dir / ARCHIVE_NAME).rglob("*.warc.gz"))
    part.write_bytes(b"damaged")
    name = f"{ARCHIVE_NAME}/{part.relative_to(house.data_dir / ARCHIVE_NAME)}"
    assert backup(house, tmp_path / "backups").written.damaged == (name,)


class Killed(BaseException):
    """What takes the place of a kill: nothing handles it, and nothing that was written so far is undone."""


@pytest.fixture
def kill_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def arm(failpoint: str) -> None:
        def hit(name: str) -> None:
            if name == failpoint:
                raise Killed

        monkeypatch.setattr("pipeline.backups.hit", hit)
        monkeypatch.setattr("flows.backup.hit", hit)

    return arm


def test_a_kill_leaves_the_former_backup_whole(house: Settings, tmp_path: Path, kill_at: Callable[[str], None]) -> None:
    target = tmp_path / "backups"
    first = backup(house, target).written.version.folder
    for failpoint, there in (("backup.files", 1), ("backup.written", 1), ("backup.renamed", 2), ("backup.removing", 2)):
        kill_at(failpoint)
        with pytest.raises(Killed):
            backup(house, target, keep=1)
        assert len(versions(target)) == there, failpoint
        assert all(check(version) == ([], []) for version in versions(target)), failpoint
        assert list(target.glob(f"{UNFINISHED}*")) or failpoint == "backup.renamed"
    assert not first.exists(), "it was to be removed when that was killed"
    kill_at("")
    backup(house, target, keep=1)
    assert not list(target.glob(f"{UNFINISHED}*"))
    assert len(versions(target)) == 1


def test_a_kill_leaves_the_former_data_folder(
    house: Settings, tmp_path: Path, kill_at: Callable[[str], None], unpublished: None
) -> None:
    made = backup(house, tmp_path / "backups").written.version
    to = elsewhere(house)
    to.data_dir.mkdir()
    (to.data_dir / "old").write_text("old")
    kill_at("restore.copied")
    with pytest.raises(Killed):
        restore(to, made, force=True)
    assert (to.data_dir / "old").read_text() == "old"
    # Between the two renames it is there under its other name.
    kill_at("restore.moved")
    with pytest.raises(Killed):
        restore(to, made, force=True)
    (before,) = to.data_dir.parent.glob(f"{to.data_dir.name}-before-*")
    assert (before / "old").read_text() == "old"
    kill_at("")
    assert restore(to, made).missing == ()


def test_a_half_copied_backup_says_what_is_missing(house: Settings, tmp_path: Path, unpublished: None) -> None:
    version = backup(house, tmp_path / "backups").written.version
    part = min(name for name in version.files if name.endswith(".warc.gz"))
    (version.folder / part).unlink()
    (version.folder / WAREHOUSE_NAME).write_bytes(b"half of it")
    to = elsewhere(house)
    with pytest.raises(InputError, match=f"1 of .* missing: {part}; 1 of .* damaged: {WAREHOUSE_NAME}"):
        restore(to, find(tmp_path / "backups"))
    assert not to.data_dir.exists()
    restored = restore(to, find(version.folder), incomplete=True)
    assert set(restored.missing) == {part, WAREHOUSE_NAME}
    assert restored.rebuild is not None
    assert not (to.data_dir / WAREHOUSE_NAME).exists()
    (version.folder / "manifest.json").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        version_at(version.folder)
    with pytest.raises(InputError, match="no backup in it"):
        find(tmp_path / "backups")


@pytest.mark.usefixtures("unpublished")
def test_a_data_folder_that_is_not_empty_is_kept(
    house: Settings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    unpublished: None,
) -> None:
    target = tmp_path / "backups"
    backup(house, target)
    (house.data_dir / "mine").write_text("mine")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["clampdown", "-d", str(house.data_dir), "restore", str(target)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "--force keeps it beside" in capsys.readouterr().err
    house.sources.write_text("# mine\n")
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--force"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert "beside the one in use" in told
    assert (tmp_path / "sources.toml").read_text() == "# mine\n"
    assert (tmp_path / "sources.toml.restored").read_text() == "# a list\n"
    (before,) = tmp_path.glob("data-before-*")
    assert (before / "mine").read_text() == "mine"
    assert not (house.data_dir / "mine").exists()


def test_an_older_warehouse_is_migrated(house: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from warehouse.database import Database

    path = house.data_dir / WAREHOUSE_NAME
    path.unlink()
    with monkeypatch.context() as patched:
        patched.setattr(schema, "SCHEMA_VERSION", 3)
        patched.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:3])
        database = Database.open(path)
        schema.migrate(database)
        database.close()
    done = backup(house, tmp_path / "backups")
    restored = restore(elsewhere(house), done.written.version)
    assert restored.schemas == (3, schema.SCHEMA_VERSION)


def test_while_a_run_is_on_the_archive_is_kept(house: Settings, tmp_path: Path, unpublished: None) -> None:
    program = (
        "import sys, duckdb\n"
        f"held = duckdb.connect({str(house.data_dir / WAREHOUSE_NAME)!r}); print('open', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        done = backup(house, tmp_path / "backups")
        with pytest.raises(WarehouseLocked):
            restore(house, done.written.version, force=True)
    finally:
        holder.communicate(b"")
    assert f"process {holder.pid}" in done.left_out["warehouse"]
    assert WAREHOUSE_NAME not in done.written.version.files
    restored = restore(elsewhere(house), done.written.version)
    assert restored.rebuild is not None
    assert f"process {holder.pid}" in restored.rebuild


def test_who_is_at_work_in_the_folder_is_named(house: Settings, tmp_path: Path, unpublished: None) -> None:
    with lease(house.data_dir, holder="ingest", lends=False):
        done = backup(house, tmp_path / "backups")
        with pytest.raises(WarehouseLocked, match="in use by ingest"):
            restore(house, done.written.version, force=True)
    assert "in use by ingest" in done.left_out["warehouse"]
    sign = house.data_dir / SERVE_LOCK
    with sign.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        json.dump({"pid": os.getpid(), "since": datetime.now(UTC).isoformat()}, lock)
        lock.flush()
        with pytest.raises(WarehouseLocked, match=r"`clampdown serve`.* runs in"):
            restore(house, done.written.version, force=True)
    sign.unlink()


def test_no_run_begins_while_the_warehouse_is_copied(
    house: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock is one that DuckDB in another process respects, and it holds until the backup is done."""
    from pipeline import backups

    tried: list[int] = []
    write = backups.write

    def write_watched(*given: object, **named: object) -> backups.Written:
        done = write(*given, **named)
        program = f"import duckdb; duckdb.connect({str(house.data_dir / WAREHOUSE_NAME)!r})"
        tried.append(subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode)
        return done

    monkeypatch.setattr(backups, "write", write_watched)
    backup(house, tmp_path / "backups")
    assert tried == [1]


def test_a_full_disk_leaves_the_former_backup_and_no_rest(
    house: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "backups"
    first = backup(house, target).written.version
    house.sources.write_text("# another list\n")
    copied = os.fsync

    def full(descriptor: int) -> None:
        if os.fstat(descriptor).st_size == len("# another list\n"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        copied(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ArchiveError, match="No space left"):
        backup(house, target)
    assert [version.folder for version in versions(target)] == [first.folder]
    assert not list(target.glob(f"{UNFINISHED}*"))
    assert check(first) == ([], [])


def test_a_target_that_cant_be_written_is_one_line(house: Settings, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"File exists|Not a directory"):
        backup(house, house.sources / "backups")
    with pytest.raises(InputError, match="in the archive itself"):
        backup(house, house.data_dir / ARCHIVE_NAME / "backups")
    with pytest.raises(InputError, match="no archive"):
        backup(house.model_copy(update={"data_dir": tmp_path / "nowhere"}), tmp_path / "backups")

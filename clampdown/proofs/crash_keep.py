"""Keeping, killed: backups, pruning, compaction and restoring of what a run left; and a rebuild after a silent loss."""

import json
import shutil
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from clampdown.proofs.crash_run import Inline, SampleRun
from clampdown.proofs.crash_yard import Say, Tally, forked, told_by, torn_snapshot
from flows.backup import backup, find, restore
from flows.house import ARCHIVE_NAME, WAREHOUSE_NAME
from flows.rebuild import rebuild
from flows.retention import Tools, prune_with
from pipeline import failpoints
from pipeline.archive import Archive
from pipeline.backups import check, versions
from pipeline.settings import RetentionSettings, Settings
from pipeline.types import ArchiveRef
from warehouse.audit import Asked
from warehouse.compare import content
from warehouse.reader import open_reader
from warehouse.store import open_warehouse

PREFIXES = ("backup.", "compact.", "prune.", "restore.")
"""Of the failpoints that are passed here and nowhere else."""

RETENTION = RetentionSettings(feeds_days=30, pages_days=30, versions_days=30)
LATER = timedelta(days=400)
"""How old everything seems to be when it is pruned."""


def _settings(folder: Path, name: str) -> Settings:
    return Settings(data_dir=folder / name, sources=folder / "sources.toml", retention=RETENTION)


def _work(folder: Path) -> None:
    """Back up, prune, compact, back up in place of that, restore twice: each goes on with what an earlier life left."""
    settings, target = _settings(folder, "data"), folder / "backups"
    backup(settings, target, keep=2)
    with open_warehouse(settings.data_dir / WAREHOUSE_NAME) as warehouse:
        tools = Tools(settings, warehouse, Archive(settings.data_dir / ARCHIVE_NAME), Inline())
        prune_with(tools, datetime.now(UTC) + LATER)
        warehouse.compact(least_free=0, least_share=0)
    backup(settings, target, keep=1)
    for _ in range(2):
        restore(_settings(folder, "restored"), find(target), force=True)


def kill_keeping(kept: Path, place: Path, tally: Tally) -> set[str]:
    """Kill at each failpoint of keeping, in a copy of the data folder `kept` each. Returns the failpoints passed."""
    told = _apart(lambda say: say(f"is {_tables(kept)}"), "is")

    def recorded(say: Say) -> None:
        seen = failpoints.record()
        _work(_copied(kept, place / "calm"))
        say(f"passed {json.dumps(sorted(set(seen)))}")

    passed = set(json.loads(_apart(recorded, "passed")))
    for failpoint in sorted(one for one in passed if one.startswith(PREFIXES)):
        folder = _copied(kept, place / failpoint)

        def dies(say: Say, folder: Path = folder, failpoint: str = failpoint) -> None:
            failpoints.arm(failpoint)
            _work(folder)

        def goes_on(say: Say, folder: Path = folder) -> None:
            say(f"found {json.dumps(_faults(folder, told))}")
            _work(folder)
            say(f"ended {json.dumps(_faults(folder, told, is_done=True))}")

        child = forked(dies)
        errors = [line for line in told_by(child) if line.startswith("error")]
        if child.status == -signal.SIGKILL:
            tally.reached[failpoint] += 1
        for line in (*errors, *told_by(forked(goes_on))):
            kind, _, said = line.partition(" ")
            if kind == "error":
                tally.lost.append(f"{failpoint}: {said[:400]}")
            else:
                faults = tally.lost if kind == "found" else tally.differing
                faults += [f"{failpoint}: {one}" for one in json.loads(said)]
        tally.lives += 1
        shutil.rmtree(folder)
    return passed


def _copied(kept: Path, folder: Path) -> Path:
    shutil.copytree(kept, folder / "data", symlinks=True)
    return folder


def _tables(folder: Path) -> str:
    return repr(content(folder / WAREHOUSE_NAME))


def _faults(folder: Path, told: str, *, is_done: bool = False) -> list[str]:
    """What is wrong in a life's folder: with the data folder, its archive, the backups, and what was restored."""
    data, faults = folder / "data", []
    places = [data, folder / "restored"] if is_done else [data]
    for one in places:
        if _tables(one) != told:
            faults.append(f"{one.name}: the tables differ")
        archive = Archive(one / ARCHIVE_NAME)
        with open_reader(one / WAREHOUSE_NAME) as reader:
            refs = [ArchiveRef(*place) for place in Asked(reader).places()]
        for ref in refs:
            archive.read(ref)
        if torn := torn_snapshot(one):
            faults.append(f"{one.name}: {torn}")
    faults += [f"backup {one.folder.name} is damaged" for one in versions(folder / "backups") if check(one) != ([], [])]
    if is_done and Archive(data / ARCHIVE_NAME).unfinished():
        faults.append("pruning left parts that are not done with")
    return faults


@dataclass(slots=True)
class Rebuilt:
    """What became of a log from which transactions were dropped in silence: entries before, after, once rebuilt."""

    entries: tuple[int, int, int] = (0, 0, 0)
    faults: list[str] = field(default_factory=list)


def bring_back(run: SampleRun, place: Path) -> Rebuilt:
    """Kill a run, alter the length of an entry in the midst of its log, open that, and rebuild from the archive.

    What comes back must be what a rebuild of the unaltered folder gives.
    """
    whole, altered = place / "whole", place / "altered"
    whole.mkdir(parents=True)

    def dies(say: Say) -> None:
        failpoints.arm("publish.tables")
        run.run(whole, lambda line: None)

    list(told_by(forked(dies)))
    shutil.copytree(whole, altered)
    log = altered / f"{WAREHOUSE_NAME}.wal"
    data = bytearray(log.read_bytes())
    starts = entry_starts(data)
    # The topmost byte but one of the length, which says that the entry is longer than all the log.
    data[starts[len(starts) * 2 // 3] + 6] ^= 1
    log.write_bytes(data)

    def counted(folder: Path) -> int:
        return int(_apart(lambda say: say(f"has {_entries(folder)}"), "has"))

    def anew(folder: Path) -> str:
        def life(say: Say) -> None:
            rebuild(Settings(data_dir=folder), list(run.sources), discard=True)
            say(f"is {_tables(folder)}")

        return _apart(life, "is")

    before, dropped = counted(whole), counted(altered)
    same = anew(whole) == anew(altered)
    found = Rebuilt((before, dropped, counted(altered)))
    if not same or found.entries[2] != before:
        found.faults.append(f"{found.entries[2]} of {before} stored articles came back")
    return found


def _entries(folder: Path) -> int:
    with open_warehouse(folder / WAREHOUSE_NAME):
        pass
    with open_reader(folder / WAREHOUSE_NAME) as reader:
        ((count,),) = reader.rows("SELECT count(*) FROM articles") if "articles" in reader.tables() else [(0,)]
    return int(count)


def entry_starts(log: bytes | bytearray) -> list[int]:
    """Where the entries of a write-ahead log begin: each is its length, a checksum, and so many bytes."""
    for first in range(400):
        starts, at = [], first
        while at + 16 <= len(log):
            starts.append(at)
            at += 16 + int.from_bytes(log[at : at + 8], "little")
        if at == len(log) and len(starts) > 10:
            return starts
    raise ValueError("this log is of another format")


def _apart(life: object, kind: str) -> str:
    """What a process of its own says last, which must be of one `kind`."""
    assert callable(life), "a function over `say`"
    lines: Sequence[str] = list(told_by(forked(life), patience=None))
    found, _, said = (lines[-1] if lines else "").partition(" ")
    if found != kind:
        raise RuntimeError(f"it said {' '.join(lines)[-600:]!r}")
    return said

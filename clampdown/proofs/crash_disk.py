"""A disk that fills up at each stage of writing: what is said of it, and what is there once there is room again.

The disk is a small tmpfs in a mount namespace of this process's own, where that can be had (`enclosed`); else a cap on
the size of files stands in, whose refusals reach a program in the same way.
"""

import json
import os
import resource
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clampdown.proofs.crash_yard import Calm, Say, World, forked, state_of, told_by
from pipeline import failpoints
from pipeline.errors import ClampdownError

SIZE = 96 * 1024 * 1024
"""Bytes of the small disk: room for a world, its snapshots, and one more of those."""

BALLAST = "ballast"

OUTER_NAMESPACE = "CLAMPDOWN_OUTER_NAMESPACE"
"""Environment variable that tells a process which mount namespace its parent is in: there it mounts nothing."""


@dataclass(slots=True)
class DiskTally:
    """What came of full disks: stages, how many of them spoke up, and faults in words."""

    kind: str
    stages: int = 0
    refused: int = 0
    unclear: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def namespace() -> str:
    """What names this process's mount namespace; empty where there are none."""
    try:
        return str(Path("/proc/self/ns/mnt").readlink())
    except OSError:
        return ""


def enclosed(command: Sequence[str]) -> list[str]:
    """`command` as it is run in a mount namespace of its own, where it may mount; as it is where there is none."""
    unshare = shutil.which("unshare")
    for options in (["--mount"], ["--mount", "--map-root-user"]) if unshare else ():
        assert unshare is not None, "it was found"
        tried = subprocess.run([unshare, *options, "true"], check=False, capture_output=True)  # noqa: S603 - our own words
        if tried.returncode == 0:
            return [unshare, *options, *command]
    return list(command)


def small_disk(place: Path) -> bool:
    """Mount a small disk at `place`. Returns whether it is there. Call only in a namespace of one's own."""
    mount = shutil.which("mount")
    if mount is None or OUTER_NAMESPACE not in os.environ or namespace() in ("", os.environ[OUTER_NAMESPACE]):
        return False
    place.mkdir(parents=True, exist_ok=True)
    command = [mount, "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603 - our own words


def fill_at(world: World, calm: Calm, stages: Sequence[str], disk: Path, *, is_mounted: bool) -> DiskTally:
    """Fill the disk at each of the failpoints `stages`, in a life of its own; make room; see that life to its end."""
    tally = DiskTally("a small tmpfs" if is_mounted else "a cap on the size of files")
    for stage in stages:
        folder = disk / "world"
        shutil.rmtree(folder, ignore_errors=True)
        world.prepare(folder)
        fill = _fill(disk / BALLAST) if is_mounted else _cap

        def first(say: Say, stage: str = stage, folder: Path = folder, fill: object = fill) -> None:
            assert callable(fill), "one of the two above"
            failpoints.arm(stage, fill)
            try:
                world.work(folder, lambda label: say(f"did {label}"))
                say("silent")
            except ClampdownError as error:
                say(f"refused {json.dumps([type(error).__name__, str(error), error.hint or ''])}")

        def second(say: Say, folder: Path = folder) -> None:
            say(f"found {state_of(folder)}")
            world.work(folder, lambda label: None)
            say(f"ended {state_of(folder)}")

        before = list(told_by(forked(first)))
        (disk / BALLAST).unlink(missing_ok=True)
        after = list(told_by(forked(second)))
        tally.stages += 1
        _judge(stage, before, after, calm, folder, tally)
    return tally


def _judge(stage: str, before: Sequence[str], after: Sequence[str], calm: Calm, folder: Path, tally: DiskTally) -> None:
    last = before[-1].partition(" ") if before else ("nothing", "", "")
    if last[0] == "refused":
        tally.refused += 1
        kind, message, hint = json.loads(last[2])
        if str(folder) not in message or not hint:
            tally.unclear.append(f"{stage}: {kind}: {message} ({hint or 'no way out'})")
    elif last[0] != "silent":
        tally.unclear.append(f"{stage}: {' '.join(last)[:400]}")
    labels = [line.partition(" ")[2] for line in before if line.startswith("did ")]
    at = calm.labels.index(labels[-1]) if labels else -1
    found = {line.partition(" ")[0]: line.partition(" ")[2] for line in after}
    if "error" in found:
        tally.lost.append(f"{stage}: going on failed: {found['error'][:400]}")
    elif at >= 0 and found["found"] not in calm.states[at : at + 2]:
        tally.lost.append(f"{stage}: {calm.labels[at]!r} was told, another state was found")
    elif found["ended"] != calm.states[-1]:
        tally.lost.append(f"{stage}: the tables differ in the end")


def _fill(ballast: Path) -> object:
    def fill() -> None:
        file = os.open(ballast, os.O_WRONLY | os.O_CREAT)
        for size in (1 << 20, 1 << 12, 1):
            try:
                while os.write(file, b"\1" * size):
                    pass
            except OSError:
                pass
        os.close(file)

    return fill


def _cap() -> None:
    """No file may grow any more."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))

"""Where processes are killed: forked from one that has everything imported, watched through a pipe, looked at after.

A victim takes up a world, tells what it finds and, after each commit, what it has done. What it told before it died
must be there for the next one: each state that is found must be the state of an undisturbed life after the last commit
that was told, or after the one that followed it and could not be told any more.
"""

import hashlib
import json
import os
import random
import re
import select
import shutil
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from importlib import import_module
from pathlib import Path
from typing import Protocol

from pipeline import failpoints
from pipeline.errors import ClampdownError
from warehouse.compare import CLOCK_COLUMNS, CLOCK_TABLES
from warehouse.reader import open_reader

PACKAGES = ("pipeline", "extractors", "warehouse", "reports", "flows", "clampdown")
Say = Callable[[str], None]
"""Says a line to whoever watches."""

KILLS_PER_LIFE = 12
PATIENCE = 120.0
"""Seconds by the clock after which a victim that does not end is a fault of its own."""

_HIT = re.compile(r"""\bhit\(\s*["']([\w.-]+)["']\s*\)""")


class World(Protocol):
    """Something to do in a folder, from wherever an earlier life left it, up to the published snapshot."""

    def prepare(self, folder: Path) -> None:
        """Make the folder in which a life begins."""
        ...

    def work(self, folder: Path, say: Say) -> None:
        """Do all that is left, and say a label after each commit."""
        ...


@dataclass(frozen=True, slots=True)
class Kill:
    """When to kill: at the pass of a failpoint, or some seconds after the victim has looked around."""

    failpoint: str | None = None
    after: float = 0.0

    @property
    def name(self) -> str:
        """The failpoint's name; an empty string for a moment."""
        return (self.failpoint or "").partition(":")[0]


@dataclass(frozen=True, slots=True)
class Calm:
    """An undisturbed life: its labels with the states after them, the failpoints that it passed, how long it took.

    `copies` are folders with the warehouse as it was at each label.
    """

    labels: tuple[str, ...]
    states: tuple[str, ...]
    passed: tuple[str, ...]
    seconds: float
    copies: tuple[Path, ...]


@dataclass(slots=True)
class Tally:
    """What came of the kills. `faults` are in words; `reached` counts kills by failpoint, those at moments under ""."""

    reached: Counter[str] = field(default_factory=Counter)
    lives: int = 0
    lost: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    torn_snapshots: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        """How many there were."""
        return self.reached.total()

    def packed(self) -> str:
        """All of it in one line, from which `unpacked` makes it again."""
        # `asdict` would make a Counter of the pairs of a Counter.
        return json.dumps({one.name: getattr(self, one.name) for one in fields(self)})

    @classmethod
    def unpacked(cls, line: str) -> "Tally":
        """The tally that was packed."""
        told = json.loads(line)
        return cls(**told | {"reached": Counter(told["reached"])})

    def add(self, other: "Tally") -> None:
        """Take over what another counted."""
        self.reached += other.reached
        self.lives += other.lives
        self.lost += other.lost
        self.differing += other.differing
        self.torn_snapshots += other.torn_snapshots


def all_failpoints() -> set[str]:
    """The name of every failpoint in the program's own source."""
    found: set[str] = set()
    for package in PACKAGES:
        origin = import_module(package).__file__
        assert origin is not None, "a package of ours has an __init__.py"
        for path in Path(origin).parent.rglob("*.py"):
            found |= set(_HIT.findall(path.read_text("utf-8")))
    return found


def state_of(folder: Path) -> str:
    """A digest of all that the warehouse in `folder` holds, clocks left out; empty where there is none.

    What `warehouse.compare.content` returns, as a number of rows and a sum of their hashes for each table.
    """
    path = folder / "warehouse.duckdb"
    if not path.exists():
        return ""
    with open_reader(path) as reader:
        tables: dict[str, list[str]] = {}
        for table, column in reader.rows(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = current_database() "
            "AND NOT internal ORDER BY table_name, column_index"
        ):
            if table not in CLOCK_TABLES and column not in CLOCK_COLUMNS:
                tables.setdefault(table, []).append(f'"{column}"')
        parts = (
            f"SELECT '{table}', count(*), CAST(sum(hash(kept)) AS VARCHAR) "  # noqa: S608 - names of our own
            f'FROM (SELECT {", ".join(columns)} FROM "{table}") AS kept'
            for table, columns in tables.items()
        )
        found = reader.rows(" UNION ALL ".join(parts)) if tables else []
    return hashlib.sha256(repr(sorted(found)).encode()).hexdigest()


def calm_life(world: World, folder: Path) -> Calm:
    """Let `world` live undisturbed, and keep a copy of its warehouse at each label to say what its state was."""
    world.prepare(folder)
    labels: list[str] = []
    copies: list[Path] = []
    passed: list[str] = []
    start = time.monotonic()
    for line in told_by(forked(lambda say: _recorded(world, folder, say))):
        kind, _, said = line.partition(" ")
        if kind == "did":
            labels.append(said)
            copies.append(folder.with_name(f"{folder.name}-{len(labels)}"))
        elif kind == "passed":
            passed = json.loads(said)
        elif kind == "error":
            raise RuntimeError(f"an undisturbed life failed: {said}")
    seconds = time.monotonic() - start
    states: list[str] = []
    for line in told_by(forked(lambda say: _describe(copies, say))):
        if line.startswith("error"):
            raise RuntimeError(line)
        states.append(line)
    return Calm(tuple(labels), tuple(states), tuple(passed), seconds, tuple(copies))


def _describe(copies: Sequence[Path], say: Say) -> None:
    for copy in copies:
        say(state_of(copy))


def _recorded(world: World, folder: Path, say: Say) -> None:
    number = 0

    def did(label: str) -> None:
        nonlocal number
        number += 1
        copy = folder.with_name(f"{folder.name}-{number}")
        copy.mkdir()
        for file in folder.glob("warehouse.duckdb*"):
            shutil.copy(file, copy)
        say(f"did {label}")

    seen = failpoints.record()
    world.work(folder, did)
    say(f"passed {json.dumps(seen)}")


def kill_all(
    world: World, calm: Calm, kills: Sequence[Kill], place: Path, tell: Callable[[int], None] = lambda _: None
) -> Tally:
    """Kill victims of `world` as planned, some in each life, and see each life to its end.

    A kill whose failpoint or moment a life no longer comes to waits for the next life; a failpoint that a whole life
    does not pass counts nowhere.
    """
    tally = Tally()
    waiting = list(kills)
    while waiting:
        folder = place / f"life-{tally.lives}"
        world.prepare(folder)
        waiting = _life(world, calm, waiting, folder, tally)
        tally.lives += 1
        shutil.rmtree(folder)
        tell(tally.kills)
    return tally


def _life(world: World, calm: Calm, kills: Sequence[Kill], folder: Path, tally: Tally) -> list[Kill]:
    """One life from nothing to its end. Returns the kills that are still to be done."""
    at, history, missed = -1, "", list[Kill]()
    mine, rest = list(kills[:KILLS_PER_LIFE]), list(kills[KILLS_PER_LIFE:])
    for number, kill in enumerate([*mine, Kill()]):
        is_last = number == len(mine)
        told, status = _victim(world, folder, None if is_last else kill)
        at = checked(told, calm, at, tally, history)
        errors = [line for line in told if line.startswith("error")]
        if errors or status not in (0, -signal.SIGKILL):
            tally.lost.append(f"after {history or 'nothing'}: {(errors or [f'status {status}'])[0][:600]}")
            return [*missed, *mine[number + 1 :], *rest]
        if status == 0:
            if not is_last and (number > 0 or kill.failpoint is None):
                # It had nothing left to do there: a life of its own will show. A moment comes sooner then.
                missed = [one if one.failpoint is not None else Kill(after=one.after / 2) for one in mine[number:]]
            _ended(told, calm, folder, tally, history)
            left = mine[number + 1 :] if not missed else []
            return [*missed, *left, *rest]
        tally.reached[kill.name] += 1
        history = f"{history} {kill.failpoint or f'{kill.after:.3f} s'}".strip()
    raise AssertionError("the last victim of a life is not killed")


def _victim(world: World, folder: Path, kill: Kill | None) -> tuple[list[str], int]:
    """Let a victim live, until it is killed or done. Returns what it told, and its exit status."""

    def life(say: Say) -> None:
        torn = torn_snapshot(folder)
        say(f"snapshot {torn}")
        say(f"found {state_of(folder)}")
        failpoints.arm((kill.failpoint or "") if kill else "")
        world.work(folder, lambda label: say(f"did {label}"))
        failpoints.arm("")
        say(f"ended {state_of(folder)}")
        say(f"snapshot {torn_snapshot(folder)}")

    told: list[str] = []
    child = forked(life)
    for line in told_by(child, after=kill.after if kill and kill.failpoint is None else None):
        told.append(line)
    return told, child.status


def checked(told: Sequence[str], calm: Calm, at: int, tally: Tally, history: str) -> int:
    """Hold what a victim found against what was told before. Returns which commit has been told last now."""
    for line in told:
        kind, _, said = line.partition(" ")
        if kind == "found" and at >= 0:
            may = [k for k in (at, at + 1) if k < len(calm.states) and calm.states[k] == said]
            if not may:
                where = [calm.labels[k] for k, state in enumerate(calm.states) if state == said]
                found = f"the state after {where[0]!r}" if where else "a state that never was"
                tally.lost.append(f"{history}: after {calm.labels[at]!r} was told, {found} was found")
            else:
                at = max(may)
        elif kind == "did":
            at = max(at, calm.labels.index(said))
        elif kind == "snapshot" and said:
            tally.torn_snapshots.append(f"{history}: {said}")
    return at


def _ended(told: Sequence[str], calm: Calm, folder: Path, tally: Tally, history: str) -> None:
    (last,) = (line.partition(" ")[2] for line in told if line.startswith("ended"))
    if last != calm.states[-1]:
        tally.differing.append(f"{folder.name}, killed at {history}: the tables differ")
    if list(folder.rglob(".unfinished-*")):
        tally.differing.append(f"{folder.name}, killed at {history}: unfinished files stay")


def torn_snapshot(folder: Path) -> str:
    """What is wrong with the published snapshot, in words; empty where all files are as the manifest says, or none."""
    published = folder / "published"
    if not (published / "clampdown.duckdb").exists():
        return ""
    try:
        files = json.loads((published / "manifest.json").read_text("utf-8"))["files"]
        for name, about in files.items():
            data = (published / "current" / name).read_bytes()
            if hashlib.sha256(data).hexdigest() != about["sha256"]:
                return f"{name} is not as the manifest says"
    except (OSError, ValueError, KeyError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


@dataclass(slots=True)
class Child:
    """A forked process, the pipe that it talks into, and how it ended."""

    pid: int
    pipe: int
    status: int = 0


def forked(life: Callable[[Say], object]) -> Child:
    """Fork a process for `life`, which gets the function to say lines with."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return Child(pid, reading)
    status = 1
    try:
        os.close(reading)
        life(lambda line: _say(writing, line))
        status = 0
    except ClampdownError as error:
        _say(writing, f"error {type(error).__name__}: {error}")
    except BaseException:
        _say(writing, "error " + " ".join(traceback.format_exc().split()))
    finally:
        # Nothing of the parent's may run in its copy.
        os._exit(status)


def _say(pipe: int, line: str) -> None:
    os.write(pipe, (line.replace("\n", " ") + "\n").encode())


def told_by(child: Child, *, after: float | None = None, patience: float | None = PATIENCE) -> Iterator[str]:
    """What a child tells, line by line, until it has ended. `after` seconds from its first look it is killed."""
    buffer, is_kill = b"", False
    deadline = None if patience is None else time.monotonic() + patience
    while True:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select([child.pipe], [], [], left)
        if not ready:
            os.kill(child.pid, signal.SIGKILL)
            if not is_kill:
                yield f"error it did not end in {PATIENCE:.0f} s"
            deadline = time.monotonic() + PATIENCE
            continue
        data = os.read(child.pipe, 65_536)
        if not data:
            break
        *lines, buffer = (buffer + data).split(b"\n")
        for line in lines:
            if after is not None and line.startswith(b"found"):
                deadline, is_kill = time.monotonic() + after, True
            yield line.decode()
    os.close(child.pipe)
    _, status = os.waitpid(child.pid, 0)
    child.status = os.waitstatus_to_exitcode(status)


def plan(calm: Calm, kills: int, seed: int = 1) -> list[Kill]:
    """Spread `kills` over the failpoints that an undisturbed life passes, and over moments, in the order of a life.

    A third of them falls on moments; of the rest each failpoint gets the same share, at one of its first passes.
    """
    dice = random.Random(seed)
    names = list(dict.fromkeys(calm.passed))
    first = {name: calm.passed.index(name) for name in names}
    passes = Counter(calm.passed)
    moments = kills // 3 if kills > len(names) else 0
    planned = [Kill(after=dice.uniform(0, calm.seconds)) for _ in range(moments)]
    for number in range(kills - moments):
        name = names[number % len(names)]
        count = 1 if number < len(names) else dice.randint(1, passes[name])
        planned.append(Kill(f"{name}:{count}"))
    dice.shuffle(planned)
    arranged = []
    for k in range(0, len(planned), KILLS_PER_LIFE):
        some = planned[k : k + KILLS_PER_LIFE]
        # What comes late in a life is killed late: else most lives would end before it.
        arranged += sorted(some, key=lambda kill: first.get(kill.name, dice.randrange(len(calm.passed))))
    return arranged

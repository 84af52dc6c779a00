"""A write-ahead log that breaks off, or holds a byte that is not what was written: what opening makes of it."""

import random
import shutil
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clampdown.proofs.crash_yard import Calm, Say, World, forked, state_of, told_by
from pipeline import failpoints
from pipeline.errors import WarehouseError
from warehouse.store import open_warehouse

STEP = 4096
NAME = "warehouse.duckdb"
LOG = f"{NAME}.wal"
WAY_OUT = "clampdown rebuild"


@dataclass(slots=True)
class LogTally:
    """What came of damaged logs. `refused` were not opened, with a word; `earlier` opened at an earlier state.

    `faults` opened at a state that never was, or failed otherwise; `poisoned` could not be gone on with.
    """

    cuts: int = 0
    flips: int = 0
    refused: int = 0
    earlier: int = 0
    faults: list[str] = field(default_factory=list)
    continued: int = 0
    poisoned: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Damages:
    """How often at most a log is cut and altered, and how many of the cut ones are gone on with."""

    cuts: int
    flips: int
    lives: int


def damage(world: World, calm: Calm, states: Sequence[Path], place: Path, some: Damages) -> LogTally:
    """Open copies of a world's warehouse whose log is cut or altered, and go on with some of them.

    `states` are the copies that `calm` was taken from, the last of which has the whole log. Those that are gone on with
    are killed once more, and seen to the end.
    """
    tally = LogTally()
    whole = states[-1]
    log = (whole / LOG).read_bytes()
    sizes = [(copy / LOG).stat().st_size if (copy / LOG).exists() else 0 for copy in states]
    work = list(_cuts(len(log), sizes, some.cuts))
    for line in _opened(whole, place, ((cut, log[:cut]) for cut in work)):
        kind, cut, said = line.split(" ", 2)
        tally.cuts += 1
        # Before the first label, the tables were being made: what stood then was not written down.
        at = max((k for k, size in enumerate(sizes) if size <= int(cut)), default=None)
        if kind != "found" or (at is not None and said != calm.states[at]):
            tally.faults.append(f"cut at {cut}: {kind} {said[:300]}")
    dice = random.Random(2)
    for line in _opened(whole, place, _flipped(log, some.flips, dice)):
        kind, where, said = line.split(" ", 2)
        tally.flips += 1
        if kind == "refused":
            tally.refused += 1
            if str(place) not in said or WAY_OUT not in said:
                tally.faults.append(f"flipped at {where}: {said[:300]}")
        elif kind == "found" and (said in calm.states or int(where) < sizes[0]):
            tally.earlier += said != calm.states[len(states) - 1]
        else:
            tally.faults.append(f"flipped at {where}: {kind} {said[:300]}")
    for length in work[:: max(1, len(work) // some.lives)][: some.lives] if some.lives else ():
        _go_on(world, calm, whole, place, log[:length], tally)
    return tally


def _cuts(length: int, sizes: Sequence[int], at_most: int) -> Iterator[int]:
    """Every 4 KiB, and just before, at and after ends of transactions; evenly thinned where less is asked."""
    every = {*range(0, length, STEP), *(size + by for size in sizes for by in (-1, 0, 1, 7)), length}
    wanted = sorted(cut for cut in every if 0 <= cut <= length)
    yield from wanted[:: max(1, -(-len(wanted) // at_most))]


def _flipped(log: bytes, count: int, dice: random.Random) -> Iterator[tuple[int, bytes]]:
    for _ in range(count):
        at = dice.randrange(len(log))
        yield at, log[:at] + bytes([log[at] ^ 1 << dice.randrange(8)]) + log[at + 1 :]


def _opened(whole: Path, place: Path, logs: Iterator[tuple[int, bytes]]) -> Iterator[str]:
    """What opening says of each log, all by one process: the state, or the refusal."""

    def look(say: Say) -> None:
        for where, log in logs:
            _put(whole, place, log)
            try:
                # As a run opens it, and then as a reader sees it.
                open_warehouse(place / NAME).close()
                say(f"found {where} {state_of(place)}")
            except WarehouseError as error:
                say(f"refused {where} {error} ({error.hint})")
            except Exception as error:
                say(f"leaked {where} {type(error).__name__}: {error}")

    yield from told_by(forked(look))


def _put(whole: Path, place: Path, log: bytes) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    shutil.copy(whole / NAME, place)
    (place / LOG).write_bytes(log)


def _go_on(world: World, calm: Calm, whole: Path, place: Path, log: bytes, tally: LogTally) -> None:
    """Go on from a cut log, die once more, and live to the end."""
    _put(whole, place, log)

    def life(say: Say, failpoint: str) -> None:
        failpoints.arm(failpoint)
        world.work(place, lambda label: None)
        failpoints.arm("")
        say(state_of(place))

    killed = forked(lambda say: life(say, "store.committed"))
    errors = [line for line in told_by(killed) if line.startswith("error")]
    ended = list(told_by(forked(lambda say: life(say, "")))) if killed.status in (0, -signal.SIGKILL) else errors
    tally.continued += 1
    if errors or ended[-1:] != [calm.states[-1]]:
        tally.poisoned.append(f"cut at {len(log)}: {(errors or ended or ['it died'])[-1][:300]}")

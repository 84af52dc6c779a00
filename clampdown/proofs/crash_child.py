"""The process in which `prove crash` does its work: everything imported, no thread, no engine open; it only forks.

It reads a job as JSON from its input and writes lines to its output: `tell` what it does, `claim` what it found.
"""

import json
import shutil
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from clampdown.proofs import crash_world
from clampdown.proofs.claims import Claim
from clampdown.proofs.crash_disk import DiskTally, fill_at, small_disk
from clampdown.proofs.crash_keep import PREFIXES, Rebuilt, bring_back, kill_keeping
from clampdown.proofs.crash_log import Damages, LogTally, damage
from clampdown.proofs.crash_run import Sampled, SampleRun, calm_run, kill_runs, preload
from clampdown.proofs.crash_yard import (
    Calm,
    Child,
    Kill,
    Say,
    Tally,
    all_failpoints,
    calm_life,
    forked,
    kill_all,
    plan,
    told_by,
)
from flows.house import WAREHOUSE_NAME
from pipeline.types import Source
from warehouse import schema
from warehouse.catching_up import catch_up
from warehouse.database import Database
from warehouse.store import Warehouse, open_warehouse


@dataclass(frozen=True, slots=True)
class MadeUp:
    """The made-up world as a `World`. With `often`, the log goes into the file every few KiB, amid all else.

    Lives begin with a copy of the warehouse `base`, or with nothing.
    """

    entries: int
    often: bool = False
    base: Path | None = None

    def prepare(self, folder: Path) -> None:
        """Make the folder, with the warehouse in it where there is one to begin with."""
        folder.mkdir(parents=True)
        if self.base is not None:
            shutil.copy(self.base, folder)

    def work(self, folder: Path, say: Say) -> None:
        """Go on to the end."""
        database = Database.open(folder / WAREHOUSE_NAME)
        with Warehouse(database) as warehouse:
            if self.often:
                database.script("SET wal_autocheckpoint = '16KB'")
            schema.migrate(database)
            catch_up(database)
            crash_world.live(warehouse, folder, say, entries=self.entries)
            warehouse.publish(folder / "published", manifest={"model": crash_world.MODEL})
            say("published")


@dataclass(frozen=True, slots=True)
class Job:
    """How much to do: kills of the made-up world and of runs, cuts and flips of the log, stages of a full disk.

    `every_stage` fills the disk at each failpoint, else at some. `lives` cut logs are gone on with. `entries` is the
    size of the made-up world, `hands` how many processes kill at a time.
    """

    kills: int
    run_kills: int
    cuts: int
    flips: int
    lives: int
    every_stage: bool
    entries: int
    hands: int


ELSEWHERE = ("migrate.table", "digest.", "outbox.", "flow.", "lease.")
"""Beginnings of failpoints that need a Postgres, or that lie around runs and not in them: their own tests kill there.
"""


def main() -> None:
    """Do the job that standard input describes, in the folder that it names."""
    given = json.load(sys.stdin)
    preload()
    place, job = Path(given["folder"]), Job(**given["job"])
    _tell("living once undisturbed")
    base = None if job.every_stage else place / WAREHOUSE_NAME
    if base is not None:
        list(told_by(forked(lambda say: open_warehouse(base).close())))
    world = MadeUp(job.entries, base=base)
    calm = calm_life(world, place / "calm")
    tally = _killed(world, calm, job, place)
    sources = tuple(Source(**one | {"topics": tuple(one["topics"])}) for one in given["sources"])
    run = SampleRun(sources, tuple(given["allow_hosts"]), given["patience"])
    _tell("killing runs over the sample")
    calm_one = calm_run(run, place / "run")
    tally.add(kill_runs(run, calm_one, _of_runs(calm_one, job.run_kills), place / "runs"))
    passed = {*calm.passed, *calm_one.passed}
    if job.every_stage:
        _tell("killing backups, pruning and restoring")
        passed |= kill_keeping(place / "run", place / "keeping", tally)
    _claim_kills(tally, passed, job)
    _tell("filling the disk")
    stages = list(dict.fromkeys(calm.passed))
    is_mounted = small_disk(place / "disk")
    some = stages if job.every_stage else ["store.events"]
    _claim_disk(fill_at(world, calm, some, place / "disk", is_mounted=is_mounted))
    _tell("cutting and altering the log")
    # Publishing comes last, and what it copies is the whole.
    copies = calm.copies[: calm.labels.index("published")]
    damages = Damages(job.cuts, job.flips, job.lives)
    _claim_log(damage(world, calm, copies, place / "log", damages), job)
    if job.every_stage:
        _tell("rebuilding what an altered log had dropped")
        _claim_rebuilt(bring_back(run, place / "rebuilt"))


def _killed(world: MadeUp, calm: Calm, job: Job, place: Path) -> Tally:
    """Kill the made-up world, by several processes at once. In every second life the log is written back often."""
    kills, start = plan(calm, job.kills), time.monotonic()

    def killing(hand: int) -> Tally:
        tally = Tally()
        for half, one in enumerate((world, replace(world, often=True))):
            mine = kills[2 * hand + half :: 2 * job.hands]

            def told(done: int, before: int = tally.kills) -> None:
                if not hand:
                    seconds = time.monotonic() - start
                    _tell(f"about {(before + done) * job.hands:,} of {job.kills:,} kills, after {seconds:.0f} s")

            tally.add(kill_all(one, calm, mine, place / f"hand-{hand}-{half}", told))
        return tally

    if job.hands == 1:
        return killing(0)
    whole = Tally()

    def hand_over(hand: int) -> Child:
        return forked(lambda say: say(killing(hand).packed()))

    children = [hand_over(hand) for hand in range(job.hands)]
    for child in children:
        for line in told_by(child, patience=None):
            if line.startswith("error"):
                raise RuntimeError(line)
            whole.add(Tally.unpacked(line))
    return whole


def _of_runs(calm: Sampled, count: int) -> list[Kill]:
    """Failpoints of a run's own first, then the others, twice, then moments."""
    names = sorted(dict.fromkeys(calm.passed), key=lambda name: not name.startswith("ingest."))
    kills = [Kill(f"{name}:{1 + number // len(names)}") for number, name in enumerate((names * 2)[:count])]
    moments = count - len(kills)
    return [*kills, *(Kill(after=calm.seconds * (k + 1) / (moments + 1)) for k in range(moments))]


def _claim_kills(tally: Tally, passed: Collection[str], job: Job) -> None:
    known = {name for name in all_failpoints() if not name.startswith(ELSEWHERE)}
    if not job.every_stage:
        known = {name for name in known if not name.startswith((*PREFIXES, "migrate."))}
    unreached = sorted(known - set(tally.reached if job.every_stage else passed))
    at_points = {name: count for name, count in tally.reached.items() if name}
    measured = (
        f"{tally.kills:,} kills in {tally.lives:,} lives: {sum(at_points.values()):,} at {len(at_points)} failpoints, "
        f"{tally.reached['']:,} at random moments"
    )
    wanted = (job.kills + job.run_kills) * 9 // 10
    _claim("processes are killed everywhere", measured, f"{wanted:,} or more", tally.kills >= wanted)
    how = "killed at" if job.every_stage else "passed"
    said = ", ".join(unreached) or f"all of {len(known)}"
    _claim(f"each failpoint of the source is {how}", said, "all", not unreached)
    _claim("what was told as committed is there after the kill, whole and once", *_none_of(tally.lost))
    _claim("lives that were cut end in the tables of an undisturbed one", *_none_of(tally.differing))
    _claim("the published snapshot is whole after each kill", *_none_of(tally.torn_snapshots))


def _claim_disk(tally: DiskTally) -> None:
    said = f"{tally.refused} of {tally.stages} stages were refused, on {tally.kind}"
    _claim("a full disk stops what is written to it", said, "most of them", 2 * tally.refused > tally.stages)
    _claim("a full disk is reported with the path and the way out", *_none_of(tally.unclear))
    _claim("nothing is lost or doubled once there is room again", *_none_of(tally.lost))


def _claim_log(tally: LogTally, job: Job) -> None:
    measured = (
        f"{tally.cuts} cuts, {tally.flips} altered bytes: {tally.refused} refused, {tally.earlier} opened earlier"
    )
    _claim("a damaged log is put to the test", measured, f"{job.flips} altered bytes", tally.flips == job.flips)
    _claim("it opens at a committed state, or is refused with the way out", *_none_of(tally.faults))
    _claim("a life goes on from a log that breaks off", *_none_of(tally.poisoned, tally.continued))


def _claim_rebuilt(found: Rebuilt) -> None:
    before, dropped, again = found.entries
    measured = f"{before} articles, {dropped} once the log had been altered, {again} after `clampdown rebuild`"
    holds = not found.faults and dropped < before
    _claim("what a log drops in silence, the archive brings back", measured, "all", holds)


def _none_of(faults: Sequence[str], of: int | None = None) -> tuple[str, str, bool]:
    first = "".join(f"; {fault}" for fault in faults[:3])
    among = "" if of is None else f" of {of}"
    return f"{len(faults)}{among} are otherwise{first}", "0", not faults


def _claim(text: str, measured: str, promised: str, holds: bool) -> None:
    _line("claim", asdict(Claim(text, measured, promised, holds)))


def _tell(line: str) -> None:
    _line("tell", line)


def _line(kind: str, said: object) -> None:
    sys.stdout.write(json.dumps({kind: said}) + "\n")
    # Children are forked from here: nothing may wait in a buffer that they would write once more.
    sys.stdout.flush()


if __name__ == "__main__":
    main()

"""Months in an hour: `clampdown serve` over a changing web of outlets, killed again and again, held against calm runs.

A clock that the proof moves takes all processes from one state of that web to the next, three hours later. In each of
them the flows that are due must happen, whoever is killed meanwhile. Direct runs over the same states, in a process
that nobody kills, say what must come out.
"""

import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from clampdown.proofs.claims import Proof, Tell
from clampdown.proofs.shifted import ShiftedClock
from clampdown.proofs.soak_curves import Reading, disk
from clampdown.proofs.soak_plain import Plain
from clampdown.proofs.soak_report import Record
from clampdown.proofs.soak_served import Served, environment, write_config
from clampdown.proofs.soak_site import SoakSite
from clampdown.proofs.soak_tree import PARTS, Part, Weight, is_alive
from clampdown.proofs.soak_world import START, STEP, build, moment
from flows.house import WAREHOUSE_NAME
from pipeline.errors import ClampdownError, InputError
from pipeline.lease import lease
from pipeline.occasions import latest
from pipeline.settings import Settings, load


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to do: states to live through, kills in the first three fifths of them, and when tables are compared.

    Nobody is killed after that, so that the curves of memory show one long life.
    """

    cycles: int = 200
    kills: int = 20
    compare_every: int = 10
    outlets: int = 12
    seed: int = 7
    targets: tuple[Part, ...] = ("flow", "server", "flow", "runner", "supervisor")
    """Who is killed, in turn."""


SHORT: Final = Plan(cycles=3, kills=1, outlets=8, targets=("runner",))
"""With the runner, the flow that it started dies."""

LATEST_KILL: Final = 4.0
"""Seconds from the beginning of a cycle, or from the appearance of a flow process, within which a kill falls."""

PATIENCE: Final = 300.0
"""Seconds by the clock of the machine after which a cycle is given up."""

NUDGE_AFTER: Final = 5.0
NUDGE: Final = timedelta(minutes=2, seconds=10)
"""What was killed is tried again after minutes, which nobody needs to wait for. Not so often as to bring the next state
near."""

MOST_NUDGES: Final = 12
LOOK_EVERY: Final = 0.2
WEIGH_EVERY: Final = 0.6


PLANNED_AHEAD: Final = {
    "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_SCHEDULED_TIME": "P3D",
    "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "5",
    "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "5",
}
"""Days go by here faster than Prefect plans the next hours."""


class Stuck(ClampdownError):
    """A cycle did not come to its end."""


@dataclass(slots=True)
class Kill:
    """A kill that is due: `after` seconds from the beginning of its cycle or, for a flow, from its own.

    Where `at_work`, a flow begins when it is noted in the flow log, else with its process.
    """

    part: Part
    after: float
    at_work: bool = False
    begins: float | None = None

    def is_due(self) -> bool:
        """Whether its moment has come."""
        return self.begins is not None and time.monotonic() >= self.begins + self.after


def planned(plan: Plan) -> dict[int, Kill]:
    """The kills by the cycle in which each is first due, from the seed. The first cycle is left alone."""
    dice = random.Random(plan.seed)
    last = max(plan.kills + 1, plan.cycles * 3 // 5)
    cycles = sorted(dice.sample(range(1, last), plan.kills))
    return {
        cycle: Kill(plan.targets[number % len(plan.targets)], dice.uniform(0, LATEST_KILL), at_work=number % 4 != 0)
        for number, cycle in enumerate(cycles)
    }


def prove(tell: Tell, *, short: bool = False, plan: Plan | None = None, to: Path | None = None) -> Proof:
    """Soak, by default as long as is promised. `to` is a new folder that keeps all.

    That is what each cycle saw (soak.jsonl), the log of serve, and the data. An interrupt ends it early, with what was
    seen until then. Raises InputError where `to` is there, and NotPossible where the clock can't be moved.
    """
    plan = plan or (SHORT if short else Plan())
    with _folder(to) as folder:
        record = Record(folder / "soak.jsonl", plan.cycles, plan.kills)
        with ExitStack() as stack:
            world = build(plan.cycles, plan.outlets, plan.seed)
            site = stack.enter_context(SoakSite(world, folder / "sources.toml"))
            clock = ShiftedClock(folder / "clock", START)
            config = write_config(folder, site.allow_hosts, ingest_every=STEP.total_seconds())
            settings = load(config, environ={}).settings
            site.switch(0)
            environ = environment() | clock.environment
            plain = stack.enter_context(Plain(config, environ))
            served = stack.enter_context(Served(config, settings, environ | PLANNED_AHEAD, folder / "serve.log"))
            soak = Soak(plan, site, clock, served, plain, record, tell)
            try:
                soak.live()
            except KeyboardInterrupt:
                tell("interrupted: what was seen so far")
            except ClampdownError as error:
                record.fault(f"{error}; the log ends with: {served.tail()[-600:]}")
            served.stop()
            soak.conclude()
        return Proof("soak", tuple(record.claims()), record.figures())


@dataclass(slots=True)
class Soak:
    """A soak that goes on."""

    plan: Plan
    site: SoakSite
    clock: ShiftedClock
    served: Served
    plain: Plain
    record: Record
    tell: Callable[[str], None]
    kills: dict[int, Kill] = field(default_factory=dict)
    waiting: list[Kill] = field(default_factory=list)
    heaviest: Weight = field(default_factory=Weight)
    done: int = 0
    _weighed_at: float = 0.0

    def live(self) -> None:
        """Go through all states."""
        self.kills = planned(self.plan)
        self._get_ready()
        for state in range(self.plan.cycles):
            self._cycle(state)
            self.done = state + 1
            if self.done % self.plan.compare_every == 0 and self.done < self.plan.cycles:
                self.compare("warehouse")

    def compare(self, what: str) -> None:
        """Hold the warehouse, or what is published, against that of the undisturbed runs."""
        data_dir = self.served.settings.data_dir
        if what == "published":
            self.record.compare(self.done, self.plain.differences(data_dir), what)
            return
        copy = data_dir.with_name("copy")
        copy.mkdir()
        with lease(data_dir, holder="soak", wait=PATIENCE):
            for file in data_dir.glob(f"{WAREHOUSE_NAME}*"):
                shutil.copy(file, copy)
        self.record.compare(self.done, self.plain.differences(copy), what)
        shutil.rmtree(copy)

    def conclude(self) -> None:
        """After serve has stopped: compare for the last time, and look at what is left."""
        record, settings = self.record, self.served.settings
        record.stopped_in, record.left = self.served.stopped_in, len(self.served.left)
        if not self.done:
            return
        record.plain_disk = disk(settings.data_dir.with_name("plain"))
        # One that was cut short ends amid a state: there is nothing to compare it with.
        if self.done == self.plan.cycles:
            self.compare("warehouse")
            self.compare("published")
        record.digests = self._digests(settings)

    def _get_ready(self) -> None:
        """Wait until flows can run. The first ingest begins by itself."""
        began = time.monotonic()
        while not self.served.is_ready():
            self.served.keep_up()
            # So that it is known who is to be cleared up after.
            self.served.tree()
            if time.monotonic() - began > PATIENCE:
                raise Stuck(f"`clampdown serve` is not ready after {PATIENCE:.0f} s")
            time.sleep(0.2)
        self.tell(f"serving after {time.monotonic() - began:.1f} s")

    def _cycle(self, state: int) -> None:
        began = time.monotonic()
        self.heaviest = Weight()
        if state in self.kills:
            self.waiting.append(self.kills[state])
        if state:
            # Nobody reads while all changes: who writes has the lease, and who has it is alone.
            with lease(self.served.settings.data_dir, holder="soak", wait=PATIENCE):
                self.site.switch(state)
                self.clock.set(moment(state))
        self.plain.begin_run(moment(state))
        killed = self._wait(state, began)
        self.plain.ended()
        self._settle(began)
        seconds = time.monotonic() - began
        found = self.served.tree()
        reading = Reading(
            cycle=state,
            seconds=round(seconds, 2),
            killed=tuple(killed),
            starts=self.served.starts,
            parts={part: found.weigh(part) for part in PARTS if part != "flow"},
            flow=self.heaviest,
            disk={name: round(size, 3) for name, size in disk(self.served.settings.data_dir).items()},
            server=next(iter(found.pids("server")), 0),
        )
        self.record.read(reading)
        self.tell(self._line(reading))

    def _wait(self, state: int, began: float) -> list[str]:
        """Wait until all that was due has happened, killing meanwhile. Returns who was killed."""
        killed: list[str] = []
        nudges, quiet_since = 0, began
        while True:
            if done := self._kill_due(began):
                killed += done
                quiet_since = time.monotonic()
            self.served.keep_up()
            missing = self.served.missing(START, moment(state))
            if not missing and not (self.waiting and self.waiting[0].part != "flow"):
                return killed
            if self.served.tree().pids("flow") or self.served.is_busy():
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > NUDGE_AFTER and nudges < MOST_NUDGES:
                self.clock.set(self.clock.now() + NUDGE)
                nudges, quiet_since = nudges + 1, time.monotonic()
            if time.monotonic() - began > PATIENCE:
                raise Stuck(f"cycle {state}: {', '.join(missing)} did not come to an end in {PATIENCE:.0f} s")
            time.sleep(LOOK_EVERY)

    def _kill_due(self, began: float) -> list[str]:
        """Kill who is due. A flow that ended before its moment leaves the kill to the next one."""
        now, tree = time.monotonic(), self.served.tree()
        if now - self._weighed_at > WEIGH_EVERY and tree.pids("flow"):
            self.heaviest = max(self.heaviest, tree.weigh("flow"), key=lambda weight: weight.memory)
            self._weighed_at = now
        if not self.waiting:
            return []
        kill = self.waiting[0]
        there = [pid for pid in tree.pids(kill.part) if is_alive(pid)]
        if kill.part != "flow":
            kill.begins = began
        elif not there:
            if kill.begins is not None:
                # It ended first: the next one is killed sooner.
                kill.after /= 2
            kill.begins = None
        elif kill.begins is None and (not kill.at_work or self.served.is_busy()):
            kill.begins = now
        if not there or not kill.is_due() or not self.served.kill(there[-1]):
            return []
        self.waiting.pop(0)
        self.tell(f"  killed the {kill.part} {now - began:.1f} s into the cycle")
        return [kill.part]

    def _settle(self, began: float) -> None:
        """Wait until what serves is idle."""
        while self.served.tree().pids("flow") or not self.served.is_ready():
            self.served.keep_up()
            if time.monotonic() - began > PATIENCE:
                raise Stuck(f"flow processes did not end in {PATIENCE:.0f} s")
            time.sleep(LOOK_EVERY)

    def _line(self, reading: Reading) -> str:
        memory = sum(weight.memory for weight in reading.parts.values())
        handles = sum(weight.handles for weight in reading.parts.values())
        return (
            f"cycle {reading.cycle + 1} of {self.plan.cycles}: {reading.seconds:.1f} s, idle {memory:.0f} MB and "
            f"{handles} files, a flow {reading.flow.memory:.0f} MB, disk {sum(reading.disk.values()):.1f} MB"
        )

    def _digests(self, settings: Settings) -> tuple[list[str], list[str]]:
        """The days for which a digest was due, and those for which there is one."""
        at, zone = settings.serve.digest_at, settings.serve.zone
        assert at is not None, "the settings of a soak want digests"
        due = {latest(at, zone, moment(state)) for state in range(self.done)}
        made = [path.stem for path in (settings.data_dir / "digests").glob("*.json")]
        return sorted(one.day.isoformat() for one in due if one.at > START), sorted(made)


@contextmanager
def _folder(to: Path | None) -> Iterator[Path]:
    if to is None:
        with tempfile.TemporaryDirectory(prefix="clampdown-soak-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
        return
    try:
        to.mkdir(parents=True)
    except FileExistsError:
        raise InputError(f"{to} is there already", hint="A soak begins with an empty folder: name another.") from None
    yield to.absolute()

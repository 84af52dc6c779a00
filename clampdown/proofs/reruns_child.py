"""The process in which `prove reruns` forks its runs: everything imported, no thread, no engine open.

It reads a job as JSON from its input and writes lines to its output: `tell` what it does, `claim` what it found.
"""

import hashlib
import json
import pickle
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from clampdown.proofs.claims import Claim
from clampdown.proofs.crash_run import BATCH, Inline, Toy, preload
from clampdown.proofs.crash_yard import Say, forked, told_by
from clampdown.proofs.soak_plain import different
from flows.house import ARCHIVE_NAME, PUBLISHED_NAME, WAREHOUSE_NAME, House, open_store
from flows.ingest import RunReport, Stages, ingest
from flows.serving.perform import perform
from pipeline import failpoints
from pipeline.archive import Archive
from pipeline.errors import WarehouseLocked
from pipeline.fetch import FetchSession
from pipeline.settings import FetchSettings, PollSettings, RunSettings, Settings
from pipeline.types import Source
from warehouse.compare import content
from warehouse.snapshot import DATABASE_NAME

SEED: Final = 13
GO: Final = "go"
"""The file for which a run waits that is held amid its work."""
LOOK_EVERY: Final = 0.01
STAGES: Final = ("poll", "store_polls", "fetch", "read", "extract", "store", "publish")


@dataclass(frozen=True, slots=True)
class Job:
    """How often to run again, to start two at once, to begin a life that is killed so many times, and to replay."""

    again: int
    races: int
    lives: int
    kills: int
    replays: int


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs over feeds of a served sample, as flows do them: with lease and flow log, in folders below `place`."""

    sources: tuple[Source, ...]
    allow_hosts: tuple[str, ...]
    patience: float
    place: Path

    def run(
        self,
        name: str,
        say: Say,
        *,
        stages: Stages | None = None,
        scheduled_at: datetime | None = None,
        started_at: datetime | None = None,
    ) -> None:
        """Run once in a folder. Says `ended`, `skipped`, or `refused` with the reason."""
        settings = Settings(
            data_dir=self.place / name,
            fetch=FetchSettings(allow_hosts=self.allow_hosts, host_gap=0, timeout=self.patience, retries=0),
            poll=PollSettings(min_interval=0),
            run=RunSettings(batch_size=BATCH),
        )
        settings.data_dir.mkdir(exist_ok=True)

        def work(told: object) -> RunReport:
            with ExitStack() as stack:
                house = House(
                    settings=settings,
                    warehouse=stack.enter_context(open_store(settings, holder="ingest")),
                    archive=Archive(settings.data_dir / ARCHIVE_NAME),
                    session=stack.enter_context(FetchSession(settings.fetch)),
                    pool=Inline(),
                    extractor=Toy(),
                    poll_all=True,
                )
                if started_at is not None:
                    house = replace(house, started_at=started_at)
                return ingest(house, self.sources, stages)

        try:
            report = perform("ingest", settings, work, scheduled_at=scheduled_at)
        except WarehouseLocked as locked:
            say(f"refused {locked}")
        else:
            say("skipped" if report is None else f"ended {report.summary.discovered}")

    def tables(self, name: str) -> dict[str, dict[str, list[Any]]]:
        """The tables of the warehouse and of the snapshot in a folder, without clocks."""
        path = self.place / f"{name}.tables"

        def read(say: Say) -> None:
            files = {"warehouse": WAREHOUSE_NAME, "published": f"{PUBLISHED_NAME}/{DATABASE_NAME}"}
            found = {kind: content(self.place / name / file) for kind, file in files.items()}
            path.write_bytes(pickle.dumps(found))

        if errors := list(told_by(forked(read))):
            raise RuntimeError(errors[0])
        return dict(pickle.loads(path.read_bytes()))  # noqa: S301 - written by the fork a moment ago


def main() -> None:
    """Do the job that standard input describes, in the folder that it names."""
    given = json.load(sys.stdin)
    preload()
    job = Job(**given["job"])
    sources = tuple(Source(**one | {"topics": tuple(one["topics"])}) for one in given["sources"])
    runs = Runs(sources, tuple(given["allow_hosts"]), given["patience"], Path(given["folder"]))
    Repeats(runs, job).do()


class Repeats:
    """All that is tried, held against the tables of one undisturbed run."""

    def __init__(self, runs: Runs, job: Job) -> None:
        self._runs, self._job = runs, job
        self._dice = random.Random(SEED)
        self._passed: list[str] = []
        self._calm: dict[str, dict[str, list[Any]]] = {}
        self._seconds = 0.0
        self._begun = datetime.now(UTC)

    def do(self) -> None:
        """Try everything, one thing after the other."""
        for title, step in {
            "running once undisturbed": self._undisturbed,
            "running again": self._again,
            "doing each stage twice": self._doubled_stages,
            "running two at once": self._at_once,
            "starting two in the same moment": self._races,
            "killing and starting again": self._killed,
            "repeating the same time, and replaying old ones": self._replayed,
        }.items():
            _tell(title)
            step()

    def _undisturbed(self) -> None:
        def life(say: Say) -> None:
            seen, start = failpoints.record(), time.monotonic()
            self._runs.run("calm", say, scheduled_at=self._begun)
            say(f"passed {json.dumps([time.monotonic() - start, seen])}")

        said = dict(_words(line) for line in told_by(forked(life)))
        self._seconds, self._passed = json.loads(said["passed"])
        self._calm = self._runs.tables("calm")
        rows = {kind: sum(map(len, tables.values())) for kind, tables in self._calm.items()}
        measured = f"{rows['warehouse']:,} rows of the warehouse, {rows['published']:,} published"
        _claim("what one undisturbed run leaves, and all else is held against", measured, "some", all(rows.values()))

    def _again(self) -> None:
        """In place: not one byte of what is published may change."""
        digest = _digest(self._runs.place / "calm")
        said = [line for _ in range(self._job.again) for line in self._told("calm")]
        changed = _digest(self._runs.place / "calm") != digest
        self._hold(
            f"run again, {self._job.again} times: new entries; the published file",
            f"{sum(line != 'ended 0' for line in said)}; {'changed' if changed else 'the same bytes'}",
            "0; the same bytes",
            ["calm"] if self._job.again > 1 else [],
            fine=not changed and said == ["ended 0"] * self._job.again,
        )

    def _doubled_stages(self) -> None:
        """A task that is tried again after it was done: its batch is stored, or published, once more."""
        if self._job.again == 1:
            # The one that is held below does all of them twice.
            return
        folders = []
        for name in STAGES:
            folders.append(f"twice-{name}")
            list(told_by(forked(partial(self._doubled, folders[-1], _doubled(name)))))
        self._hold("one of the 7 stages done twice, each in turn: runs", f"{len(folders)}", "7", folders)

    def _doubled(self, folder: str, stages: Stages, say: Say) -> None:
        self._runs.run(folder, say, stages=stages)

    def _at_once(self) -> None:
        """One has the lease, and is held amid its work; another is told so, a third that was scheduled is skipped."""
        folder = self._runs.place / "at-once"
        said: list[str] = []
        first = forked(self._held)
        for line in told_by(first):
            if line == "held":
                said += self._told("at-once")
                said += self._told("at-once", scheduled_at=datetime.now(UTC))
                (folder / GO).touch()
            else:
                said.append(line.partition(" ")[0])
        is_named = len(said) == 3 and said[0].startswith("refused") and f"process {first.pid}" in said[0]
        self._hold(
            "two at once, the first doing each stage twice: the other is told who is at work, a scheduled one skipped",
            ", ".join(line.partition(" ")[0] for line in said) + ("; named" if is_named else "; not named"),
            "refused, skipped, ended; named",
            ["at-once"],
            fine=is_named and said[1:] == ["skipped", "ended"],
        )

    def _held(self, say: Say) -> None:
        doubled = _doubled(*STAGES)

        def extract(house: House, read: Sequence[Any]) -> Any:
            if not (house.settings.data_dir / GO).exists():
                say("held")
                while not (house.settings.data_dir / GO).exists():
                    time.sleep(LOOK_EVERY)
            return doubled.extract(house, read)

        self._runs.run("at-once", say, stages=replace(doubled, extract=extract))

    def _races(self) -> None:
        """Two that start in the same moment, whoever comes first."""
        if not self._job.races:
            # Those that are killed are started again so, too.
            return
        kinds = {"ended": 0, "refused": 0}
        odd: list[str] = []
        folders = []
        for number in range(self._job.races):
            folders.append(f"race-{number}")
            both = [forked(partial(self._runs.run, folders[-1])) for _ in range(2)]
            for line in (line for one in both for line in told_by(one)):
                kind = line.partition(" ")[0]
                if kind in kinds:
                    kinds[kind] += 1
                else:
                    odd.append(line)
        measured = f"{kinds['ended']} ended, {kinds['refused']} refused, {len(odd)} otherwise{_first(odd)}"
        self._hold(
            f"{2 * self._job.races} runs started by twos in the same moment",
            measured,
            f"{2 * self._job.races} in all, 0 otherwise",
            folders,
            fine=not odd and sum(kinds.values()) == 2 * self._job.races and kinds["ended"] >= self._job.races,
        )

    def _killed(self) -> None:
        """Killed at a pass of a failpoint or at a moment, both drawn from the seed; then two start again at once."""
        killed, odd, folders = 0, list[str](), []
        for number in range(self._job.lives):
            folders.append(f"killed-{number}")
            for _ in range(self._dice.randint(1, self._job.kills)):
                killed += self._kill(folders[-1], odd)
            both = [forked(partial(self._runs.run, folders[-1])) for _ in range(2)]
            ends = [line for one in both for line in told_by(one)]
            odd += [line for line in ends if not line.startswith(("ended", "refused"))]
            if number % 10 == 9:
                _tell(f"{killed} kills in {number + 1} of {self._job.lives} folders")
        self._hold(
            f"{killed} runs killed in {len(folders)} folders, then two started again at once: those that failed",
            f"{len(odd)}{_first(odd)}",
            "0",
            folders,
            fine=not odd and killed >= self._job.lives // 2,
        )

    def _kill(self, folder: str, odd: list[str]) -> bool:
        at_moment = self._dice.random() < 1 / 3
        after = self._dice.uniform(0, self._seconds) if at_moment else None
        name = self._dice.choice(sorted(set(self._passed)))
        point = "" if at_moment else f"{name}:{self._dice.randint(1, self._passed.count(name))}"

        def life(say: Say) -> None:
            # From this word on the moment is counted.
            say("found")
            failpoints.arm(point)
            self._runs.run(folder, say)

        child = forked(life)
        odd += [line for line in told_by(child, after=after) if line.startswith("error")]
        return child.status == -signal.SIGKILL

    def _replayed(self) -> None:
        """The same time asked for again, as Prefect does after a restart; times long past; and a clock set back."""
        past = [self._dice.randint(1, 24 * 30) for _ in range(self._job.replays)]
        said = self._told("calm", scheduled_at=self._begun)
        for hours in past:
            said += self._told("calm", scheduled_at=self._begun - timedelta(hours=hours))
        said += self._told("calm", started_at=self._begun - timedelta(days=3))
        skipped = said.count("skipped")
        self._hold(
            f"the same scheduled time again, {len(past)} old ones, and a run by a clock of three days ago",
            f"{skipped} skipped, the late one {said[-1]}",
            f"{len(past) + 1} skipped, the late one ended 0",
            ["calm"],
            fine=said == ["skipped"] * (len(past) + 1) + ["ended 0"],
        )

    def _told(self, folder: str, **how: Any) -> list[str]:
        return list(told_by(forked(lambda say: self._runs.run(folder, say, **how))))

    def _hold(self, text: str, measured: str, promised: str, folders: Sequence[str], *, fine: bool = True) -> None:
        """Claim this, and that the tables in these folders are those of the undisturbed run."""
        differing = []
        for folder in folders:
            found = self._runs.tables(folder)
            for kind, tables in self._calm.items():
                differing += [f"{folder}, {kind}: {one}" for one in different(tables, found[kind])]
            if folder != "calm":
                shutil.rmtree(self._runs.place / folder)
        measured = f"{measured}; {len(differing)} tables differ{_first(differing)}"
        _claim(text, measured, f"{promised}; 0 tables differ", fine and not differing)


def _doubled(*names: str) -> Stages:
    """The stages of a run, these of them done twice in a row with the same work."""
    plain = Stages()

    def twice(stage: Callable[..., Any], *given: Any) -> Any:
        stage(*given)
        return stage(*given)

    doubled: dict[str, Any] = {name: partial(twice, getattr(plain, name)) for name in names}
    return replace(plain, **doubled)


def _digest(folder: Path) -> str:
    return hashlib.sha256((folder / PUBLISHED_NAME / DATABASE_NAME).read_bytes()).hexdigest()


def _words(line: str) -> tuple[str, str]:
    kind, _, said = line.partition(" ")
    return kind, said


def _first(faults: Sequence[str]) -> str:
    return f"; first: {faults[0][:300]}" if faults else ""


def _claim(text: str, measured: str, promised: str, holds: bool) -> None:
    print(json.dumps({"claim": asdict(Claim(text, measured, promised, holds))}), flush=True)


def _tell(line: str) -> None:
    print(json.dumps({"tell": line}), flush=True)


if __name__ == "__main__":
    main()

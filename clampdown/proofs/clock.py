"""The clock goes back, goes forward, and a machine sleeps for a week: what is due daily happens once, by real flows.

`clampdown serve` runs by a clock that the proof moves. The digest is asked for at half past two in central Europe: in
October that time comes twice, in March not at all.
"""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from clampdown.proofs.claims import Claim, Proof, Tell
from clampdown.proofs.shifted import ShiftedClock
from clampdown.proofs.soak_served import Served, environment, write_config
from clampdown.proofs.soak_site import SoakSite
from clampdown.proofs.soak_world import build
from pipeline.errors import WorkerError
from pipeline.flow_log import FlowLog, FlowRun, FlowStatus
from pipeline.settings import load

ZONE: Final = "Europe/Berlin"
AT: Final = "02:30"

AWAKE_WITHIN: Final = 60.0
"""Seconds by the machine's clock after which an ingest must have begun when the machine wakes."""

PATIENCE: Final = 240.0
QUIET: Final = 5.0
"""Seconds in which nothing more must begin."""

STATES: Final = 6


@dataclass(frozen=True, slots=True)
class Night:
    """A time of one digest: moments at which the clock stands still for a while, the day, and when it is due (UTC)."""

    name: str
    moments: tuple[datetime, ...]
    day: str
    due: datetime


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


BACK: Final = Night(
    "the clock goes back, and 02:30 comes twice",
    tuple(map(_utc, ("2026-10-25T00:10", "2026-10-25T00:40", "2026-10-25T01:20", "2026-10-25T01:45"))),
    "2026-10-25",
    _utc("2026-10-25T00:30"),
)
FORWARD: Final = Night(
    "the clock goes forward, and 02:30 does not come",
    tuple(map(_utc, ("2027-03-28T00:40", "2027-03-28T01:10", "2027-03-28T01:45"))),
    "2027-03-28",
    _utc("2027-03-28T01:00"),
)
SLEEP: Final = Night(
    "a week's sleep", (_utc("2027-04-04T12:00"), _utc("2027-04-04T12:20")), "2027-04-04", _utc("2027-04-04T00:30")
)


def prove(tell: Tell, *, short: bool) -> Proof:
    """Live through three nights and a week; the short form through the first. Raises InputError without the library."""
    nights = [BACK] if short else [BACK, FORWARD, SLEEP]
    claims: list[Claim] = []
    with TemporaryDirectory(prefix="clampdown-clock-", ignore_cleanup_errors=True) as name, ExitStack() as stack:
        folder = Path(name)
        site = stack.enter_context(SoakSite(build(STATES, outlets=3), folder / "sources.toml"))
        clock = ShiftedClock(folder / "clock", BACK.moments[0] - timedelta(hours=12))
        config = write_config(folder, site.allow_hosts, digest_at=AT, timezone=ZONE)
        settings = load(config, environ={}).settings
        site.switch(0)
        served = Served(config, settings, environment() | clock.environment, folder / "serve.log")
        stack.enter_context(served)
        watch = _Watch(clock, served, FlowLog(settings.data_dir))
        watch.wait_for("ingest", clock.now())
        for night in nights:
            tell(night.name)
            woken = watch.live(night)
            claims += watch.claims(night, settings.data_dir)
            if night is SLEEP:
                claims += _awake(watch, night, woken)
    return Proof("clock", tuple(claims))


def _awake(watch: "_Watch", night: Night, woken: float) -> list[Claim]:
    """What happens when the machine wakes."""
    runs = [run for run in watch.runs("ingest") if night.moments[0] <= run.started_at < night.moments[1]]
    made = sorted(path.stem for path in (watch.served.settings.data_dir / "digests").glob("*.json"))
    slept = [day for day in made if FORWARD.day < day < night.day]
    return [
        Claim(
            f"{night.name}: an ingest begins",
            f"{woken:.1f} s after",
            f"≤ {AWAKE_WITHIN:.0f} s",
            woken <= AWAKE_WITHIN,
        ),
        Claim(f"{night.name}: ingests for all that were missed", str(len(runs)), "1", len(runs) == 1),
        Claim(f"{night.name}: digests for the days before", str(len(slept)), "0", not slept),
    ]


@dataclass(slots=True)
class _Watch:
    """Moves the clock and waits for what is to happen."""

    clock: ShiftedClock
    served: Served
    flow_log: FlowLog

    def runs(self, flow: str) -> list[FlowRun]:
        """All runs of a flow, the oldest first."""
        return self.flow_log.runs(flow, limit=10_000)[::-1]

    def live(self, night: Night) -> float:
        """Go from moment to moment, at each of which an ingest is due. Returns the longest wait for one, in seconds."""
        longest = 0.0
        for moment in night.moments:
            self.clock.set(moment)
            longest = max(longest, self.wait_for("ingest", moment))
            self._rest()
        # What Prefect has not begun begins within half a minute.
        began = time.monotonic()
        while not self._made(night) and time.monotonic() - began < AWAKE_WITHIN:
            time.sleep(0.5)
        self._rest()
        return longest

    def wait_for(self, flow: str, moment: datetime) -> float:
        """Wait until a run has ended that began at `moment` or later. Returns after how many seconds it began."""
        began, found = time.monotonic(), None
        while True:
            self.served.keep_up()
            runs = [run for run in self.runs(flow) if run.started_at >= moment]
            if runs and found is None:
                found = time.monotonic() - began
            if found is not None and any(run.status is FlowStatus.FINISHED for run in runs):
                return found
            if time.monotonic() - began > PATIENCE:
                raise WorkerError(f"no {flow} in {PATIENCE:.0f} s: {self.served.tail()}")
            time.sleep(0.1)

    def _made(self, night: Night) -> list[FlowRun]:
        """The runs that made the digest of its day."""
        wanted = (night.day, "made")
        return [run for run in self.runs("digest") if (run.facts.get("day"), run.facts.get("state")) == wanted]

    def claims(self, night: Night, data_dir: Path) -> list[Claim]:
        """That the day's digest is there, was made once, and at its time."""
        made = [
            run for run in self.runs("digest") if (run.facts.get("day"), run.facts.get("state")) == (night.day, "made")
        ]
        when = ", ".join(f"{run.started_at:%H:%M} UTC" for run in made) or "never"
        is_there = (data_dir / "digests" / f"{night.day}.json").exists()
        is_at_time = len(made) == 1 and made[0].started_at >= night.due
        measured = f"{len(made)}, at {when}" + ("" if is_there else ", but there is none")
        return [
            Claim(
                f"{night.name}: digests made",
                measured,
                f"1, not before {night.due:%H:%M} UTC",
                is_at_time and is_there,
            )
        ]

    def _rest(self) -> None:
        """Wait until nothing has run for a while."""
        began = quiet = time.monotonic()
        while time.monotonic() - quiet < QUIET:
            if self.served.tree().pids("flow"):
                quiet = time.monotonic()
            if time.monotonic() - began > PATIENCE:
                raise WorkerError(f"flows did not come to rest in {PATIENCE:.0f} s")
            time.sleep(0.1)

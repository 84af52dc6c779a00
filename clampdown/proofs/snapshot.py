"""Eight readers look at the snapshot all the time while runs publish: no error, nothing stale or mixed, no delay.

Each run stores prepared results and publishes, in this process. Readers are processes of their own. They rest in every
other block of runs, so that the time of a run with readers is held against that of one without, in the same minutes.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from clampdown.proofs import made_up
from clampdown.proofs.claims import Claim, Proof, Tell
from clampdown.proofs.snapshot_reader import WORD, Met
from warehouse.snapshot import VERSIONS, verify
from warehouse.store import Warehouse, open_warehouse

KINDS = ("program", "plain")
SLOWER = 0.10
"""By how much runs may take longer while readers read."""

_PATIENCE = 300.0
_ENTRIES = 2


@dataclass(frozen=True, slots=True)
class Size:
    """How many runs publish while readers read, in blocks of how many, and how long readers pause between looks."""

    runs: int
    block: int
    readers: int
    sources: int
    pause: float


FULL = Size(runs=100, block=10, readers=8, sources=len(made_up.SOURCES), pause=0.5)
SHORT = Size(runs=2, block=2, readers=2, sources=2, pause=0.2)


def prove(tell: Tell, *, short: bool) -> Proof:
    """Run the proof. The short form has fewer runs and readers, and says nothing on time."""
    size = SHORT if short else FULL
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        published = folder / "published"
        with open_warehouse(folder / "warehouse.duckdb") as warehouse:
            warehouse.sync_sources(made_up.SOURCES)
            runs = _runs(warehouse, published, size)
            first, _ = next(runs)
            with _reading(folder, published, first, size) as readers:
                alone, beside = _publish(runs, folder, size, tell, short=short)
                met = [_told(reader) for reader in readers]
        faults = [fault for version in sorted((published / VERSIONS).iterdir()) for fault in verify(version)]
    return Proof("snapshot", tuple(_claims(met, faults, alone, beside)))


def _runs(warehouse: Warehouse, published: Path, size: Size) -> Iterator[tuple[str, float]]:
    """Run after run, each with news of every source: the time of its publication, and the seconds that it took."""
    number = 0
    while True:
        begun = time.perf_counter()
        started_at = made_up.START + timedelta(hours=number)
        run_id = warehouse.run_id(started_at)
        warehouse.begin_run(run_id, started_at, mode="proof", model="made-up-1", version="0")
        polls = [made_up.poll(source, number, _ENTRIES) for source in made_up.SOURCES[: size.sources]]
        warehouse.store_polls(run_id, polls)
        warehouse.store_batch(run_id, made_up.results([entry for poll in polls for entry in poll.entries]))
        warehouse.finish_run(run_id, started_at, "finished")
        snapshot = warehouse.publish(published, manifest={"model": "made-up-1"})
        assert snapshot.changed, "every run brings news"
        yield snapshot.published_at.isoformat(), time.perf_counter() - begun
        number += 1


def _publish(
    runs: Iterator[tuple[str, float]], folder: Path, size: Size, tell: Tell, *, short: bool
) -> tuple[list[float], list[float]]:
    """Let runs publish, in blocks with readers and without. Returns the seconds of runs without, and with them."""
    alone: list[float] = []
    beside: list[float] = []
    published_at = ""
    while len(beside) < size.runs:
        for do, taken in (("read", beside),) if short else (("rest", alone), ("read", beside)):
            for _ in range(size.block):
                _say(folder, do, published_at)
                published_at, seconds = next(runs)
                taken.append(seconds)
        tell(f"{len(beside)} of {size.runs} runs have published beside readers")
    # Who opens it now must see the last of all.
    _say(folder, "read", published_at)
    time.sleep(4 * size.pause)
    _say(folder, "stop", published_at)
    return alone, beside


def _say(folder: Path, do: str, published_at: str) -> None:
    new = folder / f"{WORD}.new"
    new.write_text(json.dumps({"do": do, "published_at": published_at}), "utf-8")
    new.replace(folder / WORD)


@contextmanager
def _reading(folder: Path, published: Path, first: str, size: Size) -> Iterator[list[subprocess.Popen[str]]]:
    _say(folder, "read", first)
    program = [sys.executable, "-m", "clampdown.proofs.snapshot_reader", str(folder), str(published)]
    readers = [
        subprocess.Popen(  # noqa: S603 - this program's own words
            [*program, KINDS[number % len(KINDS)], str(size.pause)], stdout=subprocess.PIPE, text=True, env=os.environ
        )
        for number in range(size.readers)
    ]
    try:
        yield readers
    finally:
        for reader in readers:
            reader.kill()
            reader.wait()


def _told(reader: "subprocess.Popen[str]") -> Met:
    said, _ = reader.communicate(timeout=_PATIENCE)
    return Met(**json.loads(said)) if said else Met(errors=["a reader died"])


def _claims(
    met: Sequence[Met], faults: Sequence[str], alone: Sequence[float], beside: Sequence[float]
) -> Iterator[Claim]:
    reads, versions = sum(one.reads for one in met), max((one.versions for one in met), default=0)
    yield Claim(
        f"runs that published while {len(met)} readers opened, asked and closed; each saw up to {versions} versions",
        f"{len(beside)}",
        "some, and as many reads as readers",
        bool(beside) and all(one.reads for one in met),
    )
    for text, found in (
        (f"errors in {reads:,} reads", [fault for one in met for fault in one.errors]),
        ("stale: opened after a publication had returned, and older", [fault for one in met for fault in one.stale]),
        ("mixed: tables of two versions, or events without words", [fault for one in met for fault in one.mixed]),
        ("faults in the versions that are left: sizes, digests, counts", list(faults)),
    ):
        first = f"; first {found[0]}" if found else ""
        yield Claim(text, f"{len(found)}{first}", "0", not found)
    if alone:
        slower = statistics.median(beside) / statistics.median(alone) - 1
        mean = sum(one.seconds for one in met) / max(reads, 1)
        pauses = f"a read takes {1000 * mean:.0f} ms, {FULL.pause:g} s lie between two of a reader"
        yield Claim(
            f"median seconds of a run, {statistics.median(alone):.2f} without readers: slower with; {pauses}",
            f"{100 * slower:+.0f} %",
            f"{100 * SLOWER:.0f} %",
            slower <= SLOWER,
        )

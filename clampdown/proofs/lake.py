"""Two writers and a reader on a lake: no error, nothing halved or doubled at any time, one writer's tables at the end.

A Postgres of its own runs on loopback for it. The writers are processes that store prepared results, each those of its
own sources; the sources tell of the same events, so that both write what is shared all the time.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clampdown.proofs import made_up
from clampdown.proofs.claims import Claim, Proof, Tell
from clampdown.proofs.postgres import make_database, server
from pipeline.batching import batches
from pipeline.errors import ClampdownError
from pipeline.settings import WarehouseSettings
from pipeline.types import Source
from pipeline.writers import Writer
from warehouse.compare import content
from warehouse.lake import open_lake_reader
from warehouse.lake_care import tidy
from warehouse.store import Warehouse, open_lake, open_warehouse

WRITERS = 2
SECONDS = 300.0
ENTRIES_A_POLL = 2
BATCH = 20
SHORT_SOURCES = 8
SHORT_PAUSE = 0.5
"""Seconds between the reader's looks in the short form; in the long one it never stops."""
PATIENCE = 120.0

# One question each, so that it is asked of one state of the lake. All count what must not be.
CHECKS: Mapping[str, str] = {
    "entries without exactly one outcome": """
        SELECT count(*) FROM (SELECT entry_id FROM entries UNION ALL SELECT entry_id FROM outcomes)
        GROUP BY entry_id HAVING count(*) <> 2""",
    "keys that are there twice": """
        SELECT count(*) FROM (
            SELECT article_id AS id FROM articles UNION ALL SELECT mention_id FROM mentions
            UNION ALL SELECT event_id FROM events UNION ALL SELECT 'in story ' || article_id FROM story_members
            UNION ALL SELECT 'in event ' || mention_id FROM event_mentions
        ) GROUP BY id HAVING count(*) > 1""",
    "mentions in no event": "SELECT 1 FROM mentions ANTI JOIN event_mentions USING (mention_id)",
    "events without mentions": "SELECT 1 FROM events ANTI JOIN event_mentions USING (event_id)",
    "mentions of no article": "SELECT 1 FROM mentions ANTI JOIN articles USING (article_id)",
}


@dataclass(frozen=True, slots=True)
class Written:
    """What one writer did: how often it polled all its sources, its transactions, and its waiting."""

    rounds: int
    batches: int
    seconds: float


def prove(tell: Tell, *, short: bool = False) -> Proof:
    """Write for five minutes with two processes; the short form writes a round each."""
    with tempfile.TemporaryDirectory(prefix="clampdown-lake-") as folder, server() as address:
        return _prove(tell, Path(folder), make_database(address, "lake"), short=short)


def _prove(tell: Tell, folder: Path, database: str, *, short: bool) -> Proof:
    settings = [
        WarehouseSettings(
            url=f"ducklake:postgres:{database}", data_path=str(folder / "data"), writer=number, writers=WRITERS
        )
        for number in range(1, WRITERS + 1)
    ]
    open_lake(settings[0]).close()
    tell(f"{WRITERS} writers {'for a round' if short else f'for {SECONDS:.0f} s'}")
    start = time.monotonic()
    sources = SHORT_SOURCES if short else len(made_up.SOURCES)
    writers = [_start(one, sources, seconds=0.0 if short else SECONDS) for one in settings]
    reads, found, failed = _read(settings[0], writers, pause=SHORT_PAUSE if short else 0.0)
    done = [_end(writer) for writer in writers]
    seconds = time.monotonic() - start
    failed += [message for message in done if isinstance(message, str)]
    written = [one for one in done if isinstance(one, Written)]
    number = sum(one.batches for one in written)
    tell(f"{number:,} batches in {seconds:.0f} s; {reads:,} reads")
    for message in failed[:5]:
        tell(f"failed: {message}")
    claims = [
        Claim("errors of writers and reader", f"{len(failed):,}", "0", not failed and len(written) == WRITERS),
        Claim("states that were read and not whole", f"{len(found):,} of {reads:,}", "0", not found and reads > 0),
    ]
    if len(written) == WRITERS:
        stored = [(_own(one, sources), work.rounds) for one, work in zip(settings, written, strict=True)]
        claims += _compared(tell, folder, settings[0], stored, number)
    return Proof("lake", tuple(claims))


def _compared(
    tell: Tell, folder: Path, settings: WarehouseSettings, stored: list[tuple[list[Source], int]], batches_done: int
) -> list[Claim]:
    """Have one writer store in a file what the others have stored in the lake; compare, tidy, compare again."""
    tell("one writer does the same")
    file = folder / "one.duckdb"
    start = time.monotonic()
    with open_warehouse(file) as warehouse:
        run_id = _begin(warehouse)
        for own, rounds in stored:
            for round_ in range(rounds):
                _write(warehouse, run_id, own, round_)
        warehouse.finish_run(run_id, made_up.START, "finished")
    alone = time.monotonic() - start
    expected = content(file)
    differing = _differing(settings, expected)
    rows = sum(len(some) for some in expected.values())
    before, after = tidy(settings, kept_days=0)
    again = _differing(settings, expected)
    size = f"{before.files} → {after.files} files, {after.size / 1e6:.1f} MB"
    tell(f"one writer on a file takes {alone:.0f} s; {size}; {before.snapshots} → {after.snapshots} snapshots")
    with open_lake(settings) as warehouse:
        snapshot = warehouse.publish(folder / "lake", manifest={"model": "made-up-1"})
    with open_warehouse(file) as warehouse:
        other = warehouse.publish(folder / "file", manifest={"model": "made-up-1"})
    same = content(snapshot.database) == content(other.database)
    return [
        Claim(
            f"tables that differ from one writer's, after {batches_done:,} batches of two",
            f"{', '.join(differing) or '0'} of {len(expected)} ({rows:,} rows)",
            "0",
            not differing and rows > 0,
        ),
        Claim("the same once the lake is tidied", ", ".join(again) or "0", "0", not again),
        Claim("the snapshot published from the lake is the file's", "yes" if same else "no", "yes", same),
    ]


def _differing(settings: WarehouseSettings, expected: Mapping[str, list[tuple[Any, ...]]]) -> list[str]:
    with open_lake_reader(settings) as reader:
        there = content(reader)
    return sorted(table for table in expected.keys() | there.keys() if expected.get(table) != there.get(table))


def _read(
    settings: WarehouseSettings, writers: list[subprocess.Popen[str]], *, pause: float
) -> tuple[int, list[str], list[str]]:
    """Ask until the writers have ended. Returns how often, what was not whole, and what failed."""
    reads, found, failed = 0, [], []
    with open_lake_reader(settings) as reader:
        while any(writer.poll() is None for writer in writers):
            for name, question in CHECKS.items():
                try:
                    wrong = len(reader.rows(question))
                except ClampdownError as error:
                    failed.append(f"reader: {error}")
                    continue
                reads += 1
                if wrong:
                    found.append(f"{wrong} {name}")
            time.sleep(pause)
    return reads, found, failed


def _start(settings: WarehouseSettings, sources: int, *, seconds: float) -> subprocess.Popen[str]:
    writer = subprocess.Popen(  # noqa: S603 - this program itself
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert writer.stdin is not None, "it is a pipe"
    writer.stdin.write(json.dumps({"settings": settings.model_dump(), "sources": sources, "seconds": seconds}))
    writer.stdin.close()
    writer.stdin = None
    return writer


def _end(writer: subprocess.Popen[str]) -> Written | str:
    try:
        told, complained = writer.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()
        return "a writer did not end"
    if writer.returncode:
        return f"a writer ended with {writer.returncode}: {complained.strip().splitlines()[-1:]}"
    return Written(**json.loads(told))


def _own(settings: WarehouseSettings, sources: int) -> list[Source]:
    """Those of the first `sources` made-up sources that are a writer's own."""
    writer = Writer(settings.writer, settings.writers)
    return [source for source in made_up.SOURCES[:sources] if writer.owns(source.url)]


def _begin(warehouse: Warehouse) -> str:
    run_id = warehouse.run_id(made_up.START)
    warehouse.sync_sources(made_up.SOURCES)
    warehouse.begin_run(run_id, made_up.START, mode="proof", model="made-up-1", version="0")
    return run_id


def _write(warehouse: Warehouse, run_id: str, own: list[Source], round_: int) -> int:
    """Poll the sources once, store what they brought in batches. Returns the number of batches."""
    number = 0
    for polled in batches(own, BATCH // ENTRIES_A_POLL):
        warehouse.store_polls(run_id, [made_up.poll(source, round_, ENTRIES_A_POLL) for source in polled])
        number += 1
    while due := warehouse.pending(made_up.START, BATCH):
        warehouse.store_batch(run_id, made_up.results([item.entry for item in due]))
        number += 1
    return number


def _work(settings: WarehouseSettings, sources: int, seconds: float) -> Written:
    start, own = time.monotonic(), _own(settings, sources)
    with open_lake(settings) as warehouse:
        run_id = _begin(warehouse)
        rounds = done = 0
        while rounds == 0 or time.monotonic() - start < seconds:
            done += _write(warehouse, run_id, own, rounds)
            rounds += 1
        warehouse.finish_run(run_id, made_up.START, "finished")
    return Written(rounds, done, time.monotonic() - start)


if __name__ == "__main__":
    _given = json.load(sys.stdin)
    _did = _work(WarehouseSettings(**_given["settings"]), _given["sources"], _given["seconds"])
    print(json.dumps({"rounds": _did.rounds, "batches": _did.batches, "seconds": _did.seconds}))

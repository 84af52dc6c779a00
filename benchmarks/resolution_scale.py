"""What storing a batch of 1,000 mentions costs beside 100,000 and 1,000,000 stored ones.

    python -m benchmarks.resolution_scale [--mentions 100000 1000000] [--dense] [--batches 5] [--folder DIR]

The warehouse is that of `benchmarks.scale_world`: 100,000 mentions a year, so that 1,000,000 are ten years of news, and
100,000 the last of them. That year is loaded in bulk, by the program's own code: what a table's module would insert
goes through a file, and whole blocks are folded at once. That this gives the warehouse that storing in batches does,
`tests/test_resolution_scale.py` proves for a small one. The years before are that year again, each with other services
in the places of those of similar rank, and ids of their own: so both warehouses share what is recent, and differ by
what is old. With `--dense`, all of it is of one year.

A batch is the news of the next days, a tenth of it published weeks before; about one report in ten tells of a happening
of months or years before. Each batch is stored by `Warehouse.store_batch` in a process of its own, after its entries
were discovered. Seconds are those of the clock and of the processor (all threads), from the call to its return, the
commit included; the peak of memory is that of the whole process. The table names the median of the batches.
"""

import argparse
import json
import os
import pickle
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from zlib import crc32

import duckdb
import orjson

from benchmarks.scale_copies import multiply
from benchmarks.scale_world import (
    A_YEAR,
    NOW,
    TAIL_DAYS,
    Report,
    count_from,
    reports,
    result_of,
    sources,
)
from pipeline.events import block_key, fold
from pipeline.rulings import Rulings
from pipeline.statements import read_statement
from pipeline.stories import bands, digest, number, order, story_id
from pipeline.types import Entry, EntryResult, FeedOutcome, Poll
from warehouse import resolving
from warehouse.database import Database
from warehouse.revising import first_version
from warehouse.store import Warehouse, open_warehouse
from warehouse.tables import articles, contexts, entries, happenings, mentions, outcomes, stories

_LATE_DAYS = (7, 35)
_AT_ONCE = 20_000
_MEMORY = "384MB"
"""Of which DuckDB may make use; the rest of the process comes on top."""
_WORKERS = 2


class Rows(Database):
    """Stands for an empty warehouse: what is inserted into its tables is written to a file per table."""

    def __init__(self, like: Database, folder: Path, name: str) -> None:
        super().__init__(like.connection, like.path)
        self._folder, self._name = folder, name
        self._files: dict[str, Any] = {}

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        if "FROM runs" in sql:
            return super().execute(sql, parameters)
        # The log of changes counts on from what it holds; its rows are numbered when they are loaded.
        return [(0,)] if "max(position)" in sql else []

    def insert(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, unless: Sequence[str] = ()
    ) -> int:
        if columns == ("entry_id", "outcome", "attempts"):
            return 0  # pending: the outcome follows
        for row in rows:
            if table not in self._files:
                self._files[table] = (self._folder / f"{table}.{self._name}.jsonl").open("wb")
            self._files[table].write(orjson.dumps(dict(zip(columns, row, strict=True)), default=bytes.hex) + b"\n")
        return 0

    def update(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
        return 0

    def close(self) -> None:
        for file in self._files.values():
            file.close()


def chosen(count: int, past: int = TAIL_DAYS) -> tuple[list[Report], list[Report]]:
    """The reports of a warehouse of `count` mentions, in the order of publication, and those that come after."""
    late = (NOW - timedelta(days=_LATE_DAYS[1])).toordinal(), (NOW - timedelta(days=_LATE_DAYS[0])).toordinal()
    stored: list[Report] = []
    coming: list[Report] = []
    for one in reports(min(count_from(round(count * 1.4)), late[0]), NOW.toordinal() + 30, past):
        withheld = late[0] <= one.day <= late[1] and crc32(one.key.encode()) % 12 == 0
        (coming if withheld or one.day > NOW.toordinal() else stored).append(one)
    stored.sort(key=lambda one: (-one.day, one.key))
    held, end = 0, 0
    while held < count and end < len(stored):
        held += _size(stored[end])
        end += 1
    return stored[end - 1 :: -1], coming


def batches_of(coming: Sequence[Report], size: int, count: int) -> list[list[tuple[Entry, EntryResult]]]:
    """The batches that come next, a tenth of each late. All is fetched on the day on which the last of it came out."""
    news = iter(sorted((one for one in coming if one.day > NOW.toordinal()), key=lambda one: (one.day, one.key)))
    late = iter(sorted((one for one in coming if one.day <= NOW.toordinal()), key=lambda one: crc32(one.key.encode())))
    made = []
    for _ in range(count):
        batch: list[Report] = []
        held = 0
        while held < size:
            one = next(late if len(batch) % 10 == 9 else news)
            batch.append(one)
            held += _size(one)
        day = date.fromordinal(max(one.day for one in batch))
        made.append([result_of(one, day) for one in batch])
    return made


def _size(report: Report) -> int:
    return 1 if report.deed.other_service in (None, report.deed.service) else 2


def build(path: Path, stored: Sequence[Report], folder: Path, workers: int = _WORKERS) -> None:
    """Load a warehouse that holds the reports."""
    with open_warehouse(path) as warehouse:
        begin(warehouse)
    parts = [stored[begin : begin + _AT_ONCE] for begin in range(0, len(stored), _AT_ONCE)]
    with _workers(workers) as run:
        list(run(_write_articles, [(path, folder, f"{n}", part) for n, part in enumerate(parts)]))
        _write_stories(path, folder, stored)
        _load(path, folder)
        with _reading(path) as database:
            counted = database.execute("SELECT block, count(*) FROM mentions GROUP BY ALL ORDER BY 2 DESC, 1")
        groups: list[list[str]] = [[]]
        held = 0
        for block, count in counted:
            if held + count > _AT_ONCE and groups[-1]:
                groups.append([])
                held = 0
            groups[-1].append(block)
            held += count
        list(run(_write_events, [(path, folder, f"{n}", group) for n, group in enumerate(groups)]))
        _load(path, folder)


def begin(warehouse: Warehouse, run_id: str = "built") -> None:
    """Begin a run with the sources of the world."""
    warehouse.sync_sources(sources())
    started = datetime.combine(NOW, datetime.min.time(), UTC) + timedelta(days=run_id != "built")
    warehouse.begin_run(run_id, started, mode="test", model="made-up", version="0")


@contextmanager
def _workers(count: int) -> Iterator[Any]:
    if count < 2:
        yield map
        return
    with ProcessPoolExecutor(count, mp_context=get_context("forkserver")) as pool:
        yield pool.map


@contextmanager
def _reading(path: Path) -> Iterator[Database]:
    connection = duckdb.connect(str(path), read_only=True, config={"threads": 1, "memory_limit": "2GB"})
    try:
        yield Database(connection, path)
    finally:
        connection.close()


def _write_articles(task: tuple[Path, Path, str, Sequence[Report]]) -> None:
    path, folder, name, some = task
    with _reading(path) as database:
        rows = Rows(database, folder, name)
        for begin in range(0, len(some), 1000):
            made = [result_of(one) for one in some[begin : begin + 1000]]
            results = [result for _, result in made]
            texts = {result.article.id: result.article.text for result in results if result.article is not None}
            entries.add(rows, "built", [_poll(entry) for entry, _ in made])
            articles.add(rows, "built", results, {})
            known = [one for result in results for one in _stated(result)]
            mentions.add(rows, "built", known, texts, block_key)
            rows.insert("outcomes", outcomes.COLUMNS, [_outcome(result) for result in results])
        rows.close()


def _stated(result: EntryResult) -> Iterable[Any]:
    assert result.article is not None, "made with it"
    return first_version(result.article, result.mentions).stated


def _outcome(result: EntryResult) -> tuple[object, ...]:
    assert result.article is not None, "made with it"
    return (result.entry_id, result.outcome.value, None, 1, None, result.article.id, None, None, None, None, "built")


def _poll(entry: Entry) -> Poll:
    return Poll(entry.source_id, FeedOutcome.OK, entries=(entry,))


def _write_stories(path: Path, folder: Path, stored: Sequence[Report]) -> None:
    copies: dict[str, list[Report]] = defaultdict(list)
    for one in stored:
        copies[one.told].append(one)
    with _reading(path) as database:
        rows = Rows(database, folder, "all")
        for some in copies.values():
            made = sorted(
                ((report, result_of(report)[1]) for report in some),
                key=lambda item: order(_day(item[0]), item[1].article.id if item[1].article else ""),
            )
            root = made[0][1].article
            assert root is not None, "made with it"
            for report, result in made:
                article = result.article
                assert article is not None, "made with it"
                assert result.signature is not None, "made with it"
                assert result.body_hash is not None, "made with it"
                parent = (None, 0.0) if article is root else (root.id, 1.0)
                row = (story_id(root.id), article.id, result.signature, result.body_hash, number(article.body),
                       digest(result.signature), _day(report), *parent)  # fmt: skip
                rows.insert("story_members", stories.COLUMNS, [row])
            first = made[0][1]
            assert first.signature is not None, "made with it"
            assert first.body_hash is not None, "made with it"
            body = number(root.body)
            keys = bands(first.body_hash, first.signature)
            rows.insert("story_bands", ("band", "body"), [(key, body) for key in keys])
        rows.close()


def _day(report: Report) -> date | None:
    return date.fromordinal(report.day) if report.dated else None


def _write_events(task: tuple[Path, Path, str, Sequence[str]]) -> None:
    path, folder, name, blocks = task
    with _reading(path) as database:
        placed = contexts.since(database, dict.fromkeys(blocks, ""))
        rows = Rows(database, folder, f"e{name}")
        statements = defaultdict(list)
        for _, block, context in placed.values():
            statements[block].append(read_statement(context))
        for block, some in statements.items():
            folded = fold(block, some)
            known = resolving.Known()
            for h in folded.happenings:
                known.happenings[h.id] = h
                known.blocks[h.id] = block
            resolving.write(rows, "built", known, Rulings())
            happenings.replace_unsure(rows, {}, folded.unsure)
        rows.close()


def _load(path: Path, folder: Path) -> None:
    """Insert what the files hold, and delete them."""
    database = Database.open(path, memory_limit="3GB")
    for table in sorted({file.name.partition(".")[0] for file in folder.glob("*.jsonl")}):
        files = sorted(folder.glob(f"{table}.*.jsonl"))
        with files[0].open("rb") as file:
            names = list(json.loads(file.readline()))
        types = database.column_types(table)
        blobs = [one for one in names if types[one] == "BLOB"]
        columns = ", ".join(f"'{one}': '{'VARCHAR' if one in blobs else types[one]}'" for one in names)
        values = ", ".join(f"unhex({one})" if one in blobs else one for one in names)
        if table == "changes":
            values = values.replace("position", "row_number() OVER (ORDER BY event_id)", 1)
        found = f"read_json('{folder}/{table}.*.jsonl', format = 'newline_delimited', columns = {{{columns}}})"
        database.script(f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM {found}")
        for one in files:
            one.unlink()
    database.script("CHECKPOINT")
    database.close()


def discover(warehouse: Warehouse, batch: Sequence[tuple[Entry, EntryResult]], run_id: str) -> None:
    """Have the feeds list the entries of a batch."""
    warehouse.store_polls(run_id, [_poll(entry) for entry, _ in batch])


def measure(path: Path, batch: Sequence[tuple[Entry, EntryResult]]) -> dict[str, float]:
    """Store a batch in a warehouse. Returns seconds and megabytes; for a process of its own."""
    with open_warehouse(path, memory_limit=_MEMORY) as warehouse:
        warehouse.begin_run("next", datetime.combine(NOW, datetime.max.time(), UTC), mode="", model="", version="0")
        discover(warehouse, batch, "next")
        before = _peak()
        clock, processor = time.perf_counter(), time.process_time()
        warehouse.store_batch("next", [result for _, result in batch])
        took = {"seconds": time.perf_counter() - clock, "processor": time.process_time() - processor}
        ask = warehouse._database.execute
        rewritten = ask("SELECT count(*), sum(articles) FROM events WHERE changed_run_id = 'next'")[0]
        took |= {"events": float(rewritten[0]), "their articles": float(rewritten[1] or 0)}
        took |= {"mentions": float(sum(len(result.mentions) for _, result in batch))}
    return took | {"peak MB": _peak() / 1024, "before MB": before / 1024}


def _peak() -> int:
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def main() -> int:
    """Build the warehouses and measure."""
    parser = argparse.ArgumentParser(description="Measure the cost of resolving a batch.")
    parser.add_argument("--mentions", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--dense", action="store_true", help="ten times as many mentions a year")
    parser.add_argument("--batches", type=int, default=5)
    parser.add_argument("--size", type=int, default=1000)
    parser.add_argument("--folder", type=Path, help="where warehouses are kept; those that are there are not built")
    parser.add_argument("--measure", type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is not None:
        return _measure_one(*options.measure)
    density = 10 if options.dense else 1
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        for count in options.mentions:
            _build_one(folder, count, density, options)
        for turn, batch in enumerate(batches_of(chosen(1000)[1], options.size, options.batches)):
            (folder / f"{turn}.batch").write_bytes(pickle.dumps(batch))
        found = defaultdict(list)
        # In turns, so that what else the machine does meets both alike.
        for turn in range(options.batches):
            for count in options.mentions:
                name = f"{count}-{density}"
                copy = Path(shutil.copy(folder / f"{name}.duckdb", Path(temporary) / "copy.duckdb"))
                command = [sys.executable, "-m", "benchmarks.resolution_scale", "--measure", str(copy),
                           str(folder / f"{turn}.batch")]  # fmt: skip
                done = subprocess.run(command, check=True, env=os.environ, capture_output=True, text=True)
                found[count].append(json.loads(done.stdout))
                print(f"{count} mentions, batch {turn + 1}: {found[count][-1]}", file=sys.stderr)
                copy.unlink()
    _print(found)
    return 0


def _build_one(folder: Path, count: int, density: int, options: argparse.Namespace) -> None:
    """Build a warehouse, unless it is there."""
    path = folder / f"{count}-{density}.duckdb"
    if path.exists():
        return
    begun = time.perf_counter()
    building = path.with_suffix(".building")
    if count > A_YEAR:
        _build_one(folder, A_YEAR, 1, options)
        multiply(folder / f"{A_YEAR}-1.duckdb", building, count // A_YEAR - 1, 0 if density > 1 else 1)
    else:
        with tempfile.TemporaryDirectory(dir=folder) as rows:
            build(building, chosen(count)[0], Path(rows))
    building.rename(path)
    print(f"{count} mentions: built in {time.perf_counter() - begun:.0f} s", file=sys.stderr)


def _measure_one(path: Path, batch: Path) -> int:
    print(json.dumps(measure(path, pickle.loads(batch.read_bytes()))))
    return 0


def _print(found: dict[int, list[dict[str, float]]]) -> None:
    names = list(next(iter(found.values()))[0])
    print(f"| stored mentions | {' | '.join(names)} |")
    print(f"| --- |{' --- |' * len(names)}")
    for count, some in found.items():
        print(f"| {count} | {' | '.join(f'{statistics.median(one[name] for one in some):.2f}' for name in names)} |")


if __name__ == "__main__":
    sys.exit(main())

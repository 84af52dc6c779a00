"""What publishing and the documented questions cost beside a million and ten million mentions.

    python -m benchmarks.analysis_scale --folder DIR [--mentions 1000000 10000000] [--repeat 5] [--json FILE]

The warehouses are those of `benchmarks.analysis_world`; one that lies in the folder already is used as it is, and grows
by the runs that are measured. Publishing is timed from nothing and after each of some runs of 1,000 new mentions, as
the clock says and as processor time of all threads, in a process of its own whose peak of memory is told. Then each
file of docs/queries is asked of the snapshot by plain DuckDB, on two threads: once to warm up, and then the median.
"""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.analysis_world import World
from warehouse.snapshot import Snapshot, verify
from warehouse.store import Warehouse, open_warehouse

QUERIES = Path(__file__).resolve().parent.parent / "docs" / "queries"
RUN = 1000
LIMIT_SECONDS, LIMIT_MILLISECONDS = 60.0, 300.0


def main() -> int:
    """Build, publish, ask; print tables, and everything as JSON where asked for."""
    parser = argparse.ArgumentParser(description="Measure publishing and the documented queries.")
    parser.add_argument("--mentions", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--folder", type=Path, required=True, help="where warehouses and snapshots are kept")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--runs", type=int, default=3, help="runs of 1,000 mentions that are published")
    parser.add_argument("--memory", default="2GB", help="the setting warehouse.memory_limit")
    parser.add_argument("--skip", choices=["nothing", "runs", "queries"], nargs="*", default=[],
                        help="leave out publishing from nothing, after runs, or the queries")  # fmt: skip
    parser.add_argument("--json", type=Path, help="where to write all figures")
    parser.add_argument("--publish", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.publish is not None:
        print(json.dumps(_publish(options, int(options.publish[0]), options.publish[1])))
        return 0
    found = {count: _measure(options, count) for count in options.mentions}
    _print(found)
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    return 0


def _measure(options: argparse.Namespace, count: int) -> dict[str, Any]:
    World(_path(options, count), count).build(tell=lambda line: print(f"{count}: {line}", file=sys.stderr))
    found: dict[str, Any] = {"publish": {}, "queries": {}}
    for how, times in (("nothing", 1), ("runs", options.runs)):
        if how not in options.skip:
            found["publish"][how] = [_apart(options, count, how) for _ in range(times)]
            print(f"{count}: {how}: {found['publish'][how]}", file=sys.stderr)
    published = _path(options, count).with_suffix(".published")
    found["size"] = _sizes(published, count)
    if "queries" not in options.skip:
        found["queries"] = _ask(published, options.repeat)
    return found


def _path(options: argparse.Namespace, count: int) -> Path:
    return Path(options.folder) / f"{count}.duckdb"


def _apart(options: argparse.Namespace, count: int, how: str) -> dict[str, float]:
    """Publish in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.analysis_scale", "--folder", str(options.folder),
               "--memory", options.memory, "--publish", str(count), how]  # fmt: skip
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def _publish(options: argparse.Namespace, count: int, how: str) -> dict[str, float]:
    path = _path(options, count)
    published = path.with_suffix(".published")
    if how == "nothing":
        shutil.rmtree(published, ignore_errors=True)
    with open_warehouse(path, memory_limit=options.memory) as warehouse:
        if how == "runs":
            database = warehouse._database
            ((held,),) = database.execute("SELECT count(*) FROM mentions")
            World(path, count).load(database, held, RUN)
        return _timed(warehouse, published)


def _timed(warehouse: Warehouse, published: Path) -> dict[str, float]:
    begun, processor = time.perf_counter(), time.process_time()
    snapshot: Snapshot = warehouse.publish(published, manifest={"model": "made-up"})
    taken = {"seconds": time.perf_counter() - begun, "processor": time.process_time() - processor}
    assert snapshot.changed, "there was something to publish"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {name: round(value, 1) for name, value in {**taken, "peak MB": peak}.items()}


def _sizes(published: Path, count: int) -> dict[str, Any]:
    """Megabytes per million mentions, and whether the snapshot is what its manifest says."""
    files = [path for path in (published / "current").resolve().rglob("*") if path.is_file()]
    millions = count / 1e6
    parquet = [path for path in files if path.suffix == ".parquet"]
    return {
        "duckdb MB per million": round((published / "clampdown.duckdb").stat().st_size / 1e6 / millions),
        "parquet MB per million": round(sum(path.stat().st_size for path in parquet) / 1e6 / millions),
        "parquet files": len(parquet),
        "faults": verify(published),
    }


def _ask(published: Path, repeat: int) -> dict[str, float | None]:
    """Milliseconds for each query; None for one that takes more than a minute or fails."""
    found: dict[str, float | None] = {}
    with duckdb.connect(str(published / "clampdown.duckdb"), read_only=True, config={"threads": 2}) as connection:
        for file in sorted(QUERIES.glob("*.sql")):
            sql = file.read_text("utf-8")
            try:
                taken = [_seconds(connection, sql) for _ in range(repeat + 1)]
                found[file.stem] = round(1000 * statistics.median(taken[1:]), 1)
            except duckdb.Error as error:
                print(f"{file.name}: {error}", file=sys.stderr)
                found[file.stem] = None
            print(f"{file.stem}: {found[file.stem]} ms", file=sys.stderr)
    return found


def _seconds(connection: duckdb.DuckDBPyConnection, sql: str) -> float:
    begun = time.perf_counter()
    connection.execute(sql).fetchall()
    return time.perf_counter() - begun


def _print(found: dict[int, dict[str, Any]]) -> None:
    print("| mentions | published | seconds | processor seconds | peak MB |\n| --- | --- | --- | --- | --- |")
    for count, about in found.items():
        for how, taken in about["publish"].items():
            medians = [statistics.median(one[name] for one in taken) for name in ("seconds", "processor", "peak MB")]
            late = " (too slow)" if how == "runs" and medians[0] > LIMIT_SECONDS else ""
            words = "from nothing" if how == "nothing" else f"after a run of {RUN:,}"
            print(f"| {count:,} | {words} | {medians[0]:.1f}{late} | {medians[1]:.1f} | {medians[2]:.0f} |")
    for count, about in found.items():
        print(f"\n{count:,} mentions: {about['size']}")
    counts = list(found)
    print(
        f"\n| query | {' | '.join(f'ms at {count:,}' for count in counts)} | |\n| --- |{' --- |' * (len(counts) + 1)}"
    )
    for name in sorted({name for about in found.values() for name in about["queries"]}):
        taken = [found[count]["queries"].get(name) for count in counts]
        print(f"| {name} | {' | '.join('–' if one is None else f'{one:.0f}' for one in taken)} | {_verdict(taken)} |")


def _verdict(taken: Sequence[float | None]) -> str:
    return "" if all(one is not None and one <= LIMIT_MILLISECONDS for one in taken) else "over the limit"


if __name__ == "__main__":
    sys.exit(main())

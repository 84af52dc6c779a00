"""How long the dashboard lets people wait beside a million mentions, and what memory it takes.

    python -m benchmarks.dashboard_scale --folder DIR [--mentions 1000000] [--repeat 5] [--publishes 5] [--json FILE]

The warehouse is that of `benchmarks.analysis_world`; one that lies in the folder already is used as it is. Its snapshot
is served by the command itself, on this machine, with the browser beside it, and asked in four ways:

* by a program, page by page: of a server that was never asked anything, and again of one that knows the answer;
* by Chromium, each time as somebody new: until something is painted, until the charts in view stand, and through the
  whole page;
* by somebody who does things: each interaction until what was asked for is on the screen;
* by somebody who goes on while runs of 1,000 mentions are published.

The exit code is 1 where a limit is broken, the page was in error, or anything was asked of the outside.
"""

import argparse
import gzip
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from playwright.sync_api import Error

from benchmarks.analysis_world import World
from benchmarks.dashboard_doings import doings
from benchmarks.dashboard_serving import Served, chromium, pages_of, serving
from benchmarks.dashboard_walk import Browsing, Look
from pipeline.places import PUBLISHED_NAME, WAREHOUSE_NAME
from reports.dashboard import links
from warehouse.store import open_warehouse

LIMITS: Final[Mapping[str, float]] = {
    "cold": 0.6,
    "warm": 0.1,
    "first paint": 3.0,
    "interaction": 1.0,
    "MiB": 600.0,
}
"""Seconds, of medians; and the most memory that the server may take at any time.

What the server may take for a page that nobody asked for before leaves the browser the rest of an interaction's second.
"""

RUN: Final = 1000
"""Mentions that a run brings, of those published while somebody looks."""

PAUSE: Final = 5.0
"""Seconds between two of them."""


@dataclass(slots=True)
class Found:
    """All figures, in seconds, by page or doing; and whatever went wrong."""

    cold: dict[str, list[float]] = field(default_factory=dict)
    warm: dict[str, list[float]] = field(default_factory=dict)
    kilobytes: dict[str, float] = field(default_factory=dict)
    looks: dict[str, list[Look]] = field(default_factory=dict)
    doings: dict[str, list[float]] = field(default_factory=dict)
    moving: dict[str, list[float]] = field(default_factory=dict)
    files: dict[str, list[float]] = field(default_factory=dict)
    mib: dict[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    versions: int = 0


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description="Measure the dashboard.")
    parser.add_argument("--folder", type=Path, required=True, help="where warehouse and snapshot are kept")
    parser.add_argument("--mentions", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--publishes", type=int, default=5, help="runs that come while somebody looks")
    parser.add_argument("--skip", choices=["server", "pages", "doings", "files"], nargs="*", default=[])
    parser.add_argument("--only", nargs="*", default=[], help="pages and doings whose names begin so")
    parser.add_argument("--json", type=Path, help="where to write all figures")
    parser.add_argument("--publish", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    path = options.folder / f"{options.mentions}.duckdb"
    if options.publish:
        return _publish_runs(options.folder, options.mentions, options.publishes)
    published = path.with_suffix(".published")
    World(path, options.mentions).build(tell=lambda line: print(line, file=sys.stderr))
    if not published.exists():
        with open_warehouse(path, memory_limit="2GB") as warehouse:
            warehouse.publish(published, manifest={"model": "made-up"})
    found = Found()
    every = pages_of(published)
    pages = {name: address for name, address in every.items() if _wanted(name, options.only)}
    with _site(published) as site:
        if "server" not in options.skip:
            _ask_server(site, pages, options.repeat, found)
        _browse(site, every, options, found)
        if "files" not in options.skip:
            _download(site, every, options.repeat, found)
    if options.publishes:
        _move(options, path, pages, found)
    _print(found)
    if options.json is not None:
        options.json.write_text(json.dumps(_facts(found), indent=2) + "\n", "utf-8")
    return int(bool(_broken(found)))


def _wanted(name: str, only: Sequence[str]) -> bool:
    return not only or any(name.startswith(one) for one in only)


@contextmanager
def _site(published: Path) -> Iterator[Path]:
    """A data folder that has nothing but this snapshot."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / PUBLISHED_NAME).symlink_to(published.resolve())
        yield Path(folder)


def _ask_server(site: Path, pages: Mapping[str, str], repeat: int, found: Found) -> None:
    """Each page of a server of its own, which rests and knows no answer yet; then the same again."""
    for name, address in pages.items():
        for _ in range(min(repeat, 3)):
            with serving(site) as served:
                served.settle()
                seconds, size = get(served.address + address)
                found.cold.setdefault(name, []).append(seconds)
                found.warm.setdefault(name, []).extend(get(served.address + address)[0] for _ in range(repeat))
                found.kilobytes[name] = size / 1000
                _weigh(found, f"server asked for {name}", served)


def get(url: str) -> tuple[float, int]:
    """Seconds until the whole answer is there, and its bytes, compressed. An error has seconds, too, and raises."""
    begun = time.perf_counter()
    try:
        with urlopen(Request(url, headers={"Accept-Encoding": "gzip"}), timeout=60) as answer:
            body = answer.read()
            compressed = answer.headers.get("Content-Encoding") == "gzip"
    except HTTPError as error:
        raise RuntimeError(f"{error.code} for {url}") from error
    taken = time.perf_counter() - begun
    if compressed:
        gzip.decompress(body)
    return taken, len(body)


def _browse(site: Path, pages: Mapping[str, str], options: argparse.Namespace, found: Found) -> None:
    with serving(site, "--review") as served, chromium() as browser:
        _weigh(found, "begun", served)
        browsing = Browsing(browser, served.address)
        if "pages" not in options.skip:
            for name, address in pages.items():
                if _wanted(name, options.only):
                    found.looks[name] = [browsing.look(address) for _ in range(options.repeat)]
        _weigh(found, "all pages looked at", served)
        if "doings" not in options.skip:
            for doing in doings(pages):
                if _wanted(doing.name, options.only):
                    try:
                        found.doings[doing.name] = doing.times(browsing, options.repeat)
                    except (RuntimeError, Error) as error:
                        found.faults.append(f"{doing.name}: {error}")
        _weigh(found, "everything done", served)
        found.faults += browsing.faults


def _download(site: Path, pages: Mapping[str, str], repeat: int, found: Found) -> None:
    """All events as a file, and those of one view."""
    with serving(site) as served:
        for name in ("explore", "explore, filtered"):
            for kind in ("csv", "parquet"):
                address = pages[name].replace(links.explore(), f"{links.explore()}.{kind}")
                taken, sizes = zip(*(get(served.address + address) for _ in range(repeat)), strict=True)
                found.files[f"{name}, {kind}: {max(sizes) / 1e6:.1f} MB"] = list(taken)
        _weigh(found, "files made", served)


def _move(options: argparse.Namespace, path: Path, pages: Mapping[str, str], found: Found) -> None:
    """Go from page to page while another process publishes a copy of it all, again and again."""
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        copy = Path(folder) / WAREHOUSE_NAME
        for suffix in (".duckdb", ".plan"):
            shutil.copy(path.with_suffix(suffix), copy.with_suffix(suffix))
        shutil.copytree(path.with_suffix(".published"), copy.parent / PUBLISHED_NAME, symlinks=True)
        command = [
            sys.executable, "-m", "benchmarks.dashboard_scale", "--folder", folder, "--mentions", str(options.mentions),
            "--publishes", str(options.publishes), "--publish",
        ]  # fmt: skip
        with serving(copy.parent) as served, chromium() as browser:
            browsing = Browsing(browser, served.address)
            seen = set()
            publishing = subprocess.Popen(command)
            while publishing.poll() is None:
                for name, address in pages.items():
                    begun = time.perf_counter()
                    browsing.look(address)
                    found.moving.setdefault(name, []).append(time.perf_counter() - begun)
                    with urlopen(served.address + "/version", timeout=60) as answer:
                        seen.add(answer.read())
            if publishing.returncode:
                found.faults.append(f"publishing ended with {publishing.returncode}")
            _weigh(found, "moved on", served)
            found.versions = len(seen)
            found.faults += browsing.faults


def _publish_runs(folder: Path, mentions: int, runs: int) -> int:
    """What `_move` has a process of its own do."""
    world = World(folder / WAREHOUSE_NAME, mentions)
    for _ in range(runs):
        with open_warehouse(world.path, memory_limit="1GB") as warehouse:
            ((held,),) = warehouse._database.execute("SELECT count(*) FROM mentions")
            world.load(warehouse._database, held, RUN)
            warehouse.publish(folder / PUBLISHED_NAME, manifest={"model": "made-up"})
        time.sleep(PAUSE)
    return 0


def _weigh(found: Found, when: str, served: Served) -> None:
    found.mib[when] = served.mib()
    found.mib["most"] = max(found.mib.get("most", 0.0), served.peak_mib)
    found.mib["seconds to start"] = served.start_seconds


def _broken(found: Found) -> list[str]:
    """What is beyond its limit, and all faults."""
    painted = {name: [one.first_paint for one in looks] for name, looks in found.looks.items()}
    measured = {"cold": found.cold, "warm": found.warm, "first paint": painted, "interaction": found.doings}
    said = [
        f"{name}, {what}: {statistics.median(taken):.2f} s"
        for what, some in measured.items()
        for name, taken in some.items()
        if statistics.median(taken) > LIMITS[what]
    ]
    if found.mib["most"] > LIMITS["MiB"]:
        said.append(f"memory: {found.mib['most']:.0f} MiB")
    return said + found.faults


def _print(found: Found) -> None:
    if found.cold:
        print("\n| page | cold ms | warm ms | kB |\n| --- | --- | --- | --- |")
        for name, cold in found.cold.items():
            print(f"| {name} | {_spread(cold)} | {_spread(found.warm[name])} | {found.kilobytes[name]:.0f} |")
    if found.looks:
        names = [one.name.replace("_", " ") for one in fields(Look)]
        print(f"\n| page | {' | '.join(names)} |\n|{' --- |' * (len(names) + 1)}")
        for name, looks in found.looks.items():
            told = [f"{statistics.median(getattr(one, key.name) for one in looks):.3g}" for key in fields(Look)]
            print(f"| {name} | {' | '.join(told)} |")
    for heading, some in (("interaction", found.doings), ("file", found.files),
                          ("page while snapshots are published", found.moving)):  # fmt: skip
        if some:
            print(f"\n| {heading} | ms |\n| --- | --- |")
            for name, taken in some.items():
                print(f"| {name} | {_spread(taken)} |")
    print(f"\nversions seen: {found.versions}\n" if found.moving else "")
    for when, mib in found.mib.items():
        print(f"{when}: {mib:.1f}" + ("" if when == "seconds to start" else " MiB"))
    for line in _broken(found):
        print(f"broken: {line}")


def _spread(seconds: Sequence[float]) -> str:
    return f"{1000 * statistics.median(seconds):.0f} ({1000 * min(seconds):.0f}–{1000 * max(seconds):.0f})"


def _facts(found: Found) -> dict[str, Any]:
    looks = {name: [{key.name: getattr(one, key.name) for key in fields(Look)} for one in some]
             for name, some in found.looks.items()}  # fmt: skip
    return {one.name: getattr(found, one.name) for one in fields(Found)} | {"looks": looks}


if __name__ == "__main__":
    sys.exit(main())

"""Made-up warehouses of three sizes, kept in a folder, and our side of the questions asked of them.

`benchmarks.analysis_world` says what is in them. Building the largest takes minutes, so they are kept in the folder
that CLAMPDOWN_BENCH_WORLDS names, by default `build/worlds`: about 2.5 GB for all three with the copies that peers ask.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final

from benchmarks.analysis_world import World
from warehouse.event_detail import event
from warehouse.event_list import EventFilter, events
from warehouse.reader import Reader, open_reader
from warehouse.sql import run_sql
from warehouse.store import open_warehouse

FOLDER: Final = Path(os.environ.get("CLAMPDOWN_BENCH_WORLDS", Path(__file__).parents[2] / "build" / "worlds"))
MEMORY: Final = "2GB"
"""The setting warehouse.memory_limit."""
RUN: Final = 1000
Asked = dict[str, str]
Rows = list[tuple[Any, ...]]

SQL: Final = {
    "evidence": "SELECT mention_id, quote, url FROM evidence WHERE event_id = '{event}' AND field = 'trigger' "
    "ORDER BY mention_id",
    "months": "SELECT strftime(period, '%Y-%m'), value, restrictions FROM trend('action', every := 'month') "
    "WHERE period IS NOT NULL ORDER BY period, value",
    "in force": "SELECT country, count(*), count(DISTINCT service_canonical) FROM in_force_on('{day}') "
    "GROUP BY country ORDER BY country",
    "spread": "SELECT country, strftime(first_from, '%Y-%m-%d'), strftime(first_to, '%Y-%m-%d'), restrictions, undated "
    "FROM spread('{service}') ORDER BY country",
    "most": "SELECT service_canonical, countries, restrictions, open FROM most_restricted "
    "ORDER BY countries DESC, restrictions DESC, service_canonical LIMIT 20",
    "sources": "SELECT event_id, count(DISTINCT source_id) AS n FROM event_mentions JOIN mentions USING (mention_id) "
    "JOIN articles USING (article_id) GROUP BY event_id ORDER BY n DESC, event_id LIMIT 20",
}
"""The questions as analysts ask them of us; those of “list” and “show” go to the functions behind the commands."""


def warehouse_of(mentions: int) -> Path:
    return FOLDER / f"{mentions}.duckdb"


def snapshot_of(mentions: int) -> Path:
    """The folder of a world's published snapshot, as it is in a data folder."""
    return FOLDER / f"{mentions}.published"


def make(mentions: int) -> None:
    """Build a world and publish it, unless it is there."""
    path, snapshot = warehouse_of(mentions), snapshot_of(mentions)
    World(path, mentions).build(MEMORY)
    if not (snapshot / "clampdown.duckdb").exists():
        with open_warehouse(path, memory_limit=MEMORY) as warehouse:
            warehouse.publish(snapshot, manifest={"model": "made-up"})


def facts(mentions: int) -> Asked:
    """Return about what is asked: the service and the country with most restrictions, the most told event, a day."""
    reader = _reader(mentions)
    ((service,),) = reader.rows("SELECT service_canonical FROM most_restricted LIMIT 1")
    ((country,),) = reader.rows(
        "SELECT country FROM restrictions WHERE service_canonical = ? GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1",
        [service],
    )
    ((told,),) = reader.rows(
        "SELECT event_id FROM events WHERE articles < 200 ORDER BY articles DESC, event_id LIMIT 1"
    )
    return {"service": service, "country": country, "event": told, "day": "2022-02-10"}


def ask(mentions: int, question: str, asked: Asked) -> Rows:
    """Ask our snapshot, whose connection stays open."""
    reader = _reader(mentions)
    if question == "list":
        wanted = EventFilter(service=asked["service"], country=asked["country"], limit=20)
        return [(row.id,) for row in events(reader, wanted)]
    if question == "show":
        return [(one.id,) for one in event(reader, asked["event"]).mentions]
    return list(run_sql(reader, SQL[question].format(**{k: v.replace("'", "''") for k, v in asked.items()})).rows)


def command(mentions: int, arguments: list[str]) -> int:
    """Run the command line on a data folder with this snapshot; return how many characters it printed."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "published").symlink_to(snapshot_of(mentions).resolve())
        line = [str(Path(sys.executable).parent / "clampdown"), "-d", folder, *arguments]
        # A variable that begins so and is no setting is a mistake to the command line.
        others = {name: value for name, value in os.environ.items() if not name.startswith("CLAMPDOWN_")}
        done = subprocess.run(line, check=False, capture_output=True, text=True, env=others)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr}")
    return len(done.stdout)


class Growing:
    """A copy of a world that takes in runs of RUN mentions and publishes after each."""

    def __init__(self, mentions: int) -> None:
        self._folder = Path(tempfile.mkdtemp(dir=FOLDER, prefix="growing-"))
        self._path = self._folder / warehouse_of(mentions).name
        for suffix in (".duckdb", ".plan"):
            shutil.copy2(warehouse_of(mentions).with_suffix(suffix), self._path.with_suffix(suffix))
        shutil.copytree(snapshot_of(mentions), self._folder / "published", symlinks=True)
        self._world = World(self._path, mentions)

    def load(self) -> None:
        with open_warehouse(self._path, memory_limit=MEMORY) as warehouse:
            database = warehouse._database
            ((held,),) = database.execute("SELECT count(*) FROM mentions")
            self._world.load(database, held, RUN)

    def publish(self) -> None:
        with open_warehouse(self._path, memory_limit=MEMORY) as warehouse:
            assert warehouse.publish(self._folder / "published", manifest={"model": "made-up"}).changed

    def close(self) -> None:
        shutil.rmtree(self._folder)


_growing: list[Growing] = []


def grow_from(mentions: int) -> None:
    """Make a copy to grow, in place of the one before."""
    end_growing()
    _growing.append(Growing(mentions))


def take_in_run() -> None:
    _growing[0].load()


def publish_run() -> None:
    _growing[0].publish()


def end_growing() -> None:
    while _growing:
        _growing.pop().close()


@cache
def _reader(mentions: int) -> Reader:
    return open_reader(snapshot_of(mentions) / "clampdown.duckdb", threads=len(os.sched_getaffinity(0)))

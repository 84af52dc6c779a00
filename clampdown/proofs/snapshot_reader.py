"""A reader of the published snapshot in a process of its own: `python -m clampdown.proofs.snapshot_reader`.

It opens, looks, closes, again and again, and says at the end what it met. Half of the readers go through
`connect_snapshot`; the others do what any analyst's program does: plain DuckDB, read-only, by the lasting path.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from warehouse.query import connect_snapshot
from warehouse.snapshot import DATABASE_NAME

WORD = "word.json"
"""The file in which the publisher tells readers what they must see by now, and whether to read, to rest or to stop."""

Ask = Callable[[str], list[tuple[Any, ...]]]


@dataclass(slots=True)
class Met:
    """What a reader met: how often it looked, at how many versions, and what was wrong."""

    reads: int = 0
    seconds: float = 0.0
    versions: int = 0
    errors: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)


def main(folder: Path, published: Path, kind: str, pause: float) -> None:
    """Read until told to stop, then print what was met as JSON. `pause` is the time between two looks, in seconds."""
    opened = {"plain": _plain, "program": _program}[kind]
    met = Met()
    seen: set[str] = set()
    while True:
        word = json.loads((folder / WORD).read_text("utf-8"))
        if word["do"] == "stop":
            break
        if word["do"] == "read":
            begun = time.perf_counter()
            try:
                with opened(published) as ask:
                    seen.add(_look(ask, word["published_at"], met))
            except Exception as error:
                met.errors.append(f"{type(error).__name__}: {error}")
            met.seconds += time.perf_counter() - begun
            met.reads += 1
        time.sleep(pause)
    met.versions = len(seen)
    print(json.dumps(asdict(met)))


def _look(ask: Ask, least: str, met: Met) -> str:
    """Hold all tables against the manifest inside the file; return the version, by its time of publication."""
    told: Mapping[str, Any] = {key: json.loads(value) for key, value in ask("SELECT key, value FROM manifest")}
    for table, count in told["counts"].items():
        if ask(f"SELECT count(*) FROM {table}") != [(count,)]:  # noqa: S608 - names from our own manifest
            met.mixed.append(f"{told['published_at']}: {table}")
    # Tables belong together, too: no event without its words.
    ((without,),) = ask("SELECT count(*) FROM events WHERE event_id NOT IN (SELECT event_id FROM evidence)")
    if without:
        met.mixed.append(f"{told['published_at']}: {without} events without evidence")
    if told["published_at"] < least:
        met.stale.append(f"{told['published_at']} although {least} was published")
    return str(told["published_at"])


@contextmanager
def _plain(published: Path) -> Iterator[Ask]:
    # Imported as a stranger's program does: this one leaves DuckDB to the warehouse.
    duckdb = import_module("duckdb")
    with duckdb.connect(str(published / DATABASE_NAME), read_only=True) as connection:
        yield lambda sql: connection.execute(sql).fetchall()


@contextmanager
def _program(published: Path) -> Iterator[Ask]:
    with connect_snapshot(published) as reader:
        yield reader.rows


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], float(sys.argv[4]))

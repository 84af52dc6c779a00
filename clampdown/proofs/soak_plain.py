"""The undisturbed runs that a soak is held against: direct runs over the same states, one after the other.

Run as a module, this is the process that runs and compares; it does what lines of JSON on its standard input tell it,
and answers each with one. `Plain` starts it.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from flows import extracting
from flows.house import ARCHIVE_NAME, PUBLISHED_NAME, WAREHOUSE_NAME, House, open_house
from flows.ingest import Stages, ingest
from pipeline.archive import Archive
from pipeline.errors import WorkerError
from pipeline.fetch import FetchSession
from pipeline.robots_file import ROBOTS_NAME
from pipeline.settings import load
from pipeline.sources import load_sources
from warehouse.compare import content
from warehouse.snapshot import Snapshot
from warehouse.store import open_warehouse

SHOWN = 2
"""Differing rows of a table that are shown."""

LONGEST = 600
"""Characters of each."""

Rows = dict[str, list[tuple[Any, ...]]]


class Plain:
    """The process that runs undisturbed, with the settings of `config`. A context manager."""

    def __init__(self, config: Path, environment: Mapping[str, str]) -> None:
        self._command = [sys.executable, "-m", __name__, str(config)]
        self._environment = environment
        self._process: subprocess.Popen[str]
        self._runs = False

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603 - this very program
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=dict(self._environment),
            # An interrupt at the terminal is for the proof.
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._process.kill()
        # Ends it politely, too: nothing more is to be done.
        self._process.communicate()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def begin_run(self, moment: datetime) -> None:
        """Begin with a run over the present state, which began at `moment` by the clock; `ended` waits for it."""
        self._tell({"do": "run", "moment": moment.isoformat()})
        self._runs = True

    def ended(self) -> None:
        """Wait until the run has ended, if one was begun. Raises WorkerError where it failed."""
        if self._runs:
            self._answer()
        self._runs = False

    def differences(self, folder: Path) -> list[str]:
        """What differs between the tables of the runs and those in `folder`, in words; and what stands there twice.

        With a published snapshot in `folder`, the snapshots are compared.
        """
        self._tell({"do": "compare", "folder": str(folder)})
        return [str(one) for one in self._answer()]

    def _tell(self, order: Mapping[str, object]) -> None:
        assert self._process.stdin is not None, "it was asked for"
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def _answer(self) -> list[object]:
        assert self._process.stdout is not None, "it was asked for"
        line = self._process.stdout.readline()
        if not line:
            raise WorkerError(f"the undisturbed runs ended with status {self._process.wait()}")
        found: list[object] = json.loads(line)
        return found


def _serve(config: Path) -> None:
    settings = load(config).settings
    # They are none of those that are watched: a folder of their own.
    settings = settings.model_copy(update={"data_dir": settings.data_dir.with_name("plain")})
    with _tools(settings.data_dir / "tools", config) as tools:
        for line in sys.stdin:
            order = json.loads(line)
            answer: list[str] = []
            if order["do"] == "run":
                while datetime.now(UTC) < datetime.fromisoformat(order["moment"]):
                    time.sleep(0.05)
                _run(replace(tools, settings=settings))
            else:
                answer = _compare(replace(tools, settings=settings), Path(order["folder"]))
            print(json.dumps(answer), flush=True)


@contextmanager
def _tools(folder: Path, config: Path) -> Iterator[House]:
    """Workers and model, opened once for all runs."""
    settings = load(config).settings.model_copy(update={"data_dir": folder})
    with open_house(settings) as house:
        yield house


@contextmanager
def _opened(tools: House) -> Iterator[House]:
    folder = tools.settings.data_dir
    folder.mkdir(parents=True, exist_ok=True)
    with (
        open_warehouse(folder / WAREHOUSE_NAME) as warehouse,
        FetchSession(tools.settings.fetch, robots_file=folder / ROBOTS_NAME) as session,
    ):
        archive = Archive(folder / ARCHIVE_NAME)
        yield replace(tools, warehouse=warehouse, archive=archive, session=session, started_at=datetime.now(UTC))


def _run(tools: House) -> None:
    """What is published is compared at the end only."""

    def unpublished(house: House) -> Snapshot:
        folder = house.settings.data_dir
        return Snapshot(folder, folder, folder, published_at=house.started_at, counts={}, changed=False)

    with _opened(tools) as house:
        ingest(house, load_sources(house.settings.sources), Stages(publish=unpublished))


def _compare(tools: House, folder: Path) -> list[str]:
    mine = tools.settings.data_dir
    published = folder / PUBLISHED_NAME
    if published.exists():
        with _opened(tools) as house:
            extracting.publish(house)
        return different(*(content(where / PUBLISHED_NAME / "clampdown.duckdb") for where in (mine, folder)))
    found = content(folder / WAREHOUSE_NAME)
    return different(content(mine / WAREHOUSE_NAME), found) + doubled(found)


def different(expected: Rows, found: Rows) -> list[str]:
    """The tables that differ, in words, with some of the rows."""
    differing = []
    for table in sorted({*expected, *found}):
        must, has = expected.get(table), found.get(table)
        if must == has:
            continue
        if must is None or has is None:
            differing.append(f"{table} is {'missing' if has is None else 'one too many'}")
            continue
        lacking, extra = Counter(map(repr, must)), Counter(map(repr, has))
        lacking, extra = lacking - extra, extra - lacking
        examples = [f"lacks {one}"[:LONGEST] for one in list(lacking)[:SHOWN]]
        examples += [f"has {one}"[:LONGEST] for one in list(extra)[:SHOWN]]
        differing.append(f"{table}: {lacking.total()} rows lacking, {extra.total()} too many: {'; '.join(examples)}")
    return differing


def doubled(found: Rows) -> list[str]:
    """The tables in which something stands twice that is one of its kind by its first column."""
    faults = []
    for table in ("entries", "outcomes", "articles", "sources"):
        keys = [row[0] for row in found[table]]
        if len(keys) > len(set(keys)):
            faults.append(f"{table}: {len(keys) - len(set(keys))} stand there twice")
    return faults


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))

"""What a section of the comparison hands over: tables of figures with their spread, who took part, on which machine.

A figure is the median of its rounds with the least and the greatest of them; a figure that can't vary (a share of a
fixed set of pages) has one round. Which way is better stands in the column, so that the page finds out by itself where
another one wins.
"""

import os
import platform
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import TypeAdapter

RESULTS: Final = Path(__file__).parent / "results"
OURS: Final = "clampdown"
"""How a row's subject begins that is ours; rows of others begin with their distribution's name."""

CORPUS: Final = Path(os.environ.get("CLAMPDOWN_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
"""Where the public sets lie that sections measure on; they are no part of this project."""

Better = Literal["higher", "lower", "neither"]


class NoData(Exception):
    """What a section measures on isn't there: the message names the file."""


@dataclass(frozen=True, slots=True)
class Figure:
    """The median of `n` measurements, the least and the greatest of them."""

    median: float
    low: float
    high: float
    n: int = 1

    @property
    def varies(self) -> bool:
        return self.n > 1


@dataclass(frozen=True, slots=True)
class Column:
    """What is measured: `unit` is "" for a share or a count; `digits` are those shown after the point."""

    name: str
    unit: str = ""
    better: Better = "neither"
    digits: int = 3


@dataclass(frozen=True, slots=True)
class Row:
    """What one subject reached; a column that does not apply to it is left out. `note` explains what is odd."""

    subject: str
    figures: Mapping[str, Figure]
    note: str = ""

    @property
    def ours(self) -> bool:
        return self.subject.startswith(OURS)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that may be compared with each other."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """Someone who should take part and can't, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Section:
    """What `measure` of a section returns.

    `data` says on what was measured, `remarks` are sentences about how to read the figures. `versions` are those of the
    distributions that took part, by name.
    """

    title: str
    data: str
    tables: tuple[Table, ...]
    versions: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[Missing, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it was measured. `load` is the load average of the minute before: above 0.5 others took part."""

    processor: str
    cores: int
    memory_gb: float
    system: str
    python: str
    load: float


@dataclass(frozen=True, slots=True)
class Record:
    """A section's result as it is kept: `seconds` is how long all of it took by the clock."""

    name: str
    section: Section
    machine: Machine
    date: str
    command: str
    rounds: int
    seconds: float


RECORD: Final = TypeAdapter(Record)


def figure(values: Iterable[float]) -> Figure:
    """Return the median and the ends of `values`; raises StatisticsError if there are none."""
    known = sorted(values)
    return Figure(statistics.median(known), known[0], known[-1], len(known))


def exact(value: float) -> Figure:
    """Return a figure that would be the same in each round."""
    return Figure(value, value, value)


def corpus(name: str) -> Path:
    """Return the path of a public set; raises NoData if it isn't there."""
    path = CORPUS / name
    if not path.exists():
        raise NoData(f"{name} is not in {CORPUS}; set CLAMPDOWN_CORPUS to the folder that holds it")
    return path


def machine() -> Machine:
    """Describe this machine as far as figures depend on it."""
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        system=f"{platform.system()} {platform.release().partition('-')[0]}",
        python=platform.python_version(),
        load=round(os.getloadavg()[0], 2),
    )


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def path_of(name: str, folder: Path = RESULTS) -> Path:
    return folder / f"{name}.json"


def keep(record: Record, path: Path) -> None:
    """Write `record` as JSON that reads well in a diff."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(RECORD.dump_json(record, indent=1) + b"\n")


def load(path: Path) -> Record:
    """Read a kept record; raises ValidationError for another form."""
    return RECORD.validate_json(path.read_bytes())


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())

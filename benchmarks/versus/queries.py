"""How long do the warehouse's questions take, and how does that grow from ten thousand mentions to a million?

Seven questions are asked of our snapshot by the shipped views and macros, and of SQLite, pandas and Polars over the
same rows. A time counts only where the answer is ours, row by row. Beside that stands what only we do: showing an event
with all its evidence, the commands as a whole, and publishing after a run.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Final

from benchmarks.versus import worlds
from benchmarks.versus.record import Column, Figure, Missing, Row, Section, Table, exact, figure
from benchmarks.versus.worker import BENCH, OWN, Answer, NotInstalled, Worker

SIZES: Final = (10_000, 100_000, 1_000_000)
ROUNDS_OF_RUNS: Final = 3
ASKED_AGAIN: Final = 3
OURS: Final = "benchmarks.versus.worlds"
PEERS: Final = "benchmarks.versus.peers.tables"
QUESTIONS: Final = {
    "list": "The latest events on one service in one country",
    "evidence": "The words and the addresses behind one event",
    "months": "Restrictions by month and action",
    "in force": "What was in force on a day, by country",
    "spread": "How restrictions on a service spread over countries",
    "most": "The most restricted services",
    "sources": "The events that most sources tell",
}
NOTES: Final = {
    "clampdown": "DuckDB, the views and macros of the published snapshot, two-sided dates and all",
    "sqlite3": "the same rows with four indexes and ANALYZE, the question written for it",
    "pandas": "the needed columns loaded once, in PyArrow's types; loading is told below",
    "polars": "lazily over the Parquet files, nothing kept between questions",
}
SUBJECTS: Final = tuple(NOTES)
WAITS: Final = "Only ours: what a person or a run waits for"


Found = dict[str, dict[str, dict[int, Figure]]]
"""Milliseconds by question, subject and size."""


@dataclass(frozen=True, slots=True)
class Side:
    """Who is asked about the world of one size: `ask` returns the answer of one question."""

    subject: str
    ask: Callable[[str], Answer]


def measure(rounds: int) -> Section:
    """Build what is not there yet, compare all answers, and ask in turns."""
    sizes = SIZES if rounds else SIZES[:1]
    times: Found = {question: {} for question in (*QUESTIONS, WAITS)}
    kept: dict[str, dict[int, Figure]] = {}
    missing: list[Missing] = []
    versions = {"sqlite3": ""}
    for size in sizes:
        with Worker(OWN) as builder:
            builder.call(f"{OURS}:make", size, seconds=1800)
            asked: dict[str, str] = builder.call(f"{OURS}:facts", size).value
            versions |= builder.versions("duckdb")
        with ExitStack() as stack:
            sides, theirs = _sides(stack, size, asked, kept)
            for question in QUESTIONS:
                missing += _in_turns(question, size, max(rounds, 1), sides, times[question])
            versions |= theirs
        for subject, one in _waits(size, max(rounds, 1), asked).items():
            times[WAITS].setdefault(subject, {})[size] = one
    if not versions["sqlite3"]:
        del versions["sqlite3"]
        missing += [Missing(subject, "the peers' environment is not set up: make bench") for subject in SUBJECTS[1:]]
    return Section(
        title="Questions to the warehouse",
        data=f"Made-up warehouses of {', '.join(f'{size:,}' for size in sizes)} mentions over ten years, ten to an "
        "event on average, with services, bodies and sources as unevenly told as in the press "
        "(`benchmarks/analysis_world.py`). Connections stay open and files are in the system's cache; each time is the "
        f"median of {ASKED_AGAIN} in a row.",
        tables=(
            *(_table(title, times[question], NOTES) for question, title in QUESTIONS.items()),
            _table(WAITS, times[WAITS], {}),
            _kept_table(kept),
        ),
        versions=versions,
        missing=tuple(missing),
        remarks=REMARKS,
    )


def growth(times: Mapping[int, float]) -> float:
    """Return by what a time multiplies where the size grows tenfold, fitted over all sizes by least squares of logs."""
    points = [(math.log10(size), math.log10(max(time, 1e-6))) for size, time in times.items()]
    x = sum(a for a, _ in points) / len(points)
    y = sum(b for _, b in points) / len(points)
    return float(10 ** (sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points)))


def _sides(
    stack: ExitStack, size: int, asked: dict[str, str], kept: dict[str, dict[int, Figure]]
) -> tuple[list[Side], dict[str, str]]:
    """Open our side and the others', as far as they are installed; return them and the others' versions."""
    own = stack.enter_context(Worker(OWN))
    sides = [Side("clampdown", lambda question: own.call(f"{OURS}:ask", size, question, asked))]
    snapshot = worlds.snapshot_of(size)
    parquet, path = str((snapshot / "parquet").resolve()), str(worlds.FOLDER / f"{size}.sqlite")
    weights = {"clampdown, DuckDB file": (snapshot / "clampdown.duckdb").stat().st_size / 1e6}
    versions = {}
    try:
        workers = {subject: stack.enter_context(Worker(BENCH)) for subject in SUBJECTS[1:]}
        megabytes = workers["sqlite3"].call(f"{PEERS}:into_sqlite", parquet, path, seconds=1800).value
        weights["parquet, the five tables asked"] = workers["polars"].call(f"{PEERS}:megabytes", parquet).value
        weights["sqlite3, file with indexes"] = megabytes
        weights["pandas, memory once loaded"] = workers["pandas"].call(f"{PEERS}:pandas_load", parquet).peak_mb
        versions = workers["sqlite3"].call(f"{PEERS}:versions").value
        for subject, given in (("sqlite3", path), ("pandas", parquet), ("polars", parquet)):
            sides.append(Side(subject, partial(_ask, workers[subject], subject, given, asked)))
    except NotInstalled:
        pass  # told once, for all sizes
    for subject, weight in weights.items():
        kept.setdefault(subject, {})[size] = exact(weight)
    return sides, versions


def _ask(worker: Worker, subject: str, given: str, asked: dict[str, str], question: str) -> Answer:
    return worker.call(f"{PEERS}:{subject}", given, question, asked)


def _in_turns(
    question: str, size: int, rounds: int, sides: Sequence[Side], times: dict[str, dict[int, Figure]]
) -> list[Missing]:
    """Ask all sides whose answer is ours, in turns; return those whose answer is another."""
    first = {side.subject: [tuple(row) for row in side.ask(question).value] for side in sides}
    right = [side for side in sides if first[side.subject] == first["clampdown"]]
    taken: dict[str, list[float]] = {side.subject: [] for side in right}
    for _ in range(rounds):
        for side in right:
            walls = [side.ask(question).wall for _ in range(ASKED_AGAIN)]
            taken[side.subject].append(1000 * median(walls))
    for subject, some in taken.items():
        times.setdefault(subject, {})[size] = figure(some)
    return [
        Missing(f"{side.subject}: {QUESTIONS[question].lower()}", f"at {size:,} its answer is another than ours")
        for side in sides
        if side not in right
    ]


def _waits(size: int, rounds: int, asked: dict[str, str]) -> dict[str, Figure]:
    """Milliseconds of an event shown, of whole commands, and of a run that is published, at one size."""
    few = min(rounds, ROUNDS_OF_RUNS)
    commands = {
        "clampdown events": ["events", "--service", asked["service"], "--country", asked["country"]],
        "clampdown show": ["show", asked["event"]],
        "clampdown sql": ["sql", "SELECT * FROM most_restricted LIMIT 20"],
    }
    with Worker(OWN) as own:
        shown = [own.call(f"{OURS}:ask", size, "show", asked).wall for _ in range(rounds + 1)][1:]
        found = {"clampdown, an event with all its evidence": shown}
        for name, line in commands.items():
            found[name] = [own.call(f"{OURS}:command", size, line).wall for _ in range(few)]
    with Worker(OWN) as own:
        own.call(f"{OURS}:grow_from", size)
        try:
            published = []
            for _ in range(few):
                own.call(f"{OURS}:take_in_run")
                published.append(own.call(f"{OURS}:publish_run").wall)
        finally:
            own.call(f"{OURS}:end_growing")
    found[f"clampdown, a run of {worlds.RUN:,} mentions published"] = published
    return {subject: figure(1000 * one for one in taken) for subject, taken in found.items()}


def _table(title: str, found: Mapping[str, Mapping[int, Figure]], notes: Mapping[str, str]) -> Table:
    sizes = sorted({size for about in found.values() for size in about})
    rows = []
    for subject, about in found.items():
        figures = {f"{size:,}": about[size] for size in sizes if size in about}
        if len(about) > 1:
            figures["growth"] = exact(growth({size: one.median for size, one in about.items()}))
        rows.append(Row(subject, figures, notes.get(subject, "")))
    columns = [Column(f"{size:,}", "ms", "lower", 1) for size in sizes]
    return Table(title, (*columns, Column("growth", "times a tenfold", "lower", 1)), tuple(rows))


def _kept_table(kept: Mapping[str, Mapping[int, Figure]]) -> Table:
    sizes = sorted({size for about in kept.values() for size in about})
    rows = [Row(subject, {f"{size:,}": one for size, one in about.items()}) for subject, about in kept.items()]
    return Table("What it takes to keep", tuple(Column(f"{size:,}", "MB", "neither", 1) for size in sizes), tuple(rows))


REMARKS: Final = (
    "“growth” is by what the time multiplies when the mentions grow tenfold, fitted over the sizes: 10 is linear, 1 is "
    "no growth at all.",
    "The questions of SQLite, pandas and Polars were written for the numbers that are compared and for nothing else. "
    "Our views and macros answer more of each question (dates as ranges, ranks, ends, undated ones), and are asked "
    "through the reader that lets no question write or reach a file.",
    "Our DuckDB file holds all tables with the texts; the Parquet files that are weighed hold five tables, the SQLite "
    "file of those only the columns asked for.",
    "An event shown and the commands have no counterpart: the first gathers an event's mentions, what ties and what "
    "contradicts them; the others begin a process of their own each time, most of which is its start.",
    "The warehouses are built on the first run, which takes minutes, and kept: 2.5 GB in `build/worlds`, or in the "
    "folder that CLAMPDOWN_BENCH_WORLDS names.",
    "Publishing writes what changed into a new version of the snapshot and checks it; readers see the old or the new "
    "one.",
)

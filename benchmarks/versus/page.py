"""The page docs/benchmarks.md, made from kept records and from what the benchmarks say of themselves."""

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from benchmarks.versus import SECTIONS
from benchmarks.versus.record import Column, Figure, Machine, Missing, Record, Row, Table

BENCHMARKS: Final = Path(__file__).parents[1]
BUSY: Final = 0.7
"""Load average per core from which a machine is called busy."""
COMMAND: Final = re.compile(r"python (?:-m benchmarks\.|benchmarks/)\w+[^`\n#]*")
HEAD: Final = """\
# Benchmarks

What Clampdown does beside what you would pick instead, measured side by side in one run on one machine. `make bench`
installs the others into an environment of their own (`.venv-bench`, from `requirements-bench.lock`), measures all and
writes this page; `make bench-quick` only looks whether all of it works. Each section has a command of its own, too.

A figure is the median of its rounds, with the least and the greatest of them behind it where it varies. Times are the
CPU's unless a column says otherwise. **Bold** is the best of a column. Where another one beats ours by more than the
spread, a list below the table says so: it is made from the figures, as this whole page is
(`benchmarks/versus/results/*.json`). Public sets that are measured on are no part of this project: they are looked for
in `../shared/corpus`, or in the folder that `CLAMPDOWN_CORPUS` names.
"""


def page(records: Sequence[Record]) -> str:
    """Return the page as Markdown."""
    parts = [HEAD]
    parts += ["\n".join(_section(record)) for record in records]
    parts.append("\n".join(_others()))
    return "\n".join(parts) + "\n"


def table_lines(table: Table, *, bold: bool = False) -> Iterator[str]:
    """Yield a table's lines as Markdown that reads well in a terminal, too; the best of each column is `bold`."""
    best = {column.name: _best(table.rows, column) if bold else None for column in table.columns}
    cells = [["", *(_head(column) for column in table.columns)]]
    cells += [[row.subject, *(_cell(row, column, best[column.name]) for column in table.columns)] for row in table.rows]
    widths = [max(len(line[at]) for line in cells) for at in range(len(cells[0]))]
    for number, (first, *others) in enumerate(cells):
        padded = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        yield f"| {' | '.join((first.ljust(widths[0]), *padded))} |"
        if number == 0:
            yield f"| {' | '.join(('-' * widths[0], *('-' * (width - 1) + ':' for width in widths[1:])))} |"


def shown(figure: Figure, digits: int) -> str:
    """Return the median, with the ends behind it where it varies."""
    median, low, high = (f"{value:,.{digits}f}" for value in (figure.median, figure.low, figure.high))
    return median if not figure.varies or low == high else f"{median} ({low}–{high})"


def losses(table: Table) -> list[str]:
    """Say of each column in which another one beats the first row of ours by more than the spread."""
    ours = next((row for row in table.rows if row.ours), None)
    told = []
    for column in table.columns if ours else ():
        figure = ours.figures.get(column.name) if ours else None
        if figure is None or column.better == "neither":
            continue
        better = [row for row in table.rows if not row.ours and _beats(row.figures.get(column.name), figure, column)]
        if not better:
            continue
        first = sorted(better, key=lambda row: _rank(row.figures[column.name], column))[0]
        others = (
            "" if len(better) == 1 else f"; {len(better) - 1} more {'is' if len(better) == 2 else 'are'} better, too"
        )
        reached = shown(first.figures[column.name], column.digits)
        told.append(f"{_head(column)}: {first.subject} {reached}, ours {shown(figure, column.digits)}{others}")
    return told


def benchmarks() -> Iterator[tuple[str, str, str]]:
    """Yield module, command and first sentence of each benchmark that is run by itself."""
    for path in sorted(BENCHMARKS.glob("*.py")):
        source = path.read_text(encoding="utf-8")
        told = ast.get_docstring(ast.parse(source)) or ""
        command = COMMAND.search(told)
        if '__name__ == "__main__"' not in source or command is None:
            continue
        first = COMMAND.sub("", told.partition("\n\n")[0].replace("\n", " ")).replace("``", "")
        yield path.stem, command[0].strip(), first.rstrip(" .:")


def _section(record: Record) -> Iterator[str]:
    section = record.section
    yield f"## {section.title}\n"
    yield f"**{_question(record.name)}**\n"
    yield f"```sh\n{record.command}\n```\n"
    yield f"{section.data}\n"
    noted: set[str] = set()
    for table in section.tables:
        yield f"### {table.title}\n"
        yield from table_lines(table, bold=True)
        yield ""
        notes = [f"{row.subject}: {row.note}" for row in table.rows if row.note]
        yield from _list("", [note for note in notes if note not in noted])
        noted.update(notes)
        yield from _list("Better than ours:\n", losses(table))
    yield from _list("", section.remarks)
    yield from _list("Not measured:\n", [_missing(one) for one in section.missing])
    versions = ", ".join(f"{name} {version}" for name, version in section.versions.items())
    rounds = f"{record.rounds} round{'s' if record.rounds != 1 else ''}"
    yield f"Measured on {record.date} in {rounds} and {record.seconds:.0f} s: {_machine(record.machine)}."
    yield f"Versions: {versions}.\n" if versions else ""


def _list(head: str, lines: Iterable[str]) -> Iterator[str]:
    some = list(lines)
    if some:
        if head:
            yield head
        yield from (f"* {_plain(line)}" for line in some)
        yield ""


def _plain(text: str) -> str:
    """Markdown that shows "<title>" instead of opening one; code is code already."""
    parts = text.split("`")
    return "`".join(part if place % 2 else part.replace("<", "&lt;") for place, part in enumerate(parts))


def _missing(missing: Missing) -> str:
    return f"{missing.name}: {missing.reason}"


def _machine(machine: Machine) -> str:
    busy = machine.load / machine.cores > BUSY
    noise = f"; **the machine was busy** (load {machine.load:.1f}), so times are rough" if busy else ""
    return (
        f"{machine.processor}, {machine.cores} cores, {machine.memory_gb:.0f} GB, {machine.system}, "
        f"Python {machine.python}{noise}"
    )


def _question(name: str) -> str:
    path = BENCHMARKS.parent / f"{SECTIONS[name].replace('.', '/')}.py"
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def _others() -> Iterator[str]:
    yield "## Other benchmarks\n"
    yield "What is measured of ours alone, or on one question in depth. Each tells its options by `--help`.\n"
    yield "| what is measured | command |"
    yield "| --- | --- |"
    for _, command, first in benchmarks():
        yield f"| {first} | `{command}` |"


def _head(column: Column) -> str:
    return f"{column.name}, {column.unit}" if column.unit else column.name


def _cell(row: Row, column: Column, best: float | None) -> str:
    figure = row.figures.get(column.name)
    if figure is None:
        return ""
    text = shown(figure, column.digits)
    return f"**{text}**" if best is not None and round(figure.median, column.digits) == best else text


def _best(rows: Sequence[Row], column: Column) -> float | None:
    """The best median as it is shown; None where all are equal or none is better than others."""
    known = {round(row.figures[column.name].median, column.digits) for row in rows if column.name in row.figures}
    if column.better == "neither" or len(known) < 2:
        return None
    return max(known) if column.better == "higher" else min(known)


def _beats(other: Figure | None, ours: Figure, column: Column) -> bool:
    """Whether the other one's range lies wholly on the better side of ours, as far as it is shown."""
    if other is None:
        return False
    if column.better == "higher":
        return round(other.low, column.digits) > round(ours.high, column.digits)
    return round(other.high, column.digits) < round(ours.low, column.digits)


def _rank(figure: Figure, column: Column) -> float:
    return -figure.median if column.better == "higher" else figure.median

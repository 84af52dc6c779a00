"""What the commands print: tables for people, JSON for programs, and one line for an error."""

import json
import re
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderableType, RenderHook, RenderResult
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from pipeline.errors import ClampdownError

if TYPE_CHECKING:
    from extractors.usage import Meter

PIPE_WIDTH = 120
"""Columns to assume where there is no terminal to ask: wide enough for a table in a log."""


def console(*, stderr: bool = False) -> Console:
    """A console for standard output or error; a pipe gets plain lines of a fixed width.

    Whatever is printed on it is `printable`: what a publisher wrote can't steer the terminal, on no way.
    """
    stream = sys.stderr if stderr else sys.stdout
    made = Console(stderr=stderr, highlight=False, width=None if stream.isatty() else PIPE_WIDTH)
    made.push_render_hook(_PrintableHook())
    return made


class _PrintableHook(RenderHook):
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Printable(one) for one in renderables]


class _Printable:
    """Something to print, without the control characters of its text. Rich's own, for styles and bars, stay."""

    def __init__(self, what: RenderableType) -> None:
        self._what = what

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._what, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


def fail(error: ClampdownError) -> int:
    """Print an error and its way out; return the exit code."""
    out = console(stderr=True)
    out.print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True)
    if error.hint:
        out.print(f"  [dim]{escape(error.hint)}[/]", soft_wrap=True)
    return error.exit_code


def print_json(value: object, *, indent: int | None = 2) -> None:
    """Print a value of dataclasses, dates, enums and paths as JSON."""
    sys.stdout.write(escaped(json.dumps(value, ensure_ascii=False, indent=indent, default=_plain)) + "\n")


def escaped(text: str) -> str:
    """JSON text with the characters that could steer a terminal written as \\u1234: the value stays the same."""
    return _STEERING.sub(lambda found: json.dumps(found[0])[1:-1], text)


# Controls beyond ASCII's, which JSON escapes itself; what turns, hides or splits text; half characters.
_STEERING = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


def print_usage(meter: "Meter") -> None:
    """Tell on standard error what a backend that counts its calls has used."""
    console(stderr=True).print(Text(f"extraction: {meter.total}", style="dim"), soft_wrap=True)


def table(title: str | None, columns: Sequence[str], rows: Sequence[Sequence[Any]], **styles: str) -> Table:
    """Build a table. Cells are text, never markup: what a publisher wrote can't style or hide anything."""
    result = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        numeric = bool(rows) and all(isinstance(row[len(result.columns)], int | float) for row in rows)
        result.add_column(column, justify="right" if numeric else "left", style=styles.get(column), overflow="fold")
    for row in rows:
        result.add_row(*(cell if isinstance(cell, Text) else Text(_cell(cell)) for cell in row))
    return result


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, Enum):
        return str(value.value)
    return printable(str(value))


def printable(text: str) -> str:
    """Replace control characters, so that no stored text can steer the terminal, turn its own order or hide in it."""
    return text if text.isprintable() else "".join(map(_shown, text))


_KEPT = frozenset("\n\t\u200c\u200d")
"""Line breaks and tabs, and the joiners without which Persian, Indic scripts and emoji fall apart."""

_UNSEEN = frozenset("\xad\u200b\u2060\ufeff")
"""Places where a line may or may not break: nothing is to be seen of them, and nothing is lost."""


def _shown(character: str) -> str:
    if character.isprintable() or character in _KEPT:
        return character
    if character in _UNSEEN:
        return ""
    return " " if unicodedata.category(character) == "Zs" else "\N{REPLACEMENT CHARACTER}"


def shorten(text: str, width: int) -> str:
    """Cut `text` to `width` characters, with an ellipsis where something is missing."""
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def span(seconds: float | None) -> str:
    """A length of time in its largest fitting unit."""
    if seconds is None:
        return ""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def ago(moment: datetime | None, now: datetime) -> str:
    """How long ago something was that may never have been."""
    return "never" if moment is None else f"{span(max(0.0, (now - moment).total_seconds()))} ago"


def ahead(moment: datetime | None, now: datetime) -> str:
    """In how long something is to be; nothing where it is not."""
    if moment is None:
        return ""
    seconds = (moment - now).total_seconds()
    return f"in {span(seconds)}" if seconds > 0 else "due"


class _Lines:
    """Progress as plain lines on standard error, one per stage and one per tenth of it."""

    def __init__(self) -> None:
        self._out = console(stderr=True)
        self._done: dict[str, int] = {}
        self._total: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._grown: set[str] = set()

    def begin(self, stage: str, total: int) -> None:
        if stage in self._total:
            self._total[stage] = total
            self._grown.add(stage)
            return
        self._done[stage], self._told[stage], self._total[stage] = 0, 0, total
        self._out.print(f"{stage}: {total} to do")

    def advance(self, stage: str, done: int) -> None:
        self._done[stage] += done
        now, total = self._done[stage], self._total[stage]
        # What grows with each step is complete at each step.
        is_last = now >= total and stage not in self._grown
        if is_last or now - self._told[stage] >= max(1.0, total / 10):
            self._told[stage] = now
            self._out.print(f"{stage}: {now} of {total}")


class _Bars:
    """Progress as bars on a terminal."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def begin(self, stage: str, total: int) -> None:
        if stage in self._tasks:
            self._bars.update(self._tasks[stage], total=total)
        else:
            self._tasks[stage] = self._bars.add_task(stage, total=total)

    def advance(self, stage: str, done: int) -> None:
        self._bars.advance(self._tasks[stage], done)


@contextmanager
def progress() -> Iterator[_Lines | _Bars]:
    """Bars where standard error is a terminal, plain lines where it is not."""
    out = console(stderr=True)
    if not out.is_terminal:
        yield _Lines()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=out, transient=True) as bars:
        yield _Bars(bars)

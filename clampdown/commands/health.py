"""`sources check`: how each source fares, trouble first."""

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clampdown import completion
from clampdown.options import load_settings
from clampdown.output import ago, ahead, console, print_json, printable, progress, shorten, span, table
from pipeline.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from pipeline.schedule import PollFacts
    from pipeline.settings import Settings
    from pipeline.types import Source
    from warehouse.health import HealthReport, SourceHealth

# In the order of being shown: what needs a hand comes first.
STYLES = {
    "gone": "bold red",
    "failing": "red",
    "silent": "yellow",
    "never polled": "cyan",
    "ok": "green",
    "disabled": "dim",
}
GOOD = frozenset({"ok", "not_modified", "empty"})
"""Outcomes of polls that a feed answered."""

SHOWN_WORDS = 120
"""Characters of a note; `--json` has it whole."""


@dataclass(frozen=True, slots=True)
class Line:
    """One source with its state in words; `health` is None where no run has met it."""

    source_id: str
    name: str
    state: str
    health: "SourceHealth | None" = None


def check(
    context: typer.Context,
    source: Annotated[
        list[str] | None, typer.Argument(help="Ids of sources [default: all]", autocompletion=completion.sources)
    ] = None,
    probe: Annotated[bool, typer.Option("--probe", help="Ask each feed now; nothing is stored")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Show how each source fares: last success, next poll, items a day, lag, errors. Trouble comes first."""
    settings = load_settings(context).settings
    if probe:
        _probe(settings, source or (), as_json=as_json)
        return
    report = health_of(settings)
    # The sample's sources stand in its warehouse alone.
    listed = () if report.sources and not settings.sources.exists() else _listed(settings)
    lines = _lines(listed, report.sources)
    if source:
        _require(source, [line.source_id for line in lines])
        lines = [line for line in lines if line.source_id in source]
    if as_json:
        print_json([_plain(line) for line in lines])
        return
    out, now = console(), datetime.now(UTC)
    columns = ("state", "id", "source", "", "answered", "next poll", "a day", "expected", "lag")
    out.print(_one_line(table(None, columns, [_row(line, now) for line in lines], id="cyan"), folding="source"))
    counts = Counter(line.state for line in lines)
    out.print(Text("\n" + ", ".join(f"{counts[state]} {state}" for state in STYLES if counts[state]), style="bold"))
    if report.busy:
        out.print(Text("A run is under way: this is what the last one published.", style="dim"))


def health_of(settings: "Settings") -> "HealthReport":
    """How the sources fare, by the warehouse that the settings name."""
    from flows.house import PUBLISHED_NAME, WAREHOUSE_NAME
    from warehouse.health import lake_health, source_health

    if settings.warehouse.url:
        return lake_health(settings.warehouse)
    return source_health(settings.data_dir / WAREHOUSE_NAME, settings.data_dir / PUBLISHED_NAME)


def _listed(settings: "Settings") -> "Sequence[Source]":
    from pipeline.sources import load_sources

    return load_sources(settings.sources)


def _require(asked: Iterable[str], known: Sequence[str]) -> None:
    for source_id in asked:
        if source_id not in known:
            near = difflib.get_close_matches(source_id, known, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else "`clampdown sources list` shows all."
            raise InputError(f"there is no source {source_id!r}", hint=hint)


def _lines(listed: "Sequence[Source]", known: "Mapping[str, SourceHealth]") -> list[Line]:
    """The sources of the list, or of the warehouse where there is no list, by trouble and name."""
    if listed:
        lines = [_line(source, known.get(source.id)) for source in listed]
    else:
        lines = [Line(key, health.name, _state(health), health) for key, health in known.items()]
    order = list(STYLES)
    return sorted(
        lines,
        key=lambda line: (order.index(line.state), -(line.health.failures if line.health else 0), line.name.casefold()),
    )


def _line(source: "Source", health: "SourceHealth | None") -> Line:
    state = "disabled" if not source.enabled else "never polled" if health is None else _state(health)
    return Line(source.id, source.name, state, health)


def _state(health: "SourceHealth") -> str:
    return health.state.replace("_", " ")


def _plain(line: Line) -> dict[str, object]:
    facts = {} if line.health is None else asdict(line.health) | {"expected_per_week": line.health.expected_per_week}
    return {**facts, "source_id": line.source_id, "name": line.name, "state": line.state.replace(" ", "_")}


def _row(line: Line, now: datetime) -> tuple[object, ...]:
    health = line.health
    state = f"{line.state} {health.failures}×" if health is not None and line.state == "failing" else line.state
    cells: tuple[object, ...] = ("",) * 6
    name = Text(printable(line.name))
    if health is not None and line.state != "disabled":
        cells = (
            health.language,
            ago(health.last_answer_at, now),
            ahead(health.next_poll_at, now),
            _number(health.items_per_day if health.last_answer_at is not None else None),
            "" if health.expected_per_week is None else f"{_number(health.expected_per_week)}/week",
            span(health.lag_seconds),
        )
        name += _noted(_note(health, now))
    return (Text(state, style=STYLES[line.state]), line.source_id, name, *cells)


def _noted(note: str) -> Text:
    """A note in a line of its own, or nothing."""
    return Text(f"\n{shorten(printable(note), SHOWN_WORDS)}" if note else "", style="dim")


def _one_line(shown: "Table", folding: str) -> "Table":
    """Let only the column `folding` take more than one line."""
    for column in shown.columns:
        column.no_wrap = column.header != folding
    return shown


def _note(health: "SourceHealth", now: datetime) -> str:
    """What there is to say in words: the error, the silence, the move."""
    notes = [health.error] if health.error else []
    if health.silent_since is not None:
        notes.append(f"nothing new for {span((now - health.silent_since).total_seconds())}")
    if health.moved_to is not None:
        notes.append(f"moved to {health.moved_to}")
    return "; ".join(notes)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def _probe(settings: "Settings", asked: Sequence[str], *, as_json: bool) -> None:
    """Poll each source once through the fetcher, as a run would that met it for the first time."""
    listed = _listed(settings)
    _require(asked, [source.id for source in listed])
    wanted = [source for source in listed if source.id in asked or (not asked and source.enabled)]
    found = _facts(settings, wanted)
    if as_json:
        print_json([{"source_id": source.id, **asdict(facts)} for source, facts in found])
        return
    rows = []
    for source, facts in sorted(found, key=lambda item: (item[1].outcome in GOOD, item[0].name.casefold())):
        good = facts.outcome in GOOD
        newest = max(facts.dates, default=None)
        notes = [facts.detail] if facts.detail else []
        if facts.moved_to:
            notes.append(f"moved to {facts.moved_to}")
        rows.append(
            (
                Text(facts.outcome.value.replace("_", " "), style="green" if good else "red"),
                source.id,
                Text(printable(source.name)) + _noted("; ".join(notes)),
                facts.language,
                facts.new if good else None,
                "" if newest is None else ago(newest, facts.at),
            )
        )
    out = console()
    columns = ("answer", "id", "source", "", "items", "newest")
    out.print(_one_line(table(None, columns, rows, id="cyan"), folding="source"))
    good_ones = sum(facts.outcome in GOOD for _, facts in found)
    out.print(Text(f"\n{good_ones} of {len(found)} feeds answered; nothing was stored", style="bold"))


def _facts(settings: "Settings", sources: "Sequence[Source]") -> "list[tuple[Source, PollFacts]]":
    from flows.polling import facts_of, read_feeds, request_for, visit_of
    from pipeline.fetch import FetchSession
    from pipeline.robots_file import ROBOTS_NAME
    from pipeline.types import FeedState
    from pipeline.workers import WorkerPool

    robots_file = settings.data_dir / ROBOTS_NAME
    with progress() as bars, FetchSession(settings.fetch, robots_file=robots_file) as session:
        bars.begin("feeds", len(sources))
        states = [FeedState(source.id) for source in sources]
        results = session.fetch_all(
            [request_for(*one) for one in zip(sources, states, strict=True)], lambda _, __: bars.advance("feeds", 1)
        )
        visits = [visit_of(*one) for one in zip(sources, states, results, strict=True)]
    with WorkerPool(settings.workers, preload=("pipeline.feeds",)) as pool:
        visits = read_feeds(pool, visits, settings.workers.feed_seconds)
    return [(visit.source, facts_of(visit, ())) for visit in visits]

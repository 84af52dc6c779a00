"""`status`: how the site fares, for people and for monitors."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from clampdown.options import load_settings
from clampdown.output import ago, ahead, console, print_json, printable, shorten, span, table
from pipeline.errors import InputError

if TYPE_CHECKING:
    from pipeline.flow_log import FlowRun
    from pipeline.problems import Problem
    from pipeline.site_state import SiteState
    from pipeline.status import Standing, Status

ENDINGS = {"running": "cyan", "finished": "green", "skipped": "dim", "failed": "bold red", "lost": "red"}
SOURCE_STATES = {"ok": "green", "silent": "yellow", "failing": "red", "gone": "bold red", "never_polled": "cyan"}
SHOWN_WORDS = 160
SHOWN_TROUBLE = 12


def status(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Show what ran last, what comes next, what waits, how sources and disk fare, and what is wrong.

    For monitors: the exit code is 1 where an error is among the problems, 0 otherwise, be there warnings or not. The
    warehouse is not opened, so that the answer comes at once, also while a run is on; what it holds is told as of the
    end of the last run.
    """
    from pipeline.places import PUBLISHED_NAME, way_to_data
    from pipeline.status import look

    settings = load_settings(context).settings
    if not settings.data_dir.is_dir():
        raise InputError(f"{settings.data_dir}: no data folder", hint=way_to_data(settings.data_dir / PUBLISHED_NAME))
    found = look(settings)
    if as_json:
        print_json(plain(found))
    else:
        _print(found)
    if not found.healthy:
        raise typer.Exit(1)


def plain(found: "Status") -> dict[str, Any]:
    """The status as JSON has it."""
    problems = [asdict(problem) | {"key": problem.key} for problem in found.problems]
    return {"healthy": found.healthy, **asdict(found), "problems": problems}


def _print(found: "Status") -> None:
    out = console()
    for name, words in _facts(found):
        out.print(Text.assemble((f"{name:<10}", "bold"), words), soft_wrap=True)
    out.print()
    rows = [_row(standing, found.at) for standing in found.flows.values() if standing.last or standing.running]
    if rows:
        columns = ("flow", "", "began", "took", "what came of it", "next")
        out.print(table(None, columns, rows, flow="cyan"))
        out.print()
    if found.state is not None and found.state.trouble:
        _print_trouble(found.state, found.at)
    for problem in found.problems:
        # Sources have been shown.
        if not problem.kind.startswith("source_"):
            _print_problem(problem, found.at)
    out.print(verdict(found), soft_wrap=True)


def verdict(found: "Status") -> Text:
    """The last line: how many problems there are or, where sources have only begun to fail, why that is none."""
    from pipeline.judging import FAILURES_THAT_COUNT

    errors = sum(problem.severity == "error" for problem in found.problems)
    warnings = len(found.problems) - errors
    if found.problems:
        counts = [_count(errors, "error", "errors")] if errors else []
        counts += [_count(warnings, "warning", "warnings")] if warnings else []
        return Text(", ".join(counts), style="bold red" if errors else "bold yellow")
    failing = len(found.state.trouble) if found.state is not None else 0
    if not failing:
        return Text("All is well.", style="bold green")
    told = _count(failing, "source has begun to fail", "sources have begun to fail")
    after = f" {told}; that is a problem from {FAILURES_THAT_COUNT} failed polls in a row on."
    return Text.assemble(("Nothing is wrong here.", "bold green"), (after, "yellow"))


def _facts(found: "Status") -> Iterator[tuple[str, Text]]:
    """The lines above the table: a name, and what there is to say."""
    served = found.served_by
    if served is None:
        yield "serve", Text("not running: nothing is scheduled", style="yellow")
    else:
        since = "" if served.since is None else f" for {span((found.at - served.since).total_seconds())}"
        page = f", pages at {served.page}" if served.page else ""
        yield "serve", Text.assemble(("running", "green"), f"{since} (process {served.pid}){page}")
    if found.holder is not None:
        yield "at work", Text(str(found.holder))
    state = found.state
    if state is not None:
        yield from _site(state, found)
    if found.outbox is not None and found.outbox.counts:
        yield "outbox", Text(", ".join(f"{number} {name}" for name, number in sorted(found.outbox.counts.items())))
    if found.disk is not None:
        used = f"{_used(state)}, " if state is not None and state.bytes else ""
        yield "disk", Text(f"{used}{_size(found.disk.free)} of {_size(found.disk.total)} free")


def _site(state: "SiteState", found: "Status") -> Iterator[tuple[str, Text]]:
    waiting = f"{_count(state.pending, 'entry waits', 'entries wait')}, {state.retrying:,} to be tried again"
    age = "no ingest has finished yet" if found.ingest_age is None else f"last ingest {span(found.ingest_age)} ago"
    lag = "" if state.lag_seconds is None else f"; items are seen {span(state.lag_seconds)} after they are published"
    yield "news", Text(f"{age}; {waiting}{lag}")
    told = Text(", ").join(
        Text(f"{number} {name.replace('_', ' ')}", style=style)
        for name, style in SOURCE_STATES.items()
        if (number := state.sources.get(name))
    )
    upcoming = ahead(state.next_due_at, found.at)
    next_due = "" if not upcoming else "; some are due" if upcoming == "due" else f"; the next is due {upcoming}"
    yield "sources", told + next_due if told else Text("none")
    snapshot = state.snapshot
    published = "nothing published" if snapshot is None else f"published {ago(snapshot.published_at, found.at)}"
    yield "holds", Text(f"{state.events:,} events from {state.articles:,} articles; {published}; model {state.model}")


def _used(state: "SiteState") -> str:
    """What the data folder takes, and its largest parts."""
    largest = sorted(state.bytes.items(), key=lambda item: -item[1])[:3]
    parts = ", ".join(f"{name} {_size(number)}" for name, number in largest)
    return f"{_size(sum(state.bytes.values()))} used ({parts})"


def _row(standing: "Standing", now: datetime) -> tuple[object, ...]:
    run = standing.running or standing.last
    assert run is not None, "only flows that ran have a row"
    ended = run.ended_at or (now if run.status == "running" else None)
    took = "" if ended is None else span(max(0.0, (ended - run.started_at).total_seconds()))
    state = Text(run.status.value, style=ENDINGS[run.status.value])
    if standing.failures > 1:
        state += Text(f" {standing.failures}×", style="bold red")
    return (standing.flow, state, ago(run.started_at, now), took, _said(run), ahead(standing.next_at, now))


def _said(run: "FlowRun") -> str:
    """What a run tells of itself: why it ended as it did, what its steps did, or its figures."""
    from pipeline.flow_log import in_short

    steps = run.facts.get("steps")
    if run.detail:
        words = run.detail
    elif isinstance(steps, Mapping):
        words = "; ".join(str(step["words"]) for step in steps.values() if step.get("status") == "done")
    else:
        words = in_short(run.facts)
    return shorten(printable(words), SHOWN_WORDS)


def _print_trouble(state: "SiteState", now: datetime) -> None:
    shown = state.trouble[:SHOWN_TROUBLE]
    rows = [
        (Text(one.state, style=SOURCE_STATES.get(one.state, "")), one.source_id, one.name,
         "ever" if one.since is None else span((now - one.since).total_seconds()),
         shorten(printable(one.error or ""), SHOWN_WORDS))
        for one in shown
    ]  # fmt: skip
    out = console()
    out.print(table(None, ("source", "id", "name", "for", "error"), rows, id="cyan"))
    if len(state.trouble) > len(shown):
        out.print(Text(f"… and {len(state.trouble) - len(shown)} more: `clampdown sources check`", style="dim"))
    out.print()


def _print_problem(problem: "Problem", now: datetime) -> None:
    style = "bold red" if problem.severity == "error" else "yellow"
    since = "" if problem.since is None else f" (since {problem.since.astimezone():%Y-%m-%d %H:%M})"
    out = console()
    out.print(
        Text.assemble((f"{problem.severity.value:<10}", style), f"{printable(problem.words)}{since}"), soft_wrap=True
    )
    if problem.hint:
        out.print(Text(f"{'':<10}{printable(problem.hint)}", style="dim"), soft_wrap=True)


def _count(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"


def _size(number: int) -> str:
    """Bytes in the largest fitting unit of a thousand."""
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"

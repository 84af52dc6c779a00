"""`run`: the main job."""

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from clampdown.options import GlobalOptions, load_settings
from clampdown.output import console, print_json, print_usage, printable, progress
from clampdown.turns import called
from pipeline.errors import InputError
from pipeline.places import SAMPLE_DATA

if TYPE_CHECKING:
    from flows.ingest import RunReport
    from pipeline.flow_log import Told
    from pipeline.settings import Settings
    from pipeline.types import Source
    from warehouse.query import EventRow
    from warehouse.summary import RunSummary

SHOWN_EVENTS = 10
SHOWN_SILENT = 8


def run(
    context: typer.Context,
    sample: Annotated[
        bool,
        typer.Option("--sample", help="Read the bundled sample site, served on loopback, into ./sample-data"),
    ] = False,
    now: Annotated[bool, typer.Option("--now", help="Poll all feeds, also those that are not due")] = False,
    prefect: Annotated[bool, typer.Option("--prefect", help="Run as a Prefect flow")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Poll the feeds that are due, read what is new, extract events, publish. Run it again to go on."""
    from pipeline.places import require_writable

    with _sample(context) if sample else _live(context) as (settings, sources):
        require_writable(settings.data_dir)
        report = _ingest(settings, sources, prefect=prefect, poll_all=now)
    # What is made up is for nobody's desk.
    if not sample:
        _announce(settings)
    if as_json:
        print_json({"run": report.summary, "snapshot": report.snapshot})
    else:
        _print(report, settings, sample)


def _announce(settings: "Settings") -> None:
    """Tell those who want to hear of news at once."""
    from flows.digest import digests_at_once

    for report in digests_at_once(settings):
        if report.files:
            console(stderr=True).print(Text(f"digest of {report.subscription}: {report.subject}", style="dim"))


@contextmanager
def _live(context: typer.Context) -> Iterator[tuple["Settings", "Sequence[Source]"]]:
    from pipeline.sources import load_sources

    settings = load_settings(context).settings
    if not settings.sources.exists():
        raise InputError(
            f"{settings.sources}: no source list",
            hint="`clampdown init` writes one; `clampdown run --sample` needs none",
        )
    yield settings, load_sources(settings.sources)


@contextmanager
def _sample(context: typer.Context) -> Iterator[tuple["Settings", "Sequence[Source]"]]:
    from clampdown.sample_site import SampleSite

    given: GlobalOptions = context.obj
    with SampleSite() as site:
        flags = {
            "data_dir": (given.data_dir or Path(SAMPLE_DATA)).absolute(),
            # What is made up stays out of a lake that the settings name.
            "warehouse.url": "",
            "fetch.allow_hosts": site.allow_hosts,
            "fetch.host_gap": 0.0,
            "fetch.timeout": site.patience,
            "fetch.retries": 0,
            # So that a second look at the sample shows how little is asked again.
            "poll.min_interval": 0.0,
            # Small, so that the bar moves: the sample is a hundred articles.
            "run.batch_size": 25,
        }
        yield load_settings(context, flags).settings, site.sources()


def _ingest(settings: "Settings", sources: "Sequence[Source]", *, prefect: bool, poll_all: bool) -> "RunReport":
    from flows.house import open_house
    from flows.ingest import ingest
    from flows.serving.duties import ingest_facts
    from flows.serving.perform import perform
    from flows.site_state import note_state

    mode = "prefect" if prefect else "direct"

    def work(told: "Told") -> "RunReport":
        meter = None
        try:
            with progress() as bars, open_house(settings, mode=mode, poll_all=poll_all) as house:
                meter = house.meter
                told.facts["run_id"] = house.run_id
                if prefect:
                    from flows.tasks import run_as_flow

                    report = run_as_flow(house, sources, bars)
                else:
                    report = ingest(house, sources, progress=bars)
                told.facts.update(ingest_facts(report, note_state(house, report)))
                return report
        finally:
            if meter is not None:
                print_usage(meter)

    return called(perform("ingest", settings, work, mode=mode))


def _print(report: "RunReport", settings: "Settings", sample: bool) -> None:
    """What came of feeds and articles, the events, where they are published, and the way on."""
    from clampdown.commands.event_order import best_told, last_reported
    from clampdown.commands.query import ID_SHOWN, TOLD, event_table
    from warehouse.query import connect_snapshot, events

    out, summary = console(), report.summary
    with connect_snapshot(report.snapshot.database) as reader:
        found = events(reader)
    folder = f" -d {_near(settings.data_dir)}" if sample else ""
    command = f"{_near(Path(sys.argv[0]))}{folder}"
    shown = (best_told(found) or found if sample else last_reported(found))[:SHOWN_EVENTS]
    if shown:
        title = "Restrictions in force, the best told first" if sample else "Events, the last reported first"
        out.print(event_table(shown, out.width, title=title))
        out.print(Text(TOLD, style="dim"))
        if len(found) > len(shown):
            more = f"{len(found)} events in all: `{command} events` lists them."
            out.print(Text(more, style="dim"), soft_wrap=True)
        out.print()
    out.print(Text.assemble(("feeds     ", "bold"), _feeds(summary)))
    out.print(Text.assemble(("articles  ", "bold"), _counts(summary.outcomes) or "nothing new"))
    if summary.revisits:
        out.print(Text.assemble(("revisits  ", "bold"), _counts(summary.revisits)))
    waiting = f", {summary.retrying} to be tried again" if summary.retrying else ""
    new = f"{summary.discovered} entries discovered, {summary.new_events} new events, {len(found)} in all{waiting}"
    out.print(Text.assemble(("run       ", "bold"), new))
    state = "" if report.snapshot.changed else " (unchanged)"
    out.print(Text.assemble(("published ", "bold"), f"{_near(report.snapshot.database)}{state}"), soft_wrap=True)

    for warning in _warnings(summary):
        out.print(Text.assemble(("warning   ", "bold yellow"), (warning, "yellow")), soft_wrap=True)

    out.print("\nTry next", style="bold")
    for rest in _next(shown[0], ID_SHOWN) if shown else ("sources check --probe", "doctor --network"):
        out.print(Text(f"  {command} {rest}"), soft_wrap=True)


def _next(event: "EventRow", digits: int) -> tuple[str, ...]:
    return (
        f"show {event.id[:digits]}",
        f"events --service {shlex.quote(event.service)} --status in_force",
        'sql "SELECT * FROM restrictions_by_month"',
        "dashboard",
    )


def _warnings(summary: "RunSummary") -> Iterator[str]:
    """What somebody should look into: that nothing answered, and what has fallen silent."""
    polled = sum(summary.feeds.values())
    if polled and not summary.feeds.keys() & _ANSWERED:
        why = "is this machine on the network?" if set(summary.feeds) <= _UNREACHED else "see why:"
        yield f"none of {polled} feeds brought anything; {why} `clampdown sources check` tells of each"
    if summary.silent:
        yield _silence(summary.silent)


_ANSWERED = frozenset({"ok", "not_modified", "empty"})
_UNREACHED = frozenset({"network_error", "timeout"})


def _feeds(summary: "RunSummary") -> str:
    """How the polls ended, and how many feeds were left alone."""
    parts = [_counts(summary.feeds)] if summary.feeds else []
    if summary.not_due:
        until = f" before {summary.next_due_at.astimezone():%H:%M}" if summary.next_due_at else ""
        parts.append(f"{summary.not_due} not due{until}")
    if summary.retired:
        parts.append(f"{summary.retired} gone for good")
    return ", ".join(parts) or "none"


def _silence(names: "Sequence[str]") -> str:
    """Which sources bring nothing, and where to read more."""
    shown = ", ".join(printable(name) for name in names[:SHOWN_SILENT])
    more = f" and {len(names) - SHOWN_SILENT} more" if len(names) > SHOWN_SILENT else ""
    verb = "source is" if len(names) == 1 else "sources are"
    return f"{len(names)} {verb} silent: {shown}{more} (`clampdown sources check`)"


def _counts(counts: Mapping[Any, int]) -> str:
    by_number = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in by_number)


def _near(path: Path) -> Path:
    """The path as one would type it here."""
    absolute = path.absolute()
    return absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else path

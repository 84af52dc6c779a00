"""`backfill`: the entries of past days, from feed archives and sitemaps."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from clampdown import completion
from clampdown.options import load_settings
from clampdown.output import console, print_json, print_usage, progress, shorten, table
from clampdown.turns import called, tell_of_turns

if TYPE_CHECKING:
    from flows.backfill import BackfillReport, SourceReport, Wanted
    from pipeline.flow_log import Told
    from pipeline.settings import Settings
    from pipeline.types import Entry, Source

SHOWN_PROBLEMS = 5
TITLE_WIDTH = 60
DAYS = ("%Y-%m-%d",)

Sources = Annotated[
    list[str],
    typer.Argument(help="Ids of sources of the source list", metavar="SOURCE", autocompletion=completion.sources),
]


def backfill(
    context: typer.Context,
    sources: Sources,
    since: Annotated[datetime, typer.Option("--since", formats=list(DAYS), help="First day of publication")],
    until: Annotated[
        datetime | None, typer.Option("--until", formats=list(DAYS), help="Last day; today unless given")
    ] = None,
    sitemap: Annotated[
        list[str] | None,
        typer.Option("--sitemap", help="A sitemap to read in place of those that the site names; may be repeated"),
    ] = None,
    max_pages: Annotated[
        int, typer.Option("--max-pages", min=1, help="Most pages of archives and sitemaps to read of one source")
    ] = 1000,
    undated: Annotated[
        bool, typer.Option("--undated", help="Take entries that state no date and have none in their address, too")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Read pages anew that an earlier backfill of these days has read")
    ] = False,
    list_only: Annotated[
        bool, typer.Option("--list-only", help="Only list the entries: fetch none of them, store nothing")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Bring back the entries of past days, from feed archives and sitemaps. Run it again to go on where it was."""
    from flows.orders import BackfillOrder, chosen_sources

    settings = load_settings(context).settings
    listed, chosen = chosen_sources(settings, sources)
    wanted = BackfillOrder(
        sources=sources,
        since=since.date(),
        until=until.date() if until else None,
        sitemaps=sitemap or (),
        max_pages=max_pages,
        undated=undated,
        again=again,
    ).wanted()
    if list_only:
        reports, entries = _list(settings, chosen, wanted)
        if as_json:
            print_json({"sources": reports, "entries": entries})
        else:
            _print_entries(entries)
            _print_found(console(), reports, wanted, is_listing=True)
        return
    report = _bring(settings, listed, chosen, wanted)
    if as_json:
        print_json({"sources": report.sources, "run": report.summary, "snapshot": report.snapshot})
    else:
        _print(report, wanted)


def _list(
    settings: "Settings", chosen: "Sequence[Source]", wanted: "Wanted"
) -> "tuple[tuple[SourceReport, ...], list[Entry]]":
    from flows.backfill import list_entries

    with progress() as bars:
        return list_entries(settings, chosen, wanted, bars)


def _bring(
    settings: "Settings", listed: "Sequence[Source]", chosen: "Sequence[Source]", wanted: "Wanted"
) -> "BackfillReport":
    from flows.backfill import backfill
    from flows.house import open_house
    from flows.serving.perform import perform
    from flows.site_state import note_state

    def work(told: "Told") -> "BackfillReport":
        meter = None
        try:
            with progress() as bars, open_house(settings, holder="backfill") as house:
                meter = house.meter
                report = backfill(house, listed, chosen, wanted, bars)
                note_state(house, None)
        finally:
            if meter is not None:
                print_usage(meter)
        told.facts.update(
            pages=sum(source.read_now for source in report.sources),
            discovered=report.summary.discovered,
            outcomes={outcome.value: number for outcome, number in report.summary.outcomes.items()},
            new_events=report.summary.new_events,
        )
        return report

    tell_of_turns(settings, "backfill")
    return called(perform("backfill", settings, work, wait=settings.serve.wait))


def _print_entries(entries: "Sequence[Entry]") -> None:
    rows = [
        (
            entry.published.day.isoformat() if entry.published else "",
            entry.source_id,
            shorten(entry.title, TITLE_WIDTH),
            entry.url,
        )
        for entry in entries
    ]
    console().print(table(None, ("published", "source", "title", "url"), rows, source="cyan", url="dim"))


def _print(report: "BackfillReport", wanted: "Wanted") -> None:
    out, summary = console(), report.summary
    _print_found(out, report.sources, wanted)
    out.print(Text.assemble(("articles  ", "bold"), _counts(summary.outcomes) or "nothing new"))
    waiting = f", {summary.retrying} to be tried again" if summary.retrying else ""
    out.print(Text.assemble(("run       ", "bold"), f"{summary.new_events} new events{waiting}"))
    state = "" if report.snapshot.changed else " (unchanged)"
    out.print(Text.assemble(("published ", "bold"), f"{report.snapshot.database}{state}"), soft_wrap=True)


def _print_found(
    out: Console, reports: "Sequence[SourceReport]", wanted: "Wanted", *, is_listing: bool = False
) -> None:
    """What each source's pages held, what could not be had, and what is left to do."""
    span = wanted.span
    rows = [
        (report.source_id, report.read_now, _counts(report.pages), report.entries, report.new_entries, report.undated)
        for report in reports
    ]
    columns = (
        "source",
        "read now",
        "pages in all",
        "entries",
        "different" if is_listing else "new",
        "left out undated",
    )
    out.print(table(f"From {span.since} to {span.until}", columns, rows, source="cyan"))
    for report in reports:
        for problem in report.problems[:SHOWN_PROBLEMS]:
            out.print(Text(f"{report.source_id}: {problem}", style="yellow"), soft_wrap=True)
        if len(report.problems) > SHOWN_PROBLEMS:
            more = len(report.problems) - SHOWN_PROBLEMS
            out.print(Text(f"{report.source_id}: … and {more} pages more that could not be had", style="yellow"))
        if report.waiting:
            told = f"stopped after {wanted.max_pages} pages; {report.waiting} are still to be read"
            way = "raise --max-pages" if is_listing else "the same command goes on there"
            out.print(Text(f"{report.source_id}: {told}: {way}", style="yellow"), soft_wrap=True)


def _counts(counts: Mapping[Any, int]) -> str:
    by_number = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in by_number)

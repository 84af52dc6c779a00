"""`rebuild`: the warehouse made anew from the archive."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clampdown.options import load_settings
from clampdown.output import console, print_json, progress

if TYPE_CHECKING:
    from flows.rebuild import RebuildReport


def rebuild(
    context: typer.Context,
    discard: Annotated[
        bool, typer.Option("--discard", help="Keep no copy of the old warehouse beside the new one")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Make the warehouse anew from the archive, without any network, and publish it.

    Everything is read and extracted once more by the program, model and settings of today. The old warehouse stays in
    its place until the new one is whole.
    """
    from flows.rebuild import rebuild
    from pipeline.sources import load_sources

    settings = load_settings(context).settings
    sources = load_sources(settings.sources) if settings.sources.exists() else None
    with progress() as bars:
        report = rebuild(settings, sources, discard=discard, progress=bars)
    if as_json:
        print_json(report)
    else:
        _print(report)


def _print(report: "RebuildReport") -> None:
    out, balance = console(), report.balance
    done = f"{report.runs:,} runs, {report.polls:,} polls, {report.entries:,} readings of entries"
    out.print(Text.assemble(("replayed  ", "bold"), done))
    for reason, number in sorted(report.skipped.items()):
        out.print(Text.assemble(("left out  ", "bold yellow"), (f"{number:,} × {reason}", "yellow")), soft_wrap=True)
    out.print(Text.assemble(("entries   ", "bold"), f"{balance.discovered:,}, each with its outcome"))
    if report.backup is not None:
        out.print(Text.assemble(("old one   ", "bold"), f"{report.backup}"), soft_wrap=True)
    state = "" if report.snapshot.changed else " (unchanged)"
    out.print(Text.assemble(("published ", "bold"), f"{report.snapshot.database}{state}"), soft_wrap=True)

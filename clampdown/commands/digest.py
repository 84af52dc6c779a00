"""`digest`: what has changed since the last one."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clampdown.options import load_settings
from clampdown.output import console, print_json

if TYPE_CHECKING:
    from flows.digest import DigestReport
    from pipeline.flow_log import Told
    from pipeline.settings import Settings


def digest(
    context: typer.Context,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what has changed since the last digest; record nothing")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Make the daily digest if one is due, and show it: what has changed since the last one, with quotes and links.

    It is made once for each day, at the time of serve.digest_at, from the published snapshot, into the folder digests
    of the data folder: as Markdown, as plain text and as JSON. `clampdown serve` does the same by itself.
    """
    settings = load_settings(context).settings
    if preview:
        _preview(settings, as_json=as_json)
        return
    from flows.serving.perform import perform

    report = perform("digest", settings, lambda told: _make(settings, told), needs_lease=False)
    assert report is not None, "nothing supersedes what a person asks for"
    if as_json:
        print_json(report)
    else:
        _print(report, settings)


def _make(settings: "Settings", told: "Told") -> "DigestReport":
    from datetime import UTC, datetime

    from flows.digest import make_digest

    report = make_digest(settings, datetime.now(UTC))
    told.facts.update(report.facts)
    return report


def _preview(settings: "Settings", *, as_json: bool) -> None:
    from datetime import UTC, datetime

    from flows.digest import preview_digest
    from reports.digest_pages import as_document, as_text

    found = preview_digest(settings, datetime.now(UTC))
    if as_json:
        print_json(as_document(found))
    else:
        console().print(Text(as_text(found)), end="", soft_wrap=True)


def _print(report: "DigestReport", settings: "Settings") -> None:
    out = console()
    following = f"{report.next_at.astimezone(settings.serve.zone):%Y-%m-%d %H:%M}"
    if not report.files:
        out.print("No digest is due yet: watching began after the last time for one.")
        out.print(f"The next one is due on {following}. `clampdown digest --preview` shows what it would say now.")
        return
    for page in report.files:
        if page.suffix == ".txt":
            out.print(Text(page.read_text(encoding="utf-8")), soft_wrap=True)
    verb = "made" if report.state == "made" else "was made already"
    out.print(Text(f"No. {report.number}, for {report.day}, {verb}; the next one is due on {following}.", style="dim"))
    for page in report.files:
        out.print(Text(f"  {page}", style="dim"), soft_wrap=True)

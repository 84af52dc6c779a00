"""`report`: what is known, as one page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clampdown.commands import filters
from clampdown.options import load_settings
from clampdown.output import console, print_json

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from reports.report import Report
    from warehouse.query import EventFilter

PAGE = Path("clampdown-report.html")


def report(
    context: typer.Context,
    to: Annotated[Path, typer.Option("--to", "-o", help="The file to write")] = PAGE,
    service: filters.Service = None,
    country: filters.Country = None,
    actor: filters.Actor = None,
    action: filters.Action = None,
    status: filters.Status = None,
    since: filters.Since = None,
    until: filters.Until = None,
    most: Annotated[int, typer.Option("--limit", min=0, help="Events listed with their evidence at most")] = 500,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Write what is known as one HTML page: map, spread by service, lives of measures, and all events with evidence.

    The page needs nothing else and asks nothing of any network: it can be mailed, kept or put on a web server as it is.
    It is made from the published snapshot.
    """
    from warehouse.query import EventFilter

    settings = load_settings(context).settings
    wanted = EventFilter(
        service, country, actor, action, status, since.date() if since else None, until.date() if until else None
    )
    told = _write(settings, wanted, to, most)
    if as_json:
        print_json({"file": to, "events": told.counted, "listed": len(told.entries), "in_force": told.standing})
        return
    size = to.stat().st_size / 1000
    line = f"{to}: {told.counted:,} events, {len(told.entries):,} of them listed; {size:,.0f} kB"
    console().print(line, markup=False, soft_wrap=True)


def _write(settings: "Settings", wanted: "EventFilter", to: Path, most: int) -> "Report":
    from datetime import UTC, datetime, timedelta

    from flows.digest_coverage import Readings
    from pipeline.archive_files import put
    from pipeline.places import PUBLISHED_NAME
    from pipeline.subscriptions import load_subscriptions
    from reports.feeds import links
    from reports.report import read_report
    from reports.report_html import page
    from warehouse.query import connect_snapshot

    now = datetime.now(UTC)
    coverage = Readings(settings).coverage(now - timedelta(days=1), now)
    with connect_snapshot(settings.data_dir / PUBLISHED_NAME) as reader:
        told = read_report(reader, wanted, now, most=most, coverage=coverage)
    some = [one for one in load_subscriptions(settings.subscriptions) if one.enabled]
    head = [link for one in some for link in links(one, settings.mail.public_url)]
    html = page(told, settings.serve.zone.key, head)
    # Half characters, which have no bytes in UTF-8, can stand in what a publisher wrote.
    put(to.absolute().parent, to.name, html.encode("utf-8", "replace"))
    return told

"""`events`, `show`, `sql` and `export`: questions to the published snapshot, never to the live warehouse."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from clampdown.options import load_settings
from clampdown.output import console, print_json, shorten, table

if TYPE_CHECKING:
    from warehouse.query import EventRow, Reader

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
ID_SHOWN = 8
"""Characters of an event's id in lists: enough to tell a few million events apart as an argument of `show`."""


def _snapshot(context: typer.Context) -> "AbstractContextManager[Reader]":
    from flows.house import PUBLISHED_NAME
    from warehouse.query import connect_snapshot

    return connect_snapshot(load_settings(context).settings.data_dir / PUBLISHED_NAME)


def events(
    context: typer.Context,
    service: Annotated[str | None, typer.Option(help="Any name of a service: DeepSeek, Twitter …")] = None,
    country: Annotated[str | None, typer.Option(help="ISO code or name")] = None,
    actor: Annotated[str | None, typer.Option(help="Part of a body's name, or an acronym")] = None,
    action: Annotated[str | None, typer.Option(help="ban, block, suspend, limit, remove, warn …")] = None,
    status: Annotated[str | None, typer.Option(help="in_force, announced, proposed or rejected")] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Dated this day or later; undated: first reported")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Dated this day or earlier; undated: first reported")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Those too that were retracted or dismissed")] = False,
    as_json: AsJson = False,
) -> None:
    """List events, the latest first."""
    from warehouse.query import EventFilter
    from warehouse.query import events as find

    wanted = EventFilter(
        service,
        country,
        actor,
        action,
        status,
        since.date() if since else None,
        until.date() if until else None,
        limit,
        everything,
    )
    with _snapshot(context) as reader:
        found = find(reader, wanted)
    if as_json:
        print_json(found)
        return
    out = console()
    if not found:
        out.print("No event fits. `clampdown events` without filters lists all.")
        return
    out.print(event_table(found, out.width))
    out.print(Text("told: by how many independent voices / articles", style="dim"))
    out.print(f"\n{len(found)} events. `clampdown show {found[0].id[:ID_SHOWN]}` shows the first with its evidence.")


_FIXED = 40
"""Columns of a list of events for its id, date, country, voices and articles, and the gaps."""


def event_table(found: "Sequence[EventRow]", width: int, title: str | None = None) -> Any:
    """Events as a table of at most `width` columns, one line each: when, where, who, what, for whom, how well told."""
    # What the other columns leave, shared out to the deed and the three that hold names.
    spare = max(width - _FIXED, 36)
    deed = min(max((len(_deed(row)) for row in found), default=0), max(spare * 3 // 10, len("investigate")))
    actor = (spare - deed) * 2 // 5
    service = scope = (spare - deed - actor) // 2
    rows = [
        (
            Text(row.id[:ID_SHOWN], style="cyan"),
            row.date_value or "undated",
            row.country,
            shorten(row.actor or "–", actor),
            Text(shorten(_deed(row), deed), style=_COLOURS[row.side]),
            shorten(row.service, service),
            shorten(row.scope or "", scope),
            f"{row.voices}/{row.articles}",
        )
        for row in found
    ]
    return table(title, ("event", "date", "in", "actor", "action", "service", "scope", "told"), rows)


def _deed(row: "EventRow") -> str:
    """The action, and how far it has come where it is not in force."""
    marks = {
        row.status: row.status != "in_force",
        "ended": row.lifted,
        "retracted": row.retracted,
        "dismissed": row.dismissed,
    }
    return ", ".join([row.action, *(mark for mark, holds in marks.items() if holds)])


_COLOURS = {"restricting": "red", "pressing": "yellow", "easing": "green"}


def show(
    context: typer.Context,
    event: Annotated[str, typer.Argument(help="An event's id or the beginning of one")],
    everything: Annotated[bool, typer.Option("--all", help="Every mention, however many there are")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one event: its life, who tells of it, where they differ, why it is one, and the words that state it."""
    from clampdown.commands.event_shown import event_lines
    from warehouse.query import event as find

    with _snapshot(context) as reader:
        detail = find(reader, event)
    if as_json:
        print_json(detail)
        return
    out = console()
    for line in event_lines(detail, out, everything=everything):
        out.print(line, soft_wrap=True)


def sql(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="One question; tables, views and macros are in docs/schema.md")],
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, safe for spreadsheets")] = False,
) -> None:
    """Ask the published snapshot in SQL. It can only be read; files and network are out of reach."""
    import csv
    import sys

    from warehouse.export import formula_safe
    from warehouse.query import run_sql

    with _snapshot(context) as reader:
        result = run_sql(reader, query)
    if as_json:
        print_json([dict(zip(result.columns, row, strict=True)) for row in result.rows])
    elif as_csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(result.columns)
        writer.writerows([formula_safe(cell) for cell in row] for row in result.rows)
    else:
        out = console()
        out.print(table(None, result.columns, result.rows))
        out.print(Text(f"{len(result.rows)} rows", style="dim"))


def export(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="The file to write; its ending chooses csv, jsonl or parquet")],
    what: Annotated[str, typer.Option("--table", "-t", help="A table or view of the snapshot")] = "events",
    fmt: Annotated[str | None, typer.Option("--format", "-f", help="csv, jsonl or parquet")] = None,
) -> None:
    """Write a table or view as CSV, JSON Lines or Parquet."""
    from warehouse.query import export as write

    with _snapshot(context) as reader:
        count = write(reader, fmt or path.suffix.lstrip(".").lower(), what, path)
    console().print(f"{path}: {count} rows of {what}", markup=False, soft_wrap=True)

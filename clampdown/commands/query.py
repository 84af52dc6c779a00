"""`events`, `show`, `sql` and `export`: questions to the published snapshot, never to the live warehouse."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from clampdown import completion
from clampdown.commands import filters
from clampdown.commands.event_order import latest_first
from clampdown.options import again, load_settings
from clampdown.output import console, print_json, shorten, table
from pipeline.errors import InputError

if TYPE_CHECKING:
    from warehouse.query import EventRow, Reader

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
EVENTS_SHOWN = 30
"""Events that a list on a terminal shows unless told otherwise; a pipe gets all."""

ROWS_SHOWN = 100
"""Rows of an answer that a table shows unless told otherwise."""

ID_SHOWN = 8
"""Characters of an event's id in lists: enough to tell a few million events apart as an argument of `show`."""


def _snapshot(context: typer.Context) -> "AbstractContextManager[Reader]":
    from pipeline.places import PUBLISHED_NAME
    from warehouse.query import connect_snapshot

    return connect_snapshot(load_settings(context).settings.data_dir / PUBLISHED_NAME)


def events(
    context: typer.Context,
    service: filters.Service = None,
    country: filters.Country = None,
    actor: filters.Actor = None,
    action: filters.Action = None,
    status: filters.Status = None,
    since: filters.Since = None,
    until: filters.Until = None,
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
        limit if as_json else None,
        everything,
    )
    with _snapshot(context) as reader:
        found = find(reader, wanted)
    if as_json:
        print_json(found)
        return
    _print_events(found, limit, again(context))


def _print_events(found: "Sequence[EventRow]", limit: int | None, command: str) -> None:
    """A list of at most `limit` events; on a terminal, as many as one can look through unless more are asked for.

    `command` is how the one that is proposed begins.
    """
    out = console()
    if not found:
        out.print("No event fits. `clampdown events` without filters lists all.")
        return
    shown = latest_first(found)[: limit or (EVENTS_SHOWN if out.is_terminal else None)]
    out.print(event_table(shown, out.width))
    out.print(Text(TOLD, style="dim"))
    number = f"{len(shown)} event{'s' if len(shown) > 1 else ''}"
    if len(shown) < len(found):
        number = f"The latest {len(shown)} of {len(found)} events (--limit {len(found)} for all)"
    out.print(f"\n{number}. `{command} show {shown[0].id[:ID_SHOWN]}` shows the first with its evidence.")


TOLD = "told: by how many independent voices / articles"

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
    event: filters.Event,
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
    query: Annotated[
        str | None,
        typer.Argument(help="One question, or - to read it from standard input; see docs/schema.md for what there is"),
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="Read the question from a file")] = None,
    rows: Annotated[int, typer.Option("--rows", "-n", min=1, help="Rows of a table at most")] = ROWS_SHOWN,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, safe for spreadsheets")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="With --csv: text as it is, formulas too")] = False,
) -> None:
    """Ask the published snapshot in SQL. It can only be read; files and network are out of reach."""
    import sys

    from clampdown.commands.table_shown import print_csv, print_json_rows, table_lines
    from warehouse.query import ask, run_sql

    if as_json and as_csv:
        raise InputError("--json and --csv exclude each other")
    if raw and not as_csv:
        raise InputError("--raw goes with --csv", hint="Tables and JSON never change a text.")
    question = _question(query, file)
    with _snapshot(context) as reader:
        if as_json:
            print_json_rows(ask(reader, question), sys.stdout)
        elif as_csv:
            print_csv(ask(reader, question), sys.stdout, raw=raw)
        else:
            out = console()
            for line in table_lines(run_sql(reader, question, limit=rows), out.width):
                out.print(line, soft_wrap=isinstance(line, Text))


def _question(query: str | None, file: Path | None) -> str:
    """The question of `sql` or `export`, from the command line, a file or standard input."""
    import sys

    if (query is None) == (file is None):
        raise InputError(
            "there is no question" if query is None else "there are two questions, one of them in a file",
            hint='Such as: clampdown sql "SELECT country, count(*) FROM restrictions GROUP BY ALL"',
        )
    if file is None:
        return sys.stdin.read() if query == "-" else str(query)
    try:
        return file.read_text("utf-8-sig")
    except OSError as error:
        raise InputError(f"can't read {file}: {error.strerror or error}") from error
    except UnicodeDecodeError:
        raise InputError(f"{file} is not UTF-8 text") from None


def export(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="The file to write; its ending chooses the format")],
    tables: Annotated[
        list[str] | None,
        typer.Option(
            "--table",
            "-t",
            help="A table or view; several for xlsx and datapackage [default: events]",
            autocompletion=completion.tables,
        ),
    ] = None,
    fmt: Annotated[
        str | None, typer.Option("--format", "-f", help="csv, jsonl, parquet, xlsx, geojson or datapackage")
    ] = None,
    query: Annotated[str | None, typer.Option("--query", "-q", help="Write the answer to a question in SQL")] = None,
    query_file: Annotated[Path | None, typer.Option("--query-file", help="The same, from a file")] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", help="Only what has changed since a run, a day or time, or an earlier manifest.json"),
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="CSV: text as it is, also what looks like a formula")] = False,
    parquet: Annotated[bool, typer.Option("--parquet", help="datapackage: Parquet files instead of CSV")] = False,
    as_json: AsJson = False,
) -> None:
    """Write tables, views, answers or what has changed for other programs. See docs/exports.md.

    By default that is the table events; for GeoJSON, restrictions by country; for a data package, all tables.
    """
    from pipeline.places import PUBLISHED_NAME
    from reports.exports import Wanted
    from reports.exports import export as write

    if query is not None or query_file is not None:
        query = _question(query, query_file)
    wanted = Wanted(tuple(tables or ()), query, since, raw, parquet)
    done = write(load_settings(context).settings.data_dir / PUBLISHED_NAME, path, wanted, fmt)
    if as_json:
        print_json(done)
        return
    out = console()
    for name, count in done.rows.items():
        out.print(f"{path}: {count} {'row' if count == 1 else 'rows'} of {name}", markup=False, soft_wrap=True)
    for note in done.notes:
        out.print(Text(f"  {note}", style="yellow"), soft_wrap=True)

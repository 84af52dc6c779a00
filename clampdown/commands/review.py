"""`review`: what waits for a person, and the person's word on it."""

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clampdown import completion
from clampdown.commands import filters
from clampdown.options import load_settings
from clampdown.output import console, print_json, printable
from pipeline.errors import InputError

if TYPE_CHECKING:
    from pipeline.decision_archive import DecisionArchive
    from pipeline.decision_types import Decision
    from pipeline.settings import Settings
    from warehouse.drafting import Draft
    from warehouse.query import Reader

app = typer.Typer(invoke_without_command=True)

Reason = Annotated[str | None, typer.Option("--reason", "-r", help="Why; asked for in a terminal if left out")]
Author = Annotated[str | None, typer.Option("--author", help="Who decides [default: review.author, or the login name]")]
Later = Annotated[
    bool, typer.Option("--later", help="Only keep it: the next run, or the next review without this, carries it out")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
SHOWN = 20


@app.callback()
def review(
    context: typer.Context,
    service: filters.Service = None,
    country: filters.Country = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many")] = SHOWN,
    as_json: AsJson = False,
) -> None:
    """List what waits for a person, the most useful first, and take the answers: decisions on events.

    Pairs of events that may be one, events that may be none, fields on which stories disagree, rejected events of which
    more is told, and decisions whose articles no longer state what they were about. Decisions are kept in the archive,
    hold for ever against what the machine reads, and can be taken back.
    """
    if context.invoked_subcommand is not None:
        return
    from clampdown.commands.review_shown import question_lines
    from warehouse.review import waiting

    with _snapshot(context) as reader:
        found = waiting(reader, service=service, country=country)
    if as_json:
        print_json(found[:limit])
        return
    out = console()
    for line in question_lines(found, limit, out.width):
        out.print(line, soft_wrap=True)


@app.command("same")
def same(
    context: typer.Context,
    event: filters.Event,
    other: Annotated[str, typer.Argument(help="The event that is the same")],
    reason: Reason = None,
    author: Author = None,
    later: Later = False,
) -> None:
    """Say that two events are one."""
    from warehouse.drafting import same as said

    with _snapshot(context) as reader:
        made = said(reader, event, other)
    _carry_out(context, [made], reason, author, later=later)


@app.command("different")
def different(
    context: typer.Context,
    event: filters.Event,
    other: Annotated[str | None, typer.Argument(help="The event that is another")] = None,
    article: Annotated[
        list[str] | None,
        typer.Option("--article", "-a", help="An article whose mentions are no part of EVENT: its id or address"),
    ] = None,
    reason: Reason = None,
    author: Author = None,
    later: Later = False,
) -> None:
    """Say that two events are two, or that some articles tell of another event than the rest."""
    from warehouse.drafting import different as said

    with _snapshot(context) as reader:
        made = said(reader, event, other, article or ())
    _carry_out(context, [made], reason, author, later=later)


@app.command("edit")
def edit(
    context: typer.Context,
    event: filters.Event,
    values: Annotated[
        list[str],
        typer.Argument(
            metavar="FIELD=VALUE...",
            help="action, status, actor, country, service, scope, date or reasons; nothing after the = says not stated",
        ),
    ],
    new: Annotated[bool, typer.Option("--new", help="Take a service that no list names yet")] = False,
    reason: Reason = None,
    author: Author = None,
    later: Later = False,
) -> None:
    """Set fields of an event. What the machine had read is kept beside them."""
    from warehouse.drafting import edits

    fields = []
    for given in values:
        field, equals, value = given.partition("=")
        if not equals:
            raise InputError(f"{given!r} is not FIELD=VALUE")
        fields.append((field, value))
    with _snapshot(context) as reader:
        made = edits(reader, event, fields, new=new)
    _carry_out(context, made, reason, author, later=later)


@app.command("reject")
def reject(
    context: typer.Context,
    event: filters.Event,
    reason: Reason = None,
    author: Author = None,
    later: Later = False,
) -> None:
    """Say that an event is no restriction event: it is kept, and shown nowhere unless asked for."""
    from warehouse.drafting import rejected

    with _snapshot(context) as reader:
        made = rejected(reader, event)
    _carry_out(context, [made], reason, author, later=later)


@app.command("restore")
def restore(
    context: typer.Context,
    event: filters.Event,
    reason: Reason = None,
    author: Author = None,
    later: Later = False,
) -> None:
    """Say that an event is one after all; of one that was not rejected, that it is right as it stands."""
    from warehouse.drafting import restored

    with _snapshot(context) as reader:
        made = restored(reader, event)
    _carry_out(context, [made], reason, author, later=later)


@app.command("undo")
def undo(
    context: typer.Context,
    decision: Annotated[str, typer.Argument(help="A decision's id or the beginning of one, as in `review log`")],
    reason: Reason = None,
    author: Author = None,
    later: Later = False,
) -> None:
    """Take a decision back. Taking that back brings it into force again."""
    from warehouse.drafting import undone

    known, _ = _archive(_settings(context)).unread()
    _carry_out(context, [undone(known, decision)], reason, author, later=later)


@app.command("log")
def log(
    context: typer.Context,
    event: Annotated[
        str | None, typer.Argument(help="An event's id or the beginning of one", autocompletion=completion.events)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the decisions, the latest first, and whether they are in force."""
    from clampdown.commands.review_shown import log_lines, waiting_line
    from warehouse.event_detail import find_event
    from warehouse.review import log as read

    with _snapshot(context) as reader:
        found = read(reader, None if event is None else find_event(reader, event)[0])
        everything = {one.id for one in read(reader)}
    unread, faults = _archive(_settings(context)).unread(everything)
    if as_json:
        print_json(found)
    else:
        out = console()
        for line in log_lines(found, out.width):
            out.print(line, soft_wrap=True)
    notes = console(stderr=True)
    for one in unread:
        notes.print(waiting_line(one), soft_wrap=True)
    for fault in faults:
        notes.print(Text(printable(str(fault)), style="yellow"), soft_wrap=True)


@app.command("export")
def export(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="The JSON Lines file to write")],
    what: Annotated[
        str,
        typer.Option(
            "--as",
            help="pairs: same and different, for the points of matching; passages: edits and rejections, for `train`",
        ),
    ] = "pairs",
) -> None:
    """Write the decisions in force as training data."""
    from warehouse.review_export import pairs, passages
    from warehouse.review_export import write as write_lines

    makers = {"pairs": pairs, "passages": passages}
    if what not in makers:
        raise InputError(f"there is no form {what!r} of decisions", hint="Choose pairs or passages.")
    with _snapshot(context) as reader:
        count = write_lines(path, makers[what](reader))
    console().print(f"{path}: {count} {what}", markup=False, soft_wrap=True)


def _settings(context: typer.Context) -> "Settings":
    return load_settings(context).settings


def _archive(settings: "Settings") -> "DecisionArchive":
    from pipeline.decision_archive import DecisionArchive
    from pipeline.places import ARCHIVE_NAME

    return DecisionArchive(settings.data_dir / ARCHIVE_NAME)


def _snapshot(context: typer.Context) -> "AbstractContextManager[Reader]":
    from flows.house import PUBLISHED_NAME
    from warehouse.query import connect_snapshot
    from warehouse.review import check

    reader = connect_snapshot(_settings(context).data_dir / PUBLISHED_NAME)
    try:
        check(reader)
    except InputError:
        reader.close()
        raise
    return reader


def _signed(
    context: typer.Context, drafts: "Sequence[Draft]", reason: str | None, author: str | None
) -> "list[Decision]":
    """Put time, author and reason on them. Raises InputError where nobody can be asked for the reason."""
    from flows.reviewing import author_of, now
    from warehouse.drafting import sign

    settings = _settings(context)
    if reason is None:
        if not sys.stdin.isatty():
            raise InputError("a decision needs a reason", hint="Give it with --reason.")
        reason = typer.prompt("Why?")
    return sign(drafts, now(_archive(settings)), author or author_of(settings), reason)


def _carry_out(
    context: typer.Context, drafts: "Sequence[Draft]", reason: str | None, author: str | None, *, later: bool
) -> None:
    """Sign and keep decisions, do what they say unless that is for `later`, and tell what has come of it."""
    from clampdown.commands.review_shown import outcome_lines, waiting_line
    from flows.reviewing import decide, keep
    from warehouse.review import model_of

    settings = _settings(context)
    made = _signed(context, drafts, reason, author)
    if later:
        keep(_archive(settings), made)
        for one in made:
            console().print(waiting_line(one), soft_wrap=True)
        return
    with _snapshot(context) as reader:
        model = model_of(reader)
    taken = decide(settings, made, model=model)
    with _snapshot(context) as reader:
        out = console()
        for line in outcome_lines(reader, made, len(taken.decisions), out.width):
            out.print(line, soft_wrap=True)

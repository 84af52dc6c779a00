"""`review`: what waits for a person, and the person's word on it."""

import sys
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clampdown.options import load_settings
from clampdown.output import console, print_json, printable
from pipeline.errors import InputError

if TYPE_CHECKING:
    from pipeline.decision_types import Anchor, Decision, DecisionKind
    from pipeline.settings import Settings
    from warehouse.query import EventDetail, Reader

app = typer.Typer(invoke_without_command=True)

Reason = Annotated[str | None, typer.Option("--reason", "-r", help="Why; asked for in a terminal if left out")]
Author = Annotated[str | None, typer.Option("--author", help="Who decides [default: review.author, or the login name]")]
Later = Annotated[
    bool, typer.Option("--later", help="Only keep it: the next run, or the next review without this, carries it out")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
SHORTEST_PREFIX = 4
SHOWN = 20


@app.callback()
def review(
    context: typer.Context,
    service: Annotated[str | None, typer.Option(help="Any name of a service: DeepSeek, Twitter …")] = None,
    country: Annotated[str | None, typer.Option(help="ISO code or name")] = None,
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
    event: Annotated[str, typer.Argument(help="An event's id or the beginning of one")],
    other: Annotated[str, typer.Argument(help="The event that is the same")],
    reason: Reason = None,
    author: Author = None,
    later: Later = False,
) -> None:
    """Say that two events are one."""
    from pipeline.decision_types import DecisionKind

    with _snapshot(context) as reader:
        one, two = _event(reader, event), _event(reader, other)
    if one.event.id == two.event.id:
        raise InputError(f"{event} and {other} are one event already: {one.event.id}")
    made = _decision(
        context, DecisionKind.SAME, reason, author, one=_anchors(one), other=_anchors(two), about=(one, two)
    )
    _carry_out(context, [made], later=later)


@app.command("different")
def different(
    context: typer.Context,
    event: Annotated[str, typer.Argument(help="An event's id or the beginning of one")],
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
    from pipeline.decision_types import DecisionKind

    if (other is None) == (not article):
        raise InputError("name either a second event or articles (--article) of the event")
    with _snapshot(context) as reader:
        one = _event(reader, event)
        two = one if other is None else _event(reader, other)
    if other is None:
        out, rest = _parted(one, article or [])
    elif one.event.id == two.event.id:
        raise InputError(
            f"{event} and {other} are one event: {one.event.id}",
            hint="--article says which of its articles tell of another; `clampdown show EVENT --json` has their ids.",
        )
    else:
        out, rest = _anchors(two), _anchors(one)
    about = (one,) if other is None else (one, two)
    made = _decision(context, DecisionKind.DIFFERENT, reason, author, one=rest, other=out, about=about)
    _carry_out(context, [made], later=later)


@app.command("edit")
def edit(
    context: typer.Context,
    event: Annotated[str, typer.Argument(help="An event's id or the beginning of one")],
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
    from pipeline.decision_edits import checked
    from pipeline.decision_types import DecisionKind

    fields: dict[str, str | None] = {}
    with _snapshot(context) as reader:
        one = _event(reader, event)
        for given in values:
            field, equals, value = given.partition("=")
            if not equals:
                raise InputError(f"{given!r} is not FIELD=VALUE")
            field = field.strip().lower()
            fields[field] = checked(field, _named(reader, field, value.strip(), new=new))
    at, why, who = _signed(context, reason, author)
    anchors = _anchors(one)
    made = [
        # A decision each, so that each can be taken back; one after the other, so that they stay in order.
        _decision(
            context, DecisionKind.EDIT, why, who, at=at + timedelta(microseconds=number), one=anchors, about=(one,),
            field=field, value=value,
        )
        for number, (field, value) in enumerate(fields.items())
    ]  # fmt: skip
    _carry_out(context, made, later=later)


@app.command("reject")
def reject(
    context: typer.Context,
    event: Annotated[str, typer.Argument(help="An event's id or the beginning of one")],
    reason: Reason = None,
    author: Author = None,
    later: Later = False,
) -> None:
    """Say that an event is no restriction event: it is kept, and shown nowhere unless asked for."""
    from pipeline.decision_types import DecisionKind

    made = _about_one(context, DecisionKind.REJECT, event, reason, author)
    _carry_out(context, [made], later=later)


@app.command("restore")
def restore(
    context: typer.Context,
    event: Annotated[str, typer.Argument(help="An event's id or the beginning of one")],
    reason: Reason = None,
    author: Author = None,
    later: Later = False,
) -> None:
    """Say that an event is one after all; of one that was not rejected, that it is right as it stands."""
    from pipeline.decision_types import DecisionKind

    made = _about_one(context, DecisionKind.RESTORE, event, reason, author)
    _carry_out(context, [made], later=later)


@app.command("undo")
def undo(
    context: typer.Context,
    decision: Annotated[str, typer.Argument(help="A decision's id or the beginning of one, as in `review log`")],
    reason: Reason = None,
    author: Author = None,
    later: Later = False,
) -> None:
    """Take a decision back. Taking that back brings it into force again."""
    from flows.house import ARCHIVE_NAME
    from pipeline.decision_archive import DecisionArchive
    from pipeline.decision_types import DecisionKind
    from pipeline.decisions import in_force

    known, _ = DecisionArchive(_settings(context).data_dir / ARCHIVE_NAME).unread()
    prefix = decision.strip().lower()
    fits = [one for one in known if len(prefix) >= SHORTEST_PREFIX and one.id.startswith(prefix)]
    if len(fits) != 1:
        raise InputError(
            f"{'no' if not fits else 'more than one'} decision begins with {decision!r}",
            hint="`clampdown review log` lists them; give at least four characters.",
        )
    if fits[0].id not in in_force(known):
        raise InputError(f"decision {fits[0].id} has been taken back already")
    made = _decision(context, DecisionKind.UNDO, reason, author, revokes=fits[0].id, named=fits[0].about)
    _carry_out(context, [made], later=later)


@app.command("log")
def log(
    context: typer.Context,
    event: Annotated[str | None, typer.Argument(help="An event's id or the beginning of one")] = None,
    as_json: AsJson = False,
) -> None:
    """List the decisions, the latest first, and whether they are in force."""
    from clampdown.commands.review_shown import log_lines, waiting_line
    from flows.house import ARCHIVE_NAME
    from pipeline.decision_archive import DecisionArchive
    from warehouse.review import log as read

    with _snapshot(context) as reader:
        found = read(reader, None if event is None else _event(reader, event).event.id)
        everything = {one.id for one in read(reader)}
    unread, faults = DecisionArchive(_settings(context).data_dir / ARCHIVE_NAME).unread(everything)
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


def _event(reader: "Reader", prefix: str) -> "EventDetail":
    from warehouse.query import event as find

    return find(reader, prefix)


def _anchors(detail: "EventDetail") -> "tuple[Anchor, ...]":
    from pipeline.decision_types import anchors_of

    return anchors_of(one.mention for one in detail.mentions)


def _parted(detail: "EventDetail", named: list[str]) -> "tuple[tuple[Anchor, ...], tuple[Anchor, ...]]":
    """The anchors of the named articles' mentions, and those of the rest. Raises InputError where either is empty."""
    from pipeline.decision_types import anchors_of

    articles = {one.article.id: one.article.url for one in detail.mentions}
    out: set[str] = set()
    for name in named:
        typed = name.strip()
        long_enough = len(typed) >= SHORTEST_PREFIX
        fits = [id_ for id_, url in articles.items() if url == typed or (long_enough and id_.startswith(typed.lower()))]
        if len(fits) != 1:
            listed = "; ".join(f"{id_[:8]} {url}" for id_, url in sorted(articles.items()))
            raise InputError(
                f"{'none' if not fits else 'more than one'} of the event's articles is {typed!r}",
                hint=f"They are {listed}.",
            )
        out.add(fits[0])
    if out == articles.keys():
        raise InputError("these are all of the event's articles: nothing is left of it to tell them from")
    return (
        anchors_of(one.mention for one in detail.mentions if one.article.id in out),
        anchors_of(one.mention for one in detail.mentions if one.article.id not in out),
    )


def _named(reader: "Reader", field: str, value: str, *, new: bool) -> str:
    """A value with the registry's name for what was typed."""
    from warehouse import names

    if not value:
        return value
    if field == "country":
        return names.country(reader, value)
    if field == "service":
        try:
            found = names.services(reader, value)
        except InputError as error:
            if new:
                return value
            raise InputError(str(error), hint=f"{error.hint or ''} --new takes it as it stands.".strip()) from None
        return found[0] if len(found) == 1 else value
    if field == "actor":
        return names.body(reader, value)
    return value


def _signed(context: typer.Context, reason: str | None, author: str | None) -> tuple[datetime, str, str]:
    """When, why and who. Raises InputError where nobody can be asked for the reason."""
    from flows.reviewing import now

    settings = _settings(context)
    if reason is None:
        if not sys.stdin.isatty():
            raise InputError("a decision needs a reason", hint="Give it with --reason.")
        reason = typer.prompt("Why?")
    return now(settings.data_dir), " ".join(reason.split()), author or settings.review.author or _login_name()


def _login_name() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise InputError("nobody is logged in", hint="Say who decides with --author, or set review.author.") from None


def _decision(
    context: typer.Context,
    kind: "DecisionKind",
    reason: str | None,
    author: str | None,
    *,
    at: datetime | None = None,
    one: "tuple[Anchor, ...]" = (),
    other: "tuple[Anchor, ...]" = (),
    about: "tuple[EventDetail, ...]" = (),
    named: tuple[str, ...] = (),
    **rest: str | None,
) -> "Decision":
    from pipeline.decision_types import Decision

    if at is None:
        at, reason, author = _signed(context, reason, author)
    ids = named or tuple(detail.event.id for detail in about)
    return Decision(kind, author or "", at.astimezone(UTC), reason or "", one, other, about=ids, **rest)


def _about_one(
    context: typer.Context, kind: "DecisionKind", event: str, reason: str | None, author: str | None
) -> "Decision":
    with _snapshot(context) as reader:
        one = _event(reader, event)
    return _decision(context, kind, reason, author, one=_anchors(one), about=(one,))


def _carry_out(context: typer.Context, made: "list[Decision]", *, later: bool) -> None:
    """Keep decisions, do what they say unless that is for `later`, and tell what has come of it."""
    from clampdown.commands.review_shown import outcome_lines, waiting_line
    from flows.reviewing import decide, keep
    from warehouse.review import model_of

    settings = _settings(context)
    if later:
        keep(settings.data_dir, made)
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

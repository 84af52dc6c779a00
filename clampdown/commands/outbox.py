"""`outbox`: what is to be sent to whom, what came of it, and an operator's word on it."""

import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clampdown.commands.outbox_shown import STYLES, print_message, row_facts, rows_table
from clampdown.options import load_settings
from clampdown.output import console, print_json, printable, table
from pipeline.errors import InputError

if TYPE_CHECKING:
    from pipeline.outbox import Row, State
    from pipeline.settings import Settings

app = typer.Typer(
    help="Look after the messages to readers and webhooks: what waits, what came of it.", no_args_is_help=True
)

Keys = Annotated[list[str], typer.Argument(metavar="KEY...", help="Keys of messages, or their beginnings or ends")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]


@app.command("list")
def list_(
    context: typer.Context,
    state: Annotated[str | None, typer.Option("--state", help="Only those of that state, as in unknown")] = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those that are still to be sent")] = False,
    lost: Annotated[bool, typer.Option("--lost", help="Only those that were refused or given up")] = False,
    subscription: Annotated[str | None, typer.Option("--subscription", "-s", help="Only those of that one")] = None,
    days: Annotated[int, typer.Option("--days", min=1, help="How far back to look")] = 7,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Most messages to list")] = 50,
    as_json: AsJson = False,
) -> None:
    """List messages, the latest first, with their states and what the server said last."""
    from pipeline.outbox import WAITING, Outbox, State

    settings = load_settings(context).settings
    wanted: set[State] = set(State)
    if state is not None:
        wanted &= {_state(state)}
    if waiting:
        wanted &= {*WAITING, State.SENDING}
    if lost:
        wanted &= {State.REFUSED, State.GIVEN_UP}
    now = datetime.now(UTC)
    since = now - timedelta(days=days)
    outbox = Outbox(settings.data_dir)
    of_the_time = [
        row
        for row in outbox.rows(since.date())
        if max(row.queued_at, row.at) >= since and subscription in (None, row.subscription)
    ]
    found = [row for row in of_the_time if row.state in wanted][::-1]
    if as_json:
        print_json([row_facts(row) for row in found[:limit]])
        return
    out = console()
    if not found:
        out.print("No such messages." if of_the_time else "Nothing was to be sent.")
    else:
        out.print(rows_table(found[:limit], settings.serve.zone))
        if len(found) > limit:
            out.print(Text(f"… and {len(found) - limit} more: --limit", style="dim"))
    counts = Counter(row.state for row in of_the_time)
    if len(counts) > 1:
        told = Text(f"last {days} days: ")
        for one, number in sorted(counts.items()):
            told.append(f"{number} {one.value}  ", style=STYLES[one])
        out.print(told)
    _print_trouble(settings, now)


@app.command("show")
def show(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="Its key, or the beginning or end of it")],
    raw: Annotated[bool, typer.Option("--raw", help="Print the very bytes that are sent, and nothing else")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one message: what came of it, its headers and its text."""
    from pipeline.outbox import Outbox

    settings = load_settings(context).settings
    outbox = Outbox(settings.data_dir)
    row = outbox.find(key)
    if raw:
        sys.stdout.buffer.write(outbox.message(row.entry))
        return
    if as_json:
        print_json(row_facts(row))
        return
    print_message(row, outbox, settings.serve.zone)


@app.command("send")
def send(context: typer.Context) -> None:
    """Send now all that waits, also what was to be tried later. `clampdown serve` sends by itself."""
    _send(load_settings(context).settings)


@app.command("resend")
def resend(
    context: typer.Context,
    keys: Keys,
    again: Annotated[
        bool, typer.Option("--again", help="Also what was taken by the server: its reader gets it twice")
    ] = False,
) -> None:
    """Send messages once more, by your word: the very same bytes.

    Of what is unknown nobody can tell whether it arrived: ask its reader, or look at the mail server's log, first.
    """
    from pipeline import suppressed
    from pipeline.outbox import OPEN_FOR, Channel, Outbox, State

    settings = load_settings(context).settings
    outbox = Outbox(settings.data_dir)
    rows = [outbox.find(key) for key in keys]
    gone = suppressed.load(settings.data_dir)
    ended = {State.UNKNOWN, State.REFUSED, State.GIVEN_UP, State.SUPPRESSED, State.CANCELLED, State.FAILED}
    for row in rows:
        if row.state is State.SENT and not again:
            raise InputError(f"{row.key} was sent: {row.detail}", hint="--again sends it a second time all the same.")
        why = gone.why(row.subscription, row.entry.to) if row.entry.channel is Channel.MAIL else None
        if why is not None:
            raise InputError(
                f"{row.entry.to} is sent nothing more: {why.reason.value}",
                hint=f"`clampdown outbox allow {row.entry.to}` ends that, if its reader wants it.",
            )
        if row.queued_at < datetime.now(UTC) - OPEN_FOR:
            raise InputError(f"{row.key} is of {row.queued_at:%d %B %Y}: that is no news any more")
        # That its bytes are there is told now, and not when it is too late.
        outbox.message(row.entry)
    for row in rows:
        if row.state is State.QUEUED:
            continue
        of = ended | {State.SENT} if again else ended
        if outbox.move(row, State.QUEUED, "to be sent again, by the operator's word", of=of) is None:
            raise InputError(f"{row.key} is being sent just now")
    _send(settings, frozenset(row.key for row in rows))


@app.command("cancel")
def cancel(context: typer.Context, keys: Keys) -> None:
    """Take messages that wait out of the outbox; settle those that are unknown by leaving it at that."""
    from pipeline.outbox import WAITING, Outbox, State

    outbox = Outbox(load_settings(context).settings.data_dir)
    out = console()
    for row in [outbox.find(key) for key in keys]:
        done = outbox.move(row, State.CANCELLED, f"by the operator; it was {row.state}", of={*WAITING, State.UNKNOWN})
        if done is None:
            raise InputError(f"{row.key} is {row.state}: there is nothing to cancel")
        out.print(Text(f"{row.key}: cancelled"), soft_wrap=True)
    _note_standing(context)


@app.command("bounce")
def bounce(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The mail that came back, with its headers; - reads standard input")],
) -> None:
    """Take note of a mail that came back (a delivery status notification, RFC 3464).

    An address that does not exist is sent nothing more after two of them. A mail server hands them over by an alias
    such as "|clampdown outbox bounce -".
    """
    from flows.bouncing import take_bounce

    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: can't be read: {error.strerror or error}") from None
    taken = take_bounce(load_settings(context).settings, content, datetime.now(UTC))
    out = console()
    if not taken:
        out.print("It says of none of our messages that it failed: nothing is noted.")
    for one in taken:
        out.print(Text(f"{one.row.key}: to {one.row.entry.to}: {printable(one.bounce.words)}"), soft_wrap=True)
        if one.ended is not None:
            out.print(Text(f"  {one.ended.address} is sent nothing more: {one.ended.reason.value}"), soft_wrap=True)


@app.command("suppressed")
def suppressed_(context: typer.Context, as_json: AsJson = False) -> None:
    """List who is sent nothing more, and why."""
    from pipeline import suppressed

    settings = load_settings(context).settings
    found = suppressed.load(settings.data_dir).all()
    if as_json:
        print_json(found)
        return
    if not found:
        console().print("Everybody is sent what they are subscribed to.")
        return
    rows = [
        (one.address, one.subscription or "all", one.reason.value, one.at.astimezone(settings.serve.zone), one.words)
        for one in found
    ]
    console().print(table(None, ("address", "subscription", "why", "since", ""), rows, address="cyan"))


@app.command("suppress")
def suppress(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="Its mail address")],
    subscription: Annotated[str, typer.Option("--subscription", "-s", help="Only of that one [default: of all]")] = "",
) -> None:
    """Send an address nothing more, as its reader has asked for by mail, say."""
    from pipeline import suppressed
    from pipeline.suppressed import Reason

    settings = load_settings(context).settings
    suppressed.suppress(
        settings.data_dir, subscription, _address(address), Reason.OPERATOR, datetime.now(UTC), "by hand"
    )
    console().print(Text(f"{address} is sent nothing more{f' of {subscription}' * bool(subscription)}."))


@app.command("allow")
def allow(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="Its mail address")],
    subscription: Annotated[str, typer.Option("--subscription", "-s", help="Only that one [default: all]")] = "",
) -> None:
    """Send an address again what it is subscribed to, after it was unsubscribed or its mail came back."""
    from pipeline import suppressed

    settings = load_settings(context).settings
    before = [one for one in suppressed.load(settings.data_dir).all() if one.address == _identity(address)]
    if not [one for one in before if subscription in ("", one.subscription)]:
        raise InputError(
            f"{address} is sent all that it is subscribed to", hint="Look at `clampdown outbox suppressed`."
        )
    suppressed.allow(settings.data_dir, subscription, address, datetime.now(UTC))
    console().print(Text(f"{address} is sent what it is subscribed to again."))


def _send(settings: "Settings", only: frozenset[str] | None = None) -> None:
    """Send, and say what came of it: of the messages named, or of all. Exits with 6 where not all were taken."""
    from flows.sending import EVERYTHING, send_due
    from pipeline.outbox import Outbox, State

    done = send_due(settings, hurry=EVERYTHING if only is None else only)
    out = console()
    if done.is_busy:
        out.print("Another process is sending: it takes them, too.")
        return
    if only is not None:
        rows = [row for row in Outbox(settings.data_dir).rows(date.min) if row.key in only]
        _print_ends(rows)
        failed = any(row.state is not State.SENT for row in rows)
    else:
        told = ", ".join(f"{number} {state.value}" for state, number in sorted(done.moved.items()))
        out.print(told or "Nothing was due.")
        failed = bool(set(done.moved) - {State.SENT, State.SUPPRESSED, State.CANCELLED})
    _print_trouble(settings, datetime.now(UTC))
    if failed or (done.standing is not None and done.standing.trouble is not None and done.standing.waiting):
        raise typer.Exit(6)


def _print_ends(rows: "Sequence[Row]") -> None:
    for row in rows:
        words = Text.assemble(
            (f"{row.key}  ", "cyan"), (row.state.value, STYLES[row.state]), f"  {printable(row.detail)}"
        )
        console().print(words, soft_wrap=True)


def _print_trouble(settings: "Settings", now: datetime) -> None:
    from pipeline import outbox_state
    from pipeline.errors import ArchiveError

    try:
        standing = outbox_state.load(settings.data_dir)
    except ArchiveError:
        return
    if standing is None or standing.trouble is None or not standing.waiting:
        return
    trouble, zone = standing.trouble, settings.serve.zone
    out = console()
    out.print(
        Text(f"No mail can be sent since {trouble.since.astimezone(zone):%H:%M}: {trouble.words}", "red"),
        soft_wrap=True,
    )
    if trouble.hint:
        out.print(Text(trouble.hint, "dim"), soft_wrap=True)
    if trouble.next_at > now:
        out.print(Text(f"It is tried again at {trouble.next_at.astimezone(zone):%H:%M}.", "dim"))


def _note_standing(context: typer.Context) -> None:
    """What is settled is no problem any more, also before the next sending."""
    from flows.sending import note_standing

    note_standing(load_settings(context).settings)


def _state(name: str) -> "State":
    from pipeline.outbox import State

    try:
        return State(name)
    except ValueError:
        names = ", ".join(one.value for one in State)
        raise InputError(f"there is no state {name}", hint=f"One of {names}.") from None


def _address(text: str) -> str:
    from pipeline.mail_addresses import mail_address

    try:
        return mail_address(text).plain
    except ValueError as error:
        raise InputError(str(error), hint="Write it as name@example.org.") from None


def _identity(text: str) -> str:
    from pipeline.mail_addresses import identity

    return identity(text)

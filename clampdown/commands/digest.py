"""`digest`: what has changed since the last one."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clampdown.options import load_settings
from clampdown.output import console, print_json, printable, shorten, table
from pipeline.errors import ArchiveError, DeliveryError, InputError

if TYPE_CHECKING:
    from flows.digest_report import DigestReport
    from pipeline.outbox import Row
    from pipeline.settings import Settings
    from pipeline.subscriptions import Subscription
    from reports.digest import Digest

SUBJECT_WIDTH = 70


def digest(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(help="With --preview: where to write it as HTML, text and picture")
    ] = None,
    subscription: Annotated[
        str | None, typer.Option("--subscription", "-s", help="Id of the subscription [default: all that are due]")
    ] = None,
    preview: Annotated[
        bool,
        typer.Option(
            "--preview", help="Show what has changed since the last digest, or write it to FOLDER; record nothing"
        ),
    ] = False,
    to: Annotated[
        str | None, typer.Option("--to", help="Send what has changed to this address, marked as a test")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Make the digests that are due, and show what has changed since the last ones, with quotes and links.

    There is one for each subscription and day, week or piece of news, made from the published snapshot into the folder
    digests of the data folder: as HTML, Markdown, plain text and JSON. Mails to its readers are put into the outbox and
    sent. `clampdown serve` does the same by itself.
    """  # fmt: skip
    if folder is not None and not preview:
        raise InputError(f"what is {folder} for?", hint="A folder goes with --preview.")
    settings = load_settings(context).settings
    if preview or to is not None:
        _try_out(settings, _chosen(settings, subscription), folder, to, as_json=as_json)
        return
    if subscription is not None:
        # A slip of the finger is no run that failed.
        _chosen(settings, subscription)
    reports, sent = _make(settings, subscription)
    if as_json:
        print_json({"digests": reports, "sent": sent})
        return
    if len(reports) == 1:
        _print(reports[0], settings)
    else:
        _print_all(reports, settings)
    if sent:
        told = ", ".join(f"{number} {state}" for state, number in sent.items())
        console().print(Text(f"outbox: {told}", style="dim"))


def _make(settings: "Settings", only: str | None) -> "tuple[list[DigestReport], dict[str, int]]":
    """Make what is due and send it. Where a digest can't be made, the others are sent before that is raised."""
    from flows.serving.duties import digest_duty
    from flows.serving.perform import perform

    try:
        reports = perform("digest", settings, lambda told: digest_duty(settings, told, only=only), wait=None)
    except ArchiveError:
        _send_due(settings)
        raise
    assert reports is not None, "nothing supersedes what a person asks for"
    return reports, _send_due(settings)


def _send_due(settings: "Settings") -> dict[str, int]:
    """Send what is in the outbox. Returns how many messages came to which state."""
    from datetime import UTC, datetime

    from flows.sending import is_due, send_due

    if not is_due(settings, datetime.now(UTC)):
        return {}
    return {state.value: number for state, number in send_due(settings).moved.items()}


def _chosen(settings: "Settings", subscription: str | None) -> "Subscription":
    """The subscription that is meant: the only one where none is named."""
    from flows.subscribed import named, subscriptions

    every = subscriptions(settings)
    if subscription is not None:
        return named(every, subscription)
    if len(every) != 1:
        ids = ", ".join(one.id for one in every)
        raise InputError("which subscription?", hint=f"Give --subscription: there are {ids or 'none'}.")
    return every[0]


def _try_out(
    settings: "Settings", subscription: "Subscription", folder: Path | None, to: str | None, *, as_json: bool
) -> None:
    from datetime import UTC, datetime

    from flows.digest import preview_digest
    from reports.digest_pages import as_document, as_text

    found = preview_digest(settings, datetime.now(UTC), subscription)
    if to is not None:
        _send(settings, found, to, as_json=as_json)
    elif folder is not None:
        from flows.digest_try import write_preview
        from reports.digest_words import subject

        console().print(Text(subject(found)), soft_wrap=True)
        for path in write_preview(settings, found, folder):
            console().print(Text(str(path)), soft_wrap=True)
    elif as_json:
        print_json(as_document(found))
    else:
        console().print(Text(as_text(found)), end="", soft_wrap=True)


def _send(settings: "Settings", found: "Digest", to: str, *, as_json: bool) -> None:
    """Send a test. The exit code is 6 where it was not taken over."""
    from flows.digest_try import send_test
    from pipeline.outbox import State

    row = send_test(settings, found, to)
    if as_json:
        print_json({"to": to, "state": row.state, "key": row.key, "detail": row.detail})
    else:
        _print_sent(row)
    if row.state is not State.SENT:
        raise typer.Exit(DeliveryError.exit_code)


def _print_sent(row: "Row") -> None:
    from pipeline.outbox import State

    style = "green" if row.state is State.SENT else "red"
    said = f": {printable(row.detail)}" if row.detail else ""
    console().print(Text.assemble((row.state.value, style), f" to {printable(row.entry.to)}{said}"), soft_wrap=True)
    console().print(Text(f"  {row.key}", style="dim"), soft_wrap=True)


def _print(report: "DigestReport", settings: "Settings") -> None:
    """One digest: its text, and where its files are."""
    out = console()
    following = "" if report.next_at is None else f"{report.next_at.astimezone(settings.serve.zone):%Y-%m-%d %H:%M}"
    if not report.files:
        if not following:
            out.print("There is no news for it. It is made as soon as there is.")
            return
        out.print("No digest is due yet: watching began after the last time for one.")
        out.print(f"The next one is due on {following}. `clampdown digest --preview` shows what it would say now.")
        return
    for page in report.files:
        if page.suffix == ".txt":
            out.print(Text(page.read_text(encoding="utf-8")), soft_wrap=True)
    verb = "made" if report.state == "made" else "was made already"
    next_one = f"; the next one is due on {following}" if following else ""
    out.print(Text(f"No. {report.number}, for {report.day}, {verb}{next_one}.", style="dim"))
    for page in report.files:
        out.print(Text(f"  {page}", style="dim"), soft_wrap=True)
    for address, why in report.unsent:
        out.print(Text(f"  not sent to {printable(address)}: {printable(why)}", style="yellow"), soft_wrap=True)


def _print_all(reports: "Sequence[DigestReport]", settings: "Settings") -> None:
    """Many digests: a line for each."""
    rows = []
    for one in reports:
        following = "" if one.next_at is None else f"{one.next_at.astimezone(settings.serve.zone):%Y-%m-%d %H:%M}"
        said = shorten(printable(one.subject or one.error), SUBJECT_WIDTH)
        mails = f"{one.mails}" + (f" ({len(one.unsent)} not)" if one.unsent else "") if one.state == "made" else ""
        rows.append((one.subscription, one.state.value, str(one.day) if one.files else "", said, mails, following))
    columns = ("subscription", "state", "day", "says", "mails", "next")
    console().print(table(None, columns, rows, subscription="cyan", next="dim"))

"""How messages of the outbox are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Final
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

from clampdown.output import console, printable, table
from pipeline.errors import ClampdownError
from pipeline.outbox import Channel, Outbox, Row, State

STYLES: Final[Mapping[State, str]] = {
    State.QUEUED: "",
    State.SENDING: "",
    State.FAILED: "yellow",
    State.SENT: "green",
    State.REFUSED: "red",
    State.GIVEN_UP: "red",
    State.UNKNOWN: "bold yellow",
    State.SUPPRESSED: "dim",
    State.CANCELLED: "dim",
}

_HEADERS: Final = ("From", "To", "Subject", "Date", "Message-ID", "List-Id", "List-Unsubscribe", "DKIM-Signature")
_SHOWN: Final = 110


def rows_table(rows: Sequence[Row], zone: ZoneInfo) -> Table:
    """A table of messages."""
    cells = [
        (row.at.astimezone(zone), Text(state_of(row), STYLES[row.state]), row.key, row.entry.to, said(row, zone))
        for row in rows
    ]
    result = table(None, ("since", "state", "key", "to", "said last"), cells, key="cyan")
    for column in result.columns[:3]:
        # What is typed again is not to be broken in two.
        column.no_wrap = True
    return result


def state_of(row: Row) -> str:
    """The state, and that it came back where it did."""
    return f"{row.state.value}, came back" if row.bounced else row.state.value


def said(row: Row, zone: ZoneInfo) -> str:
    """What was said last of a message, and when it is tried again."""
    words = printable(row.bounced or row.detail)
    if row.next_at is not None:
        words += (
            f" (again at {row.next_at.astimezone(zone):%H:%M}, after {row.tries} tr{'y' if row.tries == 1 else 'ies'})"
        )
    return words.strip()


def row_facts(row: Row) -> dict[str, Any]:
    """A message for programs."""
    told = asdict(row)
    return {"key": row.key, **told.pop("entry"), **told}


def print_message(row: Row, outbox: Outbox, zone: ZoneInfo) -> None:
    """What came of a message, and what it says, as far as its bytes are kept."""
    out = console()
    facts = [
        ("key", row.key),
        ("to", row.entry.to),
        ("by", row.entry.channel.value),
        ("of", f"{row.subscription}, {row.digest}"),
        ("made", f"{row.queued_at.astimezone(zone):%Y-%m-%d %H:%M:%S}"),
        ("state", f"{state_of(row)} since {row.at.astimezone(zone):%Y-%m-%d %H:%M:%S}"),
        ("said last", said(row, zone)),
    ]
    for name, words in facts:
        if words:
            style = STYLES[row.state] if name == "state" else ""
            out.print(Text.assemble((f"{name:<10}", "bold"), (printable(words), style)), soft_wrap=True)
    out.print()
    try:
        content = outbox.message(row.entry)
    except ClampdownError as error:
        out.print(Text(str(error), "yellow"), soft_wrap=True)
        return
    if row.entry.channel is Channel.WEBHOOK:
        out.print(Text(content.decode("utf-8", "replace")), soft_wrap=True)
        return
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage), "by that policy"
    for name in _HEADERS:
        if (value := message.get(name)) is not None:
            shown = " ".join(str(value).split())
            shown = shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"
            out.print(Text.assemble((f"{name}: ", "bold"), printable(shown)), soft_wrap=True)
    body = message.get_body(("plain",))
    if body is not None:
        out.print(Text("\n" + printable(body.get_content())), soft_wrap=True)

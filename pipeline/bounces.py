"""Mail that came back: what a delivery status notification says of which message (RFC 3464)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage
from typing import Final

from pipeline.errors import InputError

LARGEST: Final = 5_000_000
"""Bytes of a notification: more is none."""

_STATUS: Final = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_CODE: Final = re.compile(r"\s*([245])(\d\d)\b")
_NO_SUCH: Final = frozenset({"1.1", "1.2", "1.3", "1.6", "1.10", "2.1"})
"""Enhanced status codes (RFC 3463) that say: no such mailbox, no such domain, moved away, switched off."""
_SAID: Final = 300


@dataclass(frozen=True, slots=True)
class Bounce:
    """What is said of one reader of a message: that it failed (else it is only late), for good or not, in what words.

    `message_id` is empty where the notification does not have it.
    """

    address: str
    message_id: str
    failed: bool
    for_good: bool
    words: str


def is_for_good(words: str) -> bool:
    """Whether an answer of a server, or a status, says that there is no such reader: not that a mail is unwanted."""
    if found := _STATUS.search(words):
        return found[1] == "5" and f"{int(found[2])}.{int(found[3])}" in _NO_SUCH
    code = _CODE.match(words)
    return code is not None and code[1] + code[2] in ("550", "551", "553")


def read_bounces(content: bytes) -> list[Bounce]:
    """What a delivery status notification says, reader by reader. Raises InputError where it is none."""
    if len(content) > LARGEST:
        raise InputError("it is too large for a delivery status notification")
    try:
        message = message_from_bytes(content, policy=policy.default)
        reports = [part for part in message.walk() if part.get_content_type() == "message/delivery-status"]
        message_id = next(_message_ids(message), "")
        found = [one for report in reports for one in _readers(report, message_id)]
    except (MessageError, ValueError, LookupError, AttributeError, TypeError) as error:
        raise InputError(f"it can't be read as mail: {type(error).__name__}") from None
    if not found:
        raise InputError(
            "it is no delivery status notification", hint="Give the whole mail that came back, with its headers."
        )
    return found


def _readers(report: EmailMessage, message_id: str) -> Iterator[Bounce]:
    """The groups of fields of a report that are about readers: the first one is about the message."""
    for group in report.get_payload():
        if not isinstance(group, EmailMessage):
            continue
        action, reader = str(group.get("Action", "")).strip().lower(), _address(group)
        if not action or not reader:
            continue
        status = str(group.get("Status", "")).strip()
        said = " ".join(str(group.get("Diagnostic-Code", "")).partition(";")[2].split())[:_SAID]
        words = f"{status} {said}".strip()
        failed = action == "failed"
        yield Bounce(reader, message_id, failed, failed and is_for_good(words), words)


def _address(group: EmailMessage) -> str:
    """Whom we sent it to, before anybody passed it on."""
    for name in ("Original-Recipient", "Final-Recipient"):
        kind, _, address = str(group.get(name, "")).partition(";")
        if kind.strip().lower() == "rfc822" and "@" in address:
            return address.strip().strip("<>")
    return ""


def _message_ids(message: EmailMessage) -> Iterator[str]:
    """The id of the mail that came back, whole or its headers alone."""
    for part in message.walk():
        kind = part.get_content_type()
        inner: object = None
        if kind == "message/rfc822":
            payload = part.get_payload()
            inner = payload[0] if isinstance(payload, list) and payload else None
        elif kind == "text/rfc822-headers":
            inner = message_from_bytes(_bytes_of(part), policy=policy.default)
        if isinstance(inner, EmailMessage) and (found := str(inner.get("Message-ID", "")).strip()):
            yield found


def _bytes_of(part: EmailMessage) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""

"""What the outbox is made of: messages by key, whom they are for, and what is known of each."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

_HASHED: Final = 10


class Channel(StrEnum):
    """By what a message goes."""

    MAIL = "mail"
    WEBHOOK = "webhook"


class State(StrEnum):
    """What is known of a message. FAILED ones are tried again, UNKNOWN ones may or may not have arrived."""

    QUEUED = "queued"
    SENDING = "sending"
    FAILED = "failed"
    SENT = "sent"
    REFUSED = "refused"
    GIVEN_UP = "given up"
    UNKNOWN = "unknown"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"


WAITING: Final = frozenset({State.QUEUED, State.FAILED})
"""They are sent as soon as it is time."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A message that a record names: whom it is for, and the SHA-256 of its bytes. `key` is its name for ever.

    `to` is a mail address or, for a webhook, what `receiver_of` makes of its URL.
    """

    key: str
    to: str
    sha256: str
    message_id: str = ""
    channel: Channel = Channel.MAIL

    def as_record(self) -> dict[str, str]:
        """As records of digests have it."""
        told = {"key": self.key, "to": self.to, "message_id": self.message_id, "sha256": self.sha256}
        return told if self.channel is Channel.MAIL else told | {"channel": self.channel.value}


@dataclass(frozen=True, slots=True)
class Batch:
    """The messages of one digest: of which subscription, under what name, made when (UTC)."""

    subscription: str
    digest: str
    made_at: datetime
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A message in the outbox, as it stands since `at` (UTC). `next_at` is when a FAILED one is tried again.

    It was made at `queued_at`; since `asked_at` it is to be sent, which is later where an operator asked once more.
    `tries` counts how often it was tried; `detail` is what the server, or the operator, said last; `bounced` what a
    bounce said, after it was sent.
    """

    entry: Entry
    subscription: str
    digest: str
    queued_at: datetime
    asked_at: datetime
    state: State
    at: datetime
    tries: int = 0
    next_at: datetime | None = None
    detail: str = ""
    bounced: str = ""

    @property
    def key(self) -> str:
        """Its name."""
        return self.entry.key

    def is_due(self, now: datetime) -> bool:
        """Whether it is to be sent now."""
        return self.state in WAITING and (self.next_at is None or self.next_at <= now)


def key_of(subscription: str, digest: str, to: str) -> str:
    """The name of a message: the same for the same digest and receiver, whoever makes it and how often."""
    return f"{subscription}.{digest}.{hashlib.sha256(to.encode()).hexdigest()[:_HASHED]}"


def receiver_of(url: str) -> str:
    """What the receiver at the URL of a webhook is called here: the rest of an address may be a password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}#{hashlib.sha256(url.encode()).hexdigest()[:_HASHED]}"

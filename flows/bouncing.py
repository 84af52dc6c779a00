"""Taking note of mail that came back: which of our messages it was, and whether its reader is there at all."""

import logging
from dataclasses import dataclass
from datetime import datetime

from pipeline import suppressed
from pipeline.bounces import Bounce, read_bounces
from pipeline.errors import InputError
from pipeline.outbox import Channel, Outbox, Row
from pipeline.settings import Settings
from pipeline.suppressed import Suppression

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that came back. `ended` says that its reader is sent nothing more, and why."""

    row: Row
    bounce: Bounce
    ended: Suppression | None


def take_bounce(settings: Settings, content: bytes, now: datetime) -> list[Taken]:
    """Note what a delivery status notification says of messages of ours. What only says that they are late is left.

    Raises InputError where it is no notification, or of none of our messages; ArchiveError.
    """
    outbox = Outbox(settings.data_dir, lambda: now)
    bounces = read_bounces(content)
    sent = {row.entry.message_id: row for row in outbox.rows() if row.entry.channel is Channel.MAIL}
    found = [(sent[one.message_id], one) for one in bounces if one.message_id in sent]
    if not found:
        raise InputError(
            "it is about no message of the latest weeks",
            hint="A notification is known by the Message-ID of the mail that came back, which it must hold.",
        )
    return [_taken(settings, outbox, row, one, now) for row, one in found if one.failed]


def _taken(settings: Settings, outbox: Outbox, row: Row, one: Bounce, now: datetime) -> Taken:
    # Whoever it was passed on to, it is the address of ours that does not work.
    outbox.bounce(row, one.words)
    if one.for_good:
        suppressed.bounce(settings.data_dir, row.entry.to, row.key, now, one.words)
    log.info("outbox: %s came back: %s", row.key, one.words)
    return Taken(row, one, suppressed.load(settings.data_dir).why(row.subscription, row.entry.to))

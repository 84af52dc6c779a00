"""Issuing a digest: its pages, the mails to its readers, and the record by which it is made, written last and whole.

What is to be sent lies in the outbox, byte by byte, before the record names it. So a digest that was killed is made
anew, with other mails than those that nobody will ever be sent, and one whose record is there is sent once.
"""

import json
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from importlib.metadata import version
from pathlib import Path
from typing import Final

from flows.digest_records import RECORD, place_document
from flows.outputs import queue_hooks
from pipeline.archive_files import TEMPORARY, put_all
from pipeline.errors import MailError
from pipeline.failpoints import hit
from pipeline.outbox import Entry, Outbox
from pipeline.settings import MailSettings, Settings
from pipeline.subscriptions import Subscription
from reports.digest import Digest
from reports.digest_html import as_html, page_html
from reports.digest_pages import as_document, as_markdown, as_text, has_spread
from reports.digest_words import subject
from reports.messages import (
    Rendered,
    as_bytes,
    check_address,
    digest_message,
    entry_of,
    unsubscribe_link,
    unsubscribing,
    view_url,
)
from warehouse.news import Place

log = logging.getLogger(__name__)

PICTURE: Final = "week"
"""The content id of the picture, before the id of the mail's list."""


@dataclass(frozen=True, slots=True)
class Issue:
    """A digest that is to be issued. `due_at` is the time that it is for, UTC.

    `until` is the place in the log of changes that it reaches, of the snapshot of that name.
    """

    digest: Digest
    due_at: datetime
    until: Place
    snapshot: str


@dataclass(slots=True)
class Posted:
    """What is to be sent of a digest, and to whom it can't be, with the reason."""

    entries: list[Entry] = field(default_factory=list)
    unsent: dict[str, str] = field(default_factory=dict)


def picture_of(digest: Digest) -> bytes | None:
    """The picture of the week, where there is something to be seen on it."""
    if not has_spread(digest) or digest.week is None:
        return None
    # Heavy, and a quiet day needs none.
    from reports.charts import week_picture

    return week_picture(digest.week, "light")


def pages_of(digest: Digest, picture: bytes | None) -> dict[str, bytes]:
    """The pages of a digest by the endings of their files."""
    pages = {
        ".html": _bytes(page_html(digest, pictures={} if picture is None else {"light": picture})),
        ".md": _bytes(as_markdown(digest)),
        ".txt": _bytes(as_text(digest)),
    }
    return pages if picture is None else pages | {".png": picture}


def mail_of(digest: Digest, mail: MailSettings, picture: bytes | None, browser: str | None) -> Rendered:
    """The mail with a digest, for all its readers. `browser` is where it can be seen."""
    unsubscribe = unsubscribe_link(mail)
    text = as_text(digest, unsubscribe=unsubscribe, browser=browser)
    if digest.subscription.format == "text":
        return Rendered(text)
    cid = f"{PICTURE}@{digest.subscription.id}"
    html = as_html(digest, picture_cid=None if picture is None else cid, unsubscribe=unsubscribe, browser=browser)
    return Rendered(text, html, {} if picture is None else {cid: picture})


def issue(settings: Settings, folder: Path, one: Issue, secret: bytes) -> Posted:
    """Write the pages into `folder`, what is to be sent into the outbox, then the record, by which it counts.

    Links are signed with `secret`. Raises ArchiveError where a file can't be written, MailError where no mail can be
    made, whoever it is for.
    """
    name, picture = one.digest.name, picture_of(one.digest)
    for path in folder.glob(f"{TEMPORARY}*"):
        path.unlink(missing_ok=True)
    put_all(folder, {f"{name}{ending}": content for ending, content in pages_of(one.digest, picture).items()})
    hit("digest.pages")
    posted = _posted(settings, one.digest, picture, secret)
    document = as_document(one.digest) | {
        "due_at": one.due_at.astimezone(UTC).isoformat(),
        "until": place_document(one.until),
        "program": version("clampdown"),
        "snapshot": one.snapshot,
        "mails": [entry.as_record() for entry in posted.entries],
        "unsent": posted.unsent,
    }
    # In one line: the encoder that indents takes four times as long.
    put_all(folder, {f"{name}{RECORD}": _bytes(json.dumps(document, ensure_ascii=False)) + b"\n"})
    hit("digest.recorded")
    log.info("digest %s of %s: %s", name, one.digest.subscription.id, subject(one.digest))
    return posted


def _posted(settings: Settings, digest: Digest, picture: bytes | None, secret: bytes) -> Posted:
    """Keep what each reader and each hook is sent in the outbox. A bad address costs the others nothing."""
    posted, outbox, subscription = Posted(), Outbox(settings.data_dir), digest.subscription
    browser = view_url(settings.mail, secret, subscription.id, digest.name)
    if subscription.hooks:
        posted.entries += queue_hooks(outbox, digest, browser)
    if subscription.recipients and not settings.mail.host:
        log.warning("digest %s: mail.host is not set, so nobody is sent it", subscription.id)
        posted.unsent.update(dict.fromkeys(subscription.recipients, "mail.host is not set"))
    elif subscription.recipients:
        mail = mail_of(digest, settings.mail, picture, browser)
        made = [(to, _message(settings.mail, digest, mail, to, secret)) for to in _usable(subscription, posted)]
        hashes = outbox.keep(as_bytes(settings.mail, message) for _, message in made)
        posted.entries += [
            entry_of(digest, to, hashed, message) for (to, message), hashed in zip(made, hashes, strict=True)
        ]
    return posted


def _message(mail: MailSettings, digest: Digest, rendered: Rendered, to: str, secret: bytes) -> EmailMessage:
    ways = unsubscribing(mail, secret, digest.subscription.id, to)
    return digest_message(mail, digest, rendered, to, ways)


def _usable(subscription: Subscription, posted: Posted) -> list[str]:
    """The recipients that are addresses; of the others it is noted why nothing is sent to them."""
    found = []
    for to in subscription.recipients:
        try:
            check_address(to)
            found.append(to)
        except MailError as error:
            posted.unsent[to] = str(error)
    return found


def _bytes(text: str) -> bytes:
    # Half characters, which have no bytes in UTF-8, can stand in what a publisher wrote.
    return text.encode("utf-8", "replace")

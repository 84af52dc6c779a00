"""Looking at a digest before anybody is sent it: as files, and as one mail to somebody who asked for it."""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from flows.digest_issue import mail_of, pages_of, picture_of
from flows.sending import send_now
from pipeline.errors import InputError
from pipeline.outbox import Batch, Row
from pipeline.settings import Settings
from pipeline.unsubscribe import secret_of
from reports.digest import Digest
from reports.mail import check
from reports.messages import UNSUBSCRIBE_HERE, Rendered, as_bytes, digest_message, entry_of, unsubscribing

PAGE: Final = "page.html"
MAIL: Final = "mail.html"
TEXT: Final = "mail.txt"
PICTURE: Final = "week.png"


def write_preview(settings: Settings, digest: Digest, folder: Path) -> list[Path]:
    """Write the digest into `folder` as it would be: as a page, as the mail in HTML and in text, and its picture.

    Files of these names that are there are written over. Raises InputError where they can't be.
    """
    picture = picture_of(digest)
    mail = mail_of(digest, settings.mail, picture, None)
    found = {PAGE: pages_of(digest, picture)[".html"], TEXT: _plain(mail.text)}
    if mail.html is not None:
        found[MAIL] = _plain(_whole(mail))
    if picture is not None:
        found[PICTURE] = picture
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in found.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise InputError(f"{folder}: can't be written: {error.strerror or error}") from None
    return [folder / name for name in found]


def send_test(settings: Settings, digest: Digest, to: str) -> Row:
    """Send the digest to one address, marked as a test, and return what came of it, as the outbox has it.

    Raises MailError where the mail can't be made, ArchiveError where the outbox can't be used.
    """
    check(settings.mail, [to])
    now = datetime.now(UTC)
    digest = replace(digest, name=f"test-{now:%Y%m%dT%H%M%S%fZ}", made_at=now)
    # Nothing of it is kept that could be seen in a browser.
    mail = mail_of(digest, settings.mail, picture_of(digest), None)
    secret = secret_of(settings.data_dir)
    ways = unsubscribing(settings.mail, secret, digest.subscription.id, to)
    message = digest_message(settings.mail, digest, mail, to, ways, is_test=True)
    content = as_bytes(settings.mail, message)
    entry = entry_of(digest, to, sha256(content).hexdigest(), message)
    batch = Batch(digest.subscription.id, digest.name, now, (entry,))
    (row,) = send_now(settings, batch, {entry.key: content})
    return row


def _whole(mail: Rendered) -> str:
    """The HTML of a mail with the pictures in it that else travel beside it: a browser has nothing else."""
    html = mail.html or ""
    for cid, picture in mail.pictures.items():
        html = html.replace(f"cid:{cid}", f"data:image/png;base64,{base64.b64encode(picture).decode('ascii')}")
    return html


def _plain(text: str) -> bytes:
    """The reader's own link leads nowhere where there is no reader."""
    return text.replace(UNSUBSCRIBE_HERE, "#").encode("utf-8", "replace")

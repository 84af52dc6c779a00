"""A digest as a mail: headers and parts, byte by byte as they go to the server, signed where the settings say so.

What is in it was made harmless by whoever rendered it; headers get one line of plain text, whatever is put in them.
"""

import html as markup
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.header import Header
from email.message import EmailMessage
from email.policy import EmailPolicy
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote

from pipeline.errors import MailError
from pipeline.outbox import Entry, key_of
from pipeline.settings_sections import MailSettings
from pipeline.unsubscribe import mark, token, view_token
from reports.digest import Digest
from reports.digest_words import subject
from reports.inert import line
from reports.mail import address, compose, domain_of, header_words

UNSUBSCRIBE_HERE: Final = f"https://{secrets.token_hex(12)}.invalid/unsubscribe"
"""Stands for the reader's own link in pages that are rendered once for all readers; no text can hold it by chance."""

ONE_CLICK: Final = "List-Unsubscribe=One-Click"

SIGNED: Final = (
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "List-Id", "List-Unsubscribe",
    "List-Unsubscribe-Post", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
)  # fmt: skip
"""Headers that a signature is about, if there are any: one-click unsubscribing asks for those of the list."""

_SUBJECT: Final = 200
_TITLE: Final = 80
_FOLDED: Final = 66


@dataclass(frozen=True, slots=True)
class Rendered:
    """A digest as it is mailed to all its readers: text, HTML (None for a mail of text alone) and PNGs by content id.

    Where the reader's own link to unsubscribe belongs stands UNSUBSCRIBE_HERE.
    """

    text: str
    html: str | None = None
    pictures: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unsubscribing:
    """The ways for one reader to end a subscription: a web page, an address of mail.

    `mark` is the reader's own part of the id of a mail, by which a bounce is known from one that somebody made up.
    """

    url: str | None = None
    mailto: str | None = None
    mark: str = ""

    @property
    def shown(self) -> str:
        """The link that the reader is shown; empty where there is none."""
        return self.url or self.mailto or ""

    @property
    def is_one_click(self) -> bool:
        """Whether mail programs may offer a button of their own (RFC 8058 wants HTTPS)."""
        return self.url is not None and self.url.startswith("https://")


def unsubscribing(mail: MailSettings, secret: bytes, subscription_id: str, to: str) -> Unsubscribing:
    """How the reader at `to` ends a subscription, as far as the settings offer ways."""
    url = f"{_base(mail)}/unsubscribe/{token(secret, subscription_id, to)}" if mail.public_url else None
    mailto = None
    if mail.unsubscribe_to:
        mailto = f"mailto:{mail.unsubscribe_to}?subject={quote(f'unsubscribe {subscription_id}')}"
    return Unsubscribing(url, mailto, mark(secret, subscription_id, to))


def view_url(mail: MailSettings, secret: bytes, subscription_id: str, name: str) -> str | None:
    """Where a digest can be seen in a browser; None where readers can't reach us."""
    return f"{_base(mail)}/view/{view_token(secret, subscription_id, name)}" if mail.public_url else None


def unsubscribe_link(mail: MailSettings) -> str | None:
    """What to render as the link to unsubscribe: UNSUBSCRIBE_HERE, or None where the settings offer no way."""
    return UNSUBSCRIBE_HERE if mail.public_url or mail.unsubscribe_to else None


def digest_message(
    mail: MailSettings, digest: Digest, rendered: Rendered, to: str, ways: Unsubscribing, *, is_test: bool = False
) -> EmailMessage:
    """Return the mail with a digest to one reader. The same digest to the same reader is the same mail, byte by byte.

    Raises MailError where the sender or the reader is no address.
    """
    told = subject(digest)
    text = rendered.text.replace(UNSUBSCRIBE_HERE, ways.shown)
    message = compose(
        mail, [to], line(f"Test: {told}" if is_test else told, _SUBJECT), text, now=digest.made_at.astimezone(UTC)
    )
    key = key_of(digest.subscription.id, digest.name, to)
    domain = domain_of(mail)
    message["Message-ID"] = f"<{key}{'.' * bool(ways.mark)}{ways.mark}@{domain}>"
    message["List-Id"] = _list_id(digest.subscription.title, f"{digest.subscription.id}.clampdown.{domain}")
    if found := [f"<{way}>" for way in (ways.url, ways.mailto) if way]:
        message["List-Unsubscribe"] = ", ".join(found)
    if ways.is_one_click:
        message["List-Unsubscribe-Post"] = ONE_CLICK
    if rendered.html is not None:
        _add_html(message, rendered.html.replace(UNSUBSCRIBE_HERE, markup.escape(ways.shown)), rendered.pictures, key)
    return message


def as_bytes(mail: MailSettings, message: EmailMessage) -> bytes:
    """The bytes of a mail as they travel, with a DKIM signature where the settings ask for one. Raises MailError."""
    content = message.as_bytes(policy=_WIRE)
    return _signature(mail, content) + content if mail.dkim_domain else content


def entry_of(digest: Digest, to: str, hashed: str, message: EmailMessage) -> Entry:
    """What the record of a digest says of a mail whose bytes are kept under the hash `hashed`."""
    return Entry(key_of(digest.subscription.id, digest.name, to), to, hashed, str(message["Message-ID"]))


def _base(mail: MailSettings) -> str:
    return mail.public_url.rstrip("/")


def _list_id(title: str, name: str) -> str:
    words = header_words(title, _TITLE).replace("\\", "").replace('"', "'")
    return f'"{words}" <{name}>' if words else f"<{name}>"


def _add_html(message: EmailMessage, html: str, pictures: Mapping[str, bytes], key: str) -> None:
    """Add the HTML as the better of two ways to read the mail, with its pictures beside it."""
    # Half characters, which have no bytes in UTF-8, can stand in what a publisher wrote.
    message.add_alternative(
        html.encode("utf-8", "replace").decode(), subtype="html", charset="utf-8", cte="quoted-printable"
    )
    boundary = f"=_{sha256(key.encode()).hexdigest()[:32]}"
    # Neither quoted-printable nor base64 can hold "=_", and no chance makes the same mail another one.
    message.set_boundary(f"{boundary}.1")
    if not pictures:
        return
    parts = message.get_payload()
    assert isinstance(parts, list), "it has alternatives"
    page = parts[-1]
    assert isinstance(page, EmailMessage), "they are made by it"
    for cid, png in pictures.items():
        page.add_related(png, "image", "png", cid=f"<{cid}>", disposition="inline", filename=f"{cid.split('@')[0]}.png")
    page.set_boundary(f"{boundary}.2")
    page.set_param("type", "text/html")


class _Wire(EmailPolicy):
    """The bytes of SMTP. The library would put what is long into encoded words, in which nobody looks for a link."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        text, fold = str(value), f"{self.linesep} "
        match name.lower():
            case "list-unsubscribe":
                folded = text.replace(", ", f",{fold}")
            case "list-id" if not text.isascii():
                words, _, rest = text.rpartition(" <")
                encoded = Header(words.strip('"'), "utf-8", 70, name).encode(linesep=self.linesep)
                folded = f"{encoded}{fold}<{rest}"
            case "list-id":
                folded = text.replace(" <", f"{fold}<") if len(text) > _FOLDED else text
            case _:
                return super().fold_binary(name, value)
        return f"{name}: {folded}{self.linesep}".encode("ascii")


_WIRE: Final = _Wire(linesep="\r\n", raise_on_defect=True)


def _signature(mail: MailSettings, content: bytes) -> bytes:
    assert mail.dkim_key_file is not None, "the settings see to it"
    try:
        import dkim
    except ImportError as error:
        raise MailError(
            "mail is to be signed (mail.dkim_domain), but the library for it is not installed",
            hint="Install clampdown[dkim], or leave mail.dkim_domain empty.",
            retryable=False,
        ) from error
    try:
        key = mail.dkim_key_file.read_bytes()
        # The library says on its own how it fares.
        quiet = logging.getLogger(f"{__name__}.dkim")
        quiet.setLevel(logging.CRITICAL)
        present = {name.lower() for name in _header_names(content)}
        signature = dkim.sign(
            content,
            mail.dkim_selector.encode("ascii"),
            mail.dkim_domain.encode("ascii"),
            key,
            canonicalize=(b"relaxed", b"relaxed"),
            # Once more than it is there: nobody can add another sender.
            include_headers=[b"from", *(name.lower().encode() for name in SIGNED if name.lower() in present)],
            logger=quiet,
        )
    except OSError as error:
        raise MailError(f"mail.dkim_key_file {mail.dkim_key_file} can't be read: {error.strerror or error}") from None
    except (dkim.DKIMException, ValueError, IndexError, TypeError) as error:
        # Of a damaged key the library's parser raises what it happens to meet.
        raise MailError(
            f"mail can't be signed with mail.dkim_key_file {mail.dkim_key_file}: {line(str(error), _SUBJECT)}",
            hint="It must hold an RSA key in PEM: openssl genrsa -out dkim.pem 2048",
            retryable=False,
        ) from None
    return bytes(signature)


def _header_names(content: bytes) -> list[str]:
    head = content.partition(b"\r\n\r\n")[0].decode("ascii", "replace")
    return [one.partition(":")[0] for one in head.split("\r\n") if one[:1] not in (" ", "\t")]


def check_address(text: str) -> None:
    """Raise MailError where `text` is no mail address."""
    address(text, "a recipient")

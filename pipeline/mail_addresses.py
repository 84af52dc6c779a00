"""Mail addresses: what one is, as it travels, and when two are the same."""

from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Final

import idna

LONGEST: Final = 254
"""Characters that a path of SMTP may have (RFC 5321, 4.5.3.1)."""


@dataclass(frozen=True, slots=True)
class MailAddress:
    """An address as it travels: ASCII, an international domain in its encoded form. `name` is who it is, or empty."""

    name: str
    local: str
    domain: str

    @property
    def plain(self) -> str:
        """The address without the name."""
        return f"{self.local}@{self.domain}"

    @property
    def identity(self) -> str:
        """The same for two ways to write one mailbox. Small and large letters are told apart by no one in practice."""
        return self.plain.lower()


def mail_address(text: str) -> MailAddress:
    """Read `name@example.org` or `Somebody <name@example.org>`.

    Raises ValueError where it is no address, or one whose part before the @ is not in ASCII: few servers take those.
    """
    name, plain = parseaddr(text)
    local, _, domain = plain.rpartition("@")
    if not local or not domain or not local.isascii() or not plain.isprintable() or "\n" in text or "\r" in text:
        raise ValueError(f"{text!r} is no mail address that every server takes")
    try:
        ascii_domain = domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
        found = Address("", local, ascii_domain)
    except (ValueError, MessageError) as error:
        raise ValueError(f"{text!r} is no mail address") from error
    # What parses may still be a list, a comment or a route.
    if found.username != local or len(found.addr_spec) > LONGEST or any(c in plain for c in ' ,;:<>()"[]\\'):
        raise ValueError(f"{text!r} is no mail address")
    return MailAddress(name, local, ascii_domain)


def identity(text: str) -> str:
    """What two ways to write one mailbox have in common; the text itself in small letters where it is no address."""
    try:
        return mail_address(text).identity
    except ValueError:
        return text.strip().lower()

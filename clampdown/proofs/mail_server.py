"""A mail server on loopback that keeps what it is given: encrypted or not, with a log-in or without."""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "clampdown", "correct horse battery"


@dataclass
class Received:
    """A mail as it came: who it is for, whether the connection was encrypted and logged in, and when (`time.time`)."""

    recipients: list[str]
    message: EmailMessage
    encrypted: bool
    user: str | None
    at: float = 0.0


@dataclass
class MailServer:
    """What the server does, and what it has received. `refused` maps recipients to what they are answered.

    `on_recipient` is called with each that is named, and may answer, `connections` counts those who greeted it anew.
    """

    refused: dict[str, str] = field(default_factory=dict)
    answer: str = "250 taken"
    mails: list[Received] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    port: int = 0
    connections: int = 0
    on_recipient: Callable[[str], str | None] = lambda _: None

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        encrypted = server.transport is not None and server.transport.get_extra_info("ssl_object") is not None
        # Who goes over to encryption greets a second time.
        self.connections += encrypted or server.tls_context is None
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if said := self.on_recipient(address):
            return said
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 known here"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - likewise
        if not self.answer.startswith("250"):
            return self.answer
        content = envelope.content
        assert isinstance(content, bytes)
        self.contents.append(content)
        message = message_from_bytes(content, policy=policy.default)
        login: Any = session.auth_data
        assert server.transport is not None
        encrypted = server.transport.get_extra_info("ssl_object") is not None
        user = None if login is None else login.login.decode()
        self.mails.append(Received(list(envelope.rcpt_tos), message, encrypted, user, time.time()))
        return self.answer


def _known(server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: Any) -> AuthResult:
    is_known = isinstance(login, LoginPassword) and (login.login, login.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_known, handled=False, auth_data=login if is_known else None)


class _Controller(Controller):
    """One that tells the port it was given."""

    def _trigger_server(self) -> None:
        # It would connect to port 0 to see whether the server answers.
        assert isinstance(self.server, asyncio.Server), "it listens"
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd's


@contextmanager
def mail_server(
    context: ssl.SSLContext | None = None, *, implicit: bool = False, login: bool = False
) -> Iterator[MailServer]:
    """A server for as long as the block lasts: with STARTTLS where a `context` is given, or `implicit` TLS."""
    handler = MailServer()
    options: dict[str, Any] = {"ssl_context": context} if implicit else {"tls_context": context}
    if login:
        # aiosmtpd knows of the encryption alone that it began itself.
        options |= {"authenticator": _known, "auth_required": not implicit, "auth_require_tls": not implicit}
    # It tells of its own deprecations, mail by mail.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    controller = _Controller(handler, hostname="127.0.0.1", port=0, ready_timeout=60, **options)
    controller.start()
    handler.port = controller.port
    try:
        yield handler
    finally:
        controller.stop()

"""Handing many mails over to the server, one reader each, on one connection: what is certain of each, and what is not.

A server has a mail once it has read the dot that ends it. So the dot is sent apart from the rest, and whoever calls is
told right before it: what breaks until then was not sent, for certain. What breaks between the dot and the answer can
be told by nobody.
"""

import re
import smtplib
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Final, Self

from pipeline.bounces import is_for_good
from pipeline.failpoints import hit
from pipeline.settings_sections import MailSettings
from reports.mail import ANSWERS, Server, address, connected, explained, in_words, password_of, require_host

_DOTS: Final = re.compile(rb"(?m)^\.")
_FAILURES: Final = (OSError, smtplib.SMTPException, ValueError)
_CLOSING: Final = 421


class Fate(StrEnum):
    """What became of a mail."""

    SENT = "sent"
    REFUSED = "refused"
    LATER = "later"
    UNKNOWN = "unknown"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Answer:
    """The fate of a mail, in the server's words. LEFT is one that was not to be sent any more.

    `bounced` says that there is no such reader, `broken` that the connection was lost over it.
    """

    fate: Fate
    words: str
    bounced: bool = False
    broken: bool = False


@dataclass(slots=True)
class Handover:
    """A connection to the mail server of the settings, made when the first mail is handed over, kept for the next."""

    mail: MailSettings
    _password: str = field(init=False, repr=False, default="")
    _server: Server | None = field(init=False, default=None)
    _stack: ExitStack = field(init=False, default_factory=ExitStack)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def hand_over(self, to: str, content: bytes, last: Callable[[], bool]) -> Answer:
        """Hand the bytes of a mail over, for the reader at `to`.

        `last` is called right before that can't be undone any more; where it returns False, the mail is not sent.
        Raises MailError where no mail can be handed over just now, to anyone: nothing was sent then.
        """
        reader = address(to, "a recipient").addr_spec
        was_open = self._server is not None
        server = self._opened()
        is_sent = False

        def cross() -> bool:
            nonlocal is_sent
            if not last():
                return False
            hit("outbox.sending")
            is_sent = True
            if server.sock is not None:
                # A server may look at what it has read for minutes (RFC 5321, 4.5.3.2.6): it is cut off in the end.
                server.sock.settimeout(ANSWERS * self.mail.timeout)
            server.send(b".\r\n")
            hit("outbox.dot")
            return True

        try:
            return self._transact(server, reader, content, cross)
        except _FAILURES as error:
            self._drop()
            failure = explained(self.mail, error, self._password, uncertain=is_sent)
            if is_sent:
                return Answer(Fate.UNKNOWN, str(failure))
            if not was_open and isinstance(error, smtplib.SMTPSenderRefused):
                raise failure from None
            if not was_open:
                return Answer(Fate.LATER, str(failure), broken=True)
        except BaseException:
            # What was said so far ends in the middle of a mail.
            self._drop()
            raise
        # A server may end a connection that has lasted, or served, long enough for it.
        return self.hand_over(to, content, last)

    def _opened(self) -> Server:
        if self._server is not None:
            self._server.renew()
            if self._server.sock is not None:
                self._server.sock.settimeout(self.mail.timeout)
            return self._server
        require_host(self.mail)
        self._password = password_of(self.mail)
        try:
            server = self._stack.enter_context(connected(self.mail))
            server.ehlo_or_helo_if_needed()
            if self.mail.user:
                server.login(self.mail.user, self._password)
            if server.sock is not None:
                # The dot is a packet of its own, which else waits for the answer to the one before.
                server.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except _FAILURES as error:
            self._drop()
            raise explained(self.mail, error, self._password, uncertain=False) from None
        self._server = server
        return server

    def _drop(self) -> None:
        """End the connection without a word: nobody listens, or the server takes all we say for a part of a mail."""
        if self._server is not None:
            self._server.close()
        self._close()

    def _close(self) -> None:
        self._server = None
        stack, self._stack = self._stack, ExitStack()
        stack.close()

    def _transact(self, server: Server, reader: str, content: bytes, cross: Callable[[], bool]) -> Answer:
        sender = address(self.mail.sender, "mail.sender").addr_spec
        code, words = server.mail(sender)
        if code != 250:
            raise smtplib.SMTPSenderRefused(code, words, sender)
        code, words = server.rcpt(reader)
        if code not in (250, 251):
            return self._declined(server, code, words, of_reader=True)
        code, words = server.docmd("DATA")
        if code != 354:
            return self._declined(server, code, words)
        server.send(_DOTS.sub(b"..", content if content.endswith(b"\r\n") else content + b"\r\n"))
        if not cross():
            # Without its dot the server forgets what it has read.
            self._drop()
            return Answer(Fate.LEFT, "")
        code, words = server.getreply()
        hit("outbox.answered")
        if 200 <= code < 300:
            return Answer(Fate.SENT, in_words(code, words, self._password))
        if not 400 <= code < 600:
            raise smtplib.SMTPException(f"it answered {in_words(code, words, self._password)}")
        return self._declined(server, code, words, is_over=True)

    def _declined(
        self, server: Server, code: int, words: bytes, *, of_reader: bool = False, is_over: bool = False
    ) -> Answer:
        """What a server says no to, now or for good."""
        said = in_words(code, words, self._password)
        if not is_over and code == _CLOSING:
            raise smtplib.SMTPServerDisconnected(said)
        if code == _CLOSING:
            self._drop()
        elif not is_over:
            server.rset()
        if code < 500:
            return Answer(Fate.LATER, said)
        return Answer(Fate.REFUSED, said, bounced=of_reader and is_for_good(said))

"""Mail: composing it, and handing it over to the mail server of the settings.

A mail is handed over once the server has said so after its last byte. What comes before that answer is certain not to
have been sent; where the connection breaks while it is awaited, nobody can tell (`MailError.uncertain`).
"""

import base64
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from ipaddress import ip_address
from os import environ
from typing import Any, Final

from pipeline.errors import MailError
from pipeline.mail_addresses import mail_address
from pipeline.settings_sections import MailSettings
from reports.inert import line

ANSWERS: Final = 10
"""Times `mail.timeout` that handing over one mail may take in all: a server may answer slowly, but not for ever."""

_SAID: Final = 300
"""Characters of a server's words that are repeated."""


def compose(mail: MailSettings, to: Sequence[str], subject: str, text: str, *, now: datetime) -> EmailMessage:
    """Return a mail in plain text to all of `to`, with the headers of one that a program sends on its own.

    Raises MailError where the sender or a recipient is no address.
    """
    sender = address(mail.sender, "mail.sender")
    message = EmailMessage()
    message["From"] = sender
    message["To"] = [address(one, "a recipient") for one in to]
    message["Subject"] = header_words(subject)
    message["Date"] = format_datetime(now.astimezone(UTC))
    # No answer of a holiday to what a program sent (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    # Not every server takes eight bits.
    message.set_content(text.encode("utf-8", "replace").decode(), charset="utf-8", cte="quoted-printable")
    return message


def header_words(text: str, width: int | None = None) -> str:
    """`text` as one line for a header, in which nothing is taken for an encoded word: those can hold line breaks."""
    return line(text, width).replace("=?", "= ?")


def domain_of(mail: MailSettings) -> str:
    """The domain of the sender, for the ids of messages. Raises MailError where the sender is no address."""
    return address(mail.sender, "mail.sender").domain


def check(mail: MailSettings, to: Sequence[str]) -> None:
    """Raise MailError for what can be told to be wrong without asking the server."""
    require_host(mail)
    for one, what in ((mail.sender, "mail.sender"), *((one, "a recipient") for one in to)):
        address(one, what)
    password_of(mail)


def deliver(mail: MailSettings, message: EmailMessage) -> dict[str, str]:
    """Hand `message` over to the mail server. Returns the recipients that it refused, each with its words.

    The connection is encrypted and the server's name checked, unless `mail.security` is "none"; then no password is
    sent but to this machine. Raises MailError where no recipient was accepted, or nothing of it can be told.
    """
    require_host(mail)
    password = password_of(mail)
    server: Server | None = None
    try:
        with connected(mail) as server:
            if mail.user:
                server.login(mail.user, password)
            refused = server.send_message(message)
    except (OSError, smtplib.SMTPException, MessageError, ValueError) as error:
        raise explained(mail, error, password, uncertain=server is not None and server.sent) from None
    return {to: in_words(code, words, password) for to, (code, words) in refused.items()}


def greeted(mail: MailSettings) -> None:
    """Connect to the mail server, log in where there is a user, and leave. Raises MailError where that fails."""
    require_host(mail)
    password = password_of(mail)
    try:
        with connected(mail) as server:
            if mail.user:
                server.login(mail.user, password)
            else:
                server.ehlo_or_helo_if_needed()
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise explained(mail, error, password, uncertain=False) from None


class Server(smtplib.SMTP):
    """A server that knows whether a mail was on its way, and whose time is limited in all."""

    sent = False
    _watch: threading.Timer | None = None

    def getreply(self) -> tuple[int, bytes]:
        if self._watch is None:
            self._watch = threading.Timer(ANSWERS * float(self.timeout), self._cut)
            self._watch.daemon = True
            self._watch.start()
        return super().getreply()

    def data(self, msg: Any) -> tuple[int, bytes]:
        self.sent = True
        return super().data(msg)

    def renew(self) -> None:
        """Another mail has as much time as the one before."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        super().close()

    def _cut(self) -> None:
        """From another thread: whoever waits for an answer is told that there will be none."""
        if self.sock is not None:
            with suppress(OSError):
                # TLS's own way to say goodbye would change what the other thread works with.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class _ServerOverTLS(Server, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""


@contextmanager
def connected(mail: MailSettings) -> Iterator[Server]:
    """A connection to the server, encrypted where it is to be."""
    context = ssl.create_default_context()
    name = socket.gethostname()
    # What smtplib would ask the name service for, which can take as long as it likes.
    greeting = name if "." in name else "[127.0.0.1]"
    if mail.security == "tls":
        server: Server = _ServerOverTLS(
            mail.host, mail.port, local_hostname=greeting, timeout=mail.timeout, context=context
        )
    else:
        server = Server(mail.host, mail.port, local_hostname=greeting, timeout=mail.timeout)
    try:
        if mail.security == "starttls":
            server.starttls(context=context)
        yield server
        # The mail is the server's by now, whatever it says to this.
        with suppress(OSError, smtplib.SMTPException):
            server.quit()
    finally:
        server.close()


def require_host(mail: MailSettings) -> None:
    """Raise MailError where no mail server is set."""
    if not mail.host:
        raise MailError("no mail server is set", hint="Set mail.host and mail.sender.", retryable=False)


def password_of(mail: MailSettings) -> str:
    """The password to log in with, empty where nobody logs in. Raises MailError where it can't be had or sent."""
    if not mail.user:
        return ""
    if mail.security == "none" and not _is_here(mail.host):
        raise MailError(
            f"{mail.host}: the password would travel in the clear",
            hint='Set mail.security to "starttls" or "tls", or mail.user to nothing.',
            retryable=False,
        )
    if mail.password_file is not None:
        try:
            return mail.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise MailError(f"mail.password_file {mail.password_file} can't be read: {why}") from None
    if mail.password_env and mail.password_env in environ:
        return environ[mail.password_env]
    where = f"${mail.password_env} is not set" if mail.password_env else "there is no password for it"
    raise MailError(
        f"mail.user is {mail.user}, but {where}", hint="Set mail.password_env or mail.password_file.", retryable=False
    )


def _is_here(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def address(text: str, what: str) -> Address:
    """`text` as an address of a header, as it travels. Raises MailError, which calls it `what`."""
    try:
        found = mail_address(text)
        return Address(header_words(found.name), found.local, found.domain)
    except (ValueError, MessageError):
        raise MailError(
            f"{what} is no mail address: {text!r}", hint="Write it as name@example.org.", retryable=False
        ) from None


def explained(mail: MailSettings, error: Exception, password: str, *, uncertain: bool) -> MailError:
    """Our error for one of smtplib or the network."""
    at = f"{mail.host}:{mail.port}"
    answered = isinstance(error, smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused)
    uncertain = uncertain and not answered
    words, hint, retryable = _words(mail, error, password)
    if uncertain:
        words = f"{words}; whether the mail was taken can't be told"
    return MailError(f"{at}: {words}", hint=hint, retryable=retryable, uncertain=uncertain)


def _words(mail: MailSettings, error: Exception, password: str) -> tuple[str, str | None, bool]:
    """What went wrong, the way out, and whether a later try may succeed."""
    other = "Ports 465 and 587 differ: 465 goes with tls, 587 with starttls (mail.port, mail.security)."
    match error:
        case smtplib.SMTPAuthenticationError():
            said = in_words(error.smtp_code, error.smtp_error, password)
            hint = "Look at mail.user and the password; some providers want one made for programs."
            return f"the log-in as {mail.user} was refused: {said}", hint, error.smtp_code < 500
        case smtplib.SMTPRecipientsRefused():
            codes = [code for code, _ in error.recipients.values()]
            told = "; ".join(f"{to}: {in_words(*answer, password)}" for to, answer in error.recipients.items())
            return (
                f"no recipient was accepted: {told}",
                "Look at alerts.to, and whether it asks for a log-in.",
                any(code < 500 for code in codes),
            )
        case smtplib.SMTPSenderRefused():
            said = in_words(error.smtp_code, error.smtp_error, password)
            return f"the sender {error.sender} was refused: {said}", "Look at mail.sender.", error.smtp_code < 500
        case smtplib.SMTPResponseException():
            return f"it answered {in_words(error.smtp_code, error.smtp_error, password)}", None, error.smtp_code < 500
        case smtplib.SMTPNotSupportedError():
            return f"not supported there: {error}", other if mail.security == "starttls" else None, False
        case smtplib.SMTPServerDisconnected() if "timed out" not in str(error):
            return "it closed the connection, or was too slow in all", other, True
        case ssl.SSLCertVerificationError():
            hint = "mail.host must be a name in its certificate; SSL_CERT_FILE names a private authority's."
            return f"its certificate is not accepted: {error.verify_message}", hint, True
        case ssl.SSLError():
            return f"no encrypted connection: {error.reason or error}", other, True
        case TimeoutError() | smtplib.SMTPServerDisconnected():
            return f"no answer within {mail.timeout:g} s", other, True
        case smtplib.SMTPException():
            return _shown(str(error), password), None, True
        case socket.gaierror():
            return f"the name is not known ({error.strerror})", "Look at mail.host.", True
        case ConnectionRefusedError():
            return "nothing listens there", "Look at mail.host and mail.port.", True
        case UnicodeEncodeError():
            return "the user, the password or this machine's name has letters that can't be sent", "Use ASCII.", False
        case OSError():
            return f"{error.strerror or error}", None, True
    return f"the mail can't be sent: {_shown(str(error), password)}", None, False


def in_words(code: int, words: bytes | str, password: str) -> str:
    """A server's answer in one line, without the password."""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return f"{code} {_shown(text, password)}"


def _shown(text: str, password: str) -> str:
    """A server's words in one line, without the password, should it repeat that."""
    if password:
        for secret in (password, base64.b64encode(password.encode()).decode()):
            text = text.replace(secret, "***")
    return line(text, _SAID)

"""Mail, handed over to real servers on loopback: encrypted, logged in, refused, broken off, silent."""

import socket
import ssl
import time
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from certificates import Certificates, certificates, tls
from hypothesis import given
from hypothesis import strategies as st
from mail_server import PASSWORD, USER, mail_server, odd_server

from pipeline.errors import MailError
from pipeline.settings_sections import MailSettings
from reports.mail import compose, deliver

NOW = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)
PLAIN = MailSettings(host="127.0.0.1", security="none", sender="Clampdown <clampdown@example.org>", timeout=60)
TEXT = "Größe, 大きさ, and a line of\n\n.\n\none dot.\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def trusted(certificate: Certificates, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """The TLS of a server whose authority this machine knows."""
    file = certificate("127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(file.parent / "ca.pem"))
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    return tls(file)


def mail(to: tuple[str, ...] = ("ops@example.org",), subject: str = "A subject", text: str = TEXT) -> EmailMessage:
    return compose(PLAIN, to, subject, text, now=NOW)


def settings(port: int, **changes: object) -> MailSettings:
    return PLAIN.model_copy(update={"port": port, **changes})


def logged_in(port: int, security: str) -> MailSettings:
    return settings(port, security=security, user=USER, password_env="MAIL_PASSWORD")


def failure(settings: MailSettings, message: EmailMessage | None = None) -> MailError:
    with pytest.raises(MailError) as caught:
        deliver(settings, message or mail())
    return caught.value


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_is_handed_over_encrypted_to_whom_knows_us(trusted: ssl.SSLContext, security: str) -> None:
    with mail_server(trusted, implicit=security == "tls", login=True) as server:
        assert deliver(logged_in(server.port, security), mail()) == {}
    (received,) = server.mails
    assert received.encrypted
    assert received.user == USER
    assert received.recipients == ["ops@example.org"]
    assert received.message.get_content().replace("\r\n", "\n") == TEXT
    assert received.message["Subject"] == "A subject"
    assert received.message["Date"].datetime == NOW
    assert received.message["Auto-Submitted"] == "auto-generated"


def test_the_password_can_stand_in_a_file(trusted: ssl.SSLContext, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    from_file = {"security": "starttls", "user": USER, "password_file": tmp_path / "password"}
    with mail_server(trusted, login=True) as server:
        assert deliver(settings(server.port, **from_file), mail()) == {}
        (tmp_path / "password").unlink()
        assert "can't be read" in str(failure(settings(server.port, **from_file)))
    assert len(server.mails) == 1


def test_a_wrong_password_is_told_without_it(trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "wrong-but-secret")
    with mail_server(trusted, login=True) as server:
        error = failure(logged_in(server.port, "starttls"))
    assert "was refused: 535" in str(error)
    assert "wrong-but-secret" not in str(error)
    assert not error.retryable
    assert not error.uncertain


def test_a_password_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAIL_PASSWORD", raising=False)
    assert "$MAIL_PASSWORD is not set" in str(failure(logged_in(1, "starttls")))


def test_no_password_travels_in_the_clear() -> None:
    assert "in the clear" in str(failure(logged_in(25, "none").model_copy(update={"host": "mail.example.org"})))


def test_nothing_is_sent_where_encryption_is_not_to_be_had() -> None:
    with mail_server() as server:
        error = failure(settings(server.port, security="starttls"))
    assert "not supported" in str(error)
    assert error.hint is not None
    assert "587" in error.hint
    assert server.mails == []


def test_nothing_is_sent_to_a_server_that_nobody_vouches_for(
    certificate: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with mail_server(tls(certificate("127.0.0.1"))) as server:
        unknown = failure(settings(server.port, security="starttls"))
    other = certificate("127.0.0.2")
    monkeypatch.setenv("SSL_CERT_FILE", str(other.parent / "ca.pem"))
    with mail_server(tls(other)) as another:
        misnamed = failure(settings(another.port, security="starttls"))
    assert "its certificate is not accepted" in str(unknown)
    assert "its certificate is not accepted" in str(misnamed)
    assert server.mails == another.mails == []


def test_tls_where_there_is_none_says_which_port_is_which() -> None:
    with mail_server() as server:
        error = failure(settings(server.port, security="tls"))
    assert error.hint is not None
    assert "465" in error.hint


def test_an_encoded_word_of_others_stays_as_it_is_written() -> None:
    hidden = "[site] =?utf-8?q?a=0D=0ABcc:_x=40evil.example?= failed"
    content = mail(subject=hidden).as_bytes(policy=policy.SMTP)
    found = message_from_bytes(content, policy=policy.default)
    assert found["Bcc"] is None
    assert found["Subject"] == hidden.replace("=?", "= ?")


def test_some_recipients_may_be_refused_and_others_not() -> None:
    both = mail(("ops@example.org", "gone@example.org"))
    with mail_server() as server:
        server.refused = {"gone@example.org": "550 no such user\x1b[2J"}
        assert deliver(settings(server.port), both) == {"gone@example.org": "550 no such user�[2J"}
        assert [one.recipients for one in server.mails] == [["ops@example.org"]]
        server.refused["ops@example.org"] = "450 later"
        error = failure(settings(server.port), both)
    assert "450 later" in str(error)
    assert error.retryable
    assert not error.uncertain


def test_a_refused_mail_is_certainly_not_taken() -> None:
    with mail_server() as server:
        server.answer = "554 looks like spam"
        error = failure(settings(server.port))
    assert "554 looks like spam" in str(error)
    assert not error.retryable
    assert not error.uncertain


def test_where_nothing_listens_that_is_said() -> None:
    with socket.socket() as taken:
        # It is ours, so that nobody else comes to listen there.
        taken.bind(("127.0.0.1", 0))
        assert "nothing listens there" in str(failure(settings(taken.getsockname()[1])))


def test_without_a_server_or_a_sender_the_settings_are_named() -> None:
    assert "mail.host" in (failure(MailSettings()).hint or "")
    with pytest.raises(MailError, match=r"mail\.sender is no mail address"):
        compose(MailSettings(host="127.0.0.1"), ["ops@example.org"], "x", "y", now=NOW)
    with pytest.raises(MailError, match="a recipient is no mail address: 'ops'"):
        mail(("ops",))


def test_whether_a_mail_was_taken_can_be_unknown() -> None:
    def talk(connection: socket.socket) -> None:
        connection.sendall(b"220 hello\r\n")
        lines = connection.makefile("rb")
        for line in lines:
            if line == b".\r\n":
                return
            if line.startswith((b"ehlo", b"mail", b"rcpt")):
                connection.sendall(b"250 yes\r\n")
            elif line.startswith(b"data"):
                connection.sendall(b"354 go on\r\n")

    with odd_server(talk) as port:
        error = failure(settings(port))
    assert error.uncertain
    assert "can't be told" in str(error)


def test_a_server_that_says_nothing_is_given_up() -> None:
    with odd_server(lambda connection: connection.recv(1) and None) as port:
        error = failure(settings(port, timeout=0.2))
    assert "no answer within 0.2 s" in str(error)


def test_a_server_that_never_comes_to_an_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reports.mail.ANSWERS", 0.02)

    def talk(connection: socket.socket) -> None:
        try:
            while True:
                connection.sendall(b"220-still here\r\n")
                time.sleep(0.02)
        except OSError:
            pass

    with odd_server(talk) as port:
        error = failure(settings(port, timeout=120))
    assert "it closed the connection, or was too slow in all" in str(error)


def test_international_addresses_travel_in_ascii() -> None:
    with mail_server() as server:
        deliver(settings(server.port), mail(("Jörg <ops@bücher.example>",)))
    (received,) = server.mails
    assert received.recipients == ["ops@xn--bcher-kva.example"]
    assert received.message["To"].addresses[0].display_name == "Jörg"


@given(subject=st.text(), text=st.text())
def test_nothing_in_a_subject_or_text_adds_a_header(subject: str, text: str) -> None:
    message = mail(subject=subject, text=text)
    read = message_from_bytes(message.as_bytes(policy=policy.SMTP), policy=policy.default)
    assert sorted(read.keys()) == sorted(mail().keys())
    assert read["To"] == "ops@example.org"
    assert not read.is_multipart()

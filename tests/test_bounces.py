"""Mail that came back: notifications as mail servers write them, made-up ones, and those of nobody."""

from email.message import EmailMessage
from email.mime.base import MIMEBase
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.parser import Parser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_process import clampdown
from mail_server import mail_server
from outbox_world import World, world

from flows.bouncing import take_bounce
from flows.sending import send_due
from pipeline import suppressed
from pipeline.bounces import is_for_good, read_bounces
from pipeline.errors import InputError
from pipeline.outbox import Entry, key_of

ID = "<desk.2026-11-22.0123456789.a1b2c3d4e5f6@news.example.org>"

POSTFIX = f"""\
Return-Path: <>
From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: clampdown@example.org
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--B
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
X-Postfix-Queue-ID: 4F1C2A3B
Arrival-Date: Sun, 22 Nov 2026 07:00:01 +0000 (UTC)

Final-Recipient: rfc822; gone@reader.example
Original-Recipient: rfc822;gone@reader.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.reader.example
Diagnostic-Code: smtp; 550 5.1.1 <gone@reader.example>: Recipient address rejected:
    User unknown in virtual mailbox table

--B
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

Return-Path: <clampdown@example.org>
Message-ID: {ID}
Subject: A digest

--B--
"""


def test_a_notification_of_postfix_is_read() -> None:
    (found,) = read_bounces(POSTFIX.replace("\n", "\r\n").encode())
    assert (found.address, found.message_id, found.failed, found.for_good) == ("gone@reader.example", ID, True, True)
    assert found.words.startswith("5.1.1 550 5.1.1 <gone@reader.example>: Recipient address rejected: User unknown")


@pytest.mark.parametrize(
    ("action", "status", "code", "failed", "for_good"),
    [
        ("failed", "5.1.1", "smtp; 550 no", True, True),
        ("failed", "5.1.10", "smtp; 550 RESOLVER.ADR.RecipientNotFound; not found", True, True),
        ("failed", "5.2.1", "smtp; 550 disabled", True, True),
        ("failed", "5.2.2", "smtp; 552 mailbox full", True, False),
        ("failed", "5.7.1", "smtp; 550 blocked", True, False),
        ("failed", "4.4.7", "smtp; delivery time expired", True, False),
        ("Delayed", "4.4.1", "smtp; 451 later", False, False),
        ("delivered", "2.0.0", "smtp; 250 ok", False, False),
    ],
)
def test_only_a_reader_who_is_not_there_counts(
    action: str, status: str, code: str, failed: bool, for_good: bool
) -> None:
    text = POSTFIX.replace("Action: failed", f"Action: {action}").replace("Status: 5.1.1", f"Status: {status}")
    start, end = text.index("Diagnostic-Code:"), text.index("\n\n--B\nContent-Description: Undelivered")
    (found,) = read_bounces((text[:start] + f"Diagnostic-Code: {code}" + text[end:]).encode())
    assert (found.failed, found.for_good) == (failed, for_good)


def notification(message: bytes | EmailMessage, *readers: str, status: str = "5.1.1") -> bytes:
    """As servers write them that send the whole mail back."""
    report = MIMEMultipart("report", **{"report-type": "delivery-status"})
    report.attach(MIMEText("It could not be delivered."))
    fields = "\n\n".join(
        [
            "Reporting-MTA: dns; mx",
            *(f"Final-Recipient: rfc822; {one}\nAction: failed\nStatus: {status}" for one in readers),
        ]
    )
    part = MIMEBase("message", "delivery-status")
    part.set_payload([Parser().parsestr(group) for group in fields.split("\n\n")])
    report.attach(part)
    original = Parser().parsestr(message.decode()) if isinstance(message, bytes) else message
    report.attach(MIMEMessage(original))
    return report.as_bytes()


def mailed(site: World, name: str, to: str) -> bytes:
    """A digest that is sent, with an id as ours have."""
    key = key_of("desk", name, to)
    content = f"From: us@example.org\r\nTo: {to}\r\nMessage-ID: <{key}.aa@x.org>\r\n\r\nHello\r\n".encode()
    (hashed,) = site.outbox().keep([content])
    site.record("desk", name, [Entry(key, to, hashed, f"<{key}.aa@x.org>")])
    send_due(site.settings, site.now)
    return content


def test_twice_back_for_good_is_enough(tmp_path: Path) -> None:
    with mail_server() as server:
        site = world(tmp_path, port=server.port)
        one, two = mailed(site, "2026-11-21", "gone@x.org"), mailed(site, "2026-11-22", "gone@x.org")
    (taken,) = take_bounce(site.settings, notification(one, "gone@x.org"), site.now)
    assert (taken.row.bounced, taken.ended) == ("", None)
    # The same once more is still one.
    assert take_bounce(site.settings, notification(one, "gone@x.org"), site.now)[0].ended is None
    # It was passed on to another address: ours is the one that does not work.
    (again,) = take_bounce(site.settings, notification(two, "moved@y.org"), site.now)
    assert again.ended is not None
    assert (again.ended.address, again.ended.subscription) == ("gone@x.org", "")
    assert {row.bounced for row in site.rows().values()} == {"5.1.1"}
    assert all(row.state == "sent" for row in site.rows().values())


def test_a_full_mailbox_ends_nothing(tmp_path: Path) -> None:
    with mail_server() as server:
        site = world(tmp_path, port=server.port)
        sent = [mailed(site, f"2026-11-{day}", "full@x.org") for day in (20, 21, 22)]
    for one in sent:
        take_bounce(site.settings, notification(one, "full@x.org", status="5.2.2"), site.now)
    assert suppressed.load(tmp_path).all() == []


def test_a_notification_that_somebody_made_up_ends_nothing(tmp_path: Path) -> None:
    with mail_server() as server:
        site = world(tmp_path, port=server.port)
        sent = mailed(site, "2026-11-22", "jo@x.org")
    for made_up in (sent.replace(b".aa@", b".ab@"), sent.replace(b".aa@", b"@"), b"Subject: nothing\n\n"):
        with pytest.raises(InputError):
            take_bounce(site.settings, notification(made_up, "jo@x.org"), site.now)
    assert suppressed.load(tmp_path).all() == []


def test_the_command_takes_a_file(tmp_path: Path) -> None:
    (tmp_path / "clampdown.toml").write_text('data_dir = "data"\n')
    with mail_server() as server:
        site = world(tmp_path / "data", port=server.port)
        for number, name in enumerate(("2026-11-21", "2026-11-22")):
            (tmp_path / f"{number}.eml").write_bytes(notification(mailed(site, name, "gone@x.org"), "gone@x.org"))
    assert "to gone@x.org: 5.1.1" in clampdown("outbox", "bounce", "0.eml", cwd=tmp_path).stdout
    assert "gone@x.org is sent nothing more" in clampdown("outbox", "bounce", "1.eml", cwd=tmp_path).stdout
    assert "sent, came back" in clampdown("outbox", "list", cwd=tmp_path).stdout
    (tmp_path / "no.eml").write_text("Subject: hello\n\nhello\n")
    assert clampdown("outbox", "bounce", "no.eml", cwd=tmp_path).returncode == 2


@given(st.binary(max_size=400), st.integers(0, len(POSTFIX)), st.integers(0, 60))
def test_whatever_comes_is_read_or_refused(noise: bytes, at: int, gone: int) -> None:
    text = POSTFIX.encode()
    for content in (noise, text[:at] + noise + text[at + gone :], text[:at]):
        try:
            for one in read_bounces(content):
                assert "@" in one.address
                assert one.failed or not one.for_good
        except InputError:
            pass


@pytest.mark.parametrize(
    ("words", "expected"),
    [("550 no such user", True), ("551 not local", True), ("554 refused", False), ("450 4.1.1 x", False), ("", False)],
)
def test_answers_without_a_status_are_told_by_their_code(words: str, expected: bool) -> None:
    assert is_for_good(words) is expected

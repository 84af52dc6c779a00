"""Digests as mails: headers that mail programs ask for, parts that they read, signed, and no header but our own."""

import re
import sys
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from digest_material import EVENT
from hypothesis import given
from hypothesis import strategies as st
from mail_server import mail_server
from test_digest import NOW, busy, made
from test_digest_html import MORE_PAYLOADS

from clampdown.proofs.payloads import FORMULAS
from pipeline.errors import MailError
from pipeline.outbox import key_of
from pipeline.settings import MailSettings
from pipeline.subscriptions import Subscription
from pipeline.unsubscribe import read
from reports.digest import Digest, Item, News, Week
from reports.digest_html import as_html
from reports.digest_pages import as_text
from reports.handover import Fate, Handover
from reports.messages import (
    ONE_CLICK,
    Rendered,
    as_bytes,
    digest_message,
    unsubscribe_link,
    unsubscribing,
    view_url,
)

SECRET = b"s" * 32
MAIL = MailSettings(
    host="127.0.0.1",
    security="none",
    sender="Clampdown <digest@news.example.org>",
    public_url="https://readers.example.org/clampdown/",
    unsubscribe_to="lists@example.org",
    timeout=60,
)
PNG = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
WEEK = Week((date(2026, 11, 16), date(2026, 11, 22)), {"IT": 3}, {"IT": 1}, ((date(2026, 11, 22), 3),), ("IT",))
TO = "jo.bloggs+news@example.com"


def digest(title: str = "Policy desk") -> Digest:
    return replace(busy(), subscription=Subscription("policy-desk", title), name="2026-11-22", week=WEEK)


def rendered(one: Digest, mail: MailSettings = MAIL) -> Rendered:
    link, browser = unsubscribe_link(mail), view_url(mail, SECRET, one.subscription.id, one.name)
    html = as_html(one, picture_cid="week@x", unsubscribe=link, browser=browser)
    return Rendered(as_text(one, unsubscribe=link, browser=browser), html, {"week@x": PNG})


def message(one: Digest | None = None, mail: MailSettings = MAIL, to: str = TO, **changes: bool) -> EmailMessage:
    one = one or digest()
    return digest_message(mail, one, rendered(one, mail), to, unsubscribing(mail, SECRET, "policy-desk", to), **changes)


def parsed(content: bytes) -> EmailMessage:
    found = message_from_bytes(content, policy=policy.default)
    assert isinstance(found, EmailMessage)
    assert not found.defects
    return found


def one_click(found: EmailMessage) -> str:
    return re.findall(r"<(https:[^>]+)>", found["List-Unsubscribe"])[0]


def test_a_mail_as_it_arrives_has_all_headers_and_parts(tmp_path: Path) -> None:
    content = as_bytes(MAIL, message())
    with mail_server() as server, Handover(MAIL.model_copy(update={"port": server.port})) as handover:
        assert handover.hand_over(TO, content, lambda: True).fate is Fate.SENT
    found = server.mails[0].message
    assert not found.defects
    assert found["From"] == "Clampdown <digest@news.example.org>"
    assert found["To"] == TO
    assert found["Date"].datetime == NOW
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["List-Id"] == '"Policy desk" <policy-desk.clampdown.news.example.org>'
    key = key_of("policy-desk", "2026-11-22", TO)
    assert re.fullmatch(rf"<{re.escape(key)}\.[0-9a-f]{{12}}@news\.example\.org>", found["Message-ID"])
    assert found["List-Unsubscribe-Post"] == ONE_CLICK
    url = one_click(found)
    assert url.startswith("https://readers.example.org/clampdown/unsubscribe/")
    assert read(SECRET, url.rpartition("/")[2]) == ("policy-desk", TO)
    assert "<mailto:lists@example.org?subject=unsubscribe%20policy-desk>" in found["List-Unsubscribe"]
    # Text first, then the better of the two, with its picture beside it.
    text, related = found.iter_parts()
    html, picture = related.iter_parts()
    assert [part.get_content_type() for part in found.walk()] == [
        "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
    ]  # fmt: skip
    assert url in text.get_content()
    assert f'href="{url}"' in html.get_content()
    assert ".invalid" not in text.get_content() + html.get_content()
    assert "cid:week@x" in html.get_content()
    assert picture["Content-ID"] == "<week@x>"
    assert picture.get_content() == PNG


def test_the_bytes_are_those_of_smtp_and_always_the_same() -> None:
    content = as_bytes(MAIL, message())
    assert content == as_bytes(MAIL, message())
    assert content != as_bytes(MAIL, message(to="other@example.com"))
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"\r" not in content.replace(b"\r\n", b"")
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert content.isascii()
    # Mail programs read the link in the header as it stands: no encoded words.
    head = content.partition(b"\r\n\r\n")[0].decode()
    assert re.search(r"^List-Unsubscribe: <https://[\w./-]+>,\r\n <mailto:", head, re.MULTILINE)


def test_ways_to_unsubscribe_are_those_of_the_settings() -> None:
    by_mail = message(mail=MAIL.model_copy(update={"public_url": ""}))
    assert by_mail["List-Unsubscribe"] == "<mailto:lists@example.org?subject=unsubscribe%20policy-desk>"
    assert by_mail["List-Unsubscribe-Post"] is None
    assert "mailto:lists@example.org?subject" in str(by_mail.get_body(("plain",)))
    # A button that sends what it sends in the clear is none that the standard has.
    clear = message(mail=MAIL.model_copy(update={"public_url": "http://127.0.0.1:4290"}))
    assert clear["List-Unsubscribe-Post"] is None
    none = message(mail=MAIL.model_copy(update={"public_url": "", "unsubscribe_to": ""}))
    assert none["List-Unsubscribe"] is None


def test_a_test_says_so_and_text_alone_has_no_html() -> None:
    assert message(is_test=True)["Subject"].startswith("Test: ")
    one = digest()
    plain = digest_message(MAIL, one, Rendered(as_text(one)), TO, unsubscribing(MAIL, SECRET, one.subscription.id, TO))
    assert plain.get_content_type() == "text/plain"


HOSTILE = [
    "\r\nBcc: x@evil.example",
    "\n\n<script>",
    "a\u2028Bcc: x",
    "=?utf-8?q?=0ABcc:x?=",
    "==??utf-8?b?CkJjYzp4?=",
    '" <other.list>, "',
    'quote " and \\ back',
    "ü" * 120,
    "\udcff",
    "word " * 60,
]


def test_words_of_others_add_no_header() -> None:
    for words in HOSTILE:
        item = Item(News.NEW, replace(EVENT, service=words, actor=words), None, words, listed=True)
        one = replace(made([item]), subscription=Subscription("policy-desk", words), name="2026-11-22")
        found = parsed(as_bytes(MAIL, message(one)))
        assert sorted(found.keys()) == sorted(parsed(as_bytes(MAIL, message())).keys())
        assert found["Bcc"] is None
        assert found["List-Id"].endswith("<policy-desk.clampdown.news.example.org>")


@pytest.mark.parametrize("payload", [*MORE_PAYLOADS, *FORMULAS])
def test_no_payload_is_alive_in_a_header(payload: str) -> None:
    item = Item(News.NEW, replace(EVENT, service=payload, actor=payload), None, payload, listed=True)
    one = replace(made([item]), subscription=Subscription("desk", payload), name="2026-11-22")
    ways = unsubscribing(MAIL, SECRET, "desk", TO)
    found = message_from_bytes(
        as_bytes(MAIL, digest_message(MAIL, one, Rendered("text"), TO, ways)), policy=policy.default
    )
    assert set(found.keys()) == HEADERS
    assert found.get_content().strip() == "text"


HEADERS = {
    "From", "To", "Subject", "Date", "Auto-Submitted", "Message-ID", "List-Id", "List-Unsubscribe",
    "List-Unsubscribe-Post", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
}  # fmt: skip


@given(st.text(max_size=300))
def test_no_title_breaks_out_of_its_header(title: str) -> None:
    one = replace(made([]), subscription=Subscription("desk", title), name="2026-11-22")
    ways = unsubscribing(MAIL, SECRET, "desk", TO)
    content = as_bytes(MAIL, digest_message(MAIL, one, Rendered("text"), TO, ways))
    found = message_from_bytes(content, policy=policy.default)
    assert found["List-Id"].endswith("<desk.clampdown.news.example.org>")
    assert set(found.keys()) == HEADERS
    assert found.get_content().strip() == "text"


@pytest.mark.parametrize(
    "to", ["", "nobody", "a@b@c", "a b@example.org", "a@example.org\r\nBcc: b@c.d", "ü@example.org"]
)
def test_what_is_no_address_is_sent_nothing(to: str) -> None:
    with pytest.raises(MailError):
        message(to=to)


def test_a_signature_covers_the_list_and_breaks_with_a_word(tmp_path: Path) -> None:
    dkim = pytest.importorskip("dkim")
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    (tmp_path / "dkim.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    from base64 import b64encode

    def record(name: bytes, timeout: float = 5) -> bytes:
        assert name == b"s1._domainkey.news.example.org."
        return b"v=DKIM1; k=rsa; p=" + b64encode(public)

    signing = MAIL.model_copy(
        update={"dkim_domain": "news.example.org", "dkim_selector": "s1", "dkim_key_file": tmp_path / "dkim.pem"}
    )
    content = as_bytes(signing, message(mail=signing))
    assert content.startswith(b"DKIM-Signature: ")
    with mail_server() as server, Handover(signing.model_copy(update={"port": server.port})) as handover:
        handover.hand_over(TO, content, lambda: True)
    # As it arrived: dots doubled and undone, whatever the server did to it.
    arrived = server.contents[0]
    assert dkim.verify(arrived, dnsfunc=record)
    covered = re.search(rb"h=([^;]+);", arrived.replace(b"\r\n", b""))
    assert covered is not None
    names = re.sub(rb"\s", b"", covered[1]).split(b":")
    assert {b"list-unsubscribe", b"list-unsubscribe-post", b"from", b"subject", b"date"} <= set(names)
    assert names.count(b"from") == 2
    assert not dkim.verify(arrived.replace(b"unsubscribe%20policy", b"unsubscribe%20others"), dnsfunc=record)
    (tmp_path / "dkim.pem").write_text("no key")
    with pytest.raises(MailError, match="can't be signed"):
        as_bytes(signing, message(mail=signing))
    (tmp_path / "dkim.pem").unlink()
    with pytest.raises(MailError, match="can't be read"):
        as_bytes(signing, message(mail=signing))


def test_without_the_library_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "dkim", None)
    signing = MAIL.model_copy(update={"dkim_domain": "x.org", "dkim_selector": "s", "dkim_key_file": tmp_path / "key"})
    with pytest.raises(MailError) as caught:
        as_bytes(signing, message(mail=signing))
    assert "clampdown[dkim]" in (caught.value.hint or "")


def test_the_moment_of_a_mail_is_that_of_its_digest() -> None:
    one = replace(digest(), made_at=datetime(2026, 3, 29, 1, 30, tzinfo=UTC))
    assert message(one)["Date"] == "Sun, 29 Mar 2026 01:30:00 +0000"

"""Payloads stay text on pages, in mails and feeds: the proof in small, and that its looks see what is alive."""

from email.message import EmailMessage
from email.policy import SMTP

import pytest
from test_prove import failed

from clampdown.proofs import payloads, untrusted
from clampdown.proofs import untrusted_look as look
from clampdown.proofs.claims import Proof


def test_payloads_stay_text_wherever_readers_meet_them(monkeypatch: pytest.MonkeyPatch) -> None:
    few = (*payloads.MARKUP[::9], *payloads.BREAKOUTS[::8], payloads.HEADERS[0])
    monkeypatch.setattr(untrusted, "SHORT_TEXTS", few)
    assert failed(untrusted.prove(lambda _: None, short=True)) == []


@pytest.mark.parametrize(
    "page",
    [
        "<p>a<script>alert(1)</script>",
        "<p><img src=x onerror=alert(1)>",
        "<p onclick='alert(1)'>a",
        "<a href='javascript:alert(1)'>a</a>",
        "<a href='https://evil.example/'>a</a>",
        "<a href='//evil.example/'>a</a>",
        "<p style='background: url(https://evil.example)'>a",
        "<p>a<!-- a -->",
        "<iframe src=/a></iframe>",
        "<form action='https://evil.example'></form>",
        "<meta http-equiv=refresh content='0; url=/a'>",
        "<p>turned \u202e round",
    ],
)
def test_what_lives_in_a_page_is_seen(page: str) -> None:
    assert look.wrong_in_page(page) != []
    assert look.wrong_in_page("<main><p>a <b>b</b> <a href='/c'>d</a></p></main>") == []


def test_links_are_told_with_whether_their_host_is_shown() -> None:
    page = "<ul><li><a href='https://a.example/b'>c</a> (a.example)</li></ul><div><p><a href='https://d.example'>e</a>"
    assert look.links(page) == [("https://a.example/b", True), ("https://d.example", False)]
    assert [look.is_web(one) for one in ("https://a.example", "https://\u0430.example", "data:,a", "https:///a")] == [
        True, False, False, False,
    ]  # fmt: skip


def test_a_header_that_was_added_is_seen_and_one_that_is_text_is_not() -> None:
    message = EmailMessage(policy=SMTP)
    message["Subject"] = "A subject"
    message.set_content("text")
    calm = look.mail_shape(message.as_bytes())
    split = message.as_bytes().replace(b"A subject", b"A\r\nBcc: x@evil.example")
    hidden = message.as_bytes().replace(b"A subject", b"=?utf-8?q?a=0D=0ABcc:_x=40evil.example?=")
    assert look.mail_shape(split) - calm == {"header Bcc"}
    assert "a line break in Subject" in look.mail_shape(hidden) - calm
    assert look.mail_shape(message.as_bytes().replace(b"A subject", b"Bcc: x")) == calm
    assert look.mail_shape(message.as_bytes().replace(b"\r\n", b"\n")) - calm


def test_what_readers_of_feeds_take_for_html_is_seen() -> None:
    def feed(words: str) -> bytes:
        return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>{words}</title></feed>'.encode()

    assert look.atom_shape(feed("&lt;img src=x&gt;")) - look.atom_shape(feed("calm"))
    assert look.atom_shape(feed("&amp;lt;img&amp;gt;")) == look.atom_shape(feed("calm"))
    calm = look.json_shape({"items": [{"content_html": "<p>a</p>"}]})
    assert look.json_shape({"items": [{"content_html": "<p onclick=b>a</p>"}]}) - calm
    assert look.json_shape({"items": [{"content_html": "<p>&lt;b&gt;</p>"}]}) == calm


def test_the_proof_fails_where_anything_is_found() -> None:
    looks = untrusted.Looks(answers={200: 1, 500: 1})
    looks.dashboard.look("/", ["<script>"], [("javascript:a", False)])
    looks.mails.look("mail 1", ["header Bcc"])
    wrong = " ".join(failed(Proof("payloads", tuple(looks.claims(1)))))
    for words in ("<script>", "javascript:a", "header Bcc", "500: 1", "live nodes in 0 feeds"):
        assert words in wrong, words

"""Markup and characters: what a reader sees, and nothing else."""

import pytest
from cost import cost
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.charset import decode, web_encoding
from pipeline.markup import clean_html, is_html_page, tidy


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("plain words", "plain words"),
        ("AT&amp;T &#8211; caf&eacute;&nbsp;&hellip;", "AT&T – café …"),
        ("<p>One</p><p>Two <b>bo</b>ld</p>", "One Two bold"),
        ("line<br>break<br/>here", "line break here"),
        ("5 < 6 and a<7 but <i>not</i> this", "5 < 6 and a<7 but not this"),
        ("Use of <script> tags", "Use of <script> tags"),
        ("<b>x</b><script>alert(1)</script>y", "xy"),
        ("<p style='display: none !important'>no</p><p hidden>no</p><p>yes</p>", "yes"),
        ("<style>.a{display:none}</style><p class='b a'>no</p><p class=b>yes</p>", "yes"),
        ("<![CDATA[x <b>y</b>]]>", "x y"),
        ("<ul><li>a<li>b</ul><table><tr><td>c<td>d</table>", "a b c d"),
        ("<p title='hidden > words'>seen</p>", "seen"),
        ("<p>unclosed <b>tags", "unclosed tags"),
        ("", ""),
    ],
)
def test_html_to_text(markup: str, text: str) -> None:
    assert clean_html(markup) == text


def test_blocks_become_lines() -> None:
    markup = "<h2>Head</h2><p>One\n two</p><ul><li>a</li><li>b</li></ul>tail<br>end"
    assert clean_html(markup, paragraphs=True) == "Head\nOne two\na\nb\ntail\nend"


@pytest.mark.parametrize(
    ("text", "tidied"),
    [
        ("Deep\u200bSe\u00adek", "DeepSeek"),
        ("Tik\u200dTok Tik\ufe0fTok", "TikTok TikTok"),
        ("\u202eevil\u202c \u2066x\u2069", "evil x"),
        ("a\u00a0b\u2009c\u3000d\t e", "a b c d e"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("a\n\n\n\n b", "a\n\nb"),
        ("e\u0301te\u0301", "été"),
        ("tag\U000e0041\U000e0042s", "tags"),
        ("bell\x07 nul\x00 \ud800", "bell nul"),
        # Visible characters stay, look-alikes and emoji among them.
        ("D\u0435epSeek", "D\u0435epSeek"),
        ("👨\u200d👩\u200d👧 ❤\ufe0f", "👨\u200d👩\u200d👧 ❤\ufe0f"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("“quoted” – it’s", "“quoted” – it’s"),
    ],
)
def test_unseen_characters_go(text: str, tidied: str) -> None:
    assert tidy(text) == tidied


@settings(deadline=None, max_examples=300)
@given(st.text())
def test_tidying_twice_changes_nothing(text: str) -> None:
    assert tidy(tidy(text)) == tidy(text)


@settings(deadline=None, max_examples=300)
@given(
    st.text()
    | st.lists(
        st.sampled_from(
            [
                "<p>",
                "</p>",
                "<b",
                "&",
                "&lt;",
                "x",
                "<style>",
                "</style>",
                ".x{display:none}",
                "<!--",
                "-->",
                "<x class=x>",
                "]]>",
                "\x00",
            ]
        )
    ).map("".join)
)
def test_no_markup_breaks_the_cleaner(markup: str) -> None:
    assert "\n" not in clean_html(markup)
    clean_html(markup, paragraphs=True)


@pytest.mark.parametrize("filler", ["<", "<div>", "&", "<!--", "<!---->", "@", "{", "/*", "<a ", " ", "\u200d", "</p"])
def test_fillers_take_no_time(filler: str) -> None:
    with cost() as spent:
        text = filler * (200_000 // len(filler))
        clean_html(f"<style>{text}</style><b>{text}</b>")
        is_html_page(text)
    assert spent.seconds < 3


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("<!DOCTYPE html><html>", True),
        ("\n <!-- a --> <!-- b -->\n<HTML lang=en>", True),
        ('<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">', True),
        ("<rss><channel>", False),
        ("plain <html>", False),
        ("<!-- never closed <html>", False),
    ],
)
def test_pages_are_told_from_other_texts(text: str, page: bool) -> None:
    assert is_html_page(text) is page


@pytest.mark.parametrize(
    ("body", "content_type", "text", "encoding"),
    [
        ("“é”".encode(), None, "“é”", "utf-8"),
        (b"\xef\xbb\xbfx", "text/html; charset=latin-1", "x", "utf-8"),
        ("“é”".encode(), "text/html; charset=ISO-8859-1", "“é”", "utf-8"),
        ("“é”".encode("cp1252"), "text/html; charset=ISO-8859-1", "“é”", "cp1252"),
        ("“é”".encode("cp1252"), "text/html; charset=utf-8", "“é”", "cp1252"),
        ('<meta charset="windows-1251">привет'.encode("cp1251"), None, '<meta charset="windows-1251">привет', "cp1251"),
        ("日本".encode("utf-16"), None, "日本", "utf-16-le"),
        ("<a>日本".encode("utf-16-be"), None, "<a>日本", "utf-16-be"),
        ("日本語".encode("iso-2022-jp"), "text/html; charset=ISO-2022-JP", "日本語", "iso2022_jp"),
        ("é".encode() * 9 + b"\xff", None, "é" * 9 + "\ufffd", "utf-8"),
        (b"abc", "text/html; charset=hex", "abc", "utf-8"),
        (b"", None, "", "utf-8"),
    ],
)
def test_encodings(body: bytes, content_type: str | None, text: str, encoding: str) -> None:
    decoded = decode(body, content_type)
    assert (decoded.text, decoded.encoding) == (text, encoding)


@pytest.mark.parametrize("text", ["don’t “say” café", "naïve – 5 € …", "Ünïcödé”"])
def test_text_that_was_encoded_twice(text: str) -> None:
    twice = text.encode().decode("latin-1")
    as_browsers = "".join(char if char in "\x81\x8d\x8f\x90\x9d" else _cp1252(char) for char in twice)
    assert decode(as_browsers.encode()).text == text
    assert decode(as_browsers.encode()).issue
    assert decode(text.encode()) == decode(text.encode(), "text/html; charset=utf-8")
    assert decode(f"{as_browsers} → ï".encode()).text == f"{as_browsers} → ï"


def _cp1252(char: str) -> str:
    return char.encode("latin-1").decode("cp1252")


@pytest.mark.parametrize("text", ["SÃO PAULO", "â€", "Ã", "l’été", "Ã© and é"])
def test_text_that_only_looks_as_if_it_were_encoded_twice(text: str) -> None:
    assert decode(text.encode()).text == text


@pytest.mark.parametrize(
    "label", ["hex", "base64", "zip", "punycode", "idna", "unicode_escape", "utf-7", "undefined", "", "\x00"]
)
def test_codecs_that_are_no_character_sets(label: str) -> None:
    assert web_encoding(label) is None


@given(st.binary(max_size=200), st.none() | st.text(max_size=20).map(lambda label: f"text/html; charset={label}"))
def test_no_bytes_break_the_decoder(body: bytes, content_type: str | None) -> None:
    decode(body, content_type)


@given(st.text(alphabet="ab .–é’\n\n  \u00e9\u0301\u200d\u00a0\t", max_size=30))
def test_plain_texts_are_tidied_like_all_others(text: str) -> None:
    """A word joiner is invisible, but no plain character: with it the text takes the long way."""
    assert tidy(text) == tidy(f"\u2060{text}")


SIMPLE_PIECES = (
    "<p>", "</p>", "<br>", "<br/>", "<div>", "</div>", "<b>", "</b>", "<a href='x'>", '<a href="x">', "</a>", "<li>",
    "</li>", "<ul>", "</ul>", "<h2>", "</h2>", "<img src=x>", "<hr>", "<p CLASS=a>", "<p/>", "<blockquote>",
    "</blockquote>", " ", "\n", "\t", "a", "b &amp; c", "&lt;", "&nbsp;", "&#8211;", "é", "\u200b", "\u2028",
)  # fmt: skip
SIMPLE_MARKUP = st.one_of(
    st.lists(st.sampled_from(SIMPLE_PIECES), max_size=14).map("".join),
    st.recursive(
        st.sampled_from(["x", " y\n", "<br>", "&nbsp;", "&lt;i&gt;", "<img src=x>"]),
        lambda inner: st.tuples(
            st.sampled_from(["p", "div", "b", "a", "ul", "li", "h2", "em"]), st.lists(inner, max_size=4)
        ).map(lambda pair: f"<{pair[0]}>{''.join(pair[1])}</{pair[0]}>"),
        max_leaves=12,
    ),
)


@given(SIMPLE_MARKUP, st.booleans())
def test_simple_markup_reads_like_all_other(markup: str, paragraphs: bool) -> None:
    """With something hidden at its end the markup takes the long way, by a parser."""
    long_way = clean_html(f"{markup}<i hidden>no</i>", paragraphs=paragraphs)
    # What has no tag at all is no markup, and its line ends are its own.
    assert clean_html(markup, paragraphs=paragraphs) == long_way or "<" not in markup


def test_accents_that_pile_up_cost_no_more_than_others() -> None:
    """Composing 200,000 marks of two kinds takes 24 seconds."""
    with cost() as spent:
        text = tidy("e" + "\u0301\u0323" * 100_000 + "e\u0301")
    assert spent.seconds < 1
    assert text.startswith("\u1eb9")
    assert text.endswith("\u00e9")
    assert len(text) < 40
    assert tidy(text) == text
    assert tidy("😀" * 3_000) == "😀" * 3_000

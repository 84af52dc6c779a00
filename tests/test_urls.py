"""Canonical URLs: twins fall together, different articles don't, and a key is its own key."""

import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.urls import absolute_url, canonical_url, page_canonical, site_of

PLAIN = "https://example.com/2025/02/06/ban"


@pytest.mark.parametrize(
    "twin",
    [
        "http://example.com/2025/02/06/ban",
        "HTTPS://WWW.EXAMPLE.COM:443/2025/02/06/ban/",
        "http://www.example.com:80/2025/02/06/ban",
        "https://m.example.com/2025/02/06/ban",
        "https://mobile.example.com/2025/02/06/ban",
        "https://amp.example.com/2025/02/06/ban",
        "https://www.m.example.com/2025/02/06/ban",
        "https://example.com/2025/02/06/ban/amp",
        "https://example.com/2025/02/06/ban/amp/",
        "https://example.com/2025/02/06/ban.amp",
        "https://example.com/amp/2025/02/06/ban",
        "https://example.com/2025/02/06/ban?amp",
        "https://example.com/2025/02/06/ban?amp=1&outputType=amp",
        "https://example-com.cdn.ampproject.org/c/s/example.com/2025/02/06/ban?amp_js_v=0.1&usqp=mq331AQ",
        "https://www.google.com/amp/s/example.com/2025/02/06/ban",
        "https://www.google.co.uk/amp/s/www.example.com/2025/02/06/ban/amp/",
        "https://www.google.com/url?rct=j&sa=t&url=https://example.com/2025/02/06/ban&ct=ga",
        "https://example.com/2025/02/06/ban?utm_source=rss&UTM_Medium=feed&fbclid=x&gclid=y",
        "https://example.com/2025/02/06/ban?utm_source=rss&amp;utm_medium=feed",
        "https://example.com/2025/02/06/ban?at_medium=RSS&at_campaign=KARANGA",
        "https://example.com/2025/02/06/ban?CMP=share_btn_tw",
        "https://example.com/2025/02/06/ban?ref=rss",
        "https://example.com/2025/02/06/ban?ref=twitter.com",
        "https://example.com/2025/02/06/ban?&&",
        "https://example.com/2025/02/06/ban#comments",
        "https://example.com/2025/02/06/ban#:~:text=blocked",
        "https://example.com/2025/02/06/ban/index.html",
        "https://example.com//2025/02//06/ban",
        "https://example.com/2025/02/../02/./06/ban",
        "https://example.com/2025/%30%32/06/b%61n",
        "https://example.com/2025/02/06/ban;jsessionid=A1B2",
        "https://reader:secret@example.com/2025/02/06/ban",
        "  https://example.com/2025/02/06/ban \n",
        "https:\\\\example.com\\2025\\02\\06\\ban",
        "https://exam\u200bple.com/2025/02/06/ban",
        "//example.com/2025/02/06/ban",
    ],
)
def test_twins_have_one_key(twin: str) -> None:
    assert canonical_url(twin) == PLAIN


@pytest.mark.parametrize(
    ("url", "key"),
    [
        # Parameters that name the article stay, in their order.
        ("https://example.com/?p=123&page=2", "https://example.com/?p=123&page=2"),
        ("https://example.com/story?id=7&utm_campaign=x&lang=en", "https://example.com/story?id=7&lang=en"),
        ("https://example.com/read?b=2&a=1", "https://example.com/read?b=2&a=1"),
        # Guarded names stay where they mean something.
        ("https://example.com/login?ref=/articles/9", "https://example.com/login?ref=/articles/9"),
        ("https://example.com/x?source=12345", "https://example.com/x?source=12345"),
        ("https://example.com/x?CMP=9", "https://example.com/x?CMP=9"),
        # Hosts with rules of their own.
        ("https://youtu.be/abc?si=xyz", "https://youtu.be/abc"),
        ("https://www.youtube.com/watch?v=abc&feature=share", "https://youtube.com/watch?v=abc"),
        ("https://en.m.wikipedia.org/wiki/Censorship", "https://en.wikipedia.org/wiki/Censorship"),
        # Case and escapes of the path.
        ("https://Example.com/Path%2fX?q=%c3%a9", "https://example.com/Path%2FX?q=%C3%A9"),
        ("https://example.com/caf\u00e9 menu", "https://example.com/caf%C3%A9%20menu"),
        ("https://example.com/100%", "https://example.com/100%25"),
        # Addresses inside addresses.
        ("https://web.archive.org/web/2020/http://a.com//b", "https://web.archive.org/web/2020/http://a.com//b"),
        # Routes of single-page sites.
        ("https://example.com/#!/story/5", "https://example.com/#!/story/5"),
        ("https://example.com/#/story/5", "https://example.com/#/story/5"),
        ("https://example.com/a#/", "https://example.com/a"),
        # Ports, addresses, names without a top-level domain.
        ("http://127.0.0.1:8000/a/?utm_source=x", "http://127.0.0.1:8000/a"),
        ("http://[2001:DB8:0:0::1]/a", "https://[2001:db8::1]/a"),
        ("http://localhost/a", "https://localhost/a"),
        # What looks like a twin is a domain of its own.
        ("https://m.me/page", "https://m.me/page"),
        ("https://amp.dev/about", "https://amp.dev/about"),
        ("https://www.co.uk/", "https://www.co.uk/"),
        ("https://m.co.uk/x", "https://m.co.uk/x"),
        # Names in other scripts.
        ("https://b\u00fccher.example/\u00fc", "https://xn--bcher-kva.example/%C3%BC"),
        ("https://\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45.com/a", "https://example.com/a"),
        ("https://example.com./a", "https://example.com/a"),
    ],
)
def test_keys(url: str, key: str) -> None:
    assert canonical_url(url) == key


@pytest.mark.parametrize(
    "url",
    [
        "",
        " ",
        "javascript:alert(1)",
        "JaVaScRiPt://example.com/%0aalert(1)",
        "data:text/html,x",
        "mailto:desk@example.com",
        "ftp://example.com/a",
        "file:///etc/passwd",
        "example.com/a",
        "/a/b",
        "https://",
        "https:///a",
        "https://exa mple.com/",
        "https://example..com/",
        "https://[::1/",
        "https://example.com:99999/",
        "https://example.com:0/",
        "https://evil.com\uff3c.example.com/",
        "https://" + "a" * 64 + ".com/",
        "https://example.com/" + "a" * 8_000,
    ],
)
def test_no_web_address_has_no_key(url: str) -> None:
    assert canonical_url(url) is None
    assert absolute_url(url) is None


def test_links_are_resolved_against_their_base() -> None:
    assert absolute_url("../b?x=1#top", base="https://example.com/a/c") == "https://example.com/b?x=1#top"
    assert absolute_url("javascript:x", base="https://example.com/") is None
    assert (
        canonical_url("story/5?utm_source=x", base="https://www.example.com/rss/") == "https://example.com/rss/story/5"
    )


def test_an_absolute_url_keeps_what_servers_see() -> None:
    url = "http://www.example.com/a//b/?utm_source=rss&ref=home"
    assert absolute_url(url) == url


def test_sites_are_registrable_domains() -> None:
    assert site_of("https://news.bbc.co.uk/x") == "bbc.co.uk"
    assert site_of("https://one.github.io/") != site_of("https://two.github.io/")
    assert site_of("http://127.0.0.1:8000/") == "127.0.0.1"
    assert site_of("nothing") is None


def page(head: str) -> str:
    return f"<!DOCTYPE html><html><head>{head}</head><body><p>x</p></body></html>"


@pytest.mark.parametrize(
    ("head", "stated"),
    [
        ('<link rel="canonical" href="https://www.example.com/story/5">', "https://example.com/story/5"),
        ('<link rel="CANONICAL nofollow" href="/story/5?utm_source=x">', "https://example.com/story/5"),
        ('<base href="https://example.com/deep/"><link rel="canonical" href="5">', "https://example.com/deep/5"),
        ('<meta property="og:url" content="https://m.example.com/story/5">', "https://example.com/story/5"),
        ('<link rel="canonical" href=""><meta property="og:url" content="/s/5">', "https://example.com/s/5"),
        # Not believed: another site, the home page, two different ones, no web address.
        ('<link rel="canonical" href="https://other.com/story/5">', None),
        ('<link rel="canonical" href="https://example.com/">', None),
        ('<link rel="canonical" href="/a"><link rel="canonical" href="/b">', None),
        ('<link rel="canonical" href="javascript:alert(1)">', None),
        ("", None),
    ],
)
def test_what_a_page_calls_itself(head: str, stated: str | None) -> None:
    assert page_canonical(page(head), "https://amp.example.com/5?x=1") == stated


def test_a_home_page_may_call_itself_home() -> None:
    head = '<link rel="canonical" href="https://example.com/">'
    assert page_canonical(page(head), "https://www.example.com/") == "https://example.com/"


def test_an_empty_page_calls_itself_nothing() -> None:
    assert page_canonical("", "https://example.com/a") is None


SEGMENTS = st.sampled_from(
    [
        "",
        ".",
        "..",
        "amp",
        "amp.html",
        "index.html",
        "a.amp",
        "a",
        "%2e%2e",
        "%61",
        "%",
        "é",
        "http:",
        "s",
        "c",
        "x;jsessionid=1",
    ]
)
HOSTS = st.sampled_from(
    [
        "example.com",
        "www.m.amp.example.com",
        "amp-x.example.com",
        "en.m.wikipedia.org",
        "www.google.com",
        "x.cdn.ampproject.org",
    ]
)
PAIRS = st.tuples(
    st.sampled_from(["utm_source", "ref", "amp;utm_x", "amp", "id", "url", "q", "u", "%75tm_a", ""]),
    st.sampled_from(
        ["", "rss", "1", "https%3A%2F%2Fm.example.com%2Famp", "http://www.google.com/amp/s/a.com", "%2561", "a+b"]
    ),
)


@st.composite
def urls(draw: st.DrawFn) -> str:
    path = "/".join(draw(st.lists(SEGMENTS | st.text(max_size=5), max_size=7)))
    query = "&".join(f"{name}={value}" for name, value in draw(st.lists(PAIRS, max_size=4)))
    scheme = draw(st.sampled_from(["http://", "https://", "//", "HTTP://"]))
    tail = draw(st.sampled_from(["", "#", "#!/x", "#/", "#/y/"]))
    return f"{scheme}{draw(HOSTS)}{draw(st.sampled_from(['', ':80', ':443', ':8080']))}/{path}?{query}{tail}"


@settings(deadline=None, max_examples=400)
@given(urls())
def test_a_key_is_its_own_key(url: str) -> None:
    key = canonical_url(url)
    if key is not None:
        assert canonical_url(key) == key
        assert absolute_url(key) is not None
        assert key.isascii()


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=60), st.none() | st.text(max_size=20))
def test_no_text_breaks_it(url: str, base: str | None) -> None:
    for key in (canonical_url(url, base=base), canonical_url(f"http://{url}")):
        if key is not None:
            assert canonical_url(key) == key
            assert key.startswith(("http://", "https://"))
            assert "\n" not in key


def test_deeply_wrapped_addresses_end() -> None:
    assert canonical_url("https://www.google.com/amp/s/" * 50 + "example.com/a") is not None
    assert canonical_url("https://example.com/" + "amp/" * 1_500 + "x/" + "amp/" * 400) == "https://example.com/x"


NORMALISERS = ("normalize_url", "canonicalize_url", "clean_url", "scrub_url")
NORMALISER_TESTS = ("normalize_url_test.py", "canonicalize_url_test.py")


def test_url_pairs_of_other_libraries(shared: Path) -> None:
    """Pairs from the tests of w3lib, courlan and ural: input and expectation should have one key.

    The rest differ by choice: those libraries sort parameters, drop more of them, cut garbage off, or resolve
    addresses of single platforms.
    """
    with tarfile.open(shared / "corpus" / "dates_urls.tar.gz") as archive:
        handle = archive.extractfile("dates_urls/url_cases.json")
        assert handle is not None
        cases = json.load(handle)
    right = total = 0
    for case in cases:
        if case["func"] not in NORMALISERS and not case["file"].endswith(NORMALISER_TESTS):
            continue
        pair = [case["input"], case["expected"]]
        if not all(isinstance(url, str) for url in pair):
            continue
        keys = [canonical_url(url if "//" in url[:9] else f"https://{url.strip()}") for url in pair]
        total += 1
        right += keys[0] is not None and keys[0] == keys[1]
    assert total >= 250
    assert right / total >= 0.75


def test_tracking_rules_of_clearurls(shared: Path) -> None:
    """Of the names that ClearURLs' global rules list plainly, nearly all are dropped here too."""
    with tarfile.open(shared / "corpus" / "feeds_opml.tar.gz") as archive:
        handle = archive.extractfile("feeds_opml/data.min.json")
        assert handle is not None
        rules = json.load(handle)["providers"]["globalRules"]["rules"]
    names = [rule.removeprefix("(?:%3F)?") for rule in rules]
    plain = [name for name in names if name.replace("_", "").isalnum()]
    dropped = [name for name in plain if canonical_url(f"{PLAIN}?{name}=abc") == PLAIN]
    assert len(plain) >= 25
    assert len(dropped) / len(plain) >= 0.85

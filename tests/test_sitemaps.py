"""Sitemaps: what they list, what is left out of them, and that no bytes break the reader."""

import gzip
import zlib
from datetime import UTC, date, datetime

import pytest
from cost import cost
from hypothesis import given
from hypothesis import strategies as st

from pipeline import sitemaps
from pipeline.errors import ParseError
from pipeline.sitemaps import SitemapKind, SitemapLink, is_sitemap, parse_sitemap, sitemap_as_feed
from pipeline.types import DateBasis, Stamp

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
URL = "https://www.example.com/sitemap.xml"
SPACES = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:n="http://www.google.com/schemas/sitemap-news/0.9"'

NEWS = f"""<?xml version="1.0" encoding="UTF-8"?>
<?xml-stylesheet type="text/xsl" href="//www.example.com/main-sitemap.xsl"?>
<!-- <urlset> made by hand -->
<urlset {SPACES} xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
  <url>
    <loc>
      https://www.example.com/2025/02/ban?a=1&amp;b=2
    </loc>
    <lastmod>2025-02-07T09:30:00+01:00</lastmod>
    <changefreq>never</changefreq>
    <image:image><image:loc>https://cdn.example.net/p.jpg</image:loc><image:title>A picture</image:title></image:image>
    <n:news>
      <n:publication><n:name>The Example</n:name><n:language>en-GB</n:language></n:publication>
      <n:publication_date>2025-02-06</n:publication_date>
      <n:title>Italy blocks DeepSeek &amp;amp; others</n:title>
    </n:news>
  </url>
  <url><loc>https://example.com/plain</loc></url>
</urlset>"""


def urlset(*locs: str) -> bytes:
    return f"<urlset {SPACES}>{''.join(f'<url><loc>{loc}</loc></url>' for loc in locs)}</urlset>".encode()


def addresses(body: bytes, url: str = URL) -> list[str]:
    return [page.url for page in parse_sitemap(body, url=url, now=NOW).pages]


def test_a_news_sitemap_says_all_that_it_says() -> None:
    found = parse_sitemap(NEWS.encode(), url=URL, now=NOW)
    assert found.kind is SitemapKind.PAGES
    assert found.issues == ()
    news, plain = found.pages
    assert news.url == "https://www.example.com/2025/02/ban?a=1&b=2"
    assert news.modified == datetime(2025, 2, 7, 8, 30, tzinfo=UTC)
    assert news.published == date(2025, 2, 6)
    assert news.title == "Italy blocks DeepSeek & others"
    assert (news.publication, news.language) == ("The Example", "en")
    assert (plain.url, plain.modified, plain.published, plain.title) == ("https://example.com/plain", None, None, "")


def test_an_index_names_its_children_with_their_last_change() -> None:
    body = (
        f"<sitemapindex {SPACES}><sitemap><loc>https://www.example.com/a.xml.gz</loc><lastmod>2025-02-01</lastmod>"
        "</sitemap><sitemap><loc>/b.xml</loc></sitemap></sitemapindex>"
    )
    found = parse_sitemap(body.encode(), url=URL, now=NOW)
    assert found.kind is SitemapKind.INDEX
    assert found.children == (
        SitemapLink("https://www.example.com/a.xml.gz", date(2025, 2, 1)),
        SitemapLink("https://www.example.com/b.xml"),
    )
    assert found.issues == ("relative address: resolved",)


def test_lines_of_plain_text_are_a_sitemap() -> None:
    body = b"\xef\xbb\xbfhttps://example.com/a\r\n\r\nhttps://example.com/b\nnot an address\nhttps://example.com/a\n"
    found = parse_sitemap(body, url=URL, content_type="text/plain", now=NOW)
    assert found.kind is SitemapKind.LINES
    assert [page.url for page in found.pages] == ["https://example.com/a", "https://example.com/b"]
    assert set(found.issues) == {
        "item without a usable address: left out",
        "address that stands there twice: kept once",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"<urlset><url><loc>https://example.com/a</loc></url></urlset>",
        b'<x:urlset xmlns:x="any"><x:url><x:loc>https://example.com/a</x:loc></x:url></x:urlset>',
        b"<x:urlset><x:url><x:loc>https://example.com/a</x:loc></x:url></x:urlset>",
        b"<URLSET><URL><LOC>https://example.com/a</LOC></URL></URLSET>",
        b"\n junk <?xml version='1.0'?><urlset><url><loc><![CDATA[ https://example.com/a ]]></loc></url></urlset>",
        b"<urlset><url><loc>https://example.com/a</loc></url><url><loc",
        b"<urlset><url><loc>https://example.com/a</loc><lastmod>2025",
        b"<urlset><url><loc>https://example.com/a</loc></url><url><loc>https://example.com/cut-o",
        b"<urlset><url><loc>https://example\x08.com/a</loc></url></urlset>",
        "<?xml version='1.0' encoding='utf-16'?><urlset><url><loc>https://example.com/a</loc></url></urlset>".encode(
            "utf-16"
        ),
        b"<?xml version='1.0' encoding='utf-16'?><urlset><url><loc>https://example.com/a</loc></url></urlset>",
        b"<urlset><p><url><loc>https://example.com/a</loc></url></p></urlset>",
    ],
)
def test_careless_xml_is_read_as_far_as_it_goes(body: bytes) -> None:
    assert addresses(body) == ["https://example.com/a"]


def test_ampersands_mean_what_the_writer_meant() -> None:
    assert addresses(urlset("https://example.com/?a=1&copy=2", "https://example.com/?a=1&amp;amp;b=2")) == [
        "https://example.com/?a=1&copy=2",
        "https://example.com/?a=1&b=2",
    ]
    assert addresses(urlset("<![CDATA[https://example.com/?a=1&b=2]]>")) == ["https://example.com/?a=1&b=2"]


def test_gzip_is_known_by_its_first_bytes_and_undone_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    body = urlset(*(f"https://example.com/{number}" for number in range(500)))
    packed = gzip.compress(body)
    assert len(addresses(packed)) == 500
    cut = parse_sitemap(packed[:-300], url=URL, now=NOW)
    assert 0 < len(cut.pages) < 500
    assert any("breaks off" in issue for issue in cut.issues)
    monkeypatch.setattr(sitemaps, "MAX_BYTES", 2_000)
    for long in (packed, body):
        found = parse_sitemap(long, url=URL, now=NOW)
        assert 20 < len(found.pages) < 500
        assert "longer than 2000 bytes: the rest is left out" in found.issues
    with pytest.raises(ParseError, match="can't be read"):
        parse_sitemap(b"\x1f\x8bnonsense", url=URL)


def test_only_addresses_of_its_own_site_are_kept() -> None:
    body = urlset(
        "https://example.com/a",
        "https://news.example.com/b",
        "https://example.org/c",
        "https://example.com.evil.net/d",
        "javascript:alert(1)",
        "ftp://example.com/e",
        "//example.com/f",
    )
    found = parse_sitemap(body, url=URL, now=NOW)
    assert [page.url for page in found.pages] == [
        "https://example.com/a",
        "https://news.example.com/b",
        "https://example.com/f",
    ]
    assert "2 × address on another site: left out" in found.issues
    assert "2 × item without a usable address: left out" in found.issues
    # robots.txt of example.org may name a sitemap that lies elsewhere, and it speaks for example.org then.
    named = parse_sitemap(body, url=URL, now=NOW, sites={"example.org"})
    assert "https://example.org/c" in [page.url for page in named.pages]


def test_dates_that_can_not_be_are_none() -> None:
    dates = ("2031-01-01", "1970-01-01", "2024-03", "yesterday", "2025-02-03T10:00", "2025-02-03T10:00Z", "")
    body = "".join(f"<url><loc>/{n}</loc><lastmod>{text}</lastmod></url>" for n, text in enumerate(dates))
    found = parse_sitemap(f"<urlset>{body}</urlset>".encode(), url=URL, now=NOW)
    assert [page.modified for page in found.pages] == [
        *(None, None, None, None),
        *(date(2025, 2, 3), datetime(2025, 2, 3, 10, tzinfo=UTC), None),
    ]
    assert set(found.issues) == {
        "7 × relative address: resolved",
        "lastmod that lies in the future",
        "lastmod that lies before the web",
        "2 × lastmod that can't be read as a day",
    }


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "an empty response"),
        (b"  \n", "an empty response"),
        (b"<!doctype html><html><head><title>404</title></head></html>", "an HTML page"),
        (b"<rss version='2.0'><channel/></rss>", "a feed"),
        (b"<opml/>", "XML with the root <opml>"),
        (b'{"version": 1}', "this text"),
        (b"\x89PNG\r\n", "this text"),
    ],
)
def test_what_is_no_sitemap_is_called_by_its_name(body: bytes, what: str) -> None:
    with pytest.raises(ParseError, match="is no sitemap") as caught:
        parse_sitemap(body, url=URL)
    assert what in str(caught.value)
    assert caught.value.url == URL
    assert not is_sitemap(body.decode("latin-1"))


def test_sitemaps_are_told_from_feeds_by_their_root() -> None:
    assert is_sitemap(NEWS)
    assert is_sitemap("<sitemapindex/>") is True
    assert not is_sitemap("<rss><channel><description>&lt;urlset></description><urlset></rss>")
    assert not is_sitemap("")


def test_a_sitemap_is_a_feed_of_entries_that_may_have_no_text() -> None:
    body = NEWS.replace("https://example.com/plain", "https://www.example.com/2025/02/ban?utm_source=x&amp;a=1&amp;b=2")
    body = body.replace("</urlset>", "<url><loc>/bare</loc></url><url><loc>/</loc></url></urlset>")
    feed = sitemap_as_feed(parse_sitemap(body.encode(), url=URL, now=NOW), URL, "example", NOW)
    assert (feed.title, feed.format, feed.language) == ("The Example", "sitemap", "en")
    news, bare = feed.entries
    assert news.guid == news.canonical_url == "https://example.com/2025/02/ban?a=1&b=2"
    assert news.title == "Italy blocks DeepSeek & others"
    assert news.published == Stamp(date(2025, 2, 6), DateBasis.FEED)
    assert news.updated == datetime(2025, 2, 7, 8, 30, tzinfo=UTC)
    assert news.language == "en"
    assert (bare.url, bare.title, bare.published) == ("https://www.example.com/bare", "", None)
    assert "address that stands there twice: kept once" in feed.issues
    assert "address that names no article: left out" in feed.issues
    with pytest.raises(ParseError, match="index is no feed") as caught:
        sitemap_as_feed(parse_sitemap(b"<sitemapindex/>", url=URL), URL, "example", NOW)
    assert caught.value.hint


BOMB = "<!DOCTYPE a [<!ENTITY b0 'x'>" + "".join(f"<!ENTITY b{n} '{f'&b{n - 1};' * 10}'>" for n in range(1, 12)) + "]>"
PARAMETER_BOMB = (
    "<!DOCTYPE a [<!ENTITY % b0 'x'>"
    + "".join(f"<!ENTITY % b{n} '{f'&#37;b{n - 1};' * 10}'>" for n in range(1, 12))
    + "%b11;]>"
)
FILE = "<!DOCTYPE a [<!ENTITY file SYSTEM 'file:///etc/hostname'>]>"


@pytest.mark.parametrize(
    "body",
    [
        f"{BOMB}<urlset><url a='&b11;'><loc>/&b11;</loc></url></urlset>",
        f"{PARAMETER_BOMB}<urlset><url><loc>/a</loc></url></urlset>",
        f"{FILE}<urlset><url><loc>/&file;</loc></url></urlset>",
        "<urlset>" + "<a>" * 100_000,
        "<urlset>" + "<url>" * 100_000,
        "<urlset>" + "<x/>" * 100_000,
        "<urlset>" + "<![CDATA[" * 300_000,
        "<urlset>" + "&" * 300_000,
        "<urlset><url><loc>/" + "a" * 3_000_000,
        "<urlset><url " + " ".join(f"a{n}='1'" for n in range(50_000)) + "/>",
        "<urlset>" + "<url><loc>/a</loc></url>" * 51_000,
        "<urlset>" + "<url/>" * 60_000,
        "https://example.com/\n" * 51_000,
    ],
    ids=lambda body: body[:30],
)
def test_hostile_sitemaps_end_soon_and_yield_nothing_that_is_not_there(body: str) -> None:
    with cost() as spent:
        found = parse_sitemap(body.encode(), url=URL, now=NOW)
    assert spent.seconds < 5
    assert len(found.pages) <= 1
    assert all(len(page.url) < 9_000 for page in found.pages)


def test_the_largest_sitemap_allowed_is_read_in_seconds() -> None:
    item = (
        "<url><loc>https://www.example.com/world/2025/02/06/a-headline-in-the-address-{0}</loc>"
        "<lastmod>2025-02-07T09:30:00+01:00</lastmod><n:news><n:publication><n:name>The Example</n:name>"
        "<n:language>en</n:language></n:publication><n:publication_date>2025-02-06T08:00:00Z</n:publication_date>"
        "<n:title>Headline {0}</n:title></n:news></url>"
    )
    body = f"<urlset {SPACES}>{''.join(item.format(number) for number in range(50_001))}</urlset>".encode()
    with cost() as spent:
        found = parse_sitemap(gzip.compress(body, compresslevel=1), url=URL, now=NOW)
    assert spent.seconds < 15  # 2.3 s on one free core of 2026
    assert len(found.pages) == 50_000
    assert found.issues == ("more than 50000 addresses: the rest is left out",)


PARTS = st.sampled_from(
    (
        *(
            "<urlset>",
            "<sitemapindex>",
            "<url>",
            "</url>",
            "<sitemap>",
            "<loc>",
            "</loc>",
            "https://example.com/a",
            "/b",
        ),
        *(
            "<lastmod>",
            "2025-02-06",
            "</lastmod>",
            "<news:news>",
            "<news:title>",
            "x",
            "<![CDATA[",
            "]]>",
            "<!--",
            "-->",
        ),
        *(
            "<!--",
            "-->",
            "<!DOCTYPE a [",
            "<!ENTITY b 'c'>",
            "]>",
            "&b;",
            "&",
            "\x00",
            "\ud800",
            "<?xml version='1.0'?>",
            "</urlset>",
        ),
    )
)


@given(
    st.one_of(
        st.binary(max_size=300),
        st.lists(PARTS, max_size=30).map(lambda parts: "".join(parts).encode("utf-8", "surrogatepass")),
        st.lists(PARTS, max_size=20).map(lambda p: b"<urlset>" + "".join(p).encode("utf-8", "surrogatepass")),
        st.binary(max_size=200).map(lambda data: b"\x1f\x8b\x08" + data),
        st.binary(max_size=200).map(zlib.compress),
    )
)
def test_no_bytes_break_the_reader(body: bytes) -> None:
    try:
        found = parse_sitemap(body, url=URL, now=NOW)
        for page in found.pages:
            assert page.url.startswith(("https://example.com", "https://www.example.com"))
        if found.kind is not SitemapKind.INDEX:
            assert len(sitemap_as_feed(found, URL, "example", NOW).entries) <= len(found.pages)
    except ParseError:
        pass

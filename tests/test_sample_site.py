"""The bundled sample: what it holds, how its server behaves, and that its golden events are what a reader can see."""

import difflib
import gzip
import http.client
import json
import re
import socket
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import feedparser
import lxml.html
import pytest
from protego import Protego

from clampdown.sample_content import Article, Sample
from clampdown.sample_site import SampleSite, samples_folder
from pipeline.errors import InputError

GOLDEN = Path(__file__).parent / "golden"
UNREAD = {"not_found", "gone", "error", "pdf"}
"""Faults whose address shows no article."""


@pytest.fixture(scope="module")
def site() -> Iterator[SampleSite]:
    with SampleSite(0) as site:
        yield site


@pytest.fixture(scope="module")
def sample(site: SampleSite) -> Sample:
    return site.sample


@cache
def golden(name: str) -> tuple[dict, ...]:
    return tuple(json.loads(line) for line in (GOLDEN / name).read_text("utf-8").splitlines())


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def ask(url: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", timeout: float = 5.0):
    """One request, redirects not followed: status, headers, body as sent."""
    request = urllib.request.Request(url, headers=dict(headers or {}), method=method)
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=timeout) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def article(sample: Sample, name: str) -> Article:
    return next(candidate for candidate in sample.articles if candidate.id == name)


def readable(sample: Sample) -> list[Article]:
    return [article for article in sample.articles if article.fault not in UNREAD]


def visible(page: bytes, encoding: str) -> str:
    """The text of a page without what no reader sees."""
    root = lxml.html.document_fromstring(page.decode(encoding))
    for node in root.xpath("//script|//style|//noscript|//title|//*[@hidden]|//*[contains(@style, 'display:none')]"):
        node.drop_tree()
    return re.sub(r"\s+", " ", root.text_content())


# ---- what it holds


def test_it_is_large_and_various_enough(sample: Sample) -> None:
    whole = [article for article in readable(sample) if not article.paywall and article.fault is None]
    lengths = [len(article.body.split()) for article in whole if article.id != "keyhole-robots"]
    assert len(whole) >= 60
    assert min(lengths) >= 100
    assert max(lengths) <= 450
    assert len({outlet.template for outlet in sample.outlets if outlet.id in {a.outlet for a in whole}}) >= 6
    assert sum(article.paywall for article in sample.articles) >= 2
    assert Counter(article.language for article in sample.articles) == {
        None: len(sample.articles) - 2,
        "de": 1,
        "fr": 1,
    }


def test_it_stays_under_a_megabyte() -> None:
    assert sum(path.stat().st_size for path in samples_folder().rglob("*") if path.is_file()) < 1_000_000


def test_every_article_belongs_to_a_feed(sample: Sample) -> None:
    listed = {article.id for feed in sample.feeds for article in sample.articles_of(feed)}
    assert listed == {article.id for article in sample.articles}
    assert all(set(article.links) <= {feed.id for feed in sample.feeds} for article in sample.articles)


def test_no_two_articles_share_an_address(sample: Sample) -> None:
    addresses = Counter(
        (article.outlet, path)
        for article in sample.articles
        for path in (article.path, article.moved_from, *(twin.path for twin in article.twins))
        if path is not None
    )
    assert max(addresses.values()) == 1


def test_local_and_utc_day_of_publication_agree(sample: Sample) -> None:
    zones = {outlet.id: outlet.zone for outlet in sample.outlets}
    for moment in filter(None, (article.published for article in sample.articles)):
        offset = moment.utcoffset()
        assert offset is not None
        assert moment.date() == (moment - offset).date()
    assert all(
        article.published.astimezone(zones[article.outlet]).date() == article.published.date()
        for article in sample.articles
        if article.published is not None
    )


def test_wire_copies_are_exact_or_lightly_edited(sample: Sample) -> None:
    exact, edited = article(sample, "ledger-texas-wire"), article(sample, "ledger-italy-wire")
    assert exact.body == article(sample, "orrery-texas").body
    assert exact.title != article(sample, "orrery-texas").title
    likeness = difflib.SequenceMatcher(None, edited.body, article(sample, "orrery-italy-block").body, autojunk=False)
    assert 0.75 < likeness.ratio() < 1.0


# ---- the feeds


def test_sources_name_every_feed(site: SampleSite) -> None:
    sources = site.sources()
    assert len({source.id for source in sources}) == len(sources) == 12
    assert {urlsplit(source.url).netloc for source in sources} == set(site.allow_hosts)


def test_feeds_parse_and_list_their_articles(site: SampleSite, sample: Sample) -> None:
    formats = {}
    for feed in sample.feeds:
        status, headers, body = ask(site.origin(feed.outlet) + (feed.moved_to or feed.path))
        expected = len(sample.articles_of(feed))
        if feed.format == "json":
            document = json.loads(body)
            assert document["version"] == "https://jsonfeed.org/version/1.1"
            assert len(document["items"]) == expected
        elif feed.format == "html":
            assert headers.get_content_type() == "text/html"
            assert not feedparser.parse(body).entries
        elif feed.format == "missing":
            assert status == 404
        else:
            parsed = feedparser.parse(body, response_headers={k.lower(): v for k, v in headers.items()})
            formats[feed.id] = parsed.version
            assert bool(parsed.bozo) is (feed.format == "rss-broken")
            assert len(parsed.entries) == expected
            assert all(entry.title and entry.link and entry.id for entry in parsed.entries)
    assert set(formats.values()) == {"rss20", "atom10", "rss10"}


def test_only_the_empty_feed_is_empty(sample: Sample) -> None:
    counts = {feed.id: len(sample.articles_of(feed)) for feed in sample.feeds}
    assert {name for name, count in counts.items() if count == 0} == {"saltmarsh", "casterby", "brindle"}


def test_a_moved_feed_redirects_for_good(site: SampleSite) -> None:
    status, headers, _ = ask(site.origin("transom") + "/rss/policy.xml")
    assert (status, headers["Location"]) == (301, "/rss/sections/policy.xml")


def test_guids_do_not_depend_on_the_port() -> None:
    def ids() -> list[str]:
        with SampleSite(0) as site:
            return [e.id for s in site.sources()[:6] for e in feedparser.parse(ask(s.url)[2]).entries]

    assert ids() == ids()


# ---- the server


def test_every_path_in_a_feed_is_served(site: SampleSite, sample: Sample) -> None:
    statuses = {None: 200, "pdf": 200, "not_found": 404, "gone": 410, "error": 500}
    for wanted in (article for article in sample.articles if article.fault != "timeout"):
        status, headers, body = ask(site.article_url(wanted.id))
        assert status == statuses[wanted.fault], wanted.id
        assert headers.get_content_type() == ("application/pdf" if wanted.fault == "pdf" else "text/html")
        for path in wanted.links.values():
            assert ask(site.origin(wanted.outlet) + path.partition("#")[0])[0] == 200
        if wanted.fault == "pdf":
            assert body.startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("outlet", "validators"),
    [("orrery", {"ETag", "Last-Modified"}), ("transom", {"ETag"}), ("banksia", {"Last-Modified"}), ("daebyeol", set())],
)
def test_conditional_requests(site: SampleSite, sample: Sample, outlet: str, validators: set[str]) -> None:
    feed = next(feed for feed in sample.feeds if feed.outlet == outlet)
    url = site.origin(outlet) + feed.path
    status, headers, body = ask(url)
    assert (status, bool(body)) == (200, True)
    assert {name for name in ("ETag", "Last-Modified") if name in headers} == validators
    for name, question in (("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since")):
        if name in validators:
            status, again, body = ask(url, {question: headers[name]})
            assert (status, body, again[name]) == (304, b"", headers[name])
    assert ask(url, {"If-None-Match": '"other"', "If-Modified-Since": "Thu, 01 Jan 2099 00:00:00 GMT"})[0] == 200
    assert ask(url, {"If-Modified-Since": "Thu, 01 Jan 2015 00:00:00 GMT"})[0] == 200
    assert ask(url, {"If-Modified-Since": "never"})[0] == 200


def test_gzip_is_for_those_who_ask(site: SampleSite) -> None:
    url = site.article_url("quatrefoil-garante")
    _, plain_headers, plain = ask(url)
    _, headers, packed = ask(url, {"Accept-Encoding": "br, gzip"})
    assert "Content-Encoding" not in plain_headers
    assert headers["Content-Encoding"] == "gzip"
    assert headers["Vary"] == "Accept-Encoding"
    assert len(packed) < len(plain)
    assert gzip.decompress(packed) == plain


def test_head_answers_without_a_body_and_connections_are_kept(site: SampleSite) -> None:
    parts = urlsplit(site.article_url("orrery-texas"))
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    for method in ("HEAD", "GET", "GET"):
        connection.request(method, parts.path)
        response = connection.getresponse()
        body = response.read()
        assert response.status == 200
        assert bool(body) is (method == "GET")
        assert int(response.headers["Content-Length"]) > 1_000
    connection.close()


def test_robots_rules(site: SampleSite, sample: Sample) -> None:
    status, _, text = ask(site.origin("keyhole") + "/robots.txt")
    rules = Protego.parse(text.decode())
    forbidden = [a.id for a in sample.articles if a.outlet == "keyhole" and not rules.can_fetch(a.path, "anybot")]
    assert (status, forbidden) == (200, ["keyhole-robots"])
    assert ask(site.origin("banksia") + "/robots.txt")[0] == 404
    for outlet in (outlet for outlet in sample.outlets if outlet.robots and outlet.id != "keyhole"):
        rules = Protego.parse(ask(site.origin(outlet.id) + "/robots.txt")[2].decode())
        paths = [a.path for a in sample.articles if a.outlet == outlet.id]
        assert all(rules.can_fetch(path, "anybot") for path in paths)


def test_an_article_that_moved(site: SampleSite) -> None:
    status, headers, _ = ask(site.origin("transom") + "/2025/02/australia-kaspersky")
    assert status == 301
    assert urljoin(site.article_url("transom-navy"), headers["Location"]) == site.article_url("transom-kaspersky-au")


def test_a_held_page_outlasts_patience_but_not_the_site() -> None:
    with SampleSite(0) as site:
        url = site.article_url("transom-timeout")
        with pytest.raises(TimeoutError):
            ask(url, timeout=0.3)
        assert site.patience < 9.0
        assert [(r.method, r.path, r.status) for r in site.requests] == [("GET", "/features/dns-tricks", 200)]


def test_old_pages_say_their_encoding_only_in_the_page(site: SampleSite) -> None:
    _, headers, body = ask(site.article_url("banksia-kaspersky"))
    assert headers["Content-Type"] == "text/html"
    assert b"windows-1252" in body
    assert b"\x93Best scanner I ever stocked,\x94" in body


def test_twins_and_tracking_lead_to_one_canonical_address(site: SampleSite, sample: Sample) -> None:
    twins = [(article, twin.path) for article in sample.articles for twin in article.twins]
    tracked = [(article, path) for article in sample.articles for path in article.links.values() if "utm_" in path]
    assert len(twins) >= 3
    assert len(tracked) >= 5
    for wanted, path in twins + tracked:
        _, _, body = ask(site.origin(wanted.outlet) + path)
        (canonical,) = lxml.html.document_fromstring(body).xpath("//link[@rel='canonical']/@href")
        assert canonical == site.article_url(wanted.id)


def test_undated_pages_state_no_date(site: SampleSite, sample: Sample) -> None:
    undated = [article for article in sample.articles if not article.dated_on_page]
    assert len(undated) >= 2
    for wanted in undated:
        assert not re.search(rb"<time|published_time|DC\.date|datePublished", ask(site.article_url(wanted.id))[2])
    assert any(article.dated_on_page and not article.dated_in_feed for article in sample.articles)
    assert article(sample, "banksia-undated").published is None


def test_requests_are_logged_per_outlet(site: SampleSite) -> None:
    before = len(site.requests_to("brindle"))
    ask(site.origin("brindle") + "/index.xml?a=1")
    assert site.requests_to("brindle")[before:] == (("GET", "/index.xml?a=1", 404),)


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=str(port)), SampleSite(port):
            pass


def test_by_default_a_second_site_finds_other_ports() -> None:
    with SampleSite() as first, SampleSite() as second:
        assert not set(first.allow_hosts) & set(second.allow_hosts)
        assert ask(second.base_url)[0] == ask(first.base_url)[0] == 200

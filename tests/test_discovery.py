"""Feed autodiscovery on real sites on loopback, and `sources add` from the command line."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import in_process
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clampdown.proofs.webserver import HTTPServer, Reply
from pipeline.discovery import GUESSES, Discovery, Origin, discover, items_per_week, latest
from pipeline.errors import AddressRefused, FetchError, HTTPStatusError, RobotsDisallowed
from pipeline.fetch import FetchSession
from pipeline.settings import FetchSettings
from pipeline.sources import load_sources
from pipeline.types import DateBasis, Entry, FetchRequest, Response, Stamp
from pipeline.urls import absolute_url

SETTINGS = FetchSettings(host_gap=0, timeout=5, retries=0, allow_hosts=("127.0.0.1", "127.0.0.2"))
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
TITLES = ("Regulator blocks a messenger", "Court lifts the ban on an app", "Parliament debates age checks")


def rss(title: str = "The Example", *, items: int = 3, path: str = "/a", language: str = "en-GB") -> bytes:
    entries = "".join(
        f"<item><title>{TITLES[number % 3]} {number}</title><link>https://news.example{path}/{number}</link>"
        f"<pubDate>{format_datetime(datetime.now(UTC) - timedelta(days=number + 1), usegmt=True)}</pubDate></item>"
        for number in range(items)
    )
    return (
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>{title}</title><language>{language}</language>'
        f"{entries}</channel></rss>"
    ).encode()


def page(head: str = "", body: str = "<p>News of the day, every day, for all of you.</p>") -> Reply:
    html = f'<!DOCTYPE html><html lang="en"><head><title>The Example</title>{head}</head><body>{body}</body></html>'
    return Reply(body=html.encode(), headers={"Content-Type": "text/html; charset=utf-8"})


def feed(*args: Any, **options: Any) -> Reply:
    return Reply(body=rss(*args, **options), headers={"Content-Type": "application/rss+xml"})


def link(href: str, kind: str = "application/rss+xml", title: str = "", rel: str = "alternate") -> str:
    return f'<link rel="{rel}" type="{kind}" href="{href}" title="{title}">'


@pytest.fixture
def site() -> Iterator[HTTPServer]:
    with HTTPServer() as running:
        yield running


def find(site: HTTPServer, path: str = "/", *, every: bool = False) -> Discovery:
    with FetchSession(SETTINGS) as session:
        return discover(site.url(path), session.fetch_all, session.sitemaps, every=every)


def paths(site: HTTPServer, found: Discovery) -> list[str]:
    return [result.url.removeprefix(site.root) for result in found.feeds]


def test_a_feed_is_its_own_answer(site: HTTPServer) -> None:
    site.routes["/rss"] = feed()
    found = find(site, "/rss")
    (only,) = found.feeds
    assert (only.url, only.origin, only.title, only.language) == (site.url("/rss"), Origin.ITSELF, "The Example", "en")
    assert [hit.target for hit in site.pages] == ["/rss"]


def test_what_a_page_names_is_tested_and_ranked(site: HTTPServer) -> None:
    site.routes |= {
        "/": page(
            link("/comments/feed", title="Comments")
            + link("/gone.xml")
            + link("/empty", "application/atom+xml")
            + link("/main", title="News")
            + link("/json", "application/feed+json")
            + link("/style.css", "text/css", rel="alternate stylesheet")
            + link("/wp-json/x", "application/json")
            + link("/de", "text/html")
        ),
        "/comments/feed": feed("Comments on The Example", path="/c"),
        "/empty": Reply(body=b'<feed xmlns="http://www.w3.org/2005/Atom"><title>Soon</title></feed>'),
        "/main": feed("News"),
        "/json": Reply(
            body=b'{"version": "https://jsonfeed.org/version/1.1", "title": "J", "items": [{"id": "1", '
            b'"url": "https://news.example/j/1", "title": "One item", "date_published": "2026-11-20T08:00:00Z"}]}'
        ),
    }
    found = find(site)
    assert paths(site, found) == ["/main", "/json", "/empty", "/comments/feed"]
    assert {result.origin for result in found.feeds} == {Origin.NAMED}
    assert found.homepage == site.url("/")
    assert [(tried.url, tried.reason) for tried in found.tried] == [
        (site.url("/"), "an HTML page is no feed"),
        (site.url("/gone.xml"), "status 404"),
    ]
    assert not {"/style.css", "/wp-json/x", "/de", "/feed"} & {hit.target for hit in site.hits}


def test_two_formats_of_the_same_items_are_one_feed(site: HTTPServer) -> None:
    site.routes |= {"/": page(link("/a") + link("/b")), "/a": feed(), "/b": feed("The Example (copy)")}
    assert paths(site, find(site)) == ["/a"]


def test_links_refer_to_the_base_of_the_page(site: HTTPServer) -> None:
    site.routes |= {
        "/news/": page(f'<base href="{site.url("/other/")}">' + link("rss")),
        "/other/rss": feed(),
    }
    assert paths(site, find(site, "/news/")) == ["/other/rss"]


def test_redirects_are_followed_and_only_permanent_ones_kept(site: HTTPServer) -> None:
    site.routes |= {
        "/": Reply(302, headers={"Location": "/home/"}),
        "/home/": page(link("old") + link("detour")),
        "/home/old": Reply(301, headers={"Location": "/new"}),
        "/new": feed(),
        "/home/detour": Reply(302, headers={"Location": "/elsewhere"}),
        "/elsewhere": feed(path="/e"),
    }
    found = find(site)
    assert paths(site, found) == ["/new", "/home/detour"]
    assert found.homepage == site.url("/home/")
    site.routes["/moved"] = Reply(308, headers={"Location": "/new"})
    assert paths(site, find(site, "/moved")) == ["/new"]


def test_anchors_that_look_like_feeds_come_next(site: HTTPServer) -> None:
    site.routes |= {
        "/": page(
            body='<a href="/about">About our feedback</a> <a href="/x?id=7">RSS</a> <a href="/politics/rss.xml">P</a>'
            '<a href="https://reader.example/add?feed=1">Add the RSS feed</a> <a href="javascript:rss()">RSS</a>'
            '<a href="/press.html">News feed</a><a href="mailto:feed@example.com">feed</a>'
        ),
        "/politics/rss.xml": feed("Politics", path="/p"),
        "/x?id=7": feed("All"),
        "/press.html": page(),
    }
    found = find(site)
    assert paths(site, found) == ["/politics/rss.xml", "/x?id=7"]
    assert {result.origin for result in found.feeds} == {Origin.LINKED}
    assert not {"/about", "/feed"} & {hit.target for hit in site.hits}


def test_all_feeds_are_those_named_and_those_linked(site: HTTPServer) -> None:
    site.routes |= {
        "/": page(link("/main"), '<a href="/sport/rss">Sport</a><a href="/world/rss">World</a>'),
        "/main": feed(),
        "/sport/rss": feed("Sport", path="/s"),
        "/world/rss": feed("World", path="/w"),
    }
    assert paths(site, find(site)) == ["/main"]
    assert paths(site, find(site, every=True)) == ["/main", "/sport/rss", "/world/rss"]


@pytest.mark.parametrize("place", ["/news/rss", "/feed", "/feed.json", "/feeds/posts/default"])
def test_usual_places_are_tried_one_after_the_other(site: HTTPServer, place: str) -> None:
    site.routes |= {"/news": page(), place: feed()}
    found = find(site, "/news")
    assert paths(site, found) == [place]
    assert found.feeds[0].origin is Origin.GUESSED
    asked = [hit.target for hit in site.pages][1:]
    assert asked[-1] == place
    assert asked == (["/news/feed", "/news/rss", "/news/rss.xml", *(f"/{guess}" for guess in GUESSES)])[: len(asked)]


def test_news_sitemaps_of_robots_txt_come_last(site: HTTPServer) -> None:
    news = (
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:n="http://www.google.com/schemas/'
        f'sitemap-news/0.9"><url><loc>{site.url("/a/1")}</loc><n:news><n:publication><n:name>The Example</n:name>'
        "<n:language>en</n:language></n:publication><n:publication_date>2026-11-20</n:publication_date>"
        "<n:title>Regulator blocks a messenger</n:title></n:news></url></urlset>"
    )
    plain = f"<urlset><url><loc>{site.url('/b')}</loc></url></urlset>"
    names = ("/sitemap.xml", "/news-archive.xml", "/news.xml")
    site.routes |= {
        "/": page(),
        "/robots.txt": Reply(body="".join(f"Sitemap: {site.url(name)}\n" for name in names).encode()),
        "/news-archive.xml": Reply(body=plain.encode()),
        "/news.xml": Reply(body=news.encode()),
    }
    found = find(site)
    assert paths(site, found) == ["/news.xml"]
    assert (found.feeds[0].origin, found.feeds[0].title) == (Origin.SITEMAP, "The Example")
    assert site.count("/sitemap.xml") == 0


def test_a_page_without_feeds_says_what_was_tried(site: HTTPServer) -> None:
    site.routes["/"] = page()
    found = find(site)
    assert found.feeds == ()
    assert [tried.url for tried in found.tried] == [site.url("/"), *(site.url(f"/{guess}") for guess in GUESSES)]


def test_what_can_not_be_fetched_is_an_error(site: HTTPServer) -> None:
    with pytest.raises(HTTPStatusError):
        find(site, "/missing")
    site.routes["/robots.txt"] = Reply(body=b"User-agent: *\nDisallow: /")
    with pytest.raises(RobotsDisallowed):
        find(site)
    with FetchSession(FetchSettings()) as session, pytest.raises(AddressRefused):
        discover(site.url("/"), session.fetch_all, session.sitemaps)


def test_a_hostile_page_costs_few_requests(site: HTTPServer) -> None:
    site.routes["/"] = page(
        "".join(link(f"/named/{number}") for number in range(500)),
        "".join(f'<a href="/rss/{number}">RSS</a>' for number in range(5000)),
    )
    assert find(site).feeds == ()
    assert len(site.hits) < 50
    site.routes["/"] = page("<base href='http://['>" + link("http://[::1") + link("javascript:x") + link(""))
    assert find(site).feeds == ()


MARKUP = st.sampled_from(
    [
        *(
            "<html>",
            "<head>",
            "<body>",
            "<base href='",
            "<link rel=alternate type=application/rss+xml href='",
            "<a href='",
        ),
        *("'>", "http://", "https://a.example/rss", "/feed.xml", "//[", "RSS", "</a>", "\x00", "é", "javascript:", "%"),
    ]
)


@given(st.binary(max_size=300) | st.lists(MARKUP, max_size=25).map(lambda parts: "".join(parts).encode()))
def test_any_page_has_feeds_or_none(body: bytes) -> None:
    url = "https://a.example/news"
    asked: list[str] = []

    def fetch_all(requests: Sequence[FetchRequest]) -> list[Response | FetchError]:
        asked.extend(request.url for request in requests)
        assert all(absolute_url(request.url) for request in requests)
        return [
            Response(url, url, 200, (), body, NOW)
            if request.url == url
            else HTTPStatusError("status 404", url=request.url, status=404)
            for request in requests
        ]

    found = discover(url, fetch_all, lambda urls: [()], every=True)
    assert len(asked) == len(set(asked)) < 100
    assert not found.feeds or found.feeds[0].origin is Origin.ITSELF


# What is told of a feed


def entry(number: int, published: datetime | date | None) -> Entry:
    stamp = None if published is None else Stamp(published, DateBasis.FEED)
    return Entry("s", str(number), f"https://a.example/{number}", f"https://a.example/{number}", "t", published=stamp)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([], None),
        ([1], None),
        ([1, 2, 3, 4, 5, 6, 7], 7.0),
        ([0, 0.1, 0.2], 21.0),
        ([700, 701], 0.02),
        ([-3, 1, 2], 7.0),
    ],
)
def test_items_a_week_come_from_the_dates(days: list[float], expected: float | None) -> None:
    entries = [entry(number, NOW - timedelta(days=day)) for number, day in enumerate(days)]
    assert items_per_week([*entries, entry(99, None)], NOW) == expected


@given(st.lists(st.none() | st.dates() | st.datetimes(timezones=st.just(UTC)), max_size=8))
def test_any_dates_give_a_pace_that_a_source_may_have(dates: list[datetime | date | None]) -> None:
    entries = [entry(number, published) for number, published in enumerate(dates)]
    pace = items_per_week(entries, NOW)
    assert pace is None or 0 < pace < 1e6
    assert len(latest(entries, 5)) == min(5, len(entries))


def test_the_latest_items_are_the_newest() -> None:
    entries = [entry(0, None), entry(1, NOW), entry(2, date(2026, 11, 23)), entry(3, NOW - timedelta(days=1))]
    assert [item.guid for item in latest(entries, 5)] == ["2", "1", "3", "0"]


# The command


def clampdown(folder: Path, *args: str, stdin: str = "") -> in_process.Done:
    """Run `sources add`."""
    (folder / "clampdown.toml").write_text('[fetch]\nallow_hosts = ["127.0.0.1"]\nhost_gap = 0.0\nretries = 0\n')
    return in_process.clampdown("sources", "add", *args, cwd=folder, stdin=stdin)


def test_a_feed_is_shown_and_added_behind_what_is_there(site: HTTPServer, tmp_path: Path) -> None:
    site.routes |= {"/": page(link("/main") + link("/other")), "/main": feed(items=9), "/other": feed("O", path="/o")}
    present = '# mine\n[[source]]\nid = "old"   # stays\nname = "Old"\nurl = "https://old.example/rss"'
    file = tmp_path / "sources.toml"
    file.write_text(present)
    done = clampdown(tmp_path, site.url("/"), "--name", "An [b]Example", "--id", "example", stdin="y\n")
    assert done.returncode == 0, done.stderr
    for shown in (
        "An [b]Example",
        "/main (named by the page)",
        "rss20, language en",
        "9 now, about",
        "blocks a messenger",
    ):
        assert shown in done.stdout
    assert done.stdout.count("messenger") + done.stdout.count("lifts") + done.stdout.count("debates") == 5
    assert f"also found: {site.url('/other')}" in done.stdout
    assert file.read_text().startswith(f"{present}\n\n[[source]]\n")
    old, new = load_sources(file)
    assert (new.id, new.name, new.url) == ("example", "An [b]Example", site.url("/main"))
    assert (new.homepage, new.language) == (site.url("/"), "en")
    assert new.items_per_week == pytest.approx(7, abs=1)
    assert not (tmp_path / "clampdown-data").exists()

    again = clampdown(tmp_path, site.url("/"), "--yes")
    assert again.returncode == 2
    assert "has this feed already: example" in again.stderr
    direct = clampdown(tmp_path, "https://www.old.example/rss/", "--yes")
    assert "has this feed already: old" in direct.stderr
    assert load_sources(file) == (old, new)


def test_nothing_is_added_unless_it_is_wanted(site: HTTPServer, tmp_path: Path) -> None:
    site.routes["/rss"] = feed()
    url = site.url("/rss")
    for args, stdin in ((("--dry-run",), ""), ((), "n\n"), (("--json",), ""), (("--yes", "--dry-run"), "")):
        assert clampdown(tmp_path, url, *args, stdin=stdin).returncode == 0
    assert clampdown(tmp_path, url).returncode != 0
    assert not (tmp_path / "sources.toml").exists()
    told = json.loads(clampdown(tmp_path, url.replace("http:", "feed:http:"), "--json", "--yes").stdout)
    (source,) = load_sources(tmp_path / "sources.toml")
    assert told["added"] is True
    assert told["feeds"][0]["source"]["id"] == source.id
    assert len(told["feeds"][0]["latest"]) == 3


def test_all_feeds_of_a_page_are_added(site: HTTPServer, tmp_path: Path) -> None:
    site.routes |= {"/": page(link("/a") + link("/b")), "/a": feed("A", language=""), "/b": feed("B", path="/b")}
    assert clampdown(tmp_path, site.url("/"), "--all", "--yes").returncode == 0
    assert [source.name for source in load_sources(tmp_path / "sources.toml")] == ["A", "B"]
    assert clampdown(tmp_path, site.url("/"), "--all", "--id", "x").returncode == 2


def test_errors_say_what_was_tried_and_the_way_out(site: HTTPServer, tmp_path: Path) -> None:
    site.routes["/"] = page()
    none = clampdown(tmp_path, site.url("/"), "--yes")
    assert none.returncode == 2
    assert "no feed found" in none.stderr
    assert f"{site.url('/atom.xml')}: status 404" in none.stderr
    private = clampdown(tmp_path, "http://127.0.0.2/", "--yes")
    assert private.returncode == 2
    assert "add 127.0.0.2:80 to fetch.allow_hosts" in private.stderr
    site.routes["/robots.txt"] = Reply(body=b"User-agent: *\nDisallow: /")
    assert "robots.txt forbids this URL" in clampdown(tmp_path, site.url("/"), "--yes").stderr
    assert "no address" in clampdown(tmp_path, "not an address", "--yes").stderr
    assert "--id 'Ä'" in clampdown(tmp_path, site.url("/"), "--id", "Ä", "--yes").stderr
    assert not (tmp_path / "sources.toml").exists()


def test_what_a_feed_says_can_not_steer_the_terminal(site: HTTPServer, tmp_path: Path) -> None:
    nasty = feed("A&#27;[31m \x9b &lt;b>[red]x[/red]", language="\x1b[2J")
    site.routes["/rss"] = nasty
    done = clampdown(tmp_path, site.url("/rss"), "--yes")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "\x9b" not in done.stdout
    (source,) = load_sources(tmp_path / "sources.toml")
    assert source.name.isprintable()

"""robots.txt by RFC 9309, asked for over real sockets."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clampdown.proofs.webserver import HTTPServer, Reply
from pipeline.errors import FetchError, FetchTimeout, NetworkError, RobotsDisallowed
from pipeline.fetch import FetchSession, fetch_all
from pipeline.robots import MAX_CRAWL_DELAY, MAX_ROBOTS_BYTES, RobotsFile, Rules
from pipeline.settings import FetchSettings
from pipeline.types import FetchRequest, Response

SETTINGS = FetchSettings(host_gap=0, timeout=5, retries=0, allow_hosts=("127.0.0.1", "127.0.0.2"))


def one(url: str, settings: FetchSettings = SETTINGS) -> Response | FetchError:
    (result,) = fetch_all([FetchRequest(url)], settings)
    return result


def allows(text: str, path: str) -> bool:
    try:
        Rules(RobotsFile(200, text.encode())).check(f"https://example.com{path}")
    except RobotsDisallowed:
        return False
    return True


def test_a_disallowed_page_is_never_asked_for() -> None:
    robots = Reply(body=b"User-agent: *\nDisallow: /private\n")
    with HTTPServer({"/robots.txt": robots, "/private/a": Reply(), "/open": Reply()}) as server:
        urls = [server.url("/private/a"), server.url("/open")]
        refused, open_ = fetch_all([FetchRequest(url) for url in urls], SETTINGS)
        assert isinstance(refused, RobotsDisallowed)
        assert not refused.retryable
        assert isinstance(open_, Response)
        assert [hit.target for hit in server.pages] == ["/open"]
        assert server.count("/robots.txt") == 1


def test_a_redirect_is_checked_at_every_hop() -> None:
    robots = Reply(body=b"User-agent: clampdown\nDisallow: /private\n")
    with HTTPServer({"/robots.txt": robots, "/a": Reply(302, headers={"Location": "/private"})}) as server:
        result = one(server.url("/a"))
        assert isinstance(result, RobotsDisallowed)
        assert [hit.target for hit in server.pages] == ["/a"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_no_robots_txt_allows_all(status: int) -> None:
    with HTTPServer({"/robots.txt": Reply(status, b"User-agent: *\nDisallow: /\n"), "/": Reply()}) as server:
        assert isinstance(one(server.url("/")), Response)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_robots_txt_that_fails_forbids_all_for_now(status: int) -> None:
    with HTTPServer({"/robots.txt": Reply(status), "/": Reply()}) as server:
        result = one(server.url("/"))
        assert isinstance(result, RobotsDisallowed)
        assert result.retryable
        assert server.pages == []


def test_a_host_that_is_down_is_a_network_error_and_is_asked_once() -> None:
    with HTTPServer({"/robots.txt": Reply(raw=b"")}) as server:
        results = fetch_all([FetchRequest(server.url(f"/{number}")) for number in range(20)], SETTINGS)
        assert {type(result) for result in results} == {NetworkError}
        assert [str(result.url) for result in results] == [server.url(f"/{number}") for number in range(20)]
        assert len(server.hits) == 1


def test_a_robots_txt_that_drips_ends_in_time() -> None:
    with HTTPServer({"/robots.txt": Reply(body=b"#" * 1000, drip=0.05), "/": Reply()}) as server:
        start = time.monotonic()
        result = one(server.url("/"), SETTINGS.model_copy(update={"timeout": 0.3}))
        assert isinstance(result, FetchTimeout)
        assert time.monotonic() - start < 1
        assert server.pages == []


def test_redirected_rules_are_followed_and_endless_ones_allow_all() -> None:
    with HTTPServer({"/robots.txt": Reply(301, headers={"Location": "/r.txt"}), "/": Reply()}) as server:
        server.routes["/r.txt"] = Reply(body=b"User-agent: *\nDisallow: /\n")
        assert isinstance(one(server.url("/")), RobotsDisallowed)
        server.routes["/r.txt"] = Reply(301, headers={"Location": "/robots.txt"})
        assert isinstance(one(server.url("/")), Response)


def test_rules_are_kept_between_calls_of_a_session_and_hold_per_origin() -> None:
    with HTTPServer({"/": Reply()}, host="0.0.0.0") as server, FetchSession(SETTINGS) as session:
        for host in ("127.0.0.1", "127.0.0.2", "127.0.0.1"):
            (result,) = session.fetch_all([FetchRequest(f"http://{host}:{server.port}/")])
            assert isinstance(result, Response)
        assert server.count("/robots.txt") == 2


def test_crawl_delay_is_kept_at_the_server() -> None:
    robots = Reply(body=b"User-agent: *\nCrawl-delay: 0.2\n")
    paths = [f"/{number}" for number in range(4)]
    with HTTPServer({"/robots.txt": robots, **{path: Reply() for path in paths}}) as server:
        fetch_all([FetchRequest(server.url(path)) for path in paths], SETTINGS)
        times = [hit.at for hit in server.pages]
        assert all(later - earlier > 0.15 for earlier, later in pairwise(times))
        assert server.busiest == 1


def test_crawl_delay_is_bounded() -> None:
    for stated, kept in (("600", MAX_CRAWL_DELAY), ("2.5", 2.5), ("-1", 0.0), ("nan", 0.0), ("soon", 0.0)):
        assert Rules(RobotsFile(200, f"User-agent: *\nCrawl-delay: {stated}".encode())).crawl_delay == kept


def test_a_file_beyond_the_cap_is_read_up_to_it() -> None:
    padding = b"#" * 100 + b"\n"
    body = b"User-agent: *\nDisallow: /early\n" + padding * (MAX_ROBOTS_BYTES // 101) + b"\nDisallow: /late\n"
    with HTTPServer({"/robots.txt": Reply(body=body), "/late": Reply(), "/early": Reply()}) as server:
        early, late = fetch_all([FetchRequest(server.url(path)) for path in ("/early", "/late")], SETTINGS)
        assert isinstance(early, RobotsDisallowed)
        assert isinstance(late, Response)


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("", "/a", True),
        ("User-agent: *\nDisallow:", "/a", True),
        ("User-agent: *\nDisallow: /", "/a", False),
        ("user-AGENT : *\ndisallow : /", "/a", False),
        ("\ufeffUser-agent: *\nDisallow: /", "/a", False),
        ("User-agent: *\r\nDisallow: /\r\n", "/a", False),
        ("User-agent: *  # all\nDisallow: /a # this", "/a", False),
        ("User-agent: *\nDisallow: /*.pdf$", "/a/b.pdf", False),
        ("User-agent: *\nDisallow: /*.pdf$", "/a/b.pdf?x", True),
        ("User-agent: *\nDisallow: /a*c", "/abbc/d", False),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", True),
        ("User-agent: *\nAllow: /a\nDisallow: /a/b", "/a/b/c", False),
        ("User-agent: *\nDisallow: /a\nAllow: /a", "/a", True),
        ("User-agent: *\nDisallow: /?x=", "/?x=1", False),
        ("User-agent: *\nDisallow: /é", "/%C3%A9", False),
        ("User-agent: *\nDisallow: /\n\nUser-agent: Clampdown\nAllow: /", "/a", True),
        ("User-agent: CLAMPDOWN/0.1\nDisallow: /", "/a", False),
        ("User-agent: other\nUser-agent: clampdown\nDisallow: /", "/a", False),
        ("User-agent: other\nDisallow: /\nUser-agent: third\nDisallow: /", "/a", True),
        ("User-agent: clampdown\nDisallow: /a\n\nUser-agent: clampdown\nDisallow: /b", "/b", False),
        ("User-agent: clamp\nDisallow: /", "/a", True),
        ("User-agent: clampdown-news\nDisallow: /", "/a", True),
        ("Disallow: /", "/a", True),
        ("<html>not found</html>", "/a", True),
        ("User-agent: *\nDisallow: /", "/robots.txt", True),
    ],
)
def test_files_are_read_as_the_standard_says(text: str, path: str, expected: bool) -> None:
    assert allows(text, path) is expected


@given(st.binary(max_size=500), st.text(max_size=30))
def test_any_bytes_make_rules(body: bytes, path: str) -> None:
    rules = Rules(RobotsFile(200, body))
    assert 0 <= rules.crawl_delay <= MAX_CRAWL_DELAY
    try:
        rules.check(f"https://example.com/{path}")
    except RobotsDisallowed:
        pass


def test_a_hostile_file_costs_little() -> None:
    """The parser keeps each rule once per agent of its group: these would be 150 million without care."""
    agents = "".join(f"User-agent: agent{number}\n" for number in range(5000))
    start = time.perf_counter()
    assert allows(agents + "Disallow: /a\n" * 30_000, "/a")
    assert time.perf_counter() - start < 5

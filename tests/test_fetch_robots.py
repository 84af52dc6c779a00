"""robots.txt by RFC 9309, asked for over real sockets."""

import json
import time
from itertools import pairwise
from pathlib import Path

import pytest
from cost import cost
from hypothesis import given
from hypothesis import strategies as st

from clampdown.proofs.webserver import HTTPServer, Reply
from pipeline.errors import FetchError, FetchTimeout, NetworkError, RobotsDisallowed
from pipeline.fetch import FetchSession, fetch_all
from pipeline.robots import MAX_CRAWL_DELAY, MAX_ROBOTS_BYTES, MAX_SITEMAPS, RobotsFile, Rules
from pipeline.robots_file import MAX_AGE, MAX_FILE, MAX_TEXT, KeptAnswer, read_answers, write_answers
from pipeline.settings import FetchSettings
from pipeline.types import FetchRequest, Response

SETTINGS = FetchSettings(host_gap=0, timeout=5, retries=0, allow_hosts=("127.0.0.1", "127.0.0.2"))


def one(url: str, settings: FetchSettings = SETTINGS) -> Response | FetchError:
    (result,) = fetch_all([FetchRequest(url)], settings)
    return result


LINES = [
    "User-agent: *",
    "User-agent: clampdown",
    "User-agent: other",
    "Disallow: /a",
    "Allow: /a/b",
    "Disallow: /*b$",
    "Crawl-delay: 3",
    "Sitemap: https://example.com/s.xml",
    "Host: example.com",
    "# nothing",
    "",
    "nonsense",
]


def allowed(rules: Rules, path: str) -> bool:
    try:
        rules.check(f"https://example.com{path}")
    except RobotsDisallowed:
        return False
    return True


def allows(text: str, path: str) -> bool:
    return allowed(Rules(RobotsFile(200, text.encode())), path)


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
    with HTTPServer({"/robots.txt": Reply(body=b"#" * 2000, drip=0.05), "/": Reply()}) as server:
        start = time.monotonic()
        result = one(server.url("/"), SETTINGS.model_copy(update={"timeout": 0.3}))
        assert isinstance(result, FetchTimeout)
        assert time.monotonic() - start < 60
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
        times = [hit.at for hit in server.hits]
        assert len(times) == 5
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
        ("User-agent: *\nDisallow: /%c3%a9", "/%C3%A9", False),
        ("User-agent: *\nDisallow: /%7Ejoe", "/~joe/a", False),
        ("User-agent: *\nDisallow: /~joe", "/%7Ejoe/a", False),
        ("User-agent: *\nDisallow: /a%2Fb", "/a/b", True),
        ("User-agent: *\nDisallow: /a%2Fb", "/a%2fb", False),
        ("User-agent: *\nDisallow: /A", "/a", True),
        ("User-agent: *\nDisallow: /fish*", "/fishheads/yummy", False),
        ("User-agent: *\nDisallow: /fish$", "/fish/", True),
        ("User-agent: *\nDisallow: /$", "/", False),
        ("User-agent: *\nDisallow: /$", "/a", True),
        ("User-agent: *\nDisallow: /**a**b", "/xaxxb", False),
        ("User-agent: *\nDisallow: /a/*/c\nAllow: /a/b/", "/a/b/c", False),
        ("User-agent: *\nDisallow: a", "/a", True),
        ("User-agent: *\nDisallow: /\n\nUser-agent: Clampdown\nAllow: /", "/a", True),
        ("User-agent: CLAMPDOWN/0.1\nDisallow: /", "/a", False),
        ("User-agent: other\nUser-agent: clampdown\nDisallow: /", "/a", False),
        ("User-agent: other\nDisallow: /\nUser-agent: third\nDisallow: /", "/a", True),
        ("User-agent: clampdown\nDisallow: /a\n\nUser-agent: clampdown\nDisallow: /b", "/b", False),
        ("User-agent: clampdown\nDisallow: /a\n\nUser-agent: x\nUser-agent: clampdown\nDisallow: /b", "/a", False),
        ("User-agent: *\nDisallow: /a\nUser-agent: x\nDisallow: /c\nUser-agent: *\nDisallow: /b", "/b", False),
        ("User-agent: *\nDisallow: /a\nUser-agent: clampdown\nDisallow: /b", "/a", True),
        ("User-agent: *\nDisallow: /\nUser-agent: clampdown\n", "/a", True),
        ("User-agent: clampdown\n\n\n# so be it\n\nDisallow: /a", "/a", False),
        ("User-agent: clampdown\nSitemap: /s.xml\nUser-agent: x\nDisallow: /a", "/a", False),
        ("User-agent: *\nDisallow: /a\rDisallow: /b", "/b", False),
        ("\ufeff# first\n\nUser-agent: *\nDisallow: /", "/a", False),
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
    with cost() as spent:
        assert allows(agents + "Disallow: /a\n" * 30_000, "/a")
    assert spent.seconds < 20


# What is kept between sessions


def visit(server: HTTPServer, file: Path | None, path: str = "/") -> Response | FetchError:
    with FetchSession(SETTINGS, robots_file=file) as session:
        (result,) = session.fetch_all([FetchRequest(server.url(path))])
    return result


def age(file: Path, seconds: float) -> None:
    data = json.loads(file.read_bytes())
    for answer in data["origins"].values():
        answer["at"] -= seconds
    file.write_text(json.dumps(data))


@pytest.mark.parametrize("robots", [Reply(body=b"User-agent: *\nDisallow: /no\nSitemap: /s.xml"), Reply(404)])
def test_an_answer_lasts_a_day_over_many_sessions(robots: Reply, tmp_path: Path) -> None:
    file = tmp_path / "data" / "robots.json"
    with HTTPServer({"/": Reply()}) as other:
        visit(other, file)
    assert not file.parent.exists()
    file.parent.mkdir()
    with HTTPServer({"/robots.txt": robots, "/": Reply(), "/no": Reply()}) as server:
        for _ in range(3):
            assert isinstance(visit(server, file), Response)
            assert isinstance(visit(server, file, "/no"), Response if robots.status == 404 else RobotsDisallowed)
        assert server.count("/robots.txt") == 1
        age(file, MAX_AGE - 30)
        visit(server, file)
        assert server.count("/robots.txt") == 1
        age(file, 31)
        visit(server, file)
        assert server.count("/robots.txt") == 2
        visit(server, file)
        assert server.count("/robots.txt") == 2
    assert [entry.name for entry in file.parent.iterdir()] == ["robots.json"]


@pytest.mark.parametrize("robots", [Reply(503), Reply(429), Reply(raw=b"")])
def test_failures_are_not_kept(robots: Reply, tmp_path: Path) -> None:
    file = tmp_path / "robots.json"
    with HTTPServer({"/robots.txt": robots, "/": Reply()}) as server:
        for count in (1, 2):
            assert isinstance(visit(server, file), RobotsDisallowed | NetworkError)
            assert server.count("/robots.txt") == count
    assert not file.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"[]",
        b"\xff\xfe",
        b'{"version": 0, "origins": {}}',
        b'{"version": 1}',
        b'{"version": 1, "origins": {"http://a": 1}}',
        b'{"version": 1, "origins": {"http://a": {"at": "1", "text": ""}}}',
        b'{"version": 1, "origins": {"http://a": {"at": NaN, "text": ""}}}',
        b'{"version": 1, "origins": {"http://a": {"at": 1e999, "text": ""}}}',
        b'{"version": 1, "origins": {"http://a": {"at": 1}}}',
        b" " * (MAX_FILE + 1),
    ],
    ids=range(13),
)
def test_a_damaged_file_is_begun_anew(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "robots.json"
    file.write_bytes(content)
    with HTTPServer({"/robots.txt": Reply(), "/": Reply()}) as server:
        for _ in range(2):
            assert isinstance(visit(server, file), Response)
        assert server.count("/robots.txt") == 1


def test_a_file_that_can_not_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "robots.json").mkdir()
    with HTTPServer({"/": Reply()}) as server:
        assert isinstance(visit(server, tmp_path / "robots.json"), Response)
        assert isinstance(visit(server, Path("/dev/null/robots.json")), Response)


def test_the_file_stays_small_and_keeps_the_newest(tmp_path: Path) -> None:
    file, now = tmp_path / "robots.json", 1_000_000.0
    many = {f"http://{number}.example": KeptAnswer("é" * 30_000, now - number) for number in range(200)}
    many["http://long.example"] = KeptAnswer("a" * (MAX_TEXT + 1), now)
    write_answers(file, many, now)
    assert file.stat().st_size < MAX_FILE
    kept = read_answers(file, now)
    assert list(kept) == [f"http://{number}.example" for number in range(len(kept))]
    assert len(kept) > 50


def test_what_another_session_wrote_meanwhile_stays(tmp_path: Path) -> None:
    file, now = tmp_path / "robots.json", 1_000_000.0
    write_answers(file, {"http://a": KeptAnswer("1", now), "http://b": KeptAnswer("old", now - 5)}, now)
    write_answers(file, {"http://b": KeptAnswer("new", now), "http://c": KeptAnswer("3", now)}, now)
    write_answers(file, {"http://b": KeptAnswer("older", now - 9)}, now)
    assert {origin: answer.text for origin, answer in read_answers(file, now).items()} == {
        "http://a": "1",
        "http://b": "new",
        "http://c": "3",
    }


def test_an_answer_from_the_future_is_not_believed(tmp_path: Path) -> None:
    file = tmp_path / "robots.json"
    write_answers(file, {"http://a": KeptAnswer("", 2000.0)}, 2000.0)
    assert read_answers(file, 1990.0)
    assert not read_answers(file, 1000.0)


@given(st.text(max_size=300) | st.lists(st.sampled_from(LINES), max_size=12).map("\n".join))
def test_what_is_kept_of_a_file_makes_the_same_rules(text: str) -> None:
    rules = Rules(RobotsFile(200, text.encode("utf-8", "replace")))
    again = Rules(RobotsFile(200, rules.text.encode()))
    assert (again.text, again.crawl_delay, again.sitemaps) == (rules.text, rules.crawl_delay, rules.sitemaps)
    for path in ("/", "/a", "/a/b", "/x"):
        assert allowed(again, path) is allowed(rules, path)


def test_waiting_for_robots_txt_of_a_busy_fetcher_is_free() -> None:
    """One slot for all, taken by sites that do not answer: the one that does must not run out of time meanwhile."""
    dead = {f"/{number}": Reply(delay=9) for number in range(3)}
    with HTTPServer({**dead, "/robots.txt": Reply(delay=0.3)}, host="0.0.0.0") as slow, HTTPServer() as quick:
        quick.routes["/"] = Reply()
        settings = SETTINGS.model_copy(update={"timeout": 0.5, "concurrency": 1})
        hosts = ("127.0.0.1", "127.0.0.2")
        requests = [FetchRequest(f"http://{host}:{slow.port}{path}") for host in hosts for path in dead]
        *late, result = fetch_all([*requests, FetchRequest(quick.url("/"))], settings)
    assert {type(answer) for answer in late} == {FetchTimeout}
    assert isinstance(result, Response)


# Sitemaps


def test_sitemaps_are_told_from_the_same_answer() -> None:
    text = "Sitemap: https://example.com/a.xml\nUser-agent: x\nsitemap : /b.xml # ours\nSITEMAP: javascript:x\nSitemap:"
    broken = Reply(500)
    with (
        HTTPServer({"/robots.txt": Reply(body=text.encode()), "/": Reply()}) as server,
        HTTPServer({"/robots.txt": broken}) as failing,
        FetchSession(SETTINGS) as session,
    ):
        session.fetch_all([FetchRequest(server.url("/"))])
        found = session.sitemaps([server.url("/any"), failing.url("/"), "http://10.0.0.1/", "file:///etc/passwd"])
        assert found == [("https://example.com/a.xml", server.url("/b.xml")), (), (), ()]
        assert server.count("/robots.txt") == 1


def test_sitemaps_have_an_end() -> None:
    text = "".join(f"Sitemap: https://example.com/{number}.xml\n" for number in range(5000))
    assert len(Rules(RobotsFile(200, text.encode())).sitemaps) == MAX_SITEMAPS


def test_redirects_go_across_hosts_and_the_rules_hold_where_they_were_asked_for() -> None:
    with HTTPServer() as first, HTTPServer(host="127.0.0.2") as second:
        first.routes |= {"/robots.txt": Reply(301, headers={"Location": second.url("/1")}), "/": Reply()}
        for hop in range(1, 5):
            second.routes[f"/{hop}"] = Reply(302, headers={"Location": f"/{hop + 1}"})
        second.routes |= {"/5": Reply(body=b"User-agent: *\nDisallow: /"), "/": Reply()}
        assert isinstance(one(first.url("/")), RobotsDisallowed)
        assert isinstance(one(second.url("/")), Response)
        # The sixth redirect is one too many, and what can't be reached by five forbids nothing.
        second.routes |= {"/5": Reply(302, headers={"Location": "/6"}), "/6": Reply(body=b"User-agent: *\nDisallow: /")}
        assert isinstance(one(first.url("/")), Response)

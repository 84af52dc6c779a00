"""The fetcher's manners against a real server on loopback: gaps between requests, and what is tried again and when."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import pytest
from fetch_cases import HOSTS, LONG, SHARE, get, redirect, settings

from clampdown.proofs.webserver import HTTPServer, Reply
from pipeline.errors import (
    FetchTimeout,
    HTTPStatusError,
)
from pipeline.fetch import FetchSession, fetch_all
from pipeline.types import FetchRequest, Response


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer() as running:
        yield running


# Manners


def test_one_host_is_asked_one_at_a_time_with_a_gap(server: HTTPServer) -> None:
    server.routes |= {f"/{number}": Reply(delay=0.03) for number in range(6)}
    fetch_all([FetchRequest(server.url(path)) for path in server.routes], settings(host_gap=0.15))
    times = [hit.at for hit in server.hits]
    assert len(times) == 7
    assert all(later - earlier > 0.15 * SHARE for earlier, later in pairwise(times))
    assert (server.busiest, server.connections) == (1, 1)


def test_the_gap_lasts_from_call_to_call_of_a_session(server: HTTPServer) -> None:
    server.routes["/"] = Reply()
    with FetchSession(settings(host_gap=0.3)) as session:
        for _ in range(2):
            session.fetch_all([FetchRequest(server.url("/"))])
    first, second = (hit.at for hit in server.pages)
    assert second - first > 0.3 * SHARE
    assert (server.connections, server.count("/robots.txt")) == (1, 1)


def test_without_a_gap_a_host_gets_four_at_once() -> None:
    with HTTPServer({f"/{number}": Reply(delay=0.05) for number in range(20)}) as server:
        fetch_all([FetchRequest(server.url(path)) for path in server.routes], settings())
        assert server.busiest == 4


def test_hosts_do_not_wait_for_each_other_but_for_the_limit_over_all() -> None:
    with HTTPServer({f"/{number}": Reply(delay=0.05) for number in range(4)}, host="0.0.0.0") as server:
        requests = [FetchRequest(f"http://{host}:{server.port}{path}") for host in HOSTS for path in server.routes]
        fetch_all(requests, settings(host_gap=0.01, concurrency=5))
        assert server.busiest == 5
        server.busiest = 0
        fetch_all(requests, settings(host_gap=0.01))
        assert 5 < server.busiest <= len(HOSTS)


# Tries


def flaky(*replies: Reply) -> Any:
    rest = list(replies)
    return lambda hit: rest.pop(0) if len(rest) > 1 else rest[0]


@pytest.mark.parametrize("failure", [Reply(503), Reply(500), Reply(raw=b""), Reply(raw=b"HTTP/1.1 200 OK\r\n")])
def test_failures_that_can_heal_are_tried_again(server: HTTPServer, failure: Reply) -> None:
    server.routes["/"] = flaky(failure, Reply(body=b"healed"))
    assert isinstance(get(server.url("/"), retries=1), Response)
    assert server.count("/") == 2


@pytest.mark.parametrize(("reply", "tries"), [(Reply(404), 1), (Reply(403), 1), (Reply(raw=b""), 3), (Reply(502), 3)])
def test_tries_are_counted_and_what_can_not_heal_is_tried_once(server: HTTPServer, reply: Reply, tries: int) -> None:
    server.routes["/"] = reply
    get(server.url("/"), retries=2)
    assert server.count("/") == tries


def test_without_retries_nothing_is_asked_for_twice(server: HTTPServer) -> None:
    """The HTTP library would try once more on its own, without a turn at the host."""
    server.routes |= {"/": Reply(raw=b""), "/a": Reply()}
    fetch_all([FetchRequest(server.url("/a")), FetchRequest(server.url("/"))], settings(host_gap=0.01))
    assert server.count("/") == 1


def test_tries_end_with_the_time(server: HTTPServer) -> None:
    server.routes["/"] = Reply(500)
    start = time.monotonic()
    assert isinstance(get(server.url("/"), retries=200, timeout=1), (HTTPStatusError, FetchTimeout))
    assert time.monotonic() - start < LONG


def test_a_short_retry_after_is_waited_for_by_all_that_go_there(server: HTTPServer) -> None:
    server.routes |= {"/": flaky(Reply(429, headers={"Retry-After": "1"}), Reply()), "/b": Reply()}
    requests = [FetchRequest(server.url("/")), FetchRequest(server.url("/b"))]
    results = fetch_all(requests, settings(retries=1, host_gap=0.01))
    assert all(isinstance(result, Response) for result in results)
    refused, *later = server.pages
    assert len(later) == 2
    assert all(hit.at - refused.at > 1 * SHARE for hit in later)


def test_a_refusal_that_comes_after_the_gap_holds_back_the_next_in_the_queue(server: HTTPServer) -> None:
    """The gap is over when the answer comes: the next request must not slip out before it is heeded."""
    server.routes |= {"/": Reply(503, headers={"Retry-After": "1"}, delay=0.1), "/b": Reply()}
    fetch_all([FetchRequest(server.url("/")), FetchRequest(server.url("/b"))], settings(host_gap=0.02))
    refused, later = server.pages
    assert later.at - refused.at > 1.1 * SHARE


def test_a_long_retry_after_leaves_the_host_alone(server: HTTPServer) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
    server.routes |= {"/": Reply(503, headers={"Retry-After": at}), "/b": Reply()}
    with FetchSession(settings(retries=3, host_gap=0.01)) as session:
        results = session.fetch_all([FetchRequest(server.url("/")), FetchRequest(server.url("/b"))])
        results += session.fetch_all([FetchRequest(server.url("/c"))])
    for result in results:
        assert isinstance(result, HTTPStatusError)
        assert result.status == 503
        assert result.retry_after == pytest.approx(7200, abs=10)
    assert [hit.target for hit in server.pages] == ["/"]


def test_too_many_requests_without_a_time_leaves_the_host_alone_for_a_while(server: HTTPServer) -> None:
    server.routes |= {"/": Reply(429), "/b": Reply(), "/c": Reply(500)}
    requests = [FetchRequest(server.url(path)) for path in ("/c", "/", "/b", "/b")]
    results = fetch_all(requests, settings(retries=3, host_gap=0.01, timeout=3))
    assert [result.status for result in results if isinstance(result, HTTPStatusError)][1:] == [429, 429, 429]
    assert server.count("/") == 1
    assert server.count("/b") == 0


def test_a_host_is_one_host_at_every_port_and_with_a_dot_at_its_end() -> None:
    async def home(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    routes = {f"/{number}": Reply() for number in range(2)}
    with HTTPServer(routes) as one, HTTPServer(routes) as two:
        hosts = ("a.example", "a.example.")
        urls = [f"http://{host}:{server.port}/{n}" for server in (one, two) for host in hosts for n in range(2)]
        fetch = settings(host_gap=0.1, allow_hosts=("a.example",))
        with FetchSession(fetch, resolve=home) as session:
            assert all(isinstance(result, Response) for result in session.fetch_all(list(map(FetchRequest, urls))))
        times = sorted(hit.at for hit in [*one.hits, *two.hits])
        assert all(later - earlier > 0.1 * SHARE for earlier, later in pairwise(times))


def test_the_gap_holds_across_redirects(server: HTTPServer) -> None:
    server.routes |= {f"/{number}": redirect(302, f"/{number + 1}") for number in range(3)}
    server.routes |= {"/3": Reply(), "/a": Reply(), "/b": Reply()}
    requests = [FetchRequest(server.url(path)) for path in ("/0", "/a", "/b")]
    assert all(isinstance(result, Response) for result in fetch_all(requests, settings(host_gap=0.1)))
    times = [hit.at for hit in server.hits]
    assert len(times) == 7
    assert all(later - earlier > 0.1 * SHARE for earlier, later in pairwise(times))
    assert server.busiest == 1


@pytest.mark.parametrize("value", ["", "soon", "-5", "1.5", "Thu, 99 Foo 2025", "9" * 400])
def test_a_retry_after_that_says_nothing_is_none(server: HTTPServer, value: str) -> None:
    server.routes["/"] = Reply(429, headers={"Retry-After": value})
    result = get(server.url("/"))
    assert isinstance(result, HTTPStatusError)
    assert result.retry_after is None

"""The fetcher against a real server on loopback: statuses, redirects, limits, headers, and what reaches the caller."""

import asyncio
import gzip
import os
import re
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from certificates import Certificates, certificates, tls
from fetch_cases import LONG, get, redirect, settings

from clampdown.proofs.webserver import Hit, HTTPServer, Reply
from pipeline.errors import (
    AddressRefused,
    FetchError,
    FetchTimeout,
    HTTPStatusError,
    NetworkError,
    SettingsError,
    TooLarge,
)
from pipeline.fetch import Fetcher, FetchSession, fetch_all, user_agent
from pipeline.types import FetchRequest, Response


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer() as running:
        yield running


# Statuses


def test_a_page_comes_with_its_headers_and_undecoded_bytes(server: HTTPServer) -> None:
    body = "Dürfen wir?".encode("cp1252")
    server.routes["/a?b=c"] = Reply(body=body, headers={"Content-Type": "text/html; charset=cp1252", "ETag": '"1"'})
    before = datetime.now(UTC)
    result = get(server.url("/a?b=c#part"))
    assert isinstance(result, Response)
    assert result.url == result.final_url == server.url("/a?b=c#part")
    assert (result.status, result.body, result.moved_to) == (200, body, None)
    assert result.headers == (("Content-Type", "text/html; charset=cp1252"), ("ETag", '"1"'))
    assert before <= result.fetched_at <= datetime.now(UTC)


def test_a_conditional_request_may_end_in_304(server: HTTPServer) -> None:
    def route(hit: Hit) -> Reply:
        known = hit.headers.get("If-None-Match") == '"1"' and hit.headers["If-Modified-Since"].startswith("Thu")
        return Reply(304, headers={"ETag": '"1"'}) if known else Reply(body=b"new")

    server.routes["/"] = route
    result = get(server.url("/"), etag='"1"', modified="Thu, 06 Feb 2025 08:00:00 GMT")
    assert isinstance(result, Response)
    assert (result.status, result.body, result.header("etag")) == (304, b"", '"1"')


def test_a_304_that_was_not_asked_for_is_an_error(server: HTTPServer) -> None:
    server.routes["/"] = Reply(304)
    result = get(server.url("/"))
    assert isinstance(result, HTTPStatusError)
    assert (result.status, result.retryable) == (304, False)


@pytest.mark.parametrize(("status", "heals"), [(400, False), (403, False), (404, False), (410, False), (500, True)])
def test_other_statuses_are_errors(server: HTTPServer, status: int, heals: bool) -> None:
    server.routes["/"] = Reply(status, b"sorry")
    result = get(server.url("/"))
    assert isinstance(result, HTTPStatusError)
    assert (result.status, result.retryable, result.url) == (status, heals, server.url("/"))


# Limits


def test_every_kind_of_delay_ends_in_time(server: HTTPServer) -> None:
    server.routes |= {
        "/late": Reply(delay=120),
        "/drip": Reply(body=b"x" * 12_000, drip=0.01),
        "/drip-head": Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" * 90, drip=0.05),
        "/hops": Reply(302, headers={"Location": "/hops/2"}, delay=0.2),
        "/hops/2": redirect(302, "/late"),
    }
    start = time.monotonic()
    results = fetch_all([FetchRequest(server.url(path)) for path in server.routes], settings(timeout=0.5))
    assert time.monotonic() - start < LONG
    assert {type(result) for result in results} == {FetchTimeout}
    assert [result.url for result in results] == [server.url(path) for path in server.routes]


def test_waiting_for_a_turn_is_free(server: HTTPServer) -> None:
    server.routes |= {f"/{number}": Reply(delay=0.05) for number in range(10)}
    results = fetch_all([FetchRequest(server.url(path)) for path in server.routes], settings(host_gap=0.1, timeout=0.4))
    assert all(isinstance(result, Response) for result in results)


def test_a_bomb_is_too_large_and_costs_little(server: HTTPServer) -> None:
    server.routes["/"] = Reply(body=gzip.compress(bytes(50_000_000)), headers={"Content-Encoding": "gzip"})
    tracemalloc.start()
    result = get(server.url("/"), max_bytes=1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(result, TooLarge)
    assert peak < 8_000_000


def test_the_cap_is_exact_however_the_length_is_told(server: HTTPServer) -> None:
    body = b"x" * 1000
    chunks = b"".join(b"64\r\n" + body[start : start + 100] + b"\r\n" for start in range(0, 1000, 100)) + b"0\r\n\r\n"
    server.routes |= {
        "/length": Reply(body=body),
        "/chunked": Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks),
        "/close": Reply(raw=b"HTTP/1.1 200 OK\r\n\r\n" + body),
    }
    for path in list(server.routes):
        fits, passes = get(server.url(path), max_bytes=1000), get(server.url(path), max_bytes=999)
        assert isinstance(fits, Response)
        assert fits.body == body
        assert isinstance(passes, TooLarge)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab and more than was told",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: compress\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
        b"\x00" * 100_000,
        b"HTTP/9.9 abc def\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX\x1b[31m\xff\n\n: y\r\n\r\n",
    ],
    ids=lambda raw: re.sub(r"\W+", "-", raw[:60].decode("latin-1")),
)
def test_answers_that_are_no_http_are_network_errors(server: HTTPServer, raw: bytes) -> None:
    server.routes["/"] = Reply(raw=raw)
    result = get(server.url("/"), timeout=2)
    assert type(result) is NetworkError
    assert 0 < len(str(result)) < 300
    assert str(result).isprintable()


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.0 200 OK\r\n\r\nbody",
        b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\nConnection: keep-alive\r\n\r\nbody",
        b"HTTP/1.1 200\r\nContent-Length: 4\r\n\r\nbody",
        b"HTTP/1.1 200 OK\nContent-Length: 4\n\nbody",
        b"HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 4\r\n\r\nbody",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
    ],
    ids=["1.0", "1.0 keep-alive", "no reason", "bare line feeds", "folded header", "1xx first"],
)
def test_old_and_odd_but_clear_answers_are_read(server: HTTPServer, raw: bytes) -> None:
    server.routes["/"] = Reply(raw=raw)
    result = get(server.url("/"), timeout=2)
    assert isinstance(result, Response)
    assert result.body == b"body"


def test_a_flood_of_interim_answers_ends_in_time(server: HTTPServer) -> None:
    server.routes["/"] = Reply(raw=b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 500_000)
    start = time.monotonic()
    assert isinstance(get(server.url("/"), timeout=0.5), FetchTimeout | NetworkError)
    assert time.monotonic() - start < LONG


def test_a_connection_is_kept_over_errors_and_redirects_with_bodies(server: HTTPServer) -> None:
    page = b"x" * 2000
    server.routes |= {"/a": Reply(404, page), "/b": Reply(301, page, {"Location": "/c"}), "/c": Reply(body=page)}
    fetch_all([FetchRequest(server.url(path)) for path in ("/a", "/b", "/c")], settings(host_gap=0.01))
    assert (len(server.pages), server.connections) == (4, 1)


@pytest.mark.parametrize("held", [0.0, 0.1], ids=["with the head", "after the head"])
def test_an_answer_left_in_the_connection_is_nobody_elses(server: HTTPServer, held: float) -> None:
    """What comes after a body must not be taken for the answer to the next request."""
    planted = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nplanted"
    reply = Reply(body=b"body" + planted, headers={"Content-Length": "4"}, held=held)
    server.routes |= {"/a": reply, "/b": Reply(body=b"b")}
    results = fetch_all([FetchRequest(server.url(path)) for path in ("/a", "/b")], settings(host_gap=0.05))
    assert [result.body for result in results if isinstance(result, Response)] == [b"body", b"b"]


def test_hosts_that_are_not_there_are_network_errors(server: HTTPServer) -> None:
    with HTTPServer() as gone:
        dead = gone.url("/")
    assert type(get(dead)) is NetworkError
    assert type(get(server.url("/").replace("http:", "https:"), timeout=1)) in (NetworkError, FetchTimeout)
    long_name = get(f"http://{'a' * 70}.example/")
    assert type(long_name) is NetworkError


@pytest.fixture
def certificate(tmp_path: Path) -> Certificates:
    return certificates(tmp_path)


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(certificate: Certificates) -> None:
    with HTTPServer({"/": Reply(body=b"secure")}, tls=tls(certificate("127.0.0.1"))) as server:
        result = get(server.url("/"))
        assert type(result) is NetworkError
        assert "certificate" in str(result)
        assert server.hits == []


FETCH_IN_A_PROCESS = """
import sys
from pipeline.fetch import fetch_all
from pipeline.settings import FetchSettings
from pipeline.types import FetchRequest
settings = FetchSettings(host_gap=0, timeout=5, retries=0, allow_hosts=("127.0.0.1",))
for result in fetch_all([FetchRequest(url) for url in sys.argv[1:]], settings):
    print(type(result).__name__, getattr(result, "body", b"").decode() or result)
"""


def test_a_certificate_is_trusted_where_its_authority_is_and_for_its_host_and_time_only(
    certificate: Certificates, tmp_path: Path
) -> None:
    page = {"/": Reply(body=b"secure")}
    with (
        HTTPServer(page, tls=tls(certificate("127.0.0.1"))) as good,
        HTTPServer(page, tls=tls(certificate("127.0.0.2"))) as other_host,
        HTTPServer(page, tls=tls(certificate("127.0.0.1", days=-1))) as expired,
    ):
        # The library reads the system's authorities once, when it is imported.
        done = subprocess.run(
            [sys.executable, "-c", FETCH_IN_A_PROCESS, *(server.url("/") for server in (good, other_host, expired))],
            env={**os.environ, "SSL_CERT_FILE": str(tmp_path / "ca.pem")},
            capture_output=True,
            text=True,
            check=True,
        )
        assert other_host.hits == expired.hits == []
    first, second, third = done.stdout.splitlines()
    assert first == "Response secure"
    assert re.search("NetworkError.*IP address mismatch", second)
    assert re.search("NetworkError.*expired", third)


# Headers


def test_we_say_who_we_are_and_what_we_can_decode(server: HTTPServer) -> None:
    server.routes["/"] = Reply()
    fetch_all([FetchRequest(server.url("/"), accept="text/html")], settings(contact="https://example.org/bot"))
    for hit in server.hits:
        assert re.fullmatch(r"Clampdown/[\d.]+ \(\+https://example\.org/bot\)", hit.headers["User-Agent"])
        assert hit.headers["Accept-Encoding"] == "gzip, deflate, br, zstd"
        assert not {"Cookie", "Authorization", "Referer"} & set(hit.headers)
    assert server.pages[0].headers["Accept"] == "text/html"


@pytest.mark.parametrize("contact", ["a\r\nX: y", "a\x00", "ä"])
def test_a_contact_that_fits_no_header_is_a_settings_error(contact: str) -> None:
    with pytest.raises(SettingsError, match=r"fetch\.contact"):
        user_agent(contact)


@pytest.mark.parametrize("value", ['"1"\r\nX-Injected: yes', "\x00", "a\nb", "\x85"])
def test_request_headers_with_control_characters_are_refused(server: HTTPServer, value: str) -> None:
    assert isinstance(get(server.url("/"), etag=value), AddressRefused)
    assert isinstance(get(server.url("/"), modified=value), AddressRefused)
    assert server.connections == 0


def test_response_headers_come_clean(server: HTTPServer) -> None:
    head = b"HTTP/1.1 200 OK\r\nX-Utf: caf\xc3\xa9\r\nX-Latin: caf\xe9\r\nX-Control: a\x01b\r\nX-Space:   c  \r\n\r\n"
    server.routes["/"] = Reply(raw=head)
    result = get(server.url("/"))
    assert isinstance(result, Response)
    assert result.headers == (("X-Utf", "café"), ("X-Latin", "café"), ("X-Control", "a b"), ("X-Space", "c"))


def test_cookies_are_forgotten(server: HTTPServer) -> None:
    server.routes["/"] = Reply(headers={"Set-Cookie": "id=1"})
    fetch_all([FetchRequest(server.url("/")), FetchRequest(server.url("/"))], settings(host_gap=0.01))
    assert all("Cookie" not in hit.headers for hit in server.hits)


# What reaches the caller


def test_results_keep_the_order_and_are_told_in_the_callers_thread(server: HTTPServer) -> None:
    server.routes |= {f"/{number}": Reply(body=str(number).encode(), delay=0.1 - number / 50) for number in range(4)}
    told: list[tuple[int, Response | FetchError]] = []
    threads = set()

    def on_result(index: int, result: Response | FetchError) -> None:
        told.append((index, result))
        threads.add(threading.current_thread())

    paths = [*server.routes, "/missing"]
    results = fetch_all([FetchRequest(server.url(path)) for path in paths], settings(), on_result)
    bodies = [result.body for result in results if isinstance(result, Response)]
    assert bodies == [b"0", b"1", b"2", b"3"]
    assert isinstance(results[4], HTTPStatusError)
    assert sorted(told, key=lambda pair: pair[0]) == list(enumerate(results))
    assert threads == {threading.current_thread()}


def test_errors_as_results_carry_no_stacks(server: HTTPServer) -> None:
    server.routes["/dead"] = Reply(raw=b"")
    for path in ("/dead", "/404"):
        result = get(server.url(path))
        assert isinstance(result, FetchError)
        assert (result.__traceback__, result.__cause__, result.__context__) == (None, None, None)


def test_nothing_to_fetch_is_nothing() -> None:
    assert fetch_all([], settings()) == []


def test_a_failing_callback_ends_the_call_and_not_the_session(server: HTTPServer) -> None:
    server.routes |= {"/": Reply(), "/slow": Reply(delay=120)}

    def on_result(index: int, result: Response | FetchError) -> None:
        raise KeyboardInterrupt

    start = time.monotonic()
    with FetchSession(settings()) as session:
        with pytest.raises(KeyboardInterrupt):
            session.fetch_all([FetchRequest(server.url("/")), FetchRequest(server.url("/slow"))], on_result)
        (result,) = session.fetch_all([FetchRequest(server.url("/"))])
    assert isinstance(result, Response)
    assert time.monotonic() - start < LONG


def test_it_works_where_an_event_loop_runs(server: HTTPServer) -> None:
    server.routes["/"] = Reply(body=b"a")

    async def main() -> list[Response | FetchError]:
        request = FetchRequest(server.url("/"))
        inside = fetch_all([request], settings())
        beside = await asyncio.to_thread(fetch_all, [request], settings())
        async with Fetcher(settings()) as fetcher:
            own = await fetcher.get(request)
            with pytest.raises(HTTPStatusError):
                await fetcher.get(FetchRequest(server.url("/missing")))
        return [*inside, *beside, own]

    results = asyncio.run(main())
    assert [result.body for result in results if isinstance(result, Response)] == [b"a"] * 3

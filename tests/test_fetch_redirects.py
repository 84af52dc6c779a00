"""Redirects: they are followed, remembered where they are for good, and end."""

from collections.abc import Iterator

import pytest
from fetch_cases import get, redirect

from clampdown.proofs.webserver import HTTPServer, Reply
from pipeline.errors import (
    AddressRefused,
    FetchError,
    HTTPStatusError,
    TooManyRedirects,
)
from pipeline.types import Response


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer() as running:
        yield running


def test_a_chain_that_begins_with_permanent_redirects_says_where_they_lead(server: HTTPServer) -> None:
    server.routes |= {
        "/a": redirect(301, "/b"),
        "/b": redirect(308, "c?x=1#part"),
        "/c?x=1": redirect(302, server.url("/d")),
        "/d": redirect(301, "/e"),
        "/e": Reply(body=b"here"),
    }
    result = get(server.url("/a"))
    assert isinstance(result, Response)
    assert (result.url, result.final_url) == (server.url("/a"), server.url("/e"))
    assert result.moved_to == server.url("/c?x=1")
    later = get(server.url("/c?x=1"))
    assert isinstance(later, Response)
    assert later.moved_to is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_kind_of_redirect_is_followed(server: HTTPServer, status: int) -> None:
    server.routes |= {"/a": redirect(status, "b"), "/b": Reply(body=b"b")}
    result = get(server.url("/a"))
    assert isinstance(result, Response)
    assert (result.moved_to is not None) == (status in (301, 308))


def test_conditions_go_along_with_a_redirect(server: HTTPServer) -> None:
    server.routes |= {"/a": redirect(301, "/b"), "/b": Reply(304)}
    result = get(server.url("/a"), etag='"1"')
    assert isinstance(result, Response)
    assert (result.status, result.moved_to) == (304, server.url("/b"))


def test_loops_and_long_chains_end(server: HTTPServer) -> None:
    server.routes |= {"/loop": redirect(302, "/pool"), "/pool": redirect(302, "/loop"), "/self": redirect(301, "/self")}
    server.routes |= {f"/{number}": redirect(302, f"/{number + 1}") for number in range(20)}
    for path in ("/loop", "/self", "/0"):
        assert isinstance(get(server.url(path)), TooManyRedirects)
    assert [hit.target for hit in server.pages if hit.target[1:].isdigit()] == ["/0", "/1", "/2", "/3", "/4", "/5"]
    assert isinstance(get(server.url("/19"), max_redirects=0), TooManyRedirects)


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        ("file:///etc/passwd", AddressRefused),
        ("ftp://example.com/", AddressRefused),
        ("http://10.0.0.1/", AddressRefused),
        ("http://example.com:25/", AddressRefused),
        ("http://user@127.0.0.1/", AddressRefused),
        ("http://[::1", TooManyRedirects),
        ("http://", TooManyRedirects),
    ],
)
def test_unusable_redirects_end_with_the_url_that_was_asked_for(
    server: HTTPServer, location: str, kind: type[FetchError]
) -> None:
    server.routes["/"] = redirect(302, location)
    result = get(server.url("/"))
    assert type(result) is kind
    assert result.url == server.url("/")


def test_a_redirect_to_nowhere_is_an_error(server: HTTPServer) -> None:
    server.routes["/"] = Reply(302)
    assert isinstance(get(server.url("/")), TooManyRedirects)


def test_an_error_at_the_end_of_a_chain_names_both_ends(server: HTTPServer) -> None:
    server.routes["/a"] = redirect(302, "/gone")
    result = get(server.url("/a"))
    assert isinstance(result, HTTPStatusError)
    assert result.url == server.url("/a")
    assert str(result) == f"status 404 (redirected to {server.url('/gone')})"

"""No fetch reaches a private address: spellings, redirects and resolvers that lie, against a trap that counts."""

import ipaddress
import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clampdown.proofs.ssrf import NAMES, PUBLIC_ADDRESSES, SPELLINGS
from clampdown.proofs.webserver import HTTPServer, Reply
from pipeline.addresses import Address, Guard, refusal
from pipeline.errors import AddressRefused, FetchError, NetworkError, SettingsError, TooManyRedirects
from pipeline.fetch import FetchSession
from pipeline.settings import FetchSettings
from pipeline.types import FetchRequest, Response

FAST = FetchSettings(host_gap=0, timeout=5, retries=0)


async def resolve(host: str, port: int) -> list[str]:
    if host in NAMES:
        return NAMES[host]
    raise OSError("no such name")


@pytest.fixture
def trap() -> Iterator[HTTPServer]:
    """A server on every IPv4 address of this machine that nobody may connect to."""
    with HTTPServer(host="0.0.0.0") as server:
        yield server
        assert server.connections == 0


def one(results: list[Response | FetchError]) -> Response | FetchError:
    (result,) = results
    return result


def test_no_spelling_of_a_private_address_is_connected_to(trap: HTTPServer) -> None:
    guard = Guard(ports={trap.port})
    with FetchSession(FAST, guard=guard, resolve=resolve) as session:
        results = session.fetch_all([FetchRequest(f"http://{host}:{trap.port}/") for host in SPELLINGS])
    assert {type(result) for result in results} == {AddressRefused}


def test_no_redirect_leads_to_a_private_address(trap: HTTPServer) -> None:
    with HTTPServer() as open_server:
        open_server.routes = {
            f"/{number}": Reply(302, headers={"Location": f"//{host}:{trap.port}/"})
            for number, host in enumerate(SPELLINGS)
            if host.isascii()
        }
        guard = Guard((f"127.0.0.1:{open_server.port}",), ports={trap.port})
        with FetchSession(FAST, guard=guard, resolve=resolve) as session:
            results = session.fetch_all([FetchRequest(open_server.url(path)) for path in open_server.routes])
    assert len(results) > 55
    assert {type(result) for result in results} <= {AddressRefused, TooManyRedirects}


def test_no_name_that_resolves_to_a_private_address_is_connected_to(trap: HTTPServer) -> None:
    literals = [spelling.strip("[]") for spelling in SPELLINGS]
    addresses = []
    for literal in literals:
        try:
            addresses.append(str(ipaddress.ip_address(literal)))
        except ValueError:
            continue  # an odd spelling, which no resolver answers with
    assert len(addresses) > 35

    async def lie(host: str, port: int) -> list[str]:
        return [addresses[int(host.partition(".")[0][1:])]]

    with FetchSession(FAST, guard=Guard(ports={trap.port}), resolve=lie) as session:
        results = session.fetch_all(
            [FetchRequest(f"http://n{number}.example:{trap.port}/") for number in range(len(addresses))]
        )
    assert {type(result) for result in results} == {AddressRefused}


def only_first_loopback_is_public(address: Address) -> str | None:
    return None if str(address) == "127.0.0.1" else "private"


def test_a_name_that_resolves_anew_is_checked_anew() -> None:
    """Rebinding: the first answer is a public address (which 127.0.0.1 plays), every later one a private one."""
    with HTTPServer() as public, HTTPServer(host="127.0.0.2", port=public.port) as trap:
        public.routes["/"] = Reply(body=b"public", headers={"Connection": "close"})
        answers = itertools.chain([["127.0.0.1"]], itertools.repeat(["127.0.0.2"]))
        asked = 0

        async def rebind(host: str, port: int) -> list[str]:
            nonlocal asked
            asked += 1
            return next(answers)

        guard = Guard(ports={public.port}, refusal=only_first_loopback_is_public)
        url = f"http://rebind.example:{public.port}/"
        with FetchSession(FAST, guard=guard, resolve=rebind) as session:
            first = one(session.fetch_all([FetchRequest(url)]))
            # robots.txt and the page came over one connection, to the one address that was asked for and checked.
            assert isinstance(first, Response)
            assert (first.body, asked, public.connections) == (b"public", 1, 1)
            second = one(session.fetch_all([FetchRequest(url)]))
        assert isinstance(second, AddressRefused)
        assert (asked, public.connections, trap.connections) == (2, 1, 0)


def test_of_a_mixed_answer_only_the_public_addresses_are_used() -> None:
    with HTTPServer() as public, HTTPServer(host="127.0.0.2", port=public.port) as trap:
        public.routes["/"] = Reply(body=b"public")

        async def both(host: str, port: int) -> list[str]:
            return ["127.0.0.2", "127.0.0.1", "127.0.0.2"]

        guard = Guard(ports={public.port}, refusal=only_first_loopback_is_public)
        with FetchSession(FAST, guard=guard, resolve=both) as session:
            result = one(session.fetch_all([FetchRequest(f"http://mixed.example:{public.port}/")]))
        assert isinstance(result, Response)
        assert trap.connections == 0


def test_a_socket_is_refused_even_if_all_before_it_were_fooled(trap: HTTPServer) -> None:
    class Fooled(Guard):
        def admit_addresses(self, host: str, port: int, addresses: object) -> list[str]:
            return ["127.0.0.1"]

    with FetchSession(FAST, guard=Fooled(ports={trap.port}), resolve=resolve) as session:
        result = one(session.fetch_all([FetchRequest(f"http://localhost:{trap.port}/")]))
    assert isinstance(result, NetworkError)
    assert "never admitted" in str(result)


def test_a_proxy_of_the_environment_is_not_used(trap: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would connect where the guard can't see."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{trap.port}")
    with HTTPServer({"/": Reply(body=b"direct")}, host="127.0.0.2") as server:
        guard = Guard((f"127.0.0.2:{server.port}",))
        with FetchSession(FAST, guard=guard) as session:
            result = one(session.fetch_all([FetchRequest(server.url("/"))]))
    assert isinstance(result, Response)


@pytest.mark.parametrize(
    ("allow", "refused"),
    [
        (("127.0.0.1",), "localhost"),
        (("localhost",), "127.0.0.1"),
        (("127.0.0.1:1",), "127.0.0.1"),
        ((), "127.0.0.1"),
    ],
)
def test_an_exception_frees_the_host_it_names_and_no_other(
    allow: tuple[str, ...], refused: str, trap: HTTPServer
) -> None:
    with FetchSession(FAST, guard=Guard(allow, ports={trap.port}), resolve=resolve) as session:
        result = one(session.fetch_all([FetchRequest(f"http://{refused}:{trap.port}/")]))
    assert isinstance(result, AddressRefused)
    assert result.hint is not None
    assert f"{refused}:{trap.port}" in result.hint


@pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.1:{}", " 127.0.0.1 "])
@pytest.mark.parametrize("spelling", ["127.0.0.1", "１２７.0.0.1"])
def test_an_exception_works_by_host_or_host_and_port(entry: str, spelling: str) -> None:
    with HTTPServer({"/": Reply(body=b"ours")}) as server:
        settings = FAST.model_copy(update={"allow_hosts": (entry.format(server.port),)})
        with FetchSession(settings) as session:
            result = one(session.fetch_all([FetchRequest(f"http://{spelling}:{server.port}/")]))
    assert isinstance(result, Response)


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("localhost:8000", "http://LOCALHOST.:8000/"),
        ("Intranet", "https://intranet:8443/feed"),
        ("[::1]:8000", "http://[::1]:8000/"),
        ("::1", "http://[0:0::1]:81/"),
        ("[::1]", "http://[::1]/"),
        ("bücher.example:81", "http://xn--bcher-kva.example:81/"),
    ],
)
def test_exceptions_may_be_spelt_as_operators_do(entry: str, url: str) -> None:
    Guard((entry,)).admit(url)


@pytest.mark.parametrize(
    "entry", ["", "http://localhost:8000", "localhost/feed", "me@localhost", "a:b", "a:99999", "[::"]
)
def test_an_exception_that_is_no_host_is_a_settings_error(entry: str) -> None:
    with pytest.raises(SettingsError, match=r"fetch\.allow_hosts"):
        Guard((entry,))


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.com/",
        "gopher://example.com/",
        "javascript:alert(1)",
        "data:text/html,x",
        "//example.com/",
        "example.com",
        "",
        "http://",
        "http:///path",
        "http://example.com:22/",
        "http://example.com:0/",
        "http://example.com:99999/",
        "http://user@example.com/",
        "http://user:password@example.com/",
        "http://:@example.com/",
        "http://example.com\\@127.0.0.1/",
        "http://exa mple.com/",
        "http://exa%00mple.com/",
        "http://example.com/\r\nHost: other",
        "http://example.com/\x00",
        "http://[::1/",
        "http://.example.com/",
        "http://example..com/",
    ],
)
def test_unusable_urls_are_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        Guard().admit(url)


@given(st.text(max_size=60) | st.from_regex(r"https?://[ -~]{1,40}", fullmatch=True))
def test_any_text_is_admitted_or_refused_and_what_is_admitted_is_public(url: str) -> None:
    guard = Guard()
    for base in (None, guard.admit("https://example.com/a/b")):
        try:
            admitted = guard.admit(url, base)
        except FetchError:
            continue
        assert admitted.scheme in ("http", "https")
        assert admitted.port in (80, 443)
        assert admitted.user is None
        assert admitted.raw_fragment == ""
        assert str(admitted).isascii()
        assert str(guard.admit(str(admitted))) == str(admitted)


@given(st.ip_addresses())
def test_what_is_called_public_is_global_and_carries_no_other_address(address: Address) -> None:
    if refusal(address) is not None:
        return
    assert address.is_global
    special = [address.is_multicast, address.is_reserved, address.is_loopback, address.is_private]
    assert not any(special)
    if isinstance(address, ipaddress.IPv6Address):
        assert address.ipv4_mapped is None
        assert address.sixtofour is None
        assert address.teredo is None


@pytest.mark.parametrize("text", PUBLIC_ADDRESSES)
def test_public_addresses_are_public(text: str) -> None:
    assert refusal(ipaddress.ip_address(text)) is None

"""No fetch reaches a private address, however it is spelt, redirected to or resolved.

A trap listens on loopback and counts who connects. One more loopback address, PUBLIC, plays the public internet: the
guard takes it for public and judges all others by its usual rule. Every socket that the fetcher opens is watched, too,
since most private addresses are not this machine's.
"""

import ipaddress
import itertools
import socket
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import Self

from clampdown.proofs.claims import Claim, Proof, Tell
from clampdown.proofs.webserver import HTTPServer, Reply
from pipeline.addresses import Address, Guard, refusal
from pipeline.errors import AddressRefused, FetchError, TooManyRedirects
from pipeline.fetch import FetchSession
from pipeline.settings import FetchSettings
from pipeline.types import FetchRequest, Response
from pipeline.wire import Resolve

# Hosts as a feed or a redirect may spell them. All but the last few mean this machine to some part of some stack.
SPELLINGS = tuple(
    """
    127.0.0.1 127.0.0.2 127.255.255.254 127.1 127.0.1 0177.0.0.1 0177.1 0x7f.0.0.1 0x7f.1 0x7f000001 0X7F000001
    2130706433 017700000001 00000177.0.0.1 127.000.000.001 127.0.0.1. 127.0.0.1.. 127.1. 2130706433. 0x7f.1. 0
    0.0.0.0 0.0.0.0. 00 0x0 0x 1 1.1 １２７.０.０.１ 127。0。0。1 ①②⑦.⓪.⓪.① 127．0．0．1
    %31%32%37.0.0.1 127%2e0%2e0%2e1 [::1]
    [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:0:127.0.0.1] [::127.0.0.1]
    [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b:1::7f00:1] [2002:7f00:1::] [2002:7f00:0001::1]
    [2001:0:7f00:1::] [fe80::1] [fe80::1%25lo] [::1%25lo] [fc00::1] [fd12::1] [fec0::1] [ff02::1] [100::1]
    [2001:db8::1] [3fff::1] [5f00::1] localhost localhost. LOCALHOST ｌocalhost ip6-localhost 10.0.0.1 172.16.0.1
    192.168.0.1 169.254.169.254 100.64.0.1 192.0.0.8 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 192.88.99.1
    224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
    """.split()  # noqa: SIM905 - a table of eighty reads better than a list
)

NAMES = {"localhost": ["127.0.0.1", "::1"], "localhost.": ["127.0.0.1"], "ip6-localhost": ["::1"]}
"""What those that are names stand for, whatever the machine's own resolver says."""

PUBLIC_ADDRESSES = (
    *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "93.184.216.34", "100.63.255.255", "100.128.0.0"),
    *("126.255.255.255", "128.0.0.1", "169.253.255.255", "172.15.255.255", "172.32.0.1", "192.167.255.255"),
    *("192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"),
    *("2001:4860:4860::8888", "2606:2800:220:1::1", "2a00:1450::1", "2003::1", "2c0f::1"),
)
"""Addresses of the public internet, most of them neighbours of a private range."""

SCHEMES = (
    *(
        "file:///etc/passwd",
        "ftp://example.com/",
        "gopher://example.com/",
        "dict://example.com/",
        "ldap://example.com/",
    ),
    *(
        "javascript:alert(1)",
        "data:text/html,x",
        "blob:https://example.com/1",
        "ws://example.com/",
        "wss://example.com/",
    ),
    *("about:blank", "view-source:http://example.com/", "jar:http://example.com/a", "unix:///run/socket", "tel:1"),
)
PORTS = (0, 1, 21, 22, 23, 25, 53, 110, 139, 445, 3306, 5432, 6379, 8000, 8080, 8443, 9200, 11211, 27017, 65535)
CREDENTIALS = ("user@", "user:password@", ":@", "user:@", "127.0.0.1@", "user%40host@", "a:b@c@")
INJECTIONS = ("\r\nX-Injected: yes", "\nX: y", "\r", "\x00", "\x1f", "\x7f", "\x85", "\r\n\r\nGET / HTTP/1.1")

PUBLIC = "127.0.0.9"
TRAPS = ("127.0.0.1", "127.0.0.2", "127.255.255.254", "::1")
STATUSES = (301, 302, 303, 307, 308)
ROUNDS = 20
"""How often the long form asks for each name that lies."""

SETTINGS = FetchSettings(host_gap=0, timeout=20, retries=0)


def prove(tell: Tell, *, short: bool) -> Proof:
    """Run the proof. The short form takes one kind of redirect and asks for each lying name once."""
    claims = [Claim("spellings of private addresses", str(len(set(SPELLINGS))), "≥ 60", len(set(SPELLINGS)) >= 60)]
    statuses, rounds = ((302,), 1) if short else (STATUSES, ROUNDS)
    with ExitStack() as stack:
        public = stack.enter_context(HTTPServer(host=PUBLIC))
        trap = stack.enter_context(Trap(public.port))
        stage = Stage(public, trap)
        steps = {
            "spelt": partial(_direct, stage),
            "redirected to": partial(_redirected, stage, statuses),
            "rebound": partial(_rebound, stage, rounds),
            "beside public ones": partial(_mixed, stage, rounds),
            "by scheme, port, credentials and header": partial(_other_ways, stage),
        }
        for title, step in steps.items():
            tell(f"private addresses {title}")
            claims += step()
        claims.append(_control(stage))
    claims.append(_still_admitted())
    return Proof("ssrf", tuple(claims))


class Trap:
    """Listens at `port` of this machine's private addresses, answers nobody, and counts who connected."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._sockets: list[socket.socket] = []
        self._connects = 0

    def __enter__(self) -> Self:
        for address in TRAPS:
            try:
                listening = socket.create_server(
                    (address, self._port), family=socket.AF_INET6 if ":" in address else socket.AF_INET, backlog=1024
                )
            except OSError:
                continue  # a machine without IPv6, or without this alias: nobody can connect there either
            listening.setblocking(False)
            self._sockets.append(listening)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for listening in self._sockets:
            listening.close()

    @property
    def connects(self) -> int:
        """The connections so far: the kernel has kept them, so that none is missed."""
        for listening in self._sockets:
            while True:
                try:
                    connection, _ = listening.accept()
                except BlockingIOError:
                    break
                connection.close()
                self._connects += 1
        return self._connects


class Stage:
    """The public server and the trap, and what was fetched between them."""

    def __init__(self, public: HTTPServer, trap: Trap) -> None:
        self.public = public
        self.trap = trap
        self.port = public.port

    def fetch(
        self,
        requests: Sequence[FetchRequest],
        resolve: Resolve,
        *,
        ports: Iterable[int] = (),
        allow: Iterable[str] = (),
    ) -> tuple[list[Response | FetchError], set[str]]:
        """Return how the requests ended, and the addresses for which sockets were opened."""
        guard = WatchedGuard(allow, ports={self.port, *ports}, refusal=_only_public)
        with FetchSession(SETTINGS, guard=guard, resolve=resolve) as session:
            return session.fetch_all(requests), guard.opened

    def claim(self, text: str, results: Sequence[object], good: Callable[[object], bool], opened: set[str]) -> Claim:
        """State that all `results` are as they should be, and that nobody was connected to but the public server."""
        right = sum(map(good, results))
        connects = self.trap.connects + len(opened - {PUBLIC})
        holds = bool(results) and right == len(results) and connects == 0
        return Claim(text, f"{right} of {len(results)}, connects: {connects}", "all, connects: 0", holds)


class WatchedGuard(Guard):
    """A guard that remembers for which addresses a socket was opened: it is asked last, before each."""

    def __init__(
        self, allow_hosts: Iterable[str], *, ports: Iterable[int], refusal: Callable[[Address], str | None]
    ) -> None:
        super().__init__(allow_hosts, ports=set(ports), refusal=refusal)
        self.opened: set[str] = set()

    def admits_socket(self, address: str, port: int) -> bool:
        admits = super().admits_socket(address, port)
        if admits:
            self.opened.add(address)
        return admits


def meaning(spelling: str) -> list[str]:
    """The addresses that a lying resolver gives for `spelling`: what it spells, or this machine's for an odd one."""
    if spelling in NAMES:
        return NAMES[spelling]
    literal = spelling.strip("[]").replace("%25", "%")
    try:
        found = ipaddress.ip_address(literal)
    except ValueError:
        return ["127.0.0.1"]
    return [str(found)]


def _only_public(address: Address) -> str | None:
    return None if str(address) == PUBLIC else refusal(address)


def _refused(result: object) -> bool:
    return type(result) is AddressRefused


async def _resolve(host: str, port: int) -> list[str]:
    if host in NAMES:
        return NAMES[host]
    raise OSError("no such name")


def _direct(stage: Stage) -> list[Claim]:
    requests = [FetchRequest(f"{scheme}://{host}:{stage.port}/") for scheme in ("http", "https") for host in SPELLINGS]
    results, opened = stage.fetch(requests, _resolve)
    return [stage.claim("asked for directly, by http and https: refused", results, _refused, opened)]


def _redirected(stage: Stage, statuses: Sequence[int]) -> list[Claim]:
    ways = [(status, host) for status in statuses for host in SPELLINGS]
    for number, (status, host) in enumerate(ways):
        # Header values are bytes; the server writes Latin-1, and publishers write UTF-8.
        location = f"//{host}:{stage.port}/".encode().decode("latin-1")
        stage.public.routes[f"/{number}"] = Reply(status, headers={"Location": location})
        stage.public.routes[f"/hop/{number}"] = Reply(status, headers={"Location": f"/{number}"})
    claims = []
    for text, path in (("redirected to", ""), ("redirected to by way of another redirect", "hop/")):
        requests = [FetchRequest(stage.public.url(f"/{path}{number}")) for number in range(len(ways))]
        results, opened = stage.fetch(requests, _resolve)
        claims.append(stage.claim(f"{text}: refused", results, _refused_on_the_way, opened))
    return claims


def _refused_on_the_way(result: object) -> bool:
    return type(result) in (AddressRefused, TooManyRedirects)


def _rebound(stage: Stage, rounds: int) -> list[Claim]:
    """The first answer, for robots.txt, is public; the second, for the page behind it, is not."""
    stage.public.routes["/robots.txt"] = Reply(404, headers={"Connection": "close"})
    asked: dict[str, int] = {}

    async def rebind(host: str, port: int) -> list[str]:
        asked[host] = asked.get(host, 0) + 1
        return [PUBLIC] if asked[host] == 1 else _lie(host)

    results, opened = stage.fetch(_lying_names(stage, rounds), rebind)
    claim = stage.claim("names that become private between robots.txt and page: refused", results, _refused, opened)
    rebound = sum(count == 2 for count in asked.values())
    counted = Claim("such names that were resolved twice", str(rebound), str(len(results)), rebound == len(results))
    return [claim, counted]


def _mixed(stage: Stage, rounds: int) -> list[Claim]:
    """Private and public addresses in one answer: only the public one is connected to."""
    stage.public.routes |= {"/robots.txt": Reply(404), "/": Reply(body=b"public")}

    async def both(host: str, port: int) -> list[str]:
        return [*_lie(host), PUBLIC, *_lie(host)]

    async def private(host: str, port: int) -> list[str]:
        return _lie(host)

    requests = _lying_names(stage, rounds)
    results, opened = stage.fetch(requests, both)
    fetched = stage.claim("names with private and public addresses: only these asked", results, _is_public, opened)
    results, opened = stage.fetch(requests, private)
    return [fetched, stage.claim("names with private addresses only: refused", results, _refused, opened)]


def _is_public(result: object) -> bool:
    return isinstance(result, Response) and result.body == b"public"


def _lying_names(stage: Stage, rounds: int) -> list[FetchRequest]:
    names = itertools.product(range(len(SPELLINGS)), range(rounds))
    return [FetchRequest(f"http://n{number}.r{turn}.example:{stage.port}/") for number, turn in names]


def _lie(host: str) -> list[str]:
    return meaning(SPELLINGS[int(host.partition(".")[0][1:])])


def _other_ways(stage: Stage) -> list[Claim]:
    async def public(host: str, port: int) -> list[str]:
        return [PUBLIC]

    stage.public.routes |= {
        f"/to/{number}": Reply(302, headers={"Location": location}) for number, location in enumerate(SCHEMES)
    }
    good, root = f"http://a.example:{stage.port}/", stage.public.url("/")
    urls = {
        "other schemes, direct and by redirect: refused": [
            *SCHEMES,
            *(stage.public.url(f"/to/{number}") for number in range(len(SCHEMES))),
        ],
        "other ports than the allowed: refused": [f"http://a.example:{port}/" for port in PORTS],
        "user names and passwords in addresses: refused": [
            f"http://{credentials}a.example:{stage.port}/" for credentials in CREDENTIALS
        ],
        "line breaks and control characters in addresses: refused": [
            *(f"{good}{text}" for text in INJECTIONS),
            *(f"http://a.example{text}:{stage.port}/" for text in INJECTIONS),
        ],
    }
    claims = []
    for text, addresses in urls.items():
        results, opened = stage.fetch([FetchRequest(address) for address in addresses], public)
        claims.append(stage.claim(text, results, _refused, opened))
    before = len(stage.public.hits)
    injected = [
        request
        for text in INJECTIONS
        for request in (FetchRequest(root, etag=text), FetchRequest(root, None, text), FetchRequest(root, accept=text))
    ]
    results, opened = stage.fetch(injected, public)
    claims.append(stage.claim("line breaks and control characters in headers: refused", results, _refused, opened))
    sent = len(stage.public.hits) - before
    claims.append(Claim("requests sent with such headers", str(sent), "0", sent == 0))
    return claims


def _control(stage: Stage) -> Claim:
    """The trap must be able to tell: where the settings allow it, it is reached."""
    before = stage.trap.connects

    async def home(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    guard = Guard((f"mine.example:{stage.port}",))
    with FetchSession(SETTINGS.model_copy(update={"timeout": 0.3}), guard=guard, resolve=home) as session:
        session.fetch_all([FetchRequest(f"http://mine.example:{stage.port}/")])
    connects = stage.trap.connects - before
    return Claim("a private host that the settings allow: connects", str(connects), "≥ 1", connects >= 1)


def _still_admitted() -> Claim:
    guard, admitted = Guard(), 0
    for address in PUBLIC_ADDRESSES:
        host = f"[{address}]" if ":" in address else address
        try:
            guard.admit(f"https://{host}/")
            admitted += guard.admit_addresses("a.example", 443, [address]) == [address] and guard.admits_socket(
                address, 443
            )
        except FetchError:
            continue
    text = f"{admitted} of {len(PUBLIC_ADDRESSES)}"
    wanted = f"{len(PUBLIC_ADDRESSES)} of {len(PUBLIC_ADDRESSES)}"
    return Claim("public addresses still admitted", text, wanted, text == wanted)

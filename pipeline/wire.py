"""One GET on the wire: the only place that speaks to the HTTP library, and where its exceptions end.

No redirects, retries, cookies, proxies or robots.txt here: one URL, one connection to a checked address, one answer.
"""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from pipeline.addresses import CONTROL, Guard
from pipeline.codecs import ACCEPT_ENCODING, BODY_HEADERS, BodyDecoder, BodyTooLarge, CodingError
from pipeline.errors import NetworkError, TooLarge

# What real servers send: content security policies alone pass the library's 8 KiB.
MAX_HEADER = 16_384
MAX_HEADERS = 256

MAX_MESSAGE = 200

DRAINED = 65_536
DRAINING = 1.0
"""Bytes and seconds at most for the body of an error or redirect; a longer one costs its connection."""

LOOKUPS = 64
"""Names resolved at once. The system's resolver blocks a thread for each, and for longer than its request waits."""

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Host and port to addresses, as text. Raises OSError or UnicodeError where there are none."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, whatever its status. `body` is decoded, and read for 2xx only; `headers` are true of that body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    received_at: datetime

    def header(self, name: str) -> str | None:
        """Return the first header called `name` (lower case), or None."""
        return next((value for key, value in self.headers if key.lower() == name), None)


@asynccontextmanager
async def open_wire(guard: Guard, user_agent: str, resolve: Resolve | None = None) -> AsyncIterator["Wire"]:
    """Open the connections' pool. `resolve` replaces the system's resolver."""
    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(_on_sent)
    resolver = _GuardedResolver(guard, resolve)

    def make_socket(info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        if not guard.admits_socket(str(address[0]), int(address[1])):
            raise PermissionError(f"{address[0]} was never admitted")
        return socket.socket(family, kind, protocol)

    session = aiohttp.ClientSession(
        connector=_Connector(
            resolver=resolver,
            use_dns_cache=False,  # a connection goes to the addresses checked for it, never to older ones
            socket_factory=make_socket,
            limit=0,  # turns at hosts and the fetcher's own limit are finer
        ),
        headers={"User-Agent": user_agent, "Accept-Encoding": ACCEPT_ENCODING},
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        auto_decompress=False,
        trust_env=False,  # a proxy would connect where the guard can't see
        trace_configs=[trace],
        middlewares=(_once,),
        max_line_size=MAX_HEADER,
        max_field_size=MAX_HEADER,
        max_headers=MAX_HEADERS,
    )
    try:
        async with session:
            yield Wire(session)
    finally:
        await resolver.close()


class Wire:
    """A pool of connections; see `open_wire`."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def get(
        self, url: URL, headers: Mapping[str, str], on_sent: Callable[[], None], *, cap: int, cut: bool = False
    ) -> Reply:
        """GET `url`, which the guard has admitted. The body is capped at `cap` decoded bytes, or `cut` there.

        `on_sent` is called as the request goes out, on a connection that stands: gaps to the next one count from here.
        Raises NetworkError, TooLarge, and AddressRefused where the host resolves to no public address. A time limit
        comes from outside, as a cancellation; it closes the connection.
        """
        try:
            async with self._session.get(
                url, headers=headers, allow_redirects=False, trace_request_ctx=on_sent
            ) as response:
                received_at = datetime.now(UTC)
                body = b""
                if 200 <= response.status < 300:
                    body = await _read(response, url, cap=cap, cut=cut)
                else:
                    await _drain(response)
                return Reply(response.status, _clean_headers(response.raw_headers), body, received_at)
        except CodingError as error:
            raise NetworkError(str(error), url=str(url)) from error
        except (aiohttp.ClientError, HttpProcessingError, OSError, ValueError, EOFError) as error:
            raise NetworkError(_say(error), url=str(url)) from error


async def _read(response: aiohttp.ClientResponse, url: URL, *, cap: int, cut: bool) -> bytes:
    encodings = response.headers.getall("Content-Encoding", [])
    decoder = BodyDecoder(",".join(encodings), cap)
    too_large = TooLarge(f"the body passes {cap:,} bytes", url=str(url))
    if response.content_length is not None and response.content_length > cap and not cut:
        raise too_large
    try:
        async for chunk in response.content.iter_any():
            decoder.feed(chunk)
    except BodyTooLarge:
        if cut:
            return decoder.head()
        raise too_large from None
    return decoder.finish()


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Take a short body that nobody wants, so that its connection can serve the next request."""
    if response.content_length is not None and response.content_length <= DRAINED:
        with suppress(TimeoutError, aiohttp.ClientError):
            async with asyncio.timeout(DRAINING):
                await response.content.read()


def _clean_headers(raw: tuple[tuple[bytes, bytes], ...]) -> tuple[tuple[str, str], ...]:
    """Decode headers (UTF-8, else Latin-1, which can't fail) without control characters and what concerns the wire."""
    decoded = ((name.decode("latin-1"), _decode(value)) for name, value in raw)
    return tuple((name, CONTROL.sub(" ", value).strip()) for name, value in decoded if name.lower() not in BODY_HEADERS)


def _decode(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _say(error: Exception) -> str:
    """Put a library's error into one short line. It may quote what the server sent."""
    text = str(error)
    if isinstance(error, aiohttp.ClientConnectorError):
        text = f"can't connect: {_reason(error.os_error)}"
    elif isinstance(error, aiohttp.ClientResponseError):
        text = f"no HTTP: {error.message}"
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line[:MAX_MESSAGE] or type(error).__name__


def _reason(error: OSError) -> str:
    """Why there is no connection, in words that somebody understands who knows nothing of sockets."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not accepted: {error.verify_message} (SSL_CERT_FILE names further authorities)"
        case ssl.SSLError() if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"):
            return "no TLS is spoken there (is it http:// rather than https://?)"
        case socket.gaierror():
            return _unresolved(error)
        case ConnectionRefusedError():
            return "nothing listens there"
    return os.strerror(error.errno) if error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH) else str(error)


def _unresolved(error: Exception) -> str:
    """Why a name has no address: it is mistyped, or nobody can be asked."""
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_NONAME:
        return "there is no such name (a typing error, or no network)"
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return "no name server answers (is this machine on the network?)"
    return _say(error)


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep the library from trying again on its own: its second try would come without a turn at the host."""
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(_say(error)) from error


async def _on_sent(
    session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestHeadersSentParams
) -> None:
    context.trace_request_ctx()


class _Connector(aiohttp.TCPConnector):
    """Keeps no connection in which something lies that nobody asked for: it would be read as the next answer."""

    async def _get(self, key: ConnectionKey, traces: list[aiohttp.tracing.Trace]) -> Connection | None:
        # The library looks when a connection comes back, which is before what follows a body has been taken in.
        while (connection := await super()._get(key, traces)) is not None:
            protocol = connection.protocol
            if protocol is not None and not protocol.should_close:
                return connection
            connection.close()
        return None


class _GuardedResolver(AbstractResolver):
    """Hands the connector only addresses that the guard admits, and the connector connects to no others."""

    def __init__(self, guard: Guard, resolve: Resolve | None) -> None:
        self._guard = guard
        self._resolve = resolve or self._look_up
        # The loop's own pool would hold up the end of the program until the last slow name is answered.
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="resolver")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise NetworkError(f"{host} can't be resolved: {_unresolved(error)}", url=host) from error
        admitted = self._guard.admit_addresses(host, port, addresses)
        if not admitted:
            raise NetworkError(f"{host} has no address", url=host)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in admitted
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _look_up(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads,
            lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG),
        )
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

"""A real HTTP server on loopback that does what a test tells it, and remembers what it was asked.

It speaks HTTP/1.1 with keep-alive on raw sockets, so that it can also misbehave: late, drip by drip, or not at all.
"""

import asyncio
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import client
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Hit:
    """One request as it arrived: when (time.monotonic), what for, on which connection (counted from 1)."""

    at: float
    target: str
    headers: Mapping[str, str]
    connection: int


@dataclass(frozen=True)
class Reply:
    """What to answer. Content-Length is added unless given; `raw` is sent as it is instead, then all is closed."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before the status line."""
    held: float = 0.0
    """Seconds between the head and the body."""
    drip: float = 0.0
    """Seconds between the single bytes of the body, or of `raw`."""
    raw: bytes | None = None

    def head(self) -> bytes:
        headers = dict(self.headers)
        if self.status != 304:
            headers.setdefault("Content-Length", str(len(self.body)))
        lines = [f"HTTP/1.1 {self.status} {client.responses.get(self.status, '')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


Route = Reply | Callable[[Hit], Reply]


class HTTPServer:
    """A context manager: serves `routes` (path and query to reply) on `host` until it ends; all else is a 404."""

    def __init__(
        self,
        routes: Mapping[str, Route] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.routes = dict(routes or {})
        self.host = host
        self.port = port
        self._tls = tls
        self.hits: list[Hit] = []
        self.connections = 0
        self.busiest = 0
        """The most requests that were under way at once."""
        self._under_way = 0
        self._server: asyncio.Server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def root(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}"

    def url(self, path: str) -> str:
        return self.root + path

    def count(self, target: str) -> int:
        return Counter(hit.target for hit in self.hits)[target]

    @property
    def pages(self) -> list[Hit]:
        """The requests for anything but robots.txt."""
        return [hit for hit in self.hits if hit.target != "/robots.txt"]

    def __enter__(self) -> Self:
        self._thread.start()
        start = asyncio.start_server(self._serve, self.host, self.port, backlog=256, ssl=self._tls)
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = self.connections
        try:
            while await self._answer(reader, writer, connection):
                pass
        except (OSError, EOFError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # the client left, or the server ends
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> bool:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        hit = Hit(time.monotonic(), lines[0].split(" ")[1], headers, connection)
        self.hits.append(hit)
        self._under_way += 1
        self.busiest = max(self.busiest, self._under_way)
        try:
            route = self.routes.get(hit.target, Reply(404))
            reply = route if isinstance(route, Reply) else route(hit)
            await asyncio.sleep(reply.delay)
            if reply.raw is None:
                writer.write(reply.head())
                await asyncio.sleep(reply.held)
            await self._send(writer, reply.body if reply.raw is None else reply.raw, reply.drip)
        finally:
            self._under_way -= 1
        return reply.raw is None

    async def _send(self, writer: asyncio.StreamWriter, data: bytes, drip: float) -> None:
        if not drip:
            writer.write(data)
            await writer.drain()
            return
        for byte in data:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(drip)

"""Two hundred small publishers on addresses of loopback, each with its own habits, for the proof of politeness.

They live in a process of their own, so that what they see of a client is not what the client thinks it did: `Farm`
starts it, tells it which round it is, and at the end has its log of every request. Latencies are drawn from a
log-normal distribution with a fixed seed.
"""

import asyncio
import json
import math
import random
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from email.utils import formatdate
from http import client
from types import TracebackType
from typing import Any, Literal, Self

Robots = Literal["absent", "plain", "private", "delay", "closed", "failing"]
Fate = Literal["steady", "moved", "moving", "lent", "gone", "missing", "limited", "overloaded", "slow"]

FASTEST, USUAL, SLOWEST = 0.02, 0.1, 0.8
SPREAD = 0.7
"""Seconds of latency: the least, the median and the most; and the standard deviation of its logarithm."""

SLOW = 1.5
"""Seconds that a slow publisher takes."""

SHORT_WAIT, LONG_WAIT = 2, 25
"""Seconds of Retry-After: one that a fetcher may sit out, and one that it must leave to a later run."""

CRAWL_DELAY = 2
TICK = 0.005
BASE = 1_735_689_600
"""The time in which feeds are dated, 2025-01-01."""

ITEMS = 15


@dataclass(frozen=True, slots=True)
class Plot:
    """One publisher: its address, what its robots.txt says, and what becomes of its feed.

    From the second round on, a feed that is `moved` answers 301 or 308 (`permanent`), one that is `moving` moves once
    more in the third, one that is `lent` answers 302 from the first, one that is `gone` answers 410. `limited` says 429
    and `overloaded` 503 in the second round, with Retry-After. A new item comes in every `renews`-th round.
    """

    address: str
    robots: Robots = "plain"
    fate: Fate = "steady"
    permanent: int = 301
    validators: Literal["both", "etag", "modified", "none"] = "both"
    max_age: int | None = None
    ttl: int | None = None
    renews: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as a publisher saw it; times are those of the machine's monotonic clock, in seconds.

    `since` is the earliest time at which it can have come (the farm looks again after each pause), `at` when it was
    read, `until` when the answer was handed over.
    """

    host: str
    path: str
    round: int
    since: float
    at: float
    until: float
    status: int
    connection: int
    agent: str
    etag: str | None
    modified: str | None
    retry_after: int | None


class Farm:
    """The farm's process: a context manager. `origins` says by address where each publisher is."""

    def __init__(self, plots: Sequence[Plot], *, seed: int = 4) -> None:
        self._plots = plots
        self._seed = seed
        self._process: subprocess.Popen[str]
        self.origins: Mapping[str, str] = {}

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", __name__]
        self._process = subprocess.Popen(  # noqa: S603 - this very module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.origins = self._call({"plots": [asdict(plot) for plot in self._plots], "seed": self._seed})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
        if self._process.stdout is not None:
            self._process.stdout.close()

    @property
    def allow_hosts(self) -> tuple[str, ...]:
        """The entries that `fetch.allow_hosts` needs."""
        return tuple(origin.removeprefix("http://") for origin in self.origins.values())

    def begin_round(self, number: int) -> None:
        """Let the publishers do what is due in this round, counted from 1."""
        self._call({"round": number})

    def log(self) -> list[Asked]:
        """All requests so far, in the order of their coming."""
        return [Asked(**row) for row in self._call({"log": True})]

    def _call(self, order: Mapping[str, object]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def main() -> None:
    """Serve until standard input ends: orders come from there, a line each, and are answered on standard output."""
    asyncio.run(_Publishers().serve())


class _Publishers:
    def __init__(self) -> None:
        self._round = 1
        self._looks = (time.monotonic(), time.monotonic())
        self._connections = 0
        self._log: list[dict[str, object]] = []
        self._waits: dict[str, float] = {}
        self._random = random.Random(0)

    async def serve(self) -> None:
        orders: asyncio.Queue[str] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        # A thread reads: standard input may be a pipe or, where a person tries this, a terminal.
        reading = loop.run_in_executor(None, _read_orders, loop, orders)
        ticking = asyncio.create_task(self._tick())
        while order := await orders.get():
            print(json.dumps(await self._obey(json.loads(order))), flush=True)
        ticking.cancel()
        await reading

    async def _obey(self, order: Mapping[str, Any]) -> object:
        if "plots" in order:
            self._random.seed(order["seed"])
            return {one["address"]: await self._settle(Plot(**one)) for one in order["plots"]}
        if "round" in order:
            self._round = order["round"]
            return self._round
        return self._log

    async def _settle(self, plot: Plot) -> str:
        server = await asyncio.start_server(
            lambda reader, writer: self._meet(plot, reader, writer), plot.address, 0, backlog=64
        )
        return f"http://{plot.address}:{server.sockets[0].getsockname()[1]}"

    async def _tick(self) -> None:
        """Note when requests were looked for, so that it is known how far back one may have come that is read now.

        Of the last two looks the earlier one counts: between the coming of a request and its reading lies one.
        """
        while True:
            self._looks = (self._looks[1], time.monotonic())
            await asyncio.sleep(TICK)

    async def _meet(self, plot: Plot, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        connection = self._connections
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                at = time.monotonic()
                since = self._looks[0]
                path, headers = _parsed(head)
                await asyncio.sleep(SLOW if plot.fate == "slow" and path != "/robots.txt" else self._latency())
                status, extra, body = self._answer(plot, path, headers)
                retry_after = extra.get("Retry-After")
                asked = Asked(
                    host=plot.address,
                    path=path,
                    round=self._round,
                    since=since,
                    at=at,
                    until=time.monotonic(),
                    status=status,
                    connection=connection,
                    agent=headers.get("user-agent", ""),
                    etag=headers.get("if-none-match"),
                    modified=headers.get("if-modified-since"),
                    retry_after=None if retry_after is None else int(retry_after),
                )
                self._log.append(asdict(asked))
                writer.write(_rendered(status, extra, body))
                await writer.drain()
        except (OSError, EOFError, asyncio.LimitOverrunError):
            pass  # the client left
        finally:
            writer.close()

    def _latency(self) -> float:
        return min(max(self._random.lognormvariate(math.log(USUAL), SPREAD), FASTEST), SLOWEST)

    def _answer(self, plot: Plot, path: str, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        if path == "/robots.txt":
            return _robots(plot.robots)
        if path.startswith("/articles/"):
            return 200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><title>An article</title><p>It says little."
        if not path.endswith("feed.xml"):
            return 404, {}, b""
        refusal = self._refusal(plot)
        if refusal is not None:
            return refusal
        target = _target(plot, path, self._round)
        if target is not None:
            return (302 if plot.fate == "lent" else plot.permanent), {"Location": target}, b""
        return _feed(plot, self._round, headers)

    def _refusal(self, plot: Plot) -> tuple[int, dict[str, str], bytes] | None:
        if plot.fate == "missing":
            return 404, {}, b""
        if self._round < 2:
            return None
        if plot.fate == "gone":
            return 410, {}, b""
        if plot.fate in ("limited", "overloaded") and self._round == 2 and plot.address not in self._waits:
            wait = SHORT_WAIT if plot.fate == "limited" else LONG_WAIT
            self._waits[plot.address] = time.monotonic() + wait
            return (429 if plot.fate == "limited" else 503), {"Retry-After": str(wait)}, b""
        return None


def _read_orders(loop: asyncio.AbstractEventLoop, orders: asyncio.Queue[str]) -> None:
    while line := sys.stdin.readline():
        loop.call_soon_threadsafe(orders.put_nowait, line)
    loop.call_soon_threadsafe(orders.put_nowait, "")


def _parsed(head: str) -> tuple[str, dict[str, str]]:
    lines = head.split("\r\n")
    fields = (line.partition(":") for line in lines[1:] if line)
    return lines[0].split(" ")[1], {name.strip().lower(): value.strip() for name, _, value in fields}


def _rendered(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"HTTP/1.1 {status} {client.responses.get(status, '')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if status != 304:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _robots(kind: Robots) -> tuple[int, dict[str, str], bytes]:
    rules = {
        "plain": "User-agent: *\nAllow: /\n",
        "private": "User-agent: *\nDisallow: /articles/private\n",
        "delay": f"User-agent: *\nCrawl-delay: {CRAWL_DELAY}\n",
        "closed": "User-agent: *\nDisallow: /\n",
    }
    if kind == "absent":
        return 404, {}, b""
    if kind == "failing":
        return 500, {}, b""
    return 200, {"Content-Type": "text/plain"}, rules[kind].encode()


def _target(plot: Plot, path: str, number: int) -> str | None:
    """Where the feed asked for at `path` is now, if not there."""
    moves = {"moved": 2, "moving": 2, "lent": 1}
    if path == "/feed.xml" and number >= moves.get(plot.fate, math.inf):
        return "/new/feed.xml"
    if path == "/new/feed.xml" and plot.fate == "moving" and number >= 3:
        return "/newest/feed.xml"
    return None


def _feed(plot: Plot, number: int, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
    edition = number // plot.renews if plot.renews else 0
    etag, modified = f'"{plot.address}-{edition}"', formatdate(BASE + edition, usegmt=True)
    extra = {"Content-Type": "application/rss+xml"}
    if plot.max_age is not None:
        extra["Cache-Control"] = f"max-age={plot.max_age}"
    if plot.validators in ("both", "etag"):
        extra["ETag"] = etag
    if plot.validators in ("both", "modified"):
        extra["Last-Modified"] = modified
    asked = headers.get("if-none-match")
    unchanged = asked == etag if asked is not None else headers.get("if-modified-since") == modified
    if unchanged and plot.validators != "none":
        return 304, extra, b""
    ttl = "" if plot.ttl is None else f"<ttl>{plot.ttl}</ttl>"
    items = "".join(
        f"<item><title>Item {n} of {plot.address}</title><link>/articles/{n}.html</link><guid>{n}</guid>"
        f"<pubDate>{formatdate(BASE - 3600 * (ITEMS - n), usegmt=True)}</pubDate>"
        f"<description>{'What happened, in a few words. ' * 20}</description></item>"
        for n in range(edition, ITEMS + edition)
    )
    text = f"<rss version='2.0'><channel><title>{plot.address}</title>{ttl}{items}</channel></rss>"
    return 200, extra, text.encode()


if __name__ == "__main__":
    main()

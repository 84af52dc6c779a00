"""The one fetcher: GET requests that are guarded, polite, bounded and conditional.

`FetchSession` is what a run uses (plain calls, a thread of its own for the network), `fetch_all` the same for one list
of requests, `Fetcher` the asynchronous core. All that goes wrong with one URL is a FetchError with that URL.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack
from importlib.metadata import version
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Self

from yarl import URL

from pipeline.addresses import CONTROL, Guard
from pipeline.errors import (
    AddressRefused,
    FetchError,
    FetchTimeout,
    HTTPStatusError,
    NetworkError,
    SettingsError,
    TooManyRedirects,
)
from pipeline.retrying import parse_retry_after, pause_before
from pipeline.robots import MAX_ROBOTS_BYTES, RobotsCache, RobotsFile
from pipeline.settings import FetchSettings
from pipeline.turns import Budget, Lane
from pipeline.types import FetchRequest, Response
from pipeline.wire import Reply, Resolve, Wire, open_wire

REDIRECTS = frozenset({301, 302, 303, 307, 308})
PERMANENT = frozenset({301, 308})
ROBOTS_REDIRECTS = 5

MAX_PATIENCE = 10.0
"""Seconds that a try waits where a server said Retry-After; a longer wait is left to a later run."""

MAX_CLOSED = 86_400.0
"""Seconds for which a host that asked for a longer wait is left alone, at most."""

REST = 60.0
"""Seconds for which a host is left alone that had too many requests (429) and does not say for how long."""

OnResult = Callable[[int, Response | FetchError], None]
"""Hears of each result as it comes: the request's index, and how it ended."""


class Fetcher:
    """Fetches URLs until closed; connections, robots.txt answers and the timing of hosts are kept between them.

    An async context manager. `robots_file` keeps robots.txt answers for later sessions. `guard` and `resolve` take the
    place of the usual ones where a test must.
    """

    def __init__(
        self,
        settings: FetchSettings,
        *,
        robots_file: Path | None = None,
        guard: Guard | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        self._settings = settings
        self._user_agent = user_agent(settings.contact)
        self._guard = guard or Guard(settings.allow_hosts)
        self._resolve = resolve
        self._robots = RobotsCache(self._load_robots, timeout=settings.timeout, file=robots_file)
        self._lanes: dict[str, Lane] = {}
        self._closed: dict[str, tuple[float, int]] = {}
        self._everywhere = asyncio.Semaphore(settings.concurrency)
        self._stack = AsyncExitStack()
        self._wire: Wire

    async def __aenter__(self) -> Self:
        self._wire = await self._stack.enter_async_context(open_wire(self._guard, self._user_agent, self._resolve))
        self._stack.push_async_callback(self._robots.close)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def get(self, request: FetchRequest) -> Response:
        """Return the 2xx response at the end of the redirects, or the 304 to a conditional request.

        Raises FetchError subclasses only. The time that counts is that of connecting, waiting for answers, reading and
        pausing between tries, over all hops and robots.txt. Waiting for a turn is free, so that the last of a hundred
        requests to one host has as long as the first.
        """
        chain: list[URL] = []
        try:
            return await self._follow(request, chain, Budget(self._settings.timeout))
        except TimeoutError:
            message = f"no complete answer within {self._settings.timeout:g} s"
            raise FetchTimeout(message, url=request.url) from None
        except FetchError as error:
            # What failed knows its own URL; the caller knows the one that it asked for.
            if len(chain) > 1:
                error.args = (f"{error} (redirected to {chain[-1]})",)
            error.url = request.url
            raise

    async def fetch_all(
        self, requests: Sequence[FetchRequest], on_result: OnResult | None = None
    ) -> list[Response | FetchError]:
        """Fetch all, many at once. Returns one result per request, in order."""

        async def one(index: int, request: FetchRequest) -> Response | FetchError:
            result: Response | FetchError
            try:
                result = await self.get(request)
            except FetchError as error:
                result = _bare(error)
            if on_result is not None:
                on_result(index, result)
            return result

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(index, request)) for index, request in enumerate(requests)]
        return [task.result() for task in tasks]

    async def sitemaps(self, url: str) -> tuple[str, ...]:
        """Return the sitemaps that the robots.txt of `url`'s site names; none where it can't be had."""
        try:
            return (await self._robots.rules(self._guard.admit(url))).sitemaps
        except AddressRefused:
            return ()

    async def _follow(self, request: FetchRequest, chain: list[URL], budget: Budget) -> Response:
        headers = _request_headers(request)
        chain.append(self._guard.admit(request.url))
        moved_to: str | None = None
        is_permanent = True
        while True:
            url = chain[-1]
            rules = await self._robots.rules(url, budget)
            rules.check(str(url))
            self._lane(url).widen_gap(rules.crawl_delay)
            reply = await self._exchange(url, headers, budget, cap=self._settings.max_bytes)
            if reply.status not in REDIRECTS:
                break
            self._extend(chain, reply, self._settings.max_redirects)
            is_permanent = is_permanent and reply.status in PERMANENT
            if is_permanent:
                moved_to = str(chain[-1])
        if reply.status == 304 and request.etag is None and request.last_modified is None:
            raise HTTPStatusError("status 304 to a request without conditions", url=str(url), status=304)
        return Response(
            url=request.url,
            final_url=request.url if len(chain) == 1 else str(url),
            status=reply.status,
            headers=reply.headers,
            body=reply.body,
            fetched_at=reply.received_at,
            moved_to=moved_to,
        )

    def _extend(self, chain: list[URL], reply: Reply, limit: int) -> None:
        """Append where `reply` redirects to. Raises TooManyRedirects, or AddressRefused."""
        url = chain[-1]
        location = reply.header("location")
        if location is None:
            raise TooManyRedirects(f"status {reply.status} without a Location", url=str(url))
        if len(chain) > limit:
            raise TooManyRedirects(f"more than {limit} redirects", url=str(url))
        target = self._guard.admit(location, base=url)
        # Without cookies the same URL answers the same: a second visit is a loop.
        if target in chain:
            raise TooManyRedirects(f"redirects in a circle, back to {target}", url=str(url))
        chain.append(target)

    async def _load_robots(self, url: URL, budget: Budget) -> RobotsFile:
        """Fetch one robots.txt: under the same guards, before all that waits for the same host."""
        chain = [url]
        try:
            while True:
                reply = await self._exchange(chain[-1], {}, budget, cap=MAX_ROBOTS_BYTES, is_robots=True)
                if reply.status not in REDIRECTS:
                    return RobotsFile(reply.status, reply.body)
                self._extend(chain, reply, ROBOTS_REDIRECTS)
        except TimeoutError:
            raise FetchTimeout(f"no answer within {self._settings.timeout:g} s", url=str(url)) from None

    async def _exchange(
        self, url: URL, headers: dict[str, str], budget: Budget, *, cap: int, is_robots: bool = False
    ) -> Reply:
        """Return a reply of status 2xx, 304 or redirecting, after as many tries as the settings and time allow."""
        for attempt in count():
            try:
                return await self._attempt(url, headers, budget, cap=cap, is_robots=is_robots)
            except (NetworkError, HTTPStatusError) as error:
                pause = max(_pause(error, attempt), self._closed_for(url))
                is_last = attempt >= self._settings.retries or not error.retryable
                if is_last or pause > MAX_PATIENCE or pause >= budget.left:
                    raise
            async with budget.running():
                await asyncio.sleep(pause)
        raise AssertionError("count() never ends")

    async def _attempt(self, url: URL, headers: dict[str, str], budget: Budget, *, cap: int, is_robots: bool) -> Reply:
        lane = self._lane(url)
        async with lane.turn(urgent=is_robots), self._everywhere, budget.running():
            self._check_open(url)
            lane.started()
            reply = await self._wire.get(url, headers, lane.started, cap=cap, cut=is_robots)
            if 200 <= reply.status < 300 or reply.status == 304 or reply.status in REDIRECTS:
                return reply
            retry_after = parse_retry_after(reply.header("retry-after"))
            rest = REST if retry_after is None and reply.status == 429 else retry_after
            if rest is not None and reply.status in (429, 503):
                # While the turn is ours: the next in the queue would go out as soon as it ends.
                self._leave_alone(url, rest, reply.status)
        raise HTTPStatusError(f"status {reply.status}", url=str(url), status=reply.status, retry_after=retry_after)

    def _lane(self, url: URL) -> Lane:
        return self._lanes.setdefault(_host(url), Lane(self._settings.host_gap))

    def _leave_alone(self, url: URL, seconds: float, status: int) -> None:
        """A short wait holds up the host's lane; a long one fails what is queued there, for a later run to try."""
        if seconds <= MAX_PATIENCE:
            self._lane(url).hold(seconds)
        else:
            until = asyncio.get_running_loop().time() + min(seconds, MAX_CLOSED)
            self._closed[_host(url)] = (until, status)

    def _closed_for(self, url: URL) -> float:
        until, _ = self._closed.get(_host(url), (0.0, 0))
        return max(0.0, until - asyncio.get_running_loop().time())

    def _check_open(self, url: URL) -> None:
        if (rest := self._closed_for(url)) > 0:
            _, status = self._closed[_host(url)]
            message = f"status {status} earlier: the host is left alone for {rest:.0f} s more"
            raise HTTPStatusError(message, url=str(url), status=status, retry_after=rest)


class FetchSession:
    """A Fetcher for plain code: a context manager whose network lives in a thread of its own.

    So it works from any thread, one with a running event loop included. `fetch_all` calls share connections, robots.txt
    answers and the timing of hosts.
    """

    def __init__(
        self,
        settings: FetchSettings,
        *,
        robots_file: Path | None = None,
        guard: Guard | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        self._fetcher = Fetcher(settings, robots_file=robots_file, guard=guard, resolve=resolve)
        self._ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = Thread(target=lambda: asyncio.run(self._live()), name="fetcher", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop, over = self._ready.result()
        loop.call_soon_threadsafe(over.set)
        self._thread.join()

    def fetch_all(
        self, requests: Sequence[FetchRequest], on_result: OnResult | None = None
    ) -> list[Response | FetchError]:
        """Fetch all, many at once. Returns one result per request, in order.

        `on_result` is called in the caller's thread. An interrupt there, or an error of `on_result`, ends the requests
        that are under way.
        """
        loop, _ = self._ready.result()
        news: SimpleQueue[tuple[int, Response | FetchError] | None] = SimpleQueue()
        work = asyncio.run_coroutine_threadsafe(
            self._fetcher.fetch_all(requests, lambda index, result: news.put((index, result))), loop
        )
        work.add_done_callback(lambda _: news.put(None))
        try:
            while (item := news.get()) is not None:
                if on_result is not None:
                    on_result(*item)
            return work.result()
        finally:
            work.cancel()

    def sitemaps(self, urls: Sequence[str]) -> list[tuple[str, ...]]:
        """Return for each URL the sitemaps that its site's robots.txt names; none where it can't be had."""

        async def all_of_them() -> list[tuple[str, ...]]:
            return await asyncio.gather(*map(self._fetcher.sitemaps, urls))

        loop, _ = self._ready.result()
        work = asyncio.run_coroutine_threadsafe(all_of_them(), loop)
        try:
            return work.result()
        finally:
            work.cancel()

    async def _live(self) -> None:
        over = asyncio.Event()
        try:
            async with self._fetcher:
                self._ready.set_result((asyncio.get_running_loop(), over))
                await over.wait()
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)


def fetch_all(
    requests: Sequence[FetchRequest], settings: FetchSettings, on_result: OnResult | None = None
) -> list[Response | FetchError]:
    """Fetch all in a session of their own. Returns one result per request, in order."""
    with FetchSession(settings) as session:
        return session.fetch_all(requests, on_result)


def user_agent(contact: str = "") -> str:
    """Return the header that names us to publishers. Raises SettingsError for a contact that fits into no header."""
    if not contact.isascii() or CONTROL.search(contact):
        raise SettingsError(f"fetch.contact: {contact!r} holds characters that a header can't carry")
    name = f"Clampdown/{version('clampdown')}"
    return f"{name} (+{contact})" if contact else name


def _host(url: URL) -> str:
    """The host as one name, whatever its ports: a dot at its end makes no other host of it."""
    return (url.raw_host or "").rstrip(".")


def _request_headers(request: FetchRequest) -> dict[str, str]:
    wanted = {"Accept": request.accept, "If-None-Match": request.etag, "If-Modified-Since": request.last_modified}
    headers = {name: value for name, value in wanted.items() if value is not None}
    for name, value in headers.items():
        if CONTROL.search(value):
            raise AddressRefused(f"a control character in {name}", url=request.url)
    return headers


def _pause(error: NetworkError | HTTPStatusError, attempt: int) -> float:
    return pause_before(attempt, error.retry_after if isinstance(error, HTTPStatusError) else None)


def _bare(error: FetchError) -> FetchError:
    """Drop what led to `error`: a list of a thousand of them must not keep a thousand stacks alive."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)

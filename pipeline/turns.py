"""When a request may go out: turns at a host, and the time that one URL may take.

Both read the event loop's clock only, so that a loop with another clock proves them without waiting.
"""

import asyncio
import heapq
import itertools
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

UNSPACED_WIDTH = 4
"""Requests that may be under way at once to a host that wants no gap between them."""


class Lane:
    """The turns of one host: one at a time and `gap` seconds from start to start, or a few at once without a gap.

    Turns are taken in the order of asking, urgent ones (robots.txt) first.
    """

    def __init__(self, gap: float) -> None:
        self._gap = gap
        self._next_start = 0.0
        self._last_start = -math.inf
        self._under_way = 0
        self._waiting: list[tuple[bool, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def widen_gap(self, gap: float) -> None:
        """Keep at least `gap` seconds between starts from now on, the last one included."""
        self._gap = max(self._gap, gap)
        self._next_start = max(self._next_start, self._last_start + self._gap)

    def started(self) -> None:
        """Note that a request starts now. Called again as it goes out, so that what held it up costs no gap."""
        self._last_start = asyncio.get_running_loop().time()
        self.hold(self._gap)

    def hold(self, seconds: float) -> None:
        """Start nothing in the next `seconds`."""
        self._next_start = max(self._next_start, asyncio.get_running_loop().time() + seconds)

    @asynccontextmanager
    async def turn(self, *, urgent: bool = False) -> AsyncIterator[None]:
        """Wait for a turn and keep it for the block."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (not urgent, next(self._order), turn))
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise
        try:
            yield
        finally:
            self._leave()

    def _leave(self) -> None:
        self._under_way -= 1
        self._admit()

    def _admit(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            turn = self._waiting[0][2]
            if turn.cancelled():
                heapq.heappop(self._waiting)
                continue
            if self._under_way >= (1 if self._gap else UNSPACED_WIDTH):
                return
            if loop.time() < self._next_start:
                if self._timer is None:
                    self._timer = loop.call_at(self._next_start, self._on_timer)
                return
            heapq.heappop(self._waiting)
            self._under_way += 1
            turn.set_result(None)

    def _on_timer(self) -> None:
        self._timer = None
        self._admit()


class Budget:
    """The seconds that one URL may take, which pass inside `running` and by `charge` only: waiting costs nothing."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    def charge(self, seconds: float) -> None:
        """Take off time that passed elsewhere on this URL's account. Raises TimeoutError if none is left."""
        self.left = max(0.0, self.left - seconds)
        if self.left == 0:
            raise TimeoutError

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let time pass. Raises TimeoutError as soon as none is left."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        try:
            async with asyncio.timeout(self.left):
                yield
        finally:
            self.left = max(0.0, self.left - (loop.time() - start))

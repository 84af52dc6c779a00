"""Politeness on a clock of its own: thousands of requests in no time, each start measured."""

import asyncio
import heapq
import selectors
from collections.abc import Callable, Coroutine
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.turns import UNSPACED_WIDTH, Budget, Lane


class _JumpingSelector(selectors.DefaultSelector):
    """Does not wait for the next timer: moves the clock there."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += timeout or 0.0
        return super().select(0)


class ClockLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes at once."""

    def __init__(self) -> None:
        self.selector = _JumpingSelector()
        super().__init__(self.selector)

    def time(self) -> float:
        return self.selector.now


def run(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    with asyncio.Runner(loop_factory=ClockLoop) as runner:
        return runner.run(main())


def test_no_gap_is_broken_in_ten_thousand_requests() -> None:
    async def main() -> dict[int, list[float]]:
        loop = asyncio.get_running_loop()
        lanes = {host: Lane(gap=0.5 + host % 7) for host in range(100)}
        starts: dict[int, list[float]] = {host: [] for host in lanes}

        async def request(number: int) -> None:
            host = number % 100
            async with lanes[host].turn():
                lanes[host].started()
                starts[host].append(loop.time())
                await asyncio.sleep((number % 13) / 4)

        await asyncio.gather(*map(request, range(10_000)))
        return starts

    starts = run(main)
    assert sum(map(len, starts.values())) == 10_000
    for host, times in starts.items():
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert min(gaps) >= 0.5 + host % 7 - 1e-6


@settings(max_examples=50, deadline=None)
@given(
    st.floats(0, 3),
    st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5), st.booleans(), st.none() | st.floats(0, 5)), max_size=30),
)
def test_turns_come_in_order_and_survive_those_who_give_up(
    gap: float, requests: list[tuple[float, float, bool, float | None]]
) -> None:
    """Each request asks at a time, takes a time, may be urgent, and may give up while it waits or works."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        lane = Lane(gap)
        under_way = 0
        starts: list[float] = []
        waiting: list[tuple[bool, int]] = []

        async def request(number: int, at: float, takes: float, urgent: bool, patience: float | None) -> None:
            nonlocal under_way
            await asyncio.sleep(at)
            ticket = (not urgent, number)
            heapq.heappush(waiting, ticket)
            try:
                async with asyncio.timeout(patience), lane.turn(urgent=urgent):
                    waiting.remove(ticket)
                    under_way += 1
                    try:
                        assert under_way <= (1 if gap else UNSPACED_WIDTH)
                        lane.started()
                        starts.append(loop.time())
                        await asyncio.sleep(takes)
                    finally:
                        under_way -= 1
            except TimeoutError:
                if ticket in waiting:
                    waiting.remove(ticket)

        await asyncio.gather(*(request(number, *fields) for number, fields in enumerate(requests)))
        assert all(b - a >= gap - 1e-6 for a, b in pairwise(starts))
        # Nobody holds a turn for ever: the lane still works.
        async with asyncio.timeout(gap + 1), lane.turn():
            pass

    run(main)


def test_urgent_turns_come_first() -> None:
    async def main() -> list[str]:
        lane, order = Lane(1.0), []

        async def request(name: str, *, urgent: bool = False) -> None:
            async with lane.turn(urgent=urgent):
                lane.started()
                order.append(name)

        await asyncio.gather(request("a"), request("b"), request("c"), request("robots", urgent=True))
        return order

    assert run(main) == ["a", "robots", "b", "c"]


def test_a_slow_connection_costs_no_gap() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        lane = Lane(1.0)
        async with lane.turn():
            lane.started()
            await asyncio.sleep(0.9)
            lane.started()  # the connection stands only now
            sent = loop.time()
        async with lane.turn():
            return loop.time() - sent

    assert run(main) == pytest.approx(1.0)


def test_a_lane_can_be_held_and_its_gap_widened_but_not_narrowed() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        lane, starts = Lane(1.0), []
        lane.hold(5.0)
        lane.hold(2.0)
        lane.widen_gap(3.0)
        lane.widen_gap(0.5)
        for _ in range(2):
            async with lane.turn():
                lane.started()
                starts.append(loop.time())
        return starts

    assert run(main) == pytest.approx([5.0, 8.0])


def test_a_wider_gap_counts_from_the_last_start() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        lane = Lane(1.0)
        async with lane.turn():
            lane.started()  # robots.txt, in which the wider gap stands
        lane.widen_gap(4.0)
        async with lane.turn():
            return loop.time()

    assert run(main) == pytest.approx(4.0)


def test_a_budget_counts_only_while_it_runs() -> None:
    async def main() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        budget = Budget(10.0)
        async with budget.running():
            await asyncio.sleep(4)
        await asyncio.sleep(100)
        left = budget.left
        start = loop.time()
        with pytest.raises(TimeoutError):
            async with budget.running():
                await asyncio.sleep(100)
        return left, loop.time() - start

    assert run(main) == pytest.approx((6.0, 6.0))


def test_a_budget_can_be_charged() -> None:
    budget = Budget(10.0)
    budget.charge(4.0)
    assert budget.left == 6.0
    with pytest.raises(TimeoutError):
        budget.charge(6.0)
    assert budget.left == 0.0

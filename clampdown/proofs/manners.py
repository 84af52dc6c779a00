"""The rules of politeness, held against what publishers saw: pure functions over the farm's log."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from clampdown.proofs.farm import CRAWL_DELAY, Asked, Plot

TOLERANCE = 0.1
"""Seconds by which a gap seen at a publisher may fall short: a request that was held up on its way makes the one after
it seem early. What the publisher itself was late is known, and no part of this."""


@dataclass(frozen=True, slots=True)
class Breach:
    """One rule broken: which, at which host, and what was seen."""

    rule: str
    host: str
    seen: str


@dataclass(frozen=True, slots=True)
class _Visits:
    """All requests to one host, in order, and what it asked of its visitors."""

    plot: Plot
    asked: Sequence[Asked]
    gap: float
    agent: str

    @property
    def pages(self) -> list[Asked]:
        return [one for one in self.asked if one.path != "/robots.txt"]

    @property
    def feeds(self) -> list[Asked]:
        return [one for one in self.asked if one.path.endswith("feed.xml")]


def breaches(log: Iterable[Asked], plots: Iterable[Plot], *, gap: float, agent: str) -> list[Breach]:
    """Return every rule that the requests of `log` broke, for a client that promised `gap` seconds and this `agent`."""
    by_host: dict[str, list[Asked]] = defaultdict(list)
    for one in log:
        by_host[one.host].append(one)
    found = []
    for plot in plots:
        asked = sorted(by_host[plot.address], key=lambda one: one.at)
        wanted = max(gap, CRAWL_DELAY) if plot.robots == "delay" else gap
        visits = _Visits(plot, asked, wanted, agent)
        for rule, judge in RULES.items():
            found += [Breach(rule, plot.address, seen) for seen in judge(visits)]
    return found


def shortest_gap(log: Iterable[Asked]) -> float:
    """The least seconds between two requests of one host, as they were read."""
    by_host: dict[str, list[float]] = defaultdict(list)
    for one in log:
        by_host[one.host].append(one.at)
    return min((later - first for times in by_host.values() for first, later in pairwise(sorted(times))), default=0.0)


def _robots_first(visits: _Visits) -> Iterator[str]:
    """robots.txt is asked for before all else, and not again on the same day."""
    robots = [one for one in visits.asked if one.path == "/robots.txt"]
    if visits.pages and (not robots or robots[0].until > visits.pages[0].since):
        yield f"{visits.pages[0].path} before robots.txt"
    if sum(one.status < 500 for one in robots) > 1:
        yield f"robots.txt asked for {len(robots)} times"


def _kept_gap(visits: _Visits) -> Iterator[str]:
    # The crawl delay is known only once robots.txt was read.
    known_at = next((one.until for one in visits.asked if one.path == "/robots.txt"), 0.0)
    for first, later in pairwise(visits.asked):
        if later.at - first.since < (visits.gap if first.since > known_at else 0.0) - TOLERANCE:
            yield f"{later.path} {later.at - first.since:.3f} s after {first.path}, not {visits.gap:g} s"


def _one_at_a_time(visits: _Visits) -> Iterator[str]:
    for first, later in pairwise(visits.asked):
        if later.at < first.until:
            yield f"{later.path} while {first.path} was being answered"


def _nothing_forbidden(visits: _Visits) -> Iterator[str]:
    forbidden = {"closed": "/", "failing": "/", "private": "/articles/private"}.get(visits.plot.robots)
    for one in visits.pages:
        if forbidden is not None and one.path.startswith(forbidden):
            yield f"{one.path}, which robots.txt forbids"


def _waited(visits: _Visits) -> Iterator[str]:
    for first, later in pairwise(visits.asked):
        if first.retry_after is not None and later.at < first.until + first.retry_after - TOLERANCE:
            yield f"{later.path} {later.at - first.until:.1f} s after Retry-After: {first.retry_after}"


def _conditional(visits: _Visits) -> Iterator[str]:
    """Once a feed came with a validator, the next request for it at that address brings it back."""
    came: dict[str, Asked] = {}
    for one in visits.feeds:
        before = came.get(one.path)
        if before is not None:
            if visits.plot.validators in ("both", "etag") and one.etag is None:
                yield f"{one.path} without If-None-Match"
            if visits.plot.validators in ("both", "modified") and one.modified is None:
                yield f"{one.path} without If-Modified-Since"
        if one.status == 200 and visits.plot.fate not in ("moved", "moving"):
            came[one.path] = one


def _moves_kept(visits: _Visits) -> Iterator[str]:
    """An address that said 301 or 308, and led to a feed, is not asked again; one that said 302 is."""
    left: set[str] = set()
    temporary = False
    previous: Asked | None = None
    for one in visits.feeds:
        if one.path in left:
            yield f"{one.path}, which has moved for good"
        if visits.plot.fate == "lent" and one.path != "/feed.xml" and not temporary:
            yield f"{one.path}, which is only lent, without asking at the feed's own address"
        temporary = one.status == 302
        if previous is not None and previous.status in (301, 308) and one.status in (200, 304):
            left.add(previous.path)
        previous = one


def _gone(visits: _Visits) -> Iterator[str]:
    if visits.plot.fate == "gone":
        told = False
        for one in visits.feeds:
            if told:
                yield f"{one.path}, which is gone"
            told = told or one.status == 410


def _named(visits: _Visits) -> Iterator[str]:
    for one in visits.asked:
        if one.agent != visits.agent:
            yield f"as {one.agent!r}"


GAP_RULE = "the gap between two requests kept, Crawl-delay included"

RULES: Mapping[str, Callable[[_Visits], Iterator[str]]] = {
    "robots.txt first, and once a day": _robots_first,
    GAP_RULE: _kept_gap,
    "never two requests at once": _one_at_a_time,
    "nothing asked for that robots.txt forbids": _nothing_forbidden,
    "Retry-After kept": _waited,
    "validators sent back": _conditional,
    "moves for good remembered, others not": _moves_kept,
    "a feed that is gone not asked again": _gone,
    "project and contact named": _named,
}
"""What a client is held to, and the judge of each."""

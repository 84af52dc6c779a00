"""No rule of politeness is broken on a farm of two hundred feed servers.

Two parts. In the first, the servers have every habit that publishers have, and whole rounds are run against them: the
feeds that are due by the real schedule, on a clock whose days pass in seconds, and pages, through the real fetcher and
its real gaps. In the second, the servers are well and nothing has changed since the last poll: it must be quick.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from clampdown.proofs.claims import Claim, Proof, Tell
from clampdown.proofs.farm import BASE, Asked, Farm, Fate, Plot, Robots
from clampdown.proofs.manners import GAP_RULE, RULES, TOLERANCE, Breach, breaches, shortest_gap
from flows.house import House
from flows.polling import facts_of, poll_sources, read_feeds, request_for, store_polls, visit_of
from pipeline.archive import Archive
from pipeline.batching import batches
from pipeline.errors import ExtractionError
from pipeline.fetch import FetchSession, user_agent
from pipeline.protocols import Workers
from pipeline.schedule import ANSWERED, GRACE, PollFacts, after_poll, is_due
from pipeline.settings import FetchSettings, PollSettings, Settings, WorkerSettings
from pipeline.types import Document, FeedOutcome, FeedState, FetchRequest, Mention, ParsedFeed, Source
from pipeline.workers import WorkerPool
from warehouse.store import open_warehouse

CONTACT = "mailto:desk@example.org"
GAP = 1.0
"""Seconds between two requests to one host."""

ROUNDS = (timedelta(0), timedelta(minutes=20), timedelta(hours=3), timedelta(hours=30), timedelta(hours=31))
"""When on the schedule's clock the rounds begin."""

QUICK = 5.0
"""Seconds that a poll of all feeds may take when none has changed."""

CONCURRENCY = 64
POLL = PollSettings()


@dataclass(frozen=True, slots=True)
class Size:
    """How large the farm is, how many rounds are run, and how many pages are asked for at a usual host in each."""

    hosts: int
    rounds: int
    pages: int


FULL = Size(hosts=200, rounds=5, pages=11)
SHORT = Size(hosts=24, rounds=3, pages=1)


def prove(tell: Tell, *, short: bool) -> Proof:
    """Run the proof; the short form has fewer hosts and rounds, and the same habits. `tell` hears what goes on."""
    size = SHORT if short else FULL
    plots = village(size.hosts)
    quick = [Plot(plot.address) for plot in plots]
    with WorkerPool(WorkerSettings(), preload=("pipeline.feeds",)) as pool:
        with Farm(plots) as farm:
            early = _visit(farm, plots, size, pool, tell)
            log = farm.log()
        with Farm(quick) as farm:
            cold, warm = _poll_twice(farm, quick, pool, tell)
    found = breaches(log, plots, gap=GAP, agent=user_agent(CONTACT))
    return Proof("polite", (*_claims(log, found), _schedule_claim(early, log), *_speed_claims(cold, warm, size.hosts)))


def village(hosts: int) -> list[Plot]:
    """Return so many publishers: the habits come in the same order whatever the number, the rare ones first."""
    special: list[tuple[Fate, Robots]] = [
        *(("moved", "plain"), ("moving", "absent"), ("lent", "private"), ("gone", "plain"), ("missing", "absent")),
        *(("limited", "plain"), ("overloaded", "plain"), ("slow", "plain"), ("moved", "private")),
        *(("steady", "closed"), ("steady", "failing"), ("steady", "delay"), ("gone", "delay"), ("limited", "private")),
    ]
    usual: list[tuple[Fate, Robots]] = [("steady", "plain"), ("steady", "absent"), ("steady", "private")]
    plots = []
    for number in range(hosts):
        # Each rare habit again in every hundred publishers.
        turn = number % 100
        fate, robots = special[turn] if turn < len(special) else usual[turn % len(usual)]
        if turn >= 90:
            robots = "delay"
        plots.append(
            Plot(
                address=f"127.1.{number // 250}.{number % 250 + 1}",
                robots=robots,
                fate=fate,
                permanent=308 if number % 2 else 301,
                validators=("both", "etag", "modified", "none")[number % 4],
                max_age=(None, None, 7200, None, 90_000)[number % 5],
                ttl=(None, 120, None)[number % 3],
                renews=number % 4 if fate == "steady" else 0,
            )
        )
    return plots


def _visit(farm: Farm, plots: Sequence[Plot], size: Size, pool: Workers, tell: Tell) -> list[str]:
    """Run the rounds; return what was polled before its time."""
    sources = [Source(plot.address, plot.address, f"{farm.origins[plot.address]}/feed.xml") for plot in plots]
    states = {source.id: FeedState(source.id) for source in sources}
    polled: dict[str, tuple[datetime, PollFacts]] = {}
    known: set[str] = set()
    early: list[str] = []
    settings = Settings(fetch=_fetch_settings(farm))
    with FetchSession(settings.fetch) as session:
        for number, passed in enumerate(ROUNDS[: size.rounds], 1):
            farm.begin_round(number)
            start, now = time.monotonic(), datetime.fromtimestamp(BASE, UTC) + passed
            due = [source for source in sources if is_due(states[source.id], now)]
            early += [_too_early(source.id, polled[source.id], now) for source in due if source.id in polled]
            pages = [FetchRequest(url) for plot in plots for url in _pages(farm, plot, number, size.pages)]
            results = session.fetch_all([*(request_for(source, states[source.id]) for source in due), *pages])
            visits = [visit_of(source, states[source.id], result) for source, result in zip(due, results, strict=False)]
            for visit in read_feeds(pool, visits, settings.workers.feed_seconds):
                facts = replace(facts_of(visit, known), at=now)
                if isinstance(visit.feed, ParsedFeed):
                    known |= {entry.id for entry in visit.feed.entries}
                polled[visit.source.id] = (now, facts)
                states[visit.source.id] = after_poll(visit.state, facts, POLL, now)
            seconds = time.monotonic() - start
            tell(f"round {number}: {len(due)} feeds due, {len(pages)} pages, {seconds:.0f} s")
    return [line for line in early if line]


def _pages(farm: Farm, plot: Plot, number: int, pages: int) -> Iterator[str]:
    """The pages to ask for at one host; fewer where each takes long, so that all hosts are done at about one time."""
    wanted = max(1, pages // 2) if plot.robots == "delay" else max(1, pages // 4) if plot.fate == "slow" else pages
    for page in range(wanted):
        kind = "private" if page % 5 == 4 or wanted == 1 else "open"
        yield f"{farm.origins[plot.address]}/articles/{kind}-{number}-{page}.html"


def _too_early(source_id: str, last: tuple[datetime, PollFacts], now: datetime) -> str:
    """What was wrong with polling a source again now, by what its last poll was told; empty if nothing."""
    then, facts = last
    if facts.outcome is FeedOutcome.GONE:
        return f"{source_id}: polled although gone"
    asked = [facts.fresh, facts.retry_after, facts.refresh if facts.outcome in ANSWERED else None]
    wish = min(max([POLL.min_interval - GRACE, *(one for one in asked if one is not None)]), POLL.max_interval)
    passed = (now - then).total_seconds()
    return f"{source_id}: polled again after {passed:.0f} s, not {wish:.0f} s" if passed < wish else ""


def _poll_twice(farm: Farm, plots: Sequence[Plot], pool: WorkerPool, tell: Tell) -> tuple[float, float]:
    """Poll all feeds twice, as a run does; return the seconds of the first poll and of the second."""
    sources = [Source(plot.address, plot.address, f"{farm.origins[plot.address]}/feed.xml") for plot in plots]
    with tempfile.TemporaryDirectory() as folder, _house(Path(folder), farm, pool) as house:
        house.begin_run(sources)
        taken = []
        for name in ("first", "second"):
            start = time.monotonic()
            outcomes: Counter[FeedOutcome] = Counter()
            for some in batches(sources, 100):
                polls = poll_sources(house, some)
                store_polls(house, polls)
                outcomes.update(poll.outcome for poll in polls)
            taken.append(time.monotonic() - start)
            said = ", ".join(f"{count} {outcome.value.replace('_', ' ')}" for outcome, count in outcomes.items())
            tell(f"{name} poll: {said}, {taken[-1]:.1f} s")
    return taken[0], taken[1]


@contextmanager
def _house(folder: Path, farm: Farm, pool: WorkerPool) -> Iterator[House]:
    """A house with all that polling needs, and no model."""
    settings = Settings(data_dir=folder, fetch=_fetch_settings(farm), poll=PollSettings(min_interval=0))
    with open_warehouse(folder / "warehouse.duckdb") as warehouse, FetchSession(settings.fetch) as session:
        yield House(settings, warehouse, Archive(folder / "archive"), session, pool, _Unread())


class _Unread:
    """An extractor for a house in which nothing is read."""

    revision = "none"

    def extract(self, documents: Sequence[Document]) -> list[list[Mention] | ExtractionError]:
        return [[] for _ in documents]


def _fetch_settings(farm: Farm) -> FetchSettings:
    return FetchSettings(contact=CONTACT, host_gap=GAP, concurrency=CONCURRENCY, allow_hosts=farm.allow_hosts)


def _claims(log: Sequence[Asked], found: Sequence[Breach]) -> Iterator[Claim]:
    """One claim for the sum, and one for each rule."""
    hosts, connections = len({one.host for one in log}), len({one.connection for one in log})
    yield Claim(
        f"rules broken in {len(log):,} requests to {hosts} hosts, on {connections} connections",
        str(len(found)),
        "0",
        not found,
    )
    broken = Counter(breach.rule for breach in found)
    for rule in RULES:
        first = next((f"; first {breach.host}: {breach.seen}" for breach in found if breach.rule == rule), "")
        yield Claim(f"  {rule}", f"{broken[rule]} broken{first}", "0", not broken[rule])
    shortest = shortest_gap(log)
    yield Claim(
        f"shortest gap at a host; {TOLERANCE:g} s are left to what happens on the way",
        f"{shortest:.2f} s",
        f"{GAP:g} s",
        not broken[GAP_RULE],
    )


def _schedule_claim(early: Sequence[str], log: Sequence[Asked]) -> Claim:
    feeds = sum(one.path.endswith("feed.xml") for one in log)
    first = f"; first {early[0]}" if early else ""
    claim = f"feeds asked for before caching, ttl, Retry-After or least interval allow, in {feeds} requests for feeds"
    return Claim(claim, f"{len(early)}{first}", "0", not early)


def _speed_claims(cold: float, warm: float, hosts: int) -> Iterator[Claim]:
    text = (
        f"seconds for a poll of {hosts} unchanged feeds; the first poll, with robots.txt and its gap, took {cold:.1f}"
    )
    yield Claim(text, f"{warm:.1f}", f"{QUICK:g}", warm <= QUICK)

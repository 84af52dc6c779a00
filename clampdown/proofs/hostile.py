"""No feed, page or compressed bomb stops or exhausts a run: everything bad at once, through the code that runs use."""

import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from clampdown.proofs.bombs import bomb_claims
from clampdown.proofs.claims import Claim, Proof, Tell
from clampdown.proofs.faults import FAULTS, BreakablePool, mark
from clampdown.proofs.hostile_feeds import hostile_feeds, mutations
from clampdown.proofs.hostile_pages import heavy_pages, slow_pages
from clampdown.proofs.webserver import HTTPServer, Reply
from flows.house import House, open_house
from flows.ingest import ingest
from flows.jobs import NURSERY, FeedJob, PageJob, Reading, read_feed, read_page
from pipeline.errors import FetchError, ParseError, WorkerError
from pipeline.fetch import FetchSession
from pipeline.settings import FetchSettings, PollSettings, RunSettings, Settings, WorkerSettings
from pipeline.types import Entry, FetchRequest, Outcome, ParsedFeed, Response, Source
from pipeline.workers import WorkerPool
from warehouse.reader import open_reader

TIMEOUT = 3.0
"""Seconds that a hostile server is given."""

SLACK = 1.0
"""Seconds that a fetch may take longer than that."""

FEED_SECONDS = 2.0
MUTATIONS = 5
SLOW_FAULTS = frozenset({"stand_still"})
"""Left out of the short form: they end by the clock, not by what they use."""

WORDS = """
    council library river bridge school market garden winter report budget teacher harvest museum railway engine
    letter island harbour painter village concert doctor kitchen weather station morning evening answer question
    history
""".split()  # noqa: SIM905 - a list of thirty reads better than thirty strings


def prove(tell: Tell, *, short: bool) -> Proof:
    """Bombs, hostile servers, hostile feeds, and pages that crash or hang the worker that reads them."""
    claims = bomb_claims(tell, short=short)
    claims += _server_claims(tell)
    claims += _feed_claims(tell, short=short)
    claims.append(_heavy_claim(tell, short=short))
    claims += _page_claims(tell, pages=100 if short else 1000, short=short)
    return Proof("hostile", tuple(claims))


def _server_claims(tell: Tell) -> list[Claim]:
    """Servers that drip, stall, lie about lengths or redirect for ever: each fetch ends in time with a known error."""
    tell("fetching from hostile servers")
    head = b"HTTP/1.1 200 OK\r\n"
    routes: dict[str, Reply] = {
        "/drip": Reply(body=b"x" * 100_000, drip=0.05),
        "/late": Reply(delay=60),
        "/header-drip": Reply(raw=head + b"X: y\r\n" * 10_000, drip=0.01),
        "/long-header": Reply(raw=head + b"X: " + b"y" * 10_000_000 + b"\r\n\r\n"),
        "/many-headers": Reply(raw=head + b"X: y\r\n" * 100_000 + b"\r\n"),
        "/short-body": Reply(raw=head + b"Content-Length: 1000\r\n\r\nx"),
        "/lying-length": Reply(raw=head + b"Content-Length: 99999999999999\r\n\r\n"),
        "/bad-chunks": Reply(raw=head + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nx"),
        "/endless-chunk": Reply(raw=head + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx"),
        "/no-http": Reply(raw=b"\x00\x01\x02" * 1000),
        "/loop": Reply(302, headers={"Location": "/loop"}),
        "/nested": Reply(body=b"x", headers={"Content-Encoding": ", ".join(["gzip"] * 20)}),
        "/unknown-coding": Reply(body=b"x", headers={"Content-Encoding": "lzma"}),
    }
    for hop in range(100):
        routes[f"/hop{hop}"] = Reply(302, headers={"Location": f"/hop{hop + 1}"})
    paths = [path for path in routes if not path.startswith("/hop")] + ["/hop0"]
    with HTTPServer(routes) as server:
        settings = FetchSettings(host_gap=0, retries=0, timeout=TIMEOUT, allow_hosts=(f"127.0.0.1:{server.port}",))
        with FetchSession(settings) as session:
            slowest, strange = 0.0, []
            for path in paths:
                start = time.monotonic()
                (result,) = session.fetch_all([FetchRequest(server.url(path))])
                slowest = max(slowest, time.monotonic() - start)
                if not isinstance(result, FetchError):
                    strange.append(path)
    promised = f"each a known error within {TIMEOUT + SLACK:g} s"
    measured = f"{len(paths) - len(strange)} of {len(paths)}, slowest {slowest:.1f} s"
    return [Claim("hostile servers", measured, promised, not strange and slowest <= TIMEOUT + SLACK)]


def _feed_claims(tell: Tell, *, short: bool) -> list[Claim]:
    """Hostile feeds and their mutations: read or refused within the CPU time that a feed has, or quarantined."""
    feeds = [
        (name, variant)
        for seed, (name, feed) in enumerate(hostile_feeds().items())
        for variant in (feed, *mutations(feed, 1 if short else MUTATIONS, seed))
    ]
    tell(f"reading {len(feeds)} hostile feeds")
    fine, quarantined, slowest = 0, [], 0.0
    with WorkerPool(WorkerSettings(), preload=NURSERY) as pool:
        pool.map(read_feed, [_job(b"<rss/>")], seconds=60)
        for name, feed in feeds:
            start = time.monotonic()
            (found,) = pool.map(read_feed, [_job(feed)], seconds=FEED_SECONDS)
            slowest = max(slowest, time.monotonic() - start)
            if isinstance(found, ParsedFeed | ParseError):
                fine += 1
            elif isinstance(found, WorkerError):
                quarantined.append(name)
    unknown = len(feeds) - fine - len(quarantined)
    shown = f" ({', '.join(sorted(set(quarantined)))})" if quarantined else ""
    measured = (
        f"{fine} read or refused, {len(quarantined)} quarantined{shown}, {unknown} other; slowest {slowest:.1f} s"
    )
    promised = f"all {len(feeds)} read, refused or quarantined after {FEED_SECONDS:g} s of CPU time"
    return [Claim("hostile feeds and mutations", measured, promised, unknown == 0)]


def _job(body: bytes) -> FeedJob:
    return FeedJob(body, "https://feed.example/", "hostile", "application/rss+xml", datetime.now(UTC))


def _heavy_claim(tell: Tell, *, short: bool) -> Claim:
    """Pages of a megabyte made to cost much: read, or refused, or quarantined after the CPU time that a page has."""
    pages = list(slow_pages().items())[:4] if short else [*slow_pages().items(), *heavy_pages().items()]
    tell(f"reading {len(pages)} pages made to be slow")
    settings = WorkerSettings()
    with WorkerPool(settings, preload=NURSERY) as pool:
        found = pool.map(read_page, [_page_job(page) for _, page in pages], seconds=settings.page_seconds)
    quarantined = [name for (name, _), one in zip(pages, found, strict=True) if isinstance(one, WorkerError)]
    unknown = sum(not isinstance(one, Reading | ParseError | WorkerError) for one in found)
    shown = f" ({'; '.join(quarantined)})" if quarantined else ""
    measured = f"{len(pages) - len(quarantined) - unknown} read or refused, {len(quarantined)} quarantined{shown}"
    promised = f"all {len(pages)} read, refused, or quarantined after {settings.page_seconds:g} s of CPU time"
    return Claim("pages made to be slow", measured, promised, unknown == 0)


def _page_job(page: bytes) -> PageJob:
    url = "https://page.example/"
    response = Response(url, url, 200, (("content-type", "text/html"),), page, datetime.now(UTC))
    return PageJob(Entry("hostile", url, url, url, "Hostile"), response)


def _page_claims(tell: Tell, *, pages: int, short: bool) -> list[Claim]:
    """A run over `pages` pages, of which some break the worker that reads them."""
    faults = [fault for fault in FAULTS if not short or fault not in SLOW_FAULTS][:10]
    every = pages // len(faults)
    marked = {number * every + every // 2: fault for number, fault in enumerate(faults)}
    tell(f"running over {pages} pages, of which {len(marked)} break their reader")
    routes = {f"/{number}.html": Reply(body=_page(number, marked.get(number))) for number in range(pages)}
    routes["/feed.xml"] = Reply(body=_feed(pages))
    with HTTPServer(routes) as server, tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            data_dir=Path(folder),
            fetch=FetchSettings(host_gap=0, allow_hosts=(f"127.0.0.1:{server.port}",)),
            poll=PollSettings(min_interval=0, max_interval=0),
            run=RunSettings(batch_size=50),
            workers=WorkerSettings(page_seconds=1.0 if short else 2.0, memory_mb=512),
        )
        with open_house(settings) as house:
            report = ingest(_breakable(house), [Source("hostile", "Hostile", server.url("/feed.xml"))])
        with open_reader(report.snapshot.database) as reader:
            told = reader.rows(
                "SELECT url, detail FROM outcomes JOIN entries USING (entry_id) WHERE outcome = 'quarantined'"
            )
    outcomes = report.summary.outcomes
    broken = outcomes.get(Outcome.QUARANTINED, 0)
    results = sum(outcomes.values()) - broken - report.summary.pending
    reasons = _reasons_told(told, marked)
    return [
        Claim(
            "pages that broke their reader: results",
            str(results),
            str(pages - len(marked)),
            results == pages - len(marked),
        ),
        Claim("the others: quarantined", str(broken), str(len(marked)), broken == len(marked)),
        Claim("with the reason", str(reasons), str(len(marked)), reasons == len(marked)),
    ]


def _breakable(house: House) -> House:
    return replace(house, pool=BreakablePool(house.pool))


def _reasons_told(told: Sequence[tuple[str, str]], marked: dict[int, str]) -> int:
    found = {int(url.rpartition("/")[2].removesuffix(".html")): detail for url, detail in told}
    return sum(FAULTS[fault][1] in found.get(number, "") for number, fault in marked.items())


def _page(number: int, fault: str | None) -> bytes:
    dice = random.Random(number)
    title = " ".join(dice.choices(WORDS, k=6)).capitalize()
    paragraphs = "".join(f"<p>{_sentence(dice)} {_sentence(dice)} {_sentence(dice)}</p>" for _ in range(6))
    trap = mark(fault) if fault else ""
    head = f"<!doctype html><html lang=en><head><title>{title}</title></head>"
    return f"{head}<body><article><h1>{title}</h1>{trap}{paragraphs}</article></body></html>".encode()


def _sentence(dice: random.Random) -> str:
    return f"The {' '.join(dice.choices(WORDS, k=14))} was {dice.randrange(10**6)}."


def _feed(pages: int) -> bytes:
    items = "".join(f"<item><title>Item {n}</title><link>/{n}.html</link></item>" for n in range(pages))
    return f"<rss version='2.0'><channel><title>Hostile</title>{items}</channel></rss>".encode()

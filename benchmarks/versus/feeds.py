"""How faithfully, how fast and how safely are feeds parsed?

Faithfully: feedparser's 2,106 test feeds, each of which says what must hold of the result, and feeds broken at random.
Fast: made-up feeds of 100 to 10,000 items with their articles. Safely: feeds that are made to be slow, and the author
of 24 KB that keeps feedparser busy for seconds (kurtmckee/feedparser#562).
"""

import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from benchmarks.feed_expectations import NOW, URL, Check, TestFeed, check_of, checks, load, stated
from benchmarks.feed_tolerance import hostile, mutated
from benchmarks.versus.record import Column, Figure, Missing, Row, Section, Table, corpus, exact, figure
from benchmarks.versus.worker import BENCH, OWN, Answer, Failed, Hung, NotInstalled, Worker
from pipeline.feed_formats import named
from pipeline.language import primary_tag
from pipeline.markup import clean_html
from pipeline.publication import parse_date
from pipeline.types import DateBasis, Entry, ParsedFeed, Stamp
from pipeline.urls import absolute_url

PEERS: Final = "benchmarks.versus.peers.feeds"
OURS: Final = "clampdown"
SEED: Final = 20261122
ITEMS: Final = 20
BROKEN: Final = 300
NAMES: Final = ("feedparser", "feedparser, bare", "feedparser-rs", "fastfeedparser", "atoma")
NOTES: Final = {
    "feedparser": "the expectations are its own",
    "feedparser, bare": "sanitize_html=False, resolve_relative_uris=False",
}
SIZES: Final = (100, 1_000, 10_000)
SLOW_SIZE: Final = 100_000
ONE_IN: Final = 3
CPU_SECONDS: Final = 3
PATIENT: Final = 60
MEMORY_MB: Final = 2_000
FAITH: Final = (
    Column("elements", "%", "higher", 1),
    Column("entities and encodings", "%", "higher", 1),
    Column("all", "%", "higher", 1),
    Column("items kept of broken feeds", "%", "higher", 1),
    Column("broken feeds refused", "%", "lower", 1),
)
SPEED: Final = (
    *(Column(f"{size:,} items", "ms", "lower", 1) for size in SIZES),
    Column("memory", "MB", "lower", 0),
)
SAFETY: Final = (
    Column("24 KB author", "s", "lower", 2),
    Column("48 KB author", "s", "lower", 2),
    Column("slow feeds ended", "", "higher", 0),
    Column("over time", "", "lower", 0),
    Column("process died", "", "lower", 0),
)


@dataclass(frozen=True, slots=True)
class Expected:
    """An expectation of a feed on a field that we use: where, and the value."""

    feed: TestFeed
    path: str
    value: object

    @property
    def kind(self) -> str:
        return "entities and encodings" if self.feed.name.startswith(("entities/", "encoding/")) else "elements"


def measure(rounds: int) -> Section:
    """Measure our parser and those that are installed."""
    feeds = load(corpus("feeds_feedparser.tar.gz"))[:: 1 if rounds else 40]
    names, missing = _installed()
    versions: dict[str, str] = {}
    if names:
        with Worker() as worker:
            versions = worker.versions("feedparser", "feedparser-rs", "fastfeedparser", "atoma")
    slow = {sample.name: sample.body for sample in list(hostile(SLOW_SIZE))[::ONE_IN]} if rounds else {}
    sizes = SIZES if rounds else SIZES[:1]
    everyone = [OURS, *names]
    return Section(
        title="Feeds",
        data=f"{len(feeds):,} test feeds of feedparser with what is expected of the fields that we use, and {BROKEN} "
        f"random mutations of a feed of {ITEMS} items; made-up RSS with 56 words and an article of 300 words an item; "
        f"{len(slow)} feeds of {SLOW_SIZE // 1000} KB made to be slow, to swell or to nest. Values are compared after "
        "our cleaning of both sides: text instead of HTML, absolute links, UTC. Times are of the CPU.",
        tables=(
            Table(
                "Expectations of feedparser's test feeds that hold, and what is left of broken feeds",
                FAITH,
                tuple(_faith(feeds, names)),
            ),
            Table("Time by items", SPEED, tuple(_speed(everyone, sizes, max(rounds, 1)))),
            Table("Feeds made to be slow", SAFETY, tuple(_safety(name, slow) for name in everyone)),
        ),
        versions=versions,
        missing=tuple(missing),
        remarks=(
            "Where ours differs from an expectation, a written reason says why (`benchmarks/feed_expectations.py`). "
            "Our time has what the others leave to the caller in it: plain text from markup, canonical links, dates "
            "that are judged, repeats told apart.",
            f"A slow feed is over time after {CPU_SECONDS} s of CPU time and may take {MEMORY_MB:,} MB of address "
            "space; one that is refused with an exception has ended.",
        ),
    )


def _installed() -> tuple[list[str], list[Missing]]:
    names, missing = [], []
    for name in NAMES:
        try:
            with Worker() as worker:
                worker.call(f"{PEERS}:items", name, _made(1))
            names.append(name)
        except NotInstalled as error:
            missing.append(Missing(name, str(error)))
    return names, missing


def _parse(name: str, worker: Worker, body: bytes) -> Answer:
    if name == OURS:
        return worker.call("benchmarks.versus.own:feed_items", body)
    return worker.call(f"{PEERS}:items", name, body)


def _python(name: str) -> Any:
    return OWN if name == OURS else BENCH


def _faith(feeds: Sequence[TestFeed], names: Sequence[str]) -> list[Row]:
    ours = {(feed.name, check.field): check for feed in feeds for check in checks(feed) if check.field != "version"}
    wanted = [
        Expected(feed, path, value)
        for feed in feeds
        for path, value in stated(feed.expected)
        if (feed.name, path) in ours and path != "feed.ttl" and "/http_" not in feed.name
    ]
    broken = _broken(BROKEN if len(feeds) > 1_000 else 10)
    holds = {OURS: [ours[one.feed.name, one.path].holds for one in wanted]}
    with Worker(OWN) as worker:
        kept = {OURS: worker.call("benchmarks.versus.own:feed_titles", broken).value}
    for name in names:
        with Worker() as worker:
            sent = [(feed.name, feed.body, _content_type(feed)) for feed in feeds]
            found: Mapping[str, Any] = worker.call(f"{PEERS}:read", name, sent).value
            some = worker.call(f"{PEERS}:read", name, [(str(at), body, None) for at, body in enumerate(broken)]).value
        holds[name] = [_holds(one, found[one.feed.name]) for one in wanted]
        kept[name] = [
            None if isinstance(one, str) else [entry.get("title") or "" for entry in one["entries"]]
            for one in some.values()
        ]
    return [Row(name, _shares(wanted, held) | _kept(kept[name]), NOTES.get(name, "")) for name, held in holds.items()]


def _content_type(feed: TestFeed) -> str | None:
    return feed.content_type or ("application/feed+json" if feed.name.endswith(".json") else None)


def _broken(count: int) -> list[bytes]:
    """A feed of 20 items, mutated at random in so many ways: cut, doubled, re-encoded, without some of its tags."""
    luck, body = random.Random(SEED), _made(ITEMS)
    return [mutated(body, luck) for _ in range(count)]


def _kept(titles: Sequence[Sequence[str] | None]) -> dict[str, Figure]:
    right = {_title(number) for number in range(ITEMS)}
    kept = sum(len(right & {clean_html(one) for one in some}) for some in titles if some is not None)
    return {
        "items kept of broken feeds": exact(100 * kept / (ITEMS * len(titles))),
        "broken feeds refused": exact(100 * sum(some is None for some in titles) / len(titles)),
    }


def _title(number: int) -> str:
    return f"Court & regulator {number}"


def _shares(wanted: Sequence[Expected], held: Sequence[bool]) -> dict[str, Figure]:
    found = {}
    for kind in ("elements", "entities and encodings", "all"):
        some = [yes for one, yes in zip(wanted, held, strict=True) if kind in ("all", one.kind)]
        if some:
            found[kind] = exact(100 * sum(some) / len(some))
    return found


def _holds(one: Expected, parsed: Mapping[str, Any] | str) -> bool:
    """Whether what a peer parsed agrees with an expectation, once both went through our cleaning."""
    if isinstance(parsed, str):
        return False
    base = one.path.rpartition(".")[2].removesuffix("_parsed")
    if base in ("id", "guid"):
        value = str(one.value)
        return any(entry.get("id") in (value, absolute_url(value, base=URL)) for entry in parsed["entries"])
    if base in ("published", "updated", "created"):
        return _same_time(one, parsed, base)
    feed = ParsedFeed(
        title=clean_html(parsed["title"] or ""),
        format="",
        entries=tuple(_entry(entry) for entry in parsed["entries"]),
        language=primary_tag(parsed["language"]),
    )
    check: Check | None = check_of(one.feed.name, one.path, feed, one.value)
    return check is not None and check.holds


def _entry(entry: Mapping[str, Any]) -> Entry:
    link = absolute_url(entry.get("link") or "", base=URL) or ""
    authors = [*(entry.get("authors") or ()), *filter(None, [entry.get("author")])]
    return Entry(
        source_id="benchmark",
        guid=entry.get("id") or link,
        url=link,
        canonical_url=link,
        title=clean_html(entry.get("title") or ""),
        summary=" ".join(clean_html(entry.get("summary") or "", paragraphs=True).split()),
        content=clean_html(entry.get("content") or "", paragraphs=True),
        published=Stamp(NOW, DateBasis.FEED),
        authors=tuple(name for author in authors for name in (author, *named([author]))),
        language=primary_tag(entry.get("language")),
    )


def _same_time(one: Expected, parsed: Mapping[str, Any], name: str) -> bool:
    """A day where no zone is stated, else the second."""
    at = int(one.path.partition("[")[2].partition("]")[0] or 0)
    if not one.path.startswith("entries[") or at >= len(parsed["entries"]):
        return False
    entry = parsed["entries"][at]
    text = entry.get(name) or entry.get("published") or entry.get("updated")
    if not text:
        return one.value is None
    given = datetime.fromisoformat(text)
    if isinstance(one.value, tuple):
        return given.utctimetuple()[:6] == tuple(one.value)[:6]
    wanted = parse_date(str(one.value))
    if isinstance(wanted, datetime):
        return given.utctimetuple()[:6] == wanted.utctimetuple()[:6]
    return isinstance(wanted, date) and given.date() == wanted


def _speed(names: Sequence[str], sizes: Sequence[int], rounds: int) -> list[Row]:
    """Milliseconds of CPU time; parsers take turns in each round."""
    taken: dict[str, dict[int, list[float]]] = {name: {size: [] for size in sizes} for name in names}
    peaks = dict.fromkeys(names, 0.0)
    for size in sizes:
        body = _made(size)
        workers = {name: Worker(_python(name)) for name in names}
        for name, worker in workers.items():
            _parse(name, worker, _made(1))
        for _ in range(rounds):
            for name, worker in workers.items():
                answer = _parse(name, worker, body)
                if answer.value != size:
                    raise Failed(f"{name} finds {answer.value} of {size} items")
                taken[name][size].append(1000 * answer.cpu)
                peaks[name] = answer.peak_mb
        for worker in workers.values():
            worker.close()
    return [
        Row(
            name,
            {f"{size:,} items": figure(values) for size, values in taken[name].items()}
            | {"memory": exact(peaks[name])},
            NOTES.get(name, "") if name != "feedparser" else "",
        )
        for name in names
    ]


def _safety(name: str, slow: Mapping[str, bytes]) -> Row:
    def ends_of(bodies: Sequence[bytes], seconds: int = CPU_SECONDS) -> list[tuple[str, float]]:
        with Worker(_python(name), memory_mb=MEMORY_MB, cpu_seconds=seconds) as worker:
            return [end(worker, body) for body in bodies]

    def end(worker: Worker, body: bytes) -> tuple[str, float]:
        try:
            _parse(name, worker, _made(1))
            answer = _parse(name, worker, body)
        except Hung:
            return "over time", float(PATIENT)
        except Failed as error:
            return ("process died" if "process ended" in str(error) else "slow feeds ended"), 0.0
        return "slow feeds ended", answer.cpu

    bodies = list(slow.values())
    with ThreadPoolExecutor(2) as pool:
        ends = [ending for some in pool.map(ends_of, (bodies[::2], bodies[1::2])) for ending, _ in some]
    authors = [seconds for _, seconds in ends_of((_author(12_000), _author(24_000)), PATIENT)]
    kinds = ("slow feeds ended", "over time", "process died")
    return Row(
        name,
        {f"{size} KB author": exact(seconds) for size, seconds in zip((24, 48), authors, strict=True)}
        | ({kind: exact(ends.count(kind)) for kind in kinds} if slow else {}),
    )


def _author(pieces: int) -> bytes:
    author = "a@" + "a." * pieces + "!"
    item = f"<item><title>T</title><link>https://example.org/1</link><author>{author}</author></item>"
    return f'<rss version="2.0"><channel><title>T</title>{item}</channel></rss>'.encode()


def _made(size: int) -> bytes:
    """A feed of `size` items, each with a summary of 50 words and an article of 300."""
    words = "The regulator of the country ordered providers to block the service until further notice. "
    article = "".join(f"<p>{words * 4}</p>" for _ in range(6))
    item = (
        "<item><title>Court &amp; regulator {0}</title><link>https://example.org/2025/02/{0}?utm_source=rss</link>"
        "<guid isPermaLink='false'>{0}</guid><pubDate>Mon, 03 Feb 2025 10:00:00 GMT</pubDate>"
        "<dc:creator>A Reporter</dc:creator><description><![CDATA[<p>{1}</p>]]></description>"
        "<content:encoded><![CDATA[{2}]]></content:encoded></item>"
    )
    head = (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>T</title>'
        "<link>https://example.org/</link><description>D</description>"
    )
    items = "".join(item.format(number, words * 4, article) for number in range(size))
    return f"{head}{items}</channel></rss>".encode()

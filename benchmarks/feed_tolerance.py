"""How faithfully, how safely and how fast feeds are read.

    python -m benchmarks.feed_tolerance FEEDS.tar.gz [--mutations 5] [--seconds 2] [--size 1000000] [--here]

Reads feedparser's 2,106 test feeds: compares with what feedparser expects of them wherever we use the field, then reads
each as it is and with random mutations (bytes flipped, cut, doubled, re-encoded, tags dropped, entities put in), in
worker processes that are ended after so many seconds of CPU time, and last a set of feeds made to be slow. Every one
must be read, refused with a ParseError, or quarantined with its worker, and the parent must live. The seed is fixed.
"""

import argparse
import base64
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.feed_expectations import NOW, URL, Check, TestFeed, checks, load
from pipeline.errors import ParseError, WorkerError
from pipeline.feeds import parse_feed
from pipeline.settings import WorkerSettings
from pipeline.workers import WorkerPool

SEED = 20261122
SLOWEST = 10
RECODINGS = (
    ("utf-8", "utf-16"), ("latin-1", "utf-8"), ("utf-8", "utf-16-le"), ("utf-8", "cp1252"), ("utf-8", "utf-7"),
    ("utf-8", "shift_jis"), ("utf-8", "utf-32-be"), ("utf-16-le", "utf-8"),
)  # fmt: skip
INSERTIONS = (
    b"&", b"&nbsp;", b"&#0;", b"&#xFFFFFFFF;", b"&undefined;", b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"<![CDATA[", b"]]>",
    b"<!--", b"-->", b"<", b">", b"\x00", b"\xff\xfe", b"<item>", b"</channel>", b"<?xml?>",
)  # fmt: skip
# What quadratic patterns trip over, each over and over.
UNITS = (
    "<", "<a", "</", "</a>", "<!", "<!--", "<![CDATA[", "<?", "&", "&#", "&a", "&amp;", ">", "'", '"', "=", "\n", " ",
    "\t", "<a ", "<a b", "<a b=", '<a b="', "<a b='", "<p>", "<b>", "<item>", "<title>", "]]>", "-->", "<a:b>", "<x/>",
    "data:image/png;base64,", "@", "a@", "a.", "\u00a0", "\u0301", "\u200d", "&#8203;", "<li", "<br/>",
    "<table><tr><td>", "<style>", "<style>@", "<style>a{", "<div style='", "<link", "<meta ", "1:", "://", "%",
)  # fmt: skip
FIELD_UNITS = (" ", "a", "a.", "a@a.", "(", "-1", "2025-", "%", "/", "?a&", "#", "Mon, ", "é")
LINK = "<link>https://example.com/a</link>"


@dataclass(frozen=True, slots=True)
class Sample:
    """Bytes to be read, and what they are."""

    name: str
    body: bytes
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """How reading a sample ended ("read", "refused", "quarantined" or "failed") and the CPU seconds it took."""

    name: str
    ending: str
    seconds: float
    size: int
    detail: str = ""


def mutated(body: bytes, luck: random.Random) -> bytes:
    """Return `body` with one to three random mutations."""
    for _ in range(luck.randint(1, 3)):
        body = luck.choice(MUTATIONS)(body, luck)
    return body


def _flip(body: bytes, luck: random.Random) -> bytes:
    changed = bytearray(body)
    for _ in range(luck.randint(1, 20) if body else 0):
        changed[luck.randrange(len(changed))] ^= 1 << luck.randrange(8)
    return bytes(changed)


def _cut(body: bytes, luck: random.Random) -> bytes:
    return body[: luck.randint(0, len(body))]


def _double(body: bytes, luck: random.Random) -> bytes:
    start = luck.randint(0, len(body))
    end = luck.randint(start, len(body))
    return body[:end] + body[start:end] * luck.choice((1, 2, 50)) + body[end:]


def _recode(body: bytes, luck: random.Random) -> bytes:
    taken, given = luck.choice(RECODINGS)
    return body.decode(taken, "replace").encode(given, "replace")


def _drop_tags(body: bytes, luck: random.Random) -> bytes:
    share = luck.choice((0.02, 0.2, 0.9))
    return re.sub(rb"<[^<>]*>", lambda match: b"" if luck.random() < share else match[0], body)


def _insert(body: bytes, luck: random.Random) -> bytes:
    piece = luck.choice(INSERTIONS)
    for _ in range(luck.randint(1, 5)):
        at = luck.randint(0, len(body))
        body = body[:at] + piece + body[at:]
    return body


MUTATIONS: Sequence[Callable[[bytes, random.Random], bytes]] = (_flip, _cut, _double, _recode, _drop_tags, _insert)


def mutations(feeds: Sequence[TestFeed], each: int) -> Iterator[Sample]:
    """Yield each feed as it is, then `each` mutations of it."""
    luck = random.Random(SEED)
    for feed in feeds:
        yield Sample(feed.name, feed.body, feed.content_type)
        for number in range(each):
            yield Sample(f"{feed.name} #{number}", mutated(feed.body, luck), feed.content_type)


def hostile(size: int = 1_000_000) -> Iterator[Sample]:
    """Yield feeds of about `size` bytes that are made to be slow, to swell or to nest, for one reason each."""

    def rss(item: str, before: str = "") -> bytes:
        return f'{before}<rss version="2.0"><channel><title>T</title><item>{LINK}{item}</item></channel></rss>'.encode()

    def times(piece: str) -> str:
        return piece * (size // len(piece))

    image = base64.b64encode(random.Random(SEED).randbytes(size * 3 // 4)).decode()
    for unit in UNITS:
        yield Sample(f"{unit!r} over and over, bare", rss(f"<description>{times(unit)}</description>"))
        yield Sample(f"{unit!r} over and over, as text", rss(f"<description><![CDATA[{times(unit)}]]></description>"))
    for field in ("title", "link", "guid", "pubDate", "author"):
        for unit in FIELD_UNITS:
            yield Sample(
                f"a {field} of {unit!r}", rss(f"<title>x</title><{field}>{times(unit).replace('&', '&amp;')}</{field}>")
            )
    yield Sample("an address without end", rss(f"<author>a@{times('a.')}@</author>"))
    yield Sample("attributes without end", rss(f"<category {times('a=1 ')}>x</category>"))
    yield Sample("one attribute without end", rss(f'<category a="{times("b")}>x</category>'))
    yield Sample("as many short items as fit, ten thousand at most", _items(size, 10_000, "Words. "))
    yield Sample(
        "as many items with their articles as fit, likewise", _items(size, 10_000, "<p>All the words.</p>" * 25)
    )
    yield Sample("a hundred thousand open elements", rss("<description>" + "<b>" * 100_000))
    deep = "<b>" * 100_000 + "x" + "</b>" * 100_000
    yield Sample("a hundred thousand elements in each other", rss(f"<description>{deep}</description>"))
    yield Sample("the same, as text", rss(f"<description><![CDATA[{deep}]]></description>"))
    yield Sample("a hundred thousand contents in each other", rss("<content>" * 100_000 + "x" + "</content>" * 100_000))
    yield Sample(
        "an image of the feed's size",
        rss(f'<description><![CDATA[<img src="data:image/png;base64,{image}">x]]></description>'),
    )
    yield Sample("a billion laughs", rss("<description>&j;</description>", _laughs()))
    entity = f'<!DOCTYPE rss [<!ENTITY a "{"a" * (size // 2)}">]>'
    yield Sample("a quadratic blow-up", rss(f"<description>{'&a;' * (size // 6)}</description>", entity))
    yield Sample("a document type without end", rss("<title>x</title>", "<!DOCTYPE rss [" + times("<!ENTITY a 'b'")))
    yield Sample("brackets in a document type", rss("<title>x</title>", "<!DOCTYPE rss " + times("[")))
    yield Sample("JSON in a hundred thousand lists", b'{"items":' + b"[" * 100_000)
    yield Sample("a JSON number without end", b'{"items":[{"id":' + b"9" * size + b"}]}")
    yield Sample("namespaces without end", rss("".join(f"<n{n}:a xmlns:n{n}='u{n}'/>" for n in range(size // 30))))
    yield Sample("HTML with links without end", b"<html>" + b"<link " * (size // 6))
    yield Sample("wide characters", rss(f"<description>{times('é')}</description>").decode().encode("utf-16"))
    yield Sample("random bytes", random.Random(SEED).randbytes(size))


def _items(size: int, most: int, text: str) -> bytes:
    item = (
        "<item><title>Court &amp; regulator {0}</title><link>https://example.com/2025/02/{0}?utm_source=rss</link>"
        "<guid isPermaLink='false'>{0}</guid><pubDate>Mon, 03 Feb 2025 10:00:00 GMT</pubDate><category>News</category>"
        f"<description><![CDATA[<p>The court of <b>{{0}}</b> lifted the ban.</p>{text}]]></description></item>"
    )
    items = "".join(item.format(number) for number in range(min(most, size // len(item))))
    return f'<rss version="2.0"><channel><title>T</title>{items}</channel></rss>'.encode()


def _laughs() -> str:
    names = "abcdefghij"
    lines = [f'<!ENTITY {name} "{f"&{names[at - 1]};" * 10 if at else "ha" * 10}">' for at, name in enumerate(names)]
    return f"<!DOCTYPE rss [{''.join(lines)}]>"


def read(sample: Sample) -> Reading:
    """Read `sample` in this process."""
    start = time.process_time()
    ending, detail = "read", ""
    try:
        feed = parse_feed(sample.body, url=URL, source_id="test", content_type=sample.content_type, now=NOW)
        detail = f"{len(feed.entries)} entries"
    except ParseError as error:
        ending, detail = "refused", str(error)
    return Reading(sample.name, ending, time.process_time() - start, len(sample.body), detail)


def read_guarded(samples: Sequence[Sample], *, seconds: float, here: bool) -> list[Reading]:
    """Read `samples` in worker processes, or `here` in this one; an exception that is no ParseError is "failed"."""
    if here:
        return [_caught(sample) for sample in samples]
    with WorkerPool(WorkerSettings(), preload=("pipeline.feeds",)) as pool:
        results = pool.map(read, samples, seconds=seconds)
    return [
        result
        if isinstance(result, Reading)
        else Reading(
            sample.name,
            "quarantined" if isinstance(result, WorkerError) else "failed",
            seconds,
            len(sample.body),
            f"{type(result).__name__}: {result}",
        )
        for sample, result in zip(samples, results, strict=True)
    ]


def _caught(sample: Sample) -> Reading:
    start = time.process_time()
    try:
        return read(sample)
    except Exception as error:
        return Reading(
            sample.name, "failed", time.process_time() - start, len(sample.body), f"{type(error).__name__}: {error}"
        )


def tell_fidelity(found: Sequence[Check], feeds: int) -> int:
    """Print how many expectations hold, and why others don't. Returns how many differ without a reason."""
    differ = [check for check in found if not check.holds]
    unexplained = [check for check in differ if check.reason is None]
    used = len({check.feed for check in found})
    print(
        f"fidelity: {feeds} feeds, of which {used} expect something of a field that we use: {len(found)} expectations"
    )
    on_purpose = len(differ) - len(unexplained)
    print(f"  hold {len(found) - len(differ)}, differ on purpose {on_purpose}, unexplained {len(unexplained)}")
    for reason, count in Counter(check.reason for check in differ if check.reason).most_common():
        print(f"  {count:3} × {reason}")
    for check in unexplained:
        print(f"  UNEXPLAINED {check.feed} {check.field}: ours {check.ours!r:.100}, theirs {check.theirs!r:.100}")
    return len(unexplained)


def tell_readings(title: str, readings: Sequence[Reading], seconds: float) -> int:
    """Print how readings ended and which were slowest. Returns how many failed, or ran on past `seconds`."""
    endings = Counter(reading.ending for reading in readings)
    late = sum(reading.ending in ("read", "refused") and reading.seconds > seconds for reading in readings)
    print(
        f"{title}: {len(readings)} readings, " + ", ".join(f"{name} {count}" for name, count in endings.most_common())
    )
    total = sum(reading.seconds for reading in readings)
    print(f"  CPU seconds in all {total:.1f}, over {seconds:g}: {late}; the slowest:")
    for reading in sorted(readings, key=lambda reading: -reading.seconds)[:SLOWEST]:
        what = f"{reading.ending}: {reading.name[:60]}  ({reading.detail[:60]})"
        print(f"  {reading.seconds:6.3f} s {reading.size:>10,} bytes  {what}")
    for reading in readings:
        if reading.ending in ("failed", "quarantined"):
            print(f"  {reading.ending.upper()} {reading.name}: {reading.detail}")
    return endings["failed"] + late


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("feeds", type=Path, help="feeds_feedparser.tar.gz")
    parser.add_argument("--mutations", type=int, default=5, help="of each feed")
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU seconds for one feed")
    parser.add_argument("--size", type=int, default=1_000_000, help="bytes of the feeds made to be slow")
    parser.add_argument("--here", action="store_true", help="read in this process, without workers")
    options = parser.parse_args()
    feeds = load(options.feeds)
    faults = tell_fidelity([check for feed in feeds for check in checks(feed)], len(feeds))
    for title, samples in (
        ("mutations", list(mutations(feeds, options.mutations))),
        ("made to be slow", list(hostile(options.size))),
    ):
        readings = read_guarded(samples, seconds=options.seconds, here=options.here)
        faults += tell_readings(title, readings, options.seconds)
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())

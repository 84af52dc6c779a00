"""Feeds: golden pairs by folder, and no bytes that break the parser."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import ParseError
from pipeline.feeds import parse_feed
from pipeline.types import DateBasis, Entry, ParsedFeed

GOLDEN = Path(__file__).parent / "golden" / "feeds"
CASES = sorted(path for path in GOLDEN.iterdir() if path.is_dir())
BODIES = [next(case.glob("feed.*")).read_bytes() for case in CASES]
NOW = datetime(2025, 2, 10, 12, tzinfo=UTC)


def rss(*items: str, head: str = "") -> bytes:
    """Return an RSS 2.0 feed that holds `items`."""
    channel = f"<channel><title>T</title>{head}{''.join(items)}</channel>"
    return f'<?xml version="1.0"?><rss version="2.0">{channel}</rss>'.encode()


def parse(body: bytes, **options: Any) -> ParsedFeed:
    return parse_feed(body, **{"url": "https://example.com/rss", "source_id": "example", "now": NOW, **options})


def entry_as_data(entry: Entry) -> dict[str, Any]:
    """The entry as JSON, without what is at its default."""
    data: dict[str, Any] = {"guid": entry.guid, "url": entry.url, "canonical_url": entry.canonical_url}
    data["title"] = entry.title
    for name in ("summary", "content", "language"):
        if value := getattr(entry, name):
            data[name] = value
    if entry.published:
        assert entry.published.basis is DateBasis.FEED
        data["published"] = entry.published.value.isoformat()
    if entry.updated:
        data["updated"] = entry.updated.isoformat()
    if entry.authors:
        data["authors"] = list(entry.authors)
    return data


def outcome(case: Path) -> dict[str, Any]:
    """What parsing a golden case gives, as JSON: the feed, or the error."""
    options = json.loads((case / "case.json").read_text())
    body = next(case.glob("feed.*")).read_bytes()
    try:
        feed = parse_feed(
            body,
            url=options["url"],
            source_id="golden",
            content_type=options["content_type"],
            now=datetime.fromisoformat(options["now"]),
        )
    except ParseError as error:
        return {"error": str(error), "hint": error.hint, "url": error.url}
    assert all(entry.source_id == "golden" for entry in feed.entries)
    return {
        "title": feed.title,
        "format": feed.format,
        "issues": list(feed.issues),
        "entries": [entry_as_data(entry) for entry in feed.entries],
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden(case: Path) -> None:
    assert outcome(case) == json.loads((case / "expected.json").read_text(encoding="utf-8"))


def test_the_golden_folder_is_not_empty() -> None:
    assert len(CASES) >= 20


@pytest.mark.parametrize("case", ["rss20", "atom10", "rdf", "json11"])
def test_parsing_twice_gives_the_same_ids(case: str) -> None:
    body = next((GOLDEN / case).glob("feed.*")).read_bytes()
    first, second = parse(body), parse(body)
    assert first == second
    assert len({entry.id for entry in first.entries}) == len(first.entries)


def test_a_guid_shared_by_two_links_gives_two_ids_in_any_order() -> None:
    one = "<item><title>A</title><link>https://example.com/a</link><guid isPermaLink='false'>x</guid></item>"
    two = "<item><title>B</title><link>https://example.com/b</link><guid isPermaLink='false'>x</guid></item>"
    ids = {entry.url: entry.id for entry in parse(rss(one, two)).entries}
    assert len(set(ids.values())) == 2
    assert ids == {entry.url: entry.id for entry in parse(rss(two, one)).entries}


def test_a_number_as_guid_is_no_link() -> None:
    feed = parse(rss("<item><title>A</title><guid>12345</guid></item>"))
    assert feed.entries == ()
    assert feed.issues == ("1 × entry without a usable link: dropped",)


def test_ids_survive_a_move_of_the_feed() -> None:
    body = rss("<item><title>A</title><link>https://example.com/a</link><guid>post-1</guid></item>")
    before, after = (parse(body, url=url) for url in ("http://example.com/rss", "https://feeds.example.net/x"))
    assert [entry.id for entry in before.entries] == [entry.id for entry in after.entries]


def test_the_time_of_collection_is_never_a_date() -> None:
    feed = parse(rss("<item><title>A</title><link>https://example.com/a</link></item>"))
    assert feed.entries[0].published is None
    assert feed.entries[0].updated is None


def test_the_future_is_judged_at_collection() -> None:
    date = "<pubDate>Wed, 12 Feb 2025 13:00:00 GMT</pubDate>"
    item = f"<item><title>A</title><link>https://example.com/a</link>{date}</item>"
    assert parse(rss(item)).entries[0].published is None
    assert parse(rss(item), now=datetime(2025, 2, 11, tzinfo=UTC)).entries[0].published is not None


def test_a_large_feed_has_few_issues() -> None:
    items = "".join(
        f"<item><title>{n}</title><link>https://example.com/{n}</link><pubDate>soon {n}</pubDate></item>"
        for n in range(500)
    )
    feed = parse(rss(items))
    assert len(feed.entries) == 500
    assert feed.issues == ("500 × publication date that can't be read, such as 'soon 0'",)


def test_warnings_of_feedparser_do_not_leak(recwarn: pytest.WarningsRecorder) -> None:
    parse(next((GOLDEN / "rss20").glob("feed.*")).read_bytes())
    assert not [warning for warning in recwarn if "feedparser" in str(warning.filename)]


def parses_or_refuses(body: bytes, content_type: str | None = None) -> None:
    """Parse `body`; the only exception is ParseError, and what comes back is sound."""
    try:
        feed = parse(body, content_type=content_type)
    except ParseError:
        return
    for entry in feed.entries:
        assert entry.url.startswith(("http://", "https://"))
        assert entry.canonical_url
        assert entry.guid
        assert entry.title or entry.summary or entry.content or feed.format == "sitemap"
        assert "\n" not in entry.title
    assert len({entry.id for entry in feed.entries}) == len(feed.entries)


FAST = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@FAST
@given(st.binary(max_size=400), st.sampled_from([None, "text/xml", "application/json", "text/html; charset=hex"]))
def test_no_bytes_break_the_parser(body: bytes, content_type: str | None) -> None:
    parses_or_refuses(body, content_type)


@FAST
@given(st.data())
def test_no_mutation_of_a_feed_breaks_the_parser(data: st.DataObject) -> None:
    body = bytearray(data.draw(st.sampled_from(BODIES)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body)))
        end = min(len(body), at + data.draw(st.integers(0, 60)))
        body[at:end] = data.draw(
            st.one_of(st.binary(max_size=12), st.sampled_from([b"<item>", b"]]>", b"&#0;", b"<!--", b"\xff"]))
        )
    parses_or_refuses(bytes(body))


@FAST
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20), lambda inner: st.lists(inner, max_size=3)
    )
)
def test_no_json_breaks_the_parser(value: object) -> None:
    item = {"id": value, "url": value, "title": "t", "authors": value, "date_published": value, "content_html": value}
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": value, "items": [item, value]}
    parses_or_refuses(json.dumps(feed).encode())


def test_feedparsers_own_expectations(shared: Path) -> None:
    """All 2,106 test feeds: where they expect something of a field that we use, it holds, or a reason is written."""
    from benchmarks.feed_expectations import REASONS, checks, load

    feeds = load(shared / "corpus" / "feeds_feedparser.tar.gz")
    assert len(feeds) >= 2_106
    found = [check for feed in feeds for check in checks(feed)]
    differ = [check for check in found if not check.holds]
    assert len(found) >= 1_249
    assert [check for check in differ if check.reason is None] == []
    assert len(differ) <= 27
    assert {check.reason for check in differ} == set(REASONS)


def test_feedparsers_feeds_and_mutations_are_read_or_refused(shared: Path) -> None:
    """A short form of `python -m benchmarks.feed_tolerance`: no crash, none slow."""
    from benchmarks.feed_expectations import load
    from benchmarks.feed_tolerance import hostile, mutations, read

    feeds = load(shared / "corpus" / "feeds_feedparser.tar.gz")
    samples = [*mutations(feeds[::20], 3), *hostile(20_000)]
    slow = [reading for sample in samples if (reading := read(sample)).seconds > 1.5]
    assert slow == []

"""What is known to be true of the sample: quotes stand in its pages, and every event is one of its happenings."""

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from test_sample_site import article, ask, golden, readable, visible

from clampdown.sample_content import Sample
from clampdown.sample_site import SampleSite
from pipeline.feeds import parse_feed
from pipeline.text import read_article
from pipeline.types import Action, Entry, ReasonClass, Response, Status, TextOrigin

QUOTED = ("trigger", "actor", "service", "scope", "date", "reason")
_NOW = datetime(2025, 4, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def site() -> Iterator[SampleSite]:
    with SampleSite(0) as site:
        yield site


@pytest.fixture(scope="module")
def sample(site: SampleSite) -> Sample:
    return site.sample


# ---- the golden events


def test_every_quote_stands_in_the_visible_page(site: SampleSite, sample: Sample) -> None:
    encodings = {outlet.id: outlet.encoding for outlet in sample.outlets}
    for row in golden("sample_events.jsonl"):
        source = article(sample, row["id"])
        if source.fault == "timeout" or not row["events"]:
            continue
        if source.template == "shell.html":
            seen = re.sub(r"\s+", " ", source.text)  # The page is empty; the feed carries the text.
        else:
            seen = visible(ask(site.article_url(source.id))[2], encodings[source.outlet])
        for event in row["events"]:
            for field in QUOTED:
                assert event[field] is None or event[field] in source.text, (row["id"], field, event[field])
                assert event[field] is None or event[field] in seen, (row["id"], field, event[field])


def test_golden_rows_are_whole(sample: Sample) -> None:
    rows = golden("sample_events.jsonl")
    assert [row["id"] for row in rows] == [article.id for article in readable(sample)]
    for row in rows:
        source = article(sample, row["id"])
        assert row["published"] == (source.published and source.published.date().isoformat())
        assert row["language"] == (source.language or "en")
        for event in row["events"]:
            Action(event["action"]), Status(event["status"])
            assert {ReasonClass(name) for name in event["reason_classes"]} or event["reason"] is None
            assert re.fullmatch(r"[A-Z]{2}", event["country"])
            assert event["trigger"]
            assert event["service"]
            assert event["service_canonical"]
            assert (event["actor"] is None) is (event["actor_canonical"] is None)
            assert (event["reason"] is None) is (not event["reason_classes"])
            assert event["date_value"] is None or re.fullmatch(r"\d{4}(-\d\d){0,2}", event["date_value"])
            assert event["date_value"] is None or event["date"] is not None


def test_enough_articles_use_the_words_without_a_restriction() -> None:
    empty = [row["id"] for row in golden("sample_events.jsonl") if row["language"] == "en" and not row["events"]]
    assert len(empty) >= 12


def test_happenings_cover_every_event_once() -> None:
    events = {(r["id"], n): e for r in golden("sample_events.jsonl") for n, e in enumerate(r["events"])}
    happenings = golden("sample_happenings.jsonl")
    mentions = [tuple(mention) for happening in happenings for mention in happening["mentions"]]
    assert sorted(mentions) == sorted(events)
    assert len({happening["id"] for happening in happenings}) == len(happenings)
    for happening in happenings:
        told = [events[tuple(mention)] for mention in happening["mentions"]]
        assert len({event["country"] for event in told}) == 1, happening["id"]
        assert len({event["service_canonical"] for event in told}) == 1, happening["id"]
        assert len({event["action"] == "lift" for event in told}) == 1, happening["id"]


def test_the_pipeline_reads_what_the_golden_events_quote(site: SampleSite, sample: Sample) -> None:
    rows = {row["id"]: row for row in golden("sample_events.jsonl")}
    by_url = {site.article_url(a.id).rstrip("/"): a for a in readable(sample) if a.fault is None}
    seen: set[str] = set()
    for entry in _entries(site):
        if any(fault in entry.url for fault in ("dns-tricks", "notice-14.pdf")):
            continue
        with_redirects = urllib.request.Request(entry.url)
        try:
            with urllib.request.urlopen(with_redirects, timeout=5) as answer:
                response = Response(
                    entry.url, answer.url, 200, tuple(answer.headers.items()), answer.read(), fetched_at=_NOW
                )
        except urllib.error.HTTPError as error:
            error.close()
            continue
        read = read_article(entry, response)
        source = by_url[read.canonical_url]
        seen.add(source.id)
        row = rows[source.id]
        text = re.sub(r"\s+", " ", read.text)
        quotes = [event[field] for event in row["events"] for field in QUOTED if event[field] is not None]
        assert [quote for quote in quotes if quote not in text] == [], source.id
        assert (read.published and read.published.day.isoformat()) == row["published"], source.id
        assert read.language == row["language"], source.id
        origin = TextOrigin.FEED if source.template == "shell.html" else TextOrigin.PAGE
        assert read.text_origin is origin, source.id
    assert seen == {a.id for a in by_url.values()}


def _entries(site: SampleSite) -> Iterator[Entry]:
    for source in site.sources():
        if source.id in ("sample-casterby", "sample-brindle"):
            continue
        with urllib.request.urlopen(source.url, timeout=5) as answer:
            feed = parse_feed(
                answer.read(), url=answer.url, source_id=source.id, content_type=answer.headers["Content-Type"]
            )
        yield from feed.entries

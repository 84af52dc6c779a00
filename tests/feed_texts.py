"""Feeds as texts, written around what a test is about, and read."""

from datetime import UTC, datetime
from typing import Any

from pipeline.feeds import parse_feed
from pipeline.types import ParsedFeed

NOW = datetime(2025, 2, 10, 12, tzinfo=UTC)
URL = "https://example.com/rss"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
LINK = "<link>https://example.com/a</link>"
SY = 'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"'
ATOM = 'xmlns:atom="http://www.w3.org/2005/Atom"'


def rss(items: str, *, head: str = "", before: str = '<?xml version="1.0"?>', attributes: str = "") -> str:
    declared = f'xmlns:content="{CONTENT}" {attributes}'
    return f'{before}<rss version="2.0" {declared}><channel><title>T</title>{head}{items}</channel></rss>'


def atom(entries: str, *, head: str = "", attributes: str = "") -> str:
    return f'<feed xmlns="http://www.w3.org/2005/Atom" {attributes}><title>T</title>{head}{entries}</feed>'


def parse(body: str | bytes, **options: Any) -> ParsedFeed:
    data = body.encode() if isinstance(body, str) else body
    return parse_feed(data, **{"url": URL, "source_id": "example", "now": NOW, **options})


def all_text(feed: ParsedFeed) -> str:
    return repr(feed)

"""Feed bytes to entries: which items are articles, under which name, published when."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Final

from pipeline.charset import decode
from pipeline.errors import ParseError
from pipeline.feed_formats import NotJSONFeed, RawDate, RawFeed, RawItem, read_json, read_xml
from pipeline.language import primary_tag
from pipeline.markup import clean_html, is_html_page
from pipeline.publication import implausible
from pipeline.types import DateBasis, Entry, ParsedFeed, Stamp
from pipeline.urls import absolute_url, canonical_url

SIGNATURES: Final = (
    (b"%PDF", "a PDF file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
)
ROOT_ELEMENT = re.compile(r"<([A-Za-z_][\w.-]*(?::[\w.-]+)?)[\s/>]")
FEED_LINK = re.compile(
    r"""<link\b[^>]{0,500}?type\s*=\s*["']application/(?:rss\+xml|atom\+xml|feed\+json)["'][^>]{0,500}>""",
    re.IGNORECASE,
)
HREF = re.compile(r"""href\s*=\s*["']([^"']+)["']""", re.IGNORECASE)


class _Issues:
    """Counts what is odd, with the first example of each: a feed of 10,000 items has few kinds of it."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, str] = {}

    def add(self, issue: str, *, example: str | None = None) -> None:
        self.counts[issue] += 1
        if example is not None:
            self.examples.setdefault(issue, f", such as {example[:40]!r}")

    def told(self) -> tuple[str, ...]:
        return tuple(f"{count} × {issue}{self.examples.get(issue, '')}" for issue, count in self.counts.items())


def parse_feed(
    body: bytes, *, url: str, source_id: str, content_type: str | None = None, now: datetime | None = None
) -> ParsedFeed:
    """Return what the feed `body`, fetched from `url`, holds; a valid feed without items has no entries.

    Reads RSS 0.9–2.0, RDF, Atom and JSON Feed, whatever the content type says; broken XML gives the items that can be
    saved. Items without a usable link or any text are dropped, an item that stands there twice is kept once, and
    impossible dates become None: each with an issue. `now` (default: the clock's) is the time of collection, from which
    a date counts as lying in the future; it is never a date itself.

    Raises ParseError for bytes that are no feed; the message says what they look like.
    """
    decoded = decode(body, content_type)
    raw = _read(decoded.text, body, url=url)
    entries, issues = _entries(raw, url=url, source_id=source_id, now=now or datetime.now(UTC))
    encoding = () if decoded.issue is None else (f"encoding: {decoded.issue}",)
    return ParsedFeed(
        title=clean_html(raw.title),
        format=raw.format or "unknown",
        entries=entries,
        issues=(*encoding, *raw.issues, *issues),
    )


def _read(text: str, body: bytes, *, url: str) -> RawFeed:
    start = text.lstrip()[:1]
    if not start:
        raise ParseError("an empty response is no feed", url=url)
    signature = next((name for magic, name in SIGNATURES if body.startswith(magic)), None)
    if signature:
        raise ParseError(f"{signature} is no feed", url=url)
    if start in "{[":
        try:
            return read_json(text.strip())
        except NotJSONFeed as error:
            raise ParseError(f"{error}", url=url) from error
    try:
        raw = read_xml(text)
    except MemoryError:
        raise
    except Exception as error:
        # feedparser's parsers raise what sgmllib, sax, codecs and their own callbacks raise.
        raise ParseError(f"the feed can't be read ({type(error).__name__})", url=url) from error
    if not raw.format and (not raw.items or is_html_page(text)):
        what, hint = _describe(text, url)
        raise ParseError(f"{what} is no feed", url=url, hint=hint)
    return raw


def _describe(text: str, url: str) -> tuple[str, str | None]:
    """What a text that is no feed looks like, and where the feed may be instead."""
    if is_html_page(text):
        link = FEED_LINK.search(text)
        href = HREF.search(link[0]) if link else None
        feed = absolute_url(href[1], base=url) if href else None
        return "an HTML page", f"The page names this feed: {feed}" if feed else None
    root = ROOT_ELEMENT.search(text[:4096])
    if root:
        return f"XML with the root <{root[1]}>", None
    return "plain text", None


def _entries(raw: RawFeed, *, url: str, source_id: str, now: datetime) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    issues = _Issues()
    entries: list[Entry] = []
    for item in raw.items:
        entry = _entry(item, raw, url=url, source_id=source_id, now=now, issues=issues)
        if entry is not None:
            entries.append(entry)
    kept = tuple(_distinct(entries, issues))
    return kept, issues.told()


def _entry(item: RawItem, raw: RawFeed, *, url: str, source_id: str, now: datetime, issues: _Issues) -> Entry | None:
    link = absolute_url(item.link, base=url) if item.link else None
    key = None if link is None else canonical_url(link)
    if link is None or key is None:
        issues.add("entry without a usable link: dropped")
        return None
    title = clean_html(item.title)
    summary = clean_html(item.summary)
    content = clean_html(item.content, paragraphs=True)
    if not (title or summary or content):
        issues.add("entry without any text: dropped")
        return None
    published = _judged(item.published, "publication", now, issues)
    updated = _judged(item.updated, "update", now, issues)
    if published is None and item.published is None and updated is not None:
        # RSS and RDF know no other date than this (dc:date); Atom does, and means something else by it.
        published = updated
        if raw.format.startswith("atom"):
            issues.add("entry with a time of update only: taken for its publication")
    return Entry(
        source_id=source_id,
        guid=item.guid or key,
        url=link,
        canonical_url=key,
        title=title,
        summary=summary,
        content=content,
        published=None if published is None else Stamp(published, DateBasis.FEED),
        updated=updated if isinstance(updated, datetime) else None,
        authors=tuple(filter(None, map(clean_html, item.authors))),
        language=primary_tag(item.language) or primary_tag(raw.language),
    )


def _judged(raw: RawDate | None, what: str, now: datetime, issues: _Issues) -> datetime | date | None:
    if raw is None:
        return None
    if raw.value is None:
        issues.add(f"{what} date that can't be read", example=raw.text)
        return None
    reason = implausible(raw.value, now)
    if reason is not None:
        issues.add(f"{what} date that {reason}", example=raw.text)
        return None
    return raw.value


def _distinct(entries: Iterable[Entry], issues: _Issues) -> Iterable[Entry]:
    """Drop repeats, and tell apart the different articles that a careless feed gives one GUID."""
    once: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        if (entry.guid, entry.canonical_url) in once:
            issues.add("entry that stands there twice: kept once")
        else:
            once[(entry.guid, entry.canonical_url)] = entry
    uses = Counter(guid for guid, _ in once)
    for (guid, key), entry in once.items():
        if uses[guid] > 1:
            issues.add("entry that shares its GUID with another link: told apart by the link")
            yield replace(entry, guid=f"{guid} {key}")
        else:
            yield entry

"""Feed bytes to entries: which items are articles, under which name, published when."""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Final

from pipeline.charset import decode
from pipeline.errors import ParseError
from pipeline.feed_formats import NotJSONFeed, RawDate, RawFeed, RawItem, read_json
from pipeline.feed_tree import TooMuchMarkup
from pipeline.feed_xml import read_xml
from pipeline.identity import told_apart
from pipeline.ids import content_id
from pipeline.language import primary_tag
from pipeline.markup import clean_html, is_html_page
from pipeline.publication import implausible
from pipeline.sitemaps import is_sitemap, parse_sitemap, sitemap_as_feed
from pipeline.types import DateBasis, Entry, ParsedFeed, Stamp
from pipeline.urls import absolute_url, canonical_url

GZIP: Final = b"\x1f\x8b"
"""Sitemaps are published as compressed files, feeds are not."""
SIGNATURES: Final = (
    (b"%PDF", "a PDF file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
)
ROOT_ELEMENT = re.compile(r"<([A-Za-z_][\w.-]*(?::[\w.-]+)?)[\s/>]")
FEED_ROOT = re.compile(r"<(?:rss|feed|rdf:RDF)[\s>]", re.IGNORECASE)
FEED_LINK = re.compile(
    r"""<link\b[^<>]{0,500}?type\s*=\s*["']application/(?:rss\+xml|atom\+xml|feed\+json)["'][^<>]{0,500}>""",
    re.IGNORECASE,
)
HEAD: Final = 200_000
"""Characters of an HTML page in which it may name its feeds."""
HREF = re.compile(r"""href\s*=\s*["']([^"']+)["']""", re.IGNORECASE)
# Elements that do something, written with attributes. "The <iframe> tag" is a title.
ACTIVE = re.compile(
    r"<(?:applet|audio|base|bgsound|body|button|details|embed|form|frame(?:set)?|html|iframe|image|input|isindex|keygen|"
    r"layer|link|marquee|math|meta|object|script|select|style|svg|textarea|video|xml|xss)[\s/]+[a-z][^<>]{0,1000}>",
    re.IGNORECASE,
)

MAX_ITEMS: Final = 20_000
"""Items read of one feed: years of a busy newspaper."""
MAX_MARKUP: Final = 1_000_000
"""Characters of one field's markup that are cleaned; images written into it don't count."""
MAX_TITLE: Final = 1_000
MAX_TEXT: Final = 200_000
"""Characters kept of a title, and of a summary or content: the longest reports have half of that."""
LONG_SUMMARY: Final = 1_000
"""Characters from which a description without a content beside it is no summary."""
MAX_GUID: Final = 1_000


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

    Reads RSS 0.9–2.0, RDF, Atom, JSON Feed and sitemaps, whatever the content type says; broken XML gives what items
    can be saved. Items without a usable link or any text are dropped, an item that stands there twice is kept once, and
    impossible dates become None: each with an issue. Texts longer than any article are cut. Time and memory grow in
    proportion to the body. `now` (default: the clock's) is the time of collection, from which
    a date counts as lying in the future; it is never a date itself.

    Raises ParseError for bytes that are no feed; the message says what they look like.
    """
    now = now or datetime.now(UTC)
    decoded = decode(body, content_type)
    if is_sitemap(decoded.text) or body.startswith(GZIP):
        sitemap = parse_sitemap(body, url=url, content_type=content_type, now=now)
        return sitemap_as_feed(sitemap, url, source_id, now)
    raw = _read(decoded.text, body, url=url)
    entries, issues = _entries(raw, url=url, source_id=source_id, now=now)
    encoding = () if decoded.issue is None else (f"encoding: {decoded.issue}",)
    return ParsedFeed(
        title=_cleaned(raw.title, MAX_TITLE),
        format=raw.format or "unknown",
        entries=entries,
        issues=(*encoding, *raw.issues, *issues),
        refresh=raw.refresh,
        older=_older(raw, url),
        language=primary_tag(raw.language),
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
            return read_json(text.strip(), max_items=MAX_ITEMS)
        except NotJSONFeed as error:
            raise ParseError(f"{error}", url=url) from error
    if is_html_page(text) and not FEED_ROOT.search(text):
        raise _no_feed(text, url)
    try:
        raw = read_xml(text, max_items=MAX_ITEMS)
    except TooMuchMarkup as error:
        raise ParseError(f"{error}", url=url) from error
    if not raw.format and (not raw.items or is_html_page(text)):
        raise _no_feed(text, url)
    return raw


def _no_feed(text: str, url: str) -> ParseError:
    what, hint = _describe(text, url)
    return ParseError(f"{what} is no feed", url=url, hint=hint)


def _describe(text: str, url: str) -> tuple[str, str | None]:
    """What a text that is no feed looks like, and where the feed may be instead."""
    if is_html_page(text):
        link = FEED_LINK.search(text[:HEAD])
        href = HREF.search(link[0]) if link else None
        feed = absolute_url(href[1], base=url) if href else None
        return "an HTML page", f"The page names this feed: {feed}" if feed else None
    root = ROOT_ELEMENT.search(text[:4096])
    if root:
        return f"XML with the root <{root[1]}>", None
    return "plain text", None


def _older(raw: RawFeed, url: str) -> str | None:
    """Where the items before these are; a feed that names itself has none."""
    older = absolute_url(raw.older, base=url) if raw.older else None
    return None if older is None or older == absolute_url(url) else older


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
    if link is None or key is None or link.partition("#")[0] == url:
        issues.add("entry without a usable link: dropped")
        return None
    title = _cleaned(item.title, MAX_TITLE)
    summary = _cleaned(item.summary, MAX_TEXT, paragraphs=True)
    content = _cleaned(item.content, MAX_TEXT, paragraphs=True)
    if not content and len(summary) >= LONG_SUMMARY:
        # Many feeds have but one field, and put the whole article there.
        summary, content = "", summary
    summary = " ".join(summary.split())
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
        guid=_bounded(item.guid) or key,
        url=link,
        canonical_url=key,
        title=title,
        summary=summary,
        content=content,
        published=None if published is None else Stamp(published, DateBasis.FEED),
        updated=updated if isinstance(updated, datetime) else None,
        authors=tuple(filter(None, (_cleaned(name, MAX_TITLE) for name in item.authors))),
        language=primary_tag(raw.language if item.language is None else item.language),
    )


def _cleaned(markup: str, longest: int, *, paragraphs: bool = False) -> str:
    markup = markup[:MAX_MARKUP]
    if ACTIVE.search(markup):
        # Whatever looks like text to the eye of a program: in a <div> it is read as the markup that it is.
        markup = f"<div>{markup}</div>"
    text = clean_html(markup, paragraphs=paragraphs)
    return text if len(text) <= longest else text[:longest].rstrip()


def _bounded(guid: str) -> str:
    return guid if len(guid) <= MAX_GUID else f"{guid[:100]} {content_id('guid', guid)}"


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
    for (guid, _), entry in once.items():
        if uses[guid] > 1:
            issues.add("entry that shares its GUID with another link: told apart by the link")
            yield told_apart(entry)
        else:
            yield entry

"""Sitemaps (sitemaps.org 0.9 and Google's news extension): bytes to addresses, with what is said of each.

A sitemap is read as a stream, without a tree: what it costs grows with its length alone, however it is nested. Nothing
in it is believed beyond its own site, as the protocol wants it.
"""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final

from lxml import etree

from pipeline.charset import decode
from pipeline.codecs import BodyDecoder, BodyTooLarge, CodingError
from pipeline.errors import ParseError
from pipeline.language import primary_tag
from pipeline.markup import clean_html, is_html_page
from pipeline.publication import implausible, parse_date
from pipeline.types import DateBasis, Entry, ParsedFeed, Stamp
from pipeline.urls import absolute_url, canonical_url, site_of

MAX_BYTES: Final = 52_428_800
"""Decoded bytes of one sitemap that are read: the protocol's limit."""
MAX_ADDRESSES: Final = 50_000
"""Addresses of one sitemap that are read: the protocol's limit."""
MAX_ELEMENTS: Final = 100 * MAX_ADDRESSES
MAX_DEPTH: Final = 64
MAX_TEXT: Final = 8_192
"""Characters of one element that are kept: addresses have 2,048 at most, titles are shorter."""
PIECE: Final = 65_536
"""Characters that the parser gets at once: how late it is noticed that a limit is passed."""
HEAD: Final = 4_096
"""Characters in which the root element must begin."""

COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
ROOT = re.compile(r"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)[\s/>]")
CDATA_START: Final = "<![CDATA["
# Entities of a DTD are never defined here, so that no bomb can be built of them; bare ampersands are common in links.
NO_REFERENCE = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});)")
HOME_PAGE = re.compile(r"https?://[^/?#]*/?")
HTTP_URL = re.compile(r"https?://\S", re.IGNORECASE)
ROOTS: Final = {"urlset": "url", "sitemapindex": "sitemap"}
FEED_ROOTS: Final = frozenset({"rss", "feed", "rdf"})


class SitemapKind(StrEnum):
    """What a sitemap lists: other sitemaps, or pages (as XML or as plain lines)."""

    INDEX = "sitemap index"
    PAGES = "sitemap"
    LINES = "text sitemap"


@dataclass(frozen=True, slots=True)
class SitemapLink:
    """A sitemap that an index names, and when it was last changed, as far as stated."""

    url: str
    modified: datetime | date | None = None


@dataclass(frozen=True, slots=True)
class SitemapPage:
    """A page that a sitemap names. `title`, `published`, `publication` and `language` are a news sitemap's."""

    url: str
    modified: datetime | date | None = None
    title: str = ""
    published: datetime | date | None = None
    publication: str = ""
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Sitemap:
    """A sitemap as read: `children` of an index, or `pages`; and what was odd. Addresses are absolute, each once."""

    url: str
    kind: SitemapKind
    children: tuple[SitemapLink, ...] = ()
    pages: tuple[SitemapPage, ...] = ()
    issues: tuple[str, ...] = ()


def is_sitemap(text: str) -> bool:
    """Return whether `text` begins as an XML sitemap or sitemap index does. Looks at the beginning only."""
    return _root(text) in ROOTS


def parse_sitemap(
    body: bytes,
    *,
    url: str,
    content_type: str | None = None,
    now: datetime | None = None,
    sites: Collection[str] = (),
) -> Sitemap:
    """Return what the sitemap `body`, fetched from `url`, lists: XML, lines of plain text, or either of them gzipped.

    Broken XML is read as far as it goes, compressed and plain bodies up to MAX_BYTES, lists up to MAX_ADDRESSES.
    Addresses of another site than the sitemap's own are left out, save those of `sites` (registrable domains), for
    which the sitemap was named by their own robots.txt. Dates that can't be, as seen at `now` (default: the clock's),
    are None. Each such thing is an issue.

    Raises ParseError for bytes that are no sitemap.
    """
    issues = Counter[str]()
    text = decode(_plain(body, url, issues), content_type).text
    start = text.lstrip()[:HEAD]
    if not start:
        raise ParseError("an empty response is no sitemap", url=url)
    found = _Found(url, now or datetime.now(UTC), frozenset(sites) | {site_of(url) or ""}, issues)
    if HTTP_URL.match(start):
        for line in text.splitlines():
            if line.strip() and not found.add({"loc": line} if HTTP_URL.match(line.strip()) else {}):
                break
        return Sitemap(url, SitemapKind.LINES, pages=found.pages(), issues=found.told())
    root = _root(text)
    if root not in ROOTS:
        raise ParseError(f"{_described(start, root)} is no sitemap", url=url)
    _read(text[text.index("<") :], _Target(root, found), issues)
    if root == "sitemapindex":
        return Sitemap(url, SitemapKind.INDEX, children=found.children(), issues=found.told())
    return Sitemap(url, SitemapKind.PAGES, pages=found.pages(), issues=found.told())


def sitemap_as_feed(sitemap: Sitemap, url: str, source_id: str, now: datetime) -> ParsedFeed:
    """Return the pages of `sitemap`, fetched from `url`, as a feed's entries; they may have no text at all.

    A date of publication is one of the news extension; `lastmod` is the time of an update, where it is a time. `now`
    is the time of collection, against which these dates were judged when the sitemap was read.

    Raises ParseError for an index: it lists sitemaps, not articles.
    """
    if sitemap.kind is SitemapKind.INDEX:
        hint = f"It names {len(sitemap.children)} sitemaps; take one of these, such as the one for news."
        raise ParseError("a sitemap index is no feed", url=url, hint=hint)
    issues = Counter[str]()
    entries: dict[str, Entry] = {}
    for page in sitemap.pages:
        entry = page_entry(page, source_id)
        if entry is None:
            issues["address that names no article: left out"] += 1
        elif entry.canonical_url in entries:
            issues["address that stands there twice: kept once"] += 1
        else:
            entries[entry.canonical_url] = entry
    titles = Counter(page.publication for page in sitemap.pages if page.publication)
    languages = Counter(entry.language for entry in entries.values() if entry.language)
    return ParsedFeed(
        title=titles.most_common(1)[0][0] if titles else "",
        format=sitemap.kind.value.replace(" ", "-"),
        entries=tuple(entries.values()),
        issues=(*sitemap.issues, *_told(issues)),
        language=languages.most_common(1)[0][0] if languages else None,
    )


def page_entry(page: SitemapPage, source_id: str) -> Entry | None:
    """Return the entry that a sitemap's page stands for, or None where its address can't be an article's."""
    key = canonical_url(page.url)
    if key is None or HOME_PAGE.fullmatch(key):
        return None
    return Entry(
        source_id=source_id,
        guid=key,
        url=page.url,
        canonical_url=key,
        title=page.title,
        published=None if page.published is None else Stamp(page.published, DateBasis.FEED),
        updated=page.modified if isinstance(page.modified, datetime) else None,
        language=page.language,
    )


def _plain(body: bytes, url: str, issues: Counter[str]) -> bytes:
    """Undo the compression of a file (`sitemap.xml.gz`), which is no content coding and was left as it is."""
    if not body.startswith(b"\x1f\x8b"):
        if len(body) > MAX_BYTES:
            issues[f"longer than {MAX_BYTES} bytes: the rest is left out"] += 1
        return body[:MAX_BYTES]
    decoder = BodyDecoder("gzip", MAX_BYTES)
    try:
        decoder.feed(body)
        return decoder.finish()
    except BodyTooLarge:
        issues[f"longer than {MAX_BYTES} bytes: the rest is left out"] += 1
    except CodingError as error:
        issues[f"{error}"] += 1
    head = decoder.head()
    if not head:
        raise ParseError("gzip data that can't be read is no sitemap", url=url)
    return head


def _root(text: str) -> str:
    """The local name of the first element, in small letters; empty if there is none near the beginning."""
    found = ROOT.search(COMMENT.sub("", text.lstrip()[:HEAD]))
    return "" if found is None else found[1].lower()


def _described(start: str, root: str) -> str:
    if is_html_page(start):
        return "an HTML page"
    if root in FEED_ROOTS:
        return "a feed"
    return f"XML with the root <{root}>" if root else "this text"


def _read(text: str, target: "_Target", issues: Counter[str]) -> None:
    """Push `text` through the parser until it ends, breaks or passes a limit."""
    parser = etree.XMLParser(
        target=target,  # type: ignore[arg-type]  # the stubs want bytes and comments heard, too
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        # The text was decoded by us; whatever its declaration says, the parser gets UTF-8.
        encoding="utf-8",
    )
    try:
        text = _without_entities(text)
        for start in range(0, len(text), PIECE):
            parser.feed(text[start : start + PIECE].encode("utf-8", "replace"))
            if target.is_full:
                return
        parser.close()
    except etree.LxmlError:
        pass  # the parser has logged what it met
    if parser.feed_error_log:
        first = parser.feed_error_log[0]
        issues[f"not well-formed: line {first.line}: {first.message[:120].strip()}"] = 1


def _without_entities(text: str) -> str:
    """Return `text` with every ampersand escaped that begins none of XML's own references."""
    outside, *sections = text.split(CDATA_START)
    parts = [NO_REFERENCE.sub("&amp;", outside)]
    for section in sections:
        inside, end, outside = section.partition("]]>")
        parts += (CDATA_START, inside, end, NO_REFERENCE.sub("&amp;", outside))
    return "".join(parts)


class _Target:
    """Hears what the parser reads and collects the fields of each `url` or `sitemap` element."""

    def __init__(self, root: str, found: "_Found") -> None:
        self._item = ROOTS[root]
        self._found = found
        self._path: list[str] = []
        self._fields: dict[str, str] | None = None
        self._text: list[str] | None = None
        self._elements = 0
        self.is_full = False
        """Whether enough was read; what comes after is overlooked."""

    def start(self, tag: str, attributes: object) -> None:
        if self.is_full:
            return
        self._elements += 1
        name = tag.rpartition("}")[2].rpartition(":")[2].lower()
        self._path.append(name)
        if self._elements > MAX_ELEMENTS or len(self._path) > MAX_DEPTH:
            self._found.issues["too many or too deeply nested elements: the rest is left out"] = 1
            self.is_full = True
        elif name == self._item and self._fields is None:
            self._fields = {}
        self._text = None if self._fields is None else []

    def data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data[:MAX_TEXT])
            if len(self._text) > MAX_TEXT:
                self._text = ["".join(self._text)[:MAX_TEXT]]

    def end(self, tag: str) -> None:
        if self.is_full or not self._path:
            return
        name = self._path.pop()
        if name == self._item and self._fields is not None and name not in self._path:
            self.is_full = not self._found.add(self._fields)
            self._fields = None
        elif self._fields is not None and self._text:
            # `image:loc` and `video:publication_date` are of what is on the page: the names below an item count only
            # where they stand in it directly or in the news extension.
            above = self._path[-1] if self._path else ""
            if above in (self._item, "news", "publication"):
                key = name if above == self._item else f"{above}:{name}"
                self._fields.setdefault(key, "".join(self._text)[:MAX_TEXT].strip())
        self._text = None

    def close(self) -> None:
        """The end of the text: an item that is still open may have its address already."""
        if self._fields and not self.is_full:
            self._found.add(self._fields)
        self._fields = None


class _Found:
    """The addresses found so far, each once, with those that don't belong here counted."""

    def __init__(self, url: str, now: datetime, sites: frozenset[str], issues: Counter[str]) -> None:
        self.issues = issues
        self._url = url
        self._now = now
        self._sites = sites
        self._hosts: dict[str, bool] = {}
        self._items: dict[str, dict[str, str]] = {}
        self._seen = 0

    def add(self, fields: dict[str, str]) -> bool:
        """Take an item; return whether more may come."""
        self._seen += 1
        if self._seen > MAX_ADDRESSES:
            self.issues[f"more than {MAX_ADDRESSES} addresses: the rest is left out"] = 1
            return False
        url = self._address(fields.get("loc", ""))
        if url is None:
            return True
        if url in self._items:
            self.issues["address that stands there twice: kept once"] += 1
        else:
            self._items[url] = fields
        return True

    def children(self) -> tuple[SitemapLink, ...]:
        return tuple(SitemapLink(url, self._date(fields, "lastmod")) for url, fields in self._items.items())

    def pages(self) -> tuple[SitemapPage, ...]:
        return tuple(
            SitemapPage(
                url,
                modified=self._date(fields, "lastmod"),
                title=clean_html(fields.get("news:title", "")),
                published=self._date(fields, "news:publication_date"),
                publication=clean_html(fields.get("publication:name", "")),
                language=primary_tag(fields.get("publication:language")),
            )
            for url, fields in self._items.items()
        )

    def told(self) -> tuple[str, ...]:
        return _told(self.issues)

    def _address(self, loc: str) -> str | None:
        # Escaped twice is a usual mistake, and "&amp;" stands in no address on purpose.
        loc = loc.strip().replace("&amp;", "&")
        is_whole = HTTP_URL.match(loc) is not None
        url = absolute_url(loc, base=None if is_whole else self._url)
        if url is None:
            self.issues["item without a usable address: left out"] += 1
            return None
        if not is_whole:
            self.issues["relative address: resolved"] += 1
        host = url.split("/", 3)[2]
        if host not in self._hosts:
            self._hosts[host] = site_of(url) in self._sites
        if not self._hosts[host]:
            self.issues["address on another site: left out"] += 1
            return None
        return url

    def _date(self, fields: dict[str, str], name: str) -> datetime | date | None:
        text = fields.get(name)
        if not text:
            return None
        value = parse_date(text)
        if value is None:
            self.issues[f"{name} that can't be read as a day"] += 1
            return None
        reason = implausible(value, self._now)
        if reason is not None:
            self.issues[f"{name} that {reason}"] += 1
            return None
        return value


def _told(issues: Counter[str]) -> tuple[str, ...]:
    return tuple(issue if count == 1 else f"{count} × {issue}" for issue, count in issues.items())

"""XML feeds: RSS, RDF, Atom and CDF, in all the mixtures of them that publishers write."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urljoin

from pipeline.feed_formats import MAX_AUTHORS, RawDate, RawFeed, RawItem, left_out, named, raw_date
from pipeline.feed_tree import ITEMS, PREFIX, RDF, XML, Element, Tree, markup_in, read_tree, split_tag

TEXT_TYPES: Final = ("text", "html", "xhtml", "plain", "application/xhtml")
HTML_TYPES: Final = frozenset({"html", "xhtml", "text/html", "application/xhtml+xml"})
URL_START = re.compile(r"https?:|/", re.IGNORECASE)
BASE = re.compile(r"\bbase\s*=", re.IGNORECASE)
C1 = {code: bytes([code]).decode("cp1252", "ignore") or None for code in range(0x80, 0xA0)}

MINUTE, DAY = 60.0, 86_400.0
PERIODS: Final = {"hourly": 3_600.0, "daily": DAY, "weekly": 7 * DAY, "monthly": 30 * DAY, "yearly": 365 * DAY}
LONGEST_REFRESH: Final = 7 * DAY
ABSURD_REFRESH: Final = 400 * DAY

# Namespaces whose elements we read, by the prefix that everybody gives them; those of the formats themselves have none.
NAMESPACES: Final = {
    "http://www.w3.org/2005/atom": "", "http://purl.org/atom/ns#": "", "http://purl.org/rss/1.0/": "",
    "http://my.netscape.com/rdf/simple/0.9/": "", "http://channel.netscape.com/rdf/simple/0.9/": "",
    "http://purl.org/rss/2.0/": "", "http://blogs.law.harvard.edu/tech/rss": "",
    "http://purl.org/net/rss1.1#": "", "http://purl.org/rss/1.0/modules/rss091#": "",
    "http://example.com/newformat#": "", "http://example.com/necho": "", "http://purl.org/echo/": "",
    "uri/of/echo/namespace#": "", "http://purl.org/pie/": "", "http://purl.org/rss/1.0/modules/content/": "content",
    "http://purl.org/dc/elements/1.1/": "dc", "http://purl.org/dc/terms/": "dcterms",
    "http://rssnamespace.org/feedburner/ext/1.0": "feedburner", "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes",
    "http://example.com/dtds/podcast-1.0.dtd": "itunes", "http://search.yahoo.com/mrss": "media",
    "http://search.yahoo.com/mrss/": "media", "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
    "http://purl.org/rss/1.0/modules/syndication/": "sy", "http://www.w3.org/1999/xhtml": "xhtml",
}  # fmt: skip
RDF_FEEDS: Final = frozenset({"http://purl.org/rss/1.0/", "http://my.netscape.com/rdf/simple/0.9/"})
ROOTS: Final = frozenset({"rss", "rdf:rdf", "feed", "channel"})
RSS_VERSIONS: Final = {"0.91": "rss091u", "0.92": "rss092", "0.93": "rss093", "0.94": "rss094"}
ATOM_VERSIONS: Final = {"0.1": "atom01", "0.2": "atom02", "0.3": "atom03"}

ROLES: Final = {
    "title": "title", "dc:title": "title", "media:title": "media title",
    "id": "id", "guid": "id", "link": "link", "feedburner:origlink": "original link",
    "description": "summary", "summary": "summary", "abstract": "summary", "dc:description": "summary",
    "itunes:summary": "summary", "media:description": "caption",
    "content": "content", "content:encoded": "content", "fullitem": "content", "body": "content",
    "xhtml:body": "content",
    "published": "published", "issued": "published", "pubdate": "published", "dcterms:issued": "published",
    "created": "created", "dcterms:created": "created",
    "updated": "updated", "modified": "updated", "lastbuilddate": "updated", "dc:date": "updated",
    "dcterms:modified": "updated",
    "author": "author", "dc:author": "author", "dc:creator": "author", "itunes:author": "author",
    "language": "language", "dc:language": "language",
    "ttl": "ttl", "sy:updateperiod": "period", "sy:updatefrequency": "frequency",
    "media:group": "group",
}  # fmt: skip
"""What an element of an item or of a feed is to us; all others are nothing."""


def read_xml(text: str, *, max_items: int) -> RawFeed:
    """Read RSS 0.9–2.0, RDF, Atom 0.3–1.0 or CDF, broken or not, up to `max_items`; raises TooMuchMarkup.

    Links are resolved against `xml:base` only, so that a GUID that looks like one doesn't change with the feed's URL.
    `skipHours` and `skipDays` are not read: they name hours in which nothing is written, which the feed's own pace
    tells better.
    """
    return _Reader(read_tree(text), based=bool(BASE.search(text))).feed(max_items)


@dataclass(slots=True)
class _Fields:
    """The children of an item or feed by what they are to us, in the order of the text."""

    by_role: dict[str, list[Element]] = field(default_factory=dict)
    texts: list[tuple[str, Element]] = field(default_factory=list)

    def of(self, role: str) -> list[Element]:
        return self.by_role.get(role, [])


class _Reader:
    """Reads one tree. Names are looked up once per spelling, and bases only where the text names any."""

    def __init__(self, tree: Tree, *, based: bool) -> None:
        self.tree = tree
        self.based = based
        self.names: dict[str, str] = {}

    def feed(self, max_items: int) -> RawFeed:
        root = self._root()
        head = root
        if self._name(root) in ("rss", "rdf:rdf"):
            head = next((child for child in root if self._name(child) == "channel"), root)
        elements = list(self._items())
        kept = [element for element in elements if element is not self.tree.cut_off]
        fields = self._fields(head)
        issues = [*self.tree.issues]
        if len(kept) < len(elements):
            issues.append("the text ends within an item: that item left out")
        issues.extend(left_out(len(kept), max_items))
        language = next((text for element in fields.of("language") if (text := _plain(element))), None)
        return RawFeed(
            format=self._format(root, bool(elements)),
            title=self._title(fields),
            language=language or head.get(f"{{{XML}}}lang") or root.get(f"{{{XML}}}lang"),
            items=tuple(self._item(element) for element in kept[:max_items]),
            issues=tuple(issues),
            refresh=_refresh(fields),
            older=self._older(fields),
        )

    def _name(self, element: Element) -> str:
        """The element's name as everybody writes it: usual prefix, or none, and local name in small letters."""
        tag = element.tag
        name = self.names.get(tag)
        if name is None:
            uri, local = split_tag(tag)
            prefix = NAMESPACES.get(uri.lower())
            if prefix is None:
                prefix = "" if "backend.userland.com/rss" in uri.lower() else (element.prefix or "").lower()
            if uri.startswith(PREFIX):
                prefix = uri.removeprefix(PREFIX)
            name = f"{prefix}:{local.lower()}" if prefix else local.lower()
            self.names[tag] = name
        return name

    def _root(self) -> Element:
        root = self.tree.root
        if self._name(root) in ROOTS:
            return root
        return next((element for element in root.iter("*") if self._name(element) in ROOTS), root)

    def _format(self, root: Element, has_items: bool) -> str:
        name = self._name(root)
        version = root.get("version") or ""
        if name == "rss":
            if "netscape" in self.tree.doctype.lower():
                return "rss091n"
            return RSS_VERSIONS.get(version) or ("rss20" if version.startswith("2.") else "rss")
        if name == "rdf:rdf":
            known = not self.tree.namespaces.isdisjoint(RDF_FEEDS)
            return "rdf" if known or has_items else ""
        if name == "feed":
            atom = "http://www.w3.org/2005/atom" in self.tree.namespaces
            return "atom10" if atom else ATOM_VERSIONS.get(version, "atom")
        return "cdf" if name == "channel" else ""

    def _items(self) -> Iterator[Element]:
        for element in self.tree.root.iter("*"):
            if self._name(element) in ITEMS:
                parent = element.getparent()
                if parent is None or self._name(parent) not in ITEMS:
                    yield element

    def _fields(self, element: Element) -> _Fields:
        fields = _Fields()
        for child in element:
            role = ROLES.get(self._name(child))
            if role in ("summary", "content"):
                fields.texts.append((role, child))
            elif role == "group":
                # The parts of a medium describe the item only where it doesn't describe itself.
                for part in child:
                    if (inner := ROLES.get(self._name(part))) in ("media title", "caption"):
                        fields.by_role.setdefault(inner, []).append(part)
            elif role is not None:
                fields.by_role.setdefault(role, []).append(child)
        return fields

    def _item(self, element: Element) -> RawItem:
        fields = self._fields(element)
        summary, content = self._texts(fields)
        guid, permalink = self._guid(element, fields)
        published = _date(fields.of("published")) or _date(fields.of("created"))
        last_modified = _attributes(element).get("lastmod", "").strip()
        updated = _date(fields.of("updated")) or (raw_date(last_modified) if last_modified else None)
        return RawItem(
            guid=guid,
            link=self._link(element, fields, permalink),
            title=self._title(fields),
            summary=summary,
            content=content,
            published=published,
            updated=updated,
            authors=self._authors(fields),
            language=self._language(element, fields),
        )

    def _title(self, fields: _Fields) -> str:
        for role in ("title", "media title"):
            for element in fields.of(role):
                if title := _content(element):
                    return title
        return ""

    def _texts(self, fields: _Fields) -> tuple[str, str]:
        """Summary and content. The second of two descriptions is the content where no content is named as such."""
        summary = ""
        contents: list[str] = []
        named = False
        for role, element in fields.texts:
            if role == "content":
                named = True
                contents.extend(self._contents(element))
            elif text := _content(element):
                if summary and not named:
                    contents.append(text)
                else:
                    summary = text
        content = max(contents, key=len, default="")
        if not summary and not content:
            summary = next((text for element in fields.of("caption") if (text := _content(element))), "")
        return ("" if summary == content else summary), content

    def _contents(self, element: Element) -> Iterator[str]:
        """What can be read of a content element, or of the alternatives in it."""
        inner = [child for child in element if self._name(child) == "content"]
        for part in inner or [element]:
            kind = (part.get("type") or "").lower()
            if not kind or kind.startswith((*TEXT_TYPES, "application/octet-stream")) or part.get("mode") == "xml":
                yield _content(part)

    def _guid(self, element: Element, fields: _Fields) -> tuple[str, str]:
        """The item's id, and that id again where it counts as a link."""
        guid, permalink = (element.get(f"{{{RDF}}}about") or "").strip(), ""
        for child in fields.of("id"):
            text = _plain(child)
            if not text:
                continue
            if _attributes(child).get("ispermalink", "true") == "true":
                guid = permalink = self._resolved(text, child)
            else:
                guid, permalink = text, ""
        return guid, permalink

    def _link(self, element: Element, fields: _Fields, permalink: str) -> str:
        for child in fields.of("original link"):
            if original := _plain(child):
                return original
        link = self._resolved(_attributes(element).get("href", ""), element)
        alternates = []
        for child in fields.of("link"):
            attributes = _attributes(child)
            href = attributes.get("url") or attributes.get("uri") or attributes.get("href")
            relation = attributes.get("rel", "alternate").strip().lower()
            if relation != "alternate":
                continue
            if href is None:
                link = self._resolved(_plain(child), child) or link
            else:
                href = self._resolved(href.strip(), child)
                alternates.append(href)
                if attributes.get("type", "text/html").strip().lower() in HTML_TYPES:
                    link = href
        # A GUID counts as a link unless it says otherwise: many that don't are numbers.
        usable = permalink if URL_START.match(permalink) else ""
        return link or usable or next(filter(None, alternates), "")

    def _older(self, fields: _Fields) -> str:
        links = [(_attributes(child), child) for child in fields.of("link")]
        for wanted in ("prev-archive", "next"):
            for attributes, child in links:
                if attributes.get("rel", "").strip().lower() == wanted and (href := attributes.get("href", "").strip()):
                    return self._resolved(href, child)
        return ""

    def _authors(self, fields: _Fields) -> tuple[str, ...]:
        names = []
        for element in fields.of("author")[:MAX_AUTHORS]:
            inner = [child for child in element if self._name(child) in ("name", "itunes:name")]
            names += [_plain(child) for child in inner] if len(element) else [_plain(element)]
        return named(names)

    def _language(self, element: Element, fields: _Fields) -> str | None:
        titles = fields.of("title")[:1]
        for place in (*titles, element):
            # An empty one says that there is no telling.
            if (language := place.get(f"{{{XML}}}lang")) is not None:
                return language
        return next((text for child in fields.of("language") if (text := _plain(child))), None)

    def _resolved(self, link: str, element: Element) -> str:
        """`link`, resolved against the bases that the elements around it name."""
        if not self.based or not link:
            return link
        places = [element, *element.iterancestors()]
        base = ""
        for place in reversed(places):
            base = _joined(base, (place.get(f"{{{XML}}}base") or _attributes(place).get("base", "")).strip())
        return _joined(base, link)


def _joined(base: str, link: str) -> str:
    try:
        return urljoin(base, link)
    except ValueError:
        return link


def _attributes(element: Element) -> dict[str, str]:
    """The attributes that have no namespace, by their names in small letters."""
    return {str(name).lower(): str(value) for name, value in element.items() if not str(name).startswith("{")}


def _plain(element: Element) -> str:
    text = element.text if not len(element) else "".join(map(str, element.itertext()))
    return _healed(text.strip()) if text else ""


def _content(element: Element) -> str:
    kind = (element.get("type") or "text").lower()
    escaped = "xml" not in kind and kind != "xhtml"
    if escaped and len(element) and all(_is_div(part) for part in element.iterdescendants()):
        # A frame around what is escaped as the type says, not markup instead of it.
        text = "".join(map(str, element.itertext())).strip()
    else:
        text = markup_in(element).strip()
    if element.get("mode") == "base64" or not kind.startswith((*TEXT_TYPES, "application/xml")):
        try:
            text = base64.b64decode(text, validate=False).decode("utf-8").strip()
        except ValueError:
            pass
    return _healed(text)


def _is_div(element: Element) -> bool:
    return split_tag(element.tag)[1].lower() == "div"


def _healed(text: str) -> str:
    """Undo two errors: UTF-8 taken for Latin-1 and encoded again, and Windows-1252's numbers taken for Unicode's."""
    if text.isascii():
        return text
    try:
        return text.encode("iso-8859-1").decode("utf-8")
    except UnicodeError:
        return text.translate(C1)


def _date(elements: list[Element]) -> RawDate | None:
    texts = [text for element in elements if (text := _plain(element))]
    return raw_date(texts[-1]) if texts else None


def _refresh(fields: _Fields) -> float | None:
    """Seconds between polls: the longer of `ttl` (minutes) and `sy:updatePeriod` over `sy:updateFrequency`."""
    ttl = _number(fields.of("ttl"))
    stated = [] if ttl is None else [ttl * MINUTE]
    period = next((PERIODS.get(_plain(element).lower()) for element in fields.of("period")), None)
    if period is not None:
        stated.append(period / (_number(fields.of("frequency")) or 1))
    sound = [seconds for seconds in stated if MINUTE <= seconds <= ABSURD_REFRESH]
    return min(max(sound), LONGEST_REFRESH) if sound else None


def _number(elements: list[Element]) -> float | None:
    text = _plain(elements[0]) if elements else ""
    return float(text) if re.fullmatch(r"\d{1,9}(?:\.\d{1,9})?", text, re.ASCII) else None

"""Feed formats: XML feeds by feedparser, JSON Feed by hand, both to the same raw items; `feeds` judges them."""

import html.entities
import io
import json
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from xml.sax.saxutils import escape

import feedparser

from pipeline.publication import feed_date, parse_date

JSON_FEED: Final = "https://jsonfeed.org/version/"
RDF: Final = {"rss10", "rss090"}
TEXT_TYPES: Final = ("text/", "application/xhtml", "html", "xhtml")
ILLEGAL_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
BEFORE_MARKUP = re.compile(r"^[^<]{1,2000}(?=<\?xml|<rss\b|<feed\b|<rdf:RDF\b)", re.IGNORECASE)
CDATA = re.compile(r"(<!\[CDATA\[.*?\]\]>)", re.DOTALL)
AMPERSAND = re.compile(r"&(?:(#\d+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);)?")
XML_ENTITIES: Final = frozenset({"amp", "lt", "gt", "quot", "apos"})
URL_START = re.compile(r"https?:|/", re.IGNORECASE)
MAIL_ADDRESS = re.compile(r"\S+@\S+")


@dataclass(frozen=True, slots=True)
class RawDate:
    """A date as written, and as read: None if it can't be."""

    text: str
    value: datetime | date | None


@dataclass(frozen=True, slots=True)
class RawItem:
    """An item as its format gives it. Texts may hold HTML; `link` is resolved where the format says against what."""

    guid: str = ""
    link: str = ""
    title: str = ""
    summary: str = ""
    content: str = ""
    published: RawDate | None = None
    updated: RawDate | None = None
    authors: tuple[str, ...] = ()
    language: str | None = None


@dataclass(frozen=True, slots=True)
class RawFeed:
    """A feed as its format gives it. `format` is empty where no format was recognised."""

    format: str
    title: str = ""
    language: str | None = None
    items: tuple[RawItem, ...] = ()
    issues: tuple[str, ...] = ()


class NotJSONFeed(ValueError):
    """The text is no JSON, or JSON of another kind; the message says which."""


def read_xml(text: str) -> RawFeed:
    """Read RSS 0.9–2.0, RDF or Atom, broken or not; what feedparser raises passes through.

    Links are resolved against `xml:base` only, so that a GUID that looks like one doesn't change with the feed's URL.
    """
    issues = []
    healed = ILLEGAL_IN_XML.sub("", text)
    if len(healed) != len(text):
        issues.append("control characters, which XML forbids")
    stripped = BEFORE_MARKUP.sub("", healed.lstrip())
    if len(stripped) != len(healed.lstrip()):
        issues.append("text before the XML declaration")
    whole = _with_known_entities(stripped)
    if whole != stripped:
        issues.append("bare ampersands or entities of HTML")
    parsed = feedparser.parse(
        io.BytesIO(whole.encode("utf-8", "replace")),
        # The bytes are UTF-8 now whatever their declaration says; the header wins over it.
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    if parsed.get("bozo"):
        issues.append(f"not well-formed: {str(parsed.get('bozo_exception'))[:120]}")
    feed = parsed.get("feed", {})
    version = str(parsed.get("version") or "")
    return RawFeed(
        format="rdf" if version in RDF else version,
        title=_text(dict.get(feed, "title")),
        language=_text(dict.get(feed, "language")) or None,
        items=tuple(_xml_item(entry) for entry in parsed.get("entries", ())),
        issues=tuple(issues),
    )


def read_json(text: str) -> RawFeed:
    """Read JSON Feed 1.0 or 1.1; raises NotJSONFeed."""
    try:
        data = json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        raise NotJSONFeed("broken JSON") from error
    if not isinstance(data, dict) or not isinstance(data.get("items"), list):
        raise NotJSONFeed("JSON, but no JSON Feed")
    version = _text(data.get("version"))
    issues = []
    if version.startswith(JSON_FEED):
        name = "json" + version.removeprefix(JSON_FEED).strip("/").replace(".", "")
    else:
        name = "json"
        issues.append("no JSON Feed version is named")
    items = [item for item in data["items"] if isinstance(item, dict)]
    if len(items) != len(data["items"]):
        issues.append(f"{len(data['items']) - len(items)} × item that is no object: dropped")
    return RawFeed(
        # JSON Feed 1.0 is "version/1".
        format="json10" if name == "json1" else name,
        title=_text(data.get("title")),
        language=_text(data.get("language")) or None,
        items=tuple(_json_item(item) for item in items),
        issues=tuple(issues),
    )


def _with_known_entities(xml: str) -> str:
    """Make XML of what is almost XML: bare ampersands escaped, HTML's entities written out. CDATA stays as it is."""

    def known(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "&amp;"
        if name.startswith("#") or name in XML_ENTITIES:
            return match[0]
        character = html.entities.html5.get(f"{name};")
        return match[0] if character is None else escape(character)

    pieces = CDATA.split(xml)
    pieces[::2] = [AMPERSAND.sub(known, piece) for piece in pieces[::2]]
    return "".join(pieces)


def _xml_item(entry: Any) -> RawItem:
    # dict.get: feedparser's own `get` answers for "updated" with the time of publication.
    summary = _text(dict.get(entry, "summary"))
    contents = [_text(part.get("value")) for part in dict.get(entry, "content") or () if _is_text(part.get("type"))]
    content = max(contents, key=len, default="")
    if content == summary:
        # Where a feed has only one of the two, feedparser gives it as both: what came as content is the full text.
        summary = ""
    return RawItem(
        guid=_text(dict.get(entry, "id")),
        link=_text(dict.get(entry, "feedburner_origlink")) or _link(entry),
        title=_text(dict.get(entry, "title")),
        summary=summary,
        content=content,
        published=_xml_date(entry, "published") or _xml_date(entry, "created"),
        updated=_xml_date(entry, "updated"),
        authors=_people(dict.get(entry, "authors") or ()) or _people([dict.get(entry, "author_detail")]),
        language=_text((dict.get(entry, "title_detail") or {}).get("language")) or None,
    )


def _link(entry: Any) -> str:
    link = _text(dict.get(entry, "link"))
    # A GUID counts as a link unless it says otherwise: many that don't are numbers.
    if link and (URL_START.match(link) or not dict.get(entry, "guidislink")):
        return link
    alternates = (part.get("href") for part in dict.get(entry, "links") or () if part.get("rel") == "alternate")
    return next((_text(href) for href in alternates if href), "")


def _xml_date(entry: Any, name: str) -> RawDate | None:
    text = _text(dict.get(entry, name))
    parsed: time.struct_time | None = dict.get(entry, f"{name}_parsed")
    return RawDate(text, feed_date(text, parsed)) if text else None


def _json_item(item: dict[str, Any]) -> RawItem:
    guid = item.get("id")
    authors = item.get("authors")
    return RawItem(
        guid=str(guid) if isinstance(guid, str | int | float) else "",
        link=_text(item.get("url")) or _text(item.get("external_url")),
        title=_text(item.get("title")),
        summary=_text(item.get("summary")),
        content=_text(item.get("content_html")) or _text(item.get("content_text")),
        published=_json_date(item.get("date_published")),
        updated=_json_date(item.get("date_modified")),
        authors=_people(authors if isinstance(authors, list) else [item.get("author")]),
        language=_text(item.get("language")) or None,
    )


def _json_date(value: object) -> RawDate | None:
    text = _text(value)
    return RawDate(text, parse_date(text)) if text else None


def _people(people: Iterable[object]) -> tuple[str, ...]:
    """The names; addresses are nobody's business."""
    names = (_text(person.get("name")) for person in people if isinstance(person, dict))
    return tuple(name for name in (MAIL_ADDRESS.sub("", name).strip(" ()<>") for name in names) if name)


def _is_text(kind: object) -> bool:
    return not isinstance(kind, str) or not kind or kind.startswith(TEXT_TYPES)


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""

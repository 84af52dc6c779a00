"""Source lists of other feed readers: OPML in, OPML out."""

import re
from collections.abc import Iterable, Iterator
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from pipeline.charset import decode
from pipeline.errors import SourceListError
from pipeline.ids import content_id
from pipeline.language import primary_tag
from pipeline.markup import clean_html, one_line
from pipeline.sources import new_sources
from pipeline.types import Source
from pipeline.urls import absolute_url, canonical_url

MAX_SLUG: Final = 48
NOT_SLUG = re.compile(r"[^a-z0-9]+")
FEED_SCHEME = re.compile(r"^feed:(?://)?(?=https?:)|^feed(?=://)", re.IGNORECASE)
# Entities can only be declared in the document type: without it there is nothing to expand and nothing to fetch.
DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.IGNORECASE | re.DOTALL)
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
STRAY_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9A-Fa-f]{1,6});)")
OUTLINE = re.compile(r"<outline\b[^<]*", re.IGNORECASE)
ATTRIBUTE = re.compile(r"""([A-Za-z:]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')""")


def sources_from_opml(data: bytes) -> tuple[Source, ...]:
    """Return the feeds that an OPML file lists, each URL once, in its order, with the folders above them as topics.

    Broken XML is read as far as it goes. Ids come from the URLs, so importing a file again gives the same ones;
    language and country are None, since OPML doesn't state them.

    Raises SourceListError where no feed is found.
    """
    text = ILLEGAL.sub("", decode(data).text)
    listed = (_source(attributes, folders) for attributes, folders in _outlines(DOCTYPE.sub("", text)))
    sources = new_sources((), (source for source in listed if source is not None))
    if not sources:
        raise SourceListError("the OPML file lists no feeds", hint="Feeds are <outline> elements with an xmlUrl.")
    return sources


def opml_from_sources(sources: Iterable[Source], *, title: str = "Clampdown sources") -> str:
    """Return `sources` as an OPML 2.0 document, one flat list with the topics as categories."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<opml version="2.0">',
        f"  <head><title>{_escaped(title)}</title></head>",
        "  <body>",
    ]
    for source in sources:
        attributes = {
            "type": "rss",
            "text": source.name,
            "title": source.name,
            "xmlUrl": source.url,
            "htmlUrl": source.homepage,
            "language": source.language,
            "category": ",".join(source.topics),
        }
        written = " ".join(f"{key}={quoteattr(ILLEGAL.sub('', value))}" for key, value in attributes.items() if value)
        lines.append(f"    <outline {written}/>")
    lines += ["  </body>", "</opml>", ""]
    return "\n".join(lines)


def _outlines(text: str) -> Iterator[tuple[dict[str, str], tuple[str, ...]]]:
    """Yield the attributes, by lower-case name, and the enclosing folders of each outline that names a feed."""
    marked = len(re.findall(r"\bxmlurl\s*=", text, re.IGNORECASE))
    parser = etree.XMLParser(
        recover=True, resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(
            STRAY_AMPERSAND.sub("&amp;", _without_declaration(text)).encode("utf-8", "replace"), parser
        )
    except etree.LxmlError:
        root = None
    found = [] if root is None else list(_tree_outlines(root))
    if len(found) < marked:
        # The parser gave up somewhere: the tags can be read without their nesting.
        found = list(_tag_outlines(text))
    yield from found


def _tree_outlines(root: etree._Element) -> Iterator[tuple[dict[str, str], tuple[str, ...]]]:
    for element in root.iter("{*}outline", "{*}OUTLINE"):
        attributes = {str(key).lower(): str(value) for key, value in element.attrib.items()}
        if "xmlurl" in attributes:
            above = [parent.get("title") or parent.get("text") or "" for parent in element.iterancestors("{*}outline")]
            yield attributes, tuple(reversed(above))


def _tag_outlines(text: str) -> Iterator[tuple[dict[str, str], tuple[str, ...]]]:
    for tag in OUTLINE.finditer(text):
        attributes = {match[1].lower(): clean_html(match[2] or match[3] or "") for match in ATTRIBUTE.finditer(tag[0])}
        if "xmlurl" in attributes:
            yield attributes, ()


def _source(attributes: dict[str, str], folders: tuple[str, ...]) -> Source | None:
    url = absolute_url(web_address(attributes["xmlurl"]))
    if url is None:
        return None
    categories = [word for part in attributes.get("category", "").split(",") for word in part.split("/")]
    topics = (one_line(clean_html(topic)) for topic in (*folders, *categories))
    name = clean_html(attributes.get("title") or "") or clean_html(attributes.get("text") or "")
    return Source(
        id=source_id(url),
        name=name or url,
        url=url,
        homepage=absolute_url(attributes.get("htmlurl", "")),
        language=primary_tag(attributes.get("language")),
        topics=tuple(dict.fromkeys(topic for topic in topics if topic)),
    )


def web_address(url: str) -> str:
    """Return `url` with `http` in the place of the scheme `feed`, which readers made up."""
    return FEED_SCHEME.sub(_web_scheme, url.strip())


def source_id(url: str) -> str:
    """Return an id for the feed at `url`: its address in letters that an id may have, told apart by a hash if long."""
    key = canonical_url(url) or url
    slug = NOT_SLUG.sub("-", key.partition("://")[2].lower()).strip("-")
    if slug and len(slug) <= MAX_SLUG:
        return slug
    return f"{slug[:MAX_SLUG].strip('-')}-{content_id(key)[:8]}".lstrip("-")


def _web_scheme(match: re.Match[str]) -> str:
    return "" if match[0].endswith((":", "/")) else "http"


def _without_declaration(text: str) -> str:
    return re.sub(r"^\s*<\?xml[^>]*\?>", "", text)


def _escaped(text: str) -> str:
    return escape(ILLEGAL.sub("", text))

"""What a page says of itself in its head, its JSON-LD and the usual places of its body."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, TypeVar

from htmldate import find_date
from lxml.html import HtmlElement
from rapidfuzz import fuzz

from pipeline.language import primary_tag
from pipeline.markup import one_line, visible_text
from pipeline.publication import EARLIEST, parse_date

T = TypeVar("T")

ARTICLE_TYPE = re.compile(r"(?:Article|BlogPosting|Report|LiveBlogPosting|Posting)$")
META_DATES: Final = (
    "article:published_time", "article:published", "og:article:published_time", "og:published_time", "datepublished",
    "parsely-pub-date", "sailthru.date", "dc.date.issued", "dcterms.issued", "dcterms.created", "dc.date.created",
    "dc.date", "dcterms.date", "cxenseparse:recs:publishtime", "citation_publication_date", "citation_date",
    "publication_date", "publication-date", "publish-date", "publish_date", "published_date", "published-date",
    "pubdate", "publishdate", "date_published", "article_date_original", "originalpublicationdate", "article.published",
    "prism.publicationdate", "ptime", "rnews:datepublished", "date",
)  # fmt: skip
META_TITLES: Final = ("og:title", "twitter:title", "parsely-title", "sailthru.title", "dc.title", "headline", "title")
META_SITES: Final = ("og:site_name", "application-name", "dc.publisher", "publisher")
META_AUTHORS: Final = (
    "author",
    "article:author",
    "parsely-author",
    "sailthru.author",
    "dc.creator",
    "byl",
    "citation_author",
)
PUBLISHED_CLASS = re.compile(r"publi|posted|entry-date|dateline|article[_-]?date|timestamp|post-date", re.IGNORECASE)
UPDATED_CLASS = re.compile(r"updat|modif", re.IGNORECASE)
BYLINE = re.compile(r"^\s*(?:(?:written|reported|posted)\s+)?by[:\s]+", re.IGNORECASE)
AUTHOR_LINK = re.compile(r"https?:|www\.|@|facebook\.com", re.IGNORECASE)
AUTHOR_SPLIT = re.compile(r"\s*(?:[,;|]|\band\b|&)\s*")
PUBLISHED_IN_BROKEN_JSON = re.compile(r'"datePublished"\s*:\s*"([^"]{8,40})"')
SITE_SUFFIX = re.compile(r"\s+[|–—·•»-]\s+|\s+::\s+")
MAX_JSON_LD = 1_000_000
MAX_AUTHORS = 10
SAME_TITLE = 80
"""rapidfuzz's token-set ratio, 0–100, from which two titles are one title with and without trimmings."""


@dataclass(frozen=True, slots=True)
class PageMetadata:
    """What a page states; None or empty where it states nothing.

    `free` and `words` are schema.org's `isAccessibleForFree` and `wordCount`.
    """

    title: str | None
    site: str | None
    authors: tuple[str, ...]
    language: str | None
    published: datetime | date | None
    free: bool | None
    words: int | None


def read_metadata(root: HtmlElement, *, feed_title: str = "") -> PageMetadata:
    """Return what the page under `root` states of itself. `feed_title` helps to tell its headline from other ones."""
    articles, broken = _json_ld(root)
    metas = _metas(root)
    site = _first(metas, META_SITES) or _publisher(articles)
    return PageMetadata(
        title=_title(root, articles, metas, site=site, feed_title=feed_title),
        site=site,
        authors=_authors(root, articles, metas),
        language=primary_tag(root.get("lang")) or primary_tag(metas.get("og:locale")),
        published=_published(root, articles, metas, broken),
        free=_stated(_truth(article.get("isAccessibleForFree")) for article in articles),
        words=_stated(_count(article.get("wordCount")) for article in articles),
    )


def date_in_words(root: HtmlElement) -> date | None:
    """Return the day that the visible words near the headline seem to give, as htmldate finds it, or None.

    A last resort: with its metadata taken away, seven pages of ten give the stated day, and one of ten a wrong one.
    """
    try:
        # Without a URL of its own it would read the canonical link's, a date with another basis.
        found = find_date(root, extensive_search=False, original_date=True, url="")
    except Exception:
        # htmldate raises what lxml, dateutil and its own regular expressions raise; an undated page is a normal case.
        return None
    value = parse_date(found) if found else None
    return None if value is None else _day(value)


def _json_ld(root: HtmlElement) -> tuple[list[dict[str, Any]], list[str]]:
    """The JSON-LD objects that are articles, in order, and the scripts that are no JSON."""
    objects: list[dict[str, Any]] = []
    broken: list[str] = []
    budget = MAX_JSON_LD
    for script in root.iter("script"):
        if "ld+json" not in (script.get("type") or "").lower() or not script.text:
            continue
        budget -= len(script.text)
        if budget < 0:
            break
        try:
            # strict=False: line breaks inside strings are common and harmless.
            data = json.loads(script.text.strip().removesuffix(";"), strict=False)
        except (ValueError, RecursionError):
            broken.append(script.text)
        else:
            objects.extend(_objects(data))
    return [item for item in objects if any(ARTICLE_TYPE.search(kind) for kind in _strings(item.get("@type")))], broken


def _objects(data: object) -> Iterator[dict[str, Any]]:
    """The objects at the top of a JSON-LD document: alone, in a list, or in an `@graph`."""
    pending = [data]
    while pending:
        item = pending.pop(0)
        if isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, dict):
            yield item
            pending.extend(item[key] for key in ("@graph", "mainEntity") if isinstance(item.get(key), list | dict))


def _metas(root: HtmlElement) -> dict[str, str]:
    """`<meta>` by lower-case name, property or itemprop; the first of each counts."""
    found: dict[str, str] = {}
    for meta in root.iter("meta"):
        content = meta.get("content")
        name = meta.get("property") or meta.get("name") or meta.get("itemprop")
        if content and name and content.strip():
            found.setdefault(name.strip().lower(), content.strip())
    return found


def _title(
    root: HtmlElement, articles: list[dict[str, Any]], metas: dict[str, str], *, site: str | None, feed_title: str
) -> str | None:
    """The headline as the page shows it: the `<h1>` that other statements of the title agree with, else those."""
    head = next((element for element in root.iter("title") if element.getparent().tag != "svg"), None)
    stated = [one_line(text) for text in (_string(article.get("headline")) for article in articles) if text]
    stated += [one_line(metas[name]) for name in META_TITLES if name in metas]
    if head is not None and head.text:
        stated.append(one_line(head.text))
    hints = [text for text in (one_line(feed_title), *stated) if text]
    headings = [text for element in root.iter("h1") if (text := one_line(visible_text(element)))]
    for heading in headings:
        if heading != site and any(fuzz.token_set_ratio(heading.lower(), hint.lower()) >= SAME_TITLE for hint in hints):
            return heading
    if stated:
        return _without_site(stated[0], site)
    return headings[0] if len(headings) == 1 else None


def _without_site(title: str, site: str | None) -> str:
    """Cut "… | The Daily Example" off a title: only the site's own name, since headlines have dashes too."""
    pieces = SITE_SUFFIX.split(title)
    if site and len(pieces) > 1 and fuzz.ratio(pieces[-1].lower(), site.lower()) >= SAME_TITLE:
        return title[: title.rindex(pieces[-1])].rstrip(" |–—·•»-:")
    return title


def _authors(root: HtmlElement, articles: list[dict[str, Any]], metas: dict[str, str]) -> tuple[str, ...]:
    names: list[str] = []
    for article in articles:
        names += _names(article.get("author"))
    if not names:
        names = [name for key in META_AUTHORS for name in AUTHOR_SPLIT.split(one_line(metas.get(key, "")))]
    if not any(map(_is_name, names)):
        marked = (element for element in root.iter("a", "span", "div", "p") if _marks_author(element))
        names = [
            name for element in marked for name in AUTHOR_SPLIT.split(BYLINE.sub("", one_line(visible_text(element))))
        ]
    cleaned = (BYLINE.sub("", one_line(name)) for name in names)
    return tuple(dict.fromkeys(name for name in cleaned if _is_name(name)))[:MAX_AUTHORS]


def _marks_author(element: HtmlElement) -> bool:
    return "author" in (element.get("rel") or "").split() or element.get("itemprop") == "author"


def _is_name(text: str) -> bool:
    return 2 < len(text) < 60 and not AUTHOR_LINK.search(text)


def _published(
    root: HtmlElement, articles: list[dict[str, Any]], metas: dict[str, str], broken: list[str]
) -> datetime | date | None:
    """The first of the page's own statements that can be read; never a modification time or a guess."""
    stated: list[str] = [text for article in articles if (text := _string(article.get("datePublished")))]
    stated += [match[1] for text in broken if (match := PUBLISHED_IN_BROKEN_JSON.search(text))]
    stated += [metas[name] for name in META_DATES if name in metas]
    parsed = (parse_date(text) for text in (*stated, *_time_elements(root)))
    values = [value for value in parsed if value is not None and _day(value) >= EARLIEST]
    # A bare day gives way to a time on that day.
    same_day = (value for value in values if isinstance(value, datetime) and _day(value) == _day(values[0]))
    return next(same_day, values[0]) if values else None


def _time_elements(root: HtmlElement) -> Iterator[str]:
    """Publication times marked up in the body, the surest first."""
    marked: list[str] = []
    plain: list[str] = []
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        signs = f"{element.get('itemprop') or ''} {element.get('class') or ''} {element.get('id') or ''}"
        value = element.get("datetime") or element.get("content") or ""
        if element.get("itemprop") == "datePublished":
            yield value or one_line(visible_text(element))
        elif element.tag == "time" and value and not UPDATED_CLASS.search(signs):
            (marked if element.get("pubdate") is not None or PUBLISHED_CLASS.search(signs) else plain).append(value)
    yield from marked
    # Teasers of other articles carry times as well: an unmarked one counts only where it is alone.
    if len(set(plain)) == 1:
        yield plain[0]


def _day(value: datetime | date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _publisher(articles: list[dict[str, Any]]) -> str | None:
    return next((name for article in articles for name in _names(article.get("publisher"))), None)


def _names(value: object) -> list[str]:
    items: Iterable[object] = value if isinstance(value, list) else [value]
    names = []
    for item in items:
        name = item.get("name") if isinstance(item, dict) else item
        if isinstance(name, list):
            names += [text for text in name if isinstance(text, str)]
        elif isinstance(name, str):
            names.append(name)
    return [one_line(name) for name in names if name.strip()]


def _first(metas: dict[str, str], names: Iterable[str]) -> str | None:
    return next((one_line(metas[name]).lstrip("@") for name in names if name in metas), None)


def _stated(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)


def _count(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 8:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _strings(value: object) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str)]


def _string(value: object) -> str:
    return next(iter(_strings(value)), "")


def _truth(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None

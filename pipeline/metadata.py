"""What a page says of itself in its head, its JSON-LD and the lines around its headline."""

import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeVar

from htmldate import find_date
from lxml import etree
from lxml.html import HtmlElement

from pipeline import datelines
from pipeline.bylines import find_authors
from pipeline.candidates import Candidates, collect, count, string, truth
from pipeline.headlines import find_headline, is_same
from pipeline.language import primary_tag
from pipeline.nearby import Line, lines_after, lines_before
from pipeline.publication import EARLIEST, WIDEST_OFFSET, day_of, is_later, parse_date

T = TypeVar("T")

META_DATES: Final = (
    "article:published_time", "article:published", "og:article:published_time", "og:published_time", "datepublished",
    "parsely-pub-date", "sailthru.date", "dc.date.issued", "dcterms.issued", "dcterms.created", "dc.date.created",
    "dc.date", "dcterms.date", "cxenseparse:recs:publishtime", "citation_publication_date", "citation_date",
    "publication_date", "publication-date", "publish-date", "publish_date", "published_date", "published-date",
    "pubdate", "publishdate", "date_published", "article_date_original", "originalpublicationdate", "article.published",
    "prism.publicationdate", "ptime", "pub_date", "published_at", "rnews:datepublished", "date",
)  # fmt: skip
META_CHANGES: Final = (
    "article:modified_time", "og:updated_time", "article:modified", "og:article:modified_time", "datemodified",
    "article.updated", "dcterms.modified", "dc.date.modified", "article_date_updated", "updated-date", "lastmod",
    "last-modified", "revision_date", "dateupdated",
)  # fmt: skip
FOREVER: Final = datetime(9000, 1, 1, tzinfo=UTC)
"""Beyond it no time can be moved: some scripts write the last moment that they can for "never"."""
HALF_HOUR: Final = timedelta(minutes=30)
PUBLISHED_CLASS = re.compile(r"publi|posted|entry-date|dateline|article[_-]?date|timestamp|post-date", re.IGNORECASE)
UPDATED_CLASS = re.compile(r"updat|modif", re.IGNORECASE)
PUBLISHED_IN_BROKEN_JSON = re.compile(r'"datePublished"\s*:\s*"([^"]{8,40})"')
CHANGED_IN_BROKEN_JSON = re.compile(r'"dateModified"\s*:\s*"([^"]{8,40})"')
# Where figures are written day first. Of the English-speaking, American usage differs, and "en-US" is what software
# writes by default: it tells nothing.
DAY_FIRST_ENGLISH: Final = frozenset({"gb", "au", "nz", "ie", "in", "za", "ng", "ke", "pk", "sg", "hk", "my"})
YEAR_FIRST: Final = frozenset({"en", "ja", "zh", "ko", "hu", "lt", "fa", "mn", "eu"})


@dataclass(frozen=True, slots=True)
class PageMetadata:
    """What a page states; None or empty where it states nothing.

    `modified` is when the page was changed after its publication, never before it and never the same. `free` and
    `words` are schema.org's `isAccessibleForFree` and `wordCount`.
    """

    title: str | None
    site: str | None
    authors: tuple[str, ...]
    language: str | None
    published: datetime | date | None
    free: bool | None
    words: int | None
    modified: datetime | date | None = None


def read_metadata(root: HtmlElement, *, feed_title: str = "") -> PageMetadata:
    """Return what the page under `root` states of itself. `feed_title` helps to tell its headline from other ones.

    The tree must still have its head, its `<script>`s and the elements around the headline (header, byline, time), and
    no longer what is hidden from readers: the title that is returned is one that they see.
    """
    candidates = collect(root)
    headline = find_headline(root, candidates, feed_title=feed_title)
    if headline.text and len(candidates.articles) > 1:
        # Data of related articles may stand before the article's own.
        own = headline.text
        candidates.articles.sort(key=lambda item: not is_same(string(item.get("headline")), own))
    after = [] if headline.element is None else lines_after(headline.element)
    day_first = _day_first(root, candidates)
    published, modified = _dates(candidates, after, day_first=day_first)
    authors = find_authors(candidates, after, site=headline.site)
    if not authors and headline.element is not None:
        authors = find_authors(candidates, lines_before(headline.element), site=headline.site)
    return PageMetadata(
        title=headline.text,
        site=headline.site,
        authors=authors,
        language=primary_tag(root.get("lang")) or primary_tag(candidates.metas.get("og:locale")),
        published=published,
        free=_stated(truth(item.get("isAccessibleForFree")) for item in (*candidates.articles, *candidates.pages)),
        words=_stated(count(item.get("wordCount")) for item in candidates.articles),
        modified=modified,
    )


def date_in_words(root: HtmlElement) -> datetime | date | None:
    """Return the time or day that the words around the headline give, else the day that htmldate finds, or None.

    A last resort for a page that marks no date up; it needs the same tree as `read_metadata`. With all their markup of
    dates taken away, 150 of 180 news pages give the stated day and 10 a wrong one; htmldate alone gives 111 and 27.
    """
    candidates = collect(root)
    heading = find_headline(root, candidates).element
    day_first = _day_first(root, candidates)
    if heading is not None:
        for lines in (lines_after(heading), lines_before(heading)):
            if found := datelines.worded(lines, day_first=day_first).published:
                return found
    try:
        # What scripts hold is no word that a reader sees. Without a URL of its own htmldate would read the canonical
        # link's, a date with another basis.
        shown = deepcopy(root)
        etree.strip_elements(shown, "script", "style", "template", "noscript", with_tail=False)
        text = find_date(shown, extensive_search=False, original_date=True, url="")
    except Exception:
        # htmldate raises what lxml, dateutil and its own regular expressions raise; an undated page is a normal case.
        return None
    value = parse_date(text) if text else None
    return None if value is None else day_of(value)


def _dates(
    candidates: Candidates, after: list[Line], *, day_first: bool | None
) -> tuple[datetime | date | None, datetime | date | None]:
    """The first of the page's own statements of each date that can be read; never a guess."""
    marked = datelines.stamped(after, day_first=day_first)
    declared = datelines.worded([line for line in after if line.declared], day_first=day_first)
    words = datelines.worded(after, day_first=day_first)
    stated = [parse_date(text, day_first=day_first) for text in _stated_dates(candidates)]
    values = [value for value in (*stated, marked.published) if value is not None and day_of(value) >= EARLIEST]
    values = values or [value for value in (declared.published,) if value is not None]
    if not values:
        values = [value for text in _times(candidates) if (value := parse_date(text)) and day_of(value) >= EARLIEST]
    if not values:
        return None, None
    published, shift = values[0], timedelta()
    if not isinstance(published, datetime):
        # A bare day gives way to a time on that day.
        finer = (*values, declared.published, *map(parse_date, _page_dates(candidates)))
        moments = (value for value in finer if isinstance(value, datetime) and day_of(value) == published)
        published = next(moments, published)
    elif isinstance(words.published, datetime) and published < FOREVER:
        shift = _zone_mistake(published, words.published)
        published += shift
    changes = [parse_date(text, day_first=day_first) for text in _stated_changes(candidates)]
    # The script that writes the one date wrongly writes the other one so, too.
    changes = [value + shift if isinstance(value, datetime) and value < FOREVER else value for value in changes]
    changes += [marked.updated, words.updated]
    return published, next((value for value in changes if value and is_later(value, published)), None)


def _zone_mistake(stated: datetime, shown: datetime) -> timedelta:
    """How far `stated` lies off because a script wrote the local time with another zone's mark.

    Readers see the clock and its zone under the headline; the two then differ by full or half hours and nothing else.
    """
    gap = shown - stated.replace(second=0, microsecond=0)
    return gap if gap % HALF_HOUR == timedelta() and abs(gap) <= WIDEST_OFFSET else timedelta()


def _stated_dates(candidates: Candidates) -> Iterator[str]:
    yield from filter(None, (string(item.get("datePublished")) for item in candidates.articles))
    yield from (match[1] for text in candidates.broken if (match := PUBLISHED_IN_BROKEN_JSON.search(text)))
    yield from (candidates.metas[name] for name in META_DATES if name in candidates.metas)
    yield from _page_dates(candidates)


def _page_dates(candidates: Candidates) -> Iterator[str]:
    return filter(None, (string(item.get("datePublished")) for item in candidates.pages))


def _stated_changes(candidates: Candidates) -> Iterator[str]:
    for item in (*candidates.articles, *candidates.pages):
        yield from filter(None, (string(item.get("dateModified")),))
    yield from (match[1] for text in candidates.broken if (match := CHANGED_IN_BROKEN_JSON.search(text)))
    yield from (candidates.metas[name] for name in META_CHANGES if name in candidates.metas)


def _times(candidates: Candidates) -> list[str]:
    """The times of `<time>` elements anywhere on the page, those that are marked as publication first."""
    marked: list[str] = []
    plain: list[str] = []
    for element in candidates.times:
        signs = f"{element.get('itemprop') or ''} {element.get('class') or ''} {element.get('id') or ''}"
        value = element.get("datetime") or ""
        if value and not UPDATED_CLASS.search(signs):
            (marked if element.get("pubdate") is not None or PUBLISHED_CLASS.search(signs) else plain).append(value)
    # Teasers of other articles carry times as well: an unmarked one counts only where it is alone.
    return marked + (plain[:1] if len(set(plain)) == 1 else [])


def _day_first(root: HtmlElement, candidates: Candidates) -> bool | None:
    """Whether the page's language and country write the day before the month, or None where that isn't clear."""
    metas = candidates.metas
    for tag in (root.get("lang"), metas.get("content-language"), metas.get("og:locale")):
        language, _, region = (tag or "").strip().lower().replace("_", "-").partition("-")
        if region[:2] in DAY_FIRST_ENGLISH or (language.isalpha() and language not in YEAR_FIRST):
            return True
    return None


def _stated(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)

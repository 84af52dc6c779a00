"""What a backfill does with each page of a feed's archive or sitemap: pure decisions over what the page says.

Dates are days in UTC; a range holds both of its ends. A day of publication is one that the feed or news sitemap states,
else one in the article's address. `lastmod` is none: it says only that an article is no younger.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Final
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from pipeline.archive_pages import ArchivePage, PageContent, PageKind, PageState, Plan, Span
from pipeline.errors import ParseError
from pipeline.feeds import parse_feed
from pipeline.ids import content_id
from pipeline.publication import MONTHS, url_date
from pipeline.sitemaps import Sitemap, SitemapLink, page_entry, parse_sitemap
from pipeline.types import DateBasis, ParsedFeed, Source, Stamp
from pipeline.urls import site_of

GUESSES: Final = ("/sitemap.xml", "/sitemap_index.xml", "/news-sitemap.xml")
"""Where sitemaps usually lie, for sites whose robots.txt names none."""
TOLERANCE: Final = timedelta(days=1)
"""Sitemaps are cut and stamped by their publisher's clock and zone."""

WORDPRESS = re.compile(
    rb"<generator>\s*https?://(?:www\.)?wordpress\.(?:org|com)/[^<]{0,100}</generator>", re.IGNORECASE
)
HEAD: Final = 65_536
"""Bytes of a feed in which its generator stands."""
# Sitemaps that WordPress and its plugins make of what is no article.
NO_ARTICLES = re.compile(
    r"/(?:category|post_tag|tag|author|page|attachment|product|post_format|location|local)-sitemap\d*\.xml$"
    r"|/wp-sitemap-(?:taxonomies|users|posts-page)-[\w-]+\.xml$",
    re.IGNORECASE,
)
NAMED_DAY = re.compile(
    r"(?<!\d)((?:19|20)\d\d)"
    r"(?:[-_/.]?(0[1-9]|1[0-2]|(?<=[-_/.])(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|"
    r"may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?))"
    r"(?:[-_/.]?(0[1-9]|[12]\d|3[01]))?)?(?![0-9a-z])",
    re.IGNORECASE,
)
DIGITS = re.compile(r"\d+")
PARAMETER = re.compile(r"[&?][a-z]+=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ArchiveJob:
    """A page as it came, with what is needed to read it. `sites` are the source's own registrable domains."""

    body: bytes
    url: str
    content_type: str | None
    now: datetime
    kind: PageKind
    plan: Plan
    sites: frozenset[str]


class When(Enum):
    """Where an entry lies; UNKNOWN may lie anywhere."""

    BEFORE = "before"
    WITHIN = "within"
    AFTER = "after"
    UNKNOWN = "unknown"


def when(url: str, published: Stamp | None, span: Span, changed: datetime | date | None = None) -> When:
    """Return where an entry lies by its date and address. `changed` is when its page last was, if a sitemap says so."""
    day = published.day if published is not None else url_date(url)
    if day is None and changed is not None:
        day = _day(changed)
        if day > span.until:
            # It may have been published long before.
            return When.UNKNOWN
    if day is None:
        return When.UNKNOWN
    return When.BEFORE if day < span.since else When.AFTER if day > span.until else When.WITHIN


def sites_of(source: Source) -> frozenset[str]:
    """Return the registrable domains that a source's articles may lie on: its home page's and its feed's."""
    found = (site_of(url) for url in (source.homepage, source.url) if url)
    return frozenset(site for site in found if site)


def first_page(url: str) -> ArchivePage:
    """Return the page at which the way through a feed's archive begins: the feed itself."""
    return ArchivePage(url, PageKind.FEED)


def first_sitemaps(source: Source, named: Sequence[str]) -> tuple[ArchivePage, ...]:
    """Return the sitemaps to begin with: those that robots.txt names, else the usual addresses."""
    if named:
        return tuple(ArchivePage(url, PageKind.SITEMAP) for url in dict.fromkeys(named))
    home = source.homepage or source.url
    return tuple(ArchivePage(urljoin(home, path), PageKind.SITEMAP, guessed=True) for path in GUESSES)


def read_archive_page(job: ArchiveJob) -> PageContent:
    """Return what a page of the past holds for its plan: a feed in any format, a sitemap, or an index of sitemaps.

    Raises ParseError for bytes that are none of these.
    """
    try:
        sitemap = parse_sitemap(job.body, url=job.url, content_type=job.content_type, now=job.now, sites=job.sites)
    except ParseError as error:
        try:
            feed = parse_feed(
                job.body,
                url=job.url,
                source_id=job.plan.source_id,
                content_type=job.content_type,
                now=job.now,
            )
        except ParseError:
            if job.kind is PageKind.FEED:
                raise
            raise error from None
        return _from_feed(feed, job)
    return _from_index(sitemap, job) if sitemap.children else _from_sitemap(sitemap, job)


def _from_feed(feed: ParsedFeed, job: ArchiveJob) -> PageContent:
    places = [when(entry.url, entry.published, job.plan.span) for entry in feed.entries]
    entries = [entry for entry, place in zip(feed.entries, places, strict=True) if place in _taken(job.plan)]
    page = _page(places, job, digest=[entry.guid for entry in feed.entries], issues=feed.issues)
    if page.before:
        found: tuple[ArchivePage, ...] = ()
    elif feed.older is not None:
        found = (ArchivePage(feed.older, PageKind.FEED),)
    elif feed.entries and WORDPRESS.search(job.body[:HEAD]):
        found = (ArchivePage(next_of_wordpress(job.url), PageKind.FEED, guessed=True),)
    else:
        found = ()
    return PageContent(replace(page, entries=len(entries)), tuple(entries), found)


def _from_sitemap(sitemap: Sitemap, job: ArchiveJob) -> PageContent:
    hosts: dict[str, bool] = {}
    places = []
    entries = []
    for page in sitemap.pages:
        host = page.url.split("/", 3)[2]
        if host not in hosts:
            hosts[host] = site_of(page.url) in job.sites
        if not hosts[host]:
            continue
        published = None if page.published is None else Stamp(page.published, DateBasis.FEED)
        place = when(page.url, published, job.plan.span, page.modified)
        places.append(place)
        # What it costs to name an entry is spent on those alone that are wanted.
        if place in _taken(job.plan) and (entry := page_entry(page, job.plan.source_id)) is not None:
            entries.append(entry)
    read = _page(places, job, digest=[page.url for page in sitemap.pages], issues=sitemap.issues)
    return PageContent(replace(read, entries=len(entries)), tuple(entries))


def _from_index(sitemap: Sitemap, job: ArchiveJob) -> PageContent:
    chosen = choose_sitemaps(sitemap.children, job.plan.span)
    page = ArchivePage(
        job.url,
        job.kind,
        state=PageState.READ,
        detail="; ".join((f"{len(chosen)} of its sitemaps may hold entries of these days", *sitemap.issues)),
        digest=content_id("page", *(link.url for link in sitemap.children)),
        listed=len(sitemap.children),
        entries=0,
        undated=0,
    )
    return PageContent(page, found=tuple(ArchivePage(link.url, PageKind.SITEMAP) for link in chosen))


def _taken(plan: Plan) -> frozenset[When]:
    return frozenset({When.WITHIN, When.UNKNOWN} if plan.undated else {When.WITHIN})


def _page(places: Sequence[When], job: ArchiveJob, *, digest: Sequence[str], issues: Iterable[str]) -> ArchivePage:
    """The page with its figures, but for the number of entries taken."""
    dated = [place for place in places if place is not When.UNKNOWN]
    return ArchivePage(
        job.url,
        job.kind,
        state=PageState.READ,
        detail="; ".join(issues) or None,
        # Two empty pages say nothing of each other.
        digest=content_id("page", *digest) if digest else None,
        listed=len(places),
        undated=0 if job.plan.undated else len(places) - len(dated),
        before=bool(dated) and all(place is When.BEFORE for place in dated),
    )


def next_of_wordpress(url: str) -> str:
    """Return the address of the page after the feed page `url`, as WordPress counts them: `?paged=2` is the second."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    pages = [int(value) for name, value in pairs if name == "paged" and value.isdecimal()]
    kept = [(name, value) for name, value in pairs if name != "paged"]
    query = urlencode([*kept, ("paged", str(max([*pages, 1]) + 1))])
    return urlunsplit(parts._replace(query=query, fragment=""))


def choose_sitemaps(links: Sequence[SitemapLink], span: Span) -> tuple[SitemapLink, ...]:
    """Return those of an index's sitemaps that may name articles of the span.

    Left out are those last changed before it, those whose name gives days that lie outside it, and those that by their
    name list tags, authors and the like. A name gives days only where all names of its shape do: in an index of three
    thousand numbered sitemaps, `sitemap-2024.xml` is a number.
    """
    named = _named_days([link.url for link in links])
    chosen = []
    for link in links:
        changed = None if link.modified is None else _day(link.modified)
        first, last = named.get(link.url, (span.since, span.until))
        if (
            not NO_ARTICLES.search(link.url)
            and (changed is None or changed >= span.since - TOLERANCE)
            and span.touches(first - TOLERANCE, last + TOLERANCE)
        ):
            chosen.append(link)
    return tuple(chosen)


def _day(value: datetime | date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _named_days(urls: Sequence[str]) -> dict[str, tuple[date, date]]:
    """The first and last day that each URL names, for those whose whole kind names days."""
    shapes: dict[str, list[str]] = {}
    for url in urls:
        shapes.setdefault(DIGITS.sub("0", url), []).append(url)
    found: dict[str, tuple[date, date]] = {}
    for alike in shapes.values():
        stated = [_stated(url) for url in alike]
        # As exact as the least exact of them: 2024-13 shows that 2024-03 is no month.
        exact = min((min(map(len, days), default=0) for days in stated), default=0)
        if exact:
            for url, days in zip(alike, stated, strict=True):
                spans = [_days_of(parts[:exact]) for parts in days]
                found[url] = min(first for first, _ in spans), max(last for _, last in spans)
    return found


def _stated(url: str) -> list[tuple[int, ...]]:
    """The dates in a URL's path and query as (year), (year, month) or (year, month, day); of these the most exact."""
    parts = urlsplit(url)
    # ?yyyy=2024&mm=03&dd=05 names a day, too.
    text = parts.path + PARAMETER.sub("-", f"?{parts.query}" if parts.query else "")
    stated = []
    for year, month, day in NAMED_DAY.findall(text):
        number = MONTHS.index(month[:3].lower()) + 1 if month.isalpha() else int(month or 0)
        dated = tuple(part for part in (int(year), number, int(day or 0)) if part)
        try:
            date(*(*dated, 1, 1)[:3])
        except ValueError:
            dated = dated[:2]
        stated.append(dated)
    longest = max(map(len, stated), default=0)
    return [dated for dated in stated if len(dated) == longest]


def _days_of(dated: tuple[int, ...]) -> tuple[date, date]:
    """The first and last day of a year, a month or a day."""
    if len(dated) == 3:
        return date(*dated), date(*dated)
    year, month = (*dated, 12)[:2]
    following = date(year + month // 12, month % 12 + 1, 1)
    return date(year, dated[1] if len(dated) > 1 else 1, 1), following - timedelta(days=1)

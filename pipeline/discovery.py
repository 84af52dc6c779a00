"""Feed autodiscovery: from the address of a page, or of a feed, to the feeds that can be polled.

What a page names itself comes first, then what it links to, then the places where feeds usually lie, last the news
sitemaps of robots.txt. Each step is taken only if the one before brought nothing, so that few requests are made, and
what is named is believed only once it was fetched and read.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from itertools import islice
from typing import Final
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from pipeline.charset import decode
from pipeline.errors import FetchError, ParseError
from pipeline.feeds import parse_feed
from pipeline.language import detect
from pipeline.markup import parse_page
from pipeline.types import Entry, FetchRequest, ParsedFeed, Response
from pipeline.urls import absolute_url, canonical_url, site_of

ACCEPT: Final = (
    "application/rss+xml, application/atom+xml, application/feed+json, "
    "application/xml;q=0.9, text/html;q=0.8, */*;q=0.5"
)
FEED_TYPES: Final = frozenset(
    {
        *("application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json"),
        *("application/x.atom+xml", "application/x-atom+xml", "text/rss+xml", "text/xml", "application/xml"),
    }
)
GUESSES: Final = ("feed", "rss", "rss.xml", "atom.xml", "feed.xml", "index.xml", "feeds/posts/default", "feed.json")
"""Where feeds usually lie below a site's root."""
SECTION_GUESSES: Final = ("feed", "rss", "rss.xml")
"""Where they usually lie below a section's page."""

MAX_CANDIDATES: Final = 12
MAX_CANDIDATES_OF_ALL: Final = 60
"""Addresses tried of one kind, by default and where all feeds are wanted."""

WEEK: Final = timedelta(weeks=1)
LEAST_SPAN: Final = timedelta(days=1)
"""A feed whose items are all of the last hours says no more than what a day brings."""

LOOKS_LIKE_FEED = re.compile(
    r"(?:^|[/._=-])(?:rss2?|atom|feeds?|rdf)(?:[/._?=&-]|$)|\.(?:xml|rss|atom|rdf)(?:\?|$)", re.IGNORECASE
)
SAYS_FEED = re.compile(r"\b(?:rss|atom|(?:news|web|xml|json)\s?feeds?|feeds?\b(?!\s?back))", re.IGNORECASE)
FEED_HOST = re.compile(r"^(?:feeds?|rss)\d*\.|feedburner|feedproxy", re.IGNORECASE)
NOT_FEED = re.compile(r"\.(?:html?|php|aspx?|jpe?g|png|svg|pdf|css|js)$|sitemap", re.IGNORECASE)
COMMENTS = re.compile(r"\bcomments?\b|\bkommentar", re.IGNORECASE)
NEWS = re.compile("news|article", re.IGNORECASE)

FetchAll = Callable[[Sequence[FetchRequest]], Sequence[Response | FetchError]]
"""Fetches politely: one result per request, in order."""

Tell = Callable[[str], None]

ListSitemaps = Callable[[Sequence[str]], Sequence[tuple[str, ...]]]
"""The sitemaps that the robots.txt of each address's site names."""


class Origin(StrEnum):
    """How the address of a feed was come by; the earlier, the surer."""

    ITSELF = "the address itself"
    NAMED = "named by the page"
    LINKED = "linked from the page"
    GUESSED = "in a usual place"
    SITEMAP = "a sitemap of robots.txt"


@dataclass(frozen=True, slots=True)
class FoundFeed:
    """A feed that was fetched and read. `url` is where to poll it: permanent redirects are followed."""

    url: str
    origin: Origin
    feed: ParsedFeed
    label: str = ""

    @property
    def title(self) -> str:
        """What the feed calls itself, or else how the page names it; empty if neither says anything."""
        return self.feed.title or self.label

    @property
    def language(self) -> str | None:
        """What the feed states, or else what its items are written in; None where that is unsure."""
        words = " ".join(f"{entry.title}. {entry.summary}" for entry in self.feed.entries[:20])
        return self.feed.language or detect(words)


@dataclass(frozen=True, slots=True)
class Tried:
    """An address that is no feed, and why."""

    url: str
    origin: Origin
    reason: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """The feeds found, best first, and what else was tried. `homepage` is the page that was searched, if it is one."""

    feeds: tuple[FoundFeed, ...]
    tried: tuple[Tried, ...]
    homepage: str | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    url: str
    origin: Origin
    label: str = ""


def discover(
    url: str, fetch_all: FetchAll, sitemaps: ListSitemaps, *, every: bool = False, tell: Tell | None = None
) -> Discovery:
    """Find the feeds of the page, or the feed, at `url`.

    `every` asks for all that the page names and links to, not only for the first kind that brings a feed. `tell` hears
    each address before it is asked. Raises FetchError if `url` itself can't be fetched.
    """
    search = _Search(fetch_all, tell)
    answer = search.first(url)
    if search.found:
        return search.result(None)
    page = parse_page(decode(answer.body, answer.header("content-type")).text)
    base = _base(page, answer.final_url)
    limit = MAX_CANDIDATES_OF_ALL if every else MAX_CANDIDATES
    search.ask(_named(page, base), limit)
    if every or not search.found:
        search.ask(_linked(page, base), limit)
    # Where nothing is known, one guess after the other is polite.
    if not search.found:
        search.ask_until_found(_guessed(answer.final_url))
    if not search.found:
        search.ask_until_found(_of_robots(sitemaps([answer.final_url])))
    return search.result(absolute_url(answer.final_url) if page is not None else None)


class _Search:
    """What was asked for so far, each address once, and what came of it."""

    def __init__(self, fetch_all: FetchAll, tell: Tell | None) -> None:
        self._fetch_all = fetch_all
        self._tell = tell
        self._seen: set[str | None] = {None}
        self._tried: list[Tried] = []
        self.found: list[FoundFeed] = []

    def first(self, url: str) -> Response:
        """Ask for the address that was given. Raises FetchError."""
        (answer,) = self._fetched([_Candidate(url, Origin.ITSELF)])
        if isinstance(answer, FetchError):
            raise answer
        self._seen.add(canonical_url(answer.final_url))
        return answer

    def ask(self, candidates: Iterable[_Candidate], limit: int) -> None:
        """Ask for those of `candidates` that are new, `limit` at most."""
        new: dict[str | None, _Candidate] = {}
        for candidate in candidates:
            key = canonical_url(candidate.url)
            if key not in self._seen:
                new.setdefault(key, candidate)
        self._fetched(list(new.values())[:limit])

    def ask_until_found(self, candidates: Iterable[_Candidate]) -> None:
        """Ask for `candidates` one after the other until one is a feed."""
        for candidate in islice(candidates, MAX_CANDIDATES):
            self.ask([candidate], 1)
            if self.found:
                return

    def result(self, homepage: str | None) -> Discovery:
        return Discovery(tuple(_ranked(self.found)), tuple(self._tried), homepage)

    def _fetched(self, candidates: Sequence[_Candidate]) -> Sequence[Response | FetchError]:
        for candidate in candidates:
            self._seen.add(canonical_url(candidate.url))
            if self._tell is not None:
                self._tell(candidate.url)
        answers = self._fetch_all([FetchRequest(candidate.url, accept=ACCEPT) for candidate in candidates])
        for result in map(_judged, candidates, answers):
            if isinstance(result, FoundFeed):
                self.found.append(result)
            else:
                self._tried.append(result)
        return answers


def items_per_week(entries: Iterable[Entry], now: datetime) -> float | None:
    """Estimate what a feed brings in a week from the dates of its items up to `now`; None with fewer than two.

    The time since the oldest counts, and not that up to the newest: a feed that fell silent brings less and less.
    """
    moments = [moment for entry in entries if (moment := _moment(entry)) is not None and moment <= now]
    if len(moments) < 2:
        return None
    # Of two decimals one figure would be left for a yearly newsletter.
    return float(f"{len(moments) * (WEEK / max(now - min(moments), LEAST_SPAN)):.2g}")


def latest(entries: Iterable[Entry], count: int) -> list[Entry]:
    """Return the `count` newest entries, newest first; those without a date last, in the feed's order."""
    oldest = datetime.min.replace(tzinfo=UTC)
    return sorted(entries, key=lambda entry: _moment(entry) or oldest, reverse=True)[:count]


def _moment(entry: Entry) -> datetime | None:
    if entry.published is None:
        return entry.updated
    value = entry.published.value
    return value if isinstance(value, datetime) else datetime.combine(value, time(), tzinfo=UTC)


def _judged(candidate: _Candidate, answer: Response | FetchError) -> FoundFeed | Tried:
    if isinstance(answer, FetchError):
        return Tried(candidate.url, candidate.origin, str(answer))
    try:
        feed = parse_feed(
            answer.body, url=answer.final_url, source_id="found", content_type=answer.header("content-type")
        )
    except ParseError as error:
        return Tried(candidate.url, candidate.origin, str(error))
    if candidate.origin is Origin.SITEMAP and not any(entry.published for entry in feed.entries):
        return Tried(candidate.url, candidate.origin, "no sitemap of news: its pages have no dates of publication")
    return FoundFeed(answer.moved_to or candidate.url, candidate.origin, feed, candidate.label)


def _ranked(found: Iterable[FoundFeed]) -> Iterator[FoundFeed]:
    """Yield the feeds with the one of most use first, and none that only repeats another's items in another format."""
    seen: set[object] = set()
    for feed in sorted(found, key=_rank):
        items = frozenset(entry.canonical_url for entry in feed.feed.entries)
        keys = {canonical_url(feed.url), items or feed.url}
        if not keys & seen:
            yield feed
        seen |= keys


def _rank(found: FoundFeed) -> tuple[bool, bool, bool, int]:
    entries = found.feed.entries
    is_of_comments = bool(COMMENTS.search(f"{found.feed.title} {found.label} {urlsplit(found.url).path}"))
    return is_of_comments, not entries, not any(map(_moment, entries)), list(Origin).index(found.origin)


def _base(page: HtmlElement | None, url: str) -> str:
    """What relative links of the page refer to."""
    bases = [] if page is None else page.xpath("//base/@href")
    return next((base for href in bases if (base := absolute_url(str(href), base=url))), url)


def _named(page: HtmlElement | None, base: str) -> Iterator[_Candidate]:
    """Yield what <link rel="alternate"> and rel="feed" name, in the page's order."""
    for link in () if page is None else page.iter("link"):
        relations = (link.get("rel") or "").lower().split()
        kind = (link.get("type") or "").partition(";")[0].strip().lower()
        is_feed = "feed" in relations or ("alternate" in relations and kind in FEED_TYPES)
        if is_feed and (url := absolute_url((link.get("href") or "").strip(), base=base)):
            yield _Candidate(url, Origin.NAMED, " ".join((link.get("title") or "").split()))


def _linked(page: HtmlElement | None, base: str) -> list[_Candidate]:
    """Return the links of the page that look like feeds, those with a telling address before those with telling words.

    Links to other sites are readers' and neighbours', save those to hosts that serve feeds for others.
    """
    telling, worded = [], []
    own = site_of(base)
    for link in () if page is None else page.iter("a"):
        url = absolute_url((link.get("href") or "").strip(), base=base)
        if url is None:
            continue
        parts = urlsplit(url)
        if site_of(url) != own and not FEED_HOST.search(parts.hostname or ""):
            continue
        words = " ".join(" ".join([*link.itertext(), link.get("title") or "", link.get("aria-label") or ""]).split())
        candidate = _Candidate(url, Origin.LINKED, words[:200])
        if LOOKS_LIKE_FEED.search(f"{parts.path}?{parts.query}".rstrip("?")) and not NOT_FEED.search(parts.path):
            telling.append(candidate)
        elif SAYS_FEED.search(words):
            worded.append(candidate)
    return telling + worded


def _guessed(url: str) -> Iterator[_Candidate]:
    parts = urlsplit(url)
    folder = parts.path if parts.path.endswith("/") else f"{parts.path}/"
    if folder != "/" and "." not in folder:
        for guess in SECTION_GUESSES:
            yield _Candidate(f"{parts.scheme}://{parts.netloc}{folder}{guess}", Origin.GUESSED)
    for guess in GUESSES:
        yield _Candidate(f"{parts.scheme}://{parts.netloc}/{guess}", Origin.GUESSED)


def _of_robots(sitemaps: Sequence[tuple[str, ...]]) -> list[_Candidate]:
    named = [_Candidate(url, Origin.SITEMAP) for urls in sitemaps for url in urls]
    return [candidate for candidate in named if NEWS.search(urlsplit(candidate.url).path)]

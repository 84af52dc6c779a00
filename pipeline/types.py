"""The records that pass between stages: one frozen dataclass per stage. Their closed sets of values are re-exported.

Offsets everywhere count Unicode code points (Python's `str` indices) into `Article.text`, the stored text. Times are
aware UTC `datetime`s; dates in the sense of the guidelines are strings, `YYYY-MM-DD`, `YYYY-MM` or `YYYY`, exactly as
precise as what was stated.
"""

from dataclasses import dataclass
from datetime import date, datetime

from pipeline.classes import (
    SIDE,
    Action,
    ActorKind,
    DateBasis,
    FeedOutcome,
    Outcome,
    ReasonClass,
    RevisitOutcome,
    ScopeClass,
    Side,
    Status,
    TextOrigin,
    TransitionKind,
)
from pipeline.event_types import Event, Mention, MentionContext, Passage, Quote, Transition
from pipeline.ids import content_id

__all__ = [
    "SIDE",
    "Action",
    "ActorKind",
    "ArchiveRef",
    "Article",
    "Body",
    "Country",
    "DateBasis",
    "Document",
    "Entry",
    "EntryResult",
    "Event",
    "FeedOutcome",
    "FeedState",
    "FetchRequest",
    "Mention",
    "MentionContext",
    "Outcome",
    "ParsedFeed",
    "Passage",
    "PendingEntry",
    "Poll",
    "Quote",
    "ReasonClass",
    "Response",
    "Revisit",
    "RevisitOutcome",
    "ScopeClass",
    "Service",
    "Side",
    "Source",
    "Stamp",
    "Status",
    "StoredVersion",
    "TextOrigin",
    "Transition",
    "TransitionKind",
    "body_of",
]


def body_of(title: str, text: str) -> str:
    """The body of a stored text: what follows the title, where the text begins with it."""
    return text[len(title) :].lstrip("\n") if text.startswith(title) else text


@dataclass(frozen=True, slots=True)
class Source:
    """One feed to poll. `items_per_week` is what the operator expects of it, or None.

    `full_text` says whether its items hold the whole article, so that no page need be fetched; None judges each item.
    """

    id: str
    name: str
    url: str
    homepage: str | None = None
    country: str | None = None
    language: str | None = "en"
    owner: str | None = None
    topics: tuple[str, ...] = ()
    enabled: bool = True
    items_per_week: float | None = None
    full_text: bool | None = None


@dataclass(frozen=True, slots=True)
class FeedState:
    """What the polls of a source left behind for the next one; stored in the transaction that stores its entries.

    `etag`, `last_modified` and `body_sha256` are those of the last feed whose entries are stored. `interval` is the
    seconds between polls that the feed's own pace asks for, `next_poll_at` the moment from which the next one is due,
    `failures` counts those in a row, of which `error` tells the last one in words. `answered_at` is the last poll that
    brought a feed or a 304, `changed_at` the last that brought something new, `latest_at` the newest publication time
    that the feed ever stated. `refresh` is the seconds between polls that the feed itself asked for when it was last
    read. A feed that is `gone_at` some time (410) is polled no more.
    """

    source_id: str
    etag: str | None = None
    last_modified: str | None = None
    moved_to: str | None = None
    body_sha256: str | None = None
    interval: float | None = None
    next_poll_at: datetime | None = None
    failures: int = 0
    error: str | None = None
    answered_at: datetime | None = None
    changed_at: datetime | None = None
    latest_at: datetime | None = None
    language: str | None = None
    gone_at: datetime | None = None
    refresh: float | None = None


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """One GET. `etag` and `last_modified` make it conditional."""

    url: str
    etag: str | None = None
    last_modified: str | None = None
    accept: str = "*/*"


@dataclass(frozen=True, slots=True)
class Response:
    """A 2xx or 304 response. `body` is decoded (no content encoding left) and empty for a 304."""

    url: str
    final_url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    fetched_at: datetime
    moved_to: str | None = None
    """Where permanent redirects (301, 308) from `url` onwards lead, if the chain began with one."""

    def header(self, name: str) -> str | None:
        """Return the first header called `name` (any case), or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True)
class ArchiveRef:
    """Where a response lies in the archive: a part's path below the archive's root, and the record in it."""

    part: str
    offset: int
    length: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """A publication time with its basis. `value` has a time only where one was stated."""

    value: datetime | date
    basis: DateBasis

    @property
    def day(self) -> date:
        return self.value.date() if isinstance(self.value, datetime) else self.value


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a feed, cleaned but not judged. `url` is absolute; `canonical_url` identifies the article."""

    source_id: str
    guid: str
    url: str
    canonical_url: str
    title: str
    summary: str = ""
    content: str = ""
    published: Stamp | None = None
    updated: datetime | None = None
    authors: tuple[str, ...] = ()
    language: str | None = None

    @property
    def id(self) -> str:
        return content_id("entry", self.source_id, self.guid)

    @property
    def fingerprint(self) -> str:
        """A digest of what the feed says of the article: it changes with the words, not with dates or links."""
        return content_id("words", self.title, self.summary, self.content)


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """A feed as read: its title, its format ("rss20", "atom10", "rdf", "json11" …), entries and what was odd.

    `refresh` is the seconds between two polls that the feed itself asks for (`ttl`, `sy:updatePeriod`). `older` is the
    address of the page or archive with the items before these (RFC 5005). `language` is what the feed states.
    `unchanged` are the dates of items that are left out because they say what they said before, where a feed is reduced
    to what was new in it (`pipeline.reduced`).
    """

    title: str
    format: str
    entries: tuple[Entry, ...]
    issues: tuple[str, ...] = ()
    refresh: float | None = None
    older: str | None = None
    language: str | None = None
    unchanged: tuple[Stamp | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Article:
    """An article as stored. `text` is the title, a blank line, then the body: all offsets refer to it.

    `modified` is when it was last changed, as page or feed state. `paywalled` says that only the part before a paywall
    could be read, `soft_404` that the page, answering 200, was not the article. `etag` and `last_modified` are those of
    the page, for asking later whether it has changed.
    """

    canonical_url: str
    url: str
    source_id: str
    title: str
    text: str
    text_origin: TextOrigin
    published: Stamp | None
    language: str | None
    fetched_at: datetime
    site: str | None = None
    authors: tuple[str, ...] = ()
    paywalled: bool = False
    issues: tuple[str, ...] = ()
    modified: Stamp | None = None
    soft_404: bool = False
    etag: str | None = None
    last_modified: str | None = None

    @property
    def id(self) -> str:
        return content_id("article", self.canonical_url)

    @property
    def body(self) -> str:
        return body_of(self.title, self.text)


@dataclass(frozen=True, slots=True)
class Document:
    """What an extractor reads: a text (its title first, where it has one) and the day on which it was published."""

    id: str
    text: str
    published: date | None = None


@dataclass(frozen=True, slots=True)
class Poll:
    """How polling one source ended: its new state and entries, committed together or not at all.

    `unchanged` counts items beside `entries` that say what they said before.
    """

    source_id: str
    outcome: FeedOutcome
    detail: str | None = None
    state: FeedState | None = None
    entries: tuple[Entry, ...] = ()
    archived: ArchiveRef | None = None
    fetched_at: datetime | None = None
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class PendingEntry:
    """An entry that waits for its outcome, and how often it was tried.

    `revisit` is set where its article is stored already and the feed has changed what it says of it. `archived` and
    `fetched_at` are those of the feed that gave the entry's words; `full_text` is what its source says of its items.
    """

    entry: Entry
    attempts: int = 0
    revisit: "StoredVersion | None" = None
    archived: ArchiveRef | None = None
    fetched_at: datetime | None = None
    full_text: bool | None = None


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """The stored version of an article that is fetched anew: what a conditional request and a comparison need.

    `outcome` is how its entry ended, which stands until a new version takes its place. `visits` counts the revisits
    before this one.
    """

    article_id: str
    canonical_url: str
    title: str
    text: str
    text_origin: TextOrigin
    outcome: Outcome
    etag: str | None = None
    last_modified: str | None = None
    visits: int = 0

    @property
    def body(self) -> str:
        return body_of(self.title, self.text)


@dataclass(frozen=True, slots=True)
class Revisit:
    """How asking again for a stored article ended, when it was asked for, and when to ask once more, if at all."""

    outcome: RevisitOutcome
    visited_at: datetime
    again_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EntryResult:
    """How one entry ended, with all that its ending brings into the warehouse.

    `retry_at` is set only where the outcome may heal. `signature` (the MinHash of the body) and `body_hash` come with
    an article; `mentions` are empty unless the outcome is EVENTS, or SAME_STORY: a copy is read as any other article.

    `revisit` is set where a stored article was asked for again. Unless its outcome is CHANGED, there is no article:
    what is stored stands, `outcome` repeats how the entry had ended, and `detail` and `archived` are of the revisit.
    """

    entry_id: str
    outcome: Outcome
    detail: str | None = None
    retry_at: datetime | None = None
    article: Article | None = None
    archived: ArchiveRef | None = None
    signature: bytes | None = None
    body_hash: str | None = None
    mentions: tuple[Mention, ...] = ()
    revisit: Revisit | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A service or technology of the registry: canonical English name, other names, category and who provides it.

    `since` is the first year in which anybody could use it, None where that is not known.
    """

    id: str
    name: str
    aliases: tuple[str, ...]
    category: str
    provider: str | None = None
    provider_country: str | None = None
    since: int | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """A public body or company of the registry. `part_of` is the id of the body it belongs to, if any."""

    id: str
    name: str
    aliases: tuple[str, ...]
    kind: ActorKind
    country: str
    part_of: str | None = None


@dataclass(frozen=True, slots=True)
class Country:
    """A country: ISO 3166-1 alpha-2 code, English name, other names, demonyms, capital."""

    code: str
    name: str
    aliases: tuple[str, ...]
    demonyms: tuple[str, ...]
    capital: str | None = None

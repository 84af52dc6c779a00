"""What the Python API answers with: frozen records. Their closed sets of values are enumerations of strings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, SupportsIndex, overload

from pipeline.classes import Action, ActorKind, ReasonClass, ScopeClass, Side, Status, TextOrigin, TransitionKind
from pipeline.event_types import Quote


def _nothing() -> Mapping[str, float]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Event:
    """One event: what independent reports of one happening agree on. Print it, or see it as a table in a notebook.

    `service` and `actor` are usual English names. `country` is the ISO 3166-1 alpha-2 code of the actor's country, `EU`
    for bodies of the European Union, `XX` where it can't be told. `date_value` is when it took or takes force, as
    exactly as stated: `YYYY-MM-DD`, `YYYY-MM`, `YYYY`, or None; `date_from` and `date_to` are the first and the last
    day that it allows. `first_reported` and `last_reported` are days of publication, never the event's own date.
    `voices` are the independent ones among the `stories` and `articles` that tell of it. `score` is the probability
    that action, actor and service are right. `why` says why its mentions are one event, `learned_on` is the day (UTC)
    on which the warehouse first held words that state it. `lifted` says that a restriction has ended. Those that are
    `retracted` by all articles or `dismissed` by a person are kept, and left out of lists unless asked for. None is
    "not stated".
    """

    id: str
    action: Action
    side: Side
    status: Status
    country: str
    service: str
    actor: str | None
    actor_kind: ActorKind | None
    scope: str | None
    scope_class: ScopeClass | None
    date_value: str | None
    date_from: date | None
    date_to: date | None
    lifted: bool
    reason_classes: tuple[ReasonClass, ...]
    first_reported: date | None
    last_reported: date | None
    voices: int
    stories: int
    articles: int
    score: float
    why: str
    learned_on: date | None
    retracted: bool
    dismissed: bool

    def to_dict(self) -> dict[str, Any]:
        """All fields by name, those of what it holds too: dictionaries, tuples, strings, numbers, dates, None."""
        return as_dict(self)

    def __repr__(self) -> str:
        from clampdown.api.shown import event_line

        return f"<{type(self).__name__} {event_line(self)}>"

    def _repr_html_(self) -> str:
        from clampdown.api.shown import event_html

        return event_html(self)


class Events(tuple[Event, ...]):
    """Events in order: a tuple that a notebook shows as a table. A slice of it is one, too."""

    __slots__ = ()

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> Event: ...
    @overload
    def __getitem__(self, index: slice, /) -> "Events": ...
    def __getitem__(self, index: Any, /) -> Any:
        found = super().__getitem__(index)
        return Events(found) if isinstance(index, slice) else found

    def __repr__(self) -> str:
        from clampdown.api.shown import events_text

        return events_text(self)

    def _repr_html_(self) -> str:
        from clampdown.api.shown import events_html

        return events_html(self)


@dataclass(frozen=True, slots=True)
class Quotes:
    """The words that state each field of a mention; None for what the text does not state.

    `trigger` states the deed. Iterating gives pairs of name and Quote, of those that are stated.
    """

    trigger: Quote
    service: Quote
    actor: Quote | None = None
    scope: Quote | None = None
    date: Quote | None = None
    reason: Quote | None = None

    def __iter__(self) -> Iterator[tuple[str, Quote]]:
        for one in fields(self):
            quote = getattr(self, one.name)
            if quote is not None:
                yield one.name, quote


@dataclass(frozen=True, slots=True)
class Mention:
    """One event as one text states it. Values are those of `Event`; the words that state them stand in `quotes`.

    `score` is the probability that action, actor and service are right, `scores` has one for each field. `model` is the
    revision of what read it. `scope` is the text's own words.
    """

    action: Action
    status: Status
    service: str
    country: str
    actor: str | None
    actor_kind: ActorKind | None
    scope: str | None
    scope_class: ScopeClass | None
    date_value: str | None
    reason_classes: tuple[ReasonClass, ...]
    score: float
    quotes: Quotes
    scores: Mapping[str, float] = field(default_factory=_nothing, hash=False)
    model: str = ""

    def to_dict(self) -> dict[str, Any]:
        """All fields by name, those of what it holds too."""
        return as_dict(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Read-only mappings can't be pickled; a dictionary can."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return _rebuilt, (type(self), values | {"scores": dict(self.scores)})

    def __repr__(self) -> str:
        from clampdown.api.shown import mention_line

        return f"<{type(self).__name__} {mention_line(self)}>"


@dataclass(frozen=True, slots=True)
class ArticleVersion:
    """An earlier version of an article: its number, its title then, and when it was fetched (UTC)."""

    version: int
    title: str
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class Article:
    """An article as it is cited. `earlier` are its versions before the current one, `version`, the oldest first.

    `source` is the name of the feed, `site` what the page calls itself, `owner` who publishes it. `paywalled` says that
    only the part before a paywall could be read, `soft_404` that the page, answering 200, was not the article.
    """

    id: str
    title: str
    url: str
    source: str | None
    site: str | None
    owner: str | None
    published: date | None
    modified: date | None
    fetched_at: datetime
    text_origin: TextOrigin
    paywalled: bool
    soft_404: bool
    story_id: str
    version: int
    earlier: tuple[ArticleVersion, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class StoredMention(Mention):
    """A mention of a stored article. Its offsets count in `version` of that: see `Warehouse.text`.

    `title` is what the article was called then, `published` its day of publication, `learned_on` the day (UTC) on which
    the warehouse first held these words, `withdrawn_on` that on which the article no longer said so. `grounds` says in
    words what ties it to the event's other mentions; None for the first.
    """

    id: str
    article: Article
    version: int
    title: str
    published: date | None
    learned_on: date | None
    withdrawn_on: date | None
    grounds: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """A step in an event's life, and the words that show it.

    `date_value` is when it took place, as exactly as stated. `quote`, `source`, `published` and `url` are those of the
    mention `mention_id`, which may belong to another event, `event_id`: a ruling that strikes this one down. `detail`
    says what changed, in words or as the scope's quote.
    """

    kind: TransitionKind
    status: Status
    action: Action
    date_value: str | None
    reported_on: date | None
    learned_on: date | None
    detail: str | None
    mention_id: str
    quote: str | None
    source: str | None
    published: date | None
    url: str | None
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class Voice:
    """One independent voice: the sources that speak with it, who owns them, and how much they said."""

    sources: tuple[str, ...]
    owners: tuple[str, ...]
    stories: int
    articles: int
    mention_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dissent:
    """A field on which the reports of an event differ, in words: "3 sources say 4 February 2025, 1 says …"."""

    field: str
    words: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person has decided of an event, and why, in the author's words. Times are UTC.

    `kind` is same, different, edit, reject, restore or undo. An edit gives `field` the `value`. `state` is in_force,
    undone, overruled (later decisions say otherwise) or lost (no article states any longer what it was about).
    """

    id: str
    kind: str
    author: str
    decided_at: datetime
    reason: str
    field: str | None
    value: str | None
    state: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class EventDetail(Event):
    """An event with all its evidence.

    `country_name` is the English name of `country`. `steps` are its life, in order; `mentions` what each article
    states, in the order in which they were reported; `told_by` the voices; `copies` further articles that carry the
    text of one of these; `dissent` where they differ; `decisions` what people decided of it, in order. `merged` are
    former ids that lead here, `asked` is the one that was asked for where it is one of them; `parted_from` and
    `parted` are events from which it parted, and that parted from it.
    """

    country_name: str
    steps: tuple[Step, ...]
    mentions: tuple[StoredMention, ...]
    told_by: tuple[Voice, ...]
    copies: tuple[Article, ...]
    dissent: tuple[Dissent, ...]
    decisions: tuple[Decision, ...]
    merged: tuple[str, ...]
    parted_from: tuple[str, ...]
    parted: tuple[str, ...]
    asked: str | None


class ChangeKind(StrEnum):
    """What has become of an event since then. Of several true ones, the most telling."""

    APPEARED = "appeared"
    SPLIT = "split"
    MERGED = "merged"
    REMOVED = "removed"
    DISMISSED = "dismissed"
    RESTORED = "restored"
    RETRACTED = "retracted"
    REINSTATED = "reinstated"
    ENDED = "ended"
    REOPENED = "reopened"
    CHANGED = "changed"
    RENAMED = "renamed"


def as_dict(record: Any) -> dict[str, Any]:
    """A record's fields by name, and those of the records in it."""
    return {one.name: _plain(getattr(record, one.name)) for one in fields(record)}


def _plain(value: object) -> Any:
    match value:
        case StrEnum():
            return value.value
        case Mapping():
            return {str(key): _plain(one) for key, one in value.items()}
        case tuple():
            return tuple(_plain(one) for one in value)
        case _ if hasattr(type(value), "__dataclass_fields__"):
            return as_dict(value)
        case _:
            return value


def _rebuilt(kind: type[Mention], values: dict[str, Any]) -> Mention:
    scores: Mapping[str, float] = values["scores"]
    return kind(**values | {"scores": MappingProxyType(scores)})

"""The records of extraction and resolution: what a document states, and what the mentions of one happening agree on.

`pipeline.types` re-exports them; import them from there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from pipeline.classes import Action, ActorKind, ReasonClass, ScopeClass, Status, TransitionKind
from pipeline.ids import content_id


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of the stored text and where they stand: `text == document.text[start:end]`."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Mention:
    """One restriction event as one document states it.

    `scores` holds a probability per field name ("trigger", "status", "actor" …); `score` is the probability that the
    whole is a restriction event with this action, actor and service. `edition` tells it from mentions of the same words
    that the document had withdrawn before: how many of them there are.
    """

    document_id: str
    action: Action
    status: Status
    trigger: Quote
    service: Quote
    service_canonical: str
    country: str
    actor: Quote | None = None
    actor_canonical: str | None = None
    actor_kind: ActorKind | None = None
    scope: Quote | None = None
    scope_class: ScopeClass | None = None
    date: Quote | None = None
    date_value: str | None = None
    reason: Quote | None = None
    reason_classes: tuple[ReasonClass, ...] = ()
    score: float = 1.0
    scores: Mapping[str, float] = field(default_factory=dict)
    model: str = ""
    edition: int = 0

    @property
    def id(self) -> str:
        actor = "" if self.actor_canonical is None else self.actor_canonical
        where = f"{self.trigger.start}:{self.trigger.end}"
        scope = "" if self.scope is None else self.scope.text
        again = (f"{self.edition}",) if self.edition else ()
        return content_id("mention", self.document_id, where, self.action, actor, self.service_canonical, scope, *again)

    @property
    def quotes(self) -> dict[str, Quote]:
        """The evidence by field name; fields that the document does not state are absent."""
        named = {
            "trigger": self.trigger,
            "actor": self.actor,
            "service": self.service,
            "scope": self.scope,
            "date": self.date,
            "reason": self.reason,
        }
        return {name: quote for name, quote in named.items() if quote is not None}


@dataclass(frozen=True, slots=True)
class Passage:
    """What stands around a mention: its telling words and the names in it, both folded (`pipeline.passages`)."""

    words: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MentionContext:
    """A mention with what the resolver must know of the article that states it.

    `owner` is who publishes the source: two sources of one owner are not independent of each other. `learned_on` is the
    day (UTC) on which we fetched the first version of the article that states it, `withdrawn_on` the day on which we
    fetched the version that states it no longer. `version` is the version of the text to which its offsets refer.
    `corrects` is the id of the mention of an earlier version that this one states otherwise.
    """

    mention: Mention
    article_id: str
    story_id: str
    source_id: str
    published: date | None
    owner: str = ""
    learned_on: date | None = None
    withdrawn_on: date | None = None
    version: int = 1
    passage: Passage = Passage()
    corrects: str | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """A step in an event's life, and the mention that shows it.

    `date_value` is when it took place, as exactly as stated; None if unstated. `reported_on` is when its first article
    was published, `learned_on` (UTC) when we first held words that state it. `mention_id` may belong to another event:
    a court's ruling that strikes this one down. `detail` says what changed, in words or as the scope's quote.
    """

    status: Status
    action: Action
    date_value: str | None
    reported_on: date | None
    mention_id: str
    kind: TransitionKind = TransitionKind.IN_FORCE
    learned_on: date | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """What the mentions of one happening agree on."""

    id: str
    action: Action
    status: Status
    country: str
    service_canonical: str
    actor_canonical: str | None
    actor_kind: ActorKind | None
    scope: str | None
    scope_class: ScopeClass | None
    date_value: str | None
    reason_classes: tuple[ReasonClass, ...]
    first_reported: date | None
    last_reported: date | None
    stories: int
    articles: int
    score: float
    mention_ids: tuple[str, ...]
    transitions: tuple[Transition, ...]
    why: str
    """Why these mentions are one event, in plain words."""
    voices: int = 1
    """How many of the stories are independent of each other: neither the same text nor the same owner."""
    learned_on: date | None = None
    """The day (UTC) on which we first held words that state it."""
    retracted: bool = False
    """Whether every article that stated it has withdrawn that."""
    dismissed: bool = False
    """Whether a person has said that it is no restriction event: kept, and shown nowhere by default."""

    @property
    def lifted(self) -> bool:
        """Whether a restriction has ended: lifted by the one who imposed it, or struck down by a court."""
        ends = (TransitionKind.LIFTED, TransitionKind.STRUCK_DOWN)
        return self.action is not Action.LIFT and any(step.kind in ends for step in self.transitions)

"""The records of what people decide: decisions, and anchors by which the mentions that they speak of are found again.

A decision is written once and never changed; a later one can take it back. It names mentions by what they say and
where, not by events: events come and go with the machine's reading, the words of an article stay.
`pipeline.decisions` says what decisions mean for a set of mentions.
"""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

from pipeline.errors import InputError
from pipeline.ids import content_id
from pipeline.types import Mention

FORMAT = 1
"""The version of the JSON form of a decision."""


class DecisionKind(StrEnum):
    """What a person decides."""

    SAME = "same"
    DIFFERENT = "different"
    EDIT = "edit"
    REJECT = "reject"
    RESTORE = "restore"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Anchor:
    """How a mention is found again when its article has been read anew: by id, else by what it says and where.

    `service` and `actor` are canonical names, `trigger` and `scope` quotes, `date` the stated date's value.
    """

    mention_id: str
    article_id: str
    action: str
    service: str
    actor: str | None = None
    trigger: str = ""
    scope: str | None = None
    date: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A stored mention, as far as anchors are compared with it. `version` is that of the article that states it."""

    mention_id: str
    article_id: str
    version: int
    action: str
    service: str
    actor: str | None
    trigger: str
    start: int
    scope: str | None
    date: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of one person.

    `one` and `other` are the anchors of the mentions that it is about: of two events for `same` and `different`, of one
    (and no `other`) for the rest; none for `undo`, which names in `revokes` the decision that it takes back. `field`
    and `value` belong to `edit`; a value of None says that nothing is stated. `about` are the ids that the events had,
    for people to read: nothing is decided by them. `decided_at` is an aware UTC time.
    """

    kind: DecisionKind
    author: str
    decided_at: datetime
    reason: str
    one: tuple[Anchor, ...] = ()
    other: tuple[Anchor, ...] = ()
    field: str | None = None
    value: str | None = None
    revokes: str | None = None
    about: tuple[str, ...] = ()
    id: str = dataclasses.field(init=False, default="")
    """Made from all that it says, so that a record can't be altered without its name telling."""

    def __post_init__(self) -> None:
        """Refuse what could not be acted on. Raises InputError."""
        if not self.author.strip() or not self.reason.strip():
            raise InputError("a decision needs an author and a reason")
        for said in (self.author, self.reason, self.value or ""):
            if not said.isprintable():
                raise InputError(f"{said!r} holds characters that are no text")
        if self.decided_at.utcoffset() is None:
            raise InputError("the time of a decision must say its time zone")
        object.__setattr__(self, "decided_at", self.decided_at.astimezone(UTC))
        needs_other = self.kind in (DecisionKind.SAME, DecisionKind.DIFFERENT)
        if (self.kind is not DecisionKind.UNDO) != bool(self.one) or needs_other != bool(self.other):
            raise InputError(f"a decision of the kind {self.kind} does not speak of so many events")
        if (self.kind is DecisionKind.UNDO) != (self.revokes is not None):
            raise InputError("to undo is to name the decision that is taken back, and nothing else names one")
        if (self.kind is DecisionKind.EDIT) != (self.field is not None):
            raise InputError("an edit names a field, and nothing else does")
        object.__setattr__(self, "id", content_id("decision", json.dumps(to_record(self), sort_keys=True)))

    @property
    def order(self) -> tuple[datetime, str]:
        """Sort key: of two decisions on one matter, the later holds."""
        return self.decided_at, self.id

    @property
    def anchors(self) -> tuple[Anchor, ...]:
        """The anchors of both sides."""
        return self.one + self.other


class Told(Protocol):
    """What a decision says, whether or not its anchors are at hand; see `Decision`."""

    @property
    def id(self) -> str:
        """Its name."""

    @property
    def kind(self) -> str:
        """A `DecisionKind`."""

    @property
    def revokes(self) -> str | None:
        """The decision that it takes back."""

    @property
    def about(self) -> tuple[str, ...]:
        """The ids that its events had."""


def anchor_of(mention: Mention) -> Anchor:
    """The anchor of a mention."""
    return Anchor(
        mention.id,
        mention.document_id,
        mention.action.value,
        mention.service_canonical,
        mention.actor_canonical,
        mention.trigger.text,
        None if mention.scope is None else mention.scope.text,
        mention.date_value,
    )


def anchors_of(mentions: Iterable[Mention]) -> tuple[Anchor, ...]:
    """The anchors of an event's mentions, in an order that depends on nothing but these."""
    return tuple(sorted({anchor_of(mention) for mention in mentions}, key=lambda anchor: anchor.mention_id))


def known_of(mention: Mention, version: int = 1) -> Known:
    """What anchors are compared with, of a mention."""
    anchor = anchor_of(mention)
    return Known(
        anchor.mention_id,
        anchor.article_id,
        version,
        anchor.action,
        anchor.service,
        anchor.actor,
        anchor.trigger,
        mention.trigger.start,
        anchor.scope,
        anchor.date,
    )


def to_record(decision: Decision) -> dict[str, Any]:
    """The decision as JSON takes it."""
    return {
        "format": FORMAT,
        "kind": decision.kind.value,
        "author": decision.author,
        "decided_at": decision.decided_at.isoformat(timespec="microseconds"),
        "reason": decision.reason,
        "about": list(decision.about),
        "field": decision.field,
        "value": decision.value,
        "revokes": decision.revokes,
        "one": [_plain(anchor) for anchor in decision.one],
        "other": [_plain(anchor) for anchor in decision.other],
    }


def _plain(anchor: Anchor) -> dict[str, str | None]:
    return {
        "mention_id": anchor.mention_id,
        "article_id": anchor.article_id,
        "action": anchor.action,
        "service": anchor.service,
        "actor": anchor.actor,
        "trigger": anchor.trigger,
        "scope": anchor.scope,
        "date": anchor.date,
    }


def from_record(record: Mapping[str, Any]) -> Decision:
    """The decision of which `to_record` made a record. Raises ValueError where it is none."""
    try:
        if record["format"] != FORMAT:
            raise ValueError(f"format {record['format']!r} is not known")
        return Decision(
            kind=DecisionKind(record["kind"]),
            author=str(record["author"]),
            decided_at=datetime.fromisoformat(record["decided_at"]),
            reason=str(record["reason"]),
            one=_anchors(record["one"]),
            other=_anchors(record["other"]),
            field=_text(record["field"]),
            value=_text(record["value"]),
            revokes=_text(record["revokes"]),
            about=tuple(map(str, record["about"])),
        )
    except (KeyError, TypeError, AttributeError, InputError) as error:
        raise ValueError(f"no decision: {error}") from error


def _anchors(records: Iterable[Mapping[str, Any]]) -> tuple[Anchor, ...]:
    return tuple(
        Anchor(
            mention_id=str(one["mention_id"]),
            article_id=str(one["article_id"]),
            action=str(one["action"]),
            service=str(one["service"]),
            actor=_text(one["actor"]),
            trigger=str(one["trigger"]),
            scope=_text(one["scope"]),
            date=_text(one["date"]),
        )
        for one in records
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)

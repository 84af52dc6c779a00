"""What the model found, before anything is looked up: spans of the text with their classes and scores."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.types import Action, Quote, ReasonClass, Status


@dataclass(frozen=True, slots=True)
class RawMention:
    """One event as the encoder reads it: quotes are exact slices of the document's text, nothing is normalised.

    `score` is the probability that the whole is an event with this action, actor and service; `scores` holds a
    probability per part ("trigger", "actor", "service", "scope", "date", "reason", "status", "action").
    """

    action: Action
    status: Status
    trigger: Quote
    service: Quote
    actor: Quote | None = None
    scope: Quote | None = None
    date: Quote | None = None
    reason: Quote | None = None
    reason_classes: tuple[ReasonClass, ...] = ()
    score: float = 1.0
    scores: Mapping[str, float] = field(default_factory=dict)

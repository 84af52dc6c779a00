"""From scores to events: pure functions over the encoder's numbers. Nothing here is looked up or normalised.

The encoder tells, for each word, whether it begins or continues a trigger; then, for each trigger, which words are its
actors, services, scope, date and reason, and of which class it is. An event is one trigger with one of its actors (or
none) and one of its services.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from extractors.words import Words
from pipeline.types import Action, Quote, ReasonClass, Status

DECODING = "2"  # part of the revision: raise it when a change here changes results
ACTIONS = tuple(Action)
STATUSES = tuple(Status)
REASONS = tuple(ReasonClass)
CERTAIN_BEGIN = 0.6  # neighbouring words are two spans only where the second surely begins one
ROLES = ("actor", "service", "scope", "date", "reason")
EVIDENCE = ("trigger", "event", "link", "service", "action", "status")
"""What an event's score is read from: how surely these words are a trigger, tell an event, link actor and service …"""

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class RawMention:
    """One event as the encoder reads it: quotes are exact slices of the document's text, nothing is normalised.

    `score` is the probability that the whole is an event with this action, actor and service; `scores` holds a
    probability per part: "trigger" (these words state a restriction), "event" (it happened, was planned or refused),
    "link" (this actor and this service belong together), and the fields by name.
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


@dataclass(frozen=True, slots=True)
class Span:
    """Words `start` up to, not including, `end`, and the probability that they are what they are taken for."""

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class TriggerScores:
    """The argument head's answer for one trigger in a window of W words.

    `roles` (W, 5, 3): log-probabilities of outside, begin and inside per role; `actors` and `services` (W, D) and
    `no_actor` (D,): vectors whose products, the last component being a bias, are the logits of a pair; `reasons`
    (W, 13): logits per word, averaged over the reason's words.
    """

    valid: float
    action: Array
    status: Array
    roles: Array
    reasons: Array
    actors: Array
    services: Array
    no_actor: Array


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where candidates begin, and how raw probabilities become scores that can be believed; fitted after training.

    `weights` are those of a logistic regression on the log-odds of the evidence named (see `EVIDENCE`), `bias` is its
    constant. `fields` holds, by field name, slope and constant that turn a raw log-odds into that of the field being
    right. `least` is the default cut: an event scored below it is left out.
    """

    trigger: float = 0.25
    party: float = 0.35
    detail: float = 0.5
    pair: float = 0.3
    weights: Mapping[str, float] = field(default_factory=lambda: {"event": 1.0, "link": 1.0})
    bias: float = 0.0
    fields: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    least: float = 0.5


def begin_inside(outside: Array, begin: Array, threshold: float) -> list[Span]:
    """Read spans off per-word probabilities: words whose `1 - outside` reaches `threshold`, cut where one begins."""
    inside = 1 - outside
    spans: list[Span] = []
    start = -1
    for word, value in enumerate(inside):
        held = value >= threshold
        begins = begin[word] > value - begin[word] and begin[word] >= CERTAIN_BEGIN
        if start >= 0 and (not held or begins):
            spans.append(Span(start, word, float(inside[start:word].max())))
            start = -1
        if held and start < 0:
            start = word
    if start >= 0:
        spans.append(Span(start, len(inside), float(inside[start:].max())))
    return spans


def trigger_spans(log_probs: Array, threshold: float) -> list[Span]:
    """Return the trigger candidates of a window; `log_probs` is (W, 3)."""
    probs = np.exp(log_probs)
    return begin_inside(probs[:, 0], probs[:, 1], threshold)


def role_spans(scores: TriggerScores, role: str, threshold: float) -> list[Span]:
    """Return the spans that fill `role` for this trigger."""
    probs = np.exp(scores.roles[:, ROLES.index(role)])
    return begin_inside(probs[:, 0], probs[:, 1], threshold)


def mentions(
    words: Words,
    numbers: Sequence[int],
    trigger: Span,
    scores: TriggerScores,
    thresholds: Thresholds,
) -> list[RawMention]:
    """Return the events of one trigger. `numbers[i]` is the word's number in the text of the window's word i."""

    def quote(span: Span | None) -> Quote | None:
        trimmed = None if span is None else _trim(words, numbers, span)
        if trimmed is None:
            return None
        start, end = words.starts[numbers[trimmed[0]]], words.ends[numbers[trimmed[1] - 1]]
        return Quote(words.text[start:end], start, end)

    trigger_quote = quote(trigger)
    services = [
        span for span in _contiguous(words, numbers, role_spans(scores, "service", thresholds.party)) if quote(span)
    ]
    if trigger_quote is None or not services:
        return []
    actors: list[Span | None] = [
        span for span in _contiguous(words, numbers, role_spans(scores, "actor", thresholds.party)) if quote(span)
    ]
    others = {
        role: _contiguous(words, numbers, role_spans(scores, role, thresholds.detail))
        for role in ("scope", "date", "reason")
    }
    found: list[RawMention] = []
    action, status = int(scores.action.argmax()), int(scores.status.argmax())
    for service in services:
        service_vector = scores.services[service.start : service.end].mean(0)
        pairs = [(actor, _pair(_actor_vector(scores, actor), service_vector)) for actor in actors]
        chosen = [pair for pair in pairs if _sigmoid(pair[1]) >= thresholds.pair]
        if not chosen:
            chosen = [(None, _pair(scores.no_actor, service_vector))]
        for actor, logit in chosen:
            near = [span for span in (actor, service) if span is not None]
            parts = {role: _nearest(spans, near, trigger) for role, spans in others.items()}
            service_quote = quote(service)
            if service_quote is None:
                continue
            reason = parts["reason"]
            named = {"actor": actor, "service": service, **parts}
            raw = {
                "trigger": trigger.score,
                "event": _sigmoid(scores.valid),
                "link": _sigmoid(logit),
                "action": float(np.exp(scores.action[action])),
                "status": float(np.exp(scores.status[status])),
                **{role: span.score for role, span in named.items() if span is not None},
            }
            found.append(
                RawMention(
                    action=ACTIONS[action],
                    status=STATUSES[status],
                    trigger=trigger_quote,
                    service=service_quote,
                    actor=quote(actor),
                    scope=quote(parts["scope"]),
                    date=quote(parts["date"]),
                    reason=quote(reason),
                    reason_classes=() if reason is None or quote(reason) is None else _reason_classes(scores, reason),
                    score=round(event_score(raw, thresholds), 4),
                    scores={name: round(_field_score(name, value, thresholds), 4) for name, value in raw.items()},
                )
            )
    return found


def event_score(raw: Mapping[str, float], thresholds: Thresholds) -> float:
    """Return the probability that this is an event with this action, actor and service, from the raw probabilities."""
    return _sigmoid(thresholds.bias + sum(w * logit_of(raw[name]) for name, w in thresholds.weights.items()))


def _field_score(name: str, raw: float, thresholds: Thresholds) -> float:
    slope, constant = thresholds.fields.get(name, (1.0, 0.0))
    return _sigmoid(slope * logit_of(raw) + constant)


def reading_order(mention: RawMention) -> tuple[int, int, int]:
    """Sort key: where trigger, service and actor stand."""
    return mention.trigger.start, mention.service.start, -1 if mention.actor is None else mention.actor.start


def _trim(words: Words, numbers: Sequence[int], span: Span) -> tuple[int, int] | None:
    """Drop leading articles and the punctuation around a span; None if nothing is left."""
    start, end = span.start, span.end
    while start < end and (
        words[numbers[start]].lower() in ("the", "a", "an") or words[numbers[start]] in ",.;:!?)]}'’”\"“‘-–—|"
    ):
        start += 1
    while start < end and words[numbers[end - 1]] in ",.;:!?([{'’”\"“‘-–—|":
        end -= 1
    return (start, end) if start < end else None


def _contiguous(words: Words, numbers: Sequence[int], spans: Sequence[Span]) -> list[Span]:
    """Cut spans where the window jumps in the text: the end of a repeated headline is not beside what follows it."""
    cut: list[Span] = []
    jumps = [place + 1 for place, (one, two) in enumerate(pairwise(numbers)) if two != one + 1 or two == words.seam]
    for span in spans:
        edges = [span.start, *(jump for jump in jumps if span.start < jump < span.end), span.end]
        cut.extend(Span(start, end, span.score) for start, end in pairwise(edges))
    return cut


def _nearest(spans: Sequence[Span], anchors: Sequence[Span], trigger: Span) -> Span | None:
    """Return the best span; where several parties each have their own, the one that stands nearest to this party."""
    if len(spans) < 2:
        return spans[0] if spans else None
    return min(spans, key=lambda s: (min(_gap(s, a) for a in anchors) + _gap(s, trigger), -s.score))


def _gap(one: Span, other: Span) -> int:
    return max(one.start - other.end, other.start - one.end, 0)


def _actor_vector(scores: TriggerScores, actor: Span | None) -> Array:
    vector: Array = scores.no_actor if actor is None else scores.actors[actor.start : actor.end].mean(0)
    return vector


def _pair(actor: Array, service: Array) -> float:
    return float(actor[:-1] @ service[:-1] + actor[-1] + service[-1])


def _reason_classes(scores: TriggerScores, reason: Span) -> tuple[ReasonClass, ...]:
    logits = scores.reasons[reason.start : reason.end].mean(0)
    best = int(logits.argmax())
    return tuple(REASONS[i] for i, logit in enumerate(logits) if logit > 0 or i == best)


def _sigmoid(logit: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(logit, -30, 30))))


def logit_of(probability: float) -> float:
    """Return the log-odds, kept finite."""
    clipped = min(max(probability, 1e-4), 1 - 1e-4)
    return float(np.log(clipped / (1 - clipped)))

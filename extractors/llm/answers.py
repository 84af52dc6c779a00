"""From the words of an answer to raw mentions: read, checked against the text, inventions dropped and counted."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from extractors.decode import RawMention
from extractors.llm.excerpts import Excerpt
from extractors.llm.quotes import QuotedText
from pipeline.types import Action, Quote, ReasonClass, Status

UNCALIBRATED = 0.75
"""The score of every event. A model's stated confidence is no probability, so none is made of it; it is in `scores`."""

_THOUGHTS = re.compile(r"<think>.*?</think>", re.DOTALL)
_FENCED = re.compile(r"```[\w-]*\s*\n(.*?)```", re.DOTALL)


class AnswerError(Exception):
    """An answer that is not what was asked for; the message says why, without the answer's own words."""


def _confidence(value: object) -> float | None:
    """What is no number from 0 to 1 tells nothing, and is no reason to ask again."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    return None


class Claim(BaseModel):
    """One event as the model tells it; nothing in it is checked against the text yet."""

    model_config = ConfigDict(frozen=True)

    sentence: int | None = None
    trigger: str
    action: Action
    status: Status
    actor: str | None = None
    service: str
    scope: str | None = None
    date: str | None = None
    reason: str | None = None
    reason_classes: tuple[ReasonClass, ...] = ()
    confidence: Annotated[float | None, BeforeValidator(_confidence)] = None


class _Answer(BaseModel):
    events: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Grounded:
    """The mentions whose quotes stand in the text, and how many events and optional fields were invented."""

    mentions: list[RawMention] = field(default_factory=list)
    invented_events: int = 0
    invented_fields: int = 0


def read_answer(content: str) -> tuple[Claim, ...]:
    """Read an answer's JSON, with or without code fences and a reasoning model's thoughts around it.

    Raises AnswerError.
    """
    content = _THOUGHTS.sub("", content)
    fenced = _FENCED.search(content)
    try:
        value = json.loads(fenced[1] if fenced else content.strip())
    except (ValueError, RecursionError) as error:
        raise AnswerError(f"not valid JSON ({getattr(error, 'msg', type(error).__name__)})") from None
    try:
        return _Answer.model_validate(value).events
    except ValidationError as error:
        problem: Any = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, problem["loc"])) or "the answer"
        raise AnswerError(f"{where}: {problem['msg'][:200]}") from None


def ground(claims: Sequence[Claim], excerpt: Excerpt) -> Grounded:
    """Keep what the excerpt really says. Of several occurrences of a quote the one nearest the trigger is meant.

    An event without its trigger or service is dropped, and an optional field without its quote. Events whose trigger
    another excerpt owns are left to that one.
    """
    body = QuotedText(excerpt.text, [(excerpt.start, excerpt.end)])
    headed = [excerpt.headline] if excerpt.headline else []
    shown = QuotedText(excerpt.text, [*headed, (excerpt.start, excerpt.end)])
    mentions: list[RawMention] = []
    events = fields = 0
    for claim in claims:
        trigger = body.find(claim.trigger, _stated_place(claim, excerpt))
        if trigger is not None and not excerpt.owns(trigger.start):
            continue
        service = trigger and shown.find(claim.service, (trigger.start, trigger.end))
        if trigger is None or service is None:
            # A later excerpt shows the headline for context; an event told of it is known from the first one.
            events += trigger is not None or not shown.find_all(claim.trigger)
            continue
        mention, missing = _mention(claim, trigger, service, shown)
        mentions.append(mention)
        fields += missing
    return Grounded(mentions, events, fields)


def _stated_place(claim: Claim, excerpt: Excerpt) -> tuple[int, int]:
    """The bounds of the sentence that the model names, or where the excerpt begins if there is no such sentence."""
    if claim.sentence is not None and 1 <= claim.sentence <= len(excerpt.sentences):
        return excerpt.sentences[claim.sentence - 1]
    return excerpt.start, excerpt.start


def _mention(claim: Claim, trigger: Quote, service: Quote, shown: QuotedText) -> tuple[RawMention, int]:
    told = {
        name: words
        for name, words in (
            ("actor", claim.actor),
            ("scope", claim.scope),
            ("date", claim.date),
            ("reason", claim.reason),
        )
        if words and words.strip()
    }
    quotes = {name: shown.find(words, (trigger.start, trigger.end)) for name, words in told.items()}
    classes = tuple(dict.fromkeys(claim.reason_classes)) if quotes.get("reason") else ()
    mention = RawMention(
        action=claim.action,
        status=claim.status,
        trigger=trigger,
        service=service,
        actor=quotes.get("actor"),
        scope=quotes.get("scope"),
        date=quotes.get("date"),
        reason=quotes.get("reason"),
        reason_classes=classes,
        score=UNCALIBRATED,
        scores={} if claim.confidence is None else {"stated": claim.confidence},
    )
    return mention, sum(quote is None for quote in quotes.values())

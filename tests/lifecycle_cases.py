"""Statements made up for the tests of lives of events: what an outlet says, and when we learned of it."""

from datetime import date
from typing import Any

from pipeline.statements import Statement, read_statement
from pipeline.types import Action, ActorKind, Mention, MentionContext, Quote, ReasonClass, ScopeClass, Status

GARANTE = "Garante per la protezione dei dati personali"


def said(number: int, words: str = "blocked", **changes: Any) -> Statement:
    """The statement of outlet `number`, in its own article, story and house unless told otherwise."""
    return read_statement(context(number, words, **changes))


def context(number: int, words: str = "blocked", **changes: Any) -> MentionContext:
    """What `said` reduces. Days are ISO dates; `on` is the day of publication, and of learning if nothing else is."""
    spec: dict[str, Any] = {
        "action": "block",
        "status": "in_force",
        "on": "2025-01-31",
        "date": None,
        "actor": GARANTE,
        "kind": "data_protection",
        "country": "IT",
        "service": "DeepSeek",
        "scope": None,
        "scope_class": None,
        "article": f"d{number}",
        "story": f"s{number}",
        "owner": f"o{number}",
        "withdrawn": None,
        "version": 1,
        "score": 0.9,
        "reasons": (),
        "edition": 0,
    } | changes
    start = 200 * number
    scope = None if spec["scope"] is None else Quote(spec["scope"], start + 60, start + 60 + len(spec["scope"]))
    mention = Mention(
        document_id=spec["article"],
        action=Action(spec["action"]),
        status=Status(spec["status"]),
        trigger=Quote(words, start, start + len(words)),
        service=Quote(spec["service"], start + 40, start + 40 + len(spec["service"])),
        service_canonical=spec["service"],
        country=spec["country"],
        actor=None if spec["actor"] is None else Quote(spec["actor"], start + 100, start + 100 + len(spec["actor"])),
        actor_canonical=spec["actor"],
        actor_kind=None if spec["actor"] is None else ActorKind(spec["kind"]),
        scope=scope,
        scope_class=None if spec["scope_class"] is None else ScopeClass(spec["scope_class"]),
        date_value=spec["date"],
        reason_classes=tuple(ReasonClass(one) for one in spec["reasons"]),
        score=spec["score"],
        edition=spec["edition"],
    )
    published = None if spec["on"] is None else date.fromisoformat(spec["on"])
    learned = spec.get("learned", spec["on"])
    return MentionContext(
        mention,
        spec["article"],
        spec["story"],
        f"source of {number}",
        published,
        spec["owner"],
        None if learned is None else date.fromisoformat(learned),
        None if spec["withdrawn"] is None else date.fromisoformat(spec["withdrawn"]),
        spec["version"],
    )

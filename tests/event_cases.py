"""Golden cases of the resolver: a folder of small JSON files, each with mentions and the events they make."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pipeline.types import Action, ActorKind, Event, Mention, MentionContext, Quote, ScopeClass, Status

FOLDER = Path(__file__).parent / "golden" / "events"


@dataclass(frozen=True)
class Case:
    """One file: contexts by their short keys, and the clusters and event fields that are expected."""

    name: str
    contexts: dict[str, MentionContext]
    clusters: list[list[str]]
    events: list[dict[str, Any]]


def load_cases() -> list[Case]:
    """Read all cases of the folder, sorted by name."""
    return [_load(path) for path in sorted(FOLDER.glob("*.json"))]


def clusters_of(case: Case, events: list[Event]) -> list[list[str]]:
    """Return the clusters that `events` make of a case's mentions, by short keys."""
    key_of = {context.mention.id: key for key, context in case.contexts.items()}
    return sorted(sorted(key_of[mention_id] for mention_id in event.mention_ids) for event in events)


def context(spec: dict[str, Any], number: int) -> MentionContext:
    """Make the mention that `spec` describes; `number` tells its place in the document."""
    start = 100 * number
    words = {field: spec.get(field) for field in ("actor", "scope", "date")}
    quotes = {
        field: Quote(text, start + 20 * i, start + 20 * i + len(text))
        for i, (field, text) in enumerate(words.items(), 1)
        if text is not None
    }
    mention = Mention(
        document_id=spec["doc"],
        action=Action(spec["action"]),
        status=Status(spec["status"]),
        trigger=Quote(spec["action"], start, start + len(spec["action"])),
        service=Quote(spec["service"], start + 10, start + 10 + len(spec["service"])),
        service_canonical=spec["service"],
        country=spec["country"],
        actor=quotes.get("actor"),
        actor_canonical=spec.get("actor"),
        actor_kind=ActorKind(spec["kind"]) if "kind" in spec else None,
        scope=quotes.get("scope"),
        scope_class=ScopeClass(spec["scope_class"]) if "scope_class" in spec else None,
        date=quotes.get("date"),
        date_value=spec.get("date"),
        score=spec.get("score", 0.9),
    )
    published = date.fromisoformat(spec["published"]) if "published" in spec else None
    return MentionContext(mention, spec["doc"], spec.get("story", spec["doc"]), f"feed of {spec['doc']}", published)


def _load(path: Path) -> Case:
    data = json.loads(path.read_text("utf-8"))
    contexts = {spec["key"]: context(spec, i) for i, spec in enumerate(data["mentions"])}
    return Case(path.stem, contexts, sorted(sorted(some) for some in data["clusters"]), data.get("events", []))

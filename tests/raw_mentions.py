"""Events as the encoder reads them, given by their words in a text."""

from datetime import date
from typing import Any

from extractors.decode import RawMention
from extractors.normalize import normalize
from pipeline.types import Action, Document, Mention, Quote, Status


def quote(text: str, words: str | None) -> Quote | None:
    if words is None:
        return None
    start = text.index(words)
    return Quote(words, start, start + len(words))


def mention(text: str, *, trigger: str, service: str, actor: str | None = None, **fields: Any) -> Mention:
    """Normalise an event whose quotes are the first occurrences of the words in `text`."""
    found = {name: quote(text, fields.get(name)) for name in ("scope", "date", "reason")}
    raw = RawMention(
        action=Action.BAN,
        status=fields.get("status", Status.IN_FORCE),
        trigger=quote(text, trigger) or Quote("", 0, 0),
        service=quote(text, service) or Quote("", 0, 0),
        actor=quote(text, actor),
        **found,
    )
    return normalize(Document("d", text, fields.get("published", date(2025, 2, 6))), raw)

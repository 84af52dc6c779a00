"""From a raw mention to a mention: canonical names, country, date and classes beside the quotes.

Quotes are passed on as they are, but for an actor's, whose words are completed (`extractors.actor_words`).
A value that the text does not settle is None (or XX for a country); nothing is guessed to fill a field.
"""

from dataclasses import replace

from extractors.actor_words import completed
from extractors.actors import resolve_actor
from extractors.dates import resolve_date
from extractors.decode import RawMention
from extractors.reading import read
from extractors.scope import scope_class
from extractors.services import canonical_service, existed
from extractors.words import LONG
from pipeline.types import Document, Mention, Quote

NEAR = 3000  # characters on either side of a mention that are read with it where the text is long
NORMALISATION = "3"  # part of the revision: raise it when a rule here or in the modules used here changes results


def normalize(document: Document, raw: RawMention, model: str = "") -> Mention:
    """Normalise one raw mention of `document`; `model` is the revision to record.

    Any text is allowed: what can't be read has no value, and no error is raised.
    """
    near, quotes = _vicinity(document, raw)
    reading = read(near)
    service = canonical_service(reading, quotes["service"])
    anchors = tuple(quotes[name] for name in ("trigger", "service", "scope") if name in quotes)
    named = quotes.get("actor")
    whole = None if named is None else completed(reading, named)
    actor = resolve_actor(reading, whole, anchors, service)
    return Mention(
        document_id=document.id,
        action=raw.action,
        status=raw.status,
        trigger=raw.trigger,
        service=raw.service,
        service_canonical=service,
        country=actor.country,
        actor=None if actor.canonical is None else _moved(raw.actor, named, whole),
        actor_canonical=actor.canonical,
        actor_kind=actor.kind,
        scope=raw.scope,
        scope_class=None if raw.scope is None else scope_class(raw.scope.text, actor.kind),
        date=raw.date,
        date_value=_date(document, raw, service),
        reason=raw.reason,
        reason_classes=raw.reason_classes,
        score=raw.score,
        scores=raw.scores,
        model=model,
    )


def _date(document: Document, raw: RawMention, service: str | None) -> str | None:
    """Return the date that the words state, unless the service was not there yet: then another thing is dated."""
    if raw.date is None:
        return None
    value = resolve_date(raw.date.text, document.published, raw.status)
    return value if value is None or existed(service, value) else None


def _moved(raw: Quote | None, near: Quote | None, whole: Quote | None) -> Quote | None:
    """Return the completed quote with its place in the document; `near` is the raw quote's place in what was read."""
    if raw is None or near is None or whole is None:
        return raw
    shift = raw.start - near.start
    return Quote(whole.text, whole.start + shift, whole.end + shift)


def _vicinity(document: Document, raw: RawMention) -> tuple[Document, dict[str, Quote]]:
    """Return what of the document a mention is read with, and its quotes there: of a long text what stands near."""
    named = {"trigger": raw.trigger, "service": raw.service, "actor": raw.actor, "scope": raw.scope}
    quotes = {name: quote for name, quote in named.items() if quote is not None}
    if len(document.text) <= LONG:
        return document, quotes
    start = max(0, min(quote.start for quote in quotes.values()) - NEAR)
    end = max(quote.end for quote in quotes.values()) + NEAR
    shifted = {name: Quote(q.text, q.start - start, q.end - start) for name, q in quotes.items()}
    return replace(document, text=document.text[start:end]), shifted

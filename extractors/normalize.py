"""From a raw mention to a mention: canonical names, country, date and classes beside the untouched quotes.

A value that the text does not settle is None (or XX for a country); nothing is guessed to fill a field.
"""

from extractors.actors import resolve_actor
from extractors.dates import resolve_date
from extractors.decode import RawMention
from extractors.reading import read
from extractors.scope import scope_class
from extractors.services import canonical_service
from pipeline.types import Document, Mention

NORMALISATION = "1"  # part of the revision: raise it when a rule here or in the modules used here changes results


def normalize(document: Document, raw: RawMention, model: str = "") -> Mention:
    """Normalise one raw mention of `document`; `model` is the revision to record. The quotes are passed on as they are.

    Any text is allowed: what can't be read has no value, and no error is raised.
    """
    reading = read(document)
    service = canonical_service(reading, raw.service)
    anchors = tuple(quote for quote in (raw.trigger, raw.service, raw.scope) if quote is not None)
    actor = resolve_actor(reading, raw.actor, anchors, service)
    return Mention(
        document_id=document.id,
        action=raw.action,
        status=raw.status,
        trigger=raw.trigger,
        service=raw.service,
        service_canonical=service,
        country=actor.country,
        actor=raw.actor,
        actor_canonical=actor.canonical,
        actor_kind=actor.kind,
        scope=raw.scope,
        scope_class=None if raw.scope is None else scope_class(raw.scope.text, actor.kind),
        date=raw.date,
        date_value=None if raw.date is None else resolve_date(raw.date.text, document.published, raw.status),
        reason=raw.reason,
        reason_classes=raw.reason_classes,
        score=raw.score,
        scores=raw.scores,
        model=model,
    )

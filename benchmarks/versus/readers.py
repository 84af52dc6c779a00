"""Who reads passages for the section on quality; called in processes of their own (see `benchmarks.versus.worker`).

Each takes documents as (id, text, day of publication) and returns the public records that `clampdown eval` scores.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.versus import keyword_rules
from extractors import model as models
from extractors.decode import RawMention
from extractors.encoder import Tagger
from extractors.extractor import ClampdownExtractor, passage_record
from pipeline.types import Action, Document, Quote, ReasonClass, Status

Plain = tuple[str, str, str | None]
Records = list[dict[str, Any]]


class Told:
    """A tagger that gives what others found."""

    revision = "rules"

    def __init__(self, told: dict[str, list[RawMention]]) -> None:
        self._told = told

    def tag(self, documents: Sequence[Document]) -> list[list[RawMention]]:
        return [self._told[document.id] for document in documents]


def documents(passages: Iterable[Plain]) -> list[Document]:
    """Return passages as an extractor takes them."""
    return [Document(name, text, None if day is None else date.fromisoformat(day)) for name, text, day in passages]


def model(passages: Sequence[Plain], graphs: str | None = None) -> Records:
    """Read with the bundled model as it is shipped, on one thread, or with float forms of its graphs in a folder."""
    return _records(_extractor(graphs), passages)


def keywords(passages: Sequence[Plain]) -> Records:
    """Read by keywords over our registries."""
    return normalised(passages, [keyword_rules.find(document) for document in documents(passages)])


def normalised(passages: Sequence[Plain], found: Sequence[Sequence[dict[str, Any]]]) -> Records:
    """Bring events that rules found (see `peers.cues.event`) to the form of ours, by our normalising and merging."""
    told = {name: [_raw(text, one) for one in events] for (name, text, _), events in zip(passages, found, strict=True)}
    return _records(ClampdownExtractor(Told(told), 0.0), passages)


def warm(passages: Sequence[Plain]) -> None:
    """Open the model and the registries, so that the first call doesn't pay for it."""
    model(passages[:1])
    keywords(passages[:1])


@cache
def _extractor(graphs: str | None) -> ClampdownExtractor:
    opened = models.load()
    if graphs is not None:
        encoder, arguments = ((Path(graphs) / name).read_bytes() for name in (models.ENCODER, models.ARGUMENTS))
        opened = replace(opened, encoder=models.session(encoder), arguments=models.session(arguments))
    tagger = Tagger(opened, threads=1)
    return ClampdownExtractor(tagger, tagger.least)


def _records(extractor: ClampdownExtractor, passages: Sequence[Plain]) -> Records:
    given = documents(passages)
    return [passage_record(one.id, found) for one, found in zip(given, extractor.extract(given), strict=True)]


def _raw(text: str, found: dict[str, Any]) -> RawMention:
    def quote(name: str) -> Quote | None:
        span = found[name]
        return None if span is None else Quote(text[slice(*span)], *span)

    trigger, service = quote("trigger"), quote("service")
    assert trigger is not None
    assert service is not None
    return RawMention(
        action=Action(found["action"]),
        status=Status(found["status"]),
        trigger=trigger,
        service=service,
        actor=quote("actor"),
        scope=quote("scope"),
        date=quote("date"),
        reason=quote("reason"),
        reason_classes=tuple(ReasonClass(name) for name in found["reason_classes"]),
    )


Reader = Callable[[Sequence[Plain]], Records]

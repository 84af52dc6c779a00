"""The extractor: documents in, mentions out. Tag, normalise, merge, leave out what is too doubtful, order by place."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from extractors import registries
from extractors.merging import merge_mentions
from extractors.normalize import NORMALISATION, normalize
from pipeline.errors import ExtractionError
from pipeline.settings import ExtractSettings
from pipeline.types import Document, Mention

if TYPE_CHECKING:
    from extractors.decode import RawMention
    from extractors.usage import Meter


class RawTagger(Protocol):
    """What the extractor needs of an encoder: raw mentions per document, in order, and its revision."""

    @property
    def revision(self) -> str: ...

    def tag(self, documents: Sequence[Document]) -> Sequence[list["RawMention"] | ExtractionError]:
        """Return one list of raw mentions per document, each quote an exact slice of the document's text.

        A document that can't be read has an error in its place.
        """
        ...


class ClampdownExtractor:
    """An `Extractor` (pipeline.protocols) of a tagger and the registries; mentions below `min_score` are left out."""

    def __init__(
        self, tagger: RawTagger, min_score: float = 0.5, meter: "Meter | None" = None, *, is_own_cut: bool = True
    ) -> None:
        self._tagger = tagger
        self.meter = meter
        """What the tagger's calls have used so far, where they are counted."""
        self._min_score = min_score
        self._revision = _revision(tagger.revision, None if is_own_cut else min_score)

    @property
    def revision(self) -> str:
        """Identifies weights, decoding, registries, normalisation and the cut together."""
        return self._revision

    def extract(self, documents: Sequence[Document]) -> list[list[Mention] | ExtractionError]:
        """Return one list of mentions per document, in order, each quote an exact slice of the document's text.

        A document that could not be read has an error in its place. The bundled model reads every document; the LLM
        backend raises EndpointError where it can read none.
        """
        tagged = self._tagger.tag(documents)
        return [
            raws if isinstance(raws, ExtractionError) else self._mentions(document, raws)
            for document, raws in zip(documents, tagged, strict=True)
        ]

    def _mentions(self, document: Document, raws: Sequence["RawMention"]) -> list[Mention]:
        likely = [raw for raw in raws if raw.score >= self._min_score]
        return merge_mentions([normalize(document, raw, self._revision) for raw in likely], document.text)


def load_extractor(settings: ExtractSettings) -> ClampdownExtractor:
    """Return the extractor with the backend that the settings name. Raises ModelError, for an LLM SettingsError.

    Without `min_score` the model's own cut holds; an LLM's events, whose score is no probability, are all kept.
    """
    # Imported here: the model's libraries take seconds, and the records below are wanted without them.
    if settings.backend == "llm":
        from extractors.llm.tagger import LLMTagger

        llm = LLMTagger.load(settings.llm)
        return ClampdownExtractor(llm, settings.min_score or 0.0, llm.meter, is_own_cut=not settings.min_score)
    from extractors.encoder import Tagger

    tagger = Tagger.load(settings.model, settings.threads)
    cut = _cut(settings, tagger.least)
    return ClampdownExtractor(tagger, tagger.least if cut is None else cut, is_own_cut=cut is None)


def model_revision(settings: ExtractSettings) -> str:
    """Return the revision of the extractor that `load_extractor` opens for the backend "model", and open none.

    Raises ModelError where a file of the model is missing or altered.
    """
    from extractors import model

    manifest = model.described(settings.model)
    return _revision(model.revision(manifest), _cut(settings, model.thresholds(manifest).least))


def _cut(settings: ExtractSettings, least: float) -> float | None:
    """The cut of the settings where it is another than the model's own."""
    return None if settings.min_score == least else settings.min_score


def _revision(tagger: str, cut: float | None) -> str:
    # The tagger's revision says which cut is its own; another one makes another extractor.
    cuts = () if cut is None else (f"{cut:g}",)
    parts = "\0".join((tagger, registries.revision(), NORMALISATION, *cuts))
    return f"{tagger}+{hashlib.sha256(parts.encode()).hexdigest()[:8]}"


def event_record(mention: Mention) -> dict[str, Any]:
    """Return a mention as the public JSON object. `offsets` maps a quote's field to [start, end] in the text."""
    quotes = mention.quotes

    def words(name: str) -> str | None:
        return quotes[name].text if name in quotes else None

    return {
        "action": mention.action.value,
        "status": mention.status.value,
        "trigger": mention.trigger.text,
        "actor": words("actor"),
        "actor_canonical": mention.actor_canonical,
        "country": mention.country,
        "service": mention.service.text,
        "service_canonical": mention.service_canonical,
        "scope": words("scope"),
        "scope_class": None if mention.scope_class is None else mention.scope_class.value,
        "date": words("date"),
        "date_value": mention.date_value,
        "reason": words("reason"),
        "reason_classes": [reason.value for reason in mention.reason_classes],
        "score": round(mention.score, 4),
        "scores": dict(mention.scores),
        "offsets": {name: [quote.start, quote.end] for name, quote in quotes.items()},
    }


def passage_record(passage_id: str, mentions: Sequence[Mention] | ExtractionError) -> dict[str, Any]:
    """Return the mentions of one document as the public JSON object {"id", "events"}; with "error" if it failed."""
    if isinstance(mentions, ExtractionError):
        return {"id": passage_id, "events": [], "error": str(mentions)}
    return {"id": passage_id, "events": [event_record(mention) for mention in mentions]}

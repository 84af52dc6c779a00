"""What worker processes do for a run. Plain functions over records, so that they can be pickled and run anywhere.

What they need is imported inside: the parent process, which only names them, stays light.
"""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from pipeline.errors import EndpointError, ExtractionError, ModelError, WorkerError
from pipeline.protocols import Extractor, Workers
from pipeline.settings import ExtractSettings, Settings
from pipeline.types import Article, Document, Entry, Mention, ParsedFeed, Response

NURSERY = ("flows.nursery",)

PROBE = Document("probe", "Probe\n\nThe ministry banned TikTok on its devices.")


@dataclass(frozen=True, slots=True)
class FeedJob:
    """A feed as it came, or reduced to what was new in it; `now` is the time of collection."""

    body: bytes
    url: str
    source_id: str
    content_type: str | None
    now: datetime
    is_reduced: bool = False


@dataclass(frozen=True, slots=True)
class PageJob:
    """An entry with its page; without one, the feed's own text is read, as collected at `fetched_at`.

    `for_encoder` says that the bundled model is what reads the articles that pass the gate.
    """

    entry: Entry
    response: Response | None
    fetched_at: datetime | None = None
    for_encoder: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """An article, what recognises copies of its body (hash and signature), and whether it passes the gate."""

    article: Article
    body_hash: str
    signature: bytes
    passes: bool


def read_feed(job: FeedJob) -> ParsedFeed:
    """Parse a feed. Raises ParseError."""
    from pipeline.feeds import parse_feed
    from pipeline.reduced import feed_from

    if job.is_reduced:
        return feed_from(job.body)
    return parse_feed(job.body, url=job.url, source_id=job.source_id, content_type=job.content_type, now=job.now)


def read_text(job: PageJob) -> Article:
    """Read a page as an article. Raises ParseError."""
    from pipeline.reduced import ReducedResponse, article_of
    from pipeline.text import read_article

    if isinstance(job.response, ReducedResponse):
        return article_of(job.response)
    return read_article(job.entry, job.response, fetched_at=job.fetched_at)


def read_page(job: PageJob) -> Reading:
    """Read a page as an article, sign its body and hold it against the gate. Raises ParseError."""
    from pipeline.stories import sign

    article = read_text(job)
    body_hash, signature = sign(article.body)
    return Reading(article, body_hash, signature, passes_gate(GateJob(article, job.for_encoder)))


@dataclass(frozen=True, slots=True)
class GateJob:
    """An article to hold against the gate. `for_encoder` says that the bundled model is what reads it then."""

    article: Article
    for_encoder: bool = False


def passes_gate(job: GateJob) -> bool:
    """Return whether an article is to be read for events.

    A notice that it was withdrawn passes no gate: what it repeats of the article, it does not state.
    """
    from extractors.gate import GazetteerGate
    from pipeline.language import is_english
    from pipeline.notices import is_withdrawn

    article = job.article
    read = is_english(article.language) and not is_withdrawn(article.title, article.body)
    return read and GazetteerGate(for_encoder=job.for_encoder).passes(article.text)


@dataclass(frozen=True, slots=True)
class ExtractJob:
    """A document, the settings by which the worker opens its model, and the revision that this must have, if any.

    A worker may be another machine, where the same settings lead to other weights.
    """

    document: Document
    settings: ExtractSettings
    revision: str | None = None


def find_events(job: ExtractJob) -> list[Mention]:
    """Extract the mentions of one document with the model that this worker keeps open.

    Raises ModelError where that is not the one that was asked for.
    """
    extractor = _extractor(job.settings)
    if job.revision not in (None, extractor.revision):
        raise ModelError(
            f"{platform.node()} has the model {extractor.revision} where {job.revision} is asked for",
            hint="All machines need the same weights: docs/cluster.md.",
        )
    (found,) = extractor.extract([job.document])
    if isinstance(found, ExtractionError):
        raise found
    return found


@cache
def _extractor(settings: ExtractSettings) -> Extractor:
    from extractors.extractor import load_extractor

    # Workers are as many as cores.
    return load_extractor(settings.model_copy(update={"threads": settings.threads or 1}))


def try_worker(pool: Workers, settings: Settings) -> None:
    """Have a worker read a sentence. Raises WorkerError, ModelError or WorkersUnavailable where it can't."""
    # A language model is asked by the parent, whatever reads: the bundled one stands in to try the worker.
    bundled = settings.extract.model_copy(update={"backend": "model"})
    (answer,) = pool.map(find_events, [ExtractJob(PROBE, bundled)], seconds=settings.workers.extract_seconds)
    if isinstance(answer, WorkerError):
        raise WorkerError(f"the model can't be used in a worker: {answer}", hint="raise workers.memory_mb")
    if isinstance(answer, Exception):
        raise answer


class PooledExtractor:
    """An `Extractor` (pipeline.protocols) whose documents are read in worker processes, one document a task."""

    def __init__(self, pool: Workers, revision: str, settings: Settings) -> None:
        self._pool = pool
        self._settings = settings
        self._revision = revision
        self._is_tried = False

    @property
    def revision(self) -> str:
        """Identifies weights, decoding, registries and normalisation together."""
        return self._revision

    def extract(self, documents: Sequence[Document]) -> list[list[Mention] | ExtractionError]:
        """Return one list of mentions per document, in order; an ExtractionError for one that ended its worker.

        Raises WorkerError where workers can't open the model at all: that is no document's fault.
        """
        if documents and not self._is_tried:
            try_worker(self._pool, self._settings)
            self._is_tried = True
        jobs = [ExtractJob(document, self._settings.extract, self._revision) for document in documents]
        found = self._pool.map(find_events, jobs, seconds=self._settings.workers.extract_seconds)
        return [self._answer(document, answer) for document, answer in zip(documents, found, strict=True)]

    def _answer(self, document: Document, answer: list[Mention] | Exception) -> list[Mention] | ExtractionError:
        if isinstance(answer, ModelError | EndpointError):
            raise answer
        if isinstance(answer, ExtractionError) or not isinstance(answer, Exception):
            return answer
        reason = str(answer) if isinstance(answer, WorkerError) else f"{type(answer).__name__}: {answer}"
        return ExtractionError(reason, document_id=document.id)

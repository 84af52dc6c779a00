"""Stages four to six: articles to mentions and events, a batch into the warehouse, the snapshot out of it."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version

from flows.house import PUBLISHED_NAME, House
from flows.outputs import keep_feeds
from flows.reading import ReadEntry, same_article, still_stands
from pipeline.errors import EndpointError, ExtractionError, ModelError, WorkerError
from pipeline.failpoints import hit
from pipeline.language import is_english
from pipeline.stories import proves
from pipeline.types import (
    Article,
    Document,
    EntryResult,
    Mention,
    Outcome,
    Revisit,
    RevisitOutcome,
    StoredVersion,
)
from warehouse.snapshot import Snapshot

log = logging.getLogger(__name__)


def extract_events(house: House, read: Sequence[ReadEntry]) -> list[EntryResult]:
    """Gate each article and extract its mentions. Returns one result per entry.

    A copy of another article, word for word, is read as well: what its outlet printed is evidence of its own.
    """
    results: dict[str, EntryResult] = {}
    open_: dict[str, tuple[EntryResult, Article]] = {}
    # A page may name another URL than its feed did, and that one may be stored, or stand in this batch, already.
    stored = house.warehouse.known_articles([item.reading.article.canonical_url for item in read if item.reading])
    revisits = {item.entry_id: item.revisit for item in read if item.revisit is not None}
    copied = _originals(house, read)
    for item in read:
        reading = item.reading
        if (
            reading is not None
            and item.revisit is None
            and (known := stored.get(reading.article.canonical_url)) is not None
        ):
            item, reading = same_article(item.entry_id, known), None
        if reading is None:
            assert item.ended is not None, "an entry is read or has ended"
            results[item.entry_id] = item.ended
            continue
        article = reading.article
        stored[article.canonical_url] = article.id
        result = EntryResult(
            item.entry_id,
            Outcome.GATED,
            article=article,
            archived=item.archived,
            signature=reading.signature,
            body_hash=reading.body_hash,
            revisit=None if item.revisit is None else Revisit(RevisitOutcome.CHANGED, article.fetched_at),
        )
        original = next((one for one in copied.get(reading.body_hash, ()) if one != article.id), None)
        if not is_english(article.language):
            result = replace(result, outcome=Outcome.OTHER_LANGUAGE, detail=article.language)
        elif original is not None and proves(reading.signature):
            result = replace(result, outcome=Outcome.SAME_STORY, detail=f"the text of article {original}")
        if reading.passes:
            open_[item.entry_id] = (result, article)
        copied.setdefault(reading.body_hash, []).append(article.id)
        results[item.entry_id] = result
    hit("ingest.read")
    mentions = find_mentions(house, [article for _, article in open_.values()])
    for (entry_id, (result, _)), found in zip(open_.items(), mentions, strict=True):
        if isinstance(found, Exception):
            results[entry_id] = _unextracted(house, result, revisits.get(entry_id), reason_of(found))
        else:
            read_as = Outcome.EVENTS if found else Outcome.NO_EVENT
            outcome = result.outcome if result.outcome is Outcome.SAME_STORY else read_as
            results[entry_id] = replace(result, outcome=outcome, mentions=tuple(found))
    return list(results.values())


def _originals(house: House, read: Sequence[ReadEntry]) -> dict[str, list[str]]:
    """Hash of a body → the stored articles that have it."""
    return house.warehouse.equal_bodies({item.reading.body_hash for item in read if item.reading is not None})


def _unextracted(house: House, result: EntryResult, revisit: StoredVersion | None, reason: str) -> EntryResult:
    """How an entry ends whose events can't be extracted. A stored version, whose events are known, stands."""
    article = result.article
    if revisit is None or article is None:
        return replace(result, outcome=Outcome.QUARANTINED, detail=reason)
    kept = still_stands(
        result.entry_id, revisit, Revisit(RevisitOutcome.KEPT, article.fetched_at), reason, result.archived
    )
    assert kept.ended is not None, "what stands has ended"
    return kept.ended


def find_mentions(house: House, articles: Sequence[Article]) -> list[list[Mention] | Exception]:
    """The mentions of each article, in order, or why it can't be told which there are.

    Extract all at once; if that fails, one by one, so that only the article at fault is lost.

    An endpoint that answers nothing, or a model that can't be opened, is no article's fault: it stops the run, and the
    batch stays pending.
    """
    documents = [
        Document(article.id, article.text, article.published.day if article.published else None) for article in articles
    ]
    try:
        return list(house.extractor.extract(documents))
    except (EndpointError, ModelError, WorkerError):
        raise
    except Exception:
        log.exception("extraction of %d articles failed; trying them one by one", len(documents))
    found: list[list[Mention] | Exception] = []
    for document in documents:
        try:
            found.extend(house.extractor.extract([document]))
        except (EndpointError, ModelError, WorkerError):
            raise
        except Exception as error:
            log.exception("article %s is quarantined", document.id)
            found.append(error)
    return found


def store_results(house: House, results: Sequence[EntryResult]) -> None:
    """Commit a batch: articles, mentions, the events they touch, and one outcome per entry."""
    house.warehouse.store_batch(house.run_id, results)


def publish(house: House) -> Snapshot:
    """Replace the published snapshot, if anything changed, and the feeds that are made of it."""
    manifest = {"model": house.extractor.revision, "version": version("clampdown")}
    target, keep = house.settings.data_dir / PUBLISHED_NAME, house.settings.publish.keep_versions
    snapshot = house.warehouse.publish(target, manifest=manifest, keep=keep)
    keep_feeds(house.settings)
    return snapshot


def reason_of(error: Exception) -> str:
    """Why an article could not be read for events, in words."""
    return str(error) if isinstance(error, ExtractionError) else f"{type(error).__name__}: {error}"

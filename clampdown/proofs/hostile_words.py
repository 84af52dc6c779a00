"""A published snapshot in which whatever a publisher writes is a payload: for proofs that it stays text."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pipeline.stories import sign
from pipeline.types import (
    Action,
    ActorKind,
    ArchiveRef,
    Article,
    Body,
    Country,
    DateBasis,
    Entry,
    EntryResult,
    FeedOutcome,
    FeedState,
    Mention,
    Outcome,
    Poll,
    Quote,
    ReasonClass,
    ScopeClass,
    Service,
    Source,
    Stamp,
    Status,
    TextOrigin,
)
from warehouse.store import open_warehouse

START = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
SOURCES = 4

_CODES = ("IT", "KR", "AU", "XX", "EU")
_REPEATED = 200
"""Characters of the longest payload that is put into every field of an article; longer ones are its title."""

_REF = ArchiveRef("2026/03/01/pages.warc.gz", 0, 512, "ab" * 32)


def publish(
    folder: Path,
    payloads: Sequence[str],
    *,
    addresses: Sequence[str] = (),
    run: str = "run-1",
    withdrawn: int | None = None,
) -> Path:
    """Store an article for each payload, which is in every text of it, and publish; returns the folder published to.

    Where there are `addresses`, articles lie at these, in turn. A later run, over the same payloads and more, can let
    the article of the number `withdrawn` state nothing more.
    """
    sources = [
        Source(f"source-{number}", payloads[number % len(payloads)] or "?", f"https://news-{number}.example/feed")
        for number in range(SOURCES)
    ]
    with open_warehouse(folder / "warehouse.duckdb") as warehouse:
        warehouse.sync_sources(sources)
        warehouse.sync_registries(*_registries(payloads))
        warehouse.begin_run(run, START, mode="test", model="made-up", version="0")
        entries = [_entry(number, text, sources[number % SOURCES]) for number, text in enumerate(payloads)]
        warehouse.store_polls(run, [_poll(source, entries) for source in sources])
        results = [
            _result(number, text, entries[number], addresses[number % len(addresses)] if addresses else "")
            for number, text in enumerate(payloads)
        ]
        if withdrawn is not None:
            results[withdrawn] = replace(results[withdrawn], outcome=Outcome.NO_EVENT, mentions=())
        warehouse.store_batch(run, results)
        warehouse.finish_run(run, datetime.now(UTC), "finished")
        warehouse.publish(folder / "published", manifest={"model": "made-up"})
    return folder / "published"


def _registries(payloads: Sequence[str]) -> tuple[list[Service], list[Body], list[Country]]:
    names = [text for text in payloads if text and len(text) <= _REPEATED]
    return (
        [Service(f"service-{number}", text, (text,), "ai", text, "CN") for number, text in enumerate(names)],
        [Body(f"body-{number}", text, (text,), ActorKind.REGULATOR, "IT") for number, text in enumerate(names)],
        [Country(code, text, (text,), (text,), text) for code, text in zip(_CODES, names, strict=False)],
    )


def _poll(source: Source, entries: Sequence[Entry]) -> Poll:
    return Poll(
        source.id,
        FeedOutcome.OK,
        state=FeedState(source.id),
        entries=tuple(entry for entry in entries if entry.source_id == source.id),
        archived=_REF,
        fetched_at=START,
    )


def _entry(number: int, text: str, source: Source) -> Entry:
    # Half characters never come so far: what keys are made of is decoded bytes.
    part = text[:_REPEATED].encode("utf-8", "replace").decode()
    url = f"https://news.example/{number}/{part}"
    return Entry(
        source.id,
        f"{number} {part}",
        url,
        url,
        text,
        summary=text,
        published=Stamp(date(2026, 1, 1) + timedelta(days=number % 50), DateBasis.FEED),
        authors=(text[:_REPEATED],),
        language="en",
    )


def _result(number: int, text: str, entry: Entry, address: str) -> EntryResult:
    words = text if 0 < len(text) <= _REPEATED else "words"
    sentence = f"{words} blocked {words} for {words} on {words}, citing {words}. This is item {number}."
    article = Article(
        canonical_url=f"{address}#{number}" if address else entry.canonical_url,
        url=address or entry.url,
        source_id=entry.source_id,
        title=text,
        text=f"{text}\n\n{sentence}",
        text_origin=TextOrigin.PAGE,
        published=entry.published,
        language="en",
        fetched_at=START + timedelta(minutes=5),
        site=text[:_REPEATED],
        authors=(text[:_REPEATED],),
    )
    body_hash, signature = sign(article.body)
    mentions = [_mention(number, article, words)]
    return EntryResult(
        entry.id,
        Outcome.EVENTS,
        article=article,
        archived=_REF,
        signature=signature,
        body_hash=body_hash,
        mentions=tuple(mentions),
    )


def _mention(number: int, article: Article, words: str) -> Mention:
    """What the sentence of `_result` states, each field quoted where it stands."""
    at = len(article.title) + 2

    def quote(lead: str, text: str) -> Quote:
        return Quote(text, at + len(lead), at + len(lead) + len(text))

    return Mention(
        document_id=article.id,
        action=Action.BLOCK,
        status=Status.IN_FORCE,
        trigger=quote(f"{words} ", "blocked"),
        service=quote(f"{words} blocked ", words),
        service_canonical=words,
        country=_CODES[number % len(_CODES)],
        actor=quote("", words),
        actor_canonical=words,
        actor_kind=ActorKind.REGULATOR,
        scope=quote(f"{words} blocked {words} for ", words),
        scope_class=ScopeClass.OTHER,
        date=quote(f"{words} blocked {words} for {words} on ", words),
        date_value="2026-01",
        reason=quote(f"{words} blocked {words} for {words} on {words}, citing ", words),
        reason_classes=(ReasonClass.PRIVACY,),
        score=0.875,
        scores={"trigger": 0.9},
        model=words,
    )

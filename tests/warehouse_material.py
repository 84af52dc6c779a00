"""Made-up polls, articles and mentions for the warehouse's tests, and what is made of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

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
from warehouse.store import Warehouse, open_warehouse

START = datetime(2025, 2, 10, 6, 30, tzinfo=UTC)
BATCH = 4

SERVICES = (
    Service("deepseek", "DeepSeek", ("DeepSeek R1", "deep seek"), "ai", "DeepSeek", "CN"),
    Service("tiktok", "TikTok", ("Tik Tok", "Douyin abroad"), "social", "ByteDance", "CN"),
)
BODIES = (
    Body("garante", "Garante per la protezione dei dati personali", ("Garante",), ActorKind.DATA_PROTECTION, "IT"),
)
COUNTRIES = (
    Country("IT", "Italy", ("Italian Republic",), ("Italian",), "Rome"),
    Country("KR", "South Korea", ("Republic of Korea", "Korea"), ("South Korean",), "Seoul"),
    Country("AU", "Australia", (), ("Australian",), "Canberra"),
)
SOURCES = (
    Source("alpha", "Alpha Gazette", "https://alpha.example/feed", country="GB", topics=("tech",)),
    Source("beta", "Beta Times", "https://beta.example/rss", items_per_week=20.0),
    Source("gamma", "Gamma Post", "https://gamma.example/atom", enabled=False),
)
ACTORS = {
    "IT": ("Garante per la protezione dei dati personali", "Garante", ActorKind.DATA_PROTECTION),
    "KR": ("South Korea Ministry of National Defense", "The defence ministry", ActorKind.MINISTRY),
    "AU": ("Australia", "Australia", ActorKind.GOVERNMENT),
}


def entry(number: int, source_id: str = "alpha", day: date | None = None) -> Entry:
    """The entry with that number; a day in February 2025 unless told otherwise, none for every seventh."""
    published = None if number % 7 == 6 else Stamp(day or date(2025, 2, 1 + number % 20), DateBasis.FEED)
    url = f"https://{source_id}.example/news/{number}"
    return Entry(
        source_id,
        f"guid-{number}",
        f"{url}?utm_source=feed",
        url,
        f"News {number}",
        summary=f"Summary {number}",
        published=published,
        authors=("A. Writer",),
        language="en",
    )


def poll(source_id: str, entries: Sequence[Entry], etag: str | None = '"v1"') -> Poll:
    return Poll(
        source_id,
        FeedOutcome.OK if entries else FeedOutcome.EMPTY,
        state=FeedState(source_id, etag, "Mon, 10 Feb 2025 06:00:00 GMT"),
        entries=tuple(entries),
        archived=ArchiveRef("2025/02/10/feed.warc.gz", 0, 512, "ab" * 32),
        fetched_at=START,
    )


def article(
    of: Entry, country: str = "IT", service: str = "DeepSeek", verb: str = "blocked", when: str = "on Wednesday"
) -> Article:
    """An article that says that the country's body took a measure against the service. It begins beyond the BMP."""
    title = f"\N{POLICE CARS REVOLVING LIGHT} {service} {verb} ({of.guid})"
    body = (
        f"{ACTORS[country][1]} {verb} {service} for all staff {when}, citing privacy concerns. "
        f"Caf\N{LATIN SMALL LETTER E WITH ACUTE} owners read it as item {of.guid} of {of.source_id}. " * 2
    )
    return Article(
        canonical_url=of.canonical_url,
        url=of.canonical_url,
        source_id=of.source_id,
        title=title,
        text=f"{title}\n\n{body}",
        text_origin=TextOrigin.PAGE,
        published=of.published,
        language="en",
        fetched_at=START + timedelta(minutes=5),
        site=f"{of.source_id}.example",
        authors=("A. Writer",),
    )


def quote(text: str, words: str, after: int = 0) -> Quote:
    start = text.index(words, after)
    return Quote(words, start, start + len(words))


def mention(
    of: Article,
    country: str = "IT",
    service: str = "DeepSeek",
    verb: str = "blocked",
    when: str = "on Wednesday",
    *,
    action: Action = Action.BLOCK,
    status: Status = Status.IN_FORCE,
    date_value: str | None = "2025-01-29",
) -> Mention:
    """The mention that `article` states, with all its evidence."""
    name, words, kind = ACTORS[country]
    at = len(of.title)
    return Mention(
        document_id=of.id,
        action=action,
        status=status,
        trigger=quote(of.text, verb, at),
        service=quote(of.text, service, at),
        service_canonical=service,
        country=country,
        actor=quote(of.text, words, at),
        actor_canonical=name,
        actor_kind=kind,
        scope=quote(of.text, "all staff", at),
        scope_class=ScopeClass.WORKPLACE,
        date=quote(of.text, when, at),
        date_value=date_value,
        reason=quote(of.text, "privacy concerns", at),
        reason_classes=(ReasonClass.PRIVACY,),
        score=0.875,
        scores={"trigger": 0.9, "actor": 0.75, "service": 0.99},
        model="made-up-1",
    )


def result(of: Entry, read: Article, mentions: Sequence[Mention] = ()) -> EntryResult:
    body_hash, signature = sign(read.body)
    return EntryResult(
        of.id,
        Outcome.EVENTS if mentions else Outcome.NO_EVENT,
        article=read,
        archived=ArchiveRef("2025/02/10/pages.warc.gz", 1024, 2048, "cd" * 32),
        signature=signature,
        body_hash=body_hash,
        mentions=tuple(mentions),
    )


def results(entries: Sequence[Entry]) -> list[EntryResult]:
    """One result per entry, of several kinds, decided by the number in its guid alone."""
    return [_result(one) for one in entries]


def _result(of: Entry) -> EntryResult:
    number = int(of.guid.rpartition("-")[2])
    country = ("IT", "KR", "AU")[number % 3]
    service = ("DeepSeek", "TikTok")[number % 2]
    if number % 5 == 3:
        return EntryResult(of.id, Outcome.NOT_FOUND, detail="404")
    if number % 5 == 4:
        return EntryResult(of.id, Outcome.TIMEOUT, detail="30 s", retry_at=START + timedelta(hours=1))
    read = article(of, country, service)
    if number % 11 == 10:
        return result(of, read)
    found = [mention(read, country, service)]
    if number % 4 == 0:
        found.append(lift_of(found[0], read.text, "2025-03"))
    return result(of, read, found)


def lift_of(found: Mention, text: str, value: str) -> Mention:
    """What the same article says of the end of what `found` tells of."""
    again = quote(text, "blocked", found.trigger.end)
    return replace(found, trigger=again, action=Action.LIFT, date_value=value, date=None)


def begin(warehouse: Warehouse, run_id: str, hours: int = 0) -> None:
    warehouse.sync_sources(SOURCES)
    warehouse.sync_registries(SERVICES, BODIES, COUNTRIES)
    warehouse.begin_run(run_id, START + timedelta(hours=hours), mode="test", model="made-up-1", version="0")


def fill(warehouse: Warehouse, run_id: str, entries: int = 24) -> None:
    """A whole run over made-up entries of two feeds, in batches of four."""
    begin(warehouse, run_id)
    made = [entry(number, ("alpha", "beta")[number % 2]) for number in range(entries)]
    for source_id in ("alpha", "beta"):
        warehouse.store_polls(run_id, [poll(source_id, [one for one in made if one.source_id == source_id])])
    while due := warehouse.pending(START, BATCH):
        warehouse.store_batch(run_id, results([pending.entry for pending in due]))
    warehouse.finish_run(run_id, START + timedelta(hours=2), "finished")


def run(folder: Path, run_id: str, *, publish: bool) -> None:
    """What a run does to the warehouse and the snapshot below `folder`; killed at will in a process of its own."""
    with open_warehouse(folder / "warehouse.duckdb") as warehouse:
        fill(warehouse, run_id, 3 * BATCH)
        if publish:
            warehouse.publish(folder / "published", manifest={"model": "made-up-1"})


def ask(warehouse: Warehouse, sql: str) -> list[tuple[Any, ...]]:
    """Rows of the live warehouse."""
    return warehouse._database.execute(sql)


def discover(warehouse: Warehouse, *listed: Entry, run_id: str = "run-1") -> None:
    """Have the feed of the first one's source list the entries."""
    warehouse.store_polls(run_id, [poll(listed[0].source_id, listed)])

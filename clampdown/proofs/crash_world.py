"""A small made-up world that works the real warehouse, archive of decisions and snapshot, and fetches nothing.

Whoever takes it up goes on from what is stored, as a run does. After each commit it says a label: the same work says
the same labels in the same order, so that whoever listens knows what is committed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pipeline.archive import Archive
from pipeline.archive_pages import ArchivePage, PageContent, PageKind, PageState, Plan, Span
from pipeline.batching import batches
from pipeline.decision_archive import DecisionArchive
from pipeline.decision_types import Decision, DecisionKind, anchors_of
from pipeline.journal import RUN_ID
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
    PendingEntry,
    Poll,
    Quote,
    ReasonClass,
    Revisit,
    RevisitOutcome,
    Service,
    Source,
    Stamp,
    Status,
    TextOrigin,
)
from warehouse.rereading import Reread
from warehouse.store import Warehouse

Say = Callable[[str], None]
"""Hears what has just been committed."""

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
LATER = START + timedelta(days=1)
BATCH = 6
MODEL = "made-up-1"
OTHER_MODEL = "made-up-2"

SOURCES = (
    Source("alpha", "Alpha Gazette", "https://alpha.example/feed", country="GB"),
    Source("beta", "Beta Times", "https://beta.example/rss", owner="Beta Group"),
)
SERVICES = (
    Service("deepseek", "DeepSeek", ("deep seek",), "ai", "DeepSeek", "CN"),
    Service("tiktok", "TikTok", (), "social", "ByteDance", "CN"),
)
COUNTRIES = (
    Country("IT", "Italy", (), ("Italian",), "Rome"),
    Country("KR", "South Korea", ("Korea",), ("South Korean",), "Seoul"),
    Country("AU", "Australia", (), ("Australian",), "Canberra"),
)
BODIES = (Body("garante", "Garante", (), ActorKind.DATA_PROTECTION, "IT"),)
ACTORS = {"IT": "Garante", "KR": "Ministry of National Defense", "AU": "Department of Home Affairs"}
PLAN = Plan("alpha", Span(date(2025, 12, 1), date(2025, 12, 31)))
REVISED = (0, 2)
"""Numbers of the entries whose articles come in a second version."""


def live(warehouse: Warehouse, folder: Path, say: Say, *, entries: int = 12) -> None:
    """Do all that is left to do in the world whose warehouse is open and whose archive lies below `folder`."""
    say("opened")
    Archive(folder / "archive").sweep()
    warehouse.sync_sources(SOURCES)
    say("sources")
    warehouse.sync_registries(SERVICES, BODIES, COUNTRIES)
    say("registries")
    run_id = _begin(warehouse, START)
    _poll(warehouse, run_id, entries, say)
    # Batches must be the same wherever an earlier life was cut: what came later is not taken with what came before.
    if not _is_polled_again(warehouse):
        _conclude(warehouse, run_id, START, say)
    warehouse.finish_run(run_id, START + timedelta(hours=2), "finished")
    run_id = _begin(warehouse, LATER)
    _poll_again(warehouse, run_id, entries, say)
    if not warehouse.backfill_pages(PLAN):
        _conclude(warehouse, run_id, LATER, say)
    _decide(warehouse, run_id, folder / "archive", say)
    _look_back(warehouse, run_id, say)
    _conclude(warehouse, run_id, LATER, say)
    _read_again(warehouse, run_id, say)
    warehouse.finish_run(run_id, LATER + timedelta(hours=2), "finished")
    say("finished")


def _begin(warehouse: Warehouse, started_at: datetime) -> str:
    run_id = datetime.now(UTC).strftime(RUN_ID)
    warehouse.begin_run(run_id, started_at, mode="proof", model=MODEL, version="0")
    return run_id


def _read_again(warehouse: Warehouse, run_id: str, say: Say) -> None:
    """Another model finds the same with other scores, and misses what was lifted."""
    for some in batches(warehouse.unread_by(OTHER_MODEL), BATCH):
        read = []
        for stored in warehouse.stored_articles(some):
            results = []
            for _, text in stored.versions:
                number = int(text.canonical_url.rpartition("/")[2])
                found = () if number % 9 == 8 else _mentions(text, number)[:1]
                found = tuple(replace(one, score=0.5, model=OTHER_MODEL) for one in found)
                outcome = Outcome.EVENTS if found else Outcome.NO_EVENT
                results.append(EntryResult(stored.entry_id, outcome, article=text, mentions=found))
            read.append(Reread(stored, tuple(results)))
        warehouse.store_again(run_id, OTHER_MODEL, read)
        say(f"read again {some[0]}")


def _entry(number: int) -> Entry:
    source = SOURCES[number % 2].id
    url = f"https://{source}.example/news/{number}"
    day = date(2026, 2, 1 + number % 20) if number < 1000 else date(2025, 12, 1 + number % 20)
    published = None if number % 7 == 6 else Stamp(day, DateBasis.FEED)
    return Entry(source, f"guid-{number}", url, url, f"News {number}", f"Summary {number}", published=published)


def _poll(warehouse: Warehouse, run_id: str, entries: int, say: Say) -> None:
    for source in SOURCES:
        if source.id not in warehouse.feed_states():
            listed = [one for one in map(_entry, range(entries)) if one.source_id == source.id]
            warehouse.store_polls(run_id, [_polled(source.id, listed, '"v1"')])
        say(f"polled {source.id}")


def _is_polled_again(warehouse: Warehouse) -> bool:
    return warehouse.feed_states()["alpha"].etag == '"v2"'


def _poll_again(warehouse: Warehouse, run_id: str, entries: int, say: Say) -> None:
    """The feed changes the words of some articles, and lists one more entry."""
    if not _is_polled_again(warehouse):
        listed = [replace(_entry(number), summary="Corrected.") for number in REVISED]
        warehouse.store_polls(run_id, [_polled("alpha", [*listed, _entry(entries + entries % 2)], '"v2"')])
    say("polled again")


def _polled(source_id: str, listed: Sequence[Entry], etag: str) -> Poll:
    return Poll(
        source_id,
        FeedOutcome.OK,
        state=FeedState(source_id, etag),
        entries=tuple(listed),
        archived=ArchiveRef("2026/03/02/feed.warc.gz", 0, 512, "ab" * 32),
        fetched_at=START,
    )


def _conclude(warehouse: Warehouse, run_id: str, now: datetime, say: Say) -> None:
    while due := warehouse.pending(now, BATCH):
        warehouse.store_batch(run_id, [_result(pending) for pending in due])
        say(f"stored {', '.join(pending.entry.guid for pending in due)} at {now:%d}")


def _result(pending: PendingEntry) -> EntryResult:
    of = pending.entry
    number = _number(of)
    if number % 5 == 3:
        return EntryResult(of.id, Outcome.NOT_FOUND, detail="404")
    corrected = pending.revisit is not None
    article = _article(of, corrected=corrected)
    mentions = () if number % 9 == 8 else _mentions(article, number)
    body_hash, signature = sign(article.body)
    return EntryResult(
        of.id,
        Outcome.EVENTS if mentions else Outcome.NO_EVENT,
        article=article,
        archived=ArchiveRef("2026/03/02/pages.warc.gz", 1024, 2048, "cd" * 32),
        signature=signature,
        body_hash=body_hash,
        mentions=mentions,
        revisit=Revisit(RevisitOutcome.CHANGED, LATER) if corrected else None,
    )


def _number(of: Entry) -> int:
    return int(of.guid.rpartition("-")[2])


def _kind(number: int) -> tuple[str, Service]:
    return tuple(ACTORS)[number % 3], SERVICES[number % 2]


def _article(of: Entry, *, corrected: bool = False) -> Article:
    country, service = _kind(_number(of))
    day = "Tuesday" if corrected else "Wednesday"
    title = f"\N{POLICE CARS REVOLVING LIGHT} {service.name} blocked ({of.guid})"
    body = (
        f"{ACTORS[country]} blocked {service.name} for all staff on {day}, citing privacy concerns. "
        f"Caf\N{LATIN SMALL LETTER E WITH ACUTE} owners read it as item {of.guid} of {of.source_id}. "
        f"The order of {ACTORS[country]} against {service.name} was lifted in part in March."
    )
    return Article(
        of.canonical_url, of.url, of.source_id, title, f"{title}\n\n{body}", TextOrigin.PAGE, of.published, "en", START
    )


def _mentions(article: Article, number: int) -> tuple[Mention, ...]:
    country, service = _kind(number)
    text, body = article.text, len(article.title)
    corrected = "Tuesday" in text

    def quote(words: str) -> Quote:
        at = text.index(words, body)
        return Quote(words, at, at + len(words))

    blocked = Mention(
        document_id=article.id,
        action=Action.BLOCK,
        status=Status.IN_FORCE,
        trigger=quote("blocked"),
        service=quote(service.name),
        service_canonical=service.name,
        country=country,
        actor=quote(ACTORS[country]),
        actor_canonical=ACTORS[country],
        actor_kind=ActorKind.MINISTRY,
        scope=quote("all staff"),
        date=quote("Tuesday" if corrected else "Wednesday"),
        date_value="2026-01-27" if corrected else "2026-01-28",
        reason=quote("privacy concerns"),
        reason_classes=(ReasonClass.PRIVACY,),
        score=0.875,
        scores={"trigger": 0.9},
        model=MODEL,
    )
    lifted = replace(
        blocked, action=Action.LIFT, trigger=quote("lifted"), date=None, date_value=None, reason=None, reason_classes=()
    )
    return (blocked, lifted) if number % 4 == 0 else (blocked,)


def _decisions() -> Iterator[Decision]:
    first, other = ((_mentions(_article(_entry(number)), number)[0],) for number in (1, 7))
    yield Decision(DecisionKind.REJECT, "prover", START, "a proof", one=anchors_of(first))
    yield Decision(
        DecisionKind.EDIT, "prover", START + timedelta(minutes=1), "a proof", anchors_of(other), field="scope",
        value="schools",
    )  # fmt: skip


def _decide(warehouse: Warehouse, run_id: str, archive: Path, say: Say) -> None:
    """Each decision goes into the archive first, then into the warehouse, with what an earlier life left undone."""
    kept = DecisionArchive(archive)
    for number, decision in enumerate(_decisions()):
        kept.keep(decision)
        warehouse.decide(run_id, kept.unread(warehouse.decision_ids())[0])
        say(f"decided {number}")


def _look_back(warehouse: Warehouse, run_id: str, say: Say) -> None:
    """Two pages of the past, the second found on the first."""
    first, second = (ArchivePage(f"https://alpha.example/past/{n}", PageKind.FEED) for n in (1, 2))
    warehouse.open_backfill(run_id, PLAN, [first])
    say("opened the past")
    for number, page in enumerate((first, second)):
        stored = {one.url: one for one in warehouse.backfill_pages(PLAN)}
        if stored[page.url].state is PageState.WAITING:
            past = tuple(_entry(1000 + 4 * number + k) for k in (0, 2))
            read = replace(page, state=PageState.READ, listed=2, entries=2)
            found = (second,) if page is first else ()
            warehouse.store_backfill(run_id, PLAN, PageContent(read, past, found, START))
        say(f"read the past {number}")

"""Made-up feeds, articles and mentions: prepared results for proofs that are about storing and not about reading."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from pipeline.stories import sign
from pipeline.types import (
    Action,
    ActorKind,
    ArchiveRef,
    Article,
    DateBasis,
    Entry,
    EntryResult,
    FeedOutcome,
    FeedState,
    Mention,
    Outcome,
    Poll,
    Quote,
    Source,
    Stamp,
    Status,
    TextOrigin,
)

START = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
SOURCES = tuple(
    Source(f"source-{number:02}", f"Made-up News {number}", f"https://news-{number:02}.example/feed")
    for number in range(40)
)
_SERVICES = ("DeepSeek", "TikTok", "Telegram", "WhatsApp", "Signal", "Temu")
_COUNTRIES = {"IT": "Italy", "KR": "South Korea", "AU": "Australia", "BR": "Brazil", "IN": "India"}
_ACTIONS = {Action.BLOCK: "blocked", Action.BAN: "banned", Action.LIMIT: "limited"}
_PAGES = ArchiveRef("2026/03/01/pages.warc.gz", 1024, 2048, "cd" * 32)


def poll(source: Source, round_: int, size: int) -> Poll:
    """What the feed of `source` brings in a round: `size` entries that no other round has."""
    entries = tuple(_entry(source, round_ * size + number) for number in range(size))
    return Poll(
        source.id,
        FeedOutcome.OK,
        state=FeedState(source.id, f'"{round_}"'),
        entries=entries,
        archived=ArchiveRef("2026/03/01/feed.warc.gz", 0, 512, "ab" * 32),
        fetched_at=START,
    )


def results(entries: Sequence[Entry]) -> list[EntryResult]:
    """How each entry ended. What it says follows from its GUID alone; sources tell of the same events in part."""
    return [_result(entry) for entry in entries]


def _entry(source: Source, number: int) -> Entry:
    url = f"{source.url.removesuffix('/feed')}/{number}"
    day = date(2026, 1, 1) + timedelta(days=number % 50)
    return Entry(source.id, f"item-{number}", url, url, f"News {number}", published=Stamp(day, DateBasis.FEED))


def _result(entry: Entry) -> EntryResult:
    number = int(entry.guid.rpartition("-")[2])
    if number % 7 == 3:
        return EntryResult(entry.id, Outcome.NOT_FOUND, detail="404")
    # Every fourth is an agency's text that each source carries word for word.
    of = f"item {number}" if number % 4 == 0 else f"item {number} of {entry.source_id}"
    code, country = list(_COUNTRIES.items())[number % len(_COUNTRIES)]
    service = _SERVICES[number // 2 % len(_SERVICES)]
    action, verb = list(_ACTIONS.items())[number // 3 % len(_ACTIONS)]
    assert entry.published is not None, "made-up entries are dated"
    title = f"{country} and {service}: {of}"
    body = f"The government of {country} {verb} {service} for all staff, citing privacy. Told here: {of}. " * 3
    text = f"{title}\n\n{body}"
    article = Article(
        canonical_url=entry.canonical_url,
        url=entry.url,
        source_id=entry.source_id,
        title=title,
        text=text,
        text_origin=TextOrigin.PAGE,
        published=entry.published,
        language="en",
        fetched_at=START + timedelta(minutes=5),
    )
    at = len(title)
    mention = Mention(
        document_id=article.id,
        action=action,
        status=Status.IN_FORCE,
        trigger=_quote(text, verb, at),
        service=_quote(text, service, at),
        service_canonical=service,
        country=code,
        actor=_quote(text, f"The government of {country}", at),
        actor_canonical=country,
        actor_kind=ActorKind.GOVERNMENT,
        date_value=(date(2026, 1, 1) + timedelta(days=number % 50)).isoformat() if number % 3 else None,
        score=0.9,
        scores={"trigger": 0.9, "service": 0.95},
        model="made-up-1",
    )
    body_hash, signature = sign(article.body)
    return EntryResult(
        entry.id,
        Outcome.EVENTS,
        article=article,
        archived=_PAGES,
        signature=signature,
        body_hash=body_hash,
        mentions=(mention,),
    )


def _quote(text: str, words: str, after: int) -> Quote:
    start = text.index(words, after)
    return Quote(words, start, start + len(words))

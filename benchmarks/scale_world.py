"""A made-up world of restrictions and of the press that tells them, for measuring what resolving costs at scale.

Happenings over all services of the registry and 190 countries, both Zipf-distributed, by states, ministries,
regulators, courts, companies, towns and universities, under their names, acronyms or none; each with a scope or none,
told once or thousands of times (half of them once, one in a thousand more than a thousand times), two thirds of it
within days, one in eight as background over the years that follow, with the date or without. Measures are proposed,
taken, lifted, taken again and struck down; the internet is cut in towns again and again. Three reports in ten are
copies of another. One in forty has no date of publication, one in forty no country.

The world is made month by month from seeds of their own: a warehouse of one year and one of ten hold the same last
year. One body acts on one service in at most every fourth month.
"""

import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from benchmarks.scale_names import (
    COUNTRIES,
    Actor,
    actors,
    country_codes,
    country_name,
    pick,
    service_names,
    towns,
    vocabulary,
    weights,
)
from pipeline.stories import sign
from pipeline.types import (
    Action,
    ActorKind,
    Article,
    DateBasis,
    Entry,
    EntryResult,
    Mention,
    Outcome,
    Quote,
    ReasonClass,
    ScopeClass,
    Source,
    Stamp,
    Status,
    TextOrigin,
)

NOW = date(2025, 11, 22)
"""The last day of which the warehouse knows; what is new is of the days after it."""

A_YEAR = 100_000
"""Mentions a year."""

SOURCES = 2_000
TAIL_DAYS = 1_500
"""For how long the press tells of a happening at most."""
_DEED_MEAN = 13
"""Reports of a happening on average."""
_VERBS = {
    Action.BAN: "banned",
    Action.BLOCK: "blocked",
    Action.SUSPEND: "suspended",
    Action.LIMIT: "limited",
    Action.REMOVE: "removed",
    Action.WARN: "warned against",
    Action.INVESTIGATE: "is investigating",
    Action.PENALIZE: "fined",
    Action.LIFT: "lifted its ban on",
}
_LINES = ("users", "shops", "clinics", "towns", "ports", "banks", "farms", "courts", "clubs", "parks", "mines", "roads")


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done. `words` are those in which the press tells of it."""

    key: str
    service: str
    other_service: str | None
    actor: Actor
    action: Action
    status: Status
    scope: tuple[str, ScopeClass] | None
    day: int
    effective: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """An article about a deed. `day` is that of its publication, told or not; `told` of the article that it copies."""

    key: str
    deed: Deed
    day: int
    source: int
    dated: bool
    told: str
    actor: str | None
    country: str
    date_value: str | None
    scoped: bool


def reports(first: int, last: int, past: int = TAIL_DAYS) -> Iterator[Report]:
    """All reports published on the days from `first` to `last`, ordinals, in no order.

    Happenings are made from so many days in the `past` on.
    """
    month = date.fromordinal(first - past).replace(day=1)
    while month.toordinal() <= last:
        yield from (one for one in _month(month) if first <= one.day <= last)
        month = (month + timedelta(days=31)).replace(day=1)


def count_from(wanted: int) -> int:
    """The first day of a warehouse that holds about `wanted` mentions by NOW."""
    return NOW.toordinal() - round(wanted * 365.25 / A_YEAR)


def _month(month: date) -> Iterator[Report]:
    rng = random.Random(f"{month}/0")
    for index in range(round(A_YEAR / 12 / _DEED_MEAN)):
        for deed in _lifecycle(rng, month, f"{month:%Y%m}-0-{index}"):
            yield from _told(rng, deed)


def _lifecycle(rng: random.Random, month: date, key: str) -> Iterator[Deed]:
    """A measure, what came before it and what becomes of it."""
    day = month.toordinal() + rng.randrange(30)
    cut = rng.random() < 0.12
    country = pick(rng, country_codes(), weights(COUNTRIES))
    service = "Internet" if cut else pick(rng, service_names(), weights(len(service_names())))
    actor = pick(rng, actors(country), weights(len(actors(country))))
    # Nobody acts on the same thing every month.
    for _ in range(0 if cut else 8):
        if zlib.crc32(f"{service}/{actor.names[0]}/{month}".encode()) % 4 == 0:
            break
        actor = rng.choice(actors(country))
    words = tuple(rng.choices(vocabulary(), k=30))
    scope = ("in " + rng.choice(towns(country)), ScopeClass.SUBNATIONAL) if cut else _scope(rng, actor)
    action = Action.SUSPEND if cut else _action(rng, actor)
    other = rng.choice(service_names()) if not cut and rng.random() < 0.1 else None
    deed = Deed(f"{key}a", service, other, actor, action, Status.IN_FORCE, scope, day, day, words)
    fate = rng.random()
    if cut:
        yield deed
        if fate < 0.4:
            later = day + 1 + rng.randrange(6)
            yield replace(deed, key=f"{key}l", action=Action.LIFT, day=later, effective=later)
        return
    if action in (Action.WARN, Action.INVESTIGATE, Action.PENALIZE):
        yield deed
        return
    if fate < 0.25:
        before = day - 10 - rng.randrange(60)
        yield replace(deed, key=f"{key}p", status=Status.PROPOSED, day=before, effective=day)
        if fate < 0.05:
            yield replace(deed, status=Status.REJECTED)
            return
    yield deed
    if 0.2 < fate < 0.35:
        later = day + 20 + rng.randrange(300)
        yield replace(deed, key=f"{key}l", action=Action.LIFT, day=later, effective=later)
        if fate < 0.25:
            again = later + 30 + rng.randrange(200)
            yield replace(deed, key=f"{key}n", day=again, effective=again)
    elif 0.35 < fate < 0.38 and deed.actor.kind is not ActorKind.COMPANY:
        later = day + 20 + rng.randrange(300)
        court = Actor((f"Supreme Court of {country_name(country)}",), ActorKind.COURT, country)
        yield replace(deed, key=f"{key}c", actor=court, action=Action.LIFT, day=later, effective=later)


def _told(rng: random.Random, deed: Deed) -> Iterator[Report]:
    count = min(2_000, int(1 / max(rng.random(), 1e-9)))
    if deed.action is Action.LIFT:
        count = max(1, count // 3)
    made: list[Report] = []
    for number in range(count):
        day = deed.day + _delay(rng, number)
        key = f"{deed.key}-{number}"
        near = [one for one in made[-8:] if 0 <= day - one.day <= 2]
        if near and rng.random() < 0.3:
            told = rng.choice(near)
            one = replace(told, key=key, day=day, source=_source(rng), dated=rng.random() > 0.025)
        else:
            one = _report(rng, deed, key, day)
        made.append(one)
        yield one


def _report(rng: random.Random, deed: Deed, key: str, day: int) -> Report:
    names, chance = deed.actor.names, rng.random()
    actor = None if chance < 0.1 else names[0] if chance < 0.75 else rng.choice(names)
    effective = date.fromordinal(deed.effective + (rng.random() < 0.03))
    chance = rng.random()
    value = effective.isoformat() if chance < 0.5 else f"{effective:%Y-%m}" if chance < 0.62 else None
    # What is told years later is told with its year, or without any date.
    if day - deed.day > 120:
        value = f"{effective:%Y}" if chance < 0.4 else f"{effective:%Y-%m}" if chance < 0.6 else None
    country = deed.actor.country if rng.random() > 0.025 else "XX"
    scoped = rng.random() < 0.75
    return Report(key, deed, day, _source(rng), rng.random() > 0.025, key, actor, country, value, scoped)


def _body(report: Report) -> str:
    """The words of a report: a third are those that all reports of the deed share."""
    deed, rng = report.deed, random.Random(report.told)
    words = " ".join(rng.sample(deed.words, 14) + rng.choices(vocabulary(), k=40))
    scope = "" if deed.scope is None else f" {deed.scope[0]}"
    when = "" if report.date_value is None else f" on {report.date_value}"
    return (
        f"{words[:90]}, {rng.choice(vocabulary())} {rng.choice(_LINES)} said. "
        f"{report.actor or 'It was said that somebody'} {_VERBS[deed.action]} {deed.service}{scope}{when}. "
        f"{deed.words[0].title()} {deed.words[1].title()} said that {words[90:260]}. "
        f"{' '.join(rng.choices(vocabulary(), k=30))}."
    )


def _delay(rng: random.Random, number: int) -> int:
    chance = rng.random()
    if number == 0 or chance < 0.65:
        return rng.randrange(4) if number else 0
    if chance < 0.88:
        return rng.randrange(30)
    return int(30 * (TAIL_DAYS / 30) ** rng.random())


def result_of(report: Report, fetched: date | None = None) -> tuple[Entry, EntryResult]:
    """What a run makes of a report: the entry that a feed listed, and the article with its mentions.

    It was fetched on the day of its publication unless told otherwise.
    """
    deed, day = report.deed, date.fromordinal(report.day)
    source = f"s{report.source}"
    url = f"https://{source}.example/{report.key}"
    title = f"{deed.service} {_VERBS[deed.action]} ({report.key})"
    stamp = Stamp(day, DateBasis.FEED) if report.dated else None
    body = _body(report)
    text = f"{title}\n\n{body}"
    fetched_at = datetime.combine(fetched or day, time(12), UTC)
    article = Article(
        canonical_url=url, url=url, source_id=source, title=title, text=text, text_origin=TextOrigin.PAGE,
        published=stamp, language="en", fetched_at=fetched_at, site=f"{source}.example",
    )  # fmt: skip
    entry = Entry(source, report.key, url, url, title, summary=title, published=stamp, language="en")
    body_hash, signature = _signed(body)
    told = [_mention(article, report, deed.service)]
    if deed.other_service is not None:
        told.append(_mention(article, report, deed.other_service))
    found = {one.id: one for one in told}
    return entry, EntryResult(
        entry.id, Outcome.EVENTS, article=article, signature=signature, body_hash=body_hash,
        mentions=tuple(found.values()),
    )  # fmt: skip


def _mention(article: Article, report: Report, service: str) -> Mention:
    deed, at = report.deed, len(article.title) + 2

    def quote(words: str) -> Quote:
        start = article.text.index(words, at)
        return Quote(words, start, start + len(words))

    scope = deed.scope if report.scoped else None
    actor = report.actor
    return Mention(
        document_id=article.id,
        action=deed.action,
        status=deed.status,
        trigger=quote(_VERBS[deed.action]),
        service=quote(deed.service),
        service_canonical=service,
        country=report.country,
        actor=None if actor is None else quote(actor),
        actor_canonical=actor,
        actor_kind=None if actor is None else deed.actor.kind,
        scope=None if scope is None else quote(scope[0]),
        scope_class=None if scope is None else scope[1],
        date=None if report.date_value is None else quote(report.date_value),
        date_value=report.date_value,
        reason_classes=(ReasonClass.PRIVACY,) if deed.day % 3 else (),
        score=0.7 + (report.day % 30) / 100,
        scores={"trigger": 0.9, "actor": 0.75, "service": 0.99},
        model="made-up",
    )


def sources() -> list[Source]:
    """The outlets; of every five, three belong to one owner."""
    return [
        Source(f"s{number}", f"Outlet {number}", f"https://s{number}.example/feed",
               owner=f"Owner {number // 5}" if number % 5 < 3 else None)
        for number in range(SOURCES)
    ]  # fmt: skip


def _scope(rng: random.Random, actor: Actor) -> tuple[str, ScopeClass] | None:
    if actor.kind is ActorKind.COMPANY:
        return ("for all staff", ScopeClass.WORKPLACE)
    return rng.choice(
        [
            None,
            None,
            ("nationwide", ScopeClass.NATIONWIDE),
            ("on government devices", ScopeClass.GOVERNMENT_DEVICES),
            ("in schools", ScopeClass.SCHOOLS),
            ("for minors", ScopeClass.MINORS),
            ("in " + rng.choice(towns(actor.country)), ScopeClass.SUBNATIONAL),
        ]
    )


def _action(rng: random.Random, actor: Actor) -> Action:
    if actor.kind in (ActorKind.DATA_PROTECTION, ActorKind.REGULATOR):
        return rng.choice([Action.BLOCK, Action.INVESTIGATE, Action.PENALIZE, Action.WARN, Action.LIMIT])
    return rng.choice([Action.BAN, Action.BAN, Action.BLOCK, Action.LIMIT, Action.REMOVE, Action.WARN])


def _source(rng: random.Random) -> int:
    return int(SOURCES ** rng.random()) - 1


_signatures: dict[str, tuple[str, bytes]] = {}


def _signed(body: str) -> tuple[str, bytes]:
    if body not in _signatures:
        if len(_signatures) > 5_000:
            _signatures.clear()
        _signatures[body] = sign(body)
    return _signatures[body]

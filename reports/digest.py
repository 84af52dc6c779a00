"""What a digest tells: its items, how sure and how late they are, and in what order they are told.

Pure. `reports.digest_reading` asks the snapshot for the changes, `reports.digest_news` says which are news,
`reports.event_words` puts an item into words, `reports.digest_pages` makes the pages.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from pipeline.site_state import Trouble
from pipeline.subscriptions import BUILT_IN, Subscription, is_sure
from pipeline.types import Action, ActorKind, ScopeClass, Transition
from warehouse.event_list import EventRow
from warehouse.news import Telling

MOST = 40
"""Items of the main part that are told in full; `MOST_OTHERS` of each of the others."""

MOST_OTHERS = 12

UNKNOWN = "XX"
"""The code that stands for a country that can't be told."""


class News(StrEnum):
    """What is new about an event."""

    NEW = "new"
    IN_FORCE = "in force"
    ANNOUNCED = "announced"
    PROPOSED = "proposed"
    WIDENED = "widened"
    EXTENDED = "extended"
    EASED = "eased"
    LIFTED = "lifted"
    STRUCK_DOWN = "struck down"
    REJECTED = "rejected"
    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    REOPENED = "not lifted after all"
    REINSTATED = "stated again"
    RESTORED = "restored"
    RETRACTED = "retracted"
    DISMISSED = "dismissed"
    GONE = "withdrawn"


TAKEN_BACK = frozenset({News.RETRACTED, News.DISMISSED, News.GONE})
"""What had been told and no longer holds."""


class Part(StrEnum):
    """Where in a digest an item stands."""

    MAIN = "main"
    LATE = "late"
    UNSURE = "unsure"
    TAKEN_BACK = "taken back"


class Age(StrEnum):
    """Why an item is no news of today, where it is none."""

    LATE = "old news"
    REREAD = "found in texts that were read before"


@dataclass(frozen=True, slots=True)
class Told:
    """A digest of the same subscription that was made before: its number, day and the name of its files.

    `url` is where it can be seen in a browser; None where readers can't reach us.
    """

    number: int
    day: date
    name: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One event of which there is news.

    `event` is as it stands or, where it is gone, as it last stood; `before` as it stood when the digest before was
    made, None for a new one. `step` is the step of its life that is the news, `tellings` the sentences that tell of it,
    one for each publisher, the most telling first: only items that are `listed` have any.
    """

    news: News
    event: EventRow
    before: EventRow | None
    country: str
    age: Age | None = None
    step: Transition | None = None
    tellings: tuple[Telling, ...] = ()
    listed: bool = False
    told: Told | None = None

    @property
    def part(self) -> Part:
        """Where it stands."""
        if self.news in TAKEN_BACK:
            return Part.TAKEN_BACK
        if not is_sure(self.event):
            return Part.UNSURE
        return Part.MAIN if self.age is None else Part.LATE


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of what could be read was read. Times are UTC.

    `states` counts the enabled sources by state, as of `read_at`, when they were last read; empty and None where that
    is not known. `trouble` names those that are not well, `gaps` are spans without a reading, far longer than usual.
    """

    states: Mapping[str, int] = field(default_factory=dict)
    trouble: tuple[Trouble, ...] = ()
    read_at: datetime | None = None
    gaps: tuple[tuple[datetime, datetime], ...] = ()

    @property
    def sources(self) -> int:
        """How many sources there are."""
        return sum(self.states.values())

    @property
    def is_partial(self) -> bool:
        """Whether something may be missing."""
        return bool(self.gaps) or any(number for state, number in self.states.items() if state != "ok")


@dataclass(frozen=True, slots=True)
class Findings:
    """All that changed: the news, the most important first, and how many changes are none.

    `told_again` are known events of which there were more reports, `regrouped` those that were only put together or
    apart otherwise, `held` unsure ones that the subscription does not want to hear of yet. `known` counts the events
    that stand.
    """

    items: tuple[Item, ...]
    told_again: int = 0
    regrouped: int = 0
    known: int = 0
    held: int = 0

    @property
    def counts(self) -> Mapping[News, int]:
        """What is news of today or taken back, by what is new about it, in the order of `News`."""
        found = Counter(item.news for item in self.items if item.part in (Part.MAIN, Part.TAKEN_BACK))
        return {news: found[news] for news in News if found[news]}

    def of_part(self, part: Part) -> int:
        """How many items stand in that part."""
        return sum(item.part is part for item in self.items)


@dataclass(frozen=True, slots=True)
class Week:
    """How restrictions have spread, as far as the filters of a subscription go.

    `days` are the first and the last day of the week, the last one that of the digest. `by_country` counts the
    restrictions that are in force now, by code of the country, `new_by_country` those of them that began in the week,
    or were first told in it where no text says when they began; `joined` are the codes of the countries that had none
    before it, the most new ones first. `curve` has the number in force at the end of each of the last twelve weeks, the
    oldest first, the last for `days[1]`.
    Countries that can't be told are counted under "XX". `names` has the English names of all of them by code.
    """

    days: tuple[date, date]
    by_country: Mapping[str, int]
    new_by_country: Mapping[str, int]
    curve: tuple[tuple[date, int], ...]
    joined: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest as it is told: of which day, since when, and what. `zone` is the name of the zone of its times.

    `since` is None for the first one that tells of all that is known. `anew` says that the warehouse was made anew
    meanwhile, so that the place where the last digest ended had to be found by its run. `name` is that of its files,
    `week` None where nothing is known of it, `previous` the digest before.
    """

    number: int
    day: date
    zone: str
    made_at: datetime
    since: datetime | None
    findings: Findings
    coverage: Coverage
    anew: bool = False
    subscription: Subscription = BUILT_IN
    name: str = ""
    week: Week | None = None
    previous: Told | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether there is no news."""
        return not self.findings.items


@dataclass(frozen=True, slots=True)
class Section:
    """The items of one service, and the countries that they speak of, both by importance."""

    service: str
    countries: tuple[str, ...]
    items: tuple[Item, ...]


_FORCE = {
    Action.BAN: 5,
    Action.BLOCK: 5,
    Action.SUSPEND: 4,
    Action.LIFT: 4,
    Action.LIMIT: 3,
    Action.REMOVE: 3,
    Action.PENALIZE: 3,
    Action.INVESTIGATE: 2,
    Action.WARN: 1,
}
_WEIGHT = {
    News.NEW: 6,
    News.IN_FORCE: 6,
    News.STRUCK_DOWN: 6,
    News.LIFTED: 5,
    News.WIDENED: 4,
    News.ANNOUNCED: 4,
    News.REJECTED: 3,
    News.EASED: 3,
    News.EXTENDED: 2,
    News.PROPOSED: 2,
}
_REACH = {ScopeClass.NATIONWIDE: 4, None: 3, ScopeClass.MINORS: 3, ScopeClass.APP_STORES: 3, ScopeClass.SUBNATIONAL: 2}
_NARROW = frozenset({ActorKind.COMPANY, ActorKind.SCHOOL, ActorKind.OTHER, None})


def importance(item: Item) -> tuple[object, ...]:
    """The key to sort by, the most important first: force, reach and novelty, then voices and score."""
    event = item.event
    points = _FORCE[event.action] + _WEIGHT.get(item.news, 1) + _REACH.get(event.scope_class, 1)
    if event.actor_kind in _NARROW:
        points -= 3
    return (-points, -event.voices, -event.score, event.id)


def ranked(items: Iterable[Item]) -> tuple[Item, ...]:
    """The items by importance, part by part."""
    order = list(Part)
    return tuple(sorted(items, key=lambda item: (order.index(item.part), *importance(item))))


def to_list(items: Sequence[Item]) -> Collection[str]:
    """The ids of those of the ranked items that are told in full."""
    chosen: set[str] = set()
    for part in Part:
        some = [item.event.id for item in items if item.part is part]
        chosen.update(some[: MOST if part is Part.MAIN else MOST_OTHERS])
    return chosen


def sections(items: Iterable[Item]) -> tuple[Section, ...]:
    """The items that are listed, by service, each where its first item stands."""
    grouped: dict[str, list[Item]] = {}
    for item in items:
        if item.listed:
            grouped.setdefault(item.event.service, []).append(item)
    return tuple(
        Section(
            service, tuple(dict.fromkeys(item.country for item in some if item.event.country != UNKNOWN)), tuple(some)
        )
        for service, some in grouped.items()
    )


def unlisted(items: Iterable[Item]) -> tuple[tuple[str, int], ...]:
    """Service and number of the items that are not listed, the most first."""
    found = Counter(item.event.service for item in items if not item.listed)
    return tuple(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def gaps_between(
    readings: Iterable[datetime], since: datetime, until: datetime, longest: timedelta
) -> tuple[tuple[datetime, datetime], ...]:
    """The spans from `since` to `until` without a reading, where they are longer than `longest`. Times are UTC."""
    marks = [since, *sorted(one for one in readings if since < one < until), until]
    return tuple((one, other) for one, other in pairwise(marks) if other - one > longest)

"""What digests have to tell, asked of a published snapshot: once for all subscriptions that go on from one place."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.subscriptions import Filters
from reports.digest import TAKEN_BACK, Findings, Item, News, ranked, to_list
from reports.digest_news import age_of, news_of, step_of
from reports.selection import Selection
from warehouse import news
from warehouse.event_list import EventRow
from warehouse.news import Change, Telling
from warehouse.reader import Reader
from warehouse.tables.changes import Kind

MOST_TELLINGS = 4
"""Publishers named with an item."""

MOST_WORDS = 40
"""Mentions of an event whose words are looked at for that."""

_UNGROUPED = frozenset({Kind.MERGED, Kind.RENAMED, Kind.SPLIT})
_FACTS = frozenset({"service_canonical", "country", "actor_kind", "action"})
_TOLD_BEFORE = frozenset({News.REINSTATED, News.RESTORED, News.REOPENED})


@dataclass(frozen=True, slots=True)
class Draft:
    """What one subscription is told, before the words of articles are added. `told` has change and news of each item.

    `listed` are the ids of the events that are told in full.
    """

    findings: Findings
    told: Mapping[str, tuple[Change, News]]
    listed: frozenset[str]


class Changes:
    """All that changed after a place, with what every subscription needs to choose from it.

    `since` is when that was, UTC; `categories` maps services to theirs.
    """

    def __init__(
        self,
        reader: Reader,
        bound: str | int,
        since: datetime | None,
        categories: Mapping[str, str],
    ) -> None:
        self._since = since
        self._changes = news.changes_since(reader, bound)
        self._news = [news_of(change, since) for change in self._changes]
        stepped = zip(self._changes, self._news, strict=True)
        self._steps = news.steps_of(reader, [one.event_id for one, found in stepped if found is not None])
        self._countries = news.country_names(reader)
        self._before = _Side([change.before for change in self._changes], categories)
        self._after = _Side([change.after for change in self._changes], categories)
        # Most subscriptions are told the same of an event.
        self._items: dict[int, Item] = {}

    def draft(self, filters: Filters) -> Draft:
        """What a subscription with these filters is told."""
        was, now = self._before.wanted(filters), self._after.wanted(filters)
        told: dict[str, tuple[Change, News]] = {}
        items: list[Item] = []
        again = regrouped = 0
        for index in sorted(was | now):
            change, found = self._news_for(index, index in was, index in now)
            if found is not None:
                told[change.event_id] = (change, found)
                items.append(self._known_item(index, change, found))
            elif change.kind in _UNGROUPED:
                regrouped += 1
            else:
                again += 1
        order = ranked(items)
        chosen = to_list(order)
        findings = Findings(order, told_again=again, regrouped=regrouped, held=self._held(filters, now))
        return Draft(findings, told, frozenset(chosen))

    def _news_for(self, index: int, was_wanted: bool, is_wanted: bool) -> tuple[Change, News | None]:
        """What is new about an event to those who were told of it, or not, as it was before."""
        change, found = self._changes[index], self._news[index]
        if change.before is None or change.after is None or was_wanted is is_wanted:
            return change, found
        if was_wanted:
            # It is none of theirs any longer, because it is another than they were told.
            return change, found or (News.CORRECTED if change.fields & _FACTS else None)
        if found in _TOLD_BEFORE:
            return change, found
        # It has come to be one of theirs, by another source or a better score: to them it is new.
        fresh = replace(change, before=None, kind=Kind.APPEARED)
        return fresh, news_of(fresh, self._since)

    def _held(self, filters: Filters, told: frozenset[int]) -> int:
        """How many new events wait until they are sure."""
        if filters.unsure == "mark":
            return 0
        others = self._after.wanted(replace(filters, unsure="mark")) - told
        return sum(self._changes[index].before is None and self._news[index] is not None for index in others)

    def _known_item(self, index: int, change: Change, found: News) -> Item:
        if change is not self._changes[index] or found is not self._news[index]:
            return self._item(change, found)
        if index not in self._items:
            self._items[index] = self._item(change, found)
        return self._items[index]

    def _item(self, change: Change, found: News) -> Item:
        event = change.after or change.before
        assert event is not None, "a change has two sides or one"
        step = None if change.before is None else step_of(found, self._steps.get(change.event_id, ()))
        age = age_of(change, event, step, self._since)
        return Item(found, event, change.before, self._countries.get(event.country, event.country), age, step)


class _Side:
    """How events stood before the changes, or stand after them, as far as they are there. Known by index."""

    def __init__(self, events: Sequence[EventRow | None], categories: Mapping[str, str]) -> None:
        self._indices = [index for index, event in enumerate(events) if event is not None]
        self._selection = Selection([event for event in events if event is not None], categories)

    def wanted(self, filters: Filters) -> frozenset[int]:
        return frozenset(self._indices[place] for place in self._selection.wanted(filters).nonzero()[0])


def with_words(reader: Reader, drafts: Sequence[Draft]) -> list[Findings]:
    """What the drafts tell, those items that are told in full with the words of articles: asked once for all drafts."""
    wanted: dict[str, list[str]] = {}
    listed = [[item for item in draft.findings.items if item.event.id in draft.listed] for draft in drafts]
    own = news.mentions_of(reader, {item.event.id for items in listed for item in items})
    orders = []
    for draft, items in zip(drafts, listed, strict=True):
        order = {item.event.id: _order(item, draft.told[item.event.id][0], own) for item in items}
        for event_id, mentions in order.items():
            wanted.setdefault(event_id, []).extend(mentions)
        orders.append(order)
    known = {
        event_id: {one.mention_id: one for one in tellings}
        for event_id, tellings in news.tellings_of(reader, wanted).items()
    }
    return [
        replace(draft.findings, items=tuple(_worded(item, order, known) for item in draft.findings.items))
        for draft, order in zip(drafts, orders, strict=True)
    ]


def with_tellings(reader: Reader, items: Sequence[Item], told: Mapping[str, tuple[Change, News]]) -> dict[str, Item]:
    """Event id → the item with the words that tell of it. `told` holds the change and news of each of `items`."""
    draft = Draft(Findings(tuple(items)), told, frozenset(item.event.id for item in items))
    (findings,) = with_words(reader, [draft])
    return {item.event.id: item for item in findings.items}


def _order(item: Item, change: Change, own: Mapping[str, Sequence[str]]) -> list[str]:
    """The mentions whose words may tell of the item, the most telling first: of the step, then those that arrived."""
    shown = [] if item.step is None else [item.step.mention_id]
    standing = own.get(item.event.id, ())
    arrived = frozenset(change.arrived)
    fresh = [one for one in standing if one in arrived]
    return list(dict.fromkeys([*shown, *fresh, *standing]))[:MOST_WORDS]


def _worded(item: Item, order: Mapping[str, Sequence[str]], known: Mapping[str, Mapping[str, Telling]]) -> Item:
    mentions = order.get(item.event.id)
    if mentions is None:
        return item
    tellings = known[item.event.id]
    some = [tellings[one] for one in mentions if one in tellings]
    return replace(item, tellings=of_each_publisher(some, item.news), listed=True)


def of_each_publisher(tellings: Iterable[Telling], found: News) -> tuple[Telling, ...]:
    """One sentence of each publisher. What was withdrawn speaks only where that is the news."""
    every = list(tellings)
    standing = [one for one in every if one.withdrawn_on is None or found in TAKEN_BACK]
    first: dict[str, Telling] = {}
    for one in standing or every:
        first.setdefault(one.publisher, one)
    return tuple(first.values())[:MOST_TELLINGS]

"""What a digest has to tell, asked of a published snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from pipeline.types import Transition
from reports.digest import TAKEN_BACK, Findings, Item, News, age_of, news_of, ranked, step_of, to_list
from warehouse import news
from warehouse.news import Change, Telling
from warehouse.reader import Reader
from warehouse.tables.changes import Kind

MOST_TELLINGS = 4
"""Publishers named with an item."""

_UNGROUPED = frozenset({Kind.MERGED, Kind.RENAMED, Kind.SPLIT})


def what_changed(reader: Reader, bound: str | int, since: datetime | None) -> Findings:
    """All that changed after `bound`, which is what the macro `changes_since` takes; `since` is when that was, UTC."""
    changes = news.changes_since(reader, bound)
    told = {change.event_id: (change, found) for change in changes if (found := news_of(change, since)) is not None}
    steps = news.steps_of(reader, told)
    countries = news.country_names(reader)
    items = ranked(
        _item(change, found, steps.get(event_id, ()), since, countries) for event_id, (change, found) in told.items()
    )
    chosen = to_list(items)
    listed = with_tellings(reader, [item for item in items if item.event.id in chosen], told)
    others = [change.kind for change in changes if change.event_id not in told]
    regrouped = sum(kind in _UNGROUPED for kind in others)
    return Findings(
        tuple(listed.get(item.event.id, item) for item in items),
        told_again=len(others) - regrouped,
        regrouped=regrouped,
        known=news.known_events(reader),
    )


def _item(
    change: Change, found: News, steps: Sequence[Transition], since: datetime | None, countries: Mapping[str, str]
) -> Item:
    event = change.after or change.before
    assert event is not None, "a change has two sides or one"
    step = None if change.before is None else step_of(found, steps)
    age = age_of(change, event, step, since)
    return Item(found, event, change.before, countries.get(event.country, event.country), age, step)


def with_tellings(reader: Reader, items: Sequence[Item], told: Mapping[str, tuple[Change, News]]) -> dict[str, Item]:
    """Event id → the item with the words that tell of it. `told` holds the change and news of each of `items`."""
    standing = news.mentions_of(reader, [item.event.id for item in items])
    wanted = {}
    for item in items:
        change, _ = told[item.event.id]
        shown = [] if item.step is None else [item.step.mention_id]
        own = standing.get(item.event.id, ())
        arrived = [one for one in own if one in change.arrived]
        wanted[item.event.id] = list(dict.fromkeys([*shown, *arrived, *own]))
    tellings = news.tellings_of(reader, wanted)
    return {
        item.event.id: replace(item, tellings=_of_each_publisher(tellings[item.event.id], item.news), listed=True)
        for item in items
    }


def _of_each_publisher(tellings: Sequence[Telling], found: News) -> tuple[Telling, ...]:
    """One sentence of each publisher. What was withdrawn speaks only where that is the news."""
    standing = [one for one in tellings if one.withdrawn_on is None or found in TAKEN_BACK]
    first: dict[str, Telling] = {}
    for one in standing or tellings:
        first.setdefault(one.publisher, one)
    return tuple(first.values())[:MOST_TELLINGS]

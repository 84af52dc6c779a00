"""What the feeds hold, asked of a published snapshot: for each subscription the events of which there was news last."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from pipeline.subscription_types import Filters
from reports.digest import Item, News
from reports.digest_news import age_of, news_of, step_of
from reports.digest_reading import with_tellings
from reports.feeds import MOST, Entry, entry
from reports.selection import Selection
from warehouse import news
from warehouse.latest_news import LastNews, changes_of
from warehouse.news import Change
from warehouse.reader import Reader


def chosen(
    latest: Sequence[LastNews], filters: Iterable[Filters], categories: Mapping[str, str]
) -> Iterator[tuple[LastNews, ...]]:
    """For each of `filters` the first `MOST` of `latest` that it wants. `categories` maps services to theirs."""
    selection = Selection(latest, categories)
    for one in filters:
        yield tuple(latest[place] for place in selection.wanted(one).nonzero()[0][:MOST])


def entries(reader: Reader, wanted: Mapping[LastNews, Collection[str]]) -> Mapping[tuple[str, str], Entry]:
    """(Event id, language) → its entry, for all that are `wanted` in some languages and are news indeed.

    Asked in a few questions, whatever their number.
    """
    of_id = {one.event_id: one for one in wanted}
    return {
        (event_id, language): entry(item, one.name, one.began_at, one.changed_at, language)
        for event_id, item in _items(reader, of_id)
        for one in (of_id[event_id],)
        for language in wanted[one]
    }


def _items(reader: Reader, wanted: Mapping[str, LastNews]) -> Iterator[tuple[str, Item]]:
    changes = changes_of(reader, wanted.values())
    # As a digest of that hour would have told it: what was held long before is no news.
    found = {id_: news_of(change, wanted[id_].changed_at) for id_, change in changes.items()}
    told: dict[str, tuple[Change, News]] = {
        id_: (change, kind) for id_, change in changes.items() if (kind := found[id_]) is not None
    }
    steps = news.steps_of(reader, told)
    countries = news.country_names(reader)
    items = []
    for id_, (change, kind) in told.items():
        event = change.after or change.before
        assert event is not None, "a change has two sides or one"
        step = None if change.before is None else step_of(kind, steps.get(id_, ()))
        age = age_of(change, event, step, wanted[id_].changed_at)
        items.append(Item(kind, event, change.before, countries.get(event.country, event.country), age, step))
    listed = with_tellings(reader, items, told)
    yield from listed.items()

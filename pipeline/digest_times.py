"""When digests are due, over all subscriptions: for schedules, and for whoever watches that they are kept."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, time
from functools import lru_cache
from pathlib import Path

from pipeline.errors import InputError, SettingsError
from pipeline.occasions import Occasion
from pipeline.settings import Settings
from pipeline.settings_sections import ServeSettings
from pipeline.subscriptions import BUILT_IN, Cadence, Subscription, Weekday, load_subscriptions


def scheduled(settings: Settings) -> tuple[Subscription, ...]:
    """The subscriptions, as far as their times go.

    Where their file can't be used, the built-in one stands for them: who makes digests at its time says what is wrong.
    """
    path = settings.subscriptions
    try:
        stat = path.stat()
    except OSError:
        return (BUILT_IN,)
    return _loaded(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4)
def _loaded(path: Path, _changed: int, _size: int) -> tuple[Subscription, ...]:
    """Whoever watches asks every few seconds, and the file seldom changes."""
    try:
        return load_subscriptions(path)
    except InputError:
        return (BUILT_IN,)


def latest_due(every: Iterable[Subscription], serve: ServeSettings, now: datetime) -> datetime | None:
    """When the latest digest was due, UTC; None where none ever is."""
    return max(_times(every, lambda one: one.latest(serve, now)), default=None)


def next_due(every: Iterable[Subscription], serve: ServeSettings, now: datetime) -> datetime | None:
    """When the next digest is due, UTC; None where none is."""
    return min(_times(every, lambda one: one.upcoming(serve, now)), default=None)


def local_times(every: Iterable[Subscription], serve: ServeSettings) -> Sequence[tuple[time, Weekday | None, str]]:
    """The different times at which digests are due, with the day of the week (None: each) and the zone.

    Those of most subscriptions come first.
    """
    found: Counter[tuple[time, Weekday | None, str]] = Counter()
    for one in every:
        at = one.at or serve.digest_at
        if at is not None and one.enabled and one.cadence is not Cadence.AT_ONCE:
            found[at, one.weekday if one.cadence is Cadence.WEEKLY else None, one.zone(serve).key] += 1
    return [when for when, _ in found.most_common()]


def _times(every: Iterable[Subscription], occasion_of: Callable[[Subscription], Occasion | None]) -> Iterator[datetime]:
    for one in every:
        try:
            occasion = occasion_of(one)
        except SettingsError:
            # The machine's zone can't be told. Whoever watches says that of itself.
            continue
        if occasion is not None:
            yield occasion.at

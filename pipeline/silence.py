"""When a source that brings nothing has brought nothing for too long: pure arithmetic over its history.

Items are taken to come at random at a mean rate, as Poisson's process has them: that none comes in a time `t` has the
probability exp(-rate × t). Where that is under one in a thousand, the source is silent: an outage, not a calm. Where
items come many at a time, as in a weekly letter, chance says nothing: so a silence is longer than usual pauses, too.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

IMPLAUSIBLE = 1e-3
"""Probability below which a silence is no chance."""

SHORTEST_SILENCE = timedelta(days=3)
"""Publishers rest at weekends, which is no chance: what is not longer than a long weekend is never called silence."""

USUAL_PAUSE = 3
"""The usual pause is the longest but two: an outage that was one pause, or two, does not make the next one usual."""

LONGER_THAN_USUAL = 1.5
"""How many times as long as the usual pause a silence is at least."""

SHORTEST_HISTORY = timedelta(weeks=2)
LONGEST_HISTORY = timedelta(weeks=8)
"""What a rate is learnt from: so much of the time before the last item, at least and at most."""


@dataclass(frozen=True, slots=True)
class History:
    """What is known of a source's items: watched from its first poll to its last one.

    `last_item_at` is when the newest item came, whenever that was; `items` counts those that came within
    LONGEST_HISTORY before it and while the source was watched, the newest one included. `usual_pause` is the
    USUAL_PAUSE-th longest time between two of these, None where there are fewer.
    """

    watched_since: datetime
    watched_until: datetime
    last_item_at: datetime | None = None
    items: int = 0
    usual_pause: timedelta | None = None


def learnt_per_week(history: History) -> float | None:
    """Return the items a week that the history lets expect, or None where it is too short.

    The time after the last item does not count, lest a silence be learnt as a slow pace.
    """
    if history.last_item_at is None:
        return None
    since = max(history.watched_since, history.last_item_at - LONGEST_HISTORY)
    span = history.last_item_at - since
    if span < SHORTEST_HISTORY or history.items < 2:
        return None
    # The newest item ends the span, so it is no evidence of how many fall into it.
    return (history.items - 1) / (span / timedelta(weeks=1))


def silent_since(history: History, per_week: float | None) -> datetime | None:
    """Return since when the source is silent, or None where it is not; `per_week` is the number of items to expect.

    Only time in which it was polled counts, so that a month without runs is not held against a source.
    """
    if per_week is None:
        return None
    since = history.last_item_at or history.watched_since
    silence = history.watched_until - since
    chance = math.exp(-per_week * (silence / timedelta(weeks=1)))
    least = max(SHORTEST_SILENCE, LONGER_THAN_USUAL * (history.usual_pause or timedelta()))
    return since if silence >= least and chance < IMPLAUSIBLE else None

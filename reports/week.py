"""How restrictions have spread over the weeks, for the filters of each subscription: from one reading of the snapshot.

A restriction counts from the last day that its stated date allows or, where it has none, from the day on which it was
first told, until the day on which it was lifted or struck down or, where no text says when, until that was first told.
What one voice tells with a low score is left out: most of it is not right.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from pipeline.subscriptions import Filters
from reports.digest import UNKNOWN, Week
from reports.selection import Selection
from warehouse.news import country_names
from warehouse.reader import Reader
from warehouse.spreading import standing_events

WEEKS = 12
"""Weeks of a curve, the last one included."""

_NEVER = np.datetime64("9999-12-31", "D")
_WEEK = timedelta(days=7)


class Spread:
    """All events that stand, with which of them are restrictions and from when to when."""

    def __init__(self, reader: Reader, categories: Mapping[str, str]) -> None:
        events = standing_events(reader)
        self._names = country_names(reader)
        self._selection = Selection(events, categories)
        self._codes = sorted({event.country for event in events})
        places = {code: place for place, code in enumerate(self._codes)}
        self._countries = np.array([places[event.country] for event in events], dtype=np.int64)
        self._began = _days([event.began for event in events])
        self._ended = _days([event.ended for event in events])

    def known(self, filters: Filters) -> int:
        """How many events there are that a subscription with these filters is about."""
        return int(np.count_nonzero(self._selection.wanted(filters)))

    def week(self, filters: Filters, day: date) -> Week:
        """The week that ends with `day`, for a subscription with these filters."""
        chosen = self._selection.wanted(replace(filters, unsure="hold")) & (self._began < _NEVER)
        began, ended, countries = self._began[chosen], self._ended[chosen], self._countries[chosen]
        days = [day - _WEEK * back for back in range(WEEKS - 1, -1, -1)]
        stands = (began <= np.datetime64(day)) & (ended > np.datetime64(day))
        is_new = began > np.datetime64(day - _WEEK)
        now, new = self._counted(countries[stands]), self._counted(countries[stands & is_new])
        before = set(countries[~is_new].tolist())
        joined = [code for code in new if code != UNKNOWN and self._codes.index(code) not in before]
        return Week(
            days=(day - _WEEK + timedelta(days=1), day),
            by_country=now,
            new_by_country=new,
            curve=tuple((one, _in_force(began, ended, one)) for one in days),
            joined=tuple(joined),
            names={code: self._names.get(code, code) for code in now},
        )

    def _counted(self, countries: npt.NDArray[np.int64]) -> dict[str, int]:
        """Number by code, the most first."""
        found = Counter(self._codes[place] for place in countries.tolist())
        return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def _in_force(began: npt.NDArray[np.datetime64], ended: npt.NDArray[np.datetime64], day: date) -> int:
    at = np.datetime64(day)
    return int(np.count_nonzero((began <= at) & (ended > at)))


def _days(values: Sequence[date | None]) -> npt.NDArray[np.datetime64]:
    return np.array([_NEVER if value is None else np.datetime64(value) for value in values], dtype="datetime64[D]")

"""Which of many events a subscription is about: its filter asked once for each value, and not for each event."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pipeline.subscriptions import EventFacts, Filters, is_sure

Bools: TypeAlias = npt.NDArray[np.bool_]


class Selection:
    """The facts of some events as columns. `categories` maps the services of the registry to theirs."""

    def __init__(self, events: Sequence[EventFacts], categories: Mapping[str, str]) -> None:
        self._size = len(events)
        self._categories = categories
        self._services = _Column([event.service for event in events])
        self._countries = _Column([event.country for event in events])
        self._kinds = _Column([event.actor_kind for event in events])
        self._actions = _Column([event.action for event in events])
        self._scores = np.array([event.score for event in events], dtype=np.float64)
        self._voices = np.array([event.voices for event in events], dtype=np.int64)
        self._sure = np.array([is_sure(event) for event in events], dtype=np.bool_)

    def wanted(self, filters: Filters) -> Bools:
        """For each event what `Filters.wants` says of it."""
        found = np.ones(self._size, dtype=np.bool_)
        if filters.services or filters.categories:
            found &= self._services.where(lambda name: filters.is_about(name, self._categories.get(name)))
        for column, values in (
            (self._countries, filters.countries),
            (self._kinds, filters.actor_kinds),
            (self._actions, filters.actions),
        ):
            if values:
                found &= column.where(frozenset(values).__contains__)
        if filters.min_score is not None:
            found &= self._scores >= filters.min_score
        if filters.min_voices is not None:
            found &= self._voices >= filters.min_voices
        if filters.unsure == "hold":
            found &= self._sure
        return found


class _Column:
    """Values as numbers of the different ones among them."""

    def __init__(self, values: Sequence[Hashable]) -> None:
        codes = {value: code for code, value in enumerate(dict.fromkeys(values))}
        self._values = list(codes)
        self._codes = np.fromiter((codes[value] for value in values), dtype=np.intp, count=len(values))

    def where(self, is_wanted: Callable[[Any], bool]) -> Bools:
        """Whether each value is wanted."""
        wanted = np.array([is_wanted(value) for value in self._values], dtype=np.bool_)
        found: Bools = wanted[self._codes] if self._values else np.zeros(0, dtype=np.bool_)
        return found

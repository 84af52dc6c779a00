"""The values of each filter with how many events they bring, as the filters beside the table show them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from pipeline.types import Action, ReasonClass
from reports import event_words as words
from reports.dashboard.view_url import CHOICES, LABELS, View
from reports.inert import line
from warehouse.dashboard.explore import NONE

_FEW: Final = 8
"""Values shown of a filter that has hundreds."""

_OPEN: Final = ("action", "status", "country", "service", "reason")
"""Filters whose values are unfolded at first."""

_LISTED: Final = ("country", "service", "actor")

ORDER: Final = ("action", "status", "country", "service", "reason", "scope", "kind", "actor", "side", "ended", "dated")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many events fit: `all`, by value of each filter, and over time.

    `periods` are (whether it is a year and not a month, its first day, action, events): of those dated to a day or
    month, by month; of those dated to a year, by year. `actions` has all, dated or not.
    """

    all: int
    by_value: Mapping[str, Mapping[str, int]]
    periods: Sequence[tuple[bool, date, str, int]]
    actions: Mapping[str, int]

    @classmethod
    def of(cls, rows: Iterable[Sequence[Any]]) -> "Counts":
        """The answer to `warehouse.dashboard.explore.counts`."""
        total = 0
        by_value: dict[str, dict[str, int]] = {}
        periods: list[tuple[bool, date, str, int]] = []
        actions = Counter[str]()
        for facet, value, period, events in rows:
            if facet == "all":
                total = events
            elif facet in ("month", "year", "undated"):
                actions[value] += events
                if period is not None:
                    periods.append((facet == "year", period, value, events))
            elif events:
                by_value.setdefault(facet, {})[value] = events
        return cls(total, by_value, tuple(sorted(periods)), actions)

    def names(self, facet: str) -> list[str]:
        """The values of a filter that bring any event, sorted."""
        return sorted((one for one in self.by_value.get(facet, {}) if one != NONE), key=str.casefold)


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a filter: in words, how many events it brings, its share of the most, and whether it is chosen."""

    value: str
    words: str
    events: int
    share: float
    chosen: bool

    @property
    def key(self) -> str:
        """The value without blanks, which no id may have."""
        return "-".join(self.value.split())


@dataclass(frozen=True, slots=True)
class Facet:
    """A filter with its values. `more` is how many are not shown, `typed` whether one can be typed."""

    name: str
    label: str
    choices: tuple[Choice, ...]
    is_open: bool
    more: int = 0
    typed: bool = False


def facets(view: View, counts: Counts, known: Mapping[str, str]) -> list[Facet]:
    """The filters that have values, in the order in which they are shown. `known` are names of countries by code."""
    made = [_facet(name, view, counts.by_value.get(name, {}), known) for name in ORDER]
    return [one for one in made if one.choices or one.typed]


def _facet(name: str, view: View, found: Mapping[str, int], known: Mapping[str, str]) -> Facet:
    chosen: tuple[str, ...] = getattr(view.wanted, name)
    if name in _LISTED:
        ranked = sorted(found, key=lambda value: (-found[value], value))
        shown = [*chosen, *[value for value in ranked if value not in chosen][:_FEW]]
    else:
        shown = [value for value in CHOICES[name] if value in found or value in chosen]
    most = max((found.get(value, 0) for value in shown), default=0) or 1
    choices = tuple(
        Choice(
            value,
            known.get(value, value) if name == "country" else label_of(name, value),
            found.get(value, 0),
            round(100 * found.get(value, 0) / most, 1),
            value in chosen,
        )
        for value in shown
    )
    is_open = name in _OPEN or bool(chosen) or (name == "actor" and bool(view.wanted.actor_parts))
    return Facet(name, LABELS[name], choices, is_open, max(len(found) - len(shown), 0), name in _LISTED)


def label_of(name: str, value: str) -> str:
    """A value of a filter in words."""
    if value == NONE:
        return "no date" if name == "dated" else "not stated"
    if name in ("service", "actor"):
        return line(value, 60)
    if name == "dated":
        return {"day": "to the day", "month": "to the month", "year": "to the year"}[value]
    if name == "reason":
        return words.reason(ReasonClass(value))
    return words.noun(Action(value)) if name == "action" else value.replace("_", " ")

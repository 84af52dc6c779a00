"""A view of Explore and its address: what the query asks for, what of it can't be understood, and the way back."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, TypeAlias

from pipeline.errors import InputError
from pipeline.types import Action, ActorKind, ReasonClass, ScopeClass, Side, Status
from reports.dashboard import links
from reports.inert import line
from warehouse.dashboard import search
from warehouse.dashboard.explore import NONE, SORTS, Order, Wanted
from warehouse.sql import nearest

Query: TypeAlias = Mapping[str, Sequence[str]]

MOST_VALUES: Final = 100
"""Values of one filter: an address is no longer than a browser takes."""

_SHOWN: Final = 40
"""Characters of a value that is named for being none."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table: its heading, what it is sorted by, and the columns of `events` that a download has of it.

    `falls` says whether the first click has it fall.
    """

    heading: str
    fields: tuple[str, ...]
    sort: str | None = None
    falls: bool = False
    is_number: bool = False


COLUMNS: Final[Mapping[str, Column]] = {
    "date": Column("When", ("date_value", "date_from", "date_to"), "date", falls=True),
    "event": Column("Event", ("action", "status", "lifted", "retracted", "dismissed"), "action"),
    "country": Column("Country", ("country",), "country"),
    "service": Column("Service", ("service_canonical",), "service"),
    "actor": Column("Actor", ("actor_canonical",), "actor"),
    "kind": Column("Kind of actor", ("actor_kind",)),
    "scope": Column("Scope", ("scope", "scope_class"), "scope"),
    "reasons": Column("Reasons", ("reason_classes",)),
    "side": Column("Side", ("side",)),
    "reported": Column("First reported", ("first_reported",), "reported", falls=True),
    "last": Column("Last reported", ("last_reported",)),
    "learned": Column("Learned", ("learned_on",), "learned", falls=True),
    "voices": Column("Voices", ("voices",), "voices", falls=True, is_number=True),
    "stories": Column("Stories", ("stories",), is_number=True),
    "articles": Column("Articles", ("articles",), "articles", falls=True, is_number=True),
    "score": Column("Score", ("score",), "score", falls=True, is_number=True),
}
"""What the table can show. The event itself is always there."""

SHOWN: Final = ("date", "event", "country", "service", "reasons", "voices")
"""What it shows unless asked."""

CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "action": tuple(one.value for one in Action),
    "status": tuple(one.value for one in Status),
    "side": tuple(one.value for one in Side),
    "kind": (*(one.value for one in ActorKind), NONE),
    "scope": (*(one.value for one in ScopeClass), NONE),
    "reason": (*(one.value for one in ReasonClass), NONE),
    "dated": ("day", "month", "year", NONE),
    "ended": ("no", "yes"),
}
"""Filter → all its values."""

LABELS: Final[Mapping[str, str]] = {
    "q": "Words",
    "service": "Service",
    "country": "Country",
    "actor": "Actor",
    "kind": "Kind of actor",
    "category": "Kind of service",
    "action": "Action",
    "status": "Status",
    "side": "Side",
    "ended": "Ended",
    "scope": "Scope",
    "reason": "Reason",
    "dated": "Date stated",
    "since": "From",
    "until": "To",
    "reported_since": "Reported from",
    "reported_until": "Reported to",
    "on": "In force on",
    "score": "Score at least",
    "voices": "Voices at least",
    "everything": "With what was retracted or dismissed",
}
"""Filter, as the query names it → its name for people, in the order of an address."""

_OTHERS: Final = ("sort", "order", "page", "show")


@dataclass(frozen=True, slots=True)
class Known:
    """What names stand for, asked of the data.

    Each takes what was typed and returns values of a column, or raises InputError. `actors` returns the exact names,
    and whether what was typed is else part of one.
    """

    services: Callable[[str], Sequence[str]]
    country: Callable[[str], str]
    actors: Callable[[str], tuple[Sequence[str], bool]]
    category: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of the address that can't be understood and is left out: what is wrong, and what there is instead."""

    says: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """What Explore shows: the search as it was typed, filters, order, and the columns of the table."""

    typed: str = ""
    wanted: Wanted = field(default_factory=Wanted)
    order: Order = field(default_factory=Order)
    columns: tuple[str, ...] = SHOWN

    def asked(self) -> dict[str, Any]:
        """The query of this view, without what is so anyway; values are lists or texts."""
        found: dict[str, Any] = {"q": self.typed or None}
        for name in LABELS:
            if name == "q":
                continue
            value = getattr(self.wanted, name)
            if name == "actor":
                value = (*value, *self.wanted.actor_parts)
            if isinstance(value, tuple):
                found[name] = list(value) or None
            elif value is True:
                found[name] = "yes"
            elif value is not None and value is not False:
                found[name] = f"{value:g}" if isinstance(value, float) else str(value)
        if self.order != Order():
            found |= {"sort": self.order.by, "order": "desc" if self.order.falls else "asc"}
        if self.columns != SHOWN:
            found["show"] = list(self.columns)
        return {name: value for name, value in found.items() if value is not None}

    def address(self, **changed: object) -> str:
        """The address of this view, with other values for some names; None takes one out."""
        return links.explore(**(self.asked() | changed))

    def without(self, name: str, value: str | None = None) -> str:
        """The address of this view without a filter, or without one value of it."""
        values = self.asked().get(name)
        left = [one for one in values if one != value] if isinstance(values, list) and value is not None else None
        return self.address(**{name: left or None})


def read(query: Query, known: Known) -> tuple[View, tuple[Problem, ...]]:
    """The view that a query asks for, and what of it can't be understood: that is left out."""
    reading = _Reading(query, known)
    return reading.view(), tuple(reading.problems)


class _Reading:
    def __init__(self, query: Query, known: Known) -> None:
        self._query = {name: [one.strip() for one in values if one.strip()] for name, values in query.items()}
        self._known = known
        self.problems: list[Problem] = []

    def view(self) -> View:
        for name in self._query:
            if name not in LABELS and name not in _OTHERS and self._query[name]:
                near = nearest(name, [*LABELS, *_OTHERS])
                hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join([*LABELS, *_OTHERS])}."
                self._wrong(f"{_quoted(name)} is no filter", hint)
        typed = self._one("q") or ""
        found = search.parse(typed)
        if found.left_out:
            left = ", ".join(_quoted(one) for one in found.left_out)
            self._wrong(f"Nothing is looked for by {left}", "Words of one letter are found in quotation marks.")
        if len(typed) > search.LONGEST:
            self._wrong(f"Of what is searched for only the first {search.LONGEST} characters count")
        actors = self._actors()
        wanted = Wanted(
            terms=found.terms,
            service=self._several("service", self._known.services),
            country=self._several("country", lambda one: [self._known.country(one)]),
            actor=actors[0],
            actor_parts=actors[1],
            category=self._several("category", lambda one: [self._known.category(one)]),
            kind=self._chosen("kind"),
            action=self._chosen("action"),
            status=self._chosen("status"),
            side=self._chosen("side"),
            ended=self._chosen("ended"),
            scope=self._chosen("scope"),
            reason=self._chosen("reason"),
            dated=self._chosen("dated"),
            since=self._day("since"),
            until=self._day("until"),
            reported_since=self._day("reported_since"),
            reported_until=self._day("reported_until"),
            on=self._day("on"),
            score=self._number("score", float, 1.0),
            voices=self._number("voices", int, 1_000_000),
            everything=self._everything(),
        )
        for first, last in (("since", "until"), ("reported_since", "reported_until")):
            start, end = getattr(wanted, first), getattr(wanted, last)
            if start is not None and end is not None and start > end:
                self._wrong(
                    f"{LABELS[first]} {start.isoformat()} is later than {LABELS[last].lower()} {end.isoformat()}",
                    "No event can fit: change one of them.",
                )
        return View(typed[: search.LONGEST], wanted, self._order(), self._columns())

    def _several(self, name: str, meant: Callable[[str], Sequence[str]]) -> tuple[str, ...]:
        found: dict[str, None] = {}
        given = self._query.get(name, [])
        if len(given) > MOST_VALUES:
            self._wrong(f"Of {LABELS[name].lower()} only the first {MOST_VALUES} values count")
        for typed in given[:MOST_VALUES]:
            try:
                found.update(dict.fromkeys(meant(typed)))
            except InputError as error:
                self._wrong(_begun(str(error)), error.hint or "")
        return tuple(found)

    def _chosen(self, name: str) -> tuple[str, ...]:
        def meant(typed: str) -> list[str]:
            wanted = typed.lower().replace(" ", "_").replace("-", "_")
            if wanted in CHOICES[name]:
                return [wanted]
            raise InputError(
                f"there is no {LABELS[name].lower()} {_quoted(typed)}", hint=f"There are {', '.join(CHOICES[name])}."
            )

        return self._several(name, meant)

    def _actors(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        exact: dict[str, None] = {}
        parts: dict[str, None] = {}
        for typed in self._query.get("actor", [])[:MOST_VALUES]:
            if typed == NONE:
                exact[NONE] = None
                continue
            found, is_part = self._known.actors(typed)
            exact.update(dict.fromkeys(found))
            if not found and is_part:
                parts[typed] = None
            elif not found:
                self._wrong(f"There is no actor with {_quoted(typed)} in its name", "Try a shorter part of the name.")
        return tuple(exact), tuple(parts)

    def _day(self, name: str) -> date | None:
        typed = self._one(name)
        if typed is None:
            return None
        try:
            return date.fromisoformat(typed)
        except ValueError:
            self._wrong(f"{LABELS[name]}: {_quoted(typed)} is no day", "Write it as 2025-01-31.")
            return None

    def _number(self, name: str, kind: Callable[[str], Any], highest: float) -> Any:
        typed = self._one(name)
        if typed is None:
            return None
        try:
            value = kind(typed)
        except (ValueError, OverflowError):
            value = math.nan
        if 0 <= value <= highest:
            return value
        self._wrong(f"{LABELS[name]}: {_quoted(typed)} is no number from 0 to {highest:,g}")
        return None

    def _everything(self) -> bool:
        typed = self._one("everything")
        if typed is not None and typed not in ("yes", "no"):
            self._wrong(f"everything takes yes or no, not {_quoted(typed)}")
        return typed == "yes"

    def _order(self) -> Order:
        by, way = self._one("sort"), self._one("order")
        if by is not None and by not in SORTS:
            self._wrong(f"Events can’t be sorted by {_quoted(by)}", f"There are {', '.join(SORTS)}.")
            by = None
        if way is not None and way not in ("asc", "desc"):
            self._wrong(f"{_quoted(way)} is no order", "There are asc and desc.")
            way = None
        by = by or Order().by
        falls = next((one.falls for one in COLUMNS.values() if one.sort == by), False)
        return Order(by, falls if way is None else way == "desc")

    def _columns(self) -> tuple[str, ...]:
        asked = self._query.get("show", [])
        for one in asked:
            if one not in COLUMNS:
                self._wrong(f"{_quoted(one)} is no column", f"There are {', '.join(COLUMNS)}.")
        chosen = {one for one in asked if one in COLUMNS}
        return tuple(one for one in COLUMNS if one in chosen or one == "event") if chosen else SHOWN

    def _one(self, name: str) -> str | None:
        given = self._query.get(name, [])
        return given[-1] if given else None

    def _wrong(self, says: str, hint: str = "") -> None:
        problem = Problem(says, hint)
        if problem not in self.problems:
            self.problems.append(problem)


def _begun(text: str) -> str:
    return line(text[:1].upper() + text[1:], 200)


def _quoted(typed: str) -> str:
    return f"“{line(typed, _SHOWN)}”"

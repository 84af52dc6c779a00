"""The fields of an event that a person may set: what values they take, and what setting them does to the event.

A value is kept as the text that was checked here. `scope` is a class, or a class and words ("schools: state schools");
`actor` a name, or the sort of body and a name ("ministry: South Korea Ministry of National Defense"); `reasons` are
classes between commas. None says that nothing is stated.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from functools import cache
from typing import TypeVar

import pycountry

from pipeline.errors import InputError
from pipeline.lifecycle import in_order
from pipeline.statements import stated_days
from pipeline.types import (
    Action,
    ActorKind,
    Event,
    Mention,
    Quote,
    ReasonClass,
    ScopeClass,
    Status,
    Transition,
    TransitionKind,
)
from pipeline.wording import date_words

FIELDS = ("action", "status", "actor", "country", "service", "scope", "date", "reasons")
MAY_BE_UNSTATED = frozenset({"actor", "scope", "date", "reasons"})
OTHER_COUNTRIES = ("EU", "XK", "XX")
"""Codes beside those of ISO 3166-1: the European Union, Kosovo, and a country that can't be told."""

Kind = TypeVar("Kind", bound=StrEnum)

_ENDING = (TransitionKind.EASED, TransitionKind.LIFTED, TransitionKind.STRUCK_DOWN)
_STATES = tuple(TransitionKind(status.value) for status in Status)
_BEYOND = {
    Status.PROPOSED: (Status.ANNOUNCED, Status.IN_FORCE),
    Status.ANNOUNCED: (Status.IN_FORCE,),
}
_PLANNED = "to take effect"
_GROWTH = (TransitionKind.EXTENDED, TransitionKind.WIDENED)


def checked(field: str, value: str | None) -> str | None:
    """The value as it is kept. Raises InputError, which says what is allowed, where field or value fits nothing."""
    if field not in FIELDS:
        raise InputError(f"there is no field {field!r} to edit", hint=f"The fields are {', '.join(FIELDS)}.")
    text = " ".join((value or "").split())
    if not text:
        if field not in MAY_BE_UNSTATED:
            raise InputError(f"{field} can't be empty", hint=_ALLOWED[field]())
        return None
    return _CHECKS[field](text)


def value_of(event: Event | Mention, field: str) -> str | None:
    """The field of an event, or of a mention, in the form in which edits are kept."""
    match field:
        case "action":
            return event.action.value
        case "status":
            return event.status.value
        case "actor":
            return _joined(event.actor_kind if event.actor_canonical else None, event.actor_canonical)
        case "country":
            return event.country
        case "service":
            return event.service_canonical
        case "scope":
            scope = event.scope.text if isinstance(event.scope, Quote) else event.scope
            return _joined(event.scope_class, scope)
        case "date":
            return event.date_value
        case _:
            return ",".join(reason for reason in ReasonClass if reason in event.reason_classes) or None


def edited(event: Event, values: Mapping[str, str | None]) -> Event:
    """The event with these fields set. Its steps follow a new status, action or date."""
    for field, value in values.items():
        match field:
            case "country":
                event = replace(event, country=value or "XX")
            case "service":
                event = replace(event, service_canonical=value or event.service_canonical)
            case "actor":
                kind, name = split(ActorKind, value)
                event = replace(event, actor_canonical=name, actor_kind=kind)
            case "scope":
                scope_class, words = split(ScopeClass, value)
                event = replace(event, scope=words, scope_class=scope_class)
            case "reasons":
                event = replace(event, reason_classes=tuple(map(ReasonClass, value.split(",") if value else ())))
            case _:
                pass
    if not {"action", "status", "date"} & values.keys():
        return event
    changed = replace(
        event,
        action=Action(values.get("action") or event.action),
        status=Status(values.get("status") or event.status),
        date_value=values.get("date", event.date_value),
    )
    return replace(changed, transitions=_steps(event, changed))


def split(of: type[Kind], value: str | None) -> tuple[Kind | None, str | None]:
    """Take "class: words", "class" or "words" apart."""
    if value is None:
        return None, None
    head, colon, rest = value.partition(":")
    known = {item.value: item for item in of}
    if head in known and (colon or of is ScopeClass):
        return known[head], rest.strip() or None
    return None, value


def _steps(old: Event, new: Event) -> tuple[Transition, ...]:
    """The steps of `old`, told as `new` has it.

    The step by which the old status was reached becomes that of the new one, or goes where there is one already. What
    is further than the new status was never reached.
    """
    own = _own(old)
    reached = next((s for s in reversed(own) if s.status is old.status), None)
    if reached is None:
        return old.transitions
    told = reached if new.status is old.status else next((s for s in own if s.status is new.status), reached)
    moved = replace(told, status=new.status, action=new.action)
    if told.status is not new.status:
        moved = replace(moved, kind=_kind(new))
    if new.date_value != old.date_value or told.status is not new.status:
        moved = _dated(
            moved, new.date_value if told is reached or new.date_value != old.date_value else told.date_value
        )
    steps = []
    for step in old.transitions:
        if step is told:
            steps.append(moved)
        elif step in own and step.status in _BEYOND.get(new.status, ()):
            continue
        elif step in own and step.action is old.action and step is not reached:
            steps.append(replace(step, action=new.action))
        elif step is not reached and (step.kind not in _GROWTH or new.status is Status.IN_FORCE):
            steps.append(step)
    return tuple(in_order(steps))


def _own(event: Event) -> list[Transition]:
    """The steps to a status, without those that only change or end what is in force, if there are others."""
    is_lift = event.action is Action.LIFT
    states = [
        step
        for step in event.transitions
        if (step.action is Action.LIFT) is is_lift
        and (step.kind in _STATES or (is_lift and step.kind in _ENDING))
    ]  # fmt: skip
    return states or [step for step in event.transitions if step.kind in _GROWTH]


def _kind(event: Event) -> TransitionKind:
    if event.action is Action.LIFT and event.status is Status.IN_FORCE:
        return TransitionKind.LIFTED
    return TransitionKind(event.status.value)


def _dated(step: Transition, value: str | None) -> Transition:
    """The step with another date: of a plan that lies ahead of its report, it is the day on which it takes effect."""
    span, reported = stated_days(value), step.reported_on
    is_ahead = span is not None and reported is not None and span[0] > reported.toordinal()
    if value is not None and is_ahead and step.status in (Status.PROPOSED, Status.ANNOUNCED):
        return replace(step, date_value=None, detail=f"{_PLANNED} {date_words(value)}")
    is_plan = step.detail is not None and step.detail.startswith(_PLANNED)
    return replace(step, date_value=value, detail=None if is_plan else step.detail)


def _joined(kind: StrEnum | None, words: str | None) -> str | None:
    return ": ".join(part for part in (None if kind is None else kind.value, words) if part) or None


def _member(of: type[StrEnum], field: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        wanted = _folded(text)
        if wanted not in {item.value for item in of}:
            raise InputError(f"there is no {field} {text!r}", hint=_ALLOWED[field]())
        return wanted

    return check


def _folded(text: str) -> str:
    return text.strip().lower().replace(" ", "_").replace("-", "_")


def _country(text: str) -> str:
    code = text.upper()
    if code not in _codes():
        raise InputError(f"there is no country {text!r}", hint=_ALLOWED["country"]())
    return code


@cache
def _codes() -> frozenset[str]:
    return frozenset((*(country.alpha_2 for country in pycountry.countries), *OTHER_COUNTRIES))


def _date(text: str) -> str:
    if stated_days(text) is None:
        raise InputError(f"{text!r} is no date", hint=_ALLOWED["date"]())
    return text


def _scope(text: str) -> str:
    head, _, rest = text.partition(":")
    kind = _folded(head)
    if kind not in {item.value for item in ScopeClass}:
        raise InputError(f"the scope {text!r} begins with no class of scopes", hint=_ALLOWED["scope"]())
    return f"{kind}: {rest.strip()}" if rest.strip() else kind


def _actor(text: str) -> str:
    head, colon, rest = text.partition(":")
    kind = _folded(head)
    if not colon or kind not in {item.value for item in ActorKind}:
        return text
    if not rest.strip():
        raise InputError(f"{text!r} names the sort of body, but no body", hint=_ALLOWED["actor"]())
    return f"{kind}: {rest.strip()}"


def _reasons(text: str) -> str:
    named = {_folded(part) for part in text.split(",") if part.strip()}
    known = [reason.value for reason in ReasonClass]
    if unknown := sorted(named - set(known)):
        raise InputError(f"there is no class of reasons {unknown[0]!r}", hint=_ALLOWED["reasons"]())
    return ",".join(reason for reason in known if reason in named)


def _listed(values: Iterable[str]) -> str:
    return ", ".join(values)


_CHECKS: Mapping[str, Callable[[str], str | None]] = {
    "action": _member(Action, "action"),
    "status": _member(Status, "status"),
    "actor": _actor,
    "country": _country,
    "service": str,
    "scope": _scope,
    "date": _date,
    "reasons": _reasons,
}
_ALLOWED: Mapping[str, Callable[[], str]] = {
    "action": lambda: f"Choose one of {_listed(Action)}.",
    "status": lambda: f"Choose one of {_listed(Status)}.",
    "actor": lambda: f"Give a name, or the sort of body and a name: KIND: NAME, of the kinds {_listed(ActorKind)}.",
    "country": lambda: "Give a code of ISO 3166-1 (IT), EU, XK, or XX where the country can't be told.",
    "service": lambda: "Give the usual English name of a service.",
    "scope": lambda: f"Give a class, or CLASS: WORDS, of the classes {_listed(ScopeClass)}; empty for none.",
    "date": lambda: "Give YYYY-MM-DD, YYYY-MM or YYYY, a day of the calendar; empty where none is stated.",
    "reasons": lambda: f"Give classes between commas, of {_listed(ReasonClass)}; empty for none.",
}

"""The life of an event as its page tells it: its steps, what was known of it when, and what runs have made of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final
from zoneinfo import ZoneInfo

from reports.dashboard import links
from reports.dashboard.event_fields import mention_address, plain, published
from reports.dashboard.events import When, when
from reports.inert import line
from reports.locales import count, day
from reports.step_words import step_name
from warehouse.event_evidence import StepDetail

_QUOTE: Final = 420


@dataclass(frozen=True, slots=True)
class StepLine:
    """A step in the life of an event and the words that show it, which may be another event's: `is_elsewhere`."""

    name: str
    marks: str
    when: When
    learned: str
    detail: str
    quote: str
    source: str
    url: str | None
    address: str | None
    is_elsewhere: bool


@dataclass(frozen=True, slots=True)
class Then:
    """What was known of an event from a day on: what had changed by then, field by field."""

    since: When
    told: tuple[str, ...]


def step_lines(steps: Iterable[StepDetail], event_id: str, own: Collection[str]) -> tuple[StepLine, ...]:
    """The steps of an event; `own` are the ids of its mentions."""
    found = []
    for one in steps:
        step = one.step
        is_own = step.mention_id in own
        is_elsewhere = not is_own and one.event_id is not None
        address = mention_address(event_id, step.mention_id) if is_own else None
        if is_elsewhere and one.event_id is not None:
            address = links.event(one.event_id)
        is_said = one.quote is not None and step.kind.value != "reviewed"
        found.append(
            StepLine(
                step_name(step),
                f"{step.action.value}{'' if step.status.value == 'in_force' else ' open'}",
                when(step.date_value, step.reported_on),
                "" if step.learned_on is None else f"learned {day(step.learned_on)}",
                line(step.detail or ""),
                line(one.quote or "", _QUOTE) if is_said else "",
                line(one.source or "") if is_said else "",
                one.url if is_said else None,
                address,
                is_elsewhere,
            )
        )
    return tuple(found)


_TOLD: Final[tuple[tuple[str, str], ...]] = (
    ("status", "status"),
    ("action", "action"),
    ("date_value", "date"),
    ("country", "country"),
    ("actor_canonical", "who"),
    ("scope", "for whom"),
    ("reason_classes", "reasons"),
    ("lifted", "ended"),
    ("retracted", "retracted"),
    ("dismissed", "dismissed"),
    ("voices", "independent sources"),
    ("articles", "articles"),
)
"""Columns of the history whose changes are told, and what they are called."""


def known_then(rows: Iterable[Mapping[str, Any]], countries: Mapping[str, str]) -> tuple[Then, ...]:
    """What was known when, the latest first, out of rows that are in their order. `countries` are names by code."""
    found = []
    before: Mapping[str, Any] | None = None
    for raw in rows:
        row = {**raw, "country": countries.get(raw["country"], raw["country"])}
        since = row["known_from"]
        told = tuple(_first(row) if before is None else _changed(before, row))
        found.append(Then(When("from the start") if since is None else published(since), told or ("no field changed",)))
        before = row
    return tuple(reversed(found))


def _first(row: Mapping[str, Any]) -> Iterable[str]:
    for column, name in _TOLD:
        if row[column] is True:
            yield name
        elif row[column] not in (None, False, []):
            yield f"{name}: {_said(column, row[column])}"


def _changed(before: Mapping[str, Any], row: Mapping[str, Any]) -> Iterable[str]:
    for column, name in _TOLD:
        was, now = before[column], row[column]
        if was == now:
            continue
        if isinstance(now, bool):
            yield name if now else f"no longer {name}"
        else:
            yield f"{name}: {_said(column, was)} → {_said(column, now)}"


def _said(column: str, value: object) -> str:
    match value:
        case None | []:
            return "not stated"
        case int():
            return f"{value:,}"
        case list():
            return ", ".join(plain(str(one)) for one in value)
        case _ if column == "date_value":
            return day(str(value))
        case _ if column in ("status", "action"):
            return plain(str(value))
        case _:
            return line(str(value), _QUOTE)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a run has made of an event: when, in words, and the other event of which they speak, if any."""

    when: str
    machine: str | None
    told: str
    other: str | None
    other_address: str | None
    more: tuple[str, ...]


_OWN: Final[Mapping[str, str]] = {
    "appeared": "told of for the first time",
    "split": "parted from",
    "continued": "goes on for",
    "merged": "merged into",
    "renamed": "goes on as",
    "removed": "gone: no article states it any longer",
    "present": "was there when this log began",
    "dismissed": "dismissed by a person",
    "restored": "restored by a person",
    "retracted": "retracted: every article has withdrawn it",
    "reinstated": "stated again",
    "ended": "ended",
    "reopened": "not held to have ended any longer",
    "changed": "changed",
}
_OTHERS: Final[Mapping[str, str]] = {
    "split": "from it parted",
    "continued": "its id was given up for",
    "merged": "took in",
    "renamed": "goes on for",
}


def turns(rows: Iterable[Sequence[Any]], event_id: str, zone: ZoneInfo) -> tuple[Turn, ...]:
    """Rows of the log of changes, the latest first: those of the event, and of others that speak of it."""
    found = []
    for _, at, kind, subject, other, fields, steps, arrived, departed in rows:
        is_own = subject == event_id
        named = other if is_own else subject
        local = None if at is None else at.replace(tzinfo=UTC).astimezone(zone)
        more = []
        if is_own and kind == "changed" and fields:
            more.append(", ".join(map(plain, fields)))
        if is_own and steps:
            more.append(f"steps: {', '.join(map(plain, steps))}")
        if is_own and arrived:
            more.append(count(arrived, "mention came", "mentions came"))
        if is_own and departed:
            more.append(count(departed, "mention left", "mentions left"))
        found.append(
            Turn(
                "not dated" if local is None else f"{day(local.date())}, {local:%H:%M}",
                None if local is None else local.isoformat(),
                (_OWN if is_own else _OTHERS).get(kind, plain(kind)),
                named,
                None if named is None else links.event(named),
                tuple(more),
            )
        )
    return tuple(found)

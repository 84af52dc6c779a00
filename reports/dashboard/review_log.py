"""The decisions that people have made, as the review page lists them: also those that no snapshot has yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from pipeline.decision_types import DecisionKind
from pipeline.decisions import in_force
from reports.dashboard import links
from reports.dashboard.review_seam import Carried
from reports.inert import line
from reports.locales import day
from warehouse.review import LoggedDecision

SHORT: Final = 8
"""Characters of an id that are shown."""

_STATES: Final = {
    "in_force": "in force",
    "undone": "taken back",
    "overruled": "overruled by a later one",
    "lost": "no article states it any longer",
}


@dataclass(frozen=True, slots=True)
class LogLine:
    """A decision: when, what was said by whom and why, of which events, and how it stands.

    `may_undo` where it can be taken back; `is_new` where it is kept and not carried out yet.
    """

    id: str
    made_at: str
    machine: str
    what: str
    author: str
    reason: str
    events: tuple[tuple[str, str], ...]
    state: str
    may_undo: bool
    is_new: bool


def log_lines(logged: Sequence[LoggedDecision], carried: Carried, zone: ZoneInfo) -> list[LogLine]:
    """All decisions, the latest first."""
    standing = in_force(carried.waiting)
    revoked = {one.revokes for one in carried.waiting if one.id in standing}
    new = [_new(one, one.id in standing, carried, zone) for one in reversed(carried.waiting)]
    return new + [_logged(one, is_revoked=one.id in revoked, zone=zone) for one in logged]


def _what(kind: str, field: str | None, value: str | None, revokes: str | None) -> str:
    """What a decision says, in a few words."""
    match kind:
        case "same":
            return "one event"
        case "different":
            return "two events"
        case "edit":
            return line(f"{field} set to {value or 'not stated'}")
        case "reject":
            return "no restriction event"
        case "restore":
            return "a restriction event, right as it stands"
        case _:
            return f"{(revokes or '')[:SHORT]} taken back"


def _new(one: LoggedDecision, stands: bool, carried: Carried, zone: ZoneInfo) -> LogLine:
    state = "being carried out" if carried.is_busy else "kept, not carried out yet"
    return LogLine(
        one.id,
        *_when(one.decided_at, zone),
        _what(one.kind, one.field, one.value, one.revokes),
        line(one.author),
        line(one.reason),
        _events(one.about),
        state if stands else "taken back",
        stands and one.kind != DecisionKind.UNDO,
        True,
    )


def _logged(one: LoggedDecision, *, is_revoked: bool, zone: ZoneInfo) -> LogLine:
    return LogLine(
        one.id,
        *_when(one.decided_at, zone),
        _what(one.kind, one.field, one.value, one.revokes),
        line(one.author),
        line(one.reason),
        _events(one.events or one.about),
        "being taken back" if is_revoked else _STATES[one.state],
        one.state != "undone" and one.kind != "undo" and not is_revoked,
        False,
    )


def _when(at: datetime, zone: ZoneInfo) -> tuple[str, str]:
    local = at.astimezone(zone)
    return f"{day(local.date())}, {local:%H:%M}", local.isoformat(timespec="minutes")


def _events(ids: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((one[:SHORT], links.event(one)) for one in ids)

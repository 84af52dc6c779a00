"""Alerts in words: a mail's subject and body, and what a webhook gets. What publishers wrote is only ever text."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from pipeline.alerts import Alert, Known
from reports.inert import line

SUBJECT: Final = 120
WORDS: Final = 400
SHOWN: Final = 40
"""Problems of each sort that one message spells out."""

CHAT: Final = 1900
"""Characters of the text for people in a webhook: Discord takes 2,000."""

_INDENT: Final = "    "
# Chat programs call people, and link, by these.
_CHAT = str.maketrans({"<": "‹", ">": "›", "@": "＠"})


@dataclass(frozen=True, slots=True)
class Place:
    """Who speaks: the name of the deployments, the machine, its data folder, and the zone that times are told in."""

    name: str
    host: str
    data_dir: str
    zone: ZoneInfo


def subject(alert: Alert, place: Place) -> str:
    """One line that says what is the matter: the problem where it is one, else how many there are."""
    begun, over = len(alert.begun), len(alert.over)
    if begun + over == 1:
        words = line(alert.begun[0].problem.words) if begun else f"over: {line(alert.over[0].problem.words)}"
    else:
        parts = [f"{begun} new problem{'s' * (begun > 1)}"] * bool(begun) + [f"{over} over"] * bool(over)
        words = ", ".join(parts)
    return line(f"[{place.name} on {place.host}] {words}", SUBJECT)


def body(alert: Alert, place: Place, now: datetime) -> str:
    """The text of a mail: for each problem what it is, since when, and what to do."""
    parts: list[str] = []
    if alert.begun:
        parts.append(_section("", alert.begun, place, now))
    if alert.over:
        parts.append(_section("Over:", alert.over, place, now))
    if alert.ongoing:
        named = "\n".join(
            f"{_INDENT}{line(one.problem.words, WORDS)} (since {_moment(one.since, place.zone)})"
            for one in alert.ongoing[:SHOWN]
        )
        parts.append(f"Still so, as you were told:\n\n{named}{_more(alert.ongoing)}")
    once_more = " You will be told once more when this is over." if alert.begun and not alert.is_test else ""
    parts.append(
        f"-- \nClampdown ({place.name}) on {place.host}, data in {place.data_dir}.\n"
        f"`clampdown status` shows how things are now.{once_more}"
    )
    return "\n\n".join(parts) + "\n"


def webhook(alert: Alert, place: Place, now: datetime) -> dict[str, Any]:
    """What is posted as JSON: `text` and `content` for chat programs, the rest for other programs."""
    told = [subject(alert, place)]
    several = len(alert.begun) + len(alert.over) > 1
    for one in alert.begun[:SHOWN]:
        words = f"• {line(one.problem.words, WORDS)}, " if several else ""
        hint = f". {line(one.problem.hint, WORDS)}" if one.problem.hint else ""
        told.append(f"{words}since {_moment(one.since, place.zone)}{hint}")
    if several:
        told += [f"• over: {line(one.problem.words, WORDS)}" for one in alert.over[:SHOWN]]
    text = "\n".join(told).translate(_CHAT)
    text = text if len(text) <= CHAT else text[: CHAT - 1] + "…"
    return {
        "text": text,
        "content": text,
        # Discord: nobody is to be called, whatever the text says.
        "allowed_mentions": {"parse": []},
        "source": "clampdown",
        "name": place.name,
        "host": place.host,
        "id": alert.id,
        "at": now.astimezone(UTC).isoformat(),
        "new": [_record(one) for one in alert.begun],
        "over": [_record(one) for one in alert.over],
        "ongoing": [_record(one) for one in alert.ongoing],
    }


def _record(one: Known) -> dict[str, Any]:
    problem = one.problem
    return {
        "key": problem.key,
        "kind": problem.kind.value,
        "subject": problem.subject,
        "severity": problem.severity.value,
        "since": one.since.astimezone(UTC).isoformat(),
        "until": None if one.gone_at is None else one.gone_at.astimezone(UTC).isoformat(),
        "words": line(problem.words, WORDS),
        "hint": None if problem.hint is None else line(problem.hint, WORDS),
    }


def _section(title: str, problems: Sequence[Known], place: Place, now: datetime) -> str:
    told = "\n\n".join(_told(one, place, now) for one in problems[:SHOWN])
    return (f"{title}\n\n" if title else "") + told + _more(problems)


def _told(one: Known, place: Place, now: datetime) -> str:
    lines = [line(one.problem.words, WORDS)]
    if one.gone_at is None:
        lines.append(f"{_INDENT}since:   {_moment(one.since, place.zone)}, {_span(now - one.since)} ago")
        if one.problem.hint:
            lines.append(f"{_INDENT}to do:   {line(one.problem.hint, WORDS)}")
    else:
        lasted = _span(one.gone_at - one.since)
        until = f"{_moment(one.since, place.zone)} until {_moment(one.gone_at, place.zone)}"
        lines.append(f"{_INDENT}it was so from {until}: {lasted}")
    return "\n".join(lines)


def _more(problems: Sequence[Known]) -> str:
    return f"\n\n{_INDENT}… and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%a %d %b %Y %H:%M %Z}"


def _span(span: timedelta) -> str:
    """A length of time in its largest fitting unit, in words."""
    seconds = max(0.0, span.total_seconds())
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return "a minute" if seconds >= 60 else "less than a minute"

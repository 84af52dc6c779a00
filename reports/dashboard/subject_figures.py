"""Charts that the pages of services, countries and actors have alike: lives, actions, scopes and reasons over time."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby
from typing import Final

from pipeline.types import Action, ReasonClass, ScopeClass
from reports import digest_words as words
from reports.chart_data import Lifeline, lifeline
from reports.dashboard import links, specs
from reports.dashboard.events import country_names
from reports.dashboard.figures import Cell, Figure, Link, Panel, cell
from reports.dashboard.frames import Frame, following, name_of
from reports.dashboard.snapshots import Held
from reports.inert import line
from reports.locales import count, day, number
from reports.palette import INKS
from warehouse.dashboard import subjects
from warehouse.dashboard.asking import Sql, filled
from warehouse.dashboard.subjects import Counted, Subject
from warehouse.event_list import EVENT_COLUMNS, EventRow, event_row
from warehouse.tables.events import read_transition

MOST_LIVES: Final = 16
_MOST_REASONS: Final = 6
_NAMED: Final = 4
_HEIGHT: Final = 200
_PANEL: Final = 96
_UNSTATED: Final = "not stated"
_WIDE: Final = len(EVENT_COLUMNS.split(", "))

_INKS: Final = INKS["light"]
SCOPES: Final[Sequence[tuple[str, str, tuple[ScopeClass, ...]]]] = (
    (
        "government’s own",
        _INKS.steps[0],
        (ScopeClass.GOVERNMENT_DEVICES, ScopeClass.MILITARY, ScopeClass.CRITICAL_INFRASTRUCTURE),
    ),
    ("work, schools, minors", _INKS.steps[1], (ScopeClass.WORKPLACE, ScopeClass.SCHOOLS, ScopeClass.MINORS)),
    (
        "app stores, exports, regions",
        _INKS.steps[2],
        (ScopeClass.APP_STORES, ScopeClass.EXPORTS, ScopeClass.SUBNATIONAL),
    ),
    ("nationwide", _INKS.steps[3], (ScopeClass.NATIONWIDE,)),
    ("other or not stated", _INKS.land, (ScopeClass.OTHER,)),
)
"""Scopes from narrow to wide, in four steps: their name, colour and classes. What is not stated is in the last."""

_STEP_OF: Final = {kind.value: name for name, _, kinds in SCOPES for kind in kinds}


def lives(data: Held, subject: Subject, frame: Frame, about: str) -> Figure | None:
    """The lives of the restrictions of which most is known; `about` says whose they are. None where there is none."""
    sql = subjects.lives(subject, MOST_LIVES)
    names = country_names(data)
    told = groupby(data.ask(sql).rows, key=lambda row: row[:_WIDE])
    made: list[Lifeline] = []
    for event, rows in ((event_row(key), list(some)) for key, some in told):
        life = lifeline(event, [read_transition(row[_WIDE:]) for row in rows], names.get(event.country, event.country))
        if life is not None:
            place, thing = _named(event, subject, life.country)
            made.append(replace(life, country=place, service=thing))
    if not made:
        return None
    made.sort(key=lambda life: (life.known, life.event_id))
    start = min(life.known for life in made)
    start = start if frame.since is None else max(start, frame.since)
    shown = [life for life in made if (life.until or frame.until) >= start]
    left = len(made) - len(shown)
    ended = sum(life.until is not None for life in made)
    height = specs.lives_height(len(shown))
    span = (start.replace(day=1), following(frame.until.replace(day=1), "month"))
    addresses = {life.event_id: links.event(life.event_id) for life in shown}
    first, second = _COLUMNS[subject.actor is not None, subject.service is not None]
    return Figure(
        "lives",
        "Lives of restrictions",
        f"{count(len(made), 'measure', 'measures')} {about} of which most is told: "
        + (f"{number(ended)} ended or {'was' if ended == 1 else 'were'} rejected." if ended else "none has ended."),
        specs.lives(shown, span, addresses) if shown else None,
        (first, second, "Action", "Told of from", "In force from", "Until", "Steps"),
        tuple(_life_row(life) for life in made),
        sql,
        height,
        "A thin line while a measure was spoken of, a bar while it was in force, pale while its date leaves that open."
        + (f" {number(left)} that ended before {day(start)} {'is' if left == 1 else 'are'} not drawn." if left else ""),
    )


_COLUMNS: Final = {
    (False, True): ("Country", "Who"),
    (False, False): ("Who", "Service"),
    (True, False): ("Service", "For whom"),
}


def _named(event: EventRow, subject: Subject, country: str) -> tuple[str, str]:
    """What tells an event from the others of its page, which has its service, country or actor in its heading."""
    who = "Unnamed body" if event.actor is None else event.actor
    if subject.service is not None:
        return country, who
    if subject.actor is not None:
        return event.service, words.scope(event, country) or event.action.value
    return who, event.service


def _life_row(life: Lifeline) -> tuple[Cell, ...]:
    steps = ", ".join(f"{mark.kind.value.replace('_', ' ')} {mark.on}" for mark in life.marks)
    return (
        line(life.country),
        line(life.service),
        Link(life.action.value, links.event(life.event_id)),
        cell(life.known),
        cell(life.since),
        cell(life.until),
        steps or "–",
    )


def by_action(data: Held, subject: Subject, frame: Frame, about: str) -> Figure | None:
    """Restrictions by the period in which they began, and by action."""
    sql = subjects.by_action(subject, frame.every)
    found = [Counted(*row) for row in data.ask(sql).rows]
    colours = specs.action_colours()
    return _stacked(
        data,
        frame,
        ("history", "When restrictions began", about, sql),
        found,
        colours,
        [(action.value, action.value) for action in Action],
        lambda value: value or _UNSTATED,
    )


def by_scope(data: Held, subject: Subject, frame: Frame, about: str) -> Figure | None:
    """Restrictions by the period in which they began, and by how wide they are."""
    sql = subjects.by_scope(subject, frame.every)
    found = [Counted(*row) for row in data.ask(sql).rows]
    ordered = [(kind.value, plain(kind)) for _, _, kinds in SCOPES for kind in kinds]
    return _stacked(
        data,
        frame,
        ("scopes", "For whom: from government devices to nationwide", about, sql),
        found,
        {name: colour for name, colour, _ in SCOPES},
        ordered,
        lambda value: _STEP_OF.get(value or "", SCOPES[-1][0]),
    )


def _stacked(
    data: Held,
    frame: Frame,
    told: tuple[str, str, str, Sql],
    found: Sequence[Counted],
    colours: Mapping[str, str],
    ordered: Sequence[tuple[str, str]],
    group: Callable[[str | None], str],
) -> Figure | None:
    if not found:
        return None
    id_, heading, about, sql = told
    summed = Counter[tuple[date, str]]()
    for one in found:
        if one.period is not None and frame.shows(one.period):
            summed[one.period, group(one.value)] += one.restrictions
    bars = [
        specs.Bar(period, value, some, f"{name_of(period, frame.every)}: {number(some)} {value}")
        for (period, value), some in sorted(summed.items())
    ]
    span = _span(frame, [bar.period for bar in bars])
    totals = Counter[str]()
    for one in found:
        totals[group(one.value)] += one.restrictions
    said = ", ".join(f"{value} {number(some)}" for value, some in totals.most_common(_NAMED + 1))
    total = sum(one.restrictions for one in found)
    return Figure(
        id_,
        heading,
        f"{count(total, 'restriction', 'restrictions')} {about}: {said}.",
        specs.stacked(bars, colours, span, every=frame.every, shades=shades(data, frame), height=_HEIGHT)
        if bars
        else None,
        *_table(found, ordered, frame),
        sql,
        _HEIGHT + 78,
        left_out(found, frame),
    )


def by_reason(data: Held, subject: Subject, frame: Frame, about: str) -> Figure | None:
    """The reasons that are stated most, each by the period in which the restrictions began."""
    sql = subjects.by_reason(subject, frame.every)
    found = [Counted(*row) for row in data.ask(sql).rows]
    totals = Counter[str]()
    for one in found:
        if one.value is not None:
            totals[one.value] += one.restrictions
    if not totals:
        return None
    told = [(value, some) for value, some in totals.most_common() if value != ReasonClass.OTHER][:_MOST_REASONS]
    shown = {one.period for one in found if one.period is not None and frame.shows(one.period)}
    bars = {
        value: [
            specs.Bar(
                one.period,
                value,
                one.restrictions,
                f"{name_of(one.period, frame.every)}: {count(one.restrictions, 'restriction', 'restrictions')}",
            )
            for one in found
            if one.value == value and one.period in shown and one.period is not None
        ]
        for value, _ in told
    }
    highest = max((bar.number for some in bars.values() for bar in some), default=1)
    span = _span(frame, [period for period in shown if period is not None])
    ground = shades(data, frame)
    none = sum(one.restrictions for one in found if one.value is None)
    return Figure(
        "reasons-over-time",
        "Reasons over time",
        f"Reasons stated for restrictions {about}: "
        + ", ".join(f"{words.reason(ReasonClass(value))} {number(some)}" for value, some in told)
        + f". For {number(none)} none is stated.",
        None,
        *_table(found, [(kind.value, words.reason(kind)) for kind in ReasonClass], frame),
        sql,
        _PANEL,
        f"One with several reasons counts under each. {left_out(found, frame)}".strip(),
        tuple(
            Panel(
                f"{_upper(words.reason(ReasonClass(value)))}: {number(some)}",
                f"{words.reason(ReasonClass(value))}: {count(some, 'restriction', 'restrictions')}",
                specs.bars_panel(bars[value], span, highest, every=frame.every, shades=ground),
            )
            for value, some in told
            if bars[value]
        ),
    )


def plain(value: str) -> str:
    """A class as words."""
    return value.replace("_", " ")


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _span(frame: Frame, shown: Iterable[date]) -> tuple[date, date]:
    start = frame.since or min(shown, default=frame.until.replace(day=1))
    last = max([*shown, frame.until.replace(day=1)]) if frame.since is None else frame.until
    return start, following(last.replace(day=1), "month")


def _table(
    found: Sequence[Counted], ordered: Sequence[tuple[str, str]], frame: Frame
) -> tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]]:
    """A row for each period, the latest first, a column for each value that there is; last what has no period."""
    present = {one.value for one in found}
    columns: list[tuple[str | None, str]] = [(value, name) for value, name in ordered if value in present]
    columns += [(None, _UNSTATED)] if None in present else []
    numbers = Counter[tuple[date | None, bool, str | None]]()
    for one in found:
        numbers[one.period, one.is_dated, one.value] += one.restrictions
    periods = sorted({one.period for one in found if one.period is not None}, reverse=True)
    rows: list[tuple[date | None, bool, str]] = [(one, True, name_of(one, frame.every)) for one in periods]
    rows += [(None, is_dated, name) for is_dated, name in ((True, "dated too coarsely"), (False, "not dated"))]
    cells = [
        (name, *(number(numbers[period, is_dated, value]) for value, _ in columns))
        for period, is_dated, name in rows
        if any((period, is_dated, value) in numbers for value, _ in columns)
    ]
    return ("Began", *(name for _, name in columns)), tuple(cells)


def left_out(found: Sequence[Counted], frame: Frame) -> str:
    """What a chart of such counts can't show, in a sentence; empty where it shows all."""
    earlier = sum(one.restrictions for one in found if one.period is not None and not frame.shows(one.period))
    coarse = sum(one.restrictions for one in found if one.period is None and one.is_dated)
    undated = sum(one.restrictions for one in found if not one.is_dated)
    said = [
        f"{number(undated)} without a date" if undated else "",
        f"{number(coarse)} dated too coarsely for a {frame.every}" if coarse else "",
        f"{number(earlier)} from before {day(frame.since)}" if earlier and frame.since is not None else "",
    ]
    told = [one for one in said if one]
    return f"Not drawn: {words.listing(told)}." if told else ""


def shades(data: Held, frame: Frame) -> list[specs.Shade]:
    """The periods of which little was read."""
    rows = data.ask(filled("SELECT period, coverage FROM coverage_by($every) ORDER BY period", every=frame.every)).rows
    return [
        specs.Shade(period, following(period, frame.every), coverage)
        for period, coverage in rows
        if frame.shows(period) and period <= frame.until
    ]

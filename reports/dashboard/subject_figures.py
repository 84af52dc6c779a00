"""Charts that the pages of services, countries and actors have alike: lives, actions, scopes and reasons over time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

from pipeline.types import Action, ReasonClass, ScopeClass
from reports import event_words as words
from reports.chart_data import Lifeline, lifeline
from reports.dashboard import links, specs
from reports.dashboard.events import country_names
from reports.dashboard.figures import Cell, Figure, Link, Panel, cell
from reports.dashboard.frames import Frame, following
from reports.dashboard.snapshots import Held
from reports.dashboard.subject_counts import UNSTATED, Counts, shades
from reports.dashboard.subject_page import IN_EFFECT, filters
from reports.inert import line
from reports.locales import count, day, number
from reports.palette import INKS
from warehouse.dashboard import subjects
from warehouse.dashboard.asking import Sql
from warehouse.dashboard.subjects import Counted, Subject
from warehouse.event_list import EVENT_COLUMNS, EventRow, event_row
from warehouse.tables.events import read_transition

MOST_LIVES: Final = 16
_MOST_REASONS: Final = 6
_NAMED: Final = 5
_HEIGHT: Final = 200
_LEGEND: Final = 78
_PANEL: Final = 96
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
    names = {action.value: action.value for action in Action}
    counts = _counts(data, subjects.by_action(subject, frame.every), subject, frame, ("action", names))
    told = "history", "When restrictions began", about
    return _stacked(data, counts, told, specs.action_colours(), lambda value: value or UNSTATED)


def by_scope(data: Held, subject: Subject, frame: Frame, about: str) -> Figure | None:
    """Restrictions by the period in which they began, and by how wide they are."""
    names = {kind.value: plain(kind) for _, _, kinds in SCOPES for kind in kinds}
    counts = _counts(data, subjects.by_scope(subject, frame.every), subject, frame, ("scope", names))
    told = "scopes", "For whom: from government devices to nationwide", about
    colours = {name: colour for name, colour, _ in SCOPES}
    return _stacked(data, counts, told, colours, lambda value: _STEP_OF.get(value or "", SCOPES[-1][0]))


def _counts(data: Held, sql: Sql, subject: Subject, frame: Frame, by: tuple[str, Mapping[str, str]]) -> Counts:
    asked = {**filters(subject), **IN_EFFECT}
    return Counts([Counted(*row) for row in data.ask(sql).rows], frame, asked, *by, sql)


def _stacked(
    data: Held,
    counts: Counts,
    told: tuple[str, str, str],
    colours: Mapping[str, str],
    group: Callable[[str | None], str],
) -> Figure | None:
    if not counts.found:
        return None
    id_, heading, about = told
    bars, frame = counts.bars(group), counts.frame
    said = ", ".join(f"{value} {number(some)}" for value, some in counts.totals(group).most_common(_NAMED))
    spec, note = None, counts.left_out()
    if bars:
        ground = shades(data, frame)
        note = f"{note} {specs.shaded(ground, counts.span())}".strip()
        spec = specs.stacked(bars, colours, counts.span(), every=frame.every, shades=ground, height=_HEIGHT)
    return Figure(
        id_,
        heading,
        f"{count(counts.total, 'restriction', 'restrictions')} {about}: {said}.",
        spec,
        *counts.table(),
        counts.sql,
        _HEIGHT + _LEGEND,
        note,
    )


def by_reason(data: Held, subject: Subject, frame: Frame, about: str) -> Figure | None:
    """The reasons that are stated most, each by the period in which the restrictions began."""
    names = {kind.value: words.reason(kind) for kind in ReasonClass}
    counts = _counts(data, subjects.by_reason(subject, frame.every), subject, frame, ("reason", names))
    totals = counts.totals(lambda value: value or UNSTATED)
    none = totals.pop(UNSTATED, 0)
    told = [(value, some) for value, some in totals.most_common() if value != ReasonClass.OTHER][:_MOST_REASONS]
    if not told:
        return None
    bars: dict[str, list[specs.Bar]] = {}
    for bar in counts.bars(lambda value: value or UNSTATED):
        bars.setdefault(bar.value, []).append(replace(bar, told=bar.told.replace(bar.value, names.get(bar.value, ""))))
    highest = max((bar.number for value, _ in told for bar in bars.get(value, ())), default=1)
    ground, span = shades(data, frame), counts.span()
    said = ", ".join(f"{names[value]} {number(some)}" for value, some in told)
    notes = ("One with several reasons counts under each.", counts.left_out(), specs.shaded(ground, span))
    return Figure(
        "reasons-over-time",
        "Reasons over time",
        f"Reasons stated for restrictions {about}: {said}. For {number(none)} none is stated.",
        None,
        *counts.table(),
        counts.sql,
        _PANEL,
        " ".join(filter(None, notes)),
        tuple(
            Panel(
                f"{_upper(names[value])}: {number(some)}",
                f"{names[value]}: {count(some, 'restriction', 'restrictions')}",
                specs.bars_panel(bars[value], span, highest, every=frame.every, shades=ground),
                links.explore(**counts.asked, reason=value),
            )
            for value, some in told
            if value in bars
        ),
    )


def plain(value: str) -> str:
    """A class as words."""
    return value.replace("_", " ")


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]

"""What was found over time: events by month and action."""

from collections import Counter
from datetime import date, timedelta
from typing import Final

from reports.dashboard import specs
from reports.dashboard.facets import Counts, label_of
from reports.dashboard.figures import Cell, Figure, Link
from reports.dashboard.frames import Frame, begin, following, name_of
from reports.dashboard.snapshots import Held
from reports.dashboard.subject_counts import shades
from reports.dashboard.view_url import View
from reports.locales import count, number
from warehouse.dashboard.subjects import Every

_HEIGHT: Final = 190
_LEGEND: Final = 60
_MOST: Final = 160
"""Bars: each is a row of the table, too."""

_PERIODS: Final[tuple[Every, ...]] = ("month", "quarter", "year")
_NAMED: Final = 3


def over_time(data: Held, view: View, counts: Counts, sql: str) -> Figure | None:
    """Events found by the period that their date lies in, and by action; None where none is dated so exactly."""
    every = _every(counts)
    summed = _summed(counts, every)
    if not summed:
        return None
    found = [(*key, events, _view(view, key, every)) for key, events in sorted(summed.items())]
    first, last = found[0][0], found[-1][0]
    frame = Frame(first, following(last, every), every, ())
    span, ground = (first, frame.until), shades(data, frame)
    bars = [
        specs.Bar(
            period,
            label_of("action", action),
            events,
            f"{name_of(period, every)}: {count(events, 'event', 'events')}, {label_of('action', action)}",
            address,
        )
        for period, action, events, address in found
    ]
    colours = {label_of("action", action): colour for action, colour in specs.action_colours().items()}
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (name_of(period, every), label_of("action", action), Link(number(events), address))
        for period, action, events, address in found
    )
    return Figure(
        "over-time",
        f"What was found, by {every}",
        _says(counts, summed, every),
        specs.stacked(bars, colours, span, every=every, shades=ground, height=_HEIGHT),
        (every.capitalize(), "Action", "Events"),
        rows,
        f"-- Here are the rows whose facet is 'month' or 'year'.\n{sql}",
        _HEIGHT + _LEGEND,
        f"{_note(counts.all - sum(summed.values()), every)} {specs.shaded(ground, span)}".strip(),
    )


def _summed(counts: Counts, every: Every) -> Counter[tuple[date, str]]:
    """Events by period and action: those whose date is as exact as that."""
    summed = Counter[tuple[date, str]]()
    for is_year, period, action, events in counts.periods:
        if every == "year" or not is_year:
            summed[begin(period, every), action] += events
    return summed


def _every(counts: Counts) -> Every:
    """The shortest periods of which there are not too many to read, and years where all is dated to years alone."""
    tried = ((every, len(_summed(counts, every))) for every in _PERIODS)
    return next((every for every, bars in tried if 0 < bars <= _MOST), _PERIODS[-1])


def _says(counts: Counts, summed: Counter[tuple[date, str]], every: Every) -> str:
    periods = Counter[date]()
    for (period, _), events in summed.items():
        periods[period] += events
    ((top, most),) = periods.most_common(1)
    ranked = sorted(counts.actions.items(), key=lambda one: -one[1])[:_NAMED]
    named = ", ".join(f"{label_of('action', one)} {number(some)}" for one, some in ranked)
    return f"By {every} and action. The most in {name_of(top, every)}: {number(most)}. Commonest: {named}."


def _note(left: int, every: Every) -> str:
    exact = "no date" if every == "year" else "no date, or none as exact as a month"
    return f"Not drawn: {count(left, 'event', 'events')} with {exact}." if left else ""


def _view(view: View, bar: tuple[date, str], every: Every) -> str:
    """The view of the events of a bar: those whose whole date lies in its period, within the view's own days."""
    period, action = bar
    last = following(period, every) - timedelta(days=1)
    within = ("day", "month", "year") if every == "year" else ("day", "month")
    return view.address(
        since=max(period, view.wanted.since or period),
        until=min(last, view.wanted.until or last),
        dated=[one for one in view.wanted.dated if one in within] or list(within),
        action=[action],
    )

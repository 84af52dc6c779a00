"""What was found over time: events by month and action."""

from calendar import monthrange
from collections import Counter
from datetime import date
from typing import Final

from reports.dashboard import specs
from reports.dashboard.facets import Counts, label_of
from reports.dashboard.figures import Cell, Figure, Link
from reports.dashboard.frames import Frame, following, told_until
from reports.dashboard.snapshots import Held
from reports.dashboard.subject_figures import shades
from reports.dashboard.view_url import View
from reports.locales import count, day, number

_HEIGHT: Final = 190
_NAMED: Final = 3


def over_time(data: Held, view: View, counts: Counts, sql: str) -> Figure | None:
    """Events found by the month that their date lies in, and by action; None where none has such a date."""
    dated = [(month, action, events) for month, action, events in counts.months if month is not None]
    if not dated:
        return None
    first, last = dated[0][0], dated[-1][0]
    frame = Frame(first, max(following(last, "month"), told_until(data, last)), "month", ())
    bars = [
        specs.Bar(
            month,
            action,
            events,
            f"{day(f'{month:%Y-%m}')}: {count(events, 'event', 'events')}, {label_of('action', action)}",
            _month(view, month, action),
        )
        for month, action, events in dated
    ]
    by_month = Counter[date]()
    for month, _, events in dated:
        by_month[month] += events
    (top, most), *_ = by_month.most_common(1)
    undated = counts.all - sum(by_month.values())
    actions = Counter[str]()
    for _, action, events in counts.months:
        actions[action] += events
    named = ", ".join(f"{label_of('action', one)} {number(some)}" for one, some in actions.most_common(_NAMED))
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (day(f"{month:%Y-%m}"), label_of("action", action), Link(number(events), _month(view, month, action)))
        for month, action, events in dated
    )
    return Figure(
        "over-time",
        "What was found, by month",
        f"By month and action. The most in {day(f'{top:%Y-%m}')}: {number(most)}. Commonest: {named}.",
        specs.stacked(bars, specs.action_colours(), (first, frame.until), shades=shades(data, frame), height=_HEIGHT),
        ("Month", "Action", "Events"),
        rows,
        f"-- The rows whose facet is 'month'.\n{sql}",
        _HEIGHT + 60,
        f"{count(undated, 'event has', 'events have')} no date that lies in one month." if undated else "",
    )


def _month(view: View, month: date, action: str) -> str:
    """The view of the events of a bar: those whose whole date lies in the month, within the view's own bounds."""
    last = month.replace(day=monthrange(month.year, month.month)[1])
    dated = [one for one in view.wanted.dated if one in ("day", "month")] or ["day", "month"]
    since = max(month, view.wanted.since or month)
    until = min(last, view.wanted.until or last)
    return view.address(since=since, until=until, dated=dated, action=[action])

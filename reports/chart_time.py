"""Charts over time: what `reports.charts` makes curves, timelines and bars of. Days are UTC."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import count
from typing import Any, Final, Literal, TypeAlias

import altair as alt

from pipeline.types import Action
from reports.chart_data import Lifeline, Month, Points
from reports.chart_lives import KIND_OF, STEP_NAMES, SYMBOLS, bars_of, marks_of, name_of
from reports.chart_map import layered
from reports.palette import PALETTE, Inks, Theme

Rows: TypeAlias = list[dict[str, Any]]

CURVE, ENDS = "curve", "ends"
"""The names of a curve's data."""

_ROW: Final = 24
_BAR: Final = 9

_ROOM: Final = 44
"""Pixels on either side of the course of a number for its first and last value."""

_MONTH_LABEL: Final = 42
"""Pixels for the name of a month."""

_YEARS: Final = timedelta(days=3 * 366)
"""A span that is longer has years on its axis, a shorter one months."""

_MONTHS: Final = "utcmonth(datum.value) == 0 ? utcFormat(datum.value, '%Y') : utcFormat(datum.value, '%b')"


def curve_rows(points: Points, perhaps: Points = (), span: tuple[date, date] | None = None) -> dict[str, Rows]:
    """The data of a curve, by name: both numbers on each day on which one changes, and at the ends of the span.

    `perhaps` are never fewer than the `points`; without any they are the same.
    """
    days = {day for day, _ in (*points, *perhaps)}
    if days and span is not None:
        days.update(span)
    surely, possibly = dict(points), dict(perhaps or points)
    rows: Rows = []
    number, highest = 0, 0
    for day in sorted(days):
        number, highest = surely.get(day, number), possibly.get(day, highest)
        rows.append({"on": day.isoformat(), "number": number, "perhaps": highest})
    ends = [rows[0] | {"side": "left"}, rows[-1] | {"side": "right"}] if rows else []
    return {CURVE: rows, ENDS: ends}


def stairs(data: Mapping[str, Rows], inks: Inks, size: tuple[int, int], span: tuple[date, date]) -> alt.LayerChart:
    """A number that grew day by day, without its dress: what it may have been behind what it surely was."""
    highest = max((row["perhaps"] for row in data[CURVE]), default=0)
    drawn, ends, encoding = _line(data, _time(span, size[0]), alt.Y("number:Q", axis=_counted(highest)))
    layers = [
        drawn.mark_area(interpolate="step-after", color=inks.doubt, opacity=1, aria=False).encode(
            **encoding, y2="perhaps:Q"
        ),
        drawn.mark_line(interpolate="step-after", color=inks.curve, strokeWidth=2, aria=False).encode(**encoding),
        *_written(ends.transform_filter("datum.side == 'right'").encode(**encoding), inks, "left"),
    ]
    return layered(layers, size[0], size[1])


def course(data: Mapping[str, Rows], inks: Inks, size: tuple[int, int]) -> alt.LayerChart:
    """A number week by week, without its dress: a line over its own surface, its first and last value written."""
    axis = alt.Axis(title=None, grid=False, tickCount=_interval("month", 1), labelExpr=_MONTHS, labelOverlap="greedy")
    x = alt.X("on:T", scale=alt.Scale(type="utc", range=[_ROOM, size[0] - _ROOM]), axis=axis)
    drawn, ends, encoding = _line(data, x, alt.Y("number:Q", axis=None, scale=alt.Scale(zero=True, nice=False)))
    layers = [
        drawn.mark_area(color=inks.doubt, opacity=1, aria=False).encode(**encoding),
        drawn.mark_line(color=inks.curve, strokeWidth=2, aria=False).encode(**encoding),
        *_written(ends.transform_filter("datum.side == 'left'").encode(**encoding), inks, "right"),
        *_written(ends.transform_filter("datum.side == 'right'").encode(**encoding), inks, "left"),
    ]
    return layered(layers, size[0], size[1])


def _line(data: Mapping[str, Rows], x: alt.X, y: alt.Y) -> tuple[alt.Chart, alt.Chart, dict[str, Any]]:
    drawn, ends = (alt.Chart(alt.InlineData(values=data[name], name=name)) for name in (CURVE, ENDS))
    return drawn, ends, {"x": x, "y": y}


def _written(end: alt.Chart, inks: Inks, align: Literal["left", "right"]) -> tuple[alt.Chart, alt.Chart]:
    """A value at an end of a line: a dot, and the number beside it."""
    return (
        end.mark_point(filled=True, color=inks.curve, size=36, opacity=1, aria=False),
        end.mark_text(
            align=align, dx=8 if align == "left" else -8, color=inks.ink, fontWeight="bold", fontSize=12, aria=False
        ).encode(text=alt.Text("number:Q", format=",d")),
    )


def _time(span: tuple[date, date], width: int, unit: Any = alt.Undefined) -> alt.X:
    """The axis of days: by years where it is long, else by months."""
    is_long = span[1] - span[0] > _YEARS
    axis = alt.Axis(
        labelExpr="utcFormat(datum.value, '%Y')" if is_long else _MONTHS,
        tickCount=_interval("year", 1) if is_long else _interval("month", _months_apart(span, width)),
        title=None,
        grid=False,
        labelOverlap="greedy",
        labelSeparation=6,
    )
    return alt.X("on:T", timeUnit=unit, scale=alt.Scale(type="utc", domain=[_day(one) for one in span]), axis=axis)


def _counted(highest: int) -> alt.Axis:
    """The axis of a count: at most five lines, at whole numbers."""
    step = next(step for step in _tick_steps() if highest <= 4 * step)
    values = list(range(0, highest + 1, step))
    return alt.Axis(values=values, format=",d", title=None, domain=False, ticks=False)


def _tick_steps() -> Iterator[int]:
    return (digit * 10**power for power in count() for digit in (1, 2, 5))


def _interval(unit: Literal["month", "year"], step: int) -> alt.TimeIntervalStep:
    return alt.TimeIntervalStep(interval=unit, step=step)


def _months_apart(span: tuple[date, date], width: int) -> int:
    """How many months to leave between two labels, so that there is room for each."""
    months = (span[1] - span[0]).days / 30.4
    return next((step for step in (1, 2, 3, 6) if months / step * _MONTH_LABEL <= width), 12)


def _day(day: date) -> alt.DateTime:
    return alt.DateTime(year=day.year, month=day.month, date=day.day, utc=True)


def lives(
    lifelines: Sequence[Lifeline], theme: Theme, inks: Inks, width: int, span: tuple[date, date]
) -> alt.LayerChart:
    """A row for each life without its dress: a thin line while it was spoken of, a bar while it was in force."""
    x, y = _time(span, width), alt.Y("row:O", axis=None, scale=alt.Scale(padding=0))
    bars = [row for place, one in enumerate(lifelines) for row in bars_of(place, one, span)]
    marks = [row for place, one in enumerate(lifelines) for row in marks_of(place, one, span)]
    names = [{"row": place, "name": name_of(one)} for place, one in enumerate(lifelines)]
    coloured = alt.Fill("action:N", scale=_colours({one.action for one in lifelines}, theme), legend=_LEGEND)
    shown = sorted({row["step"] for row in marks}, key=list(STEP_NAMES.values()).index)
    shapes = alt.Scale(domain=shown, range=[SYMBOLS[KIND_OF[name]] for name in shown])
    ruled = alt.Chart(alt.InlineData(values=names))
    drawn = alt.Chart(alt.InlineData(values=bars))
    layers = [
        ruled.mark_rule(stroke=inks.line, strokeWidth=1, strokeDash=[1, 3], aria=False).encode(y=y),
        drawn.transform_filter("datum.part == 'known'")
        .mark_rule(stroke=inks.muted, strokeWidth=1.5, aria=False)
        .encode(x=x, x2="to:T", y=y),
        drawn.transform_filter("datum.part == 'surely'")
        .mark_bar(height=_BAR, opacity=1)
        .encode(x=x, x2="to:T", y=y, fill=coloured, description="told:N", tooltip="told:N"),
        drawn.transform_filter("datum.part == 'begun'")
        .mark_tick(thickness=3, size=_BAR, opacity=1, aria=False)
        .encode(x=x, y=y, fill=coloured),
        drawn.transform_filter("datum.part == 'perhaps'")
        .mark_bar(height=_BAR, opacity=0.4, aria=False)
        .encode(x=x, x2="to:T", y=y, fill=coloured),
        alt.Chart(alt.InlineData(values=marks))
        .mark_point(fill=inks.paper, stroke=inks.ink, strokeWidth=1.5, size=60, opacity=1)
        .encode(
            x=x,
            y=y,
            # A legend of nothing has no size, and gives the picture an endless one.
            shape=alt.Shape("step:N", scale=shapes, legend=_LEGEND_BELOW if shown else None),
            description="told:N",
            tooltip="told:N",
        ),
        ruled.mark_text(align="right", baseline="middle", color=inks.ink, fontSize=11, limit=230, aria=False).encode(
            x=alt.XValue(-10), y=y, text="name:N"
        ),
    ]
    return layered(layers, width, _ROW * len(lifelines))


_LEGEND: Final = alt.Legend(orient="top", direction="horizontal", title=None, columns=0, symbolType="square")
_LEGEND_BELOW: Final = alt.Legend(orient="bottom", direction="horizontal", title=None, columns=0)


def _colours(actions: set[Action], theme: Theme) -> alt.Scale:
    shown = [action for action in Action if action in actions]
    return alt.Scale(domain=[one.value for one in shown], range=[PALETTE[theme][one] for one in shown])


def months(
    counts: Sequence[Month], theme: Theme, inks: Inks, size: tuple[int, int], span: tuple[date, date]
) -> alt.Chart:
    """Stacked bars of a count by month and action without their dress, the most forceful at the bottom."""
    order, totals = list(Action), Counter[date]()
    for month, _, number in counts:
        totals[month] += number
    rows = [
        {
            "on": month.isoformat(),
            "action": action.value,
            "order": order.index(action),
            "number": number,
            "told": f"{month:%B %Y}, {action.value}: {number}",
        }
        for month, action, number in counts
    ]
    drawn: alt.Chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar(stroke=inks.paper, strokeWidth=1)
        .encode(
            x=_time(span, size[0], unit="utcyearmonth"),
            y=alt.Y("number:Q", stack="zero", axis=_counted(max(totals.values(), default=0))),
            fill=alt.Fill("action:N", scale=_colours({action for _, action, _ in counts}, theme), legend=_LEGEND),
            order=alt.Order("order:Q"),
            description="told:N",
            tooltip="told:N",
        )
        .properties(width=size[0], height=size[1])
    )
    return drawn

"""The charts of the dashboard as Vega-Lite: pure, from rows to a spec in the colours of the light theme.

They are written as they are, without Altair: its import takes a second and 50 MB, and each of its charts 30 ms. Tests
hold them to its schema. A chart is as large as its box; what depends on the width is worked out by the browser.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Literal, TypeAlias

from pipeline.types import Action
from reports import locales
from reports.chart_data import Lifeline, Points
from reports.chart_lives import KIND_OF, STEP_NAMES, SYMBOLS, bars_of, marks_of, name_of
from reports.dashboard.curves import Row, curve_rows
from reports.dashboard.spec_parts import KINDS, Span, Spec, count_axis, days_axis, dressed, time_axis
from reports.palette import INKS, PALETTE

Every: TypeAlias = Literal["day", "week", "month", "quarter", "year"]

_INKS: Final = INKS["light"]
_ROW: Final = 40
"""Pixels of a life: its name above its bar."""

_BAR: Final = 10
_ROOM: Final = 1.16
"""How much higher an axis is than the highest curve: the number at its end has room there."""

Coverage: TypeAlias = Literal["none", "gaps", "thin", "ok"]
_SHADES: Final[Mapping[str, float]] = {"none": 0.4, "gaps": 0.22, "thin": 0.22}
_COVERAGE_WORDS: Final[Mapping[str, str]] = {
    "none": "nothing was read",
    "gaps": "much less was read than the sources bring",
    "thin": "few articles were read",
}


@dataclass(frozen=True, slots=True)
class Shade:
    """A span of time of which little was read: its first day, the day after its last, and how it was covered.

    `date.min` stands for all that came before.
    """

    start: date
    end: date
    coverage: Coverage


@dataclass(frozen=True, slots=True)
class Bar:
    """So many in a period, given by its first day, under a value; `told` is said of it, `address` where it leads."""

    period: date
    value: str
    number: int
    told: str
    address: str | None = None


def curve(surely: Points, perhaps: Points, span: Span, highest: int | None = None, height: int = 160) -> Spec:
    """How many countries had restricted a service by each day: the line surely, the pale surface perhaps.

    `highest` is where the axis ends, by default what was reached.
    """
    rows = curve_rows(surely, perhaps, span)
    return dressed(
        {
            "height": height,
            "data": {"values": rows},
            "encoding": {"x": time_axis(span)},
            "layer": _grown(rows, "on", "T", highest),
        }
    )


def curve_panel(rows: Sequence[Row], domain: Sequence[Any], highest: int, *, by_day: bool, others: str) -> Spec:
    """One curve of several, with all the others in grey behind it: `others` is the name of the shared data.

    By the calendar (`by_day`) or by days since the first: `domain` is in the same. Rows are of `curve_rows` or
    `aligned_rows`.
    """
    field, kind = ("on", "T") if by_day else ("days", "Q")
    grey = {
        "data": {"name": others},
        "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 1, "color": _INKS.line},
        "encoding": {
            "x": {"field": field, "type": KINDS[kind]},
            "y": {"field": "number", "type": "quantitative"},
            "detail": {"field": "service", "type": "nominal"},
        },
    }
    x = time_axis((domain[0], domain[1])) if by_day else days_axis(domain[1])
    return dressed(
        {
            "height": 124,
            "data": {"values": list(rows)},
            "encoding": {"x": x},
            "layer": [grey, *_grown(rows, field, kind, highest)],
        }
    )


def _grown(rows: Sequence[Row], field: str, kind: str, highest: int | None) -> list[Spec]:
    """The layers of one curve: what it may have been, what it surely was, its end, and what a pointer is told."""
    most = max((row["perhaps"] for row in rows), default=0) if highest is None else highest
    x = {"field": field, "type": KINDS[kind]}
    y = {
        "field": "number",
        "type": "quantitative",
        "axis": count_axis(),
        "scale": {"domain": [0, max(most, 1) * _ROOM], "nice": False},
    }
    step = {"interpolate": "step-after"}
    end = {"data": {"values": list(rows[-1:])}}
    return [
        {
            "mark": {"type": "area", "color": _INKS.doubt, "opacity": 1, **step},
            "encoding": {"y": y, "y2": {"field": "perhaps"}},
        },
        {"mark": {"type": "line", "color": _INKS.curve, "strokeWidth": 2, **step}, "encoding": {"y": y}},
        {
            **end,
            "mark": {"type": "point", "filled": True, "color": _INKS.curve, "size": 34, "opacity": 1},
            "encoding": {"y": y},
        },
        {
            **end,
            "mark": {"type": "text", "align": "right", "dx": 3, "dy": -11, "color": _INKS.ink, "fontWeight": "bold"},
            "encoding": {"y": y, "text": {"field": "number", "type": "quantitative", "format": ",d"}},
        },
        # A rule that follows the pointer: what it rests on is told wherever it stands.
        {
            "params": [
                {
                    "name": "at",
                    "select": {"type": "point", "nearest": True, "on": "pointermove", "clear": "pointerout"},
                }
            ],
            "mark": {"type": "rule", "color": _INKS.muted, "strokeWidth": 1},
            "encoding": {
                "x": x,
                "opacity": {"condition": {"param": "at", "empty": False, "value": 0.7}, "value": 0},
                "tooltip": {"field": "told", "type": "nominal"},
            },
        },
    ]


def stacked(
    bars: Sequence[Bar],
    colours: Mapping[str, str],
    span: Span,
    *,
    every: Every = "month",
    shades: Sequence[Shade] = (),
    height: int = 200,
) -> Spec:
    """Bars over time, stacked by value in the order of `colours`; where little was read the ground is shaded."""
    order = list(colours)
    rows = [
        {
            "on": bar.period.isoformat(),
            "to": _after(bar.period, every).isoformat(),
            "value": bar.value,
            "order": order.index(bar.value),
            "number": bar.number,
            "told": bar.told,
            "address": bar.address,
        }
        for bar in bars
    ]
    shown = [value for value in order if any(bar.value == value for bar in bars)]
    fill = {
        "field": "value",
        "type": "nominal",
        "scale": {"domain": shown, "range": [colours[value] for value in shown]},
        "legend": {"orient": "top", "title": None, "columns": {"expr": "max(1, floor(width / 110))"}},
    }
    drawn = {
        "data": {"values": rows},
        "mark": {"type": "bar", "orient": "vertical", "stroke": _INKS.paper, "strokeWidth": 0.5, **_pointed(rows)},
        "encoding": {
            "x": time_axis(span),
            "x2": {"field": "to"},
            "y": {"field": "number", "type": "quantitative", "stack": "zero", "axis": count_axis()},
            "fill": fill,
            "order": {"field": "order", "type": "quantitative"},
            "tooltip": {"field": "told", "type": "nominal"},
        },
    }
    return dressed({"height": height, "layer": [*_shaded(shades, span), drawn]})


def bars_panel(
    bars: Sequence[Bar], span: Span, highest: int, *, every: Every, shades: Sequence[Shade] = (), height: int = 68
) -> Spec:
    """Bars over time of one value among several, which all have an axis up to `highest`."""
    rows = [
        {
            "on": bar.period.isoformat(),
            "to": _after(bar.period, every).isoformat(),
            "number": bar.number,
            "told": bar.told,
            "address": bar.address,
        }
        for bar in bars
    ]
    y = {
        "field": "number",
        "type": "quantitative",
        "axis": {**count_axis(), "tickCount": 2},
        "scale": {"domain": [0, max(highest, 1)], "nice": False},
    }
    drawn = {
        "data": {"values": rows},
        "mark": {
            "type": "bar",
            "orient": "vertical",
            "color": _INKS.curve,
            "stroke": _INKS.paper,
            "strokeWidth": 0.5,
            **_pointed(rows),
        },
        "encoding": {
            "x": time_axis(span),
            "x2": {"field": "to"},
            "y": y,
            "tooltip": {"field": "told", "type": "nominal"},
        },
    }
    return dressed({"height": height, "layer": [*_shaded(shades, span), drawn]})


def lives(lifelines: Sequence[Lifeline], span: Span, addresses: Mapping[str, str] | None = None) -> Spec:
    """A row for each life, its name above it: a thin line while it was spoken of, a bar while it was in force.

    The bar is pale where its date is a range. `addresses` are those of the pages of events, by id.
    """
    led = addresses or {}
    told = [(place, one, led.get(one.event_id)) for place, one in enumerate(lifelines)]
    bars = [row | {"address": to} for place, one, to in told for row in bars_of(place, one, span)]
    marks = [row | {"address": to} for place, one, to in told for row in marks_of(place, one, span)]
    names = [{"row": place, "name": name_of(one), "address": to} for place, one, to in told]
    steps = sorted({row["step"] for row in marks}, key=list(STEP_NAMES.values()).index)
    x = time_axis(span, grid=True)
    y = {"field": "row", "type": "ordinal", "axis": None, "scale": {"paddingInner": 0, "paddingOuter": 0}}
    until = {"x": x, "x2": {"field": "to"}, "y": y}
    fill = {"fill": _by_action({row["action"] for row in bars})}
    tells = {"tooltip": {"field": "told", "type": "nominal"}}
    low, pointed = 6, {"cursor": "pointer"} if led else {}
    layers: list[Spec] = [
        {
            "data": {"values": names},
            "mark": {"type": "text", "align": "left", "dy": -10, "color": _INKS.ink, "fontSize": 12, **pointed},
            "encoding": {"x": {"value": 0}, "y": y, "text": {"field": "name", "type": "nominal"}},
        },
        _part(bars, "known", {"type": "rule", "color": _INKS.muted, "strokeWidth": 1.5, "yOffset": low}, until),
        _part(
            bars,
            "surely",
            {"type": "bar", "height": _BAR, "opacity": 1, "yOffset": low, **pointed},
            {**until, **fill, **tells},
        ),
        _part(
            bars,
            "begun",
            {"type": "tick", "thickness": 3, "size": _BAR, "opacity": 1, "yOffset": low},
            {"x": x, "y": y, **fill, **tells},
        ),
        _part(bars, "perhaps", {"type": "bar", "height": _BAR, "opacity": 0.4, "yOffset": low}, {**until, **fill}),
    ]
    if marks:
        shape = {
            "field": "step",
            "type": "nominal",
            "scale": {"domain": steps, "range": [SYMBOLS[KIND_OF[one]] for one in steps]},
            "legend": {
                "orient": "bottom",
                "title": None,
                "columns": {"expr": "max(1, floor(width / 110))"},
                "symbolStrokeColor": _INKS.ink,
                "symbolStrokeWidth": 1.5,
            },
        }
        at = {"x": x, "y": y}
        halo = {"type": "point", "filled": True, "color": _INKS.paper, "size": 130, "opacity": 1, "yOffset": low}
        # Without a fill: with one, Vega-Lite takes the outline of symbols out of the legend.
        drawn = {"filled": False, "color": _INKS.ink, "strokeWidth": 1.5, "size": 60, "opacity": 1, "yOffset": low}
        layers += [
            {"data": {"values": marks}, "mark": halo, "encoding": at},
            {
                "data": {"values": marks},
                "mark": {"type": "point", **drawn, **pointed},
                "encoding": {**at, "shape": shape, **tells},
            },
        ]
    # A layer without data has no extent, which Vega warns of.
    filled = [layer for layer in layers if layer["data"]["values"]]
    # As high as its rows, not as its box, which has room for legends.
    height = {"height": _ROW * max(len(lifelines), 1), "autosize": {"type": "fit-x", "contains": "padding"}}
    return dressed({**height, "layer": filled})


def lives_height(number: int) -> int:
    """Pixels that a timeline of so many lives takes, with its axis and its legends."""
    return _ROW * number + 74


def shaded(shades: Sequence[Shade], span: Span) -> str:
    """What the shaded ground of a chart means, in a sentence; empty where none is shaded."""
    return "Shaded: little or nothing was read of what was published then." if _shaded(shades, span) else ""


def action_colours() -> dict[str, str]:
    """The colour of each action, the most forceful first."""
    return {action.value: PALETTE["light"][action] for action in Action}


def _part(rows: Sequence[Row], part: str, mark: Spec, encoding: Spec) -> Spec:
    return {"data": {"values": [row for row in rows if row["part"] == part]}, "mark": mark, "encoding": encoding}


def _by_action(shown: set[str]) -> Spec:
    colours = {value: colour for value, colour in action_colours().items() if value in shown}
    return {
        "field": "action",
        "type": "nominal",
        "scale": {"domain": list(colours), "range": list(colours.values())},
        "legend": {
            "orient": "top",
            "title": None,
            "symbolType": "square",
            "columns": {"expr": "max(1, floor(width / 110))"},
        },
    }


def _in_words(shade: Shade) -> str:
    if shade.start == date.min:
        return f"Before {locales.day(shade.end)}"
    return f"{locales.day(shade.start)} to {locales.day(shade.end - timedelta(days=1))}"


def _shaded(shades: Sequence[Shade], span: Span) -> list[Spec]:
    """The ground where little was read, from the top to the bottom of the chart."""
    rows = [
        {
            "on": max(shade.start, span[0]).isoformat(),
            "to": min(shade.end, span[1]).isoformat(),
            "opacity": _SHADES[shade.coverage],
            "told": f"{_in_words(shade)}: {_COVERAGE_WORDS[shade.coverage]}",
        }
        for shade in shades
        if shade.coverage in _SHADES and shade.start < span[1] and shade.end > span[0]
    ]
    if not rows:
        return []
    return [
        {
            "data": {"values": rows},
            "mark": {"type": "rect", "color": _INKS.line},
            "encoding": {
                "x": time_axis(span),
                "x2": {"field": "to"},
                "opacity": {"field": "opacity", "type": "quantitative", "scale": None},
                "tooltip": {"field": "told", "type": "nominal"},
            },
        }
    ]


def _pointed(rows: Sequence[Row]) -> Spec:
    return {"cursor": "pointer"} if any(row["address"] for row in rows) else {}


def _after(period: date, every: Every) -> date:
    """The first day after a period."""
    if every in ("day", "week"):
        return period + timedelta(days=1 if every == "day" else 7)
    months = period.year * 12 + period.month - 1 + {"month": 1, "quarter": 3, "year": 12}[every]
    return date(months // 12, months % 12 + 1, 1)

"""What the specs of all charts of the dashboard share: axes, fonts, and the colours of the light theme."""

from datetime import date
from typing import Any, Final, TypeAlias

from reports.palette import INKS

Spec: TypeAlias = dict[str, Any]
Span: TypeAlias = tuple[date, date]

SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v6.json"
FONT: Final = '-apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif'

_INKS: Final = INKS["light"]
_Y_LABELS: Final = 34
"""Pixels for the numbers of an axis, the same in all charts, so that they line up."""

_TIME_LABELS: Final = (
    "utcmonth(datum.value) == 0 && utcdate(datum.value) == 1 ? utcFormat(datum.value, '%Y') : "
    "utcdate(datum.value) == 1 ? utcFormat(datum.value, '%b') : utcFormat(datum.value, '%e %b')"
)

KINDS: Final = {"T": "temporal", "Q": "quantitative"}
"""What is counted along an axis: days of the calendar, or numbers."""


def time_axis(span: Span, *, grid: bool = False) -> Spec:
    """The channel of days, in the field `on`: as many labels as there is room for."""
    return {
        "field": "on",
        "type": "temporal",
        "title": None,
        # A "domain" of days is held for two different ones where a layer has both ends of a bar, and warned of.
        "scale": {
            "type": "utc",
            "domainMin": _day(span[0]),
            "domainMax": _day(span[1]),
            "nice": False,
            "padding": 0,
            "clamp": True,
        },
        "axis": {
            "labelExpr": _TIME_LABELS,
            "tickCount": {"expr": "max(2, floor(width / 72))"},
            "grid": grid,
            "labelOverlap": "greedy",
            "labelSeparation": 6,
            "labelFlush": True,
        },
    }


def days_axis(most: int) -> Spec:
    """The channel of days since the first, in the field `days`, up to `most`."""
    return {
        "field": "days",
        "type": "quantitative",
        "title": "days since the first",
        "scale": {"domain": [0, max(most, 1)], "nice": False},
        "axis": {
            "tickCount": {"expr": "max(2, floor(width / 72))"},
            "format": ",d",
            "grid": False,
            "labelFlush": True,
            "titleAlign": "left",
            "titleAnchor": "start",
            "titleFontWeight": "normal",
            "titleColor": _INKS.muted,
            "titlePadding": 2,
        },
    }


def count_axis() -> Spec:
    """The axis of a count: few lines, at whole numbers."""
    return {
        "title": None,
        "format": ",d",
        "tickMinStep": 1,
        "tickCount": 4,
        "domain": False,
        "ticks": False,
        "minExtent": _Y_LABELS,
        "maxExtent": _Y_LABELS,
    }


def _day(day: date) -> Spec:
    return {"year": day.year, "month": day.month, "date": day.day, "utc": True}


def dressed(spec: Spec) -> Spec:
    """A spec with what all charts have alike: as large as its box, on the paper of the page, with one face."""
    axis = {
        "labelColor": _INKS.muted,
        "labelFontSize": 11,
        "gridColor": _INKS.line,
        "gridOpacity": 0.6,
        "domainColor": _INKS.line,
        "tickColor": _INKS.line,
        "tickSize": 4,
    }
    legend = {"labelColor": _INKS.ink, "labelFontSize": 12, "symbolType": "square", "offset": 8, "symbolStrokeWidth": 0}
    return {
        "$schema": SCHEMA,
        "width": 600,
        "autosize": {"type": "fit", "contains": "padding"},
        "background": "transparent",
        "config": {
            "font": FONT,
            "padding": {"left": 0, "top": 10, "right": 3, "bottom": 2},
            "view": {"stroke": None},
            "axis": axis,
            "legend": legend,
        },
        **spec,
    }

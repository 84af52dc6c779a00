"""The charts of mails, pages and the dashboard: pure, from data to an Altair chart, and from a chart to its bytes.

Every chart is drawn for a width in pixels and in the colours of `reports.palette`, on light or dark paper. What it
shows by colour it also shows by lightness, form or words.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import altair as alt
import vl_convert

from reports import chart_map, chart_time
from reports.chart_data import Curve, Lifeline, Month, Points
from reports.inert import line
from reports.palette import INKS, PALETTE, THEMES, Theme, all_of, dark_of, ink_on
from reports.pictures import reduced

if TYPE_CHECKING:
    from reports.digest import Week

__all__ = [
    "PALETTE",
    "THEMES",
    "Theme",
    "by_action",
    "dark_of",
    "ink_on",
    "png",
    "spread_curve",
    "spread_map",
    "svg",
    "timeline",
    "week_picture",
]

Chart: TypeAlias = alt.Chart | alt.LayerChart | alt.VConcatChart

FONT: Final = '"Liberation Sans", Arial, Helvetica, sans-serif'
"""The first is what pictures are made with; the others have letters as wide as its."""

SMALL: Final = 11
LARGE: Final = 13

PICTURE_WIDTH: Final = 552
"""Pixels from side to side of the picture of a week, as wide as a mail has room for."""

NEW_WORDS: Final = "new this week"

_EXACT: Final = tuple(dict.fromkeys(colour for theme in THEMES for colour in all_of(theme)))


def spread_map(
    by_country: Mapping[str, int],
    new: Collection[str] = (),
    *,
    names: Mapping[str, str] | None = None,
    theme: Theme = "light",
    width: int = 640,
    title: str | None = None,
) -> alt.LayerChart:
    """The world with a count for each country (by alpha-2 code), those of `new` ringed; `names` are theirs by code.

    What has no place on the map – the Union, what can't be told – is written below.
    """
    inks = INKS[theme]
    data = chart_map.rows_of(by_country, new, inks, width, names=names or {}, new_words=NEW_WORDS)
    return _dressed(chart_map.world(inks, width, data), theme, title)


def spread_curve(
    curve: Curve,
    span: tuple[date, date],
    *,
    theme: Theme = "light",
    width: int = 300,
    title: str | None = None,
) -> alt.LayerChart:
    """How many countries surely restricted a service by each day of the `span`, the last number written.

    The pale surface over it is what it may have been, by dates that are ranges.
    """
    data = chart_time.curve_rows(curve.surely, curve.perhaps, span)
    return _dressed(chart_time.stairs(data, INKS[theme], (width, round(width * 0.4)), span), theme, title)


def timeline(
    lifelines: Sequence[Lifeline],
    span: tuple[date, date],
    *,
    theme: Theme = "light",
    width: int = 640,
    title: str | None = None,
) -> alt.LayerChart:
    """The lives of events, one below the other: thin while they were spoken of, a bar while they were in force.

    Where the date is a range, the bar is pale until its last day. What lies before the `span` is cut off.
    """
    return _dressed(chart_time.lives(lifelines, theme, INKS[theme], width, span), theme, title)


def by_action(
    counts: Sequence[Month],
    span: tuple[date, date],
    *,
    theme: Theme = "light",
    width: int = 640,
    title: str | None = None,
) -> alt.Chart:
    """Events by month (given by its first day) and action, as stacked bars."""
    size = (width, round(width * 0.25))
    return _dressed(chart_time.months(counts, theme, INKS[theme], size, span), theme, title)


_Drawn = TypeVar("_Drawn", alt.Chart, alt.LayerChart, alt.VConcatChart)


def _dressed(chart: _Drawn, theme: Theme, title: str | None = None) -> _Drawn:
    inks = INKS[theme]
    if title is not None:
        chart = chart.properties(title=line(title))
    dressed: _Drawn = chart.configure(
        background=inks.paper,
        font=FONT,
        padding={"left": 0, "top": 0, "right": 0, "bottom": 3},  # room for descenders
        view=alt.ViewConfig(stroke=None),
        title=alt.TitleConfig(anchor="start", color=inks.ink, fontSize=LARGE, fontWeight="bold", offset=8),
        axis=alt.AxisConfig(
            aria=False,
            labelColor=inks.muted,
            labelFontSize=SMALL,
            gridColor=inks.line,
            gridOpacity=0.6,
            domainColor=inks.line,
            tickColor=inks.line,
            tickSize=4,
        ),
        legend=alt.LegendConfig(aria=False, labelColor=inks.ink, labelFontSize=SMALL, symbolStrokeWidth=1.5, offset=8),
    )
    return dressed


def png(chart: Chart, *, scale: float = 2) -> bytes:
    """The chart as a PNG of at most 256 colours, with so many dots to a pixel."""
    return reduced(vl_convert.vegalite_to_png(chart.to_dict(validate=False), scale=scale), _EXACT)


def svg(chart: Chart) -> str:
    """The chart as an SVG element."""
    return vl_convert.vegalite_to_svg(chart.to_dict(validate=False))


def week_picture(week: "Week", theme: Theme = "light") -> bytes:
    """The map and the curve of a week as one PNG, `PICTURE_WIDTH` pixels wide at twice as many dots.

    Equal weeks are drawn once.
    """
    return _picture(
        tuple(sorted(week.by_country.items())),
        frozenset(code for code, number in week.new_by_country.items() if number),
        week.curve,
        tuple((code, week.names.get(code, code)) for code in sorted(week.by_country)),
        theme,
    )


@lru_cache(maxsize=512)
def _picture(
    counts: tuple[tuple[str, int], ...],
    new: frozenset[str],
    points: Points,
    names: tuple[tuple[str, str], ...],
    theme: Theme,
) -> bytes:
    data = chart_map.rows_of(dict(counts), new, INKS[theme], PICTURE_WIDTH, names=dict(names), new_words=NEW_WORDS)
    data |= chart_time.curve_rows(points)
    template = _template(theme)
    filled = [one | {"values": data[one["name"]]} if one["name"] in data else one for one in template["data"]]
    return reduced(vl_convert.vega_to_png(json.dumps(template | {"data": filled}), scale=2), all_of(theme))


@cache
def _template(theme: Theme) -> dict[str, Any]:
    """The picture of a week as Vega has it, without its data: compiling takes longer than drawing."""
    inks = INKS[theme]
    data = chart_map.rows_of({}, (), inks, PICTURE_WIDTH, names={}, new_words="") | chart_time.curve_rows(())
    world = chart_map.world(inks, PICTURE_WIDTH, data, borders=False).properties(title="In force, by country")
    course = chart_time.course(data, inks, (PICTURE_WIDTH, 56)).properties(title="In force, week by week")
    picture = _dressed(alt.vconcat(world, course, spacing=14), theme)
    compiled: dict[str, Any] = vl_convert.vegalite_to_vega(picture.to_dict(validate=False))
    assert {one["name"] for one in compiled["data"]} >= data.keys(), "data keeps its name"
    return compiled

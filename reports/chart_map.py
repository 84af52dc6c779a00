"""The map of the world, its countries coloured by a count: what `reports.charts` makes maps of.

The outlines are given to Vega as paths that are ready to be drawn, not as shapes to be projected each time: a picture
takes a third of the time. What differs from map to map is data with a name, so that a map that is compiled once can be
filled again.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any, Final, TypeAlias

import altair as alt

from reports.chart_data import UNTOLD, steps_of
from reports.digest import UNKNOWN
from reports.inert import line
from reports.palette import Inks
from reports.shapes.paths import Paths, map_height, paths

_DOT: Final = 30
_RING: Final = 80
_SQUARE: Final = 90
"""Areas of symbols in square pixels."""

COUNTRIES, DOTS, RINGS, LEGEND, WORDS = "countries", "dots", "rings", "legend", "words"
"""The names of a map's data."""

Rows: TypeAlias = list[dict[str, Any]]

_NARROW: Final = 480
"""Pixels below which the legend has no room on the map, and stands in a line below it."""

_LEGEND_X: Final = 9
_LEGEND_GAP: Final = 12
_LEGEND_LINE: Final = 16
_FOOT: Final = 20
_SMALL_TEXT: Final = 11
_LETTER: Final = 5.6
"""Pixels that a letter of small text takes."""

_RESERVE: Final = 12
"""Letters that are kept free to tell how many more there are."""


def world(inks: Inks, width: int, data: Mapping[str, Rows], *, borders: bool = True) -> alt.LayerChart:
    """The map without its dress: land, counted countries, rings for new ones, dots for small ones, legend, the rest.

    `data` is what `rows_of` gives. Without `borders` between countries that have no count it is drawn in half the time.
    """
    fill = alt.Fill("fill:N", scale=None)
    land = [{"path": paths(width).land}]
    layers = [
        _shapes(alt.InlineData(values=land), inks, alt.FillValue(inks.land), 0.5 if borders else 0, aria=False),
        _shapes(_named(data, COUNTRIES), inks, fill, 0.5).encode(**_TOLD),
        _circles(_named(data, RINGS), _RING, stroke=inks.ink, fill=inks.paper, strokeWidth=2, aria=False),
        _circles(_named(data, DOTS), _DOT).encode(fill=fill, **_TOLD),
        _circles(_named(data, LEGEND), _SQUARE, shape="square", aria=False).encode(fill=fill),
        alt.Chart(_named(data, WORDS))
        .mark_text(align="left", baseline="middle", color=inks.muted, fontSize=_SMALL_TEXT, aria=False)
        .encode(x=_X, y=_Y, text=alt.Text("words:N")),
    ]
    return layered(layers, width, _foot(width) + _FOOT)


def rows_of(
    by_country: Mapping[str, int],
    new: Collection[str],
    inks: Inks,
    width: int,
    *,
    names: Mapping[str, str],
    new_words: str,
) -> dict[str, Rows]:
    """The data of a map of that width, by name. `names` are the countries', `new_words` say what a ring stands for."""
    drawn, steps = paths(width), steps_of(max(by_country.values(), default=0))
    rows = [
        _row(code, number, code in new, inks.steps[sum(number >= step for step in steps) - 1], drawn, names)
        # Those with the most come last, so that they lie on top.
        for code, number in sorted(by_country.items(), key=lambda one: (one[1], one[0]))
        if number > 0 and code in drawn.countries
    ]
    rings = [{"x": row["x"], "y": row["y"]} for row in rows if row["new"]]
    legend, words = _legend(steps, inks, width, new_words if rings else "")
    if elsewhere := _elsewhere(by_country, drawn, names, width):
        words.append({"x": 4, "y": _foot(width) + _FOOT / 2, "words": elsewhere})
    return {
        COUNTRIES: [row for row in rows if not row["small"]],
        DOTS: [row for row in rows if row["small"]],
        RINGS: rings + ([words[len(legend)] | {"x": words[len(legend)]["x"] - _LEGEND_GAP}] if rings else []),
        LEGEND: legend,
        WORDS: words,
    }


def _foot(width: int) -> int:
    """Where what stands below the map begins, but for a legend that has no room on it."""
    return map_height(width) + (_FOOT if width < _NARROW else 0)


def _row(
    code: str, number: int, is_new: bool, fill: str, drawn: Paths, names: Mapping[str, str]
) -> dict[str, str | float | bool]:
    place = drawn.countries[code]
    name = _name(code, names)
    return {
        "country": name,
        "number": number,
        "new": is_new,
        "told": f"{name}: {number}",
        "fill": fill,
        "path": place.path,
        "x": place.centre[0],
        "y": place.centre[1],
        "small": place.is_small,
    }


def _elsewhere(by_country: Mapping[str, int], drawn: Paths, names: Mapping[str, str], width: int) -> str:
    """What has no place on the map, the most first, as far as a line has room for it; empty if there is none."""
    said = ""
    left = sorted(
        (code for code, number in by_country.items() if number > 0 and code not in drawn.countries),
        key=lambda code: (-by_country[code], code),
    )
    for place, code in enumerate(left):
        more = f"{', ' if said else 'Not on the map: '}{_name(code, names)} {by_country[code]:,}"
        if said and len(said + more) > width / _LETTER - _RESERVE:
            return f"{said} and {len(left) - place} more"
        said += more
    return said


def _name(code: str, names: Mapping[str, str]) -> str:
    return UNTOLD if code == UNKNOWN else line(names.get(code, code))


def _legend(steps: tuple[int, int, int, int], inks: Inks, width: int, new_words: str) -> tuple[Rows, Rows]:
    """A square for each colour, and what it stands for; last what the ring stands for. In the south of the Pacific."""
    ends = [f"{one}" if other == one + 1 else f"{one:,}–{other - 1:,}" for one, other in pairwise(steps)]
    labels = [*ends, f"{steps[-1]:,} or more", *([new_words] if new_words else [])]
    places = _in_line(labels, width) if width < _NARROW else _in_column(labels, width)
    squares: Rows = [{"x": x, "y": y, "fill": fill} for (x, y), fill in zip(places, inks.steps, strict=False)]
    return squares, [
        {"x": x + _LEGEND_GAP, "y": y, "words": label} for (x, y), label in zip(places, labels, strict=True)
    ]


def _in_column(labels: Sequence[str], width: int) -> list[tuple[float, float]]:
    bottom = map_height(width) + 4
    return [(_LEGEND_X, bottom - (len(labels) - place) * _LEGEND_LINE) for place in range(len(labels))]


def _in_line(labels: Sequence[str], width: int) -> list[tuple[float, float]]:
    lengths = [len(label) * _LETTER + _LEGEND_X + _LEGEND_GAP + 6 for label in labels]
    return [(_LEGEND_X + x, map_height(width) + _FOOT / 2) for x in accumulate(lengths[:-1], initial=0.0)]


_X: Final = alt.X("x:Q", scale=None, axis=None)
_Y: Final = alt.Y("y:Q", scale=None, axis=None)
_TOLD: Final[Mapping[str, Any]] = {
    "description": alt.Description("told:N"),
    "tooltip": [alt.Tooltip("country:N"), alt.Tooltip("number:Q")],
}


def layered(layers: Sequence[alt.Chart], width: int, height: int) -> alt.LayerChart:
    """The layers as one chart."""
    chart = alt.layer(*layers).properties(width=width, height=height)
    assert isinstance(chart, alt.LayerChart), "none of them has facets"
    return chart


def _named(data: Mapping[str, Rows], name: str) -> alt.InlineData:
    return alt.InlineData(values=data[name], name=name)


def _shapes(data: alt.InlineData, inks: Inks, fill: Any, line: float, *, aria: bool = True) -> alt.Chart:
    """Paths in place. A symbol of four square pixels is drawn as large as its path is given."""
    stroke = {"stroke": inks.paper, "strokeWidth": line} if line else {"stroke": None}
    drawn: alt.Chart = (
        alt.Chart(data)
        .mark_point(opacity=1, size=4, aria=aria, **stroke)
        .encode(x=alt.XValue(0), y=alt.YValue(0), shape=alt.Shape("path:N", scale=None), fill=fill)
    )
    return drawn


def _circles(data: alt.InlineData, size: int, **style: Any) -> alt.Chart:
    drawn: alt.Chart = alt.Chart(data).mark_point(**{"opacity": 1, "size": size, "stroke": None, **style})
    return drawn.encode(x=_X, y=_Y)

"""Outlines of countries as paths of SVG, for a map of a certain width."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from reports.shapes.outlines import WIDTH, Outline, height, outlines

_STRAY: Final = 0.5
"""Pixels by which a line may stray from the true one."""

_DOT_BELOW: Final = 12.0
"""Square pixels below which a country is shown by a dot."""


@dataclass(frozen=True, slots=True)
class Place:
    """A country at one width: its path and centre, and whether it is too small to be seen."""

    path: str
    centre: tuple[float, float]
    is_small: bool


@dataclass(frozen=True, slots=True)
class Paths:
    """The outlines at one width in pixels: all land as one path, that of no country, and the countries by code."""

    land: str
    rest: str
    countries: Mapping[str, Place]


@cache
def paths(width: int) -> Paths:
    """The world so wide."""
    scale = width / WIDTH
    found = outlines(_STRAY / scale)
    drawn = [_path(one, scale) for one in found]
    return Paths(
        "".join(drawn),
        "".join(path for one, path in zip(found, drawn, strict=True) if one.code is None),
        {
            one.code: Place(
                path,
                (round(one.centre[0] * scale, 1), round(one.centre[1] * scale, 1)),
                one.area * scale**2 < _DOT_BELOW,
            )
            for one, path in zip(found, drawn, strict=True)
            if one.code is not None
        },
    )


def map_height(width: int) -> int:
    """Pixels from top to bottom of a map so wide."""
    return round(height() * width / WIDTH)


def _path(outline: Outline, scale: float) -> str:
    """The polygons as an SVG path on a grid of half pixels. What is no more than a line there is left out."""
    parts = []
    for ring in (ring for rings in outline.polygons for ring in rings):
        points = list(dict.fromkeys((round(x * scale * 2) / 2, round(y * scale * 2) / 2) for x, y in ring))
        if len(points) > 2:
            parts.append("M" + "L".join(f"{x:g},{y:g}" for x, y in points) + "Z")
    return "".join(parts)

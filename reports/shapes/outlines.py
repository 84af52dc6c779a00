"""Outlines of countries for maps of the world: projected once, and no finer than such a map can show.

The projection is Equal Earth (Šavrič, Patterson and Jenny, 2018), in which areas are to scale, without Antarctica, cut
in the Bering Strait so that Russia is whole. Lines are thinned before rings are made of them: neighbours go on sharing
theirs, so that no gap opens between them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reports.shapes.topology import Ring, read_atlas, ring_of, unrolled

WIDTH: Final = 1000.0
"""Units from one side of the world to the other."""

_MIDDLE: Final = 11.0
"""The meridian in the middle: half a turn from it there is hardly any land."""

_NORTH, _SOUTH = 83.7, -56.0
"""What is seen of the world, in degrees: to the north of Greenland, and to Cape Horn."""

_HIDDEN: Final = frozenset({"AQ"})

# The polynomial of the projection.
_A1, _A2, _A3, _A4 = 1.340264, -0.081106, 0.000893, 0.003796
_M: Final = math.sqrt(3) / 2
_SCALE: Final = WIDTH * _M * _A1 / (2 * math.pi)

_Points: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Outline:
    """A country on the map: its code (None where land belongs to none), the file's name, and its polygons.

    Each polygon is an outer ring and its holes. Points are units from the left and from the top of the map. `centre` is
    that of its largest polygon, `area` that of all of them in square units.
    """

    code: str | None
    name: str
    polygons: tuple[tuple[Ring, ...], ...]
    centre: tuple[float, float]
    area: float


def height() -> float:
    """Units from the top of the map to its bottom."""
    return float(_projected([(_MIDDLE, _SOUTH)])[0, 1])


@cache
def outlines(tolerance: float = 0.5) -> tuple[Outline, ...]:
    """All land but Antarctica, in the order of the file. Takes a third of a second, once.

    No line strays from the file's by more than `tolerance`, in units; islands of less than its square, doubled, are
    left out, but for the largest part of each country. At 0.5, half a pixel of a map 1,000 pixels wide, 10,000 points
    are left of 99,000.
    """
    atlas, least = read_atlas(), 2 * tolerance**2
    lines = [_thinned(line, tolerance) for line in atlas.lines]
    grouped: dict[str, list[_Polygon]] = {}
    codes: dict[str, tuple[str | None, str]] = {}
    for found in atlas.shapes:
        if found.code not in _HIDDEN:
            key = found.code or found.name
            codes.setdefault(key, (found.code, found.name))
            grouped.setdefault(key, []).extend(_polygon(rings, atlas.lines, lines) for rings in found.polygons)
    return tuple(_outline(*codes[key], polygons, least) for key, polygons in grouped.items())


def _projected(ring: Sequence[tuple[float, float]]) -> _Points:
    """Degrees → units. Longitudes may go on beyond half a turn."""
    degrees = np.radians(np.asarray(ring, dtype=np.float64))
    angle = np.arcsin(_M * np.sin(degrees[:, 1]))
    square = angle * angle
    sixth = square**3
    slope = _A1 + 3 * _A2 * square + sixth * (7 * _A3 + 9 * _A4 * square)
    x = (degrees[:, 0] - math.radians(_MIDDLE)) * np.cos(angle) / (_M * slope)
    y = angle * (_A1 + _A2 * square + sixth * (_A3 + _A4 * square))
    return np.stack([WIDTH / 2 + _SCALE * x, _top() - _SCALE * y], axis=1)


@cache
def _top() -> float:
    angle = math.asin(_M * math.sin(math.radians(_NORTH)))
    square = angle * angle
    return _SCALE * angle * (_A1 + _A2 * square + square**3 * (_A3 + _A4 * square))


def _thinned(line: Ring, tolerance: float) -> Ring:
    """Those points of a line without which it would stray (Douglas and Peucker, 1973). Its ends stay."""
    points = _projected(line)
    keep = np.zeros(len(line), dtype=bool)
    keep[[0, -1]] = True
    open_spans = [(0, len(line) - 1)]
    while open_spans:
        start, end = open_spans.pop()
        if end - start < 2:
            continue
        away = _distances(points[start + 1 : end], points[start], points[end])
        farthest = int(away.argmax())
        if away[farthest] > tolerance**2:
            middle = start + 1 + farthest
            keep[middle] = True
            open_spans += [(start, middle), (middle, end)]
    return [point for point, kept in zip(line, keep, strict=True) if kept]


def _distances(points: _Points, start: _Points, end: _Points) -> _Points:
    """Squares of the distances of points from the line between two others."""
    offset, along = points - start, end - start
    length = along @ along
    if length:
        offset = offset - np.clip(offset @ along / length, 0, 1)[:, None] * along
    squares: _Points = (offset * offset).sum(axis=1)
    return squares


class _Polygon(NamedTuple):
    """A polygon as it is drawn, and the area and centre that it has by all its points."""

    rings: list[_Points]
    area: float
    centre: tuple[float, float]


def _polygon(rings: Sequence[Sequence[int]], whole: Sequence[Ring], thin: Sequence[Ring]) -> _Polygon:
    """An outer ring and its holes, all on the same side of the cut."""
    outer = unrolled(ring_of(rings[0], whole))
    turn = _turn(outer)
    full = _turned(outer, turn)
    return _Polygon([_turned(unrolled(ring_of(ring, thin)), turn) for ring in rings], _area(full), _centre(full))


def _turned(ring: Ring, degrees: float) -> _Points:
    return _projected([(x + degrees, y) for x, y in ring])


def _turn(outer: Ring) -> float:
    """How many degrees to turn a ring by so that its middle is less than half a turn from the map's."""
    longitudes = [x for x, _ in outer]
    middle = (min(longitudes) + max(longitudes)) / 2
    return -360.0 * round((middle - _MIDDLE) / 360)


def _outline(code: str | None, name: str, polygons: Sequence[_Polygon], least: float) -> Outline:
    largest = max(polygons, key=lambda one: one.area)
    drawn = [one.rings for one in polygons if one is largest or one.area >= least]
    return Outline(
        code,
        name,
        tuple(tuple(_rounded(ring) for ring in rings if ring is rings[0] or _area(ring) >= least) for rings in drawn),
        largest.centre,
        sum(one.area for one in polygons),
    )


def _area(ring: _Points) -> float:
    return abs(float(_doubled(ring).sum())) / 2


def _doubled(ring: _Points) -> _Points:
    return ring[:-1, 0] * ring[1:, 1] - ring[1:, 0] * ring[:-1, 1]


def _centre(ring: _Points) -> tuple[float, float]:
    """The centre of gravity of a ring; of one without an area the mean of its points."""
    pieces = _doubled(ring)
    if abs(pieces.sum()) < 1e-9:
        x, y = ring.mean(axis=0)
    else:
        x, y = ((ring[:-1] + ring[1:]) * pieces[:, None]).sum(axis=0) / (3 * pieces.sum())
    return round(float(x), 1), round(float(y), 1)


def _rounded(ring: _Points) -> Ring:
    return [(round(float(x), 1), round(float(y), 1)) for x, y in ring]

"""Shapes of countries by ISO 3166-1 alpha-2 code, as GeoJSON geometries, from Natural Earth by way of world-atlas.

Where the file comes from, and its terms, stand in the NOTICE beside it. Its borders are Natural Earth's: who is in
control, not whose claim is right. A territory without a shape of its own (French Guiana, Svalbard …) lies in that of
its state.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from reports.shapes.topology import FILE, HALF_TURN, Found, Ring, read_atlas, ring_of, unrolled

__all__ = ["FILE", "Shape", "country_shapes"]

Polygon: TypeAlias = list[Ring]


class Shape(NamedTuple):
    """A country: its code, the name that the file gives it, and its GeoJSON geometry, a Polygon or MultiPolygon."""

    code: str
    name: str
    geometry: Mapping[str, object]


@cache
def country_shapes() -> Mapping[str, Shape]:
    """Code → shape of all countries that have one."""
    atlas = read_atlas()
    names: dict[str, str] = {}
    polygons: dict[str, list[Polygon]] = {}
    for found in atlas.shapes:
        if found.code is not None:
            # Ashmore and Cartier Islands stand under Australia's id: the first name is the country's.
            names.setdefault(found.code, found.name)
            polygons.setdefault(found.code, []).extend(_polygons(found, atlas.lines))
    return {code: Shape(code, names[code], _geometry(polygons[code])) for code in sorted(names)}


def _polygons(found: Found, lines: Sequence[Ring]) -> Iterator[Polygon]:
    """The polygons of a shape as RFC 7946 wants them: none crosses the antimeridian, and outer rings turn left."""
    for numbers in found.polygons:
        outer, *holes = [unrolled(ring_of(ring, lines)) for ring in numbers]
        if _rounds_pole(outer):
            # Antarctica is the coast and, for its other side, a circle of no size around the pole.
            (coast,) = holes
            yield [_turned(_down_to_pole(coast), counterclockwise=True)]
        elif any(abs(x) > HALF_TURN for x, _ in outer):
            # Only countries without lakes that are holes lie across the antimeridian.
            assert not holes
            yield from ([_turned(part, counterclockwise=True)] for part in _parts(outer))
        else:
            yield [_turned(outer, counterclockwise=True), *(_turned(hole, counterclockwise=False) for hole in holes)]


def _rounds_pole(ring: Ring) -> bool:
    return abs(ring[0][0] - ring[-1][0]) > HALF_TURN


def _down_to_pole(coast: Ring) -> Ring:
    return [*coast, (coast[-1][0], -90.0), (coast[0][0], -90.0), coast[0]]


def _parts(ring: Ring) -> Iterator[Ring]:
    """The parts of an unrolled ring on either side of the antimeridian, on which it has a point wherever it crosses."""
    on_line = [place for place, (x, _) in enumerate(ring[:-1]) if abs(x) == HALF_TURN]
    turned = ring[on_line[0] : -1] + ring[: on_line[0] + 1]
    ends = [place for place, (x, _) in enumerate(turned) if abs(x) == HALF_TURN]
    for start, end in pairwise(ends):
        part = turned[start : end + 1]
        middle = part[len(part) // 2][0]
        beyond = 2 * HALF_TURN * ((middle > HALF_TURN) - (middle < -HALF_TURN))
        if len(part) > 2:  # else the ring runs along the line
            yield [(x - beyond, y) for x, y in part] + [(part[0][0] - beyond, part[0][1])]


def _turned(ring: Ring, *, counterclockwise: bool) -> Ring:
    doubled = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(ring))
    return ring if (doubled > 0) == counterclockwise else ring[::-1]


def _geometry(polygons: list[Polygon]) -> Mapping[str, object]:
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}

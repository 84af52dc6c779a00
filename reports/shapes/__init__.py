"""Shapes of countries by ISO 3166-1 alpha-2 code, as GeoJSON geometries, from Natural Earth by way of world-atlas.

Where the file comes from, and its terms, stand in the NOTICE beside it. Its borders are Natural Earth's: who is in
control, not whose claim is right. A territory without a shape of its own (French Guiana, Svalbard …) lies in that of
its state.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import pycountry

FILE = "countries-50m.json"
"""TopoJSON, 1:50 million, beside this module."""

Point: TypeAlias = tuple[float, float]
Ring: TypeAlias = list[Point]
Polygon: TypeAlias = list[Ring]

HALF_TURN = 180.0

_DIGITS = 4
"""Decimal degrees are rounded to 11 m: the file's own grid has steps of 200 m and more."""

# What the file has without an ISO 3166-1 code and the snapshot has a code for. The rest (Northern Cyprus, Somaliland,
# Siachen Glacier, the islands in the Indian Ocean) belongs to no code that an event can have.
_WITHOUT_ID = {"Kosovo": "XK"}


class Shape(NamedTuple):
    """A country: its code, the name that the file gives it, and its GeoJSON geometry, a Polygon or MultiPolygon."""

    code: str
    name: str
    geometry: Mapping[str, object]


@cache
def country_shapes() -> Mapping[str, Shape]:
    """Code → shape of all countries that have one."""
    atlas = json.loads((resources.files(__name__) / FILE).read_text("utf-8"))
    arcs = _arcs(atlas)
    names: dict[str, str] = {}
    polygons: dict[str, list[Polygon]] = {}
    for found in atlas["objects"]["countries"]["geometries"]:
        code = _code(found)
        if code is not None:
            # Ashmore and Cartier Islands stand under Australia's id: the first name is the country's.
            names.setdefault(code, found["properties"]["name"])
            polygons.setdefault(code, []).extend(_polygons(found, arcs))
    return {code: Shape(code, names[code], _geometry(polygons[code])) for code in sorted(names)}


def _code(found: Mapping[str, Any]) -> str | None:
    """Alpha-2 code of a shape, whose id is the numeric code with its leading zeros; None if it has none."""
    if "id" not in found:
        return _WITHOUT_ID.get(found["properties"]["name"])
    country = pycountry.countries.get(numeric=str(found["id"]).zfill(3))
    return None if country is None else str(country.alpha_2)


def _arcs(atlas: Mapping[str, Any]) -> list[Ring]:
    """The lines of which shapes are made: each point is given as the step from the one before, on the file's grid."""
    (scale_x, scale_y), (from_x, from_y) = atlas["transform"]["scale"], atlas["transform"]["translate"]
    result = []
    for steps in atlas["arcs"]:
        x = y = 0
        line = []
        for step_x, step_y in steps:
            x, y = x + step_x, y + step_y
            line.append((round(x * scale_x + from_x, _DIGITS), round(y * scale_y + from_y, _DIGITS)))
        result.append(line)
    return result


def _polygons(found: Mapping[str, Any], arcs: Sequence[Ring]) -> Iterator[Polygon]:
    """The polygons of a shape as RFC 7946 wants them: none crosses the antimeridian, and outer rings turn left."""
    listed = [found["arcs"]] if found["type"] == "Polygon" else found["arcs"]
    for numbers in listed:
        outer, *holes = [_unrolled(_ring(ring, arcs)) for ring in numbers]
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


def _unrolled(ring: Ring) -> Ring:
    """`ring` with longitudes that go on beyond 180° where it crosses the antimeridian, and no point twice in a row."""
    result = ring[:1]
    for x, y in ring[1:]:
        before = result[-1][0]
        x += 2 * HALF_TURN * round((before - x) / (2 * HALF_TURN))
        if (x, y) != result[-1]:
            result.append((x, y))
    return result


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


def _ring(numbers: Sequence[int], arcs: Sequence[Ring]) -> Ring:
    """The lines of a ring, one after the other; ~n stands for line n backwards. Each begins where the last ended."""
    ring: Ring = []
    for number in numbers:
        line = arcs[number] if number >= 0 else arcs[~number][::-1]
        ring.extend(line[1:] if ring else line)
    return ring


def _turned(ring: Ring, *, counterclockwise: bool) -> Ring:
    doubled = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(ring))
    return ring if (doubled > 0) == counterclockwise else ring[::-1]


def _geometry(polygons: list[Polygon]) -> Mapping[str, object]:
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}

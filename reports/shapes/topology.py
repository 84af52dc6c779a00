"""The file of shapes as it is written, in TopoJSON: lines that neighbours share, and rings that are made of lines."""

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any, NamedTuple, TypeAlias

import pycountry

FILE = "countries-50m.json"
"""TopoJSON, 1:50 million, beside this module."""

Point: TypeAlias = tuple[float, float]
Ring: TypeAlias = list[Point]

HALF_TURN = 180.0

_DIGITS = 4
"""Decimal degrees are rounded to 11 m: the file's own grid has steps of 200 m and more."""

# What the file has without an ISO 3166-1 code and the snapshot has a code for. The rest (Northern Cyprus, Somaliland,
# Siachen Glacier, the islands in the Indian Ocean) belongs to no code that an event can have.
_WITHOUT_ID = {"Kosovo": "XK"}


class Found(NamedTuple):
    """A shape of the file: its country's code, None where it belongs to none, its name, and the rings of its polygons.

    A ring is given by the numbers of its lines; the first ring of a polygon is its outer one.
    """

    code: str | None
    name: str
    polygons: tuple[tuple[tuple[int, ...], ...], ...]


class Atlas(NamedTuple):
    """The shapes of the file, and the lines that their rings are made of, in degrees east and north."""

    shapes: tuple[Found, ...]
    lines: tuple[Ring, ...]


def read_atlas() -> Atlas:
    """Read the file."""
    atlas = json.loads((resources.files(__package__) / FILE).read_text("utf-8"))
    return Atlas(tuple(map(_found, atlas["objects"]["countries"]["geometries"])), tuple(_lines(atlas)))


def _found(shape: Mapping[str, Any]) -> Found:
    listed = [shape["arcs"]] if shape["type"] == "Polygon" else shape["arcs"]
    polygons = tuple(tuple(map(tuple, rings)) for rings in listed)
    return Found(_code(shape), str(shape["properties"]["name"]), polygons)


def _code(shape: Mapping[str, Any]) -> str | None:
    """Alpha-2 code of a shape, whose id is the numeric code with its leading zeros; None if it has none."""
    if "id" not in shape:
        return _WITHOUT_ID.get(shape["properties"]["name"])
    country = pycountry.countries.get(numeric=str(shape["id"]).zfill(3))
    return None if country is None else str(country.alpha_2)


def _lines(atlas: Mapping[str, Any]) -> Iterator[Ring]:
    """Each point is given as the step from the one before, on the file's grid."""
    (scale_x, scale_y), (from_x, from_y) = atlas["transform"]["scale"], atlas["transform"]["translate"]
    for steps in atlas["arcs"]:
        x = y = 0
        line = []
        for step_x, step_y in steps:
            x, y = x + step_x, y + step_y
            line.append((round(x * scale_x + from_x, _DIGITS), round(y * scale_y + from_y, _DIGITS)))
        yield line


def ring_of(numbers: Sequence[int], lines: Sequence[Ring]) -> Ring:
    """The lines of a ring, one after the other; ~n stands for line n backwards. Each begins where the last ended."""
    ring: Ring = []
    for number in numbers:
        line = lines[number] if number >= 0 else lines[~number][::-1]
        ring.extend(line[1:] if ring else line)
    return ring


def unrolled(ring: Ring) -> Ring:
    """`ring` with longitudes that go on beyond 180° where it crosses the antimeridian, and no point twice in a row."""
    result = ring[:1]
    for x, y in ring[1:]:
        before = result[-1][0]
        x += 2 * HALF_TURN * round((before - x) / (2 * HALF_TURN))
        if (x, y) != result[-1]:
            result.append((x, y))
    return result

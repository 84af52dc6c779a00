"""Pictures and drawings: small, drawn once, alike in fewer colours, without scripts and addresses."""

import json
import struct
import zlib
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
import vl_convert
from lxml import etree
from test_charts import COUNTS, PAYLOAD, TODAY, WEEK

from pipeline.types import Action, TransitionKind
from reports import charts, pictures
from reports.chart_data import (
    Curve,
    Lifeline,
    Mark,
)
from reports.digest import Week
from reports.palette import INKS, PALETTE, THEMES, all_of


def _colours(picture: bytes) -> tuple[int, int, list[str]]:
    width, height_, bits, kind = struct.unpack_from(">IIBB", picture, 16)
    assert (bits, kind) == (8, 3)
    at = picture.index(b"PLTE")
    (length,) = struct.unpack_from(">I", picture, at - 4)
    raw = picture[at + 4 : at + 4 + length]
    return width, height_, [f"#{raw[place : place + 3].hex()}" for place in range(0, length, 3)]


@pytest.mark.parametrize("theme", THEMES)
def test_the_picture_of_a_week_is_small_and_drawn_once(theme: charts.Theme) -> None:
    picture = charts.week_picture(WEEK, theme)
    assert len(picture) <= 60_000
    width, _, colours = _colours(picture)
    assert width == 2 * charts.PICTURE_WIDTH
    inks = INKS[theme]
    assert {inks.paper, inks.ink, inks.muted, inks.land, inks.curve, inks.doubt, *inks.steps} <= set(colours)
    assert charts.week_picture(replace(WEEK, days=(TODAY, TODAY), joined=()), theme) is picture
    assert charts.week_picture(replace(WEEK, by_country=COUNTS | {"FR": 1}), theme) != picture


def test_a_week_without_anything_has_a_picture() -> None:
    assert _colours(charts.week_picture(Week((TODAY, TODAY), {}, {}, ()), "light"))[0] == 2 * charts.PICTURE_WIDTH


def _decoded(picture: bytes) -> np.ndarray:  # type: ignore[type-arg] # bytes of pixels
    """Red, green and blue of a PNG whose lines are kept as they are, by its palette."""
    width, height_, colours = _colours(picture)
    data = picture[picture.index(b"IDAT") + 4 : picture.index(b"IEND") - 8]
    lines = np.frombuffer(zlib.decompress(data), np.uint8).reshape(height_, width + 1)
    assert not lines[:, 0].any()
    palette = np.array([[int(one[at : at + 2], 16) for at in (1, 3, 5)] for one in colours])
    return palette[lines[:, 1:]]


@pytest.mark.parametrize("gradient", [False, True])
def test_a_reduced_picture_looks_the_same(gradient: bool) -> None:
    """A gradient has more colours than a palette: what is left out of it becomes what is nearest."""
    stops = (
        '<linearGradient id="g"><stop stop-color="#ff0000"/><stop offset="1" stop-color="#00ffcc"/></linearGradient>'
    )
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="300" height="60">{stops}'
        '<rect width="300" height="60" fill="#ffffff"/>'
        f'<circle cx="60" cy="30" r="25" fill="#b54f36"/><rect x="{100 if gradient else 290}" width="200" height="60" '
        f'fill="url(#g)"/></svg>'
    )
    picture = vl_convert.svg_to_png(drawn, scale=1)
    small = pictures.reduced(picture, ["#ffffff", "#b54f36"])
    assert len(small) < len(picture)
    parts = dict(pictures._parts(picture))
    pixels = pictures._pixels(np.frombuffer(zlib.decompress(parts[b"IDAT"]), np.uint8).reshape(60, 1 + 4 * 300))
    assert pixels is not None
    original = np.stack([pixels >> 16, pixels >> 8 & 255, pixels & 255], axis=-1).astype(int)
    assert np.abs(_decoded(small) - original).max() <= 7
    assert {"#ffffff", "#b54f36"} <= set(_colours(small)[2])
    # What is of another kind is left alone.
    assert pictures.reduced(small) is small


# Charts as SVG


LIVES = (
    Lifeline(
        "1", "Italy", PAYLOAD, Action.BLOCK, TODAY - timedelta(days=300), TODAY - timedelta(days=200),
        TODAY - timedelta(days=170), None, (Mark(TransitionKind.ANNOUNCED, TODAY - timedelta(days=300)),),
    ),
    Lifeline("2", PAYLOAD, "X", Action.BAN, TODAY, TODAY, TODAY, TODAY, (Mark(TransitionKind.LIFTED, TODAY, False),)),
    Lifeline("3", "Iran", "Y", Action.LIMIT, date(1999, 1, 1), date(1999, 1, 1), date(1999, 1, 1), date(2001, 1, 1)),
)  # fmt: skip
SPAN = (TODAY - timedelta(days=365), TODAY)


@pytest.mark.parametrize("theme", THEMES)
def test_charts_are_drawings_without_scripts_and_addresses(theme: charts.Theme) -> None:
    drawn = {
        "map": charts.spread_map(COUNTS, {"IT"}, theme=theme, title=PAYLOAD),
        "curve": charts.spread_curve(Curve(PAYLOAD, ((TODAY, 2),), ((SPAN[0], 2),)), SPAN, theme=theme, title=PAYLOAD),
        "lives": charts.timeline(LIVES, SPAN, theme=theme, title=PAYLOAD),
        "months": charts.by_action([(SPAN[0].replace(day=1), Action.BAN, 3)], SPAN, theme=theme, title=PAYLOAD),
    }
    for chart in drawn.values():
        spec = chart.to_dict()  # valid by the schema
        assert "url" not in json.dumps({name: value for name, value in spec.items() if name != "$schema"})
        root = etree.fromstring(charts.svg(chart))
        tags = {etree.QName(one).localname for one in root.iter()}
        assert tags <= {"svg", "g", "path", "rect", "line", "text", "circle", "defs", "clipPath"}
        names = {name for one in root.iter() for name in one.attrib}
        assert not {name for name in names if name.startswith("on") or "href" in name or name == "style"}
        assert PAYLOAD in {one.text for one in root.iter()}
        used = {one.get(name) for one in root.iter() for name in ("fill", "stroke")} - {None, "none", "transparent"}
        assert used <= set(all_of(theme)), "a page turns drawings by their colours"


def test_a_short_life_is_seen_and_a_long_ended_one_is_not() -> None:
    root = etree.fromstring(charts.svg(charts.timeline(LIVES, SPAN)))
    bars = [one for one in root.iter() if one.get("fill") == PALETTE["light"][Action.BAN]]
    assert any("M" in one.get("d", "") for one in bars)
    told = {one.get("aria-label") for one in root.iter()} - {None}
    assert f"{PAYLOAD}: X, lifted {TODAY} (first report)" in told
    assert not any("Iran" in one for one in told)


@pytest.mark.parametrize("highest", [1, 3, 7, 100, 12_345])
def test_counts_have_whole_numbers_on_their_axis(highest: int) -> None:
    curve = Curve("X", ((TODAY, highest),), ((TODAY, highest),))
    written = [
        str(one.text) for one in etree.fromstring(charts.svg(charts.spread_curve(curve, SPAN))).iter() if one.text
    ]
    numbers = [int(one.replace(",", "")) for one in written if one.replace(",", "").isdigit() and one != "2026"]
    *ticks, last = numbers
    assert last == highest
    assert ticks == list(range(0, highest + 1, ticks[1]))
    assert 2 <= len(ticks) <= 5

"""Charts: colours that all can tell apart, the map, curves, lives, and the pictures that are made of them."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from digest_material import EVENT
from hypothesis import given
from hypothesis import strategies as st

from pipeline.types import Action, Side, Status, Transition, TransitionKind
from reports import chart_map, charts
from reports.chart_data import (
    NO_COUNTRY,
    Lifeline,
    Mark,
    by_month,
    curves,
    in_force,
    lifeline,
    lives_to_show,
    steps_of,
)
from reports.digest import Week
from reports.palette import INKS, PALETTE, THEMES, all_of, contrast, dark_of, ink_on, luminance, mark_of
from reports.shapes import country_shapes
from reports.shapes.outlines import WIDTH, height, outlines
from warehouse.event_list import EventRow
from warehouse.query import connect_snapshot, events

TODAY = date(2026, 11, 22)
COUNTS = {"IT": 5, "US": 12, "AU": 3, "KR": 2, "SG": 2, "MT": 1, "EU": 3, "XX": 2}
NAMES = {
    "IT": "Italy",
    "US": "United States",
    "AU": "Australia",
    "KR": "South Korea",
    "SG": "Singapore",
    "MT": "Malta",
    "EU": "European Union",
}
COURSE = tuple((TODAY - timedelta(weeks=11 - place), 60 + place) for place in range(12))
WEEK = Week((TODAY - timedelta(days=6), TODAY), COUNTS, {"IT": 1, "SG": 1, "XX": 1}, COURSE, ("SG",), NAMES)
PAYLOAD = "</text><script>alert(1)</script>&<img src=x onerror=alert(1)>"

# Machado, Oliveira and Fernandes (2009), severity 1.
DEFICIENCIES: Mapping[str, tuple[tuple[float, ...], ...]] = {
    "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def _lightness(bright: float) -> float:
    return 116 * bright ** (1 / 3) - 16 if bright > 0.008856 else 903.3 * bright


def _lab(colour: str, deficiency: str) -> tuple[float, ...]:
    """A colour in CIE Lab as somebody with that deficiency sees it."""
    values = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = np.array([one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in values])
    red, green, blue = np.clip(np.array(DEFICIENCIES[deficiency]) @ linear, 0, 1)
    x = (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047
    y = 0.2126729 * red + 0.7151522 * green + 0.0721750 * blue
    z = (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883
    fx, fy, fz = (one ** (1 / 3) if one > 0.008856 else 7.787 * one + 16 / 116 for one in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


# Colours


@pytest.mark.parametrize("theme", THEMES)
def test_actions_are_told_apart_in_grey_and_by_the_colour_blind(theme: charts.Theme) -> None:
    colours = PALETTE[theme]
    assert list(colours) == list(Action)
    for one, other in combinations(colours.values(), 2):
        assert abs(_lightness(luminance(one)) - _lightness(luminance(other))) >= 4.8
        for deficiency in DEFICIENCIES:
            assert math.dist(_lab(one, deficiency), _lab(other, deficiency)) >= 8


@pytest.mark.parametrize("theme", THEMES)
def test_all_that_is_drawn_and_written_stands_out(theme: charts.Theme) -> None:
    inks = INKS[theme]
    for colour in (*PALETTE[theme].values(), inks.curve):
        assert contrast(colour, inks.paper) >= 3
    for written in (inks.ink, inks.muted, inks.link):
        assert contrast(written, inks.paper) >= 4.5
    assert contrast(inks.warn_ink, inks.warn_paper) >= 4.5
    for action in Action:
        paper, ink, edge = mark_of(action, theme)
        assert contrast(paper, ink) >= 4.5
        assert contrast(edge, inks.paper) >= 3
        assert ink_on(edge) in ("#ffffff", "#000000")
    # The colours of a map go one way, from the land's on.
    steps = [luminance(one) for one in (inks.land, *inks.steps)]
    assert steps == sorted(steps, reverse=theme == "light")


def test_a_light_colour_stands_for_one_thing() -> None:
    turned = dark_of()
    assert len(turned) == len(all_of("light")) == len(set(all_of("light")))
    assert turned[INKS["light"].paper] == INKS["dark"].paper
    assert turned[PALETTE["light"][Action.BAN]] == PALETTE["dark"][Action.BAN]


# Map


def test_all_land_has_an_outline_within_the_map() -> None:
    drawn = outlines(0.9)
    assert {one.code for one in drawn if one.code} == set(country_shapes()) - {"AQ"}
    points = np.array([point for one in drawn for rings in one.polygons for ring in rings for point in ring])
    assert points.min() >= 0
    assert (points.max(axis=0) <= (WIDTH, height())).all()
    assert 3_000 < len(points) < 10_000
    # Russia is whole: its farthest east lies beyond the antimeridian.
    (russia,) = (one for one in drawn if one.code == "RU")
    assert max(x for x, _ in russia.polygons[0][0]) > WIDTH * 0.9 or len(russia.polygons) > 1
    assert russia.area > 2 * next(one.area for one in drawn if one.code == "AU") * 0.9


def test_neighbours_share_their_border() -> None:
    drawn = {one.code: {point for rings in one.polygons for point in rings[0]} for one in outlines(0.9)}
    # Mongolia lies between two countries: every point of its border is one of theirs.
    assert drawn["MN"] <= drawn["RU"] | drawn["CN"]


def test_a_map_tells_of_every_count() -> None:
    data = chart_map.rows_of(COUNTS, {"IT", "SG", "FR"}, INKS["light"], 600, names=NAMES, new_words="new")
    assert [row["told"] for row in data["countries"]] == [
        "South Korea: 2",
        "Australia: 3",
        "Italy: 5",
        "United States: 12",
    ]
    assert [row["told"] for row in data["dots"]] == ["Malta: 1", "Singapore: 2"]
    fills = {row["told"]: INKS["light"].steps.index(row["fill"]) for row in (*data["countries"], *data["dots"])}
    assert fills["Malta: 1"] == 0
    assert fills["South Korea: 2"] == fills["Australia: 3"] == fills["Singapore: 2"] == 1
    assert (fills["Italy: 5"], fills["United States: 12"]) == (2, 3)
    # France is new and has no count; the third ring is the legend's.
    assert len(data["rings"]) == 3
    written = [row["words"] for row in data["words"]]
    assert written == ["1", "2–4", "5–9", "10 or more", "new", "Not on the map: European Union 3, country not told 2"]


def test_what_has_no_place_on_a_map_is_cut_where_a_line_ends() -> None:
    many = {code: 20 - place for place, code in enumerate(("XX", "EU", "CX", "GI", "CC", "SJ", "BV"))}
    names = {code: f"Territory of {code}" for code in many}
    for width in (360, 600, 1200):
        data = chart_map.rows_of(many, (), INKS["light"], width, names=names, new_words="new")
        said = data["words"][-1]["words"]
        assert said.startswith("Not on the map: country not told 20")
        assert len(said) <= width / 5.6
        assert not data["rings"]
        assert ("more" in said) == (width < 1200)
    nothing = chart_map.rows_of({}, (), INKS["light"], 360, names={}, new_words="")
    assert [row["words"] for row in nothing["words"]] == ["1", "2", "3", "4 or more"]


@given(st.integers(1, 10**7))
def test_the_steps_of_a_map_fit_its_counts(highest: int) -> None:
    steps = steps_of(highest)
    assert steps[0] == 1
    assert list(steps) == sorted(set(steps))
    assert steps[-1] <= highest or steps == (1, 2, 3, 4)
    assert highest < 2000 or steps[-1] == 2000


# Data


DAYS = st.dates(date(2024, 1, 1), date(2026, 11, 22))
SPANS = st.none() | st.tuples(DAYS, st.integers(0, 200)).map(lambda one: (one[0], one[0] + timedelta(days=one[1])))


@st.composite
def _restrictions(draw: st.DrawFn) -> list[EventRow]:
    made = []
    for number in range(draw(st.integers(0, 12))):
        span = draw(SPANS)
        made.append(
            replace(
                EVENT,
                id=f"{number:020x}",
                country=draw(st.sampled_from(("IT", "KR", "AU", "US", "EU", "XX"))),
                service=draw(st.sampled_from(("DeepSeek", "TikTok"))),
                side=draw(st.sampled_from((Side.RESTRICTING, Side.RESTRICTING, Side.PRESSING))),
                status=draw(st.sampled_from((Status.IN_FORCE, Status.IN_FORCE, Status.PROPOSED))),
                date_from=None if span is None else span[0],
                date_to=None if span is None else span[1],
                lifted=draw(st.booleans()),
                retracted=draw(st.sampled_from((False, False, True))),
            )
        )
    return made


@given(_restrictions())
def test_curves_count_each_country_once_and_never_fall(some: list[EventRow]) -> None:
    counted = [
        one for one in some if one.side is Side.RESTRICTING and one.status is Status.IN_FORCE and not one.retracted
    ]
    found = {curve.service: curve for curve in curves(some, 9)}
    in_countries = [one for one in counted if one.country not in NO_COUNTRY]
    assert set(found) == {one.service for one in in_countries if one.date_to is not None}
    for service, curve in found.items():
        own = [one for one in in_countries if one.service == service]
        dated = {one.country for one in own if one.date_to is not None}
        assert curve.countries == len(dated)
        assert curve.undated == len({one.country for one in own} - dated)
        assert curve.first
        for points in (curve.surely, curve.perhaps):
            assert list(points) == sorted(set(points))
            assert [number for _, number in points] == sorted({number for _, number in points})
        for day, _ in (*curve.surely, *curve.perhaps):
            surely = max((number for on, number in curve.surely if on <= day), default=0)
            assert surely <= max(number for on, number in curve.perhaps if on <= day or on == curve.perhaps[0][0])
    standing = Counter(one.country for one in counted if not one.lifted)
    assert in_force(some) == standing
    assert list(in_force(some).values()) == sorted(standing.values(), reverse=True)


def test_curves_are_those_of_the_macro_for_analysts(sample_snapshot: Path) -> None:
    with connect_snapshot(sample_snapshot) as reader:
        found = curves(events(reader), 50)
        assert found
        for curve in found:
            rows = reader.rows("SELECT country, first_to, countries, rank FROM spread(?)", [curve.service])
            steps = {first_to: countries for _, first_to, countries, rank in rows if rank is not None}
            assert dict(curve.surely) == steps
            assert curve.first == tuple(sorted(country for country, _, _, rank in rows if rank == 1))
            assert curve.undated == sum(rank is None for country, _, _, rank in rows if country not in NO_COUNTRY)


def test_events_count_in_the_month_of_their_last_possible_day() -> None:
    some = [
        EVENT,
        replace(EVENT, date_from=date(2026, 10, 1), date_to=date(2026, 10, 31)),
        replace(EVENT, date_from=None, date_to=None, first_reported=date(2026, 9, 5), action=Action.WARN),
        replace(EVENT, date_from=None, date_to=None, first_reported=None),
        replace(EVENT, date_to=date(2024, 11, 30)),
        replace(EVENT, date_to=date(2026, 12, 31)),
        replace(EVENT, retracted=True),
        replace(EVENT, dismissed=True),
        replace(EVENT, status=Status.REJECTED),
    ]
    assert by_month(some, TODAY, 24) == (
        (date(2026, 9, 1), Action.WARN, 1),
        (date(2026, 10, 1), Action.BLOCK, 1),
        (date(2026, 11, 1), Action.BLOCK, 1),
    )
    assert by_month(some, TODAY, 25)[0] == (date(2024, 11, 1), Action.BLOCK, 1)


def _step(kind: TransitionKind, value: str | None, reported: date | None = TODAY) -> Transition:
    return Transition(Status.IN_FORCE, Action.BAN, value, reported, "m", kind)


def test_a_life_has_its_days_as_exactly_as_they_are_known() -> None:
    steps = [
        _step(TransitionKind.ANNOUNCED, "2026-02"),
        _step(TransitionKind.IN_FORCE, "2026"),
        _step(TransitionKind.LIFTED, None, date(2026, 11, 3)),
        _step(TransitionKind.EASED, None, None),
    ]
    event = replace(EVENT, date_from=date(2026, 1, 1), date_to=date(2026, 12, 31), lifted=True)
    made = lifeline(event, steps, "Italy")
    assert made is not None
    assert (made.known, made.perhaps, made.since, made.until) == (
        date(2026, 1, 1),
        date(2026, 1, 1),
        date(2026, 11, 3),  # it was in force before it ended
        date(2026, 11, 3),
    )
    assert made.marks == (
        Mark(TransitionKind.ANNOUNCED, date(2026, 2, 28)),
        Mark(TransitionKind.LIFTED, date(2026, 11, 3), is_stated=False),
        Mark(TransitionKind.IN_FORCE, date(2026, 12, 31)),
    )


def test_a_life_ends_also_where_nobody_says_when() -> None:
    assert lifeline(replace(EVENT, lifted=True), [], "Italy").until == EVENT.last_reported
    rejected = lifeline(replace(EVENT, status=Status.REJECTED), [_step(TransitionKind.REJECTED, "2026-11-10")], "Italy")
    assert rejected is not None
    assert (rejected.since, rejected.until) == (None, date(2026, 11, 10))
    blank = replace(EVENT, date_from=None, date_to=None, first_reported=None, last_reported=None)
    assert lifeline(blank, [_step(TransitionKind.EASED, None, None)], "Italy") is None


def test_lives_without_a_step_to_mark_are_drawn_in_their_place() -> None:
    life = Lifeline("a", "Italy", "X", Action.BAN, TODAY, TODAY, TODAY, None)
    drawn = charts.svg(charts.timeline([life], (TODAY.replace(year=TODAY.year - 1), TODAY), width=640))
    assert "e+308" not in drawn


def test_lives_with_most_to_see_are_shown() -> None:
    day = date(2026, 1, 1)
    full = Lifeline("a", "Italy", "X", Action.BAN, day, day, day, None, (Mark(TransitionKind.EASED, TODAY),))
    later = Lifeline("b", "Italy", "X", Action.BAN, TODAY, TODAY, TODAY, None)
    earlier = replace(later, event_id="c", known=day)
    warning = replace(full, event_id="d", action=Action.WARN)
    assert [one.event_id for one in lives_to_show([earlier, warning, later, full], 2)] == ["a", "b"]

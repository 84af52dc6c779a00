"""Charts of the dashboard: specs that Vega-Lite takes, curves that tell what was counted, and the map day by day."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import altair as alt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.types import Action, TransitionKind
from reports.chart_data import Lifeline, Mark, added_up
from reports.dashboard import specs
from reports.dashboard.curves import aligned_rows, curve_rows
from reports.dashboard.figures import Figure, Link, cell, cells
from reports.dashboard.spec_parts import SCHEMA
from reports.dashboard.world_map import WIDTH, About, span_of, world_map
from reports.palette import INKS, all_of
from reports.shapes.paths import paths
from warehouse.dashboard import world
from warehouse.dashboard.asking import filled
from warehouse.dashboard.world import Change
from warehouse.query import connect_snapshot

SPAN = (date(2024, 1, 1), date(2025, 6, 1))
DAYS = st.dates(date(2023, 1, 1), date(2025, 12, 31))
HOSTILE = "</script><script>alert(1)</script>"

# Specs


def _lives() -> list[Lifeline]:
    marks = tuple(Mark(kind, date(2025, 1, 1 + place)) for place, kind in enumerate(TransitionKind))
    return [
        Lifeline("e1", "Italy", HOSTILE, Action.BLOCK, SPAN[0], date(2024, 3, 1), date(2024, 3, 31), None, marks),
        Lifeline("e2", "Taiwan", "X", Action.BAN, SPAN[0], None, None, date(2024, 9, 1)),
    ]


def _bars() -> list[specs.Bar]:
    return [specs.Bar(date(2024, 4, 1), "ban", 3, "April 2024: 3 ban", "/explore"), *[_bar(month) for month in (5, 7)]]


def _bar(month: int) -> specs.Bar:
    return specs.Bar(date(2024, month, 1), "limit", 1, "one")


def _specs() -> dict[str, specs.Spec]:
    surely = added_up([date(2024, 5, 5), date(2024, 5, 5), date(2025, 2, 1)])
    perhaps = added_up([date(2024, 1, 5), date(2024, 5, 5), date(2025, 2, 1)])
    shades = [specs.Shade(date(2024, month, 1), date(2024, month + 1, 1), "gaps") for month in (1, 4)]
    shades.append(specs.Shade(date(2024, 6, 1), date(2024, 7, 1), "none"))
    by_day = curve_rows(surely, perhaps, SPAN)
    since = aligned_rows(surely, perhaps, SPAN[1], 400)
    return {
        "curve": specs.curve(surely, perhaps, SPAN),
        "panel": specs.curve_panel(by_day, SPAN, 4, by_day=True, others="others"),
        "aligned": specs.curve_panel(since, (0, 400), 4, by_day=False, others="others"),
        "stacked": specs.stacked(_bars(), specs.action_colours(), SPAN, shades=shades),
        "bars": specs.bars_panel(_bars(), SPAN, 3, every="month", shades=shades),
        "lives": specs.lives(_lives(), SPAN, {"e1": "/event/e1"}),
        "no lives": specs.lives([], SPAN),
        "no bars": specs.stacked([], specs.action_colours(), SPAN),
    }


@pytest.mark.parametrize(("name", "spec"), _specs().items())
def test_a_spec_is_vega_lite(name: str, spec: specs.Spec) -> None:
    assert alt.LayerChart.from_dict(spec), f"{name}: Altair holds it to the schema of Vega-Lite"
    assert f"v{alt.SCHEMA_VERSION[1]}.json" in SCHEMA
    assert spec["autosize"]["type"] in ("fit", "fit-x"), "as wide as its box"


def test_a_spec_has_no_colour_that_the_dark_theme_can_not_turn() -> None:
    known = set(all_of("light"))
    used = {colour for spec in _specs().values() for colour in _colours(spec)}
    assert used <= known
    assert INKS["light"].curve in used


def _colours(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set().union(*map(_colours, value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*map(_colours, value)) if value else set()
    return {value} if isinstance(value, str) and value.startswith("#") and len(value) == 7 else set()


# Curves


@given(st.lists(st.tuples(DAYS, st.integers(0, 400)), max_size=12), DAYS, st.integers(1, 500))
def test_a_curve_tells_on_each_day_how_many_there_were(
    countries: list[tuple[date, int]], start: date, length: int
) -> None:
    end = start + timedelta(days=length)
    firsts = [day - timedelta(days=doubt) for day, doubt in countries]
    rows = curve_rows(added_up([day for day, _ in countries]), added_up(firsts), (start, end))
    assert [rows[0]["on"], rows[-1]["on"]] == [start.isoformat(), end.isoformat()]
    for row in rows:
        day = date.fromisoformat(row["on"])
        assert row["number"] == sum(one <= day for one, _ in countries)
        assert row["perhaps"] == sum(one <= day for one in firsts)


@given(st.lists(DAYS, min_size=1, max_size=12), st.integers(0, 900))
def test_aligned_curves_begin_with_the_first_country(days: list[date], most: int) -> None:
    points = added_up(days)
    rows = aligned_rows(points, points, date(2025, 12, 31), most)
    assert rows[0]["days"] == 0
    assert rows[0]["number"] == days.count(min(days))
    assert rows[-1]["days"] <= max(most, 1)
    assert rows[-1]["number"] == sum((day - min(days)).days <= rows[-1]["days"] for day in days)


def test_nothing_is_drawn_of_a_service_that_nobody_dates() -> None:
    assert aligned_rows((), (), date(2025, 1, 1), 100) == []


# The map

CHANGES = st.lists(
    st.builds(Change, st.sampled_from(["IT", "TW", "EU", "XX", "MT"]), DAYS, st.integers(1, 3)), max_size=30
).map(lambda rows: sorted({(one.country, one.day): one for one in rows}.values()))


def _about() -> About:
    return About("map", "The world", "SELECT 1", "", "/?voices=2&voices=3")


def counts_on(changes: Iterable[Change], wanted: date) -> dict[str, int]:
    """Code → how many restrictions were surely in force on a day; those with none are left out."""
    found = Counter[str]()
    for one in changes:
        if one.day <= wanted:
            found[one.country] += one.change
    return {code: some for code, some in found.items() if some}


@settings(max_examples=15)
@given(CHANGES, DAYS)
def test_the_packed_map_adds_up_to_what_was_in_force(changes: list[Change], wanted: date) -> None:
    span = span_of(changes, date(2025, 12, 31))
    made = world_map(changes, {"IT": "Italy"}, span, wanted, _about())
    assert made.start <= made.day <= made.end
    found = counts_on(changes, made.day)
    for code, packed in made.data["countries"].items():
        day = number = 0
        for gap, change in zip(packed[::2], packed[1::2], strict=True):
            day += gap
            if day <= made.offset:
                number += change
        assert number == found.get(code, 0), code
    told = {code: listed.words for code, (_, listed) in made.rows if isinstance(listed, Link)}
    assert told == {code: f"{found.get(code, 0):,}" for code in made.data["countries"]}
    places = sum(some > 0 and code not in ("EU", "XX") for code, some in found.items())
    assert made.told.startswith(f"{sum(found.values())} restriction")
    assert f"in {places} countr" in made.told


def test_the_map_on_any_day_is_what_was_in_force_on_it(sample_snapshot: Path) -> None:
    with connect_snapshot(sample_snapshot) as reader:
        changes = [Change(*row) for row in reader.rows(world.changes())]
        days = sorted({one.day for one in changes})
        sampled = {day + timedelta(days=shift) for day in days[:: max(len(days) // 12, 1)] for shift in (-1, 0)}
        for day in sorted({*sampled, date(2012, 1, 1), date(2030, 1, 1)}):
            asked = filled("SELECT country, count(*) FROM in_force_on($day) GROUP BY country", day=day)
            assert counts_on(changes, day) == dict(reader.rows(asked)), day
        ((undated,),) = reader.rows(world.undated())
        ((standing,),) = reader.rows("SELECT count(*) FROM restrictions WHERE NOT lifted")
        assert sum(counts_on(changes, date(2030, 1, 1)).values()) + undated == standing


def test_a_restriction_that_ended_leaves_the_map() -> None:
    changes = [Change("IT", date(2023, 3, 31), 1), Change("IT", date(2023, 4, 28), -1), Change("TW", SPAN[1], 1)]
    span = (date(2023, 1, 1), SPAN[1])
    on = {day: world_map(changes, {}, span, day, _about()) for day in (date(2023, 4, 27), date(2023, 4, 28))}
    assert [made.told for made in on.values()] == [
        "1 restriction was surely in force in 1 country on 27 April 2023.",
        "0 restrictions were surely in force in 0 countries on 28 April 2023.",
    ]
    assert 'class="s1" data-code="IT"' in on[date(2023, 4, 27)].svg
    assert 'class="s0" data-code="IT"' in on[date(2023, 4, 28)].svg


def test_what_has_no_place_on_the_map_is_told_below_it() -> None:
    changes = [Change("EU", SPAN[0], 2), Change("XX", SPAN[0], 5), Change("MT", SPAN[0], 1)]
    made = world_map(changes, {"EU": "European Union", "XX": HOSTILE}, SPAN, None, _about())
    assert made.elsewhere == f"Not on the map: {HOSTILE} 5, European Union 2."
    assert made.kept == (("voices", "2"), ("voices", "3"))
    assert made.path == "/"
    assert '<circle class="s1" data-code="MT"' in made.svg, "too small to be seen else"
    assert "script" not in made.svg


def test_every_country_is_drawn_once() -> None:
    drawn = paths(WIDTH)
    svg = str(world_map([], {}, SPAN, None, _about()).svg)
    assert Counter(svg.count(place.path) for place in drawn.countries.values() if place.path) == {
        1: sum(bool(place.path) for place in drawn.countries.values())
    }


def test_a_few_early_dates_do_not_stretch_the_slider() -> None:
    late = [Change("IT", date(2025, 1, 1) + timedelta(days=shift), 1) for shift in range(60)]
    early = [Change("KR", date(2013, 12, 31), 1)]
    assert span_of(early + late, date(2025, 6, 1))[0] > date(2024, 12, 1)
    assert span_of([], date(2025, 6, 1)) == (date(2025, 3, 3), date(2025, 6, 1))


# Tables


def test_cells_say_what_a_value_is() -> None:
    assert cells([(None, 12345, True, date(2025, 2, 4), ["a", "b"], 0.25, "x\u202ey")]) == (
        ("–", "12,345", "yes", "2025-02-04", "a, b", "0.2", "x�y"),
    )
    assert cell(Link("Italy", "/country/IT")) == Link("Italy", "/country/IT")


def test_columns_of_numbers_are_known() -> None:
    rows = cells([("Italy", 3, None, Link("5", "/x")), ("Taiwan", 12345, 1.5, Link("6", "/y"))])
    figure = Figure("f", "h", "s", None, ("a", "b", "c", "d"), rows, "SELECT 1", 100)
    assert figure.is_number == (False, True, True, True)
    assert Figure("f", "h", "s", None, ("a",), (), "SELECT 1", 100).is_number == (False,)

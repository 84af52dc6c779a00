"""The points of the table of features: what they were fitted on is frozen; no change may cost more than the noise."""

import json
from itertools import pairwise, product

import numpy as np
import pytest

from benchmarks import happenings
from benchmarks.gold import articles, is_held_out, mentions
from benchmarks.pairs import FROZEN, NOTHING, ORDER, Figures, Model, Pair, figures, labelled_pairs, thresholds
from pipeline.matching import (
    BARS,
    DIFFERENT_BELOW,
    POINTS,
    SAME_FROM,
    Actor,
    Country,
    Deed,
    Origin,
    Step,
    Value,
)
from pipeline.scopes import ScopeRelation
from pipeline.times import Time

BY_NAME = {f"{type(value).__name__}.{value.name}": value for value in POINTS}


@pytest.fixture(scope="module")
def frozen() -> dict[str, object]:
    return json.loads(FROZEN.read_text("utf-8"))


def read(rows: list[list[object]]) -> list[Pair]:
    found = []
    for count, held_out, same, names in rows:
        found += [Pair(tuple(BY_NAME[name] for name in names), same, 1.0, held_out)] * count
    return found


def rates(found: Figures) -> dict[str, float]:
    return {"wrong": round(found.wrong, 5), "unsure": round(found.unsure, 5), "lost": round(found.lost, 5)}


class TestFrozen:
    def test_the_table_is_the_frozen_one(self, frozen: dict[str, object]) -> None:
        assert frozen["points"] == {name: POINTS[value] for name, value in BY_NAME.items()}
        assert (frozen["same_from"], frozen["different_below"]) == (SAME_FROM, DIFFERENT_BELOW)

    def test_the_frozen_pairs_give_the_frozen_figures(self, frozen: dict[str, object]) -> None:
        pairs = read(frozen["pairs"])
        for name, held_out in (("fitted", False), ("held out", True)):
            assert rates(figures(p for p in pairs if p.held_out is held_out)) == frozen["figures"][name]

    def test_pairs_are_judged_as_well_as_before(self, frozen: dict[str, object]) -> None:
        pairs = labelled_pairs()
        for name, held_out in (("fitted", False), ("held out", True)):
            now, then = rates(figures(p for p in pairs if p.held_out is held_out)), frozen["figures"][name]
            assert now["wrong"] <= then["wrong"] + 0.005
            assert now["unsure"] <= then["unsure"] + 0.02
            assert now["lost"] <= then["lost"] + 0.005

    def test_happenings_are_put_together_as_well_as_before(self) -> None:
        then = json.loads(happenings.FROZEN.read_text("utf-8"))
        now = happenings.frozen_figures(happenings.resolve_gold(mentions(articles())))
        assert now["wrong_merges_of_different_actors"] == 0
        assert now["told"]["f1"] >= 0.93
        for name in ("all", "fitted", "held_out", "sample", "told"):
            assert now[name]["f1"] >= then[name]["f1"] - 0.005, name


class TestTable:
    def test_better_evidence_is_never_worth_less(self) -> None:
        for chain in ORDER:
            for upper, lower in pairwise(chain):
                assert POINTS[upper] >= POINTS[lower], (upper, lower)

    def test_what_says_nothing_is_worth_nothing(self) -> None:
        assert {POINTS[value] for value in NOTHING} == {0}

    def test_a_body_and_its_whole_told_of_alike_are_a_question(self) -> None:
        """The same action, near dates, and scopes that agree or are open: enough to ask, even in other words."""
        near = (Time.SAME_DAY, Time.OVERLAP, Time.ADJACENT, Time.TOLD_NEAR)
        for time, scope in product(near, (ScopeRelation.SAME, ScopeRelation.CLOSE, ScopeRelation.OPEN)):
            values: tuple[Value, ...] = (
                Actor.PART,
                Country.SAME,
                Deed.SAME,
                scope,
                Step.COMPATIBLE,
                time,
                Origin.OTHER,
            )
            assert sum(POINTS[value] or 0 for value in values) - 1 >= DIFFERENT_BELOW

    def test_a_barred_value_is_no_veto_and_a_veto_no_bar(self) -> None:
        assert all(POINTS[value] is not None for value in BARS)


class TestFit:
    def test_what_pairs_tell_moves_the_points_and_the_order_holds(self) -> None:
        base: tuple[Value, ...] = (Actor.SAME, Country.SAME, Deed.SAME, ScopeRelation.OPEN, Step.COMPATIBLE)
        good = Pair((*base, Time.NEAR), True, 1.0, False)
        bad = Pair((*base, Time.SAME_DAY), False, 1.0, False)
        plain = [Pair((*base, Time.OVERLAP), i % 2 == 0, 1.0, False) for i in range(20)]
        points = Model([*plain, *[good] * 30, *[bad] * 30]).rounded
        # Near dates look better here than the same day: the order allows them to be worth as much and no more.
        assert points[Time.NEAR] <= points[Time.ADJACENT] <= points[Time.SAME_DAY]
        assert points[Time.NEAR] > points[Time.APART]

    def test_a_value_that_no_pair_has_keeps_its_points(self) -> None:
        pairs = [Pair((Actor.SAME, Deed.SAME), i % 3 > 0, 1.0, False) for i in range(30)]
        assert Model(pairs).rounded[Step.REFUSED_AND_DONE] == -3

    def test_thresholds_meet_their_aims(self) -> None:
        rng = np.random.default_rng(3)
        pairs = []
        for _ in range(800):
            same = bool(rng.random() < 0.5)
            time = (Time.SAME_DAY, Time.APART)[int(rng.random() < (0.1 if same else 0.9))]
            scope = (ScopeRelation.SAME, ScopeRelation.ODD)[int(rng.random() < (0.1 if same else 0.9))]
            pairs.append(Pair((Actor.SAME, Deed.SAME, time, scope), same, 1.0, False))
        same_from, below = thresholds(pairs, POINTS)
        found = figures(pairs, POINTS, same_from, below)
        assert found.wrong <= 0.02
        assert below <= same_from


def test_the_halves_are_fixed_and_about_equal() -> None:
    blocks = [f"service {number}|IT" for number in range(1000)]
    assert 430 < sum(map(is_held_out, blocks)) < 570
    assert (is_held_out("tiktok|US"), is_held_out("internet|IN")) == (
        is_held_out("tiktok|US"),
        is_held_out("internet|IN"),
    )

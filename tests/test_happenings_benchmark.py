"""The measure of the resolver: B³ by hand, and what counts as a wrong merge of different actors."""

import pytest

from benchmarks.gold import mentions, sample
from benchmarks.happenings import Outcome, b_cubed, resolve_gold


def test_b_cubed_by_hand() -> None:
    # One group of three, of which one is wrong; the two of the other happening are parted.
    found = {"a": "1", "b": "1", "c": "1", "d": "2"}
    truth = {"a": "x", "b": "x", "c": "y", "d": "y"}
    score = b_cubed(found, truth)
    assert score.precision == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1) / 4)
    assert score.recall == pytest.approx((1 + 1 + 1 / 2 + 1 / 2) / 4)
    assert b_cubed(truth, truth).f1 == 1


def test_every_labelled_mention_of_the_sample_is_in_one_event() -> None:
    gold = mentions(sample())
    outcome = resolve_gold(gold)
    assert set(outcome.found) == {one.context.mention.id for one in gold}
    assert outcome.score().count == outcome.score(held_out=True).count + outcome.score(held_out=False).count


def test_a_merge_of_two_named_actors_is_told_from_other_faults() -> None:
    gold = {one.context.mention.id: one for one in mentions(sample())}
    garante, korea = (
        next(key for key, one in gold.items() if one.happening == name and one.context.mention.actor is not None)
        for name in ("it-garante-deepseek-block", "kr-kakao-deepseek-ban")
    )
    both = {key: gold[key] for key in (garante, korea)}
    contexts = {key: one.context for key, one in both.items()}
    merged = Outcome(both, dict.fromkeys(both, "one event"), contexts, 1)
    assert len(merged.merged()) == len(merged.strangers()) == 1
    apart = Outcome(both, {key: key for key in both}, contexts, 2)
    assert not apart.merged()
    assert not apart.strangers()

"""Articles and decisions in any order and any cut make the same tables."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import warehouse_material as material
from warehouse_material import START, article, entry, mention, poll, result

from pipeline.decision_edits import checked
from pipeline.decision_types import Decision, DecisionKind, anchors_of
from pipeline.types import Action, Entry, EntryResult, Status
from warehouse.compare import content
from warehouse.store import open_warehouse

Told = list[tuple[Entry, EntryResult]]
EDITS = (("country", "FR"), ("status", "announced"), ("date", "2025-02-02"), ("scope", ""), ("action", "block"))


def world(dice: random.Random) -> Told:
    """A dozen articles of five months about two services in two countries, which may or may not tell the same."""
    told = []
    for number in [number for number in range(1, 15) if number % 7 != 6]:
        day = date(2025, 1, 3) + timedelta(days=dice.randrange(150))
        stated = (day - timedelta(days=dice.randrange(40))).isoformat()
        country, service = dice.choice(["IT", "IT", "KR"]), dice.choice(["TikTok", "TikTok", "DeepSeek"])
        listed = entry(number, dice.choice(["alpha", "beta"]), day)
        read = article(listed, country, service, "acted")
        found = mention(
            read, country, service, "acted",
            action=dice.choice([Action.BAN, Action.BLOCK, Action.BAN, Action.LIFT, Action.INVESTIGATE]),
            status=dice.choice([Status.IN_FORCE, Status.IN_FORCE, Status.ANNOUNCED]),
            date_value=dice.choice([stated, stated[:7]]),
        )  # fmt: skip
        if dice.random() < 0.2:
            found = replace(found, actor=None, actor_canonical=None, actor_kind=None)
        told.append((listed, result(listed, read, [found])))
    return told


def decisions(dice: random.Random, told: Told, count: int) -> list[Decision]:
    """Decisions about any of the mentions, which may contradict each other."""
    mentions = [mention for _, one in told for mention in one.mentions]
    made: list[Decision] = []
    for number in range(count):
        kind = dice.choice([DecisionKind.SAME, DecisionKind.DIFFERENT, *DecisionKind])
        at = START + timedelta(hours=9 * number)
        picked = dice.sample(mentions, dice.randrange(2, 6))
        cut = dice.randrange(1, len(picked))
        one, other = anchors_of(picked[:cut]), anchors_of(picked[cut:])
        rest: dict[str, Any] = {"one": one}
        if kind in (DecisionKind.SAME, DecisionKind.DIFFERENT):
            rest["other"] = other
        elif kind is DecisionKind.EDIT:
            field, value = dice.choice(EDITS)
            rest |= {"field": field, "value": checked(field, value)}
        elif kind is DecisionKind.UNDO:
            rest = {"revokes": dice.choice(made).id if made else "0" * 20}
        made.append(Decision(kind, "Ada", at, "they say so", **rest))
    return made


def tables(folder: Path, told: Told, steps: Sequence[list[EntryResult] | list[Decision]]) -> dict[str, list[Any]]:
    """What the warehouse holds after these steps: batches of articles, and decisions taken over together."""
    with open_warehouse(folder / "warehouse.duckdb") as warehouse:
        material.begin(warehouse, "run-1")
        for source in ("alpha", "beta"):
            warehouse.store_polls("run-1", [poll(source, [one for one, _ in told if one.source_id == source])])
        for some in steps:
            warehouse.store_batch("run-1", [one for one in some if isinstance(one, EntryResult)])
            warehouse.decide("run-1", [one for one in some if isinstance(one, Decision)])
    return content(folder / "warehouse.duckdb")


@pytest.mark.parametrize("seed", [3, 201])
def test_any_order_of_articles_and_decisions_gives_equal_tables(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    told = world(dice)
    decided = decisions(dice, told, 6)
    expected = tables(tmp_path / "calm", told, [[one for _, one in told], decided])
    assert len(expected["decisions"]) == len(decided)
    assert expected["decision_mentions"]
    for number in range(2):
        mixed: list[EntryResult | Decision] = [*(one for _, one in told), *decided]
        dice.shuffle(mixed)
        steps: list[Any] = []
        while mixed:
            steps.append([mixed.pop() for _ in range(min(len(mixed), dice.randrange(1, 5)))])
        assert tables(tmp_path / str(number), told, steps) == expected

"""The resolver against small cases written by hand, found by folder."""

from collections.abc import Iterable, Mapping

import pytest
from event_cases import Case, clusters_of, load_cases

from pipeline.events import resolve

CASES = load_cases()


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 30
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case) -> None:
    events = resolve(list(case.contexts.values()))

    assert clusters_of(case, events) == case.clusters
    key_of = {context.mention.id: key for key, context in case.contexts.items()}
    by_keys = {tuple(sorted(key_of[i] for i in event.mention_ids)): event for event in events}
    for expected in case.events:
        event = by_keys[tuple(sorted(expected["of"]))]
        shown = {
            "transitions": [f"{step.status} {step.action} {step.date_value}" for step in event.transitions],
            "first_reported": str(event.first_reported),
            "last_reported": str(event.last_reported),
        }
        for field, value in expected.items():
            if field != "of":
                assert shown.get(field, getattr(event, field)) == value, field


def test_b_cubed_over_all_cases_at_once() -> None:
    """All cases in one call, services kept apart by case: precision and recall of each mention's cluster."""
    truth: dict[str, frozenset[str]] = {}
    found: dict[str, frozenset[str]] = {}
    for case in CASES:
        for members in case.clusters:
            truth |= dict.fromkeys((f"{case.name}/{key}" for key in members), named(case, members))
        for members in clusters_of(case, resolve(list(case.contexts.values()))):
            found |= dict.fromkeys((f"{case.name}/{key}" for key in members), named(case, members))
    precision, recall = b_cubed(found, truth), b_cubed(truth, found)
    assert precision == 1.0, f"precision {precision:.3f}"
    assert recall == 1.0, f"recall {recall:.3f}"


def named(case: Case, members: Iterable[str]) -> frozenset[str]:
    return frozenset(f"{case.name}/{key}" for key in members)


def b_cubed(found: Mapping[str, frozenset[str]], truth: Mapping[str, frozenset[str]]) -> float:
    """Share of a mention's found cluster that belongs there, averaged over mentions."""
    return sum(len(found[key] & truth[key]) / len(found[key]) for key in truth) / len(truth)

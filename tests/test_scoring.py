"""The scorer follows the matching rules of the annotation guidelines, case by case."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.names import part_of, same_name, same_service
from extractors.scoring import Report, same_date, same_scope, score
from pipeline.errors import InputError

WRITTEN = Path(__file__).resolve().parent.parent / "extractors" / "training" / "data" / "written.jsonl"


def event(**fields: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "action": "ban",
        "status": "in_force",
        "trigger": "banned",
        "actor": "Italy",
        "actor_canonical": "Italy",
        "country": "IT",
        "service": "DeepSeek",
        "service_canonical": "DeepSeek",
        "scope": None,
        "date": None,
        "date_value": None,
        "reason": None,
        "reason_classes": [],
    }
    return plain | fields


def passage(*events: dict[str, Any], id: str = "p") -> dict[str, Any]:
    return {"id": id, "events": list(events)}


def against(gold: list[dict[str, Any]], predicted: list[dict[str, Any]]) -> Report:
    return score([passage(*gold)], [passage(*predicted)])


def counts(report: Report, label: str = "strict") -> tuple[int, int, int]:
    """Return (matched, spurious, missed)."""
    return tuple(report.counts[f"{label}_{part}"] for part in ("tp", "fp", "fn"))


def test_the_same_event_matches() -> None:
    report = against([event()], [event()])
    assert counts(report) == counts(report, "lenient") == (1, 0, 0)
    assert report["strict_f1"] == report["full_record"] == 1
    assert report.faults == ()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"action": "block"}, "action"),
        ({"actor_canonical": "France"}, "actor"),
        ({"actor_canonical": None}, "actor"),
        ({"service_canonical": "ChatGPT"}, "service"),
    ],
)
def test_strict_wants_action_actor_and_service(change: dict[str, Any], kind: str) -> None:
    report = against([event()], [event(**change)])
    assert counts(report) == (0, 1, 1)
    assert [fault.kind for fault in report.faults] == [kind]


def test_null_actors_match_null_only() -> None:
    nobody = {"actor": None, "actor_canonical": None}
    assert counts(against([event(**nobody)], [event(**nobody)])) == (1, 0, 0)
    assert counts(against([event(**nobody)], [event()])) == (0, 1, 1)


@pytest.mark.parametrize(
    ("gold", "predicted", "matches"),
    [
        ("ban", "limit", True),
        ("ban", "remove", True),
        ("warn", "penalize", True),
        ("ban", "warn", False),
        ("ban", "lift", False),
        ("lift", "lift", True),
    ],
)
def test_lenient_wants_one_side(gold: str, predicted: str, matches: bool) -> None:
    report = against([event(action=gold)], [event(action=predicted, actor_canonical="Rome court")])
    assert counts(report, "lenient") == ((1, 0, 0) if matches else (0, 1, 1))


def test_lenient_wants_country_and_service() -> None:
    assert counts(against([event()], [event(country="FR")]), "lenient") == (0, 1, 1)
    assert counts(against([event()], [event(service_canonical="Temu")]), "lenient") == (0, 1, 1)


def test_each_gold_event_matches_once() -> None:
    assert counts(against([event()], [event(), event()])) == (1, 1, 0)
    assert counts(against([event(), event()], [event()])) == (1, 0, 1)


def test_optional_gold_is_neither_missed_nor_wrong() -> None:
    maybe = event(optional=True)
    assert counts(against([maybe], [])) == (0, 0, 0)
    assert counts(against([maybe], [event()])) == (0, 0, 0)
    assert counts(against([maybe], [event(), event()])) == (0, 1, 0)


def test_required_gold_is_served_before_optional_gold() -> None:
    report = against([event(optional=True), event()], [event()])
    assert counts(report) == (1, 0, 0)


def test_matching_finds_the_most_pairs() -> None:
    """The ministry could match both gold events, the navy only one: greedy pairing would leave one over."""
    defence = {"country": "US", "actor_canonical": "United States Department of Defense"}
    navy = {"country": "US", "actor_canonical": "United States Navy"}
    gold = [event(**defence, action="ban"), event(**defence, action="ban", scope="ships")]
    predicted = [event(**defence), event(**navy)]
    assert counts(against(gold, predicted)) == (2, 0, 0)


def test_pairs_that_agree_in_more_fields_are_preferred() -> None:
    gold = [event(date_value="2025-01"), event(date_value="2025-02")]
    predicted = [event(date_value="2025-02"), event(date_value="2025-01")]
    report = against(gold, predicted)
    assert report["date_value"] == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Federal Trade Commission", "US Federal Trade Commission"),
        ("U.S. Federal Trade Commission", "United States Federal Trade Commission"),
        ("Irish Data Protection Commission", "Ireland Data Protection Commission"),
        ("Supreme Court of India", "India Supreme Court"),
        ("Apple", "Apple Inc."),
        ("Korea Hydro & Nuclear Power", "Korea Hydro and Nuclear Power Co., Ltd."),
        ("Autorita Garante della Concorrenza e del Mercato", "Autorità Garante della Concorrenza e del Mercato"),
        ("Garante", "Garante per la protezione dei dati personali"),
        ("CNIL", "Commission nationale de l'informatique et des libertés (CNIL)"),
        ("Indecopi (Peru)", "Indecopi"),
        ("the European Commission", "European Commission"),
        ("Lithuania Ministry of National Defence", "Lithuania Ministry of National Defense"),
        ("South Korea Personal Information Protection Commission", "PIPC"),
    ],
)
def test_same_names(one: str, other: str) -> None:
    assert same_name(one, other, same_country=True)
    assert same_name(other, one, same_country=True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("South Korea", "North Korea"),
        ("United States Army", "United States Navy"),
        ("Italy", "Garante per la protezione dei dati personali"),
        ("Federal Court of Australia", "Australia High Court"),
        (
            "Personal Information Protection Commission (Japan)",
            "Personal Information Protection Commission (South Korea)",
        ),
        ("", "Italy"),
    ],
)
def test_different_names(one: str, other: str) -> None:
    assert not same_name(one, other, same_country=True)
    assert not same_name(other, one, same_country=True)


def test_one_name_in_two_countries_is_two_bodies() -> None:
    assert not same_name("Ministry of Defence", "Pakistan Ministry of Defence", same_country=False)
    assert same_name("Ministry of Defence", "Pakistan Ministry of Defence", same_country=True)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Texas", "Texas Governor Greg Abbott", True),
        ("United States", "US government", True),
        ("Brazil", "President of Brazil", True),
        ("United States", "White House", True),
        ("United States Navy", "United States Department of Defense", True),
        ("Airtel", "Airtel Uganda", True),
        ("Texas", "Texas Attorney General", False),
        ("South Korea", "South Korea Ministry of Trade, Industry and Energy", False),
        ("Court", "Supreme Court of India", False),
        ("ministry", "South Korea Ministry of National Defense", False),
    ],
)
def test_parts(one: str, other: str, expected: bool) -> None:
    assert part_of(one, other, same_country=True) is expected
    assert part_of(other, one, same_country=True) is expected
    assert not part_of(one, other, same_country=False)


def test_a_part_counts_unless_the_passage_names_both() -> None:
    state = event(country="US", actor_canonical="Texas")
    governor = event(country="US", actor_canonical="Governor of Texas")
    assert counts(against([state], [governor])) == (1, 0, 0)
    other = event(country="US", actor_canonical="Governor of Texas", service_canonical="TikTok")
    assert counts(against([state, other], [governor])) == (0, 1, 2)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("TikTok", "tiktok", True),
        ("Pokémon Go", "Pokemon GO", True),
        ("the Internet Archive", "Internet Archive", True),
        ("Kaspersky", "Kaspersky Inc.", True),
        ("internet", "mobile internet", False),
        ("Huawei", "Huawei 5G equipment", False),
        ("VPNs", "VPN", True),
        ("VKontakte", "VK", True),
        ("landline services", "landlines", True),
        ("Kaspersky software", "Kaspersky", True),
        ("Messenger", "Facebook Messenger", False),  # an alias that counts only in fitting company
        ("twenty-six quilting apps", "26 quilting apps", True),
        ("26 quilting apps", "27 quilting apps", False),
        ("quilting site", "quilting websites", True),
        ("American looms", "US looms", True),
        ("Chinese-made looms", "Chinese looms", True),
        ("Chinese looms", "US looms", False),
        ("Quorzle's wallet", "Quorzle wallet", True),
        ("Quorzle", "Quorzel", False),
        ("Signal", "Sign", False),
    ],
)
def test_services(one: str, other: str, same: bool) -> None:
    assert same_service(one, other) is same


@pytest.mark.parametrize(
    ("gold", "predicted", "same"),
    [
        ("2025-02-05", "2025-02-05", True),
        ("2025-02", "2025-02-05", True),
        ("2025", "2025-02-05", True),
        ("2025-02-05", "2025-02", False),
        ("2025-02", "2025-03", False),
        (None, None, True),
        (None, "2025", False),
        ("2025", None, False),
    ],
)
def test_dates_are_equal_at_the_golds_precision(gold: str | None, predicted: str | None, same: bool) -> None:
    assert same_date(gold, predicted) is same


@pytest.mark.parametrize(
    ("gold", "predicted", "same"),
    [
        ("all government devices", "government devices", True),
        ("all government devices", "devices", True),
        ("all government devices", "phones", False),
        ("employee access", "its employees", False),
        (None, None, True),
        (None, "phones", False),
        ("phones", None, False),
    ],
)
def test_scopes_share_half_their_words(gold: str | None, predicted: str | None, same: bool) -> None:
    assert same_scope(gold, predicted) is same


def test_fields_are_judged_over_strict_matches() -> None:
    gold = [event(reason_classes=["privacy", "security"], scope="schools"), event(service_canonical="Temu")]
    predicted = [event(status="proposed", reason_classes=["privacy", "content"], scope="all schools")]
    report = against(gold, predicted)
    assert report["status"] == 0
    assert report["country"] == report["date_value"] == report["scope"] == 1
    assert report["reason_classes_f1"] == 0.5
    assert report["full_record"] == 0


def test_nothing_to_count_has_no_rate() -> None:
    report = score([passage()], [passage()])
    assert report.rates["strict_f1"].value is None
    assert report.rates["status"].value is None
    assert report["strict_f1"] == 0


def test_intervals_hold_the_value_and_are_the_same_every_time() -> None:
    gold = [passage(event(), id=str(number)) for number in range(40)]
    predicted = [passage(*([event()] if number % 3 else []), id=str(number)) for number in range(40)]
    rate = score(gold, predicted).rates["strict_recall"]
    assert rate == score(gold, predicted).rates["strict_recall"]
    assert rate.value == pytest.approx(26 / 40)
    assert rate.low is not None
    assert rate.high is not None
    assert 0.45 < rate.low < rate.value < rate.high < 0.85


def test_gold_without_a_prediction_is_missed() -> None:
    assert counts(score([passage(event(), id="a"), passage(event(), id="b")], [passage(event(), id="a")])) == (1, 0, 1)


@pytest.mark.parametrize(
    ("gold", "predicted"),
    [
        ([passage(id="a")], [passage(id="b")]),
        ([passage(id="a"), passage(id="a")], []),
        ([passage(id="a")], [passage(id="a"), passage(id="a")]),
        ([{"events": []}], []),
        ([{"id": "a", "events": [{"action": "ban"}]}], []),
        ([{"id": "a", "events": [{"action": "shout", "service_canonical": "X"}]}], []),
        ([{"id": "a", "events": None}], []),
    ],
)
def test_malformed_input_is_an_input_error(gold: list[dict[str, Any]], predicted: list[dict[str, Any]]) -> None:
    with pytest.raises(InputError):
        score(gold, predicted)


def test_the_written_passages_score_full_marks_against_themselves() -> None:
    passages = [json.loads(line) for line in WRITTEN.read_text("utf-8").splitlines()]
    report = score(passages, passages)
    assert report["strict_f1"] == report["lenient_f1"] == 1
    assert report["reason_classes_f1"] == 1


EVENTS = st.lists(
    st.builds(
        event,
        action=st.sampled_from(["ban", "block", "lift"]),
        actor_canonical=st.sampled_from([None, "Italy", "Garante", "President of Italy"]),
        service_canonical=st.sampled_from(["TikTok", "X"]),
        optional=st.booleans(),
    ),
    max_size=6,
)


@given(EVENTS, EVENTS)
@settings(max_examples=150, deadline=None)
def test_counts_always_add_up(gold: list[dict[str, Any]], predicted: list[dict[str, Any]]) -> None:
    report = against(gold, predicted)
    required = sum(not event["optional"] for event in gold)
    for label in ("strict", "lenient"):
        matched, spurious, missed = counts(report, label)
        assert matched + missed == required
        assert 0 <= matched + spurious <= len(predicted)
        assert len(predicted) - matched - spurious <= len(gold) - required
    assert counts(against(gold, gold))[1:] == (0, 0)

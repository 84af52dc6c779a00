"""Lives of events: which steps the statements bear out, by whom they are dated, and what the press corrects."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from lifecycle_cases import said

from pipeline.consensus import agree
from pipeline.dissent import dissents
from pipeline.statements import Statement
from pipeline.types import Action, Event, ScopeClass, Status, Transition, TransitionKind

Told = list[Statement]

PLACE = {"scope_class": "subnational"}


def life(event: Event) -> list[str]:
    return [f"{step.kind} {step.date_value or '-'}" for step in event.transitions]


def step(event: Event, kind: str) -> Transition:
    (found,) = (one for one in event.transitions if one.kind == kind)
    return found


def words(told: Told, lifts: Told | None = None) -> dict[str, str]:
    return {dissent.field: dissent.words for dissent in dissents(told, lifts or [])}


def lift(number: int, words: str = "lifted", **changes: Any) -> Statement:
    return said(number, words, **({"action": "lift", "on": "2025-03-05", "date": "2025-03-04"} | changes))


class TestVoices:
    def test_copies_and_houses_have_one_voice(self) -> None:
        told = [said(i, date="2025-01-29", story="wire") for i in range(6)]
        told += [said(10 + i, date="2025-01-29", owner="one house") for i in range(4)]
        told += [said(20 + i, date="2025-01-30") for i in range(3)]
        event = agree("e", told, [])
        assert event.date_value == "2025-01-30"
        assert (event.articles, event.stories, event.voices) == (13, 8, 5)
        assert words(told) == {"date": "3 sources say 30 January 2025, 2 say 29 January 2025"}

    def test_spelling_of_an_owner_makes_no_two_voices(self) -> None:
        assert agree("e", [said(1, owner="One House"), said(2, owner="one  house")], []).voices == 1

    def test_what_is_less_exact_supports_and_dissents_from_nothing(self) -> None:
        told = [said(1, date="2025-02-04"), said(2, date="2025-02"), said(3, date="2025"), said(4)]
        assert agree("e", told, []).date_value == "2025-02-04"
        assert words(told) == {}

    def test_a_month_that_most_state_outvotes_a_day_elsewhere(self) -> None:
        told = [said(i, date="2025-03", on="2025-03-20") for i in range(3)] + [said(9, date="2025-02-04")]
        assert agree("e", told, []).date_value == "2025-03"
        assert words(told) == {"date": "3 sources say March 2025, 1 says 4 February 2025"}

    def test_every_side_names_its_mentions(self) -> None:
        told = [said(1, date="2025-02-04"), said(2, date="2025-02-04"), said(3, date="2025-02-05")]
        (dissent,) = dissents(told)
        assert [(camp.voices, camp.mention_ids) for camp in dissent.sides] == [
            (2, tuple(sorted(s.mention_id for s in told[:2]))),
            (1, (told[2].mention_id,)),
        ]

    def test_other_fields_that_differ(self) -> None:
        told = [
            said(1, scope="schools", scope_class="schools"),
            said(2, scope="state schools", scope_class="schools"),
            said(3, "banned", action="ban", scope="banks", scope_class="critical_infrastructure"),
        ]
        assert words(told) == {
            "action": "2 sources say block, 1 says ban",
            "scope": "2 sources say state schools, 1 says banks",
        }


class TestSteps:
    def test_proposal_announcement_law(self) -> None:
        told = [
            said(1, "would ban", action="ban", status="proposed", on="2024-03-10", date="2024-03-08"),
            said(2, "will ban", action="ban", status="announced", on="2024-05-15", date="2024-09-01"),
            said(3, "banned", action="ban", on="2024-09-02", date="2024-09-01"),
        ]
        event = agree("e", told, [])
        assert life(event) == ["proposed 2024-03-08", "announced -", "in_force 2024-09-01"]
        assert step(event, "announced").detail == "to take effect 1 September 2024"
        assert [one.learned_on for one in event.transitions] == [
            date(2024, 3, 10), date(2024, 5, 15), date(2024, 9, 2),
        ]  # fmt: skip
        assert [one.mention_id for one in event.transitions] == [s.mention_id for s in told]
        assert words(told) == {}

    def test_a_start_that_nobody_dates_is_the_day_announced_if_that_has_come(self) -> None:
        plan = said(1, "will ban", action="ban", status="announced", on="2025-01-10", date="2025-02-01")
        after = agree("e", [plan, said(2, "banned", action="ban", on="2025-02-03")], [])
        assert (after.date_value, life(after)) == ("2025-02-01", ["announced -", "in_force 2025-02-01"])
        early = agree("e", [plan, said(2, "banned", action="ban", on="2025-01-20")], [])
        assert (early.date_value, life(early)) == (None, ["announced -", "in_force -"])

    def test_a_report_that_runs_ahead_makes_no_step(self) -> None:
        told = [
            said(i, "will ban", action="ban", status="announced", on="2025-01-20", date="2025-05-01") for i in range(4)
        ]
        told.append(said(9, "banned", action="ban", on="2025-01-20"))
        event = agree("e", told, [])
        assert (event.status, life(event)) == (Status.ANNOUNCED, ["announced -"])
        assert words(told) == {"status": "4 sources say announced, 1 says in force"}

    def test_a_late_report_of_a_plan_is_outvoted(self) -> None:
        told = [said(i, date="2025-01-30") for i in range(3)]
        told.append(said(9, "may block", status="proposed", on="2025-02-20"))
        assert life(agree("e", told, [])) == ["in_force 2025-01-30"]
        assert words(told) == {"status": "3 sources say in force, 1 says proposed"}

    def test_background_on_the_proposal_is_an_earlier_step(self) -> None:
        told = [said(1, date="2025-01-30"), said(2, "proposed", status="proposed", on="2025-02-20", date="2024-11")]
        assert life(agree("e", told, [])) == ["proposed 2024-11", "in_force 2025-01-30"]
        assert words(told) == {}

    def test_a_rejected_bill(self) -> None:
        told = [
            said(1, "would ban", status="proposed", on="2025-01-10"),
            said(2, "voted down", status="rejected", on="2025-02-10", date="2025-02-09"),
        ]
        assert life(agree("e", told, [])) == ["proposed -", "rejected 2025-02-09"]


class TestGrowth:
    @pytest.mark.parametrize("trigger", ["extended the block", "was prolonged", "renewed", "made the ban permanent"])
    def test_an_extension_is_no_start(self, trigger: str) -> None:
        told = [said(1, date="2025-01-30"), said(2, trigger, on="2025-04-02", date="2025-04-01")]
        event = agree("e", told, [])
        assert (event.date_value, life(event)) == ("2025-01-30", ["in_force 2025-01-30", "extended 2025-04-01"])
        assert words(told) == {}

    def test_a_permanent_ban_is_no_extension(self) -> None:
        told = [said(1, date="2025-01-30"), said(2, "imposed a permanent ban", on="2025-02-02", date="2025-01-30")]
        assert life(agree("e", told, [])) == ["in_force 2025-01-30"]

    def test_what_is_only_known_by_its_extension(self) -> None:
        event = agree("e", [said(1, "extended", on="2025-04-02", date="2025-04-01")], [])
        assert (event.status, life(event)) == (Status.IN_FORCE, ["extended 2025-04-01"])

    def test_extended_again_and_again(self) -> None:
        told = [said(1, date="2025-01-30")]
        told += [said(10 + i, "extended", on=day, date=day) for i, day in enumerate(["2025-03-01", "2025-05-01"])]
        told.append(said(20, "extended", on="2025-05-03"))
        assert life(agree("e", told, [])) == ["in_force 2025-01-30", "extended 2025-03-01", "extended 2025-05-01"]

    def test_widened_in_words(self) -> None:
        told = [
            said(1, date="2025-01-30", scope="ministries", scope_class="government_devices"),
            said(2, "extended to", on="2025-03-02", date="2025-03-01", scope="state schools", scope_class="schools"),
        ]
        event = agree("e", told, [])
        assert life(event) == ["in_force 2025-01-30", "widened 2025-03-01"]
        assert step(event, "widened").detail == "state schools"
        assert words(told) == {}

    def test_extended_until_is_an_extension(self) -> None:
        told = [said(1, date="2025-01-30"), said(2, "extended to March 14", on="2025-03-02", date="2025-03-01")]
        assert life(agree("e", told, []))[1] == "extended 2025-03-01"

    def test_widened_by_scope_alone(self) -> None:
        told = [
            said(1, date="2025-01-30", scope="ministries", scope_class="government_devices"),
            said(2, on="2025-03-02", date="2025-03-01", scope="minors", scope_class="minors"),
        ]
        assert life(agree("e", told, [])) == ["in_force 2025-01-30", "widened 2025-03-01"]
        same = [told[0], said(2, on="2025-03-02", date="2025-01-30", scope="minors", scope_class="minors")]
        assert life(agree("e", same, [])) == ["in_force 2025-01-30"]
        assert "scope" in words(same)


class TestEnds:
    def test_lifted(self) -> None:
        event = agree("e", [said(1, date="2025-01-30")], [lift(2)])
        assert (event.lifted, life(event)) == (True, ["in_force 2025-01-30", "lifted 2025-03-04"])
        assert (event.action, event.status) == (Action.BLOCK, Status.IN_FORCE)

    @pytest.mark.parametrize(
        ("told", "ended"),
        [
            ({}, {"words": "partially restored"}),
            ({}, {"words": "eased"}),
            ({}, {"scope": "Punjab", "scope_class": "subnational"}),
            ({}, {"scope": "parts of the country"}),
            ({"scope": "Jammu, Srinagar and Leh", **PLACE}, {"scope": "Leh", **PLACE}),
            ({"scope": "schools", "scope_class": "schools"}, {"scope": "army phones", "scope_class": "military"}),
        ],
    )  # fmt: skip
    def test_eased_still_stands(self, told: dict[str, Any], ended: dict[str, Any]) -> None:
        event = agree("e", [said(1, date="2025-01-30", **told)], [lift(2, **ended)])
        assert (event.lifted, life(event)) == (False, ["in_force 2025-01-30", "eased 2025-03-04"])

    @pytest.mark.parametrize(
        ("told", "ended"),
        [
            ({"scope": "Kashmir valley", **PLACE}, {"scope": "whole of Kashmir", **PLACE}),
            ({"scope": "schools", "scope_class": "schools"}, {}),
            ({}, {"scope": "nationwide", "scope_class": "nationwide"}),
            ({}, {"scope": "users in Italy", "scope_class": "other"}),
            ({"scope": "schools", "scope_class": "schools"}, {"scope": "public schools", "scope_class": "schools"}),
        ],
    )  # fmt: skip
    def test_lifted_for_all_for_whom_it_stood(self, told: dict[str, Any], ended: dict[str, Any]) -> None:
        event = agree("e", [said(1, date="2025-01-30", **told)], [lift(2, **ended)])
        assert life(event)[1] == "lifted 2025-03-04"

    def test_eased_then_lifted(self) -> None:
        lifts = [lift(2, "partially restored", on="2025-02-10", date="2025-02-09"), lift(3)]
        assert life(agree("e", [said(1, date="2025-01-30")], lifts)) == [
            "in_force 2025-01-30",
            "eased 2025-02-09",
            "lifted 2025-03-04",
        ]

    def test_one_who_takes_the_part_for_the_whole_is_outvoted(self) -> None:
        lifts = [lift(i, "partially restored") for i in range(2, 6)] + [lift(9)]
        event = agree("e", [said(1, date="2025-01-30")], lifts)
        assert (event.lifted, life(event)[1:]) == (False, ["eased 2025-03-04"])
        lifts = [lift(i) for i in range(2, 6)] + [lift(9, "partially restored")]
        assert life(agree("e", [said(1, date="2025-01-30")], lifts))[1:] == ["lifted 2025-03-04"]

    def test_a_lift_that_is_planned_ends_nothing(self) -> None:
        plan = lift(2, "will lift", status="announced", date="2025-05-01")
        event = agree("e", [said(1, date="2025-01-30")], [plan])
        assert (event.lifted, life(event)) == (False, ["in_force 2025-01-30", "announced -"])
        assert step(event, "announced").detail == "to take effect 1 May 2025"
        assert step(event, "announced").action is Action.LIFT
        done = lift(3, on="2025-05-02", date="2025-05-01")
        assert life(agree("e", [said(1, date="2025-01-30")], [plan, done]))[1:] == ["announced -", "lifted 2025-05-01"]

    def test_a_false_report_of_the_end_is_outvoted(self) -> None:
        told = [said(1, date="2025-01-30")]
        told += [said(10 + i, "remains blocked", on="2025-03-06") for i in range(3)]
        event = agree("e", told, [lift(2)])
        assert (event.lifted, life(event)) == (False, ["in_force 2025-01-30"])
        assert words(told, [lift(2)])["end"] == "3 sources say that it stands, 1 says that it was lifted"

    def test_struck_down_by_a_court(self) -> None:
        court = {"actor": "Constitutional Court of Italy", "kind": "court"}
        ruling = lift(5, "struck down", date="2025-06-01", on="2025-06-02", **court)
        event = agree("e", [said(1, date="2025-01-30")], [], [ruling])
        assert (event.lifted, life(event)) == (True, ["in_force 2025-01-30", "struck_down 2025-06-01"])
        assert step(event, "struck_down").detail == "by Constitutional Court of Italy"
        assert step(event, "struck_down").mention_id == ruling.mention_id
        assert ruling.mention_id not in event.mention_ids
        rejected = said(5, "overturned", status="rejected", date="2025-06-01", on="2025-06-02", **court)
        assert life(agree("e", [said(1, date="2025-01-30")], [], [rejected]))[1:] == ["struck_down 2025-06-01"]

    def test_a_plea_strikes_nothing_down(self) -> None:
        plea = lift(5, "asked to strike down", status="proposed", actor="Constitutional Court of Italy", kind="court")
        assert life(agree("e", [said(1, date="2025-01-30")], [], [plea])) == ["in_force 2025-01-30"]

    def test_struck_down_before_it_came_into_force(self) -> None:
        plan = said(1, "will ban", action="ban", status="announced", date="2025-09-01")
        ruling = lift(5, "struck down", actor="Constitutional Court of Italy", kind="court")
        event = agree("e", [plan], [], [ruling])
        assert (event.status, life(event)) == (Status.REJECTED, ["announced -", "struck_down 2025-03-04"])

    def test_struck_down_in_the_words_of_those_who_tell_of_it(self) -> None:
        told = [
            said(1, date="2025-01-30"),
            said(2, "was struck down", status="rejected", on="2025-06-02", date="2025-06-01"),
        ]
        assert life(agree("e", told, [])) == ["in_force 2025-01-30", "struck_down 2025-06-01"]
        assert words(told) == {}


class TestPress:
    def corrected(self, **changes: Any) -> Told:
        old = said(1, date="2025-02-04", on="2025-02-05", withdrawn="2025-02-08")
        new = {"date": "2025-02-05", "on": "2025-02-05", "learned": "2025-02-08", "version": 2, "edition": 1} | changes
        return [old, said(1, **new)]

    def test_a_corrected_date(self) -> None:
        old, new = self.corrected()
        event = agree("e", [old, new], [])
        assert (event.date_value, life(event)) == ("2025-02-05", ["in_force 2025-02-05", "corrected -"])
        found = step(event, "corrected")
        assert found.detail == "date 4 February 2025 → 5 February 2025"
        assert (found.mention_id, found.learned_on) == (new.mention_id, date(2025, 2, 8))
        assert (event.articles, event.learned_on, event.retracted) == (1, date(2025, 2, 5), False)
        assert set(event.mention_ids) == {old.mention_id, new.mention_id}
        assert words([old, new]) == {}

    def test_the_version_says_which_statement_it_corrects(self) -> None:
        old, new = self.corrected()
        other = said(2, article="d1", story="s1", date="2025-02-03", on="2025-02-05", withdrawn="2025-02-08")
        new = replace(new, context=replace(new.context, corrects=other.mention_id))
        event = agree("e", [old, new, other], [])
        assert step(event, "corrected").detail == "date 3 February 2025 → 5 February 2025"

    def test_several_fields_at_once(self) -> None:
        event = agree("e", self.corrected(status="announced", scope="schools", scope_class="schools"), [])
        assert step(event, "corrected").detail == (
            "status in force → announced; scope not stated → schools; date 4 February 2025 → 5 February 2025"
        )

    def test_a_new_wording_is_no_correction(self) -> None:
        assert life(agree("e", self.corrected(date="2025-02-04"), [])) == ["in_force 2025-02-04"]

    def test_one_that_withdraws_has_no_vote(self) -> None:
        told = [said(1, date="2025-02-04", withdrawn="2025-02-08"), said(2, date="2025-02-05")]
        event = agree("e", told, [])
        assert (event.date_value, event.voices, event.retracted) == ("2025-02-05", 1, False)
        found = step(event, "retracted")
        assert (found.mention_id, found.detail) == (told[0].mention_id, "1 article states it no longer")

    def test_an_event_that_all_withdraw(self) -> None:
        told = [
            said(1, date="2025-02-04", withdrawn="2025-02-08"),
            said(2, "banned", action="ban", date="2025-02-05", withdrawn="2025-02-09"),
        ]
        event = agree("e", told, [])
        assert event.retracted
        assert (event.action, event.date_value) == (Action.BAN, "2025-02-05")
        assert [one.learned_on for one in event.transitions if one.kind is TransitionKind.RETRACTED] == [
            date(2025, 2, 8),
            date(2025, 2, 9),
        ]

    def test_an_article_that_said_it_twice_and_says_it_once_has_not_withdrawn(self) -> None:
        told = [said(1, article="d", story="s", withdrawn="2025-02-08"), said(2, article="d", story="s")]
        assert life(agree("e", told, [])) == ["in_force -"]

    def test_a_withdrawn_lift_lets_it_stand(self) -> None:
        event = agree("e", [said(1, date="2025-01-30")], [lift(2, withdrawn="2025-03-09")])
        assert (event.lifted, life(event)) == (False, ["in_force 2025-01-30", "retracted -"])


def test_scope_is_narrow_before_nationwide_and_follows_its_class() -> None:
    told = [
        said(1, scope="nationwide", scope_class="nationwide"),
        said(2, scope="nationwide", scope_class="nationwide"),
        said(3, scope="schools", scope_class="schools"),
    ]
    event = agree("e", told, [])
    assert (event.scope_class, event.scope) == (ScopeClass.SCHOOLS, "schools")

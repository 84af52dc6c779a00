"""Judgements, lifts, consensus and ids of the resolver, one rule at a time."""

import random
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations
from typing import Any

import pytest
from cost import cost
from event_cases import context

from pipeline.clusters import cluster
from pipeline.events import block_key, resolve
from pipeline.matching import SAME_FROM, Comparison, Verdict, judge
from pipeline.scopes import ScopeRelation, compare_scopes, read_scope
from pipeline.statements import is_recurring, read_statement, stated_days
from pipeline.types import Action, Event, MentionContext, ReasonClass, ScopeClass, Status

GARANTE = "Garante per la protezione dei dati personali"


def told(number: int = 0, **changes: Any) -> MentionContext:
    spec = {
        "doc": f"d{number}",
        "published": "2025-01-31",
        "action": "block",
        "status": "in_force",
        "actor": GARANTE,
        "kind": "data_protection",
        "country": "IT",
        "service": "DeepSeek",
    }
    return context({key: value for key, value in (spec | changes).items() if value is not None}, number)


def only(events: list[Event]) -> Event:
    assert len(events) == 1, [event.why for event in events]
    return events[0]


class TestJudgement:
    def test_says_in_words_why(self) -> None:
        judgement = judge(told(1, date="2025-01-30"), told(2, action="ban", date="2025-01-30"))
        assert judgement.verdict is Verdict.SAME
        assert judgement.words == "same: the same actor, the same day"
        assert "the same actor (+4)" in judgement.figures

    def test_names_the_veto(self) -> None:
        judgement = judge(told(1), told(2, action="warn"))
        assert judgement.verdict is Verdict.DIFFERENT
        assert judgement.words.startswith("different: different sorts of action; though the same actor")
        assert "different sorts of action (veto)" in judgement.figures

    def test_tells_the_days_between_dates(self) -> None:
        near, far = (judge(told(1, date="2025-01-28"), told(2, date=day)).words for day in ("2025-01-30", "2025-02-20"))
        assert near == "same: the same actor, the same action, dates within 2 days"
        assert far.endswith("but dates 23 days apart")

    def test_a_body_and_its_whole_are_never_the_same_but_may_be_asked_about(self) -> None:
        whole = told(2, actor="Italy", kind="government")
        assert judge(told(1), whole).verdict is Verdict.UNSURE
        assert judge(told(1), told(2, actor="Italy", kind="government", action="ban")).verdict is Verdict.DIFFERENT
        assert judge(told(1), told(2, actor="Italy", date="2025-03-05")).verdict is Verdict.DIFFERENT
        pair = Comparison([read_statement(told(1)), read_statement(whole)])
        assert pair.different[0, 1]
        assert not pair.vetoes[0, 1]

    def test_is_unsure_where_dates_lie_weeks_apart(self) -> None:
        judgement = judge(told(1, date="2025-01-10"), told(2, date="2025-02-05"))
        assert judgement.verdict is Verdict.UNSURE

    @pytest.mark.parametrize(
        ("a", "b", "verdict"),
        [
            ("2025-01-30", "2025-01-30", Verdict.SAME),
            ("2025-01-30", "2025-01", Verdict.SAME),
            ("2025-01-30", "2025", Verdict.SAME),
            ("2025-01-30", "2025-02-02", Verdict.SAME),
            ("2025-01-31", "2025-02", Verdict.SAME),
            ("2025-01", "2025-02", Verdict.UNSURE),
            ("2024", "2025", Verdict.DIFFERENT),
            ("2025-01-30", "2025-04-30", Verdict.DIFFERENT),
            ("2025-01-30", "2023", Verdict.DIFFERENT),
        ],
    )
    def test_dates_by_their_precision(self, a: str, b: str, verdict: Verdict) -> None:
        assert judge(told(1, date=a, published=None), told(2, date=b, published=None)).verdict is verdict

    def test_a_proposal_may_precede_what_it_proposes_but_not_follow_it(self) -> None:
        proposal = told(1, status="proposed", date="2024-03-01", published="2024-03-01")
        law = told(2, date="2024-12-01", published="2024-12-01")
        late = told(3, status="proposed", date="2025-12-01", published="2025-12-01")
        assert judge(proposal, law).verdict is Verdict.SAME
        assert judge(law, late).verdict is Verdict.DIFFERENT

    def test_a_passing_act_told_much_later_without_a_date_is_unsure(self) -> None:
        fine = told(1, action="penalize", date="2024-03-01", published="2024-03-02")
        later = told(2, action="penalize", published="2025-05-01")
        assert judge(fine, later).verdict is Verdict.UNSURE

    def test_what_was_told_before_it_happened_is_unsure(self) -> None:
        early = told(1, published="2025-01-05")
        assert judge(early, told(2, date="2025-01-30")).verdict is Verdict.UNSURE
        assert judge(early, told(2, date="2025-04-30", published="2025-04-30")).verdict is Verdict.DIFFERENT


class TestScopes:
    @pytest.mark.parametrize(
        ("a", "b", "expected"),
        [
            (("government devices", "government_devices"), ("all government devices", None), ScopeRelation.SAME),
            (("state phones", "government_devices"), ("federal devices", "government_devices"), ScopeRelation.CLOSE),
            (("Jaipur", "subnational"), ("Jaipur district", "subnational"), ScopeRelation.SAME),
            (("Jaipur", "subnational"), ("Udaipur", "subnational"), ScopeRelation.DIFFERENT),
            (("Jaipur", "subnational"), ("eight districts", "subnational"), ScopeRelation.OPEN),
            (("government devices", "government_devices"), ("minors", "minors"), ScopeRelation.DIFFERENT),
            (("employee access", "workplace"), ("official computers", "government_devices"), ScopeRelation.ODD),
            (("EU users", None), ("China", None), ScopeRelation.DIFFERENT),
            (
                ("35 per cent of the core", "critical_infrastructure"),
                ("35% of the core", "exports"),
                ScopeRelation.SAME,
            ),
            (("35% of core sites", "critical_infrastructure"), ("35% of all core", "exports"), ScopeRelation.CLOSE),
            ((None, None), ("minors", "minors"), ScopeRelation.OPEN),
        ],
    )
    def test_relation(self, a: tuple[Any, Any], b: tuple[Any, Any], expected: ScopeRelation) -> None:
        one, other = (read_scope(text, ScopeClass(kind) if kind else None) for text, kind in (a, b))
        assert compare_scopes(one, other) is expected
        assert compare_scopes(other, one) is expected


class TestReading:
    def test_block_key_puts_case_and_punctuation_aside(self) -> None:
        keys = {block_key(told(i, service=name).mention) for i, name in enumerate(["TikTok", "tiktok", " Tik­Tok."])}
        assert block_key(told(service="TikTok").mention) in keys
        assert block_key(told(service="Disney+").mention) != block_key(told(service="Disney").mention)

    def test_block_key_takes_the_country_but_of_companies(self) -> None:
        assert block_key(told(country="IT").mention) != block_key(told(country="FR").mention)
        one, other = (told(actor="Samsung", kind="company", country=code).mention for code in ("KR", "US"))
        assert block_key(one) == block_key(other)

    @pytest.mark.parametrize("value", [None, "", "yesterday", "2025-13", "2025-02-30", "0000", "2025-1-1"])
    def test_what_is_no_date_has_no_days(self, value: str | None) -> None:
        assert stated_days(value) is None

    def test_days_of_a_leap_month(self) -> None:
        assert stated_days("2024-02") == (date(2024, 2, 1).toordinal(), date(2024, 2, 29).toordinal())

    @pytest.mark.parametrize("service", ["internet", "mobile internet", "4G mobile internet", "SMS", "phone services"])
    def test_what_is_cut_off_again_and_again(self, service: str) -> None:
        assert is_recurring(service)

    @pytest.mark.parametrize("service", ["TikTok", "iPhone", "Internet Archive games", "Huawei 5G"])
    def test_products_are_not(self, service: str) -> None:
        assert is_recurring(service) == (service in ("Internet Archive games", "Huawei 5G"))


class TestConsensus:
    def test_ten_copies_of_one_story_have_one_vote(self) -> None:
        copies = [told(i, action="ban", story="wire", date="2025-01-29") for i in range(10)]
        others = [told(20 + i, date="2025-01-30") for i in range(2)]
        event = only(resolve([*copies, *others]))
        assert (event.action, event.date_value) == (Action.BLOCK, "2025-01-30")
        assert (event.stories, event.articles) == (3, 12)

    def test_the_finest_well_supported_date_wins(self) -> None:
        dates = ["2025", "2025-01", "2025-01-30", "2025-01-30", "2025-01-27"]
        event = only(resolve([told(i, date=value) for i, value in enumerate(dates)]))
        assert event.date_value == "2025-01-30"

    def test_no_date_is_made_from_reports(self) -> None:
        event = only(resolve([told(1), told(2, published="2025-02-01")]))
        assert event.date_value is None
        assert (event.first_reported, event.last_reported) == (date(2025, 1, 31), date(2025, 2, 1))

    def test_nothing_is_known_of_undated_reports(self) -> None:
        event = only(resolve([told(1, published=None)]))
        assert (event.first_reported, event.last_reported, event.date_value) == (None, None, None)

    def test_reasons_need_support(self) -> None:
        def because(number: int, *reasons: ReasonClass) -> MentionContext:
            one = told(number, date="2025-01-30")
            return replace(one, mention=replace(one.mention, reason_classes=reasons))

        contexts = [because(i, ReasonClass.PRIVACY) for i in range(9)] + [because(9, ReasonClass.CONTENT)]
        assert only(resolve(contexts)).reason_classes == (ReasonClass.PRIVACY,)
        few = [because(1, ReasonClass.PRIVACY), because(2, ReasonClass.NATIONAL_SECURITY)]
        assert only(resolve(few)).reason_classes == (ReasonClass.PRIVACY, ReasonClass.NATIONAL_SECURITY)

    def test_score_grows_with_independent_stories_only(self) -> None:
        one = only(resolve([told(1, score=0.6)])).score
        copies = only(resolve([told(i, score=0.6, story="wire") for i in range(5)])).score
        three = only(resolve([told(i, score=0.6) for i in range(3)])).score
        certain = only(resolve([told(i, score=1.0) for i in range(3)])).score
        assert one == copies == pytest.approx(0.6)
        assert three == pytest.approx(1 - 0.4**3)
        assert certain < 1

    def test_many_old_proposals_do_not_outvote_the_law(self) -> None:
        proposals = [told(i, status="proposed", published="2024-05-01") for i in range(8)]
        law = told(9, published="2024-11-01", date="2024-10-31")
        event = only(resolve([*proposals, law]))
        assert event.status is Status.IN_FORCE
        assert [step.status for step in event.transitions] == [Status.PROPOSED, Status.IN_FORCE]

    def test_why_is_plain(self) -> None:
        event = only(resolve([told(1, date="2025-01-29", story="w"), told(2, story="w"), told(3, date="2025-01-30")]))
        assert event.why == (
            f"3 mentions in 2 stories name the same actor ({GARANTE}) and the same service (DeepSeek); "
            "all tell of a block, with dates within 1 day."
        )


class TestLifts:
    def test_a_lift_keeps_id_action_and_status_and_adds_a_step(self) -> None:
        ban = told(1, date="2025-01-30")
        before = only(resolve([ban]))
        after = only(resolve([ban, told(2, action="lift", date="2025-03-01", published="2025-03-02")]))
        assert (after.id, after.action, after.status) == (before.id, Action.BLOCK, Status.IN_FORCE)
        assert not before.lifted
        assert after.lifted
        assert [(step.action, step.date_value) for step in after.transitions] == [
            (Action.BLOCK, "2025-01-30"),
            (Action.LIFT, "2025-03-01"),
        ]
        assert after.transitions[-1].mention_id == told(2, action="lift").mention.id

    def test_a_ban_told_late_and_undated_still_comes_before_its_end(self) -> None:
        lift = told(1, doc="d", action="lift", date="2025-01-10")
        ban = told(2, doc="d")
        assert only(resolve([lift, ban])).lifted

    def test_a_lift_never_ends_what_began_after_it(self) -> None:
        events = resolve([told(1, action="lift", date="2025-01-10"), told(2, date="2025-03-01")])
        assert len(events) == 2
        assert not any(event.lifted for event in events)

    def test_a_lift_alone_is_an_event(self) -> None:
        event = only(resolve([told(1, action="lift", date="2025-01-10")]))
        assert (event.action, event.lifted) == (Action.LIFT, False)

    def test_only_the_later_of_two_bans_is_lifted(self) -> None:
        events = resolve(
            [
                told(1, date="2023-03-31", published="2023-04-01"),
                told(2, date="2025-01-30"),
                told(3, action="lift", date="2025-04-01", published="2025-04-02"),
            ]
        )
        assert [(event.date_value, event.lifted) for event in events] == [("2023-03-31", False), ("2025-01-30", True)]


class TestIds:
    def test_more_of_the_same_keeps_the_id(self) -> None:
        first = only(resolve([told(1, date="2025-01-30")]))
        reports = [
            told(2),
            told(3, action="ban", date="2025-01"),
            told(4, actor="Garante per la Protezione dei dati personali"),
            told(5, published="2025-06-01"),
            told(6, published="2025-06-01", date="2025"),
            told(7, scope="data of Italian users"),
        ]
        for n in range(1, len(reports) + 1):
            assert only(resolve([told(1, date="2025-01-30"), *reports[:n]])).id == first.id

    def test_a_law_keeps_the_id_of_its_proposal(self) -> None:
        proposal = told(1, status="proposed", date="2024-05-01", published="2024-05-01")
        law = told(2, date="2024-11-01", published="2024-11-01")
        assert only(resolve([proposal])).id == only(resolve([proposal, law])).id

    def test_twins_of_one_month_are_numbered_by_date(self) -> None:
        common = {"service": "internet", "actor": "Haryana", "kind": "subnational", "country": "IN"}
        early = told(1, date="2025-01-02", published="2025-01-02", **common)
        late = told(2, date="2025-01-25", published="2025-01-25", **common)
        alone, both = only(resolve([early])), resolve([late, early])
        assert len({event.id for event in both}) == 2
        assert both[0].id == alone.id

    def test_a_name_or_an_earlier_date_that_comes_later_leaves_it_as_it_is(self) -> None:
        unnamed = told(1, actor=None, published="2025-01-31", date="2025-01-30")
        named = told(2, published="2025-02-01", date="2025-01-30")
        earlier = told(3, published="2025-02-02", date="2025-01-29")
        one, two = only(resolve([unnamed])), only(resolve([earlier, named, unnamed]))
        assert (len(two.mention_ids), one.id == two.id) == (3, True)

    def test_an_earlier_report_changes_it(self) -> None:
        one = only(resolve([told(1, date="2025-01-02", published="2025-01-03")]))
        two = only(resolve([told(1, date="2025-01-02", published="2025-01-03"), told(2, published="2024-12-31")]))
        assert (len(two.mention_ids), one.id == two.id) == (2, False)


class TestClusters:
    def test_a_chain_of_near_dates_never_joins_its_ends(self) -> None:
        days = [date(2025, 1, 1) + timedelta(5 * i) for i in range(20)]
        contexts = [told(i, date=str(day), published=str(day)) for i, day in enumerate(days)]
        for event in resolve(contexts):
            members = [c for c in contexts if c.mention.id in event.mention_ids]
            assert all(judge(a, b).verdict is not Verdict.DIFFERENT for a in members for b in members)

    def test_piece_by_piece_gives_the_same_groups(self) -> None:
        rng = random.Random(5)
        days = [date(2023, 1, 1) + timedelta(200 * burst + rng.randrange(3)) for burst in range(4) for _ in range(40)]
        statements = [
            read_statement(told(i, date=str(day), published=str(day + timedelta(rng.randrange(20)))))
            for i, day in enumerate(days)
        ]
        whole, pieces = (
            sorted(sorted(s.mention_id for s in group) for _, group in cluster(statements, at_once=at_once))
            for at_once in (1000, 30)
        )
        assert whole == pieces
        assert len(whole) == 4

    @pytest.mark.parametrize("seed", range(20))
    def test_what_can_merge_has_merged_and_what_may_not_has_not(self, seed: int) -> None:
        rng = random.Random(seed)
        statements = [
            read_statement(
                told(
                    i,
                    action=rng.choice(["ban", "block", "remove"]),
                    date=rng.choice([None, f"2025-0{rng.randrange(1, 7)}-{rng.randrange(1, 28):02d}"]),
                    published=f"2025-0{rng.randrange(1, 9)}-{rng.randrange(1, 28):02d}",
                    scope=rng.choice([None, None, "government devices", "minors"]),
                )
            )
            for i in range(40)
        ]
        groups = [group for _, group in cluster(statements)]
        assert 1 < len(groups) < 30
        for group in groups:
            assert not Comparison(group).different.any()
        for one, other in combinations(groups, 2):
            pairs = Comparison(one, other)
            assert pairs.different.any() or pairs.points.mean() < SAME_FROM

    def test_two_records_of_one_mention_count_once_whatever_their_order(self) -> None:
        one = told(1, date="2025-01-30")
        other = replace(one, mention=replace(one.mention, status=Status.PROPOSED, date_value="2025-01-29"))
        assert one.mention.id == other.mention.id
        assert resolve([one, other]) == resolve([other, one])
        assert only(resolve([one, other])).mention_ids == (one.mention.id,)

    def test_nothing_makes_nothing(self) -> None:
        assert resolve([]) == []

    @pytest.mark.parametrize("actors", [1, 12])
    def test_two_thousand_mentions_of_one_service_take_seconds_at_most(self, actors: int) -> None:
        rng = random.Random(actors)
        contexts = []
        for i in range(2000):
            day = date(2024, 1, 1) + timedelta(rng.randrange(700))
            contexts.append(
                told(
                    i,
                    actor=None if rng.random() < 0.1 else f"Italy Ministry of {'ABCDEFGHIJKL'[rng.randrange(actors)]}x",
                    action=rng.choice(["ban", "block", "block", "limit", "warn", "lift"]),
                    status=rng.choice(["in_force", "in_force", "proposed", "announced"]),
                    scope=rng.choice([None, "government devices", "minors"]),
                    published=str(day),
                    date=rng.choice([None, str(day), str(day)[:7]]),
                )
            )
        with cost() as spent:
            events = resolve(contexts)
        assert spent.seconds < 20
        assert sum(len(event.mention_ids) for event in events) == 2000

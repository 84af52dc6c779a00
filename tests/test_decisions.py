"""What decisions mean: anchors found again, later ones over earlier ones, in any order of the records."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decision_edits import FIELDS, checked, edited, value_of
from pipeline.decision_types import Anchor, Decision, DecisionKind, Known
from pipeline.decisions import applied_edits, govern, in_force, joined, rule
from pipeline.types import (
    Action,
    ActorKind,
    Event,
    ReasonClass,
    ScopeClass,
    Status,
    Transition,
    TransitionKind,
)

START = datetime(2025, 3, 1, 9, 0, tzinfo=UTC)
MENTIONS = [f"m{i}" for i in range(8)]


def known(mention_id: str, **changes: object) -> Known:
    """Mention m3 of article a3, unless told otherwise."""
    of = Known(mention_id, f"a{mention_id[1:]}", 1, "ban", "TikTok", "Italy", "has banned", 10, None, None)
    return replace(of, **changes)


def anchor(mention_id: str) -> Anchor:
    of = known(mention_id)
    return Anchor(of.mention_id, of.article_id, of.action, of.service, of.actor, of.trigger, of.scope, of.date)


def decide(
    kind: DecisionKind, one: Iterable[str] = (), other: Iterable[str] = (), minute: int = 0, **rest: str | None
) -> Decision:
    at = START + timedelta(minutes=minute)
    anchors = (tuple(map(anchor, one)), tuple(map(anchor, other)))
    return Decision(kind, "Ada", at, "they say so", *anchors, **rest)


def same(one: Iterable[str], other: Iterable[str], minute: int = 0) -> Decision:
    return decide(DecisionKind.SAME, one, other, minute)


def different(one: Iterable[str], other: Iterable[str], minute: int = 0) -> Decision:
    return decide(DecisionKind.DIFFERENT, one, other, minute)


def undo(decision: Decision, minute: int = 0) -> Decision:
    return decide(DecisionKind.UNDO, minute=minute, revokes=decision.id)


ALL = [known(mention_id) for mention_id in MENTIONS]


def event(*mention_ids: str, **changes: object) -> Event:
    of = Event(
        id="e1",
        action=Action.BAN,
        status=Status.IN_FORCE,
        country="IT",
        service_canonical="TikTok",
        actor_canonical="Italy",
        actor_kind=ActorKind.GOVERNMENT,
        scope="state schools",
        scope_class=ScopeClass.SCHOOLS,
        date_value="2025-02-04",
        reason_classes=(ReasonClass.PRIVACY,),
        first_reported=date(2025, 2, 5),
        last_reported=date(2025, 2, 6),
        stories=1,
        articles=1,
        score=0.9,
        mention_ids=tuple(mention_ids or MENTIONS[:3]),
        transitions=(
            Transition(Status.ANNOUNCED, Action.BAN, "2025-01", date(2025, 1, 9), "m0", TransitionKind.ANNOUNCED),
            Transition(Status.IN_FORCE, Action.BAN, "2025-02-04", date(2025, 2, 5), "m1"),
        ),
        why="",
    )
    return replace(of, **changes)


def test_an_anchor_is_its_mention_while_that_is_there() -> None:
    found = rule([same(["m0"], ["m1"])], ALL)
    assert found.together == (frozenset({"m0", "m1"}),)


def test_an_anchor_is_found_again_by_its_claim_and_then_by_its_words() -> None:
    reread = known("m9", article_id="a0", start=30)
    assert rule([same(["m0"], ["m1"])], [reread, ALL[1]]).together == (frozenset({"m9", "m1"}),)
    otherwise = replace(reread, action="block", actor=None, trigger="banned")
    assert rule([same(["m0"], ["m1"])], [otherwise, ALL[1]]).together == (frozenset({"m9", "m1"}),)
    for stranger in (replace(otherwise, trigger="fined"), replace(otherwise, service="WeChat")):
        rulings = rule([same(["m0"], ["m1"])], [stranger, ALL[1]])
        assert rulings.together == ()
        assert [ruling.decision.kind for ruling in rulings.lost] == [DecisionKind.SAME]


def test_an_anchor_stands_for_the_same_claim_in_later_versions_too() -> None:
    later = known("m9", article_id="a0", version=2, start=12)
    another = known("m10", article_id="a0", version=2, start=90, date="2024-05-01")
    rulings = rule([different(["m0"], ["m1"])], [*ALL, later, another])
    assert rulings.apart == ((frozenset({"m0", "m9"}), frozenset({"m1"})),)


def test_two_claims_of_one_article_are_not_taken_for_each_other() -> None:
    """An article tells two shutdowns in the same words: a person parts them, and each anchor keeps to its own."""
    may, june = known("m0", date="2025-05-03"), known("m1", article_id="a0", start=80, date="2025-06-12")
    parted = Decision(
        DecisionKind.DIFFERENT,
        "Ada",
        START,
        "two months",
        (replace(anchor("m0"), date="2025-05-03"),),
        (replace(anchor("m1"), article_id="a0", date="2025-06-12"),),
    )
    assert rule([parted], [may, june]).apart == ((frozenset({"m0"}), frozenset({"m1"})),)
    # Read anew, both have other ids.
    anew = [replace(may, mention_id="n0", start=14), replace(june, mention_id="n1", start=84)]
    assert rule([parted], anew).apart == ((frozenset({"n0"}), frozenset({"n1"})),)


def test_the_later_of_same_and_different_holds() -> None:
    first, second = same(["m0"], ["m1"], 1), different(["m0"], ["m1"], 2)
    rulings = rule([second, first], ALL)
    assert rulings.together == ()
    assert rulings.apart == ((frozenset({"m0"}), frozenset({"m1"})),)
    assert rulings.overruled == {first.id}
    back = same(["m1"], ["m0"], 3)
    rulings = rule([first, second, back], ALL)
    assert rulings.together == (frozenset({"m0", "m1"}),)
    assert rulings.apart == ()
    assert rulings.overruled == {second.id}


def test_what_is_taken_out_later_leaves_the_rest_joined() -> None:
    joining = same(["m0", "m1"], ["m2", "m3"], 1)
    out = different(["m1"], ["m0", "m2", "m3"], 2)
    rulings = rule([joining, out], ALL)
    assert rulings.together == (frozenset({"m0", "m2", "m3"}),)
    assert rulings.apart == ((frozenset({"m1"}), frozenset({"m0", "m2", "m3"})),)
    assert not rulings.overruled


def test_sameness_does_not_go_around_a_difference() -> None:
    """A is B and B is C, and later: A is not C. The older of the two joins gives way."""
    decided = [same(["m0"], ["m1"], 1), same(["m1"], ["m2"], 2), different(["m0"], ["m2"], 3)]
    rulings = rule(decided, ALL)
    assert rulings.together == (frozenset({"m1", "m2"}),)
    assert rulings.apart == ((frozenset({"m0"}), frozenset({"m1", "m2"})),)
    assert rulings.overruled == {decided[0].id}


def test_undoing_is_undone() -> None:
    joining = same(["m0"], ["m1"])
    back = undo(joining, 1)
    assert rule([joining, back], ALL).together == ()
    again = undo(back, 2)
    assert rule([joining, back, again], ALL).together == (frozenset({"m0", "m1"}),)
    assert in_force([joining, back, again]) == {joining.id, again.id}


decisions = st.lists(
    st.tuples(
        st.sampled_from([DecisionKind.SAME, DecisionKind.DIFFERENT]),
        st.sets(st.sampled_from(MENTIONS), min_size=1, max_size=3),
        st.sets(st.sampled_from(MENTIONS), min_size=1, max_size=3),
        st.integers(0, 4),
    ),
    max_size=6,
)


def made(drawn: list[tuple[DecisionKind, set[str], set[str], int]]) -> list[Decision]:
    return [decide(kind, sorted(one), sorted(other - one), minute) for kind, one, other, minute in drawn if other - one]


@given(decisions, st.data())
def test_any_order_of_records_and_mentions_gives_the_same_rulings(
    drawn: list[tuple[DecisionKind, set[str], set[str], int]], data: st.DataObject
) -> None:
    records = made(drawn)
    records += [undo(one, 5) for one in records if data.draw(st.booleans())]
    records += [decide(DecisionKind.REJECT, ["m0"], minute=6), decide(DecisionKind.RESTORE, ["m0", "m1"], minute=6)]
    expected = rule(records, ALL)
    shuffled = data.draw(st.permutations(records))
    assert rule([*shuffled, *shuffled[:2]], data.draw(st.permutations(ALL))) == expected
    assert govern(event(), rule(shuffled, ALL)) == govern(event(), expected)


@given(decisions, st.lists(st.sampled_from("ABCD"), min_size=8, max_size=8))
def test_no_decision_is_broken_by_another(
    drawn: list[tuple[DecisionKind, set[str], set[str], int]], placed: list[str]
) -> None:
    """What is together shares no pair with what is apart, and the latest decision of all holds as a whole."""
    records = made(drawn)
    rulings = rule(records, ALL)
    for one, other in rulings.apart:
        assert not one & other
        assert not any(group & one and group & other for group in rulings.together)
    happenings: dict[str, set[str]] = {}
    for mention_id, happening_id in zip(MENTIONS, placed, strict=True):
        happenings.setdefault(happening_id, set()).add(mention_id)
    events = [set().union(*(happenings[h] for h in some)) for some in joined(happenings, rulings)]
    for one, other in rulings.apart:
        for some in events:
            broken = some & one and some & other
            assert not broken or any(happening & one and happening & other for happening in happenings.values())
    if records:
        last = max(records, key=lambda decision: decision.order)
        sides = [{a.mention_id for a in side} for side in (last.one, last.other)]
        if last.kind is DecisionKind.SAME:
            assert any(sides[0] | sides[1] <= group for group in rulings.together)
        else:
            assert any(
                (sides[0] <= one and sides[1] <= other) or (sides[0] <= other and sides[1] <= one)
                for one, other in rulings.apart
            )


def edit(field: str, value: str | None, of: Iterable[str] = MENTIONS[:3], minute: int = 0) -> Decision:
    return decide(DecisionKind.EDIT, of, minute=minute, field=field, value=checked(field, value))


def test_edits_keep_the_machines_value_beside_the_persons() -> None:
    rulings = rule([edit("country", "fr", minute=1), edit("country", "de", minute=2), edit("scope", "", minute=3)], ALL)
    told = govern(event(), rulings)
    assert (told.country, told.scope, told.scope_class) == ("DE", None, None)
    assert [(one.field, one.machine, one.human) for one in applied_edits(event(), rulings)] == [
        ("country", "IT", "DE"),
        ("scope", "schools: state schools", None),
    ]
    assert told.transitions[-1].kind is TransitionKind.REVIEWED
    assert told.transitions[-1].detail == (
        "country set to FR (read as IT); country set to DE (read as IT); "
        "scope set to not stated (read as schools: state schools) – Ada: they say so"
    )
    assert told.transitions[-1].learned_on == START.date()


@pytest.mark.parametrize("field", FIELDS)
def test_setting_a_field_to_what_it_is_changes_nothing(field: str) -> None:
    assert edited(event(), {field: checked(field, value_of(event(), field))}) == event()


def test_steps_follow_status_and_date() -> None:
    assert [(s.kind, s.date_value) for s in edited(event(), {"date": "2025-02-05"}).transitions] == [
        (TransitionKind.ANNOUNCED, "2025-01"),
        (TransitionKind.IN_FORCE, "2025-02-05"),
    ]
    # Never in force after all: the step goes, and the announcement stands.
    assert [s.kind for s in edited(event(), {"status": "announced"}).transitions] == [TransitionKind.ANNOUNCED]
    refused = edited(event(), {"status": "rejected", "date": "2025-03"})
    assert [(s.kind, s.status, s.date_value) for s in refused.transitions][-1] == (
        TransitionKind.REJECTED,
        Status.REJECTED,
        "2025-03",
    )


def test_edits_leave_what_came_later_in_its_life() -> None:
    widened = Transition(Status.IN_FORCE, Action.BAN, "2025-04", date(2025, 4, 2), "m2", TransitionKind.WIDENED)
    whole = event(transitions=(*event().transitions, widened))
    assert [
        (s.kind, s.action, s.date_value) for s in edited(whole, {"date": "2025-03", "action": "block"}).transitions
    ] == [
        (TransitionKind.ANNOUNCED, Action.BLOCK, "2025-01"),
        (TransitionKind.IN_FORCE, Action.BLOCK, "2025-03"),
        (TransitionKind.WIDENED, Action.BAN, "2025-04"),
    ]
    assert [s.kind for s in edited(whole, {"status": "proposed"}).transitions] == [TransitionKind.PROPOSED]


def test_a_plan_is_dated_by_the_day_on_which_it_takes_effect() -> None:
    planned = edited(event(), {"status": "announced", "date": "2025-05-01"})
    assert planned.date_value == "2025-05-01"
    assert [(s.kind, s.date_value, s.detail) for s in planned.transitions] == [
        (TransitionKind.ANNOUNCED, None, "to take effect 1 May 2025")
    ]
    assert [(s.date_value, s.detail) for s in edited(planned, {"date": "2025-01-05"}).transitions] == [
        ("2025-01-05", None)
    ]


def test_a_lift_that_is_an_event_of_its_own_is_edited_like_any_other() -> None:
    step = Transition(Status.IN_FORCE, Action.LIFT, "2025-02-04", date(2025, 2, 5), "m1", TransitionKind.LIFTED)
    lift = event(action=Action.LIFT, transitions=(step,))
    assert [s.date_value for s in edited(lift, {"date": "2025-02-03"}).transitions] == ["2025-02-03"]
    refused = edited(lift, {"status": "rejected"})
    assert [s.kind for s in refused.transitions] == [TransitionKind.REJECTED]
    assert [s.kind for s in edited(refused, {"status": "in_force"}).transitions] == [TransitionKind.LIFTED]


def test_a_lifted_restriction_stays_lifted_when_it_is_reviewed() -> None:
    lift = Transition(Status.IN_FORCE, Action.LIFT, "2025-03-01", None, "m2", TransitionKind.LIFTED)
    ended = event(transitions=(*event().transitions, lift))
    told = govern(ended, rule([edit("date", "2025-02-03")], ALL))
    assert told.lifted
    assert [s.date_value for s in told.transitions] == ["2025-01", "2025-02-03", "2025-03-01", None]


def test_rejecting_and_restoring() -> None:
    rejected = decide(DecisionKind.REJECT, MENTIONS[:3], minute=1)
    assert govern(event(), rule([rejected], ALL)).dismissed
    assert govern(event(*MENTIONS[:5]), rule([rejected], ALL)).dismissed, "also when more of it is told"
    assert not govern(event("m5"), rule([rejected], ALL)).dismissed
    restored = decide(DecisionKind.RESTORE, MENTIONS[:4], minute=2)
    told = govern(event(), rule([restored, rejected], ALL))
    assert not told.dismissed
    assert [s.kind for s in told.transitions[-1:]] == [TransitionKind.REVIEWED]
    taken_back = govern(event(), rule([rejected, undo(rejected, 3)], ALL))
    assert not taken_back.dismissed
    assert taken_back.transitions[-1].detail is not None
    assert "taken back: rejected" in taken_back.transitions[-1].detail


def test_an_edit_stays_with_the_larger_part_when_an_event_is_parted() -> None:
    rulings = rule([edit("country", "FR", MENTIONS[:4])], ALL)
    assert govern(event("m0"), rulings).country == "IT"
    assert govern(event("m1", "m2", "m3"), rulings).country == "FR"
    halves = [govern(event("m0", "m3"), rulings).country, govern(event("m1", "m2"), rulings).country]
    assert halves == ["FR", "IT"]

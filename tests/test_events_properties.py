"""What holds for any mentions: nothing is lost, nothing depends on order, no two actors are mixed."""

import random
from itertools import combinations
from typing import Any

from event_cases import context
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.events import block_key, fold, resolve
from pipeline.happenings import Happening, Reach, reach_of, standing_before
from pipeline.matching import POINTS, judge
from pipeline.names import Relation, same_body
from pipeline.statements import read_statement
from pipeline.types import Action, Event, MentionContext, TransitionKind

ACTORS: list[tuple[str | None, str | None, str]] = [
    (None, None, "IT"),
    (None, None, "KR"),
    (None, None, "XX"),
    ("Italy", "government", "IT"),
    ("Garante per la protezione dei dati personali", "data_protection", "IT"),
    ("Garante per la protezione dei dati personali", "data_protection", "XX"),
    ("Italy data protection authority", "data_protection", "IT"),
    ("South Korea", "government", "KR"),
    ("South Korea Ministry of Foreign Affairs", "ministry", "KR"),
    ("Ministry of Foreign Affairs", "ministry", "XX"),
    ("Personal Information Protection Commission", "data_protection", "KR"),
    ("PIPC", "data_protection", "KR"),
    ("court", "court", "KR"),
    ("Apple", "company", "US"),
    ("Apple Inc.", "company", "CN"),
]
SCOPES = [
    (None, None),
    ("government devices", "government_devices"),
    ("official phones", "government_devices"),
    ("children under 16", "minors"),
    ("Jaipur", "subnational"),
    ("Udaipur city", "subnational"),
    ("new downloads", "app_stores"),
    ("data of Italians", None),
]
DAYS = [f"2025-0{month}-{day:02d}" for month in (1, 2, 3, 6) for day in (1, 3, 9, 20)]
DATES = [None, None, None, "2024", "2025", "2025-01", "2025-02", *DAYS]


@st.composite
def specs(draw: st.DrawFn, service: str = "DeepSeek") -> dict[str, Any]:
    actor, kind, country = draw(st.sampled_from(ACTORS))
    scope, scope_class = draw(st.sampled_from(SCOPES))
    spec = {
        "doc": f"d{draw(st.integers(0, 6))}",
        "published": draw(st.sampled_from([None, *DAYS])),
        "action": draw(st.sampled_from(["ban", "ban", "block", "limit", "remove", "warn", "penalize", "lift", "lift"])),
        "status": draw(st.sampled_from(["in_force", "in_force", "in_force", "announced", "proposed", "rejected"])),
        "actor": actor,
        "kind": kind,
        "country": country,
        "service": service,
        "scope": scope,
        "scope_class": scope_class,
        "date": draw(st.sampled_from(DATES)),
        "score": draw(st.sampled_from([0.5, 0.8, 1.0])),
    }
    if draw(st.booleans()):
        spec["story"] = f"s{draw(st.integers(0, 3))}"
    return {key: value for key, value in spec.items() if value is not None}


@st.composite
def mentions(draw: st.DrawFn, service: str = "DeepSeek", most: int = 12) -> list[MentionContext]:
    chosen = draw(st.lists(specs(service), max_size=most))
    return [context(spec, number) for number, spec in enumerate(chosen)]


some_mentions = st.one_of(mentions(), mentions("mobile internet"))


@settings(max_examples=60, deadline=None)
@given(some_mentions, st.randoms(use_true_random=False))
def test_order_does_not_matter(contexts: list[MentionContext], rng: random.Random) -> None:
    shuffled = list(contexts)
    rng.shuffle(shuffled)
    assert resolve(shuffled) == resolve(contexts)


@settings(max_examples=80, deadline=None)
@given(st.one_of(mentions(most=20), mentions("mobile internet", most=20)), st.randoms(use_true_random=False))
def test_batches_in_any_order_give_what_all_at_once_give(contexts: list[MentionContext], rng: random.Random) -> None:
    statements = {c.mention.id: read_statement(c) for c in contexts if block_key(c.mention).endswith("|IT")}
    whole = fold("block", statements.values()).happenings
    arriving = list(statements.values())
    rng.shuffle(arriving)
    here: list[Any] = []
    state: list[Happening] = []
    while arriving:
        batch = [arriving.pop() for _ in range(min(len(arriving), rng.randint(1, 4)))]
        here += batch
        since = min(s.month for s in batch)
        reached = [s for s in here if s.month >= since]
        before = standing_before(state, since)
        # What is out of reach may be there or not.
        months = sorted({s.month for s in reached})
        reaches = [reach_of(month, [s for s in reached if s.month == month]) for month in months]
        beyond = [h for h in before if not _within(h, reaches) and rng.random() < 0.7]
        near = [h for h in before if h not in beyond]
        state = [*beyond, *fold("block", reached, near).happenings]
    assert sorted(map(_shape, state)) == sorted(map(_shape, whole))


def _within(happening: Happening, reaches: list[Reach]) -> bool:
    return any(reach.holds(happening) for reach in reaches)


def _shape(h: Happening) -> tuple[Any, ...]:
    told, lifts = (sorted(s.mention_id for s in some) for some in (h.told, h.lifts))
    return h.id, str(h.family), told, lifts, h.ends or ""


@settings(max_examples=60, deadline=None)
@given(some_mentions)
def test_each_mention_is_in_one_event_and_ids_are_unique(contexts: list[MentionContext]) -> None:
    events = resolve(contexts)
    held = [mention_id for event in events for mention_id in event.mention_ids]
    assert sorted(held) == sorted(context.mention.id for context in contexts)
    assert len({event.id for event in events}) == len(events)


@settings(max_examples=60, deadline=None)
@given(some_mentions)
def test_mentions_told_twice_change_nothing(contexts: list[MentionContext]) -> None:
    assert resolve([*contexts, *contexts]) == resolve(contexts)


@settings(max_examples=60, deadline=None)
@given(mentions(), mentions("TikTok", most=5))
def test_mentions_of_another_service_change_nothing(
    contexts: list[MentionContext], others: list[MentionContext]
) -> None:
    alone = resolve(contexts)
    together = resolve([*contexts, *others])
    assert [event for event in together if event.service_canonical == "DeepSeek"] == alone


@settings(max_examples=60, deadline=None)
@given(mentions())
def test_mentions_of_an_actor_elsewhere_change_nothing(contexts: list[MentionContext]) -> None:
    spec = {
        "doc": "far",
        "action": "ban",
        "status": "in_force",
        "actor": "Fiji",
        "country": "FJ",
        "service": "DeepSeek",
    }
    stranger = context(spec, 99)
    together = resolve([*contexts, stranger])
    assert [event for event in together if event.country != "FJ"] == resolve(contexts)


@settings(max_examples=80, deadline=None)
@given(some_mentions)
def test_no_event_mixes_two_actors(contexts: list[MentionContext]) -> None:
    for members in members_of(resolve(contexts), contexts):
        for a, b in combinations(members, 2):
            countries = {} if is_company(a) or is_company(b) else {"country_a": a.country, "country_b": b.country}
            relation = same_body(a.actor_canonical, b.actor_canonical, **countries)
            assert relation in (Relation.SAME, Relation.UNKNOWN), (a.actor_canonical, b.actor_canonical)


@settings(max_examples=80, deadline=None)
@given(some_mentions)
def test_no_event_holds_a_pair_that_a_feature_forbids(contexts: list[MentionContext]) -> None:
    by_id = {context.mention.id: context for context in contexts}
    for event in resolve(contexts):
        told = [by_id[i] for i in event.mention_ids if by_id[i].mention.action is not Action.LIFT]
        for a, b in combinations(told, 2):
            judgement = judge(a, b)
            assert all(POINTS[value] is not None for value in judgement.values), judgement.words


@settings(max_examples=60, deadline=None)
@given(some_mentions)
def test_judging_is_symmetric(contexts: list[MentionContext]) -> None:
    for a, b in combinations(contexts, 2):
        assert judge(a, b) == judge(b, a)


@settings(max_examples=60, deadline=None)
@given(some_mentions)
def test_no_field_is_invented(contexts: list[MentionContext]) -> None:
    by_id = {context.mention.id: context for context in contexts}
    for event in resolve(contexts):
        members = [by_id[i].mention for i in event.mention_ids]
        assert event.date_value in {None, *(m.date_value for m in members)}
        assert event.actor_canonical in {m.actor_canonical for m in members}
        assert event.scope in {None, *(m.scope.text for m in members if m.scope)}
        assert event.country in {m.country for m in members}
        assert {block_key(m) for m in members} == {block_key(members[0])}
        assert 0 < event.score < 1
        for step in event.transitions:
            if step.kind is TransitionKind.STRUCK_DOWN:
                ruling = by_id[step.mention_id].mention
                assert (ruling.action, block_key(ruling)) == (Action.LIFT, block_key(members[0]))
            else:
                assert step.mention_id in event.mention_ids


def members_of(events: list[Event], contexts: list[MentionContext]) -> list[list[Any]]:
    by_id = {context.mention.id: context.mention for context in contexts}
    return [[by_id[i] for i in event.mention_ids] for event in events]


def is_company(mention: Any) -> bool:
    return mention.actor_kind == "company"

"""What was known when: chronicles against what was held on each day, and their tables against a plain reference."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from cost import cost
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lifecycle_cases import said

from pipeline.chronicle import Chronicle, Known, KnownStep, chronicle
from pipeline.consensus import agree, divide, grouping, state_of
from pipeline.press import press_steps
from pipeline.statements import Statement
from pipeline.tally import Part
from pipeline.types import SIDE, Action, Event, Side, Status, Transition, TransitionKind
from warehouse import analysis, schema, views
from warehouse.database import Database
from warehouse.dates import span
from warehouse.tables import events

DAY = date(2025, 2, 1)
WORDS = ["blocked", "blocked", "blocked", "has extended the block", "widened", "remains blocked", "struck down"]
SCOPES = [
    (None, None),
    (None, None),
    ("schools", "schools"),
    ("Jammu and Leh", "subnational"),
    ("nationwide", "nationwide"),
]
DATES = [None, None, "2025", "2025-01", "2025-01-30", "2025-02-01", "2025-02-20", "2025-03-01"]


def day(number: int) -> str:
    return (DAY + timedelta(number)).isoformat()


@st.composite
def statements(draw: st.DrawFn, number: int, actions: Sequence[str], *, learned: bool = True) -> Statement:
    scope, scope_class = draw(st.sampled_from(SCOPES))
    known = draw(st.integers(0, 6))
    changes: dict[str, Any] = {
        "action": draw(st.sampled_from(actions)),
        "status": draw(st.sampled_from(["in_force"] * 4 + ["announced", "proposed", "rejected"])),
        "on": draw(st.sampled_from([None, day(known), day(known - 1), day(known + 20)])),
        "date": draw(st.sampled_from(DATES)),
        "scope": scope,
        "scope_class": scope_class,
        "article": f"d{draw(st.integers(0, 5))}",
        "owner": f"o{draw(st.integers(0, 3))}",
        "learned": day(known) if learned else draw(st.sampled_from([None, day(known)])),
        "withdrawn": draw(st.sampled_from([None, None, day(known), day(known + 2), day(known + 3)])),
        "version": draw(st.integers(1, 3)),
        "score": draw(st.sampled_from([0.5, 0.8, 1.0])),
        "reasons": draw(st.sampled_from([(), ("privacy",), ("privacy", "content")])),
    }
    changes["story"] = f"s{changes['article']}" if draw(st.booleans()) else "wire"
    return said(number, draw(st.sampled_from(WORDS)), **changes)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Statement], list[Statement], list[Statement]]:
    told = [draw(statements(i, ["block", "ban"], learned=False)) for i in range(draw(st.integers(1, 8)))]
    lifts = [draw(statements(20 + i, ["lift"])) for i in range(draw(st.integers(0, 4)))]
    struck = [draw(statements(40 + i, ["lift", "ban"])) for i in range(draw(st.integers(0, 2)))]
    return told, lifts, struck


def as_of(some: Sequence[Statement], then: date) -> list[Statement]:
    """The statements that were known on a day, without what was withdrawn later."""
    known = [s for s in some if s.context.learned_on is None or s.context.learned_on <= then]
    return [
        s
        if s.context.withdrawn_on is None or s.context.withdrawn_on <= then
        else replace(s, context=replace(s.context, withdrawn_on=None))
        for s in known
    ]


def held(told: Chronicle, then: date) -> list[Known]:
    return [k for k in told.states if (k.since or date.min) <= then and (k.until is None or k.until > then)]


@settings(max_examples=120, deadline=None)
@given(cases())
def test_each_day_holds_what_its_words_agree_on(case: tuple[list[Statement], list[Statement], list[Statement]]) -> None:
    told, lifts, struck = case
    found = chronicle("e", told, lifts, struck)
    voices = grouping([*told, *lifts, *struck])
    for number in range(-1, 12):
        then = DAY + timedelta(number)
        parts = divide(as_of(told, then), as_of(lifts, then), as_of(struck, then))
        if not parts[Part.TOLD]:
            parts = {Part.TOLD: parts[Part.LIFT], Part.LIFT: [], Part.STRUCK: []}
        states = held(found, then)
        if not parts[Part.TOLD]:
            assert states == []
            continue
        press = press_steps([*parts[Part.TOLD], *parts[Part.LIFT]])
        assert [state.event for state in states] == [state_of("e", parts, voices, press)]
        steps = {k.step for k in found.steps if (k.since or date.min) <= then and (k.until is None or k.until > then)}
        assert steps == set(states[0].event.transitions)


@settings(max_examples=60, deadline=None)
@given(cases(), st.randoms(use_true_random=False))
def test_the_last_state_is_the_event_whatever_the_order(
    case: tuple[list[Statement], list[Statement], list[Statement]], rng: random.Random
) -> None:
    told, lifts, struck = case
    event = agree("e", told, lifts, struck)
    found = chronicle("e", told, lifts, struck)
    assert found.states[-1].until is None
    assert found.states[-1].event == replace(event, mention_ids=(), why="")
    assert all(one.until == next_.since for one, next_ in zip(found.states, found.states[1:], strict=False))
    shuffled = [rng.sample(some, len(some)) for some in (told, lifts, struck)]
    assert chronicle("e", *shuffled) == found
    assert agree("e", *shuffled) == event


def test_a_chronicle_tells_what_was_thought_before_a_correction() -> None:
    told = [
        said(1, date="2025-02-04", on="2025-02-05", withdrawn="2025-02-08"),
        said(1, date="2025-02-05", on="2025-02-05", learned="2025-02-08", version=2, edition=1),
    ]
    found = chronicle("e", told, [])
    assert [(k.since, k.until, k.event.date_value) for k in found.states] == [
        (date(2025, 2, 5), date(2025, 2, 8), "2025-02-04"),
        (date(2025, 2, 8), None, "2025-02-05"),
    ]
    assert [(k.step.kind, k.step.date_value, k.until) for k in found.steps] == [
        (TransitionKind.IN_FORCE, "2025-02-04", date(2025, 2, 8)),
        (TransitionKind.IN_FORCE, "2025-02-05", None),
        (TransitionKind.CORRECTED, None, None),
    ]


def test_a_decision_counts_from_its_day_on() -> None:
    def dismiss(event: Event) -> Event:
        return replace(event, dismissed=True)

    found = chronicle("e", [said(1)], [], (), [(date(2025, 3, 1), dismiss)])
    assert [(k.since, k.event.dismissed) for k in found.states] == [
        (date(2025, 1, 31), False),
        (date(2025, 3, 1), True),
    ]


def test_cost_grows_with_the_statements_and_not_with_the_days() -> None:
    """A year of daily reports, five thousand in all: each is counted once."""

    def seconds(number: int) -> float:
        rng = random.Random(3)
        told = []
        for i in range(number):
            known = rng.randrange(365)
            told.append(
                said(
                    i,
                    "extended" if i % 50 == 0 else "blocked",
                    on=day(known),
                    date=rng.choice([None, "2025-01-30", "2025-01-31", "2025-01"]),
                    scope=rng.choice([None, None, f"agency {rng.randrange(100)}"]),
                    owner=f"o{rng.randrange(500)}",
                    withdrawn=day(known + 3) if i % 100 == 0 else None,
                )
            )
        with cost() as spent:
            assert chronicle("e", told, []).states
        return spent.seconds

    # Ten times as many cost ten times as much; with the square of them it would be a hundred times.
    small, large = (min(seconds(number) for _ in range(3)) for number in (500, 5000))
    assert large < 40 * small + 0.2, (small, large)


# The tables and macros against a plain reference


MANY = 25
KINDS = [
    (TransitionKind.ANNOUNCED, Action.LIFT, Status.ANNOUNCED),
    (TransitionKind.EASED, Action.LIFT, Status.IN_FORCE),
    (TransitionKind.LIFTED, Action.LIFT, Status.IN_FORCE),
    (TransitionKind.STRUCK_DOWN, Action.LIFT, Status.IN_FORCE),
    (TransitionKind.EXTENDED, Action.BAN, Status.IN_FORCE),
    (TransitionKind.RETRACTED, Action.BAN, Status.IN_FORCE),
]
VALUES = st.sampled_from(
    [None, "2024", "2025", "2025-01", "2025-02", "2025-01-31", "2025-02-01", "2025-02-03", "2025-02-28"]
)
SOME_DAYS = st.sampled_from([None, *(DAY + timedelta(n) for n in (-40, -1, 0, 1, 2, 5, 27, 30))])


@st.composite
def states(draw: st.DrawFn, event_id: str) -> Event:
    steps = [
        Transition(status, action, draw(VALUES), draw(SOME_DAYS), f"m{n}", kind, draw(SOME_DAYS))
        for n, (kind, action, status) in enumerate(draw(st.lists(st.sampled_from(KINDS), max_size=3)))
    ]
    told = said(1, action=draw(st.sampled_from(["ban", "block", "warn", "lift"])), on="2025-01-30")
    return replace(
        agree(event_id, [told], []),
        status=draw(st.sampled_from([Status.IN_FORCE] * 4 + list(Status))),
        date_value=draw(VALUES),
        retracted=draw(st.integers(0, 5)) == 0,
        dismissed=draw(st.integers(0, 5)) == 0,
        transitions=tuple(dict.fromkeys(steps)),
    )


@st.composite
def lifecycles(draw: st.DrawFn) -> dict[str, Chronicle]:
    made = {}
    for number in range(draw(st.integers(1, MANY))):
        event_id = f"event{number:02}"
        days = sorted(draw(st.sets(st.integers(0, 8), min_size=1, max_size=4)))
        bounds: list[date | None] = [DAY + timedelta(n) for n in days]
        if draw(st.booleans()):
            bounds[0] = None
        ends = [*bounds[1:], None]
        known = [Known(a, b, draw(states(event_id))) for a, b in zip(bounds, ends, strict=True)]
        made[event_id] = Chronicle(
            tuple(known), tuple(KnownStep(k.since, k.until, step) for k in known for step in k.event.transitions)
        )
    return made


def in_force(event: Event, on: date) -> bool:
    """Whether a restriction is surely in force on a day, by the words of the promise."""
    first, last = span(event.date_value)
    if SIDE[event.action] is not Side.RESTRICTING or event.status is not Status.IN_FORCE:
        return False
    if event.retracted or event.dismissed or last is None or last > on:
        return False
    ends = [s for s in event.transitions if s.kind in (TransitionKind.LIFTED, TransitionKind.STRUCK_DOWN)]
    return all((span(s.date_value)[0] or s.reported_on or date.min) > on for s in ends) and first is not None


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A warehouse that also answers the questions of a snapshot."""
    opened = Database.open(tmp_path_factory.mktemp("bitemporal") / "warehouse.duckdb")
    schema.migrate(opened)
    for script in (*analysis.scripts(), *views.scripts()):
        opened.script(script)
    yield opened
    opened.close()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lifecycles())
def test_the_macros_answer_as_the_reference_does(database: Database, made: dict[str, Chronicle]) -> None:
    old = events.of_ids(database, [f"event{n:02}" for n in range(MANY)])
    stored = tuple(events.StoredEvent(told.states[-1].event, "block", "run-1") for told in made.values())
    with database.transaction():
        change = events.compare(old, {one.event.id: (one.event, "block") for one in stored}, "run-1", {})
        events.apply(database, "run-1", replace(change, rewritten=stored), made)
    days = [DAY + timedelta(n) for n in (-400, -1, 0, 1, 2, 5, 8, 27, 60)]
    answers = "FROM (SELECT unnest(?::JSON::DATE[]) AS d) AS days, LATERAL (FROM in_force_on({})) AS found"
    today = database.execute(f"SELECT d, event_id {answers.format('days.d')}", [days])
    assert sorted(today) == sorted(
        (on, event_id) for event_id, told in made.items() for on in days if in_force(told.states[-1].event, on)
    )
    for known in days:
        then = database.execute(
            f"SELECT d, event_id {answers.format('days.d, known := CAST(? AS DATE)')}", [days, known]
        )
        states = [state for told in made.values() for state in held(told, known)]
        assert sorted(then) == sorted(
            (on, state.event.id) for state in states for on in days if in_force(state.event, on)
        )
        rows = database.execute(
            "SELECT event_id, status, date_value, lifted, retracted, known_from, known_to FROM known_on(?)", [known]
        )
        assert sorted(rows, key=str) == sorted((_row(state) for state in states), key=str)


def _row(state: Known) -> tuple[object, ...]:
    event = state.event
    said = (event.id, event.status.value, event.date_value, event.lifted, event.retracted)
    return (*said, state.since, state.until)

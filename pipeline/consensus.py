"""What the statements of one happening agree on, today and on each day on which something was learned.

Fields are voted by independent voices and recency (`pipeline.votes`, `pipeline.tally`), the life of the event is told
by `pipeline.lifecycle`. What an article has withdrawn has no vote on what holds now; an event that all have withdrawn
is retracted, with its fields as last stated. A scope or a date that only some state is not outvoted by others' silence.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from pipeline.independence import publisher, voice_of
from pipeline.lifecycle import event_date, event_status, in_order, steps_of
from pipeline.names import UNKNOWN_COUNTRY
from pipeline.press import press_steps
from pipeline.statements import Family, Statement
from pipeline.tally import Part, Tally
from pipeline.types import Event, Transition
from pipeline.why import why_one

Parts = Mapping[Part, Sequence[Statement]]


def agree(
    event_id: str, told: Sequence[Statement], lifts: Sequence[Statement], struck: Sequence[Statement] = ()
) -> Event:
    """Make the event of a happening.

    `told` state it, and are not empty; `lifts` state its end by the one who imposed it; `struck` belong to a ruling
    that is an event of its own and struck this one down.
    """
    parts = divide(told, lifts, struck)
    everything = [*parts[Part.TOLD], *parts[Part.LIFT]]
    state = state_of(event_id, parts, grouping([*everything, *struck]), press_steps(everything))
    present = [s for s in parts[Part.TOLD] if s.context.withdrawn_on is None]
    return replace(
        state,
        mention_ids=tuple(sorted(s.mention_id for s in everything)),
        why=why_one(state, present or last_stated(parts[Part.TOLD]), parts[Part.LIFT]),
    )


def divide(told: Sequence[Statement], lifts: Sequence[Statement], struck: Sequence[Statement]) -> Parts:
    """Sort statements by what they are to the event. A lift that was joined to a restriction tells of its end."""
    ends = [s for s in told if s.family is Family.LIFT]
    if len(ends) in (0, len(told)):
        return {Part.TOLD: told, Part.LIFT: lifts, Part.STRUCK: struck}
    rest = [s for s in told if s.family is not Family.LIFT]
    return {Part.TOLD: rest, Part.LIFT: [*lifts, *ends], Part.STRUCK: struck}


def grouping(statements: Iterable[Statement]) -> dict[str, str]:
    """Story id → its voice, among the stories of `statements`."""
    return voice_of((s.context.story_id, publisher(s.context.owner, s.context.source_id)) for s in statements)


def last_stated(told: Sequence[Statement]) -> list[Statement]:
    """Of statements that are all withdrawn, those that were so last."""
    last = max((s.context.withdrawn_on for s in told if s.context.withdrawn_on is not None), default=None)
    return [s for s in told if s.context.withdrawn_on == last]


def state_of(event_id: str, parts: Parts, voices: Mapping[str, str], press: Sequence[Transition]) -> Event:
    """What some statements agree on, without `mention_ids` and `why`."""
    tally = Tally(voices)
    for part, some in parts.items():
        for s in some:
            if s.context.withdrawn_on is None:
                tally.count(part, s)
    retracted = not tally
    if retracted:
        for s in last_stated(parts[Part.TOLD]):
            tally.count(Part.TOLD, s)
    days = [s.context.learned_on for part in (Part.TOLD, Part.LIFT) for s in parts[part]]
    learned_on = min((day for day in days if day is not None), default=None)
    return event_from(event_id, tally, press, learned_on, retracted=retracted)


def event_from(
    event_id: str, tally: Tally, press: Sequence[Transition], learned_on: date | None, *, retracted: bool
) -> Event:
    """The event as a tally of its statements has it, without `mention_ids` and `why`."""
    status = event_status(tally)
    told = tally.ladders[Part.TOLD].current
    assert told is not None, "an event is told of"
    action = tally.actions[told].leader
    assert action is not None, "a status is held by a statement"
    kind, scope = tally.scope
    first_reported, last_reported = tally.reported
    return Event(
        id=event_id,
        action=action,
        status=status,
        country=tally.countries.leader or UNKNOWN_COUNTRY,
        service_canonical=tally.services.leader or "",
        actor_canonical=tally.actor,
        actor_kind=tally.kinds.leader,
        scope=scope,
        scope_class=kind,
        date_value=event_date(tally, told),
        reason_classes=tally.reasons,
        first_reported=first_reported,
        last_reported=last_reported,
        stories=tally.stories,
        articles=tally.articles,
        score=tally.score,
        mention_ids=(),
        transitions=tuple(in_order([*steps_of(tally, action), *press])),
        why="",
        voices=tally.voices,
        learned_on=learned_on,
        retracted=retracted,
    )

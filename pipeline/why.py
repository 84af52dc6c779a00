"""Why some mentions are held to be one event, in plain words: what they share."""

from collections.abc import Sequence

from pipeline.statements import Statement
from pipeline.types import Action, Event, TransitionKind
from pipeline.wording import count, spell

_DEEDS = {
    Action.BAN: "a ban",
    Action.BLOCK: "a block",
    Action.SUSPEND: "a suspension",
    Action.LIMIT: "a limit",
    Action.REMOVE: "a removal",
    Action.WARN: "a warning",
    Action.INVESTIGATE: "an investigation",
    Action.PENALIZE: "a penalty",
    Action.LIFT: "a lift",
}
_STEPS = (
    TransitionKind.PROPOSED,
    TransitionKind.ANNOUNCED,
    TransitionKind.IN_FORCE,
    TransitionKind.EXTENDED,
    TransitionKind.WIDENED,
    TransitionKind.REJECTED,
)


def why_one(event: Event, told: Sequence[Statement], lifts: Sequence[Statement]) -> str:
    """Say what the mentions of an event share; `told` is not empty."""
    text = _who_and_what(event, told) + _deeds(event, told)
    kinds = {step.kind for step in event.transitions if step.action is not Action.LIFT}
    steps = [kind.value.replace("_", " ") for kind in _STEPS if kind in kinds]
    if len(steps) > 1:
        text += f"; its steps are {spell(steps)}"
    if lifts:
        whose = "an unnamed actor's" if all(s.is_unknown for s in lifts) else "the same actor's"
        text += f"; {count(len(lifts), 'mention', 'mentions')} of {whose} lift {_effect(event, len(lifts))}"
    if any(step.kind is TransitionKind.STRUCK_DOWN for step in event.transitions):
        text += "; a court's ruling, an event of its own, strikes it down"
    return text + "."


def _who_and_what(event: Event, told: Sequence[Statement]) -> str:
    actor, service = event.actor_canonical or "no actor", event.service_canonical
    if len(told) == 1:
        return f"One mention names {actor} and {service}"
    stories = len({s.context.story_id for s in told})
    silent = sum(s.is_unknown for s in told)
    text = f"{len(told)} mentions in {count(stories, 'story', 'stories')} name "
    text += f"the same actor ({actor})" if not silent else actor
    text += f" and the same service ({service})"
    if 0 < silent < len(told):
        verbs = ("names", "fits") if silent == 1 else ("name", "fit")
        text += f"; {silent} of them {verbs[0]} no actor and {verbs[1]} no other one of that country"
    return text


def _deeds(event: Event, told: Sequence[Statement]) -> str:
    if len(told) == 1:
        return ""
    found = {s.context.mention.action for s in told}
    deeds = [_DEEDS[action] for action in Action if action in found]
    return f"; {'all' if len(deeds) == 1 else 'they'} tell of {spell(deeds)}{_dates_agree(told)}"


def _effect(event: Event, mentions: int) -> str:
    kinds = {step.kind for step in event.transitions if step.action is Action.LIFT}
    ending = "s" if mentions == 1 else ""
    if TransitionKind.LIFTED in kinds:
        return f"end{ending} it"
    return f"ease{ending} it" if TransitionKind.EASED in kinds else f"announce{ending} its end"


def _dates_agree(told: Sequence[Statement]) -> str:
    dated = [s for s in told if s.first is not None and s.last is not None]
    if len(dated) > 1:
        spread = max(0, max(s.first or 0 for s in dated) - min(s.last or 0 for s in dated))
        near = "dates that agree" if spread == 0 else f"dates within {count(spread, 'day', 'days')}"
        return f", with {near}"
    if dated:
        return ", one of them with a date"
    heard = [s.reported for s in told if s.reported is not None]
    return f", reported within {count(max(heard) - min(heard), 'day', 'days')}" if len(heard) > 1 else ""

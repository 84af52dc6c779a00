"""What steps in the life of an event are called."""

from collections.abc import Mapping
from typing import Final

from pipeline.types import Action, Transition, TransitionKind

_OF_AN_END: Final[Mapping[TransitionKind, str]] = {
    TransitionKind.PROPOSED: "end proposed",
    TransitionKind.ANNOUNCED: "end planned",
    TransitionKind.REJECTED: "end refused",
}
_PRESSING: Final[Mapping[Action, str]] = {
    Action.WARN: "warned",
    Action.INVESTIGATE: "opened",
    Action.PENALIZE: "imposed",
}


def step_name(step: Transition) -> str:
    """The step in a word or two: "in force", "end proposed"."""
    if step.action is Action.LIFT and step.kind in _OF_AN_END:
        return _OF_AN_END[step.kind]
    if step.kind is TransitionKind.IN_FORCE and step.action in _PRESSING:
        return _PRESSING[step.action]
    return step.kind.value.replace("_", " ")

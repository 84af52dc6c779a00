"""The lives of events as rows that a timeline draws: where each part begins and ends, and what a mark of it tells."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from pipeline.types import TransitionKind
from reports.chart_data import Lifeline
from reports.inert import line

SYMBOLS: Final[Mapping[TransitionKind, str]] = {
    TransitionKind.PROPOSED: "diamond",
    TransitionKind.ANNOUNCED: "circle",
    TransitionKind.WIDENED: "triangle-up",
    TransitionKind.EXTENDED: "triangle-right",
    TransitionKind.EASED: "triangle-down",
    TransitionKind.LIFTED: "square",
    TransitionKind.STRUCK_DOWN: "cross",
    TransitionKind.REJECTED: "M-0.8,-0.8L0.8,0.8M-0.8,0.8L0.8,-0.8",
}
"""Step of a life → symbol. That a measure took force is where its bar begins; corrections are no steps of the world."""

STEP_NAMES: Final = {kind: kind.value.replace("_", " ") for kind in SYMBOLS}
KIND_OF: Final = {name: kind for kind, name in STEP_NAMES.items()}


def name_of(one: Lifeline) -> str:
    """Where and what, as one line: controls have no place in a drawing."""
    return line(f"{one.country}: {one.service}")


def bars_of(place: int, one: Lifeline, span: tuple[date, date]) -> Iterator[dict[str, Any]]:
    """The parts of a life that lie in the span, each from its first day to its last."""
    end = one.until or span[1]
    parts: tuple[tuple[str, date | None, date | None], ...] = (
        ("known", one.known, one.perhaps or end),
        ("perhaps", one.perhaps, one.since),
        ("surely", one.since, end),
    )
    told = f"{name_of(one)}, {one.action.value}, from {one.since} to {one.until or 'now'}"
    if one.since is not None and span[0] <= one.since <= span[1]:
        # What ended on the same day has no bar, and shall be seen.
        yield {"row": place, "part": "begun", "on": one.since.isoformat(), "action": one.action.value, "told": told}
    for part, start, last in parts:
        stop = None if last is None else min(last, span[1])
        if start is not None and stop is not None and start < stop and stop > span[0]:
            yield {
                "row": place,
                "part": part,
                "on": max(start, span[0]).isoformat(),
                "to": stop.isoformat(),
                "action": one.action.value,
                "told": told,
            }


def marks_of(place: int, one: Lifeline, span: tuple[date, date]) -> Iterator[dict[str, Any]]:
    """The steps of a life that lie in the span."""
    for mark in one.marks:
        if mark.kind in SYMBOLS and span[0] <= mark.on <= span[1]:
            stated = "" if mark.is_stated else " (first report)"
            step = STEP_NAMES[mark.kind]
            yield {
                "row": place,
                "on": mark.on.isoformat(),
                "step": step,
                "told": f"{name_of(one)}, {step} {mark.on}{stated}",
            }

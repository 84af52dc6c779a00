"""Whether two statements can be of one time: stated dates, reports, and the order of a measure's steps.

The rules are written once, over arrays, for a single pair as for all pairs of a thousand statements.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from pipeline.statements import Statement
from pipeline.types import Action, Status

Bools = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int8]
Days = npt.NDArray[np.int32]


class Time(StrEnum):
    SAME_DAY = "the same day"
    OVERLAP = "dates that overlap"
    ROUGH = "dates that overlap, one of them rough"
    ADJACENT = "dates a day or two apart"
    NEAR = "dates within days"
    STEPS = "dates in the order of one measure's steps"
    APART = "dates weeks apart"
    FAR = "dates too far apart"
    TOLD_NEAR = "no date on one side, reported within days"
    TOLD_LATER = "no date on one side, reported later"
    TOLD_AGAIN = "no date on one side of a passing act, reported much later"
    TOLD_BEFORE = "reported before the other happened"
    UNKNOWN = "no dates to compare"


class Step(StrEnum):
    COMPATIBLE = "statuses that go together"
    PROPOSED_AND_DECIDED = "proposed on one side, decided on the other"
    REFUSED_AND_DONE = "rejected on one side, in force on the other"
    AFTER_REFUSAL = "a new start after a rejection"


TIMES, STEPS = tuple(Time), tuple(Step)
"""What the codes mean that the functions of this module return."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Days that separate one happening from two.

    Dates up to `near` may be one, beyond `apart` they are two; a date wider than `rough` says little. Reports up to
    `told` after a date speak of it, reports up to `passing` after a passing act may; `steps` is the longest way from a
    proposal to its coming into force.
    """

    near: int
    apart: int
    told: int
    passing: int
    steps: int
    rough: int


ONE_OFF = Limits(near=7, apart=45, told=14, passing=90, steps=730, rough=31)
RECURRING = Limits(near=2, apart=7, told=3, passing=3, steps=-1, rough=7)
"""For what is cut off again and again. It has no steps: a planned cut and a cut are near or two."""

ADJACENT_DAYS = 2
"""Days by which reports of one happening often differ: the act, its announcement, its coming into force."""

_PASSING = frozenset({Action.WARN, Action.PENALIZE, Action.LIMIT, Action.SUSPEND})
_STAGES = {Status.PROPOSED: 0, Status.ANNOUNCED: 1, Status.IN_FORCE: 2, Status.REJECTED: 3}
_PROPOSED, _DONE, _REFUSED = (_STAGES[status] for status in (Status.PROPOSED, Status.IN_FORCE, Status.REJECTED))


@dataclass(frozen=True, slots=True)
class Times:
    """Days of statements as ordinals, -1 where unknown; `start` and `end` fall back on the report."""

    first: Days
    last: Days
    told: Days
    start: Days
    end: Days
    stage: Days
    passing: Bools


def read_times(statements: Sequence[Statement], *, upright: bool = False) -> Times:
    """Read the days of statements as a row or, `upright`, as a column, so that a pair of them spans a matrix."""

    def days(values: list[int | None]) -> Days:
        array = np.array([-1 if value is None else value for value in values], dtype=np.int32)
        return array[:, None] if upright else array[None, :]

    first, last = days([s.first for s in statements]), days([s.last for s in statements])
    told = days([s.reported for s in statements])
    passing = days([int(s.context.mention.action in _PASSING) for s in statements]) > 0
    stage = days([_STAGES[s.context.mention.status] for s in statements])
    return Times(first, last, told, np.where(first < 0, told, first), np.where(last < 0, told, last), stage, passing)


def compare_steps(a: Times, b: Times, limits: Limits) -> Codes:
    """Compare the statuses of all pairs: indices into STEPS."""
    placed = (a.start >= 0) & (b.start >= 0)
    restart = (a.stage == _REFUSED) & (b.stage != _REFUSED) & (b.start - a.start > limits.near)
    restart |= (b.stage == _REFUSED) & (a.stage != _REFUSED) & (a.start - b.start > limits.near)
    clash = ((a.stage == _REFUSED) & (b.stage == _DONE)) | ((b.stage == _REFUSED) & (a.stage == _DONE))
    parted = ((a.stage == _PROPOSED) != (b.stage == _PROPOSED)) & (a.stage != _REFUSED) & (b.stage != _REFUSED)
    cases: list[tuple[Bools, Time | Step]] = [
        (restart & placed, Step.AFTER_REFUSAL),
        (clash, Step.REFUSED_AND_DONE),
        (parted, Step.PROPOSED_AND_DECIDED),
    ]
    return _choose(cases, Step.COMPATIBLE, STEPS)


def compare_times(a: Times, b: Times, limits: Limits) -> Codes:
    """Compare the times of all pairs: indices into TIMES."""
    a_dated, b_dated = a.first >= 0, b.first >= 0
    both = a_dated & b_dated
    gap = np.maximum(0, np.maximum(b.first - a.last, a.first - b.last))
    a_width, b_width = a.last - a.first, b.last - b.first
    day = (a_width == 0) & (b_width == 0)
    # Two months side by side are a month apart, not a day; a day beside a month may well be near.
    gap = np.where((gap > 0) & (a_width > 0) & (b_width > 0), gap + np.minimum(a_width, b_width), gap)

    # One is dated, the other only reported, so many days after it (lag) or before it (lead); or both are only reported.
    one = (a_dated & ~b_dated & (b.told >= 0)) | (b_dated & ~a_dated & (a.told >= 0))
    lag = np.where(a_dated, b.told - a.last, a.told - b.last)
    lead = np.where(a_dated, a.first - b.told, b.first - a.told)
    none = ~a_dated & ~b_dated & (a.told >= 0) & (b.told >= 0)
    lag = np.where(none, np.abs(a.told - b.told), lag)
    lead = np.where(none, 0, lead)
    heard = one | none
    near = heard & (lag <= limits.told) & (lead <= limits.near)
    again = heard & (lag > limits.passing) & a.passing & b.passing

    recurring = limits is RECURRING
    return _choose(
        [
            (both & (gap == 0) & day, Time.SAME_DAY),
            (both & (gap == 0) & ((a_width > limits.rough) | (b_width > limits.rough)), Time.ROUGH),
            (both & (gap == 0), Time.OVERLAP),
            (both & (gap <= ADJACENT_DAYS), Time.ADJACENT),
            (both & (gap <= limits.near), Time.NEAR),
            ((_onward(a, b, limits) | _onward(b, a, limits)) & ~near, Time.STEPS),
            (both & (gap <= limits.apart), Time.APART),
            (both | (one & (lead > limits.apart)), Time.FAR),
            (near, Time.TOLD_NEAR),
            (one & (lead > limits.near), Time.TOLD_BEFORE),
            (heard if recurring else heard & False, Time.FAR),
            (again, Time.TOLD_AGAIN),
            (heard, Time.TOLD_LATER),
        ],
        Time.UNKNOWN,
        TIMES,
    )


def _onward(earlier: Times, later: Times, limits: Limits) -> Bools:
    """Whether one is an earlier step of a measure and the other a later one; undated steps lie by their reports."""
    known = (earlier.start >= 0) & (later.end >= 0)
    in_order = (earlier.stage < later.stage) & (earlier.start <= later.end + limits.near)
    return np.asarray(known & in_order & (later.end - earlier.start <= limits.steps))


def _choose(cases: list[tuple[Bools, Time | Step]], other: Time | Step, values: tuple[Time | Step, ...]) -> Codes:
    index = [np.int8(values.index(value)) for _, value in cases]
    return np.select([where for where, _ in cases], index, np.int8(values.index(other)))

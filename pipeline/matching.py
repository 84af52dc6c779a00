"""Whether two mentions tell one happening: a table of named features with points, which adds up and explains itself.

Each feature of a pair takes one value, each value has its points in `POINTS`. A value without points (None) is a veto:
the pair is DIFFERENT whatever the rest says. Otherwise the points are added: `SAME_FROM` and more is SAME, less than
`DIFFERENT_BELOW` is DIFFERENT, and between them the pair is UNSURE, which never merges on its own.

Time is judged by what was stated. A stated date is an interval (a day, a month, a year); a mention without one has
happened at some time before its report. Where a service is cut off again and again (`is_recurring`: the internet,
mobile data, SMS), only near dates make one happening; elsewhere a mention without a date, told later, is taken for the
measure that still stands, unless its action is a passing one (a fine, a warning, a limit).
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from pipeline.names import BodyName, Relation, relate
from pipeline.scopes import ScopeRelation, compare_scopes
from pipeline.statements import Statement, family_of, is_recurring, read_statement
from pipeline.types import Action, MentionContext, Status

Bools = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int8]
Days = npt.NDArray[np.int32]
K = TypeVar("K", bound=Hashable)


class Verdict(StrEnum):
    """What a pair of mentions is held to be."""

    SAME = "same"
    UNSURE = "unsure"
    DIFFERENT = "different"


class Actor(StrEnum):
    SAME = "the same actor"
    UNKNOWN = "an actor not named on one side"
    NOWHERE = "an actor not named, in an unknown country"
    PART = "a body and the whole it belongs to"
    DIFFERENT = "different actors"


class Country(StrEnum):
    SAME = "the same country"
    UNKNOWN = "a country not known"
    DIFFERENT = "different countries"


class Deed(StrEnum):
    SAME = "the same action"
    KINDRED = "another word for restricting"
    REMOVAL = "a removal beside another restriction"
    DIFFERENT = "different sorts of action"


class Step(StrEnum):
    COMPATIBLE = "statuses that go together"
    REFUSED_AND_DONE = "rejected on one side, in force on the other"
    AFTER_REFUSAL = "a new start after a rejection"


class Time(StrEnum):
    SAME_DAY = "the same day"
    OVERLAP = "dates that overlap"
    NEAR = "dates within days"
    STEPS = "dates in the order of one measure's steps"
    APART = "dates weeks apart"
    FAR = "dates too far apart"
    TOLD_NEAR = "no date on one side, reported within days"
    TOLD_LATER = "no date on one side, reported later"
    TOLD_AGAIN = "no date on one side of a passing act, reported much later"
    TOLD_BEFORE = "reported before the other happened"
    UNKNOWN = "no dates to compare"


class Origin(StrEnum):
    OTHER = "different stories"
    STORY = "copies of one story"
    DOCUMENT_AGREES = "one document that says it twice"
    DOCUMENT_APART = "one document that tells them apart"


Value = Actor | Country | Deed | Step | Time | Origin | ScopeRelation
Table = tuple[Codes, tuple[Value, ...]]

POINTS: dict[Value, float | None] = {
    Actor.SAME: 4,
    Actor.UNKNOWN: 1,
    Actor.NOWHERE: -2,
    Actor.PART: None,
    Actor.DIFFERENT: None,
    Country.SAME: 1,
    Country.UNKNOWN: 0,
    Country.DIFFERENT: -2,
    Deed.SAME: 2,
    Deed.KINDRED: 0,
    Deed.REMOVAL: -1,
    Deed.DIFFERENT: None,
    ScopeRelation.SAME: 2,
    ScopeRelation.CLOSE: 1,
    ScopeRelation.OPEN: 0,
    ScopeRelation.ODD: -2,
    ScopeRelation.NOWHERE: -2,
    ScopeRelation.DIFFERENT: None,
    Step.COMPATIBLE: 0,
    Step.REFUSED_AND_DONE: -3,
    Step.AFTER_REFUSAL: None,
    Time.SAME_DAY: 3,
    Time.OVERLAP: 2,
    Time.NEAR: 2,
    Time.STEPS: 1,
    Time.APART: -2,
    Time.FAR: None,
    Time.TOLD_NEAR: 2,
    Time.TOLD_LATER: 0,
    Time.TOLD_AGAIN: -2,
    Time.TOLD_BEFORE: -4,
    Time.UNKNOWN: 0,
    Origin.OTHER: 0,
    Origin.STORY: 2,
    Origin.DOCUMENT_AGREES: 3,
    Origin.DOCUMENT_APART: None,
}
SAME_FROM = 6.0
DIFFERENT_BELOW = 2.0

NEAR_DAYS, APART_DAYS, TOLD_DAYS = 7, 45, 14
"""One-off measures: dates this near are one, dates farther than APART are two; reports this near speak of one thing."""
RECURRING_NEAR_DAYS, RECURRING_APART_DAYS, RECURRING_TOLD_DAYS = 2, 7, 3
"""The same for what is cut off again and again."""
PASSING_DAYS = 90
"""Reports of passing acts farther apart than this may tell two of them."""
STEPS_DAYS = 730
"""Longest way from a proposal to its coming into force."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a pair of mentions is held to be, with the points and values that led there."""

    verdict: Verdict
    points: float
    values: tuple[Value, ...]

    @property
    def words(self) -> str:
        """The reasons in plain words."""
        said = [f"{value} ({_signed(POINTS[value])})" for value in self.values if POINTS[value] != 0]
        return f"{self.verdict}: " + ", ".join(said)


def judge(a: MentionContext, b: MentionContext) -> Judgement:
    """Judge whether two mentions of one service tell one happening. Symmetric."""
    return Comparison((read_statement(a), read_statement(b))).judgement(0, 1)


class Comparison:
    """All pairs of some statements of one service: points and vetoes as square matrices.

    Without `actors` it is left open whether the actors are the same, and the points are those of all else.
    """

    def __init__(self, statements: Sequence[Statement], *, actors: bool = True) -> None:
        self.statements = statements
        self._tables = [
            _by_value([s.country for s in statements], _compare_countries),
            _by_value([s.context.mention.action for s in statements], _compare_deeds),
            self._scopes(),
            self._steps(),
            self._times(),
            self._origins(),
        ]
        if actors:
            self._tables.insert(0, _by_value([(s.body, s.country is None) for s in statements], _compare_actors))
        shape = (len(statements), len(statements))
        self.points = np.zeros(shape, dtype=np.float32)
        self.vetoes = np.zeros(shape, dtype=np.bool_)
        for codes, values in self._tables:
            self.points += np.array([POINTS[value] or 0 for value in values], dtype=np.float32)[codes]
            self.vetoes |= np.array([POINTS[value] is None for value in values])[codes]
        np.fill_diagonal(self.vetoes, False)

    def holds(self, *wanted: Value) -> Bools:
        """Which pairs have one of the values `wanted`."""
        found = np.zeros(self.vetoes.shape, dtype=np.bool_)
        for codes, values in self._tables:
            found |= np.array([value in wanted for value in values])[codes]
        return found

    @property
    def different(self) -> Bools:
        """Which pairs are judged DIFFERENT."""
        return np.asarray(self.vetoes | (self.points < DIFFERENT_BELOW))

    def judgement(self, i: int, j: int) -> Judgement:
        """Explain the pair (i, j)."""
        values = tuple(values[codes[i, j]] for codes, values in self._tables)
        points = float(self.points[i, j])
        if self.vetoes[i, j] or points < DIFFERENT_BELOW:
            return Judgement(Verdict.DIFFERENT, points, values)
        return Judgement(Verdict.SAME if points >= SAME_FROM else Verdict.UNSURE, points, values)

    def _scopes(self) -> Table:
        codes, values = _by_value([s.scope for s in self.statements], compare_scopes)
        if not self._recurring:
            return codes, values
        # The scopes of cut-offs are places: two that share no word are two. And where neither who nor where is
        # known, two cuts in one country are two until something says more.
        values = (*(ScopeRelation.DIFFERENT if v is ScopeRelation.ODD else v for v in values), ScopeRelation.NOWHERE)
        unknown = np.array([s.is_unknown for s in self.statements])
        open_ = np.isin(codes, [i for i, v in enumerate(values) if v is ScopeRelation.OPEN])
        codes = np.where(open_ & (unknown[:, None] | unknown[None, :]), len(values) - 1, codes)
        return codes.astype(np.int8), values

    def _steps(self) -> Table:
        values = (Step.COMPATIBLE, Step.REFUSED_AND_DONE, Step.AFTER_REFUSAL)
        status = np.array([_STAGES[s.context.mention.status] for s in self.statements])
        refused, done = status == _REJECTED, status == _STAGES[Status.IN_FORCE]
        when = _array([s.reported if s.first is None else s.first for s in self.statements])
        later = (when[None, :] - when[:, None] > self._near) & (when[:, None] >= 0) & (when[None, :] >= 0)
        restart = refused[:, None] & ~refused[None, :] & later
        both = refused[:, None] & done[None, :]
        codes = np.where(restart | restart.T, 2, np.where(both | both.T, 1, 0))
        return codes.astype(np.int8), values

    @property
    def _recurring(self) -> bool:
        return bool(self.statements) and is_recurring(self.statements[0].context.mention.service_canonical)

    @property
    def _near(self) -> int:
        return RECURRING_NEAR_DAYS if self._recurring else NEAR_DAYS

    def _times(self) -> Table:
        recurring = self._recurring
        apart_days = RECURRING_APART_DAYS if recurring else APART_DAYS
        told_days = RECURRING_TOLD_DAYS if recurring else TOLD_DAYS
        steps_days = -1 if recurring else STEPS_DAYS
        first, last = _array([s.first for s in self.statements]), _array([s.last for s in self.statements])
        told = _array([s.reported for s in self.statements])
        stage = np.array([_STAGES[s.context.mention.status] for s in self.statements], dtype=np.int8)
        dated, heard = first >= 0, told >= 0

        both = dated[:, None] & dated[None, :]
        gap = np.maximum(0, np.maximum(first[None, :] - last[:, None], first[:, None] - last[None, :]))
        width = last - first
        day = (width == 0)[:, None] & (width == 0)[None, :]
        # Two months side by side are a month apart, not a day; a day beside a month may well be near.
        coarse = (gap > 0) & (width > 0)[:, None] & (width > 0)[None, :]
        gap = np.where(coarse, gap + np.minimum(width[:, None], width[None, :]), gap)
        # i is the earlier step of a measure, j a later one; an undated step happened by its report at the latest.
        ends = np.where(dated, last, told)
        starts = np.where(dated, first, told)
        onward = (stage[:, None] < stage[None, :]) & (starts[:, None] <= ends[None, :] + self._near)
        onward &= (starts[:, None] >= 0) & (ends[None, :] >= 0) & (ends[None, :] - starts[:, None] <= steps_days)
        steps = onward | onward.T

        # i states a date, j does not: how long after it (or before it) j was reported.
        one = dated[:, None] & ~dated[None, :] & heard[None, :]
        lag = told[None, :] - last[:, None]
        lead = first[:, None] - told[None, :]
        near = one & (lag <= told_days) & (lead <= self._near)
        before = one & (lead > self._near)
        after = one & (lag > told_days)
        none = ~dated[:, None] & ~dated[None, :] & heard[:, None] & heard[None, :]
        distance = np.abs(told[:, None] - told[None, :])

        near = near | near.T | (none & (distance <= told_days))
        before = before | before.T
        after = after | after.T | (none & (distance > told_days))
        passing = np.array([s.context.mention.action in _PASSING for s in self.statements])
        again = (one & (lag > PASSING_DAYS)) | (one & (lag > PASSING_DAYS)).T | (none & (distance > PASSING_DAYS))
        again &= passing[:, None] & passing[None, :]
        too_early = (one & (lead > apart_days)) | (one & (lead > apart_days)).T
        choices: list[tuple[Bools, Time]] = [
            (both & (gap == 0) & day, Time.SAME_DAY),
            (both & (gap == 0), Time.OVERLAP),
            (both & (gap <= self._near), Time.NEAR),
            (steps & ~near, Time.STEPS),
            (both & (gap <= apart_days), Time.APART),
            (both | too_early, Time.FAR),
            (near, Time.TOLD_NEAR),
            (before, Time.TOLD_BEFORE),
            (after & again & (not recurring), Time.TOLD_AGAIN),
            (after, Time.FAR if recurring else Time.TOLD_LATER),
        ]
        values = tuple(Time)
        codes = np.select(
            [which for which, _ in choices], [values.index(value) for _, value in choices], values.index(Time.UNKNOWN)
        )
        return codes.astype(np.int8), values

    def _origins(self) -> Table:
        values = (Origin.OTHER, Origin.STORY, Origin.DOCUMENT_AGREES, Origin.DOCUMENT_APART)
        story = _numbers([s.context.story_id for s in self.statements])
        document = _numbers([s.context.article_id for s in self.statements])
        claim = _numbers([_claim(s) for s in self.statements])
        agree = claim[:, None] == claim[None, :]
        codes = np.where(story[:, None] == story[None, :], 1, 0)
        codes = np.where(document[:, None] == document[None, :], np.where(agree, 2, 3), codes)
        return codes.astype(np.int8), values


_STAGES = {Status.PROPOSED: 0, Status.ANNOUNCED: 1, Status.IN_FORCE: 2, Status.REJECTED: 3}
_REJECTED = _STAGES[Status.REJECTED]
_PASSING = frozenset({Action.WARN, Action.PENALIZE, Action.LIMIT, Action.SUSPEND})


def _claim(statement: Statement) -> Hashable:
    """What one document must say twice in the same way for the two to be one: actor, action, scope and date.

    A rejection is never the same as what it rejects, when one document tells both.
    """
    body, mention = statement.body, statement.context.mention
    actor = None if body is None else (body.country, body.key)
    return actor, mention.action, mention.status is Status.REJECTED, statement.scope, mention.date_value


def _compare_actors(a: tuple[BodyName | None, bool], b: tuple[BodyName | None, bool]) -> Value:
    (x, x_nowhere), (y, y_nowhere) = a, b
    relation = Relation.UNKNOWN if x is None or y is None else relate(x, y)
    if relation is Relation.UNKNOWN:
        return Actor.NOWHERE if x_nowhere or y_nowhere else Actor.UNKNOWN
    return {Relation.SAME: Actor.SAME, Relation.PART_OF: Actor.PART}.get(relation, Actor.DIFFERENT)


def _compare_countries(a: str | None, b: str | None) -> Value:
    if a is None or b is None:
        return Country.UNKNOWN
    return Country.SAME if a == b else Country.DIFFERENT


def _compare_deeds(a: Action, b: Action) -> Value:
    if a is b:
        return Deed.SAME
    if family_of(a) is not family_of(b):
        return Deed.DIFFERENT
    return Deed.REMOVAL if Action.REMOVE in (a, b) else Deed.KINDRED


def _by_value(keys: Sequence[K], compare: Callable[[K, K], Value]) -> Table:
    """Compare each pair of distinct keys once and spread the outcome over all pairs."""
    distinct = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    outcomes = [[compare(a, b) for b in distinct] for a in distinct]
    values = tuple(dict.fromkeys(value for row in outcomes for value in row))
    number = {value: i for i, value in enumerate(values)}
    table = np.array([[number[value] for value in row] for row in outcomes], dtype=np.int8).reshape(len(distinct), -1)
    index = np.array([distinct[key] for key in keys], dtype=np.intp)
    return table[index[:, None], index[None, :]], values


def _numbers(keys: Sequence[Hashable]) -> npt.NDArray[np.intp]:
    distinct = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    return np.array([distinct[key] for key in keys], dtype=np.intp)


def _array(days: Sequence[int | None]) -> Days:
    return np.array([-1 if day is None else day for day in days], dtype=np.int32)


def _signed(points: float | None) -> str:
    return "veto" if points is None else f"{points:+g}"

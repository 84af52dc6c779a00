"""Whether two mentions tell one happening: a table of named features with points, which adds up and explains itself.

Each feature of a pair takes one value, each value has its points in `POINTS`. A value without points (None) is a veto:
the pair is DIFFERENT whatever the rest says. Otherwise the points are added: `SAME_FROM` and more is SAME, less than
`DIFFERENT_BELOW` is DIFFERENT, and between them the pair is UNSURE, which never merges on its own. A value in `BARS`
keeps a pair from being SAME, whatever its points: a body and the whole that it belongs to never share a happening, and
whom an unnamed actor means is for other mentions to say (`pipeline.adoption`); but a person may be asked.

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

from pipeline.likeness import NAMES, WORDS, Names, Words, compare_names, compare_words
from pipeline.lineage import Lineage
from pipeline.names import BodyName, Relation, relate
from pipeline.scopes import ScopeRelation, compare_scopes
from pipeline.statements import Statement, family_of, is_recurring, read_statement
from pipeline.times import (
    ONE_OFF,
    RECURRING,
    STEPS,
    TIMES,
    Bools,
    Codes,
    Step,
    Time,
    compare_steps,
    compare_times,
    read_times,
)
from pipeline.types import Action, MentionContext, Status

K = TypeVar("K", bound=Hashable)


class Verdict(StrEnum):
    """What a pair of mentions is held to be."""

    SAME = "same"
    UNSURE = "unsure"
    DIFFERENT = "different"


class Actor(StrEnum):
    SAME = "the same actor"
    NEITHER = "no actor named"
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
    LESSER = "a milder restriction on one side"
    REMOVAL = "a removal beside another restriction"
    DIFFERENT = "different sorts of action"


class Origin(StrEnum):
    OTHER = "different stories"
    STORY = "copies of one story"
    DOCUMENT_AGREES = "one document that says it twice"
    DOCUMENT_APART = "one document that tells them apart"
    CORRECTED = "a claim and its correction in one document"


Value = Actor | Country | Deed | Step | Time | Origin | ScopeRelation | Words | Names
Table = tuple[Codes, tuple[Value, ...]]

POINTS: dict[Value, float | None] = {
    Actor.SAME: 4,
    Actor.NEITHER: 0.5,
    Actor.UNKNOWN: -3,
    Actor.NOWHERE: -5,
    Actor.PART: -1.5,
    Actor.DIFFERENT: None,
    Country.SAME: 1,
    Country.UNKNOWN: 0,
    Country.DIFFERENT: -2,
    Deed.SAME: 3.5,
    Deed.KINDRED: 0,
    Deed.LESSER: -1.5,
    Deed.REMOVAL: -3.5,
    Deed.DIFFERENT: None,
    ScopeRelation.SAME: 1.5,
    ScopeRelation.CLOSE: 0,
    ScopeRelation.OPEN: 0,
    ScopeRelation.ODD: -1,
    ScopeRelation.NOWHERE: -3,
    ScopeRelation.DIFFERENT: None,
    Step.COMPATIBLE: 0,
    Step.PROPOSED_AND_DECIDED: -1,
    Step.REFUSED_AND_DONE: -3,
    Step.AFTER_REFUSAL: None,
    Time.SAME_DAY: 3,
    Time.OVERLAP: 3,
    Time.ROUGH: 2,
    Time.ADJACENT: 2.5,
    Time.NEAR: 1,
    Time.STEPS: 0.5,
    Time.APART: -2.5,
    Time.FAR: None,
    Time.TOLD_NEAR: 2,
    Time.TOLD_LATER: 1.5,
    Time.TOLD_AGAIN: -4,
    Time.TOLD_BEFORE: -4,
    Time.UNKNOWN: 0,
    Origin.OTHER: 0,
    Origin.STORY: 0,
    Origin.DOCUMENT_AGREES: 3,
    Origin.DOCUMENT_APART: None,
    Origin.CORRECTED: 3,
    Words.MANY: 0.5,
    Words.SOME: 0,
    Words.FEW: -0.5,
    Words.UNKNOWN: 0,
    Names.SEVERAL: 1,
    Names.ONE: 1,
    Names.NONE: -0.5,
    Names.UNKNOWN: 0,
}
BARS: frozenset[Value] = frozenset({Actor.PART, Actor.UNKNOWN, Actor.NOWHERE})
SAME_FROM = 6.5
DIFFERENT_BELOW = 3.5


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a pair of mentions is held to be, with the points and values that led there; `said` words each value."""

    verdict: Verdict
    points: float
    values: tuple[Value, ...]
    said: tuple[str, ...]

    @property
    def words(self) -> str:
        """The reasons in plain words, those for the verdict first."""
        stands_apart = self.verdict is Verdict.DIFFERENT
        joins, parts = [], []
        for value, said in zip(self.values, self.said, strict=True):
            points = POINTS[value]
            if value in BARS or points is None or points < 0:
                parts.append(said)
            elif points > 0 and value is not Country.SAME:
                joins.append(said)
        first, second = (parts, joins) if stands_apart else (joins, parts)
        link = "; " if not first or not second else "; though " if stands_apart else "; but "
        return f"{self.verdict}: " + link.join(", ".join(some) for some in (first, second) if some)

    @property
    def figures(self) -> str:
        """The reasons with their points."""
        named = zip(self.values, self.said, strict=True)
        return ", ".join(f"{said} ({_signed(POINTS[value])})" for value, said in named if POINTS[value] != 0)


def judge(a: MentionContext, b: MentionContext, lineage: Lineage | None = None) -> Judgement:
    """Judge whether two mentions of one service tell one happening. Symmetric."""
    return Comparison((read_statement(a, lineage), read_statement(b, lineage))).judgement(0, 1)


class Comparison:
    """All pairs of two lists of statements of one service, or of one list with itself: points and vetoes as matrices.

    Without `actors` it is left open whether the actors are the same, and the points are those of all else.
    """

    def __init__(
        self, rows: Sequence[Statement], columns: Sequence[Statement] | None = None, *, actors: bool = True
    ) -> None:
        self._rows = rows
        self._columns = rows if columns is None else columns
        some = (*rows, *self._columns)
        self._recurring = bool(some) and is_recurring(some[0].context.mention.service_canonical)
        times = (read_times(self._rows, upright=True), read_times(self._columns))
        limits = RECURRING if self._recurring else ONE_OFF
        self._tables = [
            self._by_value(lambda s: s.country, _compare_countries),
            self._by_value(lambda s: s.context.mention.action, _compare_deeds),
            self._scopes(),
            (compare_steps(*times, limits), STEPS),
            (compare_times(*times, limits), TIMES),
            self._origins(),
            (compare_words(self._rows, self._columns), WORDS),
            (compare_names(self._rows, self._columns), NAMES),
        ]
        if actors:
            self._tables.insert(0, self._by_value(lambda s: (s.body, s.country is None), _compare_actors))
        shape = (len(self._rows), len(self._columns))
        self.points = np.zeros(shape, dtype=np.float32)
        self.vetoes = np.zeros(shape, dtype=np.bool_)
        self._barred = self.holds(*BARS)
        for codes, values in self._tables:
            self.points += np.array([POINTS[value] or 0 for value in values], dtype=np.float32)[codes]
            self.vetoes |= np.array([POINTS[value] is None for value in values])[codes]
        if columns is None:
            np.fill_diagonal(self.vetoes, False)
        self.points[self._barred] = np.minimum(self.points[self._barred], SAME_FROM - 1)
        # A claim and its correction differ in what was wrong, and are one all the same.
        corrected = self.holds(Origin.CORRECTED)
        self.vetoes &= ~corrected
        self._barred &= ~corrected
        self.points[corrected] = np.maximum(self.points[corrected], SAME_FROM)

    def holds(self, *wanted: Value) -> Bools:
        """Which pairs have one of the values `wanted`."""
        found = np.zeros((len(self._rows), len(self._columns)), dtype=np.bool_)
        for codes, values in self._tables:
            if any(value in wanted for value in values):
                found |= np.array([value in wanted for value in values])[codes]
        return found

    @property
    def different(self) -> Bools:
        """Which pairs the machine never joins: those judged DIFFERENT, and those that a bar keeps from being SAME."""
        return np.asarray(self.vetoes | self._barred | (self.points < DIFFERENT_BELOW))

    def judgement(self, i: int, j: int) -> Judgement:
        """Explain the pair (i, j)."""
        values = tuple(values[codes[i, j]] for codes, values in self._tables)
        points = float(self.points[i, j])
        verdict = Verdict.UNSURE
        if self.vetoes[i, j] or points < DIFFERENT_BELOW:
            verdict = Verdict.DIFFERENT
        elif points >= SAME_FROM:
            verdict = Verdict.SAME
        said = tuple(_in_words(value, self._rows[i], self._columns[j]) for value in values)
        return Judgement(verdict, points, values, said)

    def _scopes(self) -> Table:
        codes, values = self._by_value(lambda s: s.scope, compare_scopes)
        if not self._recurring:
            return codes, values
        # The scopes of cut-offs are places: two that share no word are two. And where neither who nor where is
        # known, two cuts in one country are two until something says more.
        values = (*(ScopeRelation.DIFFERENT if v is ScopeRelation.ODD else v for v in values), ScopeRelation.NOWHERE)
        rows, columns = (np.array([s.is_unknown for s in some]) for some in (self._rows, self._columns))
        open_ = np.isin(codes, [i for i, v in enumerate(values) if v is ScopeRelation.OPEN])
        codes = np.where(open_ & (rows[:, None] | columns[None, :]), len(values) - 1, codes)
        return codes.astype(np.int8), values

    def _origins(self) -> Table:
        stories = self._equal(lambda s: s.context.story_id)
        # What two versions of a document say, they do not say side by side.
        documents = self._equal(lambda s: (s.context.article_id, s.context.version))
        agree = self._equal(_claim)
        codes = np.where(documents, np.where(agree, 2, 3), np.where(stories, 1, 0))
        codes = np.where(self._corrected(), 4, codes)
        return codes.astype(np.int8), tuple(Origin)

    def _corrected(self) -> Bools:
        """Which pairs are a claim and what a later version of its document says in its place."""
        found = np.zeros((len(self._rows), len(self._columns)), dtype=np.bool_)
        for some, others, pairs in ((self._rows, self._columns, found), (self._columns, self._rows, found.T)):
            places = {s.mention_id: i for i, s in enumerate(some)}
            for j, s in enumerate(others):
                if s.context.corrects in places:
                    pairs[places[s.context.corrects], j] = True
        return found

    def _equal(self, key: Callable[[Statement], Hashable]) -> Bools:
        numbers: dict[Hashable, int] = {}
        rows = np.array([numbers.setdefault(key(s), len(numbers)) for s in self._rows], dtype=np.int32)
        columns = np.array([numbers.setdefault(key(s), len(numbers)) for s in self._columns], dtype=np.int32)
        return np.asarray(rows[:, None] == columns[None, :])

    def _by_value(self, key: Callable[[Statement], K], compare: Callable[[K, K], Value]) -> Table:
        """Compare each pair of distinct keys once and spread the outcome over all pairs."""
        rows: dict[K, int] = {}
        columns: dict[K, int] = {}
        row_of = np.array([rows.setdefault(key(s), len(rows)) for s in self._rows], dtype=np.intp)
        column_of = np.array([columns.setdefault(key(s), len(columns)) for s in self._columns], dtype=np.intp)
        outcomes = [[compare(a, b) for b in columns] for a in rows]
        values = tuple(dict.fromkeys(value for row in outcomes for value in row))
        number = {value: i for i, value in enumerate(values)}
        table = np.array([[number[value] for value in row] for row in outcomes], dtype=np.int8)
        return table[row_of[:, None], column_of[None, :]], values


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
        if x_nowhere or y_nowhere:
            return Actor.NOWHERE
        return Actor.NEITHER if (x is None or x.is_vague) and (y is None or y.is_vague) else Actor.UNKNOWN
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
    if Action.REMOVE in (a, b):
        return Deed.REMOVAL
    return Deed.LESSER if Action.LIMIT in (a, b) else Deed.KINDRED


def _in_words(value: Value, a: Statement, b: Statement) -> str:
    """Word a value; where two stated dates lie apart, with the days between them."""
    if value in (Time.ADJACENT, Time.NEAR, Time.APART, Time.FAR) and a.first and a.last and b.first and b.last:
        days = max(b.first - a.last, a.first - b.last)
        if days > 0:
            count = f"{days} {'day' if days == 1 else 'days'}"
            return f"dates {count} apart" if value in (Time.APART, Time.FAR) else f"dates within {count}"
    return str(value)


def _signed(points: float | None) -> str:
    return "veto" if points is None else f"{points:+g}"

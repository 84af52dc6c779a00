"""All that the statements of one event say together, kept up as statements come and go.

Each statement is counted once, in a few microseconds, and can be taken out again. So the state of an event on each of
the days on which something was learned costs one count of its statements, however many these days are.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import lru_cache
from heapq import nlargest
from typing import NamedTuple

from pipeline.ballots import Ballot, Ladder, Stage, as_date
from pipeline.scopes import Scope
from pipeline.statements import Family, Statement
from pipeline.types import Action, ActorKind, ReasonClass, ScopeClass, Status
from pipeline.votes import Bag, Peaks, Poll, tick
from pipeline.wording import Move, Relief, read_move, read_relief

_LEADING = 12
"""Scopes with which a new one is compared: those that most voices give."""

SCORE_CAP = 0.999
"""Highest score of an event: no number of reports makes it certain."""

REASON_SHARE = 0.2
"""A reason counts when at least this share of the voices that give any gives it."""

_NARROW, _NATIONWIDE, _GROWN = range(3)
"""Scopes come in this order: what a measure was for at first, before all else."""

UNSTATED = Scope(None, frozenset())


class Part(StrEnum):
    """What a statement is to the event: it tells of it, of its end, or is a court's ruling that strikes it down."""

    TOLD = "told"
    LIFT = "lift"
    STRUCK = "struck"


class Growth(NamedTuple):
    """A measure in force that grows: how, the stated date, the day of its report, and the scope with its words."""

    move: Move
    date_value: str | None
    reported: int
    scope: Scope
    text: str


class Tally:
    """The statements of an event as they stand: those told of it, of its end, and rulings against it."""

    def __init__(self, voice_of: Mapping[str, str]) -> None:
        self._voice_of = voice_of
        self.ladders = {part: Ladder() for part in Part}
        self.plain: dict[Status, Ballot] = defaultdict(Ballot)
        self.grown: dict[Growth, Ballot] = defaultdict(Ballot)
        self.overturned = Ballot()
        self.upheld = Peaks()
        self.dated: dict[str, dict[tuple[Scope, str], Ballot]] = defaultdict(lambda: defaultdict(Ballot))
        self.ends: dict[tuple[Part, Status], dict[Relief, Ballot]] = defaultdict(lambda: defaultdict(Ballot))
        self.actions: dict[Status, Poll[Action]] = defaultdict(Poll)
        self.countries: Poll[str] = Poll()
        self.services: Poll[str] = Poll()
        self.kinds: Poll[ActorKind] = Poll()
        self._scopes: dict[Scope, Stage] = defaultdict(Stage)
        self._texts: dict[Scope, Counter[str]] = defaultdict(Counter)
        self._actors: dict[int, Poll[str]] = defaultdict(Poll)
        self._scope_kinds: dict[int, Poll[ScopeClass | None]] = defaultdict(Poll)
        self._scope_words: dict[tuple[int, ScopeClass | None], Poll[tuple[str, ...]]] = defaultdict(Poll)
        self._scope_quotes: dict[tuple[int, ScopeClass | None, tuple[str, ...]], Poll[str]] = defaultdict(Poll)
        self._reasons: dict[ReasonClass, Counter[str]] = defaultdict(Counter)
        self._giving_reasons: Counter[str] = Counter()
        self._scores = Peaks()
        self._voices: Counter[str] = Counter()
        self._stories: Counter[str] = Counter()
        self._articles: Counter[str] = Counter()
        self._reported = Bag()
        self._told = 0

    def __bool__(self) -> bool:
        return self._told > 0

    def count(self, part: Part, s: Statement, by: int = 1) -> None:
        """Count a statement, or with -1 take it out again."""
        context = s.context
        voice = self._voice_of[context.story_id]
        if part is not Part.STRUCK:
            tick(self._voices, voice, by)
            tick(self._stories, context.story_id, by)
            tick(self._articles, context.article_id, by)
            if s.reported is not None:
                self._reported.count(s.reported, by)
        if part is not Part.TOLD:
            self._count_end(part, s, voice, by)
            return
        self._told += by
        self._count_fields(s, voice, by)
        self._count_scope(s, voice, by)
        self._count_step(s, voice, by)

    def _count_end(self, part: Part, s: Statement, voice: str, by: int) -> None:
        status = s.context.mention.status
        if s.family is not Family.LIFT:
            # A court that rejects a measure ends it; what else it does is no end.
            if status is not Status.REJECTED:
                return
            status = Status.IN_FORCE
        self.ladders[part].count(status, voice, s.reported or 0, by)
        self._count_relief(part, status, s, by)

    def _count_relief(self, part: Part, status: Status, s: Statement, by: int) -> None:
        voice = self._voice_of[s.context.story_id]
        ends, relief = self.ends[part, status], read_relief(s)
        ends[relief].count(s, voice, by)
        if not ends[relief]:
            del ends[relief]

    def _count_step(self, s: Statement, voice: str, by: int) -> None:
        mention, day = s.context.mention, s.reported or 0
        status, move = mention.status, read_move(mention.trigger.text)
        text = "" if mention.scope is None else mention.scope.text
        self.ladders[Part.TOLD].count(status, voice, day, by)
        if s.family is Family.LIFT:
            self._count_relief(Part.TOLD, status, s, by)
        if status is Status.REJECTED and move is Move.STRIKES:
            self.overturned.count(s, voice, by)
        if status is Status.IN_FORCE and move is Move.STANDS:
            self.upheld.count(voice, day, by)
        if status is Status.IN_FORCE and move in (Move.EXTENDS, Move.WIDENS) and s.family is Family.RESTRICT:
            growth = Growth(move, None if s.first is None else mention.date_value, day, s.scope, text)
            self.grown[growth].count(s, voice, by)
            if not self.grown[growth]:
                del self.grown[growth]
            return
        self.plain[status].count(s, voice, by)
        if not self.plain[status]:
            del self.plain[status]
        if status is Status.IN_FORCE and s.family is Family.RESTRICT:
            start = day if s.first is None else s.first
            self._scopes[s.scope].count(voice, start, by)
            tick(self._texts[s.scope], text, by)
            if not self._scopes[s.scope].voices:
                del self._scopes[s.scope], self._texts[s.scope]
            if s.first is not None and mention.date_value is not None and (s.scope.words or s.scope.kind):
                some = self.dated[mention.date_value]
                some[s.scope, text].count(s, voice, by)
                if not some[s.scope, text]:
                    del some[s.scope, text]

    def _count_fields(self, s: Statement, voice: str, by: int) -> None:
        mention, day = s.context.mention, s.reported or 0
        score = mention.score
        self.actions[mention.status].count(mention.action, voice, day, score, by)
        if s.country is not None:
            self.countries.count(s.country, voice, day, score, by)
        self.services.count(mention.service_canonical, voice, day, score, by)
        if mention.actor_kind is not None:
            self.kinds.count(mention.actor_kind, voice, day, score, by)
        if mention.actor_canonical is not None:
            self._actors[_vagueness(s)].count(mention.actor_canonical, voice, day, score, by)
        for reason in mention.reason_classes:
            tick(self._reasons[reason], voice, by)
            tick(self._giving_reasons, voice, by)
        self._scores.count(voice, min(1.0, max(0.0, score)), by)

    def _count_scope(self, s: Statement, voice: str, by: int) -> None:
        mention, scope, day = s.context.mention, s.scope, s.reported or 0
        if scope == UNSTATED:
            return
        grows = read_move(mention.trigger.text) in (Move.EXTENDS, Move.WIDENS)
        rank = _GROWN if grows else _NATIONWIDE if scope.kind is ScopeClass.NATIONWIDE else _NARROW
        words = tuple(sorted(scope.words))
        self._scope_kinds[rank].count(scope.kind, voice, day, mention.score, by)
        if mention.scope is not None:
            self._scope_words[rank, scope.kind].count(words, voice, day, mention.score, by)
            self._scope_quotes[rank, scope.kind, words].count(mention.scope.text, voice, day, mention.score, by)

    @property
    def actor(self) -> str | None:
        """The voted spelling of the actor: a full name before an acronym, a description, or a mere sort of body."""
        return next((poll.leader for _, poll in sorted(self._actors.items()) if poll.leader is not None), None)

    @property
    def scope(self) -> tuple[ScopeClass | None, str | None]:
        """Class and words of the most specific scope: stated before unstated, narrow before nationwide.

        What a measure was widened to is told by its steps, unless it is everybody.
        """
        everybody = self._scope_kinds[_GROWN].leader is ScopeClass.NATIONWIDE
        for rank in (_GROWN,) if everybody else (_NARROW, _NATIONWIDE, _GROWN):
            if ranked := self._scope_kinds[rank].ranked:
                # One that says what sort of scope it is comes before those that do not.
                kind = next((kind for kind in ranked if kind is not None), None)
                words = self._scope_words[rank, kind].leader
                return kind, None if words is None else self._scope_quotes[rank, kind, words].leader
        return None, None

    @property
    def reasons(self) -> tuple[ReasonClass, ...]:
        """The reasons that a fair part of those give who give any."""
        enough = max(1, REASON_SHARE * len(self._giving_reasons))
        return tuple(reason for reason in ReasonClass if len(self._reasons[reason]) >= enough)

    @property
    def score(self) -> float:
        """The chance that at least one voice is right, capped."""
        wrong = 1.0
        for best in reversed(self._scores):
            wrong *= 1 - best
            if wrong <= 1 - SCORE_CAP:
                return SCORE_CAP
        return round(1 - wrong, 6)

    @property
    def voices(self) -> int:
        """How many independent voices there are, those that tell of the end included."""
        return len(self._voices)

    @property
    def stories(self) -> int:
        """How many stories there are."""
        return len(self._stories)

    @property
    def articles(self) -> int:
        """How many articles there are."""
        return len(self._articles)

    @property
    def reported(self) -> tuple[date | None, date | None]:
        """First and last day of publication."""
        return as_date(self._reported.least), as_date(self._reported.greatest)

    def leading_scopes(self, until: float | None = None) -> tuple[list[Scope], list[str]]:
        """The scopes of the measure in force that most voices give, and their words.

        With `until`, those that have been stated of a day up to then.
        """
        some = [
            (one, stage)
            for one, stage in self._scopes.items()
            if until is None or (stage.days.least is not None and stage.days.least <= until)
        ]
        best = nlargest(_LEADING, some, key=lambda item: (len(item[1].voices), _name(item[0])))
        return [one for one, _ in best], [text for one, _ in best for text in sorted(self._texts[one]) if text]


@lru_cache(maxsize=16_384)
def _name(scope: Scope) -> str:
    return f"{scope.kind or ''} {' '.join(sorted(scope.words))}"


def _vagueness(s: Statement) -> int:
    """How well the actor is named, 0 best."""
    if s.body is None or s.body.is_vague:
        return 2
    return 1 if s.body.is_descriptive or s.body.is_acronym else 0

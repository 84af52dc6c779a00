"""Where the statements of an event do not agree: every value that somebody states against the agreed one, and who.

What is merely less exact – "February" beside the 4th, a scope left out or put in other words – disagrees with nothing,
and so does an earlier step of the same measure: a proposal is no dissent from the law that came of it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pipeline.ballots import lies_ahead
from pipeline.consensus import divide, grouping
from pipeline.lifecycle import LATER, event_date, steps_of
from pipeline.names import Relation, relate
from pipeline.scopes import ScopeRelation, compare_scopes
from pipeline.statements import Statement, stated_days
from pipeline.tally import Part, Tally
from pipeline.types import Action, Status
from pipeline.votes import agreed_date, includes
from pipeline.wording import Move, count, date_words, is_partial, read_move, read_relief

_STEPS = (Status.PROPOSED, Status.ANNOUNCED, Status.IN_FORCE, Status.REJECTED)


@dataclass(frozen=True, slots=True)
class Camp:
    """Those who state one value, in words: how many independent voices, and their mentions."""

    value: str
    voices: int
    mention_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dissent:
    """A field on which statements differ; the side of the agreed value comes first, then the strongest."""

    field: str
    sides: tuple[Camp, ...]

    @property
    def words(self) -> str:
        """As one says it: "3 sources say 4 February 2025, 1 says 5 February 2025"."""
        first, *others = self.sides
        said = [f"{count(first.voices, 'source says', 'sources say')} {first.value}"]
        return ", ".join(said + [f"{count(side.voices, 'says', 'say')} {side.value}" for side in others])


def dissents(told: Sequence[Statement], lifts: Sequence[Statement] = ()) -> tuple[Dissent, ...]:
    """Return every dissent among the statements of an event that still stand."""
    parts = divide(told, lifts, ())
    voices = grouping([*parts[Part.TOLD], *parts[Part.LIFT]])
    present = {part: [s for s in some if s.context.withdrawn_on is None] for part, some in parts.items()}
    if not present[Part.TOLD]:
        return ()
    found = _Dissents(present[Part.TOLD], present[Part.LIFT], voices)
    fields: list[Callable[[], Dissent | None]] = [
        found.status, found.action, found.date, found.actor, found.country, found.scope, found.end, found.end_date,
    ]  # fmt: skip
    return tuple(dissent for field in fields if (dissent := field()) is not None)


class _Dissents:
    def __init__(self, told: Sequence[Statement], lifts: Sequence[Statement], voices: dict[str, str]) -> None:
        self._told, self._lifts, self._voices = told, lifts, voices
        self._tally = Tally(voices)
        for part, some in ((Part.TOLD, told), (Part.LIFT, lifts)):
            for s in some:
                self._tally.count(part, s)
        status = self._tally.ladders[Part.TOLD].current
        assert status is not None, "something is told"
        self._status = status
        self._day = event_date(self._tally, status)
        self._at_status = [s for s in told if s.context.mention.status is status]

    def status(self) -> Dissent | None:
        agreed = [s for s in self._told if s.context.mention.status is self._status]
        other = [s for s in self._told if s.context.mention.status is not self._status and self._contradicts(s)]
        return self._between("status", self._status.value, agreed, other, lambda s: s.context.mention.status.value)

    def _contradicts(self, s: Statement) -> bool:
        """Whether a statement with another status is no earlier step of what was reached."""
        status = s.context.mention.status
        if _STEPS.index(status) > _STEPS.index(self._status):
            return not (status is Status.REJECTED and read_move(s.context.mention.trigger.text) is Move.STRIKES)
        since = self._tally.ladders[Part.TOLD].since(self._status) or 0
        reported, span, agreed = s.reported or 0, stated_days(s.context.mention.date_value), stated_days(self._day)
        if span is not None and agreed is not None and span[1] < agreed[0]:
            return False
        is_ahead = span is not None and span[0] > reported
        return reported > since or (reported == since and is_ahead and self._status is Status.IN_FORCE)

    def action(self) -> Dissent | None:
        agreed = self._tally.actions[self._status].leader
        assert agreed is not None, "a status is held by a statement"
        same = [s for s in self._at_status if s.context.mention.action is agreed]
        other = [s for s in self._at_status if s.context.mention.action is not agreed]
        return self._between("action", agreed.value, same, other, lambda s: s.context.mention.action.value)

    def date(self) -> Dissent | None:
        plain = [s for s in self._at_status if read_move(s.context.mention.trigger.text) not in _GROWING]
        # When it was announced is one matter, for when it was is another.
        planned = any(lies_ahead(s) for s in plain)
        return self._dates("date", [s for s in plain if lies_ahead(s) == planned], self._day)

    def end_date(self) -> Dissent | None:
        scopes, texts = self._tally.leading_scopes()
        done = [
            s
            for s in self._lifts
            if s.context.mention.status is Status.IN_FORCE and not is_partial(read_relief(s), scopes, texts)
        ]
        dates: dict[str, set[str]] = defaultdict(set)
        for s in done:
            if s.context.mention.date_value is not None:
                dates[s.context.mention.date_value].add(self._voices[s.context.story_id])
        return self._dates("date of its end", done, agreed_date(dates))

    def _dates(self, field: str, some: Sequence[Statement], agreed: str | None) -> Dissent | None:
        if agreed is None:
            return None
        dated = [(s.context.mention.date_value or "", s) for s in some if s.first is not None]
        same = [s for value, s in dated if includes(agreed, value)]
        other = [s for value, s in dated if not includes(agreed, value) and not includes(value, agreed)]
        return self._between(field, date_words(agreed), same, other, _date_of)

    def actor(self) -> Dissent | None:
        name = self._tally.actor
        body = next((s.body for s in self._told if s.context.mention.actor_canonical == name and s.body), None)
        if name is None or body is None:
            return None
        relations = [(s, relate(body, s.body)) for s in self._told if s.body is not None]
        same = [s for s, relation in relations if relation is Relation.SAME]
        other = [s for s, relation in relations if relation in (Relation.DIFFERENT, Relation.PART_OF)]
        return self._between("actor", name, same, other, lambda s: s.context.mention.actor_canonical or "")

    def country(self) -> Dissent | None:
        agreed = self._tally.countries.leader
        known = [s for s in self._told if s.country is not None]
        same = [s for s in known if s.country == agreed]
        other = [s for s in known if s.country != agreed]
        return self._between("country", agreed or "", same, other, lambda s: s.country or "")

    def scope(self) -> Dissent | None:
        text = self._tally.scope[1]
        if text is None:
            return None
        agreed = next(s.scope for s in self._told if s.context.mention.scope and s.context.mention.scope.text == text)
        begun = stated_days(self._day)
        stated = [
            s
            for s in self._told
            if read_move(s.context.mention.trigger.text) not in _GROWING
            and s.context.mention.scope is not None
            and not (begun is not None and s.first is not None and s.first > begun[1] + LATER)
        ]
        relations = [(s, compare_scopes(agreed, s.scope)) for s in stated]
        same = [s for s, relation in relations if relation in (ScopeRelation.SAME, ScopeRelation.CLOSE)]
        other = [s for s, relation in relations if relation is ScopeRelation.DIFFERENT]
        return self._between("scope", text, same, other, _scope_of)

    def end(self) -> Dissent | None:
        """Where some say that it has ended, and more that it stands."""
        ended = [s for s in self._lifts if s.context.mention.status is Status.IN_FORCE]
        action = self._tally.actions[self._status].leader
        if not ended or action is None or action is Action.LIFT:
            return None
        steps = steps_of(self._tally, action)
        if any(step.action is Action.LIFT and step.status is Status.IN_FORCE for step in steps):
            return None
        since = min(s.reported or 0 for s in ended)
        stands = [
            s
            for s in self._at_status
            if read_move(s.context.mention.trigger.text) is Move.STANDS and (s.reported or 0) >= since
        ]
        return self._between("end", "that it stands", stands, ended, lambda _: "that it was lifted")

    def _between(
        self,
        field: str,
        agreed: str,
        same: Iterable[Statement],
        other: Sequence[Statement],
        value_of: Callable[[Statement], str],
    ) -> Dissent | None:
        if not other:
            return None
        values: dict[str, list[Statement]] = defaultdict(list)
        for s in other:
            values[value_of(s)].append(s)
        sides = [self._side(value, some) for value, some in values.items()]
        sides.sort(key=lambda side: (-side.voices, side.value))
        return Dissent(field, (self._side(agreed, same), *sides))

    def _side(self, value: str, some: Iterable[Statement]) -> Camp:
        held = list(some)
        voices = {self._voices[s.context.story_id] for s in held}
        return Camp(value.replace("_", " "), len(voices), tuple(sorted(s.mention_id for s in held)))


_GROWING = (Move.EXTENDS, Move.WIDENS)


def _date_of(s: Statement) -> str:
    return date_words(s.context.mention.date_value or "")


def _scope_of(s: Statement) -> str:
    return "" if s.context.mention.scope is None else s.context.mention.scope.text

"""What was known of an event when: the fields and steps that follow from the words held on each day.

Each statement is known from the day on which its article was fetched, and stands until the day on which the version
came that states it no longer. The history is told of the event as it is grouped now, with what is known now of which
voices are independent: whom a text copies, and who owns an outlet, carries no day. One sweep over the days adds and
takes out each statement once.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from pipeline.consensus import Parts, divide, event_from, grouping, state_of
from pipeline.press import press_steps
from pipeline.statements import Statement
from pipeline.tally import Part, Tally
from pipeline.types import Event, Transition

Decided = tuple[date, Callable[[Event], Event]]
"""A day on which people decided something, and what all that was decided by then makes of the event."""


@dataclass(frozen=True, slots=True)
class Known:
    """What was known of an event from one day up to another, which is no more of it.

    A day that was not kept is None in `since`; in `until`, None says that it is known still. `event` comes without
    `mention_ids` and `why`.
    """

    since: date | None
    until: date | None
    event: Event


@dataclass(frozen=True, slots=True)
class KnownStep:
    """How long a step was known as it is here; the days as in Known."""

    since: date | None
    until: date | None
    step: Transition


@dataclass(frozen=True, slots=True)
class Chronicle:
    """All that was ever known of an event: its states one after the other, and its steps."""

    states: tuple[Known, ...]
    steps: tuple[KnownStep, ...]


def chronicle(
    event_id: str,
    told: Sequence[Statement],
    lifts: Sequence[Statement],
    struck: Sequence[Statement] = (),
    decided: Sequence[Decided] = (),
) -> Chronicle:
    """Tell what was known of an event when; the arguments are those of `agree`, and what people decided, in order.

    Before the first words that tell of it, an event is what the words on its end say. The last state is what `agree`
    returns, with the decisions.
    """
    parts = divide(told, lifts, struck)
    sweep = _Sweep(event_id, parts)
    states: list[Known] = []
    for day in _days(parts, decided):
        event = sweep.advance(day)
        if event is None:
            continue
        by_then = [change for since, change in decided if day is not None and since <= day]
        if by_then:
            event = by_then[-1](event)
        if states and states[-1].event == event:
            continue
        if states:
            states[-1] = Known(states[-1].since, day, states[-1].event)
        states.append(Known(day, None, event))
    return Chronicle(tuple(states), tuple(_steps(states)))


def single(event: Event) -> Chronicle:
    """The chronicle of an event of which nothing else is known than when it was learned of."""
    return Chronicle(
        (Known(event.learned_on, None, event),),
        tuple(KnownStep(step.learned_on or event.learned_on, None, step) for step in event.transitions),
    )


def _days(parts: Parts, decided: Iterable[Decided]) -> list[date | None]:
    """The days on which something was learned, in order; None first, for what has no day."""
    learned = {s.context.learned_on for some in parts.values() for s in some}
    withdrawn = {s.context.withdrawn_on for some in parts.values() for s in some}
    days = sorted({day for day in learned | withdrawn if day is not None} | {day for day, _ in decided})
    return [None, *days] if None in learned else list(days)


class _Sweep:
    """The statements of an event, as they become known and are withdrawn day by day."""

    def __init__(self, event_id: str, parts: Parts) -> None:
        self._event_id = event_id
        self._voices = grouping(s for some in parts.values() for s in some)
        self._press = press_steps([*parts[Part.TOLD], *parts[Part.LIFT]])
        self._tally = Tally(self._voices)
        self._coming: dict[date | None, list[tuple[Part, Statement]]] = defaultdict(list)
        self._going: dict[date, list[tuple[Part, Statement]]] = defaultdict(list)
        for part, some in parts.items():
            for s in some:
                learned, withdrawn = s.context.learned_on, s.context.withdrawn_on
                self._coming[learned].append((part, s))
                if withdrawn is not None:
                    self._going[max(withdrawn, learned or withdrawn)].append((part, s))
        self._learned_on: date | None = None
        self._known: dict[Part, dict[str, Statement]] = {part: {} for part in Part}

    def advance(self, day: date | None) -> Event | None:
        """Take in what came and went on a day. Returns what is known then; None while there is nothing."""
        for part, s in self._coming[day]:
            self._tally.count(part, s)
            self._known[part][s.mention_id] = s
            if part is not Part.STRUCK:
                self._learned_on = self._learned_on or day
        if day is not None:
            for part, s in self._going[day]:
                self._tally.count(part, s, -1)
        press = [
            step for step in self._press if step.learned_on is not None and day is not None and step.learned_on <= day
        ]
        if self._tally:
            return event_from(self._event_id, self._tally, press, self._learned_on, retracted=False)
        parts = {part: [_as_of(s, day) for s in some.values()] for part, some in self._known.items()}
        if parts[Part.TOLD]:
            return state_of(self._event_id, parts, self._voices, press)
        if parts[Part.LIFT]:
            ends = {Part.TOLD: parts[Part.LIFT], Part.LIFT: [], Part.STRUCK: []}
            return state_of(self._event_id, ends, self._voices, press)
        return None


def _as_of(s: Statement, day: date | None) -> Statement:
    """A statement as it stood on a day: what is withdrawn later was not withdrawn then."""
    withdrawn = s.context.withdrawn_on
    if withdrawn is None or (day is not None and withdrawn <= day):
        return s
    return replace(s, context=replace(s.context, withdrawn_on=None))


def _steps(states: Sequence[Known]) -> list[KnownStep]:
    """The steps of all states, each from the first of the states in a row that hold it to the last."""
    open_: dict[Transition, date | None] = {}
    done: list[KnownStep] = []
    for state in states:
        held = dict.fromkeys(state.event.transitions)
        for step in [step for step in open_ if step not in held]:
            done.append(KnownStep(open_.pop(step), state.since, step))
        for step in held:
            open_.setdefault(step, state.since)
    return done + [KnownStep(since, None, step) for step, since in open_.items()]

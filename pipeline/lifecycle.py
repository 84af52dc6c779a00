"""The steps of an event's life, from what its statements say together (`pipeline.tally`).

A step is taken when enough independent voices say so that could know (`ballots.Ladder`): one report that runs ahead of
its day, or is outvoted, makes no step and stays a dissent (`pipeline.dissent`). Steps come in order of time. A measure
in force is extended or widened where an article says so of a later day; it is eased where a lift is for less than what
stands, and ends with the first lift that is for all of it, or with a court's ruling.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from pipeline.ballots import FAIR_SHARE, Ballot, as_date
from pipeline.statements import stated_days
from pipeline.tally import Part, Tally
from pipeline.types import Action, Status, Transition, TransitionKind
from pipeline.votes import agreed_date
from pipeline.wording import Move, Relief, date_words, is_partial, is_wider

ENDS = (TransitionKind.LIFTED, TransitionKind.STRUCK_DOWN)
"""The kinds of steps that end a restriction."""

HEARSAY = 21
"""Days before its report within which something that is told without a date has happened."""

TOGETHER = 3
"""Days within which two reports of an extension, a widening or an easing mean one."""

LATER = 7
"""Days after the agreed date from which a statement with another scope tells of a widening, not of the start."""

_KIND = {
    Status.PROPOSED: TransitionKind.PROPOSED,
    Status.ANNOUNCED: TransitionKind.ANNOUNCED,
    Status.IN_FORCE: TransitionKind.IN_FORCE,
    Status.REJECTED: TransitionKind.REJECTED,
}
_ORDER = tuple(TransitionKind)
_EARLIER = (Status.PROPOSED, Status.ANNOUNCED)


def event_status(tally: Tally) -> Status:
    """How far the measure has come. Struck down before it came into force, it is rejected."""
    status = tally.ladders[Part.TOLD].current
    assert status is not None, "an event is told of"
    if status in _EARLIER and any(step.kind in ENDS for step in _ends(tally, Part.STRUCK)):
        return Status.REJECTED
    return status


def event_date(tally: Tally, status: Status) -> str | None:
    """The agreed date of a measure that has come to `status`; of one that is planned, the day for which it is.

    Dates of extensions count where nothing else is in force. A measure in force whose start nobody dates began on the
    day for which it was announced, if that had come when it was reported to be in force.
    """
    plain = tally.plain.get(status)
    if plain is None:
        grown = tally.grown.values() if status is Status.IN_FORCE else ()
        return agreed_date(_merged(ballot.dates for ballot in grown))
    day = plain.planned or plain.date
    if day is None and status is Status.IN_FORCE and Status.ANNOUNCED in tally.plain:
        announced = tally.plain[Status.ANNOUNCED]
        planned = announced.planned or announced.date
        span, heard = stated_days(planned), plain.reported.greatest
        return planned if span is not None and heard is not None and span[0] <= heard else None
    return day


def steps_of(tally: Tally, action: Action) -> list[Transition]:
    """The steps that the statements bear out, in order of time, but for corrections and reviews."""
    told = tally.ladders[Part.TOLD].current
    assert told is not None, "an event is told of"
    day = event_date(tally, told)
    start = [_start(tally, told, day, is_lift=action is Action.LIFT)]
    start += [step for one in _EARLIER if one is not told and (step := _earlier(tally, one, told, day))]
    steps = [*start]
    if told is Status.IN_FORCE and action is not Action.LIFT:
        steps += _growth(tally, day)
    ends = [*_ends(tally, Part.LIFT), *_ends(tally, Part.STRUCK)]
    if told is Status.IN_FORCE and tally.overturned and tally.ladders[Part.TOLD].is_borne_out(Status.REJECTED):
        ends.append(_step([tally.overturned], TransitionKind.STRUCK_DOWN, Status.IN_FORCE))
    return in_order([*steps, *_until_the_end(ends)])


def in_order(steps: Iterable[Transition]) -> list[Transition]:
    """Sort steps by time. What may have come before its own end did, and a plan before what was planned."""
    some = list(steps)
    ended = min((_day(step) for step in some if step.kind in ENDS), default=None)
    begun = min((_day(step) for step in some if step.kind is TransitionKind.IN_FORCE), default=None)

    def order(step: Transition) -> tuple[int, bool, int, str]:
        day = _day(step)
        is_end = step.action is Action.LIFT
        if step.kind not in _OF_THE_PRESS and not is_end:
            first, _ = stated_days(step.date_value) or (0, 0)
            if ended is not None and first <= ended:
                day = min(day, ended)
            if begun is not None and step.status in _EARLIER:
                day = min(day, begun)
        return day, is_end, _ORDER.index(step.kind), step.mention_id

    return sorted(some, key=order)


_OF_THE_PRESS = (TransitionKind.CORRECTED, TransitionKind.RETRACTED, TransitionKind.REVIEWED)


def _start(tally: Tally, status: Status, day: str | None, *, is_lift: bool) -> Transition:
    """The step to the status that was reached."""
    if status in tally.plain:
        kind = _KIND[status]
        if is_lift and status is Status.IN_FORCE:
            ends = tally.ends[Part.TOLD, status].items()
            partly = _voices(ballot for relief, ballot in ends if relief.eases)
            kind = TransitionKind.EASED if 2 * partly > len(tally.plain[status].voices) else TransitionKind.LIFTED
        return _step([tally.plain[status]], kind, status, day=None if status in _EARLIER else day)
    # Nothing is told but that it goes on.
    moves = {growth.move for growth in tally.grown}
    kind = TransitionKind.WIDENED if moves == {Move.WIDENS} else TransitionKind.EXTENDED
    return _step(list(tally.grown.values()), kind, status, day=day)


def _earlier(tally: Tally, status: Status, reached: Status, day: str | None) -> Transition | None:
    """A step before the one that was reached: told before it, or dated before it. Else it is outvoted."""
    ballot = tally.plain.get(status)
    if ballot is None or _ladder_index(status) > _ladder_index(reached):
        return None
    ladder = tally.ladders[Part.TOLD]
    since, first = ladder.since(status), ladder.since(reached)
    step = _step([ballot], _KIND[status], status)
    own, other = stated_days(step.date_value), stated_days(day)
    dated_before = own is not None and own[1] < (other[0] if other is not None else first or 0)
    return step if dated_before or (since is not None and first is not None and since < first) else None


def _ladder_index(status: Status) -> int:
    return tuple(_KIND).index(status)


def _growth(tally: Tally, day: str | None) -> list[Transition]:
    """Extensions and widenings of what is in force."""
    if Status.IN_FORCE not in tally.plain:
        return []
    begun = stated_days(day)
    base = tally.plain[Status.IN_FORCE]
    since = begun[1] if begun is not None else base.reported.least
    scopes, _ = tally.leading_scopes(None if since is None else since + LATER) if _may_widen(tally, since) else ([], [])
    found: dict[TransitionKind, list[_Told]] = {}
    for growth, ballot in tally.grown.items():
        first, last = stated_days(growth.date_value) or (growth.reported - HEARSAY, growth.reported)
        if since is not None and last and last <= since:
            continue
        wider = is_wider(growth.scope, scopes)
        kind = TransitionKind.WIDENED if wider or growth.move is Move.WIDENS else TransitionKind.EXTENDED
        found.setdefault(kind, []).append(_Told(first, last, growth.text, ballot))
    for value, some in tally.dated.items():
        span = stated_days(value)
        if since is None or span is None or span[0] <= since + LATER:
            continue
        for (scope, text), ballot in some.items():
            if is_wider(scope, [one for one in scopes if one != scope]) and scope not in scopes:
                found.setdefault(TransitionKind.WIDENED, []).append(_Told(*span, text, ballot))
    return [
        _step([one.ballot for one in group], kind, Status.IN_FORCE, detail=_scope_words(kind, group))
        for kind, some in sorted(found.items())
        for group in _near(some)
    ]


def _may_widen(tally: Tally, since: float | None) -> bool:
    late = any((span := stated_days(value)) and since is not None and span[0] > since + LATER for value in tally.dated)
    return late or bool(tally.grown)


class _Told(NamedTuple):
    """A step that may be told again: the days on which it can have been taken, for whom, and who says so."""

    first: int
    last: int
    text: str
    ballot: Ballot


def _scope_words(kind: TransitionKind, group: Sequence[_Told]) -> str | None:
    """The words for whom or where, of what is widened or eased."""
    if kind is TransitionKind.EXTENDED:
        return None
    texts = [(len(one.ballot.voices), one.text) for one in group if one.text]
    return max(texts)[1] if texts else None


def _near(some: Iterable[_Told]) -> list[list[_Told]]:
    """Put together what can be one step: the exact first, each with what lies within days of the first of its group."""
    groups: list[list[_Told]] = []
    for one in sorted(some, key=lambda one: (one.last - one.first, one.first, one.text, min(one.ballot.voices))):
        for group in groups:
            if one.first <= group[0].last + TOGETHER and group[0].first <= one.last + TOGETHER:
                group.append(one)
                break
        else:
            groups.append([one])
    return groups


def _ends(tally: Tally, part: Part) -> list[Transition]:
    """The steps of the end of a restriction: planned, eased, ended or refused."""
    ladder = tally.ladders[part]
    reached = ladder.current
    if reached is None:
        return []
    steps = [] if part is Part.STRUCK else _planned_ends(tally, reached)
    if reached is Status.IN_FORCE and ladder.is_borne_out(reached, tally.upheld):
        steps += _effective_ends(tally, part)
    return steps


def _planned_ends(tally: Tally, reached: Status) -> list[Transition]:
    ladder = tally.ladders[Part.LIFT]
    steps = []
    for status in Status:
        some = list(tally.ends.get((Part.LIFT, status), {}).values())
        if not some or status is Status.IN_FORCE:
            continue
        since, first = ladder.since(status), ladder.since(reached)
        if status is reached or (status in _EARLIER and since is not None and first is not None and since < first):
            steps.append(_step(some, _KIND[status], status))
    return steps


def _effective_ends(tally: Tally, part: Part) -> list[Transition]:
    """The lifts that took effect: in part, or of the whole. The few who take the one for the other are outvoted."""
    whole, partial = _split(tally, part)
    ruling = TransitionKind.STRUCK_DOWN if part is Part.STRUCK else TransitionKind.LIFTED
    steps = []
    if whole:
        end = _step(whole, ruling, Status.IN_FORCE)
        day = _day(end)
        rivals = [
            ballot for _, ballot in partial if abs(_day(_step([ballot], ruling, Status.IN_FORCE)) - day) <= TOGETHER
        ]
        if _voices(whole) >= FAIR_SHARE * (_voices([*whole, *rivals])):
            steps.append(_by_whom(end, whole) if part is Part.STRUCK else end)
            if _voices(rivals) < FAIR_SHARE * _voices([*whole, *rivals]):
                partial = [(relief, ballot) for relief, ballot in partial if ballot not in rivals]
    for group in _near(_timed(relief, ballot) for relief, ballot in partial):
        eased = [one.ballot for one in group]
        detail = _scope_words(TransitionKind.EASED, group)
        step = _step(eased, TransitionKind.EASED, Status.IN_FORCE, detail=detail)
        steps.append(_by_whom(step, eased) if part is Part.STRUCK else step)
    return steps


def _timed(relief: Relief, ballot: Ballot) -> _Told:
    step = _step([ballot], TransitionKind.EASED, Status.IN_FORCE)
    heard = _day(step)
    return _Told(*(stated_days(step.date_value) or (heard - HEARSAY, heard)), relief.text, ballot)


def _split(tally: Tally, part: Part) -> tuple[list[Ballot], list[tuple[Relief, Ballot]]]:
    """The lifts in force that are for the whole, and those for a part."""
    ends = tally.ends.get((part, Status.IN_FORCE), {})
    if not ends:
        return [], []
    scopes, texts = tally.leading_scopes()
    parts = {relief: is_partial(relief, scopes, texts) for relief in ends}
    whole = [ballot for relief, ballot in ends.items() if not parts[relief]]
    return whole, [(relief, ballot) for relief, ballot in ends.items() if parts[relief]]


def _until_the_end(ends: Sequence[Transition]) -> list[Transition]:
    """Drop what is said to be eased after the end."""
    over = min((_day(step) for step in ends if step.kind in ENDS), default=None)
    if over is None:
        return list(ends)
    return [step for step in ends if step.kind is not TransitionKind.EASED or _day(step) <= over]


def _by_whom(step: Transition, ballots: Sequence[Ballot]) -> Transition:
    """Name the court that ruled."""
    actor = max(ballots, key=lambda ballot: len(ballot.voices)).actors.leader
    parts = [f"by {actor}" if actor else None, step.detail]
    return replace(step, detail="; ".join(part for part in parts if part) or None)


def _step(
    ballots: Sequence[Ballot],
    kind: TransitionKind,
    status: Status,
    *,
    day: str | None = None,
    detail: str | None = None,
) -> Transition:
    """Make a step of the statements that say it; `day` is its date where that is agreed on already.

    When something planned is to take effect is not when it was proposed or announced: it becomes the detail.
    """
    if len(ballots) > 1:
        return _made(ballots, kind, status, day, detail)
    key = (kind, status, day, detail)
    made = ballots[0].made
    if key not in made:
        made[key] = _made(ballots, *key)
    return made[key]


def _made(
    ballots: Sequence[Ballot], kind: TransitionKind, status: Status, day: str | None, detail: str | None
) -> Transition:
    first = ballots[0]
    stated = day or (first.date if len(ballots) == 1 else agreed_date(_merged(b.dates for b in ballots)))
    planned = first.planned if len(ballots) == 1 else agreed_date(_merged(b.ahead for b in ballots))
    reported = min((b.reported.least for b in ballots if b.reported.least is not None), default=None)
    learned = min((b.learned.least for b in ballots if b.learned.least is not None), default=None)
    strongest = max(ballots, key=lambda b: (len(b.voices), b.actions.leader or ""))
    action = strongest.actions.leader
    assert action is not None, "every mention has an action"
    shown = min(ballot.evidence(stated or planned, action) for ballot in ballots)[2][2]
    if planned and detail is None:
        detail = f"to take effect {date_words(planned)}"
    return Transition(status, action, stated, as_date(reported), shown, kind, as_date(learned), detail)


def _merged(some: Iterable[Mapping[str, Collection[str]]]) -> dict[str, set[str]]:
    """Votes on dates, put together."""
    dates: dict[str, set[str]] = {}
    for votes in some:
        for value, voices in votes.items():
            dates.setdefault(value, set()).update(voices)
    return dates


def _voices(ballots: Iterable[Ballot]) -> int:
    return len({voice for ballot in ballots for voice in ballot.voices})


def _day(step: Transition) -> int:
    """The day by which a step is placed: the report's, moved into the stated interval."""
    told = step.reported_on or step.learned_on or date.max
    if step.kind in _OF_THE_PRESS:
        told = step.learned_on or told
    heard = told.toordinal()
    first, last = stated_days(step.date_value) or (heard, heard)
    return min(last, max(first, heard))

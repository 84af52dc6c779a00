"""What the mentions of one happening agree on, and why they are held to be one.

Fields are voted by independent stories: ten copies of one text have one vote. Among equals the value that was reported
last wins, then the one with the highest score. A scope or a date that only some state is not outvoted by the others'
silence.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import TypeVar

from pipeline.names import UNKNOWN_COUNTRY
from pipeline.scopes import Scope
from pipeline.statements import Statement, stated_days
from pipeline.types import Action, Event, ReasonClass, ScopeClass, Status, Transition

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

T = TypeVar("T")

SCORE_CAP = 0.999
"""Highest score of an event: no number of reports makes it certain."""

STAGE_SHARE = 1 / 3
"""A status counts as reached when at least this share of the stories that bear on it says so."""

REASON_SHARE = 0.2
DATE_SHARE = 0.5

_ORDER = (Status.PROPOSED, Status.ANNOUNCED, Status.IN_FORCE, Status.REJECTED)


def agree(event_id: str, told: Sequence[Statement], lifts: Sequence[Statement]) -> Event:
    """Make the event of a happening: `told` state it, `lifts` state its end; `told` is not empty."""
    status = current_status(told)
    at_stage = [s for s in told if s.context.mention.status is status]
    action = vote(at_stage, lambda s: s.context.mention.action)
    assert action is not None, "a status is held by a statement"
    everything = [*told, *lifts]
    published = [s.context.published for s in everything if s.context.published is not None]
    scope_kind, scope = _scope(told)
    return Event(
        id=event_id,
        action=action,
        status=status,
        country=vote(told, lambda s: s.country) or UNKNOWN_COUNTRY,
        service_canonical=vote(told, lambda s: s.context.mention.service_canonical) or "",
        actor_canonical=_actor(told),
        actor_kind=vote(told, lambda s: s.context.mention.actor_kind),
        scope=scope,
        scope_class=scope_kind,
        date_value=agreed_date(told, status),
        reason_classes=_reasons(told),
        first_reported=min(published, default=None),
        last_reported=max(published, default=None),
        stories=len({s.context.story_id for s in everything}),
        articles=len({s.context.article_id for s in everything}),
        score=_score(told),
        mention_ids=tuple(sorted(s.mention_id for s in everything)),
        transitions=_transitions(told, lifts),
        why=_why(told, lifts),
    )


def vote(statements: Iterable[Statement], value_of: Callable[[Statement], T | None]) -> T | None:
    """Return the value with most stories, then the last reported, then the best scored; None counts for nothing."""
    stories: dict[T, set[str]] = defaultdict(set)
    latest: dict[T, int] = defaultdict(int)
    best: dict[T, float] = defaultdict(float)
    for s in statements:
        value = value_of(s)
        if value is not None:
            stories[value].add(s.context.story_id)
            latest[value] = max(latest[value], s.reported or 0)
            best[value] = max(best[value], s.context.mention.score)
    return max(stories, key=lambda v: (len(stories[v]), latest[v], best[v], str(v)), default=None)


def current_status(told: Sequence[Statement]) -> Status:
    """Return how far the measure has come: the furthest step that a fair share of the stories bears out.

    Stories bear on a step from the day of its first report on: what was written before could not know. So a ban in
    force outweighs the many earlier reports of its proposal, while one report that runs ahead of its day does not. A
    rejection ends what never came into force.
    """
    reached = Status.PROPOSED if any(s.context.mention.status is Status.PROPOSED for s in told) else None
    for status in (Status.ANNOUNCED, Status.IN_FORCE, Status.REJECTED):
        saying = [s for s in told if s.context.mention.status is status]
        if not saying:
            continue
        if status is Status.REJECTED and reached is Status.IN_FORCE:
            break
        since = min(s.reported or 0 for s in saying)
        bearing = {s.context.story_id for s in told if (s.reported or 0) >= since}
        if len({s.context.story_id for s in saying}) >= STAGE_SHARE * len(bearing):
            reached = status
    return reached or vote(told, lambda s: s.context.mention.status) or told[0].context.mention.status


def agreed_date(told: Sequence[Statement], status: Status) -> str | None:
    """Return the earliest well-supported date, as finely as any statement gives it.

    Dates of the status count, or those of its announcement where it has none. A date is supported by each story whose
    own date includes it, so that "March" supports the 31st; the best has most support. Well supported is what has more
    than half of the best's stories, both in all and among those that give just this date.
    """
    dated = [s for s in told if s.context.mention.status is status and stated_days(s.context.mention.date_value)]
    if not dated and status is Status.IN_FORCE:
        dated = [s for s in told if s.context.mention.status is Status.ANNOUNCED]
    spans: dict[str, tuple[int, int]] = {}
    for s in dated:
        value = s.context.mention.date_value
        span = stated_days(value)
        if value is not None and span is not None:
            spans[value] = span
    if not spans:
        return None
    # A finer date is written longer.
    longest = max(map(len, spans))
    fine = {value: span for value, span in spans.items() if len(value) == longest}
    exact = {v: len({s.context.story_id for s in dated if s.context.mention.date_value == v}) for v in fine}
    support = {
        value: len({s.context.story_id for s in dated if _includes(spans, s.context.mention.date_value, span)})
        for value, span in fine.items()
    }
    best = max(fine, key=lambda value: (support[value], exact[value]))
    return min(
        value
        for value in fine
        if exact[value] > DATE_SHARE * exact[best] and support[value] > DATE_SHARE * support[best]
    )


def _includes(spans: dict[str, tuple[int, int]], value: str | None, inner: tuple[int, int]) -> bool:
    span = spans.get(value or "")
    return span is not None and span[0] <= inner[0] and inner[1] <= span[1]


def _actor(told: Sequence[Statement]) -> str | None:
    """Return the voted spelling of the actor: a full name before an acronym, a description, or a mere sort of body."""

    def rank(s: Statement) -> int:
        if s.body is None or s.body.is_vague:
            return 2
        return 1 if s.body.is_descriptive or s.body.is_acronym else 0

    best = min(rank(s) for s in told)
    return vote([s for s in told if rank(s) == best], lambda s: s.context.mention.actor_canonical)


def _scope(told: Sequence[Statement]) -> tuple[ScopeClass | None, str | None]:
    """Return class and words of the most specific scope: stated before unstated, narrow before nationwide."""
    stated = [s for s in told if s.scope != Scope(None, frozenset())]
    narrow = [s for s in stated if s.scope.kind is not ScopeClass.NATIONWIDE] or stated
    kind = vote(narrow, lambda s: s.scope.kind)
    of_kind = [s for s in narrow if s.scope.kind is kind and s.context.mention.scope is not None] or narrow
    words = vote(of_kind, lambda s: s.scope.words or None)
    same = [s for s in of_kind if s.scope.words == words] or of_kind
    return kind, vote(same, lambda s: s.context.mention.scope.text if s.context.mention.scope else None)


def _reasons(told: Sequence[Statement]) -> tuple[ReasonClass, ...]:
    stories: dict[ReasonClass, set[str]] = defaultdict(set)
    for s in told:
        for reason in s.context.mention.reason_classes:
            stories[reason].add(s.context.story_id)
    giving = {story for some in stories.values() for story in some}
    return tuple(reason for reason in ReasonClass if len(stories.get(reason, ())) >= max(1, REASON_SHARE * len(giving)))


def _score(told: Sequence[Statement]) -> float:
    """Return the chance that at least one story is right, were they independent, capped."""
    best: dict[str, float] = defaultdict(float)
    for s in told:
        best[s.context.story_id] = max(best[s.context.story_id], min(1.0, max(0.0, s.context.mention.score)))
    wrong = 1.0
    for story in sorted(best):
        wrong *= 1 - best[story]
    return round(min(SCORE_CAP, 1 - wrong), 6)


def _transitions(told: Sequence[Statement], lifts: Sequence[Statement]) -> tuple[Transition, ...]:
    """Return one step per status that the restriction and its lift went through, in order of time."""
    steps = [[_step(saying, status) for status, saying in _by_status(side)] for side in (told, lifts)]
    ended = min((_step_day(step) for step in steps[1]), default=None)

    def order(step: Transition) -> tuple[int, bool, int]:
        is_lift = any(step is lift for lift in steps[1])
        day = _step_day(step)
        if not is_lift and step.date_value is None and ended is not None:
            # Told late without a date, it still came before its own end.
            day = min(day, ended)
        return day, is_lift, _ORDER.index(step.status)

    return tuple(sorted((step for side in steps for step in side), key=order))


def _by_status(statements: Sequence[Statement]) -> list[tuple[Status, list[Statement]]]:
    groups = [(status, [s for s in statements if s.context.mention.status is status]) for status in _ORDER]
    return [(status, saying) for status, saying in groups if saying]


def _step(saying: Sequence[Statement], status: Status) -> Transition:
    day = agreed_date(saying, status)
    action = vote(saying, lambda s: s.context.mention.action)
    assert action is not None, "every mention has an action"
    reports = [s.context.published for s in saying if s.context.published is not None]

    def as_evidence(s: Statement) -> tuple[bool, bool, float, date, str]:
        mention = s.context.mention
        agrees = (mention.date_value != day, mention.action is not action)
        return (*agrees, -mention.score, s.context.published or date.max, s.mention_id)

    best = min(saying, key=as_evidence)
    return Transition(status, action, day, min(reports, default=None), best.mention_id)


def _step_day(step: Transition) -> int:
    """Return the day by which a step is placed: the report's, moved into the stated interval."""
    reported = (date.max if step.reported_on is None else step.reported_on).toordinal()
    first, last = stated_days(step.date_value) or (reported, reported)
    return min(last, max(first, reported))


def _why(told: Sequence[Statement], lifts: Sequence[Statement]) -> str:
    """Say in plain words what the mentions share."""
    mentions = [s.context.mention for s in told]
    service = vote(told, lambda s: s.context.mention.service_canonical)
    actor = _actor(told)
    if len(told) == 1:
        text = f"One mention names {_named(actor)} and {service}"
    else:
        stories = len({s.context.story_id for s in told})
        text = f"{len(told)} mentions in {_count(stories, 'story', 'stories')} name "
        silent = sum(s.is_unknown for s in told)
        text += f"the same actor ({actor})" if not silent else _named(actor)
        text += f" and the same service ({service})"
        if 0 < silent < len(told):
            verbs = ("names", "fits") if silent == 1 else ("name", "fit")
            text += f"; {silent} of them {verbs[0]} no actor and {verbs[1]} no other one of that country"
        deeds = [_DEEDS[action] for action in Action if any(m.action is action for m in mentions)]
        text += f"; {'all' if len(deeds) == 1 else 'they'} tell of {_spell(deeds)}"
        text += _dates_agree(told)
    statuses = [status for status in _ORDER if any(m.status is status for m in mentions)]
    if len(statuses) > 1:
        text += f"; its steps are {_spell([status.replace('_', ' ') for status in statuses])}"
    if lifts:
        done = any(s.context.mention.status is Status.IN_FORCE for s in lifts)
        whose = "an unnamed actor's" if all(s.is_unknown for s in lifts) else "the same actor's"
        text += f"; {_count(len(lifts), 'mention', 'mentions')} of {whose} lift " + (
            "end it" if done else "announce its end"
        )
    return text + "."


def _dates_agree(told: Sequence[Statement]) -> str:
    dated = [s for s in told if s.first is not None and s.last is not None]
    if len(dated) > 1:
        spread = max(0, max(s.first or 0 for s in dated) - min(s.last or 0 for s in dated))
        near = "dates that agree" if spread == 0 else f"dates within {_count(spread, 'day', 'days')}"
        return f", with {near}"
    if dated:
        return ", one of them with a date"
    heard = [s.reported for s in told if s.reported is not None]
    return f", reported within {_count(max(heard) - min(heard), 'day', 'days')}" if len(heard) > 1 else ""


def _named(actor: str | None) -> str:
    return "no actor" if actor is None else actor


def _count(n: int, one: str, many: str) -> str:
    return f"{n} {one if n == 1 else many}"


def _spell(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

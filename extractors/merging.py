"""One event told twice in one document is one mention: which tellings are the same, and which of them stays."""

import re
from collections.abc import Sequence

from extractors.folding import fold
from extractors.names import part_of, same_name, same_service
from pipeline.types import Action, Mention, Status

# Actions that are told in pairs for one measure ("banned and suspended"); a removal beside a ban is another measure.
_ONE_MEASURE = frozenset((Action.BAN, Action.BLOCK, Action.SUSPEND, Action.LIMIT))
_COORDINATED = re.compile(r"\s*(?:,\s*)?(?:and|or|&|/)\s+(?:then\s+|also\s+|temporarily\s+)?", re.IGNORECASE)
_FORCE = {action: place for place, action in enumerate(Action)}


def merge_mentions(mentions: Sequence[Mention], text: str = "") -> list[Mention]:
    """Return the mentions of one document, each event once, in the order of the text.

    Two mentions tell one event when actor (or one is part of the other), action and service are the same, their scopes
    and dates don't differ, and not just one of them was rejected: the fullest stays, of equally full ones that with the
    better score. Two coordinated triggers ("banned and suspended", seen in `text`) with all else the same are one event
    of the more forceful action.
    """
    kept: list[Mention] = []
    for mention in sorted(mentions, key=_rank):
        if not any(_same_event(mention, other) or _one_measure(mention, other, text) for other in kept):
            kept.append(mention)
    return sorted(kept, key=_place)


def _rank(mention: Mention) -> tuple[int, int, float, int, int]:
    """The one that stays comes first: of one measure the more forceful action, then the fullest, then the likeliest."""
    fullness = sum(part is not None for part in (mention.actor, mention.scope, mention.date_value, mention.reason))
    return (_FORCE[mention.action], -fullness, -mention.score, mention.trigger.start, mention.service.start)


def _place(mention: Mention) -> tuple[int, int, int, int]:
    return (
        mention.trigger.start,
        mention.trigger.end,
        -1 if mention.actor is None else mention.actor.start,
        mention.service.start,
    )


def _same_event(one: Mention, other: Mention) -> bool:
    return (
        one.action is other.action
        and _same_parties(one, other)
        and _compatible_scopes(one, other)
        and _compatible_dates(one.date_value, other.date_value)
        and (one.status is Status.REJECTED) == (other.status is Status.REJECTED)
    )


def _one_measure(one: Mention, other: Mention, text: str) -> bool:
    if one.action is other.action or not {one.action, other.action} <= _ONE_MEASURE or one.status is not other.status:
        return False
    first, second = sorted((one.trigger, other.trigger), key=lambda quote: quote.start)
    return (
        _COORDINATED.fullmatch(text[first.end : second.start]) is not None
        and _same_parties(one, other)
        and one.scope == other.scope
        and one.date == other.date
    )


def _same_parties(one: Mention, other: Mention) -> bool:
    """Whether service and actor are the same; a body told once by itself and once by what it is part of is one."""
    if one.country != other.country or not same_service(one.service_canonical, other.service_canonical):
        return False
    if one.actor_canonical is None or other.actor_canonical is None:
        return one.actor_canonical is other.actor_canonical
    return (
        same_name(one.actor_canonical, other.actor_canonical, same_country=True)
        or part_of(one.actor_canonical, other.actor_canonical, same_country=True)
        or part_of(other.actor_canonical, one.actor_canonical, same_country=True)
    )


def _compatible_scopes(one: Mention, other: Mention) -> bool:
    """Whether scopes may be one: either unstated, half of their words (counted as F1) shared, or one in the other."""
    if one.scope is None or other.scope is None:
        return True
    left, right = set(fold(one.scope.text).text.split()), set(fold(other.scope.text).text.split())
    return left <= right or right <= left or 2 * len(left & right) >= 0.5 * (len(left) + len(right))


def _compatible_dates(one: str | None, other: str | None) -> bool:
    """Whether dates may be one: either unstated, or the vaguer one holds the other."""
    return one is None or other is None or one.startswith(other) or other.startswith(one)

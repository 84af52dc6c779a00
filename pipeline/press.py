"""Corrections by the press: what an article has changed or withdrawn of what it had stated."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

from pipeline.statements import Family, Statement
from pipeline.types import Mention, Status, Transition, TransitionKind
from pipeline.wording import count, date_words, status_words


def press_steps(statements: Sequence[Statement]) -> list[Transition]:
    """The corrections and retractions among the statements of an event, by the day on which we learned of them.

    A statement is corrected where the version of its article that drops it states the event otherwise, and retracted
    where it states it no more. What several articles correct in the same way on one day is one step.
    """
    if all(s.context.withdrawn_on is None for s in statements):
        return []
    by_article: dict[str, list[Statement]] = defaultdict(list)
    for s in sorted(statements, key=lambda s: s.mention_id):
        by_article[s.context.article_id].append(s)
    corrected: dict[tuple[date, str], list[Statement]] = defaultdict(list)
    retracted: dict[date, list[Statement]] = defaultdict(list)
    for some in by_article.values():
        for old in some:
            day = old.context.withdrawn_on
            if day is None:
                continue
            heirs = [s for s in some if _is_lift(s) == _is_lift(old) and _stands_on(s, day)]
            new = [s for s in heirs if s.context.learned_on == day and s.context.corrects in (None, old.mention_id)]
            new = [s for s in new if s.context.corrects is not None] or new
            if new:
                heir = min(new, key=lambda s: (len(_changes(old.context.mention, s.context.mention)), s.mention_id))
                changes = _changes(old.context.mention, heir.context.mention)
                if changes:
                    corrected[day, "; ".join(changes)].append(heir)
            elif not heirs:
                retracted[day].append(old)
    steps = [_corrected(day, what, some) for (day, what), some in corrected.items()]
    return steps + [_retracted(day, some) for day, some in retracted.items()]


def _is_lift(s: Statement) -> bool:
    return s.family is Family.LIFT


def _stands_on(s: Statement, day: date) -> bool:
    """Whether the article states it in the version that came on a day."""
    learned, withdrawn = s.context.learned_on, s.context.withdrawn_on
    return (learned is None or learned <= day) and (withdrawn is None or withdrawn > day)


def _corrected(day: date, what: str, heirs: Sequence[Statement]) -> Transition:
    heir = min(heirs, key=lambda s: (-s.context.mention.score, s.mention_id))
    mention = heir.context.mention
    reports = [s.context.published for s in heirs if s.context.published is not None]
    return Transition(
        mention.status,
        mention.action,
        None,
        min(reports, default=None),
        heir.mention_id,
        TransitionKind.CORRECTED,
        day,
        what,
    )


def _retracted(day: date, some: Sequence[Statement]) -> Transition:
    articles = len({s.context.article_id for s in some})
    old = min(some, key=lambda s: (-s.context.mention.score, s.mention_id))
    mention = old.context.mention
    what = count(articles, "article states it no longer", "articles state it no longer")
    return Transition(mention.status, mention.action, None, None, old.mention_id, TransitionKind.RETRACTED, day, what)


def _changes(old: Mention, new: Mention) -> list[str]:
    """What one mention says otherwise than another, as "date 4 February 2025 → 5 February 2025"."""
    pairs: Iterable[tuple[str, str | None, str | None]] = (
        ("action", old.action.value, new.action.value),
        ("status", _status(old.status), _status(new.status)),
        ("actor", old.actor_canonical, new.actor_canonical),
        ("country", old.country, new.country),
        ("scope", _scope(old), _scope(new)),
        ("date", _date(old), _date(new)),
        ("reasons", _reasons(old), _reasons(new)),
    )
    return [f"{name} {was or 'not stated'} → {now or 'not stated'}" for name, was, now in pairs if was != now]


def _status(status: Status) -> str:
    return status_words(status)


def _scope(mention: Mention) -> str | None:
    return None if mention.scope is None else mention.scope.text


def _date(mention: Mention) -> str | None:
    return None if mention.date_value is None else date_words(mention.date_value)


def _reasons(mention: Mention) -> str | None:
    return ", ".join(reason.value.replace("_", " ") for reason in mention.reason_classes) or None

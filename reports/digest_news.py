"""Which changes of events are news, what is new about each, and how late it is told.

Pure: decided over one change at a time. What a digest makes of the news is said in `reports.digest`.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from pipeline.subscriptions import is_sure
from pipeline.types import Action, Status, Transition, TransitionKind
from reports.digest import Age, News
from warehouse.dates import span
from warehouse.event_list import EventRow
from warehouse.news import Change
from warehouse.tables.changes import Kind

LATE = timedelta(days=14)
"""What happened so long before we learned of it is old news."""

REREAD = timedelta(days=1)
"""Words that were held so long before the last digest are no news: what is new is how they were read."""


def news_of(change: Change, since: datetime | None) -> News | None:
    """What is new about an event; None where a reader need not hear of it. `since` is when the last digest ended."""
    before, after = change.before, change.after
    if after is None:
        # What was merged lives on, and is told of there.
        told = before is not None and not (before.retracted or before.dismissed)
        return News.GONE if change.kind is Kind.REMOVED and told else None
    if before is None:
        return _of_new(change, after, since)
    if change.kind in _OF_KIND:
        return _OF_KIND[change.kind]
    if after.dismissed or after.retracted:
        return None
    if change.kind is Kind.ENDED:
        return News.STRUCK_DOWN if TransitionKind.STRUCK_DOWN in change.steps else News.LIFTED
    return _of_changed(change, before, after)


_OF_KIND = {
    Kind.RETRACTED: News.RETRACTED,
    Kind.REINSTATED: News.REINSTATED,
    Kind.DISMISSED: News.DISMISSED,
    Kind.RESTORED: News.RESTORED,
    Kind.REOPENED: News.REOPENED,
}
_OF_STATUS = {
    Status.PROPOSED: News.PROPOSED,
    Status.ANNOUNCED: News.ANNOUNCED,
    Status.IN_FORCE: News.IN_FORCE,
    Status.REJECTED: News.REJECTED,
}
_FURTHER = (Status.PROPOSED, Status.ANNOUNCED, Status.IN_FORCE)
_OF_STEP = (
    (TransitionKind.WIDENED, News.WIDENED),
    (TransitionKind.EXTENDED, News.EXTENDED),
    (TransitionKind.EASED, News.EASED),
    (TransitionKind.CORRECTED, News.CORRECTED),
)


def _of_new(change: Change, after: EventRow, since: datetime | None) -> News | None:
    if after.retracted or after.dismissed:
        return None
    # What parted from another was told with it, unless its words are new.
    if change.kind is Kind.SPLIT and _was_held(change, since):
        return None
    if after.status is Status.IN_FORCE:
        return News.LIFTED if after.action is Action.LIFT else News.NEW
    return _OF_STATUS[after.status]


def _of_changed(change: Change, before: EventRow, after: EventRow) -> News | None:
    if before.status is not after.status:
        if after.status is Status.REJECTED or before.status is Status.REJECTED:
            return _OF_STATUS[after.status]
        forward = _FURTHER.index(after.status) > _FURTHER.index(before.status)
        return _OF_STATUS[after.status] if forward else News.CORRECTED
    for kind, news in _OF_STEP:
        if kind in change.steps:
            return news
    if before.side is not after.side:
        return News.CORRECTED
    return News.CONFIRMED if is_sure(after) and not is_sure(before) else None


def _was_held(change: Change, since: datetime | None) -> bool:
    """Whether we had all words that brought the change long before the last digest: they were only read otherwise."""
    return since is not None and change.newest is not None and change.newest < (since - REREAD).date()


def age_of(change: Change, event: EventRow, step: Transition | None, since: datetime | None) -> Age | None:
    """Why an item is no news of today; None where it is, or where that can't be told."""
    if _was_held(change, since):
        return Age.REREAD
    learned, happened = event.learned_on, event.date_to or event.first_reported
    if step is not None:
        learned, happened = step.learned_on, span(step.date_value)[1] or step.reported_on
    if learned is None or happened is None:
        return None
    return Age.LATE if learned - happened > LATE else None


def step_of(news: News, steps: Iterable[Transition]) -> Transition | None:
    """The step that is the news: the last of its kind; None where the news is no step of an older event."""
    kind = _STEPS.get(news)
    return next((step for step in reversed(list(steps)) if step.kind is kind), None)


_STEPS = {
    News.IN_FORCE: TransitionKind.IN_FORCE,
    News.WIDENED: TransitionKind.WIDENED,
    News.EXTENDED: TransitionKind.EXTENDED,
    News.EASED: TransitionKind.EASED,
    News.LIFTED: TransitionKind.LIFTED,
    News.STRUCK_DOWN: TransitionKind.STRUCK_DOWN,
    News.REJECTED: TransitionKind.REJECTED,
    News.CORRECTED: TransitionKind.CORRECTED,
    News.RETRACTED: TransitionKind.RETRACTED,
}

"""What people had decided about an event by a day: for the history of what was known when."""

from dataclasses import replace
from datetime import date

from pipeline.chronicle import Decided
from pipeline.decision_types import DecisionKind
from pipeline.decisions import govern, in_force
from pipeline.rulings import Rulings
from pipeline.types import Event


def decided(event: Event, rulings: Rulings) -> list[Decided]:
    """Return the days on which something was decided about the machine's `event`, with what it made of the event."""
    held = frozenset(event.mention_ids)
    days = sorted({r.decision.decided_at.date() for r in rulings.reviews if r.mentions & held})
    return [(day, _Governed(event, until(rulings, day))) for day in days]


def until(rulings: Rulings, day: date) -> Rulings:
    """Return the rulings as they were at the end of a day: without what came later, and before it was taken back."""
    reviews = [r for r in rulings.reviews if r.decision.decided_at.date() <= day]
    standing = in_force(r.decision for r in reviews)
    known = tuple(replace(r, in_force=r.decision.id in standing) for r in reviews)
    holding = [r for r in known if r.in_force]
    verdicts = (DecisionKind.REJECT, DecisionKind.RESTORE)
    return replace(
        rulings,
        edits=tuple(r for r in holding if r.decision.kind is DecisionKind.EDIT),
        rejected=tuple(r for r in holding if r.decision.kind in verdicts),
        reviews=known,
    )


class _Governed:
    """Applies what was decided to a state of an event, which comes without its mentions."""

    def __init__(self, event: Event, rulings: Rulings) -> None:
        self._mention_ids = event.mention_ids
        self._rulings = rulings

    def __call__(self, state: Event) -> Event:
        governed = govern(replace(state, mention_ids=self._mention_ids), self._rulings)
        return replace(governed, mention_ids=(), why="")

"""The events that stand and, of restrictions, from when to when: what the spread of a week is made of."""

from datetime import date
from typing import NamedTuple

from pipeline.types import Action, ActorKind
from warehouse.reader import Reader


class Standing(NamedTuple):
    """An event that is neither retracted nor dismissed.

    `began` is the day from which on it counts as a restriction in force, None for what is none; `ended` the day on
    which it ended, None while it stands.
    """

    service: str
    country: str
    actor_kind: ActorKind | None
    action: Action
    score: float
    voices: int
    began: date | None
    ended: date | None


_KINDS = {None: None} | {kind.value: kind for kind in ActorKind}
_ACTIONS = {action.value: action for action in Action}


def standing_events(reader: Reader) -> list[Standing]:
    """All of them. A restriction of which nothing is dated, not even a report, has no days."""
    rows = reader.rows(
        """
        SELECT e.service_canonical, e.country, e.actor_kind, e.action, e.score, e.voices,
            CASE WHEN r.event_id IS NOT NULL THEN coalesce(r.date_to, r.first_reported, r.learned_on) END,
            CASE WHEN r.lifted THEN coalesce(r.ended_from, r.end_reported, r.date_to, r.first_reported, r.learned_on)
            END
        FROM events AS e LEFT JOIN restrictions AS r USING (event_id)
        WHERE NOT e.retracted AND NOT e.dismissed
        """
    )
    return [
        Standing(service, country, _KINDS[kind], _ACTIONS[action], score, voices, began, ended)
        for service, country, kind, action, score, voices, began, ended in rows
    ]

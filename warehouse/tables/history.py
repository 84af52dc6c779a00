"""Tables `event_history` and `transition_history`: what was known of events and of their steps when."""

from collections.abc import Iterator, Mapping

from pipeline.chronicle import Chronicle, Known, KnownStep
from pipeline.types import SIDE
from warehouse.database import Database
from warehouse.dates import span

EVENT_COLUMNS = (
    "event_id", "known_from", "known_to", "action", "side", "status", "country", "service_canonical",
    "actor_canonical", "actor_kind", "scope", "scope_class", "date_value", "date_from", "date_to", "lifted",
    "reason_classes", "first_reported", "last_reported", "stories", "articles", "voices", "score", "retracted",
    "dismissed",
)  # fmt: skip
TRANSITION_COLUMNS = (
    "event_id", "known_from", "known_to", "kind", "status", "action", "date_value", "date_from", "date_to",
    "reported_on", "learned_on", "mention_id", "detail",
)  # fmt: skip


def add(database: Database, chronicles: Mapping[str, Chronicle]) -> None:
    """Insert the chronicles of events, by their ids, that have none stored."""
    states = [tuple(_event_row(event_id, state)) for event_id, known in chronicles.items() for state in known.states]
    database.insert("event_history", EVENT_COLUMNS, states)
    steps = [tuple(_step_row(event_id, step)) for event_id, known in chronicles.items() for step in known.steps]
    database.insert("transition_history", TRANSITION_COLUMNS, steps)


def _event_row(event_id: str, state: Known) -> Iterator[object]:
    event = state.event
    yield from (event_id, state.since, state.until)
    yield from (event.action.value, SIDE[event.action].value, event.status.value)
    yield from (event.country, event.service_canonical, event.actor_canonical)
    yield None if event.actor_kind is None else event.actor_kind.value
    yield event.scope
    yield None if event.scope_class is None else event.scope_class.value
    yield event.date_value
    yield from span(event.date_value)
    yield event.lifted
    yield [reason.value for reason in event.reason_classes]
    yield from (event.first_reported, event.last_reported, event.stories, event.articles, event.voices, event.score)
    yield from (event.retracted, event.dismissed)


def _step_row(event_id: str, known: KnownStep) -> Iterator[object]:
    step = known.step
    yield from (event_id, known.since, known.until)
    yield from (step.kind.value, step.status.value, step.action.value, step.date_value)
    yield from span(step.date_value)
    yield from (step.reported_on, step.learned_on, step.mention_id, step.detail)

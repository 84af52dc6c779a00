"""Taking over decisions: rows, the mentions that they are about, and the events that they make otherwise."""

from collections.abc import Iterable

from pipeline.decision_types import Decision, DecisionKind
from pipeline.failpoints import hit
from warehouse import resolving
from warehouse.database import Database
from warehouse.tables import contexts, decisions


def decide(database: Database, run_id: str, decided: Iterable[Decision]) -> list[Decision]:
    """Store decisions and bring the events up to date, in one transaction. Returns those that were not stored before.

    The archive must have them already: see `pipeline.decision_archive`.
    """
    with database.transaction():
        new = decisions.add(database, decided)
        if not new:
            return []
        hit("decide.stored")
        changed = decisions.refresh(database, decisions.rulings(database))
        if _moves_mentions(database, new):
            touched = resolving.Touched()
            touched.add(contexts.places(database, changed))
            resolving.resolve(database, run_id, touched)
        else:
            resolving.remake(database, run_id, changed)
        hit("decide.resolved")
    hit("decide.committed")
    return new


def touched(database: Database, decision: Decision) -> list[tuple[str, str]]:
    """The blocks of the mentions that a stored decision is about, each with the month from which to fold it again."""
    found = resolving.Touched()
    mention_ids = database.execute("SELECT mention_id FROM decision_mentions WHERE decision_id = ?", [decision.id])
    found.add(contexts.places(database, [mention_id for (mention_id,) in mention_ids]))
    return sorted(found.since.items())


def _moves_mentions(database: Database, new: Iterable[Decision]) -> bool:
    """Whether any of these says which mentions are one event; the others say what an event tells."""
    kinds = {one.id: (one.kind, one.revokes) for one in decisions.all_(database.execute)}
    for one in new:
        kind, revokes = one.kind, one.revokes
        while revokes is not None and revokes in kinds:
            kind, revokes = kinds[revokes]
        if kind in (DecisionKind.SAME, DecisionKind.DIFFERENT):
            return True
    return False

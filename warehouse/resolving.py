"""Bringing the events up to date after mentions came, went or changed: only what these can reach is read and written.

The blocks that are touched are folded again from the month of the earliest change on (`pipeline.events.fold`); what
stood before that month is read only where the reports since then can reach it. Of the happenings that come out, those
whose statements are what they were keep their rows.
"""

import gc
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pipeline.batching import batches
from pipeline.decisions import applied_edits, govern
from pipeline.errors import WarehouseError
from pipeline.events import chronicle_of, event_of, fold
from pipeline.happenings import Happening, reach_of, standing_before
from pipeline.hindsight import decided
from pipeline.lineage import Lineage
from pipeline.rulings import AppliedEdit, Rulings, joined
from pipeline.statements import Family, Statement, read_statement
from pipeline.types import Event
from pipeline.unsure import UnsurePair
from warehouse.database import Database
from warehouse.tables import contexts, decisions, events, happenings, registries, runs

MENTIONS_AT_ONCE = 2000


@dataclass(slots=True)
class Touched:
    """What a batch has changed: blocks with the earliest month from which to fold them again, and mentions.

    `mentions` are the ids of those that are new, gone, or of which something beside their place has changed.
    """

    since: dict[str, str] = field(default_factory=dict)
    mentions: set[str] = field(default_factory=set)

    def add(self, places: Iterable[tuple[str, str, str]]) -> None:
        """Add mentions, each with its block and the month of its report."""
        for mention_id, block, month in places:
            self.mentions.add(mention_id)
            self.since[block] = min(month, self.since.get(block, month))


@dataclass(slots=True)
class Known:
    """Happenings in memory, all with all of their statements; None stands for one that is no more.

    `blocks` says to which block each belongs, `lineage` which bodies are registered.
    """

    happenings: dict[str, Happening | None] = field(default_factory=dict)
    blocks: dict[str, str] = field(default_factory=dict)
    lineage: Lineage | None = None

    def load(self, database: Database, happening_ids: Iterable[str]) -> None:
        """Read those that are not known from the warehouse, as they are stored."""
        for block, some in _stored(database, set(happening_ids) - self.happenings.keys(), self.lineage).items():
            for h in some:
                self.happenings[h.id] = h
                self.blocks[h.id] = block

    @property
    def living(self) -> list[Happening]:
        """Those that are."""
        return [h for _, h in sorted(self.happenings.items()) if h is not None]


def resolve(database: Database, run_id: str, touched: Touched) -> None:
    """Fold the touched blocks again and write what comes out otherwise than before.

    Call within a transaction, once the mentions are stored; `event_mentions` still tells where they were.
    """
    if not touched.since:
        return
    rulings = decisions.rulings(database)
    # Articles that were read anew may state in other words what a person has decided on.
    touched.add(contexts.places(database, decisions.refresh(database, rulings)))
    with _uncollected():
        known, unsure = _refold(database, touched, rulings, registries.lineage(database.execute))
        happenings.replace_unsure(database, touched.since, unsure)
        write(database, run_id, known, rulings)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no cycles among some hundred thousand objects that form none: it takes a quarter of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def remake(database: Database, run_id: str, mention_ids: Iterable[str]) -> None:
    """Make the events anew that hold some mentions, from the happenings as they are."""
    known = Known(lineage=registries.lineage(database.execute))
    known.load(database, happenings.of_mentions(database, mention_ids).values())
    write(database, run_id, known, decisions.rulings(database))


def recount(database: Database, source_ids: Collection[str]) -> None:
    """Make the events anew that articles of some sources state, for the last run."""
    if source_ids:
        mention_ids = contexts.of_sources(database, source_ids)
        last = database.execute("SELECT run_id FROM runs ORDER BY started_at DESC LIMIT 1")
        for some in batches(mention_ids, MENTIONS_AT_ONCE):
            remake(database, last[0][0] if last else "", some)


def _refold(database: Database, touched: Touched, rulings: Rulings, lineage: Lineage) -> tuple[Known, list[UnsurePair]]:
    """Fold. Returns the happenings whose statements are not what they were, and the open questions."""
    recent = contexts.since(database, touched.since)
    statements: dict[str, list[Statement]] = defaultdict(list)
    for _, block, context in recent.values():
        statements[block].append(read_statement(context, lineage))
    reaches = {
        block: [reach_of(month, [s for s in some if s.month == month]) for month in sorted({s.month for s in some})]
        for block, some in statements.items()
    }
    former_ids = {happening_id for happening_id, _, _ in recent.values() if happening_id is not None}
    # By what events were made of: a mention that has been taken out is in no statement any more.
    disturbed = set(happenings.of_mentions(database, touched.mentions).values())
    former_ids |= disturbed
    former_ids |= happenings.within(database, reaches, touched.since)
    former: dict[str, tuple[frozenset[str], str | None]] = {}
    stood: dict[str, list[Happening]] = defaultdict(list)
    for block, some in _stored(database, former_ids, lineage).items():
        former |= {h.id: (_ids(h), h.ends) for h in some}
        if block in touched.since:
            stood[block] = standing_before(some, touched.since[block])
    known = Known(lineage=lineage)
    unsure: list[UnsurePair] = []
    for happening_id in former_ids:
        known.happenings[happening_id] = None
    for block in sorted(touched.since):
        ids = {s.mention_id for s in statements[block]} | {s.mention_id for h in stood[block] for s in h.statements}
        apart = [pair for pair in rulings.apart if not (ids.isdisjoint(pair[0]) or ids.isdisjoint(pair[1]))]
        result = fold(block, statements[block], stood[block], apart)
        unsure += result.unsure
        for h in result.happenings:
            known.happenings[h.id] = h
            known.blocks[h.id] = block
    for happening_id, then in former.items():
        now = known.happenings[happening_id]
        if now is not None and (_ids(now), now.ends) == then and happening_id not in disturbed:
            del known.happenings[happening_id]
    return known, unsure


def _ids(happening: Happening) -> frozenset[str]:
    return frozenset(s.mention_id for s in happening.statements)


def _stored(database: Database, happening_ids: Collection[str], lineage: Lineage | None) -> dict[str, list[Happening]]:
    """Block → happenings, as they are stored, with all their statements."""
    if not happening_ids:
        return {}
    ends = happenings.ends(database, happening_ids)
    members: dict[tuple[str, str], list[Statement]] = defaultdict(list)
    for happening_id, block, context in contexts.of_happenings(database, happening_ids).values():
        assert happening_id is not None, "it was found by it"
        members[block, happening_id].append(read_statement(context, lineage))
    found: dict[str, list[Happening]] = defaultdict(list)
    for (block, happening_id), some in sorted(members.items()):
        found[block].append(assembled(happening_id, some, ends.get(happening_id)))
    return found


def assembled(happening_id: str, statements: Iterable[Statement], ends: str | None) -> Happening:
    """Make a happening of all of its statements."""
    some = list(statements)
    lifts = [s for s in some if s.family is Family.LIFT]
    told = [s for s in some if s.family is not Family.LIFT]
    if not told:
        return Happening(Family.LIFT, None, lifts, id=happening_id, ends=ends)
    return Happening(told[0].family, None, told, lifts, happening_id, ends)


def write(database: Database, run_id: str, known: Known, rulings: Rulings) -> None:
    """Write happenings, and the events that they make together with all that is tied to them.

    Tied are happenings that a ruling of a court struck down, or is, and those that a person has joined.
    """
    if not known.happenings:
        return
    rulings, former = _gather(database, known, rulings)
    group_of = {one: some[0] for some in joined({h.id: _ids(h) for h in known.living}, rulings) for one in some}
    made: dict[str, tuple[Event, str]] = {}
    parts: dict[str, tuple[Event, list[Happening], list[Statement]]] = {}
    placed: dict[str, str] = {}
    edits: list[AppliedEdit] = []
    current: list[tuple[Happening, str]] = []
    groups: dict[str, list[Happening]] = defaultdict(list)
    for h in known.living:
        groups[group_of[h.id]].append(h)
        placed |= {s.mention_id: h.id for s in h.statements}
    struck: dict[str, list[Statement]] = defaultdict(list)
    for h in known.living:
        if h.ends is not None:
            struck[h.ends] += h.told
    for some in groups.values():
        first = min(some, key=lambda h: (h.month, h.order))
        ended_by = [s for h in some for s in struck[h.id]]
        event = event_of(first.id, some, ended_by)
        parts[first.id] = event, some, ended_by
        made[first.id] = (govern(event, rulings), known.blocks[first.id])
        edits += applied_edits(event, rulings)
        current += [(h, first.id) for h in some]
    if len(placed) != sum(len(event.mention_ids) for event, _ in made.values()):
        raise WarehouseError("the events do not hold each of their mentions exactly once")
    old = events.of_ids(database, former | made.keys())
    change = events.compare(old, made, run_id, runs.order(database), placed)
    chronicles = {
        stored.event.id: chronicle_of(*parts[stored.event.id], decided(parts[stored.event.id][0], rulings))
        for stored in change.rewritten
    }
    events.apply(database, run_id, change, chronicles)
    happenings.replace(database, known.happenings, known.blocks, current)
    decisions.replace_edits(database, former | made.keys(), edits)


def _gather(database: Database, known: Known, rulings: Rulings) -> tuple[Rulings, set[str]]:
    """Load what must be made anew with the known happenings, and with what is loaded for them.

    That is what rulings of courts tie to them, what a person has joined with them, and what was one event with them and
    may be so no longer. Returns the people's rulings that concern any of these, and the events that they were.
    """
    count = -1
    while count < len(known.happenings):
        count = len(known.happenings)
        known.load(database, happenings.tied(database, known.happenings))
        known.load(database, [h.ends for h in known.living if h.ends is not None])
        concerning = rulings.touching({s.mention_id for h in known.living for s in h.statements})
        partners = {one for ids in concerning.together for one in ids}
        known.load(database, happenings.of_mentions(database, partners).values())
        former = set(happenings.events_of(database, known.happenings).values())
        known.load(database, happenings.of_events(database, former))
    return concerning, former

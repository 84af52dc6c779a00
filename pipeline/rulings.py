"""Decisions of people, with the mentions that they are about now; and which happenings they make one or keep apart."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.decision_types import Decision, DecisionKind
from pipeline.types import Event

Ids = frozenset[str]
"""Ids of mentions."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision with the mentions that its anchors stand for now.

    `in_force`: nobody has taken it back. `undone` is the decision that this one takes back, if it does.
    """

    decision: Decision
    one: frozenset[str]
    other: frozenset[str] = frozenset()
    in_force: bool = True
    undone: Decision | None = None

    @property
    def mentions(self) -> frozenset[str]:
        return self.one | self.other

    @property
    def lost(self) -> bool:
        """Whether it speaks of mentions of which there are none any more."""
        undoing = self.decision.kind is DecisionKind.UNDO
        return not undoing and (not self.one or (bool(self.decision.other) and not self.other))

    def is_about(self, event: Event) -> bool:
        """Whether an edit, a rejection or a restoration is about this event: it holds half of its mentions or more.

        Of two halves, it is the one with the mention whose id comes first.
        """
        held = self.one.intersection(event.mention_ids)
        return 2 * len(held) > len(self.one) or (2 * len(held) == len(self.one) > 0 and min(self.one) in held)


@dataclass(frozen=True, slots=True)
class Rulings:
    """All that people have decided about some mentions.

    `apart`: pairs of sets of mention ids; no mention of the one may share an event with one of the other.
    `together`: sets of mention ids whose happenings are one event, those decided last first.
    `edits`, and `rejected` with the restorations between, hold what is in force, the oldest first. `reviews` is the
    whole history, with what was taken back and the taking back. `overruled` are ids of decisions to which nothing is
    left: later ones say otherwise.
    """

    apart: tuple[tuple[frozenset[str], frozenset[str]], ...] = ()
    together: tuple[frozenset[str], ...] = ()
    edits: tuple[Ruling, ...] = ()
    rejected: tuple[Ruling, ...] = ()
    reviews: tuple[Ruling, ...] = ()
    overruled: frozenset[str] = frozenset()

    @property
    def lost(self) -> tuple[Ruling, ...]:
        """Rulings in force that find none of their mentions, or none of one side."""
        return tuple(ruling for ruling in self.reviews if ruling.in_force and ruling.lost)

    def touching(self, mention_ids: Collection[str]) -> "Rulings":
        """What concerns any of these mentions, with all the mentions that it concerns besides."""
        wanted = set(mention_ids)
        reached: set[str] = set()
        # What a person has joined is one: who asks for a part of it asks for all.
        while wanted - reached:
            reached |= wanted
            wanted = set().union(*(some for some in self.together if some & reached))
        return replace(
            self,
            apart=tuple((one, other) for one, other in self.apart if reached & one or reached & other),
            together=tuple(some for some in self.together if some & reached),
            edits=tuple(ruling for ruling in self.edits if ruling.mentions & reached),
            rejected=tuple(ruling for ruling in self.rejected if ruling.mentions & reached),
            reviews=tuple(ruling for ruling in self.reviews if ruling.mentions & reached),
        )


@dataclass(frozen=True, slots=True)
class AppliedEdit:
    """A field of an event that a person has set: the machine's value, the person's, and the decision that says so."""

    event_id: str
    field: str
    machine: str | None
    human: str | None
    decision: Decision


class _Groups:
    """Mentions that are one event by people's word, and marks of those that must not be.

    A mark is a decision and a side: who bears the one side's can't be joined to who bears the other's.
    """

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self._marks: dict[str, set[tuple[str, int]]] = defaultdict(set)
        self.members: dict[str, set[str]] = {}

    def root(self, mention_id: str) -> str:
        if mention_id not in self._parent:
            self._parent[mention_id] = mention_id
            self.members[mention_id] = {mention_id}
        root = mention_id
        while self._parent[root] != root:
            root = self._parent[root]
        while self._parent[mention_id] != root:
            self._parent[mention_id], mention_id = root, self._parent[mention_id]
        return root

    def mark(self, mention_ids: Iterable[str], decision_id: str, side: int) -> None:
        for mention_id in mention_ids:
            self._marks[self.root(mention_id)].add((decision_id, side))

    def marks(self, root: str) -> set[tuple[str, int]]:
        return self._marks[root]

    def join(self, one: str, other: str) -> bool:
        """Join the groups of two mentions. Returns whether they are one now; marks may forbid it."""
        kept, gone = self.root(one), self.root(other)
        if kept == gone:
            return True
        if any((decision_id, 1 - side) in self._marks[gone] for decision_id, side in self._marks[kept]):
            return False
        if len(self.members[kept]) < len(self.members[gone]):
            kept, gone = gone, kept
        self._parent[gone] = kept
        self.members[kept] |= self.members.pop(gone)
        self._marks[kept] |= self._marks.pop(gone, set())
        return True


def matched(rulings: Sequence[Ruling]) -> tuple[tuple[tuple[Ids, Ids], ...], tuple[Ids, ...], Ids]:
    """What `same` and `different` in force come to: `Rulings.apart`, `.together` and `.overruled`."""
    groups = _Groups()
    overruled: set[str] = set()
    parting: list[Ruling] = []
    joining: list[frozenset[str]] = []
    for ruling in sorted(rulings, key=lambda one: one.decision.order, reverse=True):
        if ruling.decision.kind is DecisionKind.DIFFERENT:
            parting.append(ruling)
            groups.mark(ruling.one, ruling.decision.id, 0)
            groups.mark(ruling.other, ruling.decision.id, 1)
            continue
        parts = _join_all(groups, [*sorted(ruling.one), *sorted(ruling.other)])
        joining += parts
        if not any(part & ruling.one and part & ruling.other for part in parts):
            overruled.add(ruling.decision.id)
    apart = []
    for ruling in parting:
        pairs = _pairs(groups, ruling.decision.id, ruling.mentions)
        apart += pairs
        if not pairs:
            overruled.add(ruling.decision.id)
    together = tuple(dict.fromkeys(frozenset(groups.members[groups.root(min(part))]) for part in joining))
    return tuple(dict.fromkeys(apart)), together, frozenset(overruled)


def _join_all(groups: _Groups, mention_ids: Sequence[str]) -> list[frozenset[str]]:
    """Join as many of these as may be joined, each to the first of those before it that it may join."""
    parts: list[list[str]] = []
    for mention_id in mention_ids:
        for part in parts:
            if groups.join(part[0], mention_id):
                part.append(mention_id)
                break
        else:
            groups.root(mention_id)
            parts.append([mention_id])
    return [frozenset(part) for part in parts if len(part) > 1]


def _pairs(
    groups: _Groups, decision_id: str, mention_ids: Iterable[str]
) -> list[tuple[frozenset[str], frozenset[str]]]:
    """What one `different` keeps apart, in whole groups; those that hold both of its sides are a side of their own."""
    sides: list[set[str]] = [set(), set()]
    mixed: list[set[str]] = []
    for root in sorted({groups.root(mention_id) for mention_id in mention_ids}):
        bears = [side for side in (0, 1) if (decision_id, side) in groups.marks(root)]
        if len(bears) == 1:
            sides[bears[0]] |= groups.members[root]
        else:
            mixed.append(groups.members[root])
    pairs = [(frozenset(sides[0]), frozenset(sides[1]))] if all(sides) else []
    rest = sides[0] | sides[1]
    for some in mixed:
        if rest:
            pairs.append((frozenset(some), frozenset(rest)))
        rest |= some
    return pairs


def joined(happenings: Mapping[str, Collection[str]], rulings: Rulings) -> list[tuple[str, ...]]:
    """Group happenings (id → its mentions) into events: sorted ids, groups by their first.

    Those that hold mentions of one set in `rulings.together` are one event, unless that would bring together what is
    apart: then the decisions made last are followed.
    """
    groups = _Groups()
    holder: dict[str, str] = {}
    for happening_id in sorted(happenings):
        groups.root(happening_id)
        holder |= dict.fromkeys(happenings[happening_id], happening_id)
    for number, (one, other) in enumerate(rulings.apart):
        sides = [{holder[mention_id] for mention_id in side if mention_id in holder} for side in (one, other)]
        # Where a happening holds both sides after all, that can't be mended here, and it parts nothing else.
        for side, some in enumerate(sides):
            groups.mark(some - sides[1 - side], str(number), side)
    for one in rulings.together:
        _join_all(groups, sorted({holder[mention_id] for mention_id in one if mention_id in holder}))
    return sorted(tuple(sorted(some)) for some in groups.members.values())

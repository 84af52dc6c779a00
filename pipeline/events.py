"""Which mentions tell one happening: mentions in, events out, as a function of the set of mentions.

A block (one service, and the country or companies that act) is folded month by month of publication. In each month the
new statements are grouped, together with what stood before and is within their reach (`pipeline.happenings.Reach`), by
these rules:

* Named actors first. Statements are split by body (`pipeline.names`) and by family of action, and grouped by the points
  of `pipeline.matching`, by average link under vetoes (`pipeline.clusters`). Two bodies never share a happening: a
  ministry is not its government, a state not its country.
* A lift parts what was before it from what comes after: a new ban after a lift is a new happening. A mention without a
  date belongs before the lift when it was reported until `ECHO_DAYS` after it, or beside it in one article or story.
* Then what lacks the deciding fact is taken in by the one happening that it can mean, and by none where it could mean
  two: a mention without an actor joins that of a body that acts for the whole country, with the same action and near
  dates; a mention without a date, of a kindred action, joins the one dated happening of its body.
* Last, a lift goes to the restriction that it ends, if its actor imposed it, or if no actor is named and one
  restriction alone of that country can be meant. Any other lift – by a court, of something never told – is a happening
  of its own; a court's says which restriction it struck down.

What stands is never split, and no two that stand are merged. So what later months bring leaves earlier decisions as
they are, a batch needs only the months from its earliest report on, and the order in which articles arrive does not
matter: those that arrive late are folded where they belong. An event is a happening, or several that a person has
joined.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from pipeline.adoption import adopt_undated, adopt_unnamed
from pipeline.chronicle import Chronicle, Decided, chronicle
from pipeline.clusters import Apart, cluster
from pipeline.consensus import agree
from pipeline.happenings import Happening, name_happenings, reach_of, representative, time_order
from pipeline.lifts import attach_lifts, parted_by
from pipeline.lineage import Lineage
from pipeline.names import BodyName, group_names
from pipeline.statements import Family, Statement, block_key, read_statement
from pipeline.times import Bools
from pipeline.types import Event, MentionContext
from pipeline.unsure import UnsurePair, unsure_pairs

__all__ = ["Fold", "block_key", "fold", "resolve"]

Place = tuple[BodyName | None, str | None, str]
"""Whose statements are compared with each other: a body, or a country and the sort of body that acts there."""

Pairs = Sequence[tuple[frozenset[str], frozenset[str]]]
"""Pairs of sets of mention ids that a person has told apart."""


@dataclass(frozen=True, slots=True)
class Fold:
    """What folding some months of a block gives: all happenings, and open questions."""

    happenings: list[Happening]
    unsure: list[UnsurePair]


def resolve(contexts: Sequence[MentionContext], lineage: Lineage | None = None) -> list[Event]:
    """Make events of all mentions of one or more blocks, each mention in exactly one event.

    The result depends on the set of mentions only: not on their order, on mentions of other blocks, or on the day.
    Events come sorted by block, then by their first day. `lineage` knows the registered bodies.
    """
    blocks: dict[str, dict[str, MentionContext]] = defaultdict(dict)
    for context in sorted(contexts, key=_full_order):
        blocks[block_key(context.mention)].setdefault(context.mention.id, context)
    return [
        event
        for key in sorted(blocks)
        for event in events_of(fold(key, [read_statement(one, lineage) for one in blocks[key].values()]).happenings)
    ]


def events_of(happenings: Sequence[Happening]) -> list[Event]:
    """Make an event of each happening of a block, in order of time."""
    struck: dict[str, list[Statement]] = defaultdict(list)
    for h in happenings:
        if h.ends is not None:
            struck[h.ends] += h.told
    return [event_of(h.id, [h], struck[h.id]) for h in sorted(happenings, key=lambda h: h.order)]


def event_of(event_id: str, happenings: Sequence[Happening], struck: Sequence[Statement] = ()) -> Event:
    """Make an event of the happenings that are one; of several, those that only tell of a lift tell of its end.

    `struck` are the statements of the rulings that struck it down.
    """
    return agree(event_id, *_told_and_lifts(happenings), sorted(struck, key=time_order))


def chronicle_of(
    event: Event, happenings: Sequence[Happening], struck: Sequence[Statement], decided: Sequence[Decided] = ()
) -> Chronicle:
    """Tell what was known of an event when; `decided` is what people made of it on which days."""
    return chronicle(event.id, *_told_and_lifts(happenings), sorted(struck, key=time_order), decided)


def _told_and_lifts(happenings: Sequence[Happening]) -> tuple[list[Statement], list[Statement]]:
    told = [s for h in happenings if h.family is not Family.LIFT for s in h.told]
    lifts = [s for h in happenings for s in (h.told if h.family is Family.LIFT else h.lifts)]
    told.sort(key=time_order)
    lifts.sort(key=time_order)
    return (told, lifts) if told else (lifts, [])


def _full_order(context: MentionContext) -> tuple[str, str]:
    # Two records of one mention may differ outside its id; which of them counts must not depend on their order.
    return context.mention.id, repr(context)


def fold(
    block: str, statements: Iterable[Statement], standing: Sequence[Happening] = (), told_apart: Pairs = ()
) -> Fold:
    """Fold the statements of a block, from their earliest month on, into what stood before that month.

    `standing` must hold all happenings within reach of the statements, with their statements of earlier months only;
    what is out of reach may be there or not. Statements of each pair in `told_apart` never share a happening.
    """
    state = {h.id: h for h in standing}
    unsure: list[UnsurePair] = []
    ordered = sorted(statements, key=lambda s: (s.month, s.mention_id))
    for month, some in groupby(ordered, key=lambda s: s.month):
        new = list(some)
        reach = reach_of(month, new)
        # Where two are as near, the choice must not depend on which of them was read from where.
        near = sorted((h for h in state.values() if reach.holds(h)), key=lambda h: h.id)
        sizes = {h.id: len(h.statements) for h in near}
        found = _step(new, near, told_apart)
        founded = [h for h in found if not h.stands]
        for h in found:
            h.told.sort(key=time_order)
            h.lifts.sort(key=time_order)
            h.body = representative(h.told)
        name_happenings(block, month, founded)
        for h in founded:
            h.ends, h.struck = None if h.struck is None else h.struck.id, None
        grown = [h for h in found if len(h.statements) != sizes.get(h.id, 0)]
        # A lift that stood and has found its restriction is gone: the restriction has taken its id.
        state |= {h.id: h for h in found}
        unsure += unsure_pairs(block, month, grown, found)
    return Fold(list(state.values()), unsure)


def _step(new: Sequence[Statement], standing: Sequence[Happening], told_apart: Pairs) -> list[Happening]:
    """Group one month's statements of a block with what stood before."""
    by_hand = _by_hand(told_apart)
    told, held = _placed(new, standing)
    happenings: list[Happening] = []
    lifts: dict[Place, list[Happening]] = {}
    for place in held.keys() | told.keys():
        lifts[place] = _lifts(place, told[place].pop(Family.LIFT, []), held[place], by_hand)
    for place in sorted(held.keys() | told.keys(), key=_place_order):
        body, country, _ = place
        ends = lifts[place] + ([] if body is None else [
            lift for (other, where, _), some in lifts.items() if other is None for lift in some if where == country
        ])  # fmt: skip
        for family in Family:
            if family is Family.LIFT:
                continue
            old = [h for h in held[place] if h.family is family]
            some = told[place].get(family, [])
            apart = parted_by(ends) if family is Family.RESTRICT else None
            found = [*old, *_grouped(family, place, some, _both(apart, by_hand), old)]
            happenings += found if body is None else adopt_undated(found, _both(apart, by_hand))
    happenings = adopt_unnamed(happenings)
    # Lifts that have gone to their restrictions are told of there.
    own = [lift for some in lifts.values() for lift in some if lift.owner is None]
    return attach_lifts(own, happenings)


def _lifts(place: Place, new: Sequence[Statement], held: Sequence[Happening], by_hand: Apart | None) -> list[Happening]:
    """Group the lifts of one place: those that stand alone, those that restrictions have, and new ones.

    A lift that a restriction has is returned for what it parts, with the restriction as `owner`; what newly tells of
    it goes to the restriction at once.
    """
    alone = [h for h in held if h.family is Family.LIFT]
    owners = [h for h in held if h.lifts]
    attached = [Happening(Family.LIFT, h.body, list(h.lifts), id=h.id, owner=h) for h in owners]
    known = [*alone, *attached]
    made = _grouped(Family.LIFT, place, new, by_hand, known)
    for one in attached:
        assert one.owner is not None, "it was made with it"
        one.owner.lifts = list(one.told)
    return [*known, *made]


def _grouped(
    family: Family, place: Place, some: Sequence[Statement], apart: Apart | None, standing: Sequence[Happening]
) -> list[Happening]:
    """Group statements; those that tell what stands are added to it. Returns the happenings that are new."""
    made = []
    for happening, group in cluster(some, apart, standing) if some else []:
        if happening is None:
            made.append(Happening(family, place[0], group))
        else:
            happening.told += group
    return made


def _placed(
    new: Sequence[Statement], standing: Sequence[Happening]
) -> tuple[dict[Place, dict[Family, list[Statement]]], dict[Place, list[Happening]]]:
    """Say for each statement, and for each happening that stands, where it is compared."""
    names = [s.body for s in new if s.body is not None and not s.is_unknown]
    named = group_names([*names, *(h.body for h in standing if h.body is not None)])
    told: dict[Place, dict[Family, list[Statement]]] = defaultdict(lambda: defaultdict(list))
    held: dict[Place, list[Happening]] = defaultdict(list)
    for s in new:
        if s.is_unknown or s.body is None:
            place: Place = (None, s.country, "" if s.body is None else s.body.key)
        else:
            place = (named[s.body], named[s.body].country, "")
        told[place][s.family].append(s)
    for h in standing:
        if h.body is None:
            sort = next((s.body.key for s in h.told if s.body is not None), "")
            held[None, h.country, sort].append(h)
        else:
            h.body = named[h.body]
            held[h.body, h.body.country, ""].append(h)
    return told, held


def _place_order(place: Place) -> tuple[bool, str, str, str]:
    body, country, sort = place
    return body is None, country or "", "" if body is None else body.key, sort


def _by_hand(told_apart: Pairs) -> Apart | None:
    """Return what keeps apart what a person has told apart."""
    if not told_apart:
        return None

    def apart(rows: Sequence[Statement], columns: Sequence[Statement]) -> Bools:
        found = np.zeros((len(rows), len(columns)), dtype=np.bool_)
        for one, other in told_apart:
            for left, right in ((one, other), (other, one)):
                found |= np.outer([s.mention_id in left for s in rows], [s.mention_id in right for s in columns])
        return found

    return apart


def _both(one: Apart | None, other: Apart | None) -> Apart | None:
    if one is None or other is None:
        return one or other
    first, second = one, other
    return lambda rows, columns: np.asarray(first(rows, columns) | second(rows, columns))

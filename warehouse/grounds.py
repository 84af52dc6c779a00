"""Why each mention of an event is there: what ties it to the nearest other one, by the features of the resolver."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.batching import batches
from pipeline.matching import Comparison, Verdict
from pipeline.statements import Statement

AT_MOST = 400
"""Statements compared with each other; of a larger event the later ones are compared with these."""

_VETO = 1000.0


@dataclass(frozen=True, slots=True)
class Ground:
    """What ties a mention to its event: the nearest other mention of it, by its id, and the features, in words."""

    nearest: str
    words: str


def grounds(
    told: Sequence[Statement],
    lifts: Sequence[Statement],
    placed: Mapping[str, str | None],
    wanted: Collection[str] | None = None,
) -> dict[str, Ground]:
    """Mention id → what ties it to its event; not for the first of `told`.

    `placed` says in which happening the machine has placed each mention: only a person makes one event of several.
    Where not all are `wanted`, others may be without.
    """
    found = _by_happening(told, placed, wanted)
    ends = _by_happening(lifts, placed, wanted)
    found |= {one: replace(why, words=f"tells of its end; {why.words}") for one, why in ends.items()}
    if told and lifts:
        first = lifts[0]
        host = next((s for s in told if s.body == first.body), told[0])
        found[first.mention_id] = Ground(host.mention_id, f"tells of its end{_by_whom(host, first)}")
    return found


def _by_happening(
    statements: Sequence[Statement], placed: Mapping[str, str | None], wanted: Collection[str] | None
) -> dict[str, Ground]:
    happenings: dict[str | None, list[Statement]] = {}
    for s in statements:
        happenings.setdefault(placed.get(s.mention_id), []).append(s)
    found: dict[str, Ground] = {}
    for some in happenings.values():
        found |= _nearest(some, wanted)
        if some[0] is not statements[0]:
            found[some[0].mention_id] = Ground(statements[0].mention_id, "a person has said that they are one event")
    return found


def _nearest(statements: Sequence[Statement], wanted: Collection[str] | None) -> dict[str, Ground]:
    columns = statements[:AT_MOST]
    # The first has none before it to be tied to.
    asked = [i for i, s in enumerate(statements) if i and (wanted is None or s.mention_id in wanted)]
    found = {}
    for places in batches(asked, AT_MOST):
        comparison = Comparison([statements[i] for i in places], columns)
        points = np.where(comparison.vetoes, comparison.points - _VETO, comparison.points)
        for row, own in enumerate(places):
            if own < len(columns):
                points[row, own] = -np.inf
            j = int(np.argmax(points[row]))
            judgement = comparison.judgement(row, j)
            words = judgement.words.partition(": ")[2]
            if judgement.verdict is not Verdict.SAME:
                words += "; too little for a pair, enough with the rest"
            found[statements[own].mention_id] = Ground(columns[j].mention_id, words)
    return found


def _by_whom(told: Statement, lift: Statement) -> str:
    if lift.is_unknown:
        return ", by nobody named; it can mean this event alone"
    return ", by the same actor" if told.body == lift.body else ""

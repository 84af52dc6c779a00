"""Why each mention of an event is there: what ties it to the nearest other one, by the features of the resolver."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

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
    told: Sequence[Statement], lifts: Sequence[Statement], placed: Mapping[str, str | None]
) -> dict[str, Ground]:
    """Mention id → what ties it to its event; not for the first of `told`.

    `placed` says in which happening the machine has placed each mention: only a person makes one event of several.
    """
    found = _by_happening(told, placed)
    ends = _by_happening(lifts, placed)
    found |= {one: replace(why, words=f"tells of its end; {why.words}") for one, why in ends.items()}
    if told and lifts:
        first = lifts[0]
        host = next((s for s in told if s.body == first.body), told[0])
        found[first.mention_id] = Ground(host.mention_id, f"tells of its end{_by_whom(host, first)}")
    return found


def _by_happening(statements: Sequence[Statement], placed: Mapping[str, str | None]) -> dict[str, Ground]:
    happenings: dict[str | None, list[Statement]] = {}
    for s in statements:
        happenings.setdefault(placed.get(s.mention_id), []).append(s)
    found: dict[str, Ground] = {}
    for some in happenings.values():
        found |= _nearest(some)
        if some[0] is not statements[0]:
            found[some[0].mention_id] = Ground(statements[0].mention_id, "a person has said that they are one event")
    return found


def _nearest(statements: Sequence[Statement]) -> dict[str, Ground]:
    columns = statements[:AT_MOST]
    found = {}
    for begin in range(0, len(statements) if len(statements) > 1 else 0, AT_MOST):
        rows = statements[begin : begin + AT_MOST]
        comparison = Comparison(rows, columns)
        points = np.where(comparison.vetoes, comparison.points - _VETO, comparison.points)
        for i, s in enumerate(rows):
            own = begin + i
            if own == 0:
                continue
            if own < len(columns):
                points[i, own] = -np.inf
            j = int(np.argmax(points[i]))
            judgement = comparison.judgement(i, j)
            words = judgement.words.partition(": ")[2]
            if judgement.verdict is not Verdict.SAME:
                words += "; too little for a pair, enough with the rest"
            found[s.mention_id] = Ground(columns[j].mention_id, words)
    return found


def _by_whom(told: Statement, lift: Statement) -> str:
    if lift.is_unknown:
        return ", by nobody named; it can mean this event alone"
    return ", by the same actor" if told.body == lift.body else ""

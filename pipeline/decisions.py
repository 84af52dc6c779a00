"""What people's decisions mean for the mentions that are known: which happenings are one, and what events say.

The machine proposes, a person decides, and the decision holds for ever, whatever is read anew or rebuilt:

* Anchors are found again among the mentions (`_found`): the very mention; in each further version of its article the
  one that makes the same claim; if there is neither, the one there with the same service and words of the trigger.
* Decisions that a later one takes back do not count, unless that one has been taken back itself.
* Of `same` and `different`, the later is heard first. An earlier one holds as far as it contradicts none that was
  heard, mention by mention: two events that were joined stay joined when one article is taken out later.
* Of edits of one field, and of rejecting and restoring, the latest holds. They follow the event that holds at least
  half of their mentions, so that an edit goes nowhere else when a part of the event is taken out.

All of this depends on the set of decisions and the set of mentions only, not on any order.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from pipeline.decision_edits import edited, value_of
from pipeline.decision_types import Anchor, Decision, DecisionKind, Known, Told
from pipeline.rulings import AppliedEdit, Ruling, Rulings, joined, matched
from pipeline.statements import service_key
from pipeline.types import Event, Transition, TransitionKind

__all__ = [
    "Anchor",
    "AppliedEdit",
    "Decision",
    "DecisionKind",
    "Known",
    "Ruling",
    "Rulings",
    "applied_edits",
    "govern",
    "in_force",
    "joined",
    "rule",
]


def in_force(decisions: Iterable[Told]) -> set[str]:
    """The ids of the decisions that nobody has taken back, those that take back among them."""
    undoing: dict[str, list[str]] = defaultdict(list)
    by_id = {decision.id: decision for decision in decisions}
    for decision_id, decision in by_id.items():
        if decision.revokes is not None:
            undoing[decision.revokes].append(decision_id)
    # A decision's id is made from its content: none can name one that names it, and so there is an end to it.
    holds: dict[str, bool] = {}
    for first in sorted(by_id):
        stack = [first]
        while stack:
            waiting = [one for one in undoing[stack[-1]] if one not in holds]
            if waiting:
                stack += waiting
            else:
                at = stack.pop()
                holds[at] = not any(holds[one] for one in undoing[at])
    return {decision_id for decision_id in by_id if holds[decision_id]}


def rule(decisions: Iterable[Decision], mentions: Iterable[Known]) -> Rulings:
    """Say what `decisions` mean for `mentions`, which must hold all those of the articles that anchors name."""
    by_id = {decision.id: decision for decision in decisions}
    standing = in_force(by_id.values())
    articles: dict[str, list[Known]] = defaultdict(list)
    for known in sorted(set(mentions), key=lambda one: (one.version, one.start, one.mention_id)):
        articles[known.article_id].append(known)
    found = {
        decision_id: _sides(decision, articles)
        for decision_id, decision in by_id.items()
        if decision.kind is not DecisionKind.UNDO
    }
    reviews = []
    for decision in sorted(by_id.values(), key=lambda one: one.order):
        one, other = found.get(_origin(decision, by_id), (frozenset(), frozenset()))
        undone = by_id.get(decision.revokes or "")
        reviews.append(Ruling(decision, one, other, decision.id in standing, undone))
    live = [ruling for ruling in reviews if ruling.in_force]
    pairs = [r for r in live if r.decision.kind in (DecisionKind.SAME, DecisionKind.DIFFERENT) and not r.lost]
    apart, together, overruled = matched(pairs)
    return Rulings(
        apart,
        together,
        tuple(r for r in live if r.decision.kind is DecisionKind.EDIT and r.one),
        tuple(r for r in live if r.decision.kind in (DecisionKind.REJECT, DecisionKind.RESTORE) and r.one),
        tuple(reviews),
        overruled,
    )


def _origin(decision: Decision, by_id: Mapping[str, Decision]) -> str:
    """The id of the decision with anchors about which an undoing, maybe of an undoing, is in the end."""
    while decision.revokes is not None and decision.revokes in by_id:
        decision = by_id[decision.revokes]
    return decision.id


def _sides(decision: Decision, articles: Mapping[str, Sequence[Known]]) -> tuple[frozenset[str], frozenset[str]]:
    """The mentions that each side stands for. One that both sides mean is that of the side that means it better."""
    ranks: list[dict[str, int]] = [{}, {}]
    for side, anchors in zip(ranks, (decision.one, decision.other), strict=True):
        for anchor in anchors:
            for mention_id, rank in _found(anchor, articles.get(anchor.article_id, ())):
                side[mention_id] = min(rank, side.get(mention_id, rank))
    never = 9
    one, other = (
        frozenset(mention_id for mention_id, rank in mine.items() if rank < theirs.get(mention_id, never))
        for mine, theirs in ((ranks[0], ranks[1]), (ranks[1], ranks[0]))
    )
    return one, other


def _found(anchor: Anchor, mentions: Sequence[Known]) -> list[tuple[str, int]]:
    """The mentions of its article that an anchor stands for, one a version, each with how it was found.

    0: it is the very mention; 1: it makes the same claim; 2: it shares service and words of the trigger. The last
    counts only where nothing better is found in any version.
    """
    exact = {one.version: one.mention_id for one in mentions if one.mention_id == anchor.mention_id}
    wanted = _words(anchor.trigger)
    alike: dict[int, tuple[tuple[bool, float], str]] = {}
    nearly: dict[int, tuple[tuple[bool, float], str]] = {}
    for known in mentions:
        if known.version in exact or service_key(known.service) != service_key(anchor.service):
            continue
        shared = _likeness(wanted, _words(known.trigger))
        rank = (known.date == anchor.date, shared)
        if _claim(known) == _claim(anchor):
            _keep_best(alike, known, rank)
        elif shared > 0:
            _keep_best(nearly, known, rank)
    found = [(mention_id, 0) for mention_id in exact.values()] + [(mention_id, 1) for _, mention_id in alike.values()]
    return found or [(mention_id, 2) for _, mention_id in nearly.values()]


def _keep_best(best: dict[int, tuple[tuple[bool, float], str]], known: Known, rank: tuple[bool, float]) -> None:
    # Mentions come by place: of equals, the first one stays.
    if known.version not in best or rank > best[known.version][0]:
        best[known.version] = (rank, known.mention_id)


def _claim(said: Known | Anchor) -> tuple[str, str, str]:
    return said.action, " ".join((said.actor or "").casefold().split()), " ".join((said.scope or "").casefold().split())


def _words(trigger: str) -> frozenset[str]:
    return frozenset(service_key(trigger).split())


def _likeness(one: Collection[str], other: Collection[str]) -> float:
    either = len(set(one) | set(other))
    return len(set(one) & set(other)) / either if either else 0.0


def govern(event: Event, rulings: Rulings) -> Event:
    """The event as people's decisions have it: edited, dismissed or restored, each decision a `reviewed` step.

    `event` is the machine's, its mention ids those of all its happenings.
    """
    edits = applied_edits(event, rulings)
    verdicts = [ruling.decision.kind for ruling in rulings.rejected if ruling.is_about(event)]
    dismissed = bool(verdicts) and verdicts[-1] is DecisionKind.REJECT
    governed = replace(
        edited(event, {edit.field: edit.human for edit in edits}),
        dismissed=dismissed,
        why=" ".join([event.why, *_reasons(event, rulings)]).strip(),
    )
    steps = _reviews(governed, event, rulings)
    return replace(governed, transitions=governed.transitions + steps)


def _reasons(event: Event, rulings: Rulings) -> list[str]:
    """What people have to do with it that these mentions are one event, in plain words."""
    held = frozenset(event.mention_ids)
    said = []
    for ruling in rulings.reviews:
        decision = ruling.decision
        if not ruling.in_force or decision.id in rulings.overruled or not ruling.mentions & held:
            continue
        if decision.kind is DecisionKind.SAME and ruling.one & held and ruling.other & held:
            said.append(f"{decision.author} has said that they are one: {_sentence(decision.reason)}")
        elif decision.kind is DecisionKind.DIFFERENT:
            said.append(f"{decision.author} has told them from another event: {_sentence(decision.reason)}")
    return said


def _sentence(words: str) -> str:
    return words if words.endswith((".", "!", "?")) else f"{words}."


def applied_edits(event: Event, rulings: Rulings) -> tuple[AppliedEdit, ...]:
    """The fields of the machine's `event` that people have set, in the order in which they were set last."""
    latest: dict[str, Ruling] = {}
    for ruling in rulings.edits:
        if ruling.is_about(event) and ruling.decision.field is not None:
            latest.pop(ruling.decision.field, None)
            latest[ruling.decision.field] = ruling
    return tuple(
        AppliedEdit(event.id, field, value_of(event, field), ruling.decision.value, ruling.decision)
        for field, ruling in latest.items()
    )


def _reviews(governed: Event, event: Event, rulings: Rulings) -> tuple[Transition, ...]:
    """A step for each time that a person has decided something about the event, the first one first.

    It changes nothing in the event's course: it repeats the status and action of the step before it.
    """
    acts: dict[tuple[str, str, date], list[str]] = {}
    evidence: dict[tuple[str, str, date], str] = {}
    for ruling in rulings.reviews:
        concerned = ruling.mentions.intersection(event.mention_ids)
        if concerned and (ruling.other or ruling.is_about(event)):
            decision = ruling.decision
            act = (decision.author, decision.reason, decision.decided_at.date())
            acts.setdefault(act, []).append(_said(decision, ruling.undone, event))
            evidence.setdefault(act, min(concerned))
    last = governed.transitions[-1] if governed.transitions else governed
    return tuple(
        Transition(
            last.status,
            last.action,
            None,
            None,
            evidence[author, reason, day],
            TransitionKind.REVIEWED,
            day,
            f"{'; '.join(dict.fromkeys(said))} – {author}: {reason}",
        )
        for (author, reason, day), said in acts.items()
    )


def _said(decision: Decision, undone: Decision | None, event: Event) -> str:
    """What a decision says, in a few words; of an edit, also what the machine's `event` has."""
    match decision.kind:
        case DecisionKind.SAME:
            return "held to be one event with another"
        case DecisionKind.DIFFERENT:
            return "held apart from another event"
        case DecisionKind.EDIT:
            machine = value_of(event, decision.field or "")
            read = "as the articles have it" if machine == decision.value else f"read as {machine or 'not stated'}"
            return f"{decision.field} set to {decision.value or 'not stated'} ({read})"
        case DecisionKind.REJECT:
            return "rejected: no restriction event"
        case DecisionKind.RESTORE:
            return "confirmed as a restriction event"
        case DecisionKind.UNDO:
            return f"taken back: {decision.revokes if undone is None else _said(undone, None, event)}"

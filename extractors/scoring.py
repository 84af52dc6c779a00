"""The measure of an extractor: predicted events against gold ones, as the annotation guidelines define it.

Strict: action, actor and service agree. Lenient: the actor's country and the service agree and the actions stand on the
same side. Each gold event matches once. An optional gold event is neither missed nor wrong. Rates come with a 95 %
bootstrap interval over passages. `clampdown eval` shows all this (`extractors.evaluation`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from extractors.folding import fold
from extractors.names import part_of, same_name, same_service
from extractors.rates import COLUMN, COUNTS, Rate, rates_of
from pipeline.errors import InputError
from pipeline.types import SIDE, Action


@dataclass(frozen=True, slots=True)
class Scored:
    """The fields of an event that are compared."""

    action: str
    service: str
    actor: str | None
    country: str
    status: str
    date_value: str | None
    scope: str | None
    reasons: frozenset[str]
    optional: bool
    trigger: str
    score: float | None = None
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fault:
    """A gold event that was missed, a predicted one that is spurious, or a pair that differs in one key field.

    `kind`: "missed", "spurious", "action", "actor" or "service".
    """

    id: str
    kind: str
    gold: Scored | None
    predicted: Scored | None


@dataclass(frozen=True, slots=True)
class Report:
    """All rates by name ("strict_f1", "lenient_recall", "status", "full_record" …), counts, and every fault."""

    passages: int
    gold: int
    optional: int
    predicted: int
    rates: Mapping[str, Rate]
    counts: Mapping[str, int]
    faults: tuple[Fault, ...]

    def __getitem__(self, name: str) -> float:
        """Return a rate's value, 0.0 where there was nothing to count."""
        return self.rates[name].value or 0.0


def score(gold: Iterable[Mapping[str, Any]], predicted: Iterable[Mapping[str, Any]]) -> Report:
    """Score predicted passages against gold ones; a gold passage without a prediction counts as predicted empty.

    Raises InputError for an unknown or repeated id or an event that lacks action or service.
    """
    golds, guesses = _paired(gold, predicted)
    counts = np.zeros((len(golds), len(COUNTS)), dtype=np.int64)
    faults: list[Fault] = []
    for row, (passage, wanted) in enumerate(golds.items()):
        found = guesses.get(passage, [])
        counts[row] = _count(wanted, found)
        faults.extend(_faults(passage, wanted, found))
    total = counts.sum(axis=0)
    return Report(
        passages=len(golds),
        gold=sum(not event.optional for events in golds.values() for event in events),
        optional=sum(event.optional for events in golds.values() for event in events),
        predicted=sum(len(events) for events in guesses.values()),
        rates=rates_of(counts),
        counts={name: int(total[column]) for name, column in COLUMN.items()},
        faults=tuple(faults),
    )


def counts_by_passage(
    gold: Iterable[Mapping[str, Any]], predicted: Iterable[Mapping[str, Any]]
) -> dict[str, list[int]]:
    """Return each passage's counts (matches, faults and right fields), as `difference` compares them."""
    golds, guesses = _paired(gold, predicted)
    return {passage: _count(wanted, guesses.get(passage, [])) for passage, wanted in golds.items()}


def same_actor(gold: Scored, predicted: Scored, named: Iterable[str]) -> bool:
    """Whether two events have the same actor; `named` holds every actor that the gold of the passage names."""
    if gold.actor is None or predicted.actor is None:
        return gold.actor is None and predicted.actor is None
    same_country = gold.country == predicted.country
    if same_name(gold.actor, predicted.actor, same_country=same_country):
        return True
    if not part_of(gold.actor, predicted.actor, same_country=same_country):
        return False
    return not any(
        same_name(predicted.actor, other, same_country=True)
        for other in named
        if not same_name(gold.actor, other, same_country=True)
    )


def strict(gold: Scored, predicted: Scored, named: Iterable[str]) -> bool:
    """Whether action, actor and service agree."""
    return (
        gold.action == predicted.action
        and same_service(gold.service, predicted.service)
        and same_actor(gold, predicted, named)
    )


def lenient(gold: Scored, predicted: Scored) -> bool:
    """Whether country and service agree and the actions stand on one side."""
    return (
        gold.country == predicted.country
        and SIDE[Action(gold.action)] == SIDE[Action(predicted.action)]
        and same_service(gold.service, predicted.service)
    )


def same_date(gold: str | None, predicted: str | None) -> bool:
    """Whether the dates are equal at the gold's precision; none is right only for none."""
    if gold is None or predicted is None:
        return gold is None and predicted is None
    return predicted[: len(gold)] == gold


def same_scope(gold: str | None, predicted: str | None) -> bool:
    """Whether the words of two scopes overlap with F1 ≥ 0.5; none is right only for none."""
    if gold is None or predicted is None:
        return gold is None and predicted is None
    left, right = fold(gold).text.split(), fold(predicted).text.split()
    shared = sum(min(left.count(word), right.count(word)) for word in set(left))
    return bool(left or right) and 2 * shared / (len(left) + len(right)) >= 0.5


def verdicts(gold: Sequence[Scored], predicted: Sequence[Scored]) -> list[tuple[Scored, bool, dict[str, bool]]]:
    """Judge each predicted event that no optional gold event takes up: is it right, and which of its fields are.

    Fields can be told of an event that matches strictly, and of one that differs from a gold event in one key field.
    """
    named = _named(gold)
    pairs, absorbed = match(gold, predicted, lambda g, p: strict(g, p, named))
    partner = {found: wanted for wanted, found in pairs}
    free = [i for i, event in enumerate(gold) if i not in partner.values() and not event.optional]
    judged = []
    for number, event in enumerate(predicted):
        fields: dict[str, bool] = {}
        if number in partner:
            fields = {"action": True, "actor": True, "service": True, **_right(gold[partner[number]], event)}
        elif number in absorbed:
            continue
        else:
            wrong = next(filter(None, (_difference(gold[i], event, named) for i in free)), None)
            if wrong is not None:
                fields = {name: name != wrong for name in ("action", "actor", "service")}
        judged.append((event, number in partner, fields))
    return judged


def _count(gold: Sequence[Scored], predicted: Sequence[Scored]) -> list[int]:
    """Return one passage's counts, in the order of `COUNTS`."""
    counts = dict.fromkeys(COUNTS, 0)
    named = _named(gold)
    for label, fits in (("strict", lambda g, p: strict(g, p, named)), ("lenient", lenient)):
        pairs, absorbed = match(gold, predicted, fits)
        counts[f"{label}_tp"] = len(pairs)
        counts[f"{label}_fn"] = sum(not event.optional for event in gold) - len(pairs)
        counts[f"{label}_fp"] = len(predicted) - len(pairs) - len(absorbed)
        if label == "strict":
            for wanted, found in pairs:
                for name, value in _fields(gold[wanted], predicted[found]).items():
                    counts[name] += value
    return [counts[name] for name in COUNTS]


def _right(gold: Scored, predicted: Scored) -> dict[str, bool]:
    return {
        "status": gold.status == predicted.status,
        "country": gold.country == predicted.country,
        "date": same_date(gold.date_value, predicted.date_value),
        "scope": same_scope(gold.scope, predicted.scope),
        "reason": gold.reasons == predicted.reasons,
    }


def _fields(gold: Scored, predicted: Scored) -> dict[str, int]:
    right = _right(gold, predicted)
    return {
        **{name: int(value) for name, value in right.items() if name != "reason"},
        "full": int(all(right.values())),
        "reason_tp": len(gold.reasons & predicted.reasons),
        "reason_fp": len(predicted.reasons - gold.reasons),
        "reason_fn": len(gold.reasons - predicted.reasons),
    }


def match(
    gold: Sequence[Scored], predicted: Sequence[Scored], fits: Callable[[Scored, Scored], bool]
) -> tuple[list[tuple[int, int]], list[int]]:
    """Pair gold with predicted events one to one: as many required ones as can be, alike ones preferred.

    Returns (gold, predicted) index pairs of required gold, and the predictions that optional gold takes up.
    """
    options = {
        wanted: sorted(
            (found for found, guess in enumerate(predicted) if fits(event, guess)),
            key=lambda found: -sum(_fields(event, predicted[found]).values()),
        )
        for wanted, event in enumerate(gold)
    }
    holder: dict[int, int] = {}

    def place(wanted: int, seen: set[int]) -> bool:
        for found in options[wanted]:
            if found not in seen:
                seen.add(found)
                if found not in holder or place(holder[found], seen):
                    holder[found] = wanted
                    return True
        return False

    required = [wanted for wanted, event in enumerate(gold) if not event.optional]
    # The likeliest partner first: among maximum matchings this settles on pairs that agree in more fields.
    required.sort(
        key=lambda wanted: -max((sum(_fields(gold[wanted], predicted[f]).values()) for f in options[wanted]), default=0)
    )
    for wanted in required:
        place(wanted, set())
    pairs = [(wanted, found) for found, wanted in holder.items()]
    for wanted, event in enumerate(gold):
        if event.optional:
            place(wanted, {found for _, found in pairs})
    taken = {found for _, found in pairs}
    return sorted(pairs), sorted(found for found in holder if found not in taken)


def _faults(passage: str, gold: Sequence[Scored], predicted: Sequence[Scored]) -> list[Fault]:
    """Explain what strict matching left over: pairs that differ in one key field first, then the rest."""
    named = _named(gold)
    pairs, absorbed = match(gold, predicted, lambda g, p: strict(g, p, named))
    matched = {wanted for wanted, _ in pairs}
    missed = [i for i, event in enumerate(gold) if i not in matched and not event.optional]
    used = {found for _, found in pairs} | set(absorbed)
    spurious = [i for i in range(len(predicted)) if i not in used]
    faults: list[Fault] = []
    for wanted in list(missed):
        for found in list(spurious):
            kind = _difference(gold[wanted], predicted[found], named)
            if kind is not None:
                faults.append(Fault(passage, kind, gold[wanted], predicted[found]))
                missed.remove(wanted)
                spurious.remove(found)
                break
    faults.extend(Fault(passage, "missed", gold[wanted], None) for wanted in missed)
    faults.extend(Fault(passage, "spurious", None, predicted[found]) for found in spurious)
    return faults


def _difference(gold: Scored, predicted: Scored, named: Sequence[str]) -> str | None:
    """Return the one key field in which two events differ, or None where it is not one."""
    differ = {
        "action": gold.action != predicted.action,
        "actor": not same_actor(gold, predicted, named),
        "service": not same_service(gold.service, predicted.service),
    }
    wrong = [name for name, value in differ.items() if value]
    return wrong[0] if len(wrong) == 1 else None


def _named(gold: Sequence[Scored]) -> list[str]:
    return sorted({event.actor for event in gold if event.actor is not None})


def _paired(
    gold: Iterable[Mapping[str, Any]], predicted: Iterable[Mapping[str, Any]]
) -> tuple[dict[str, list[Scored]], dict[str, list[Scored]]]:
    golds, guesses = read_scored(gold, "gold"), read_scored(predicted, "predicted")
    if unknown := sorted(guesses.keys() - golds.keys()):
        raise InputError(f"predictions for a passage that the gold does not hold: {unknown[0]}")
    return golds, guesses


def read_scored(passages: Iterable[Mapping[str, Any]], role: str) -> dict[str, list[Scored]]:
    """Read passages' events by id. `role` ("gold", "predicted") is what an InputError calls them."""
    read: dict[str, list[Scored]] = {}
    for passage in passages:
        try:
            name, events = str(passage["id"]), passage["events"]
            parsed = [_event(event) for event in events]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"a {role} passage is malformed ({passage.get('id', 'no id')}): {error!r}") from error
        if name in read:
            raise InputError(f"the {role} holds passage {name} twice")
        read[name] = parsed
    return read


def _event(event: Mapping[str, Any]) -> Scored:
    return Scored(
        action=Action(event["action"]).value,
        service=str(event["service_canonical"]),
        actor=event.get("actor_canonical"),
        country=event.get("country") or "XX",
        status=str(event.get("status")),
        date_value=event.get("date_value"),
        scope=event.get("scope"),
        reasons=frozenset(event.get("reason_classes") or ()),
        optional=bool(event.get("optional")),
        trigger=str(event.get("trigger", "")),
        score=event.get("score"),
        scores=event.get("scores") or {},
    )

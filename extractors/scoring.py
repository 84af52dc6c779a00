"""The measure of an extractor: predicted events against gold ones, as the annotation guidelines define it.

`python -m extractors.scoring GOLD.jsonl PREDICTED.jsonl [--json] [--errors N]` reads lines `{"id", "events": [...]}` of
both and prints precision, recall and F1, strict and lenient, and the accuracy of the fields over strict matches, each
with a 95 % bootstrap interval over passages.

Strict: action, actor and service agree. Lenient: the actor's country and the service agree and the actions stand on the
same side. Each gold event matches once. An optional gold event is neither missed nor wrong.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from extractors.folding import fold
from extractors.names import part_of, same_name, same_service
from pipeline.errors import InputError
from pipeline.types import SIDE, Action

REPLICATES = 1000
SEED = 20250101
_COUNTS = [
    "strict_tp",
    "strict_fp",
    "strict_fn",
    "lenient_tp",
    "lenient_fp",
    "lenient_fn",
    "status",
    "country",
    "date",
    "scope",
    "full",
    "reason_tp",
    "reason_fp",
    "reason_fn",
]
_COLUMN = {name: index for index, name in enumerate(_COUNTS)}


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


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate with its 95 % interval; None where nothing was there to be counted."""

    value: float | None
    low: float | None
    high: float | None


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
    golds, guesses = _read(gold, "gold"), _read(predicted, "predicted")
    if unknown := sorted(guesses.keys() - golds.keys()):
        raise InputError(f"predictions for a passage that the gold does not hold: {unknown[0]}")
    counts = np.zeros((len(golds), len(_COUNTS)), dtype=np.int64)
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
        rates=_rates(counts),
        counts={name: int(total[column]) for name, column in _COLUMN.items()},
        faults=tuple(faults),
    )


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


def render(report: Report, errors: int = 0) -> str:
    """Return the report as plain text, with up to `errors` faults."""
    lines = [
        f"{report.passages} passages, {report.gold} gold events and {report.optional} optional ones, "
        f"{report.predicted} predicted"
    ]
    for name, rate in report.rates.items():
        shown = "    –" if rate.value is None else f"{rate.value:.3f}  [{rate.low:.3f}, {rate.high:.3f}]"
        lines.append(f"  {name:<18}{shown}")
    kinds = [fault.kind for fault in report.faults]
    lines.append("  faults: " + ", ".join(f"{kind} {kinds.count(kind)}" for kind in sorted(set(kinds))))
    lines.extend(_line(fault) for fault in report.faults[:errors])
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m extractors.scoring", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("gold", type=Path)
    parser.add_argument("predicted", type=Path)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--errors", type=int, default=0, metavar="N", help="list up to N faults")
    parser.add_argument("--split", help="score only the gold lines of this split")
    options = parser.parse_args(arguments)
    try:
        gold = _lines(options.gold)
        if options.split is not None:
            gold = [line for line in gold if line.get("split") == options.split]
        wanted = {line.get("id") for line in gold}
        predicted = _lines(options.predicted)
        if options.split is not None:
            predicted = [line for line in predicted if line.get("id") in wanted]
        report = score(gold, predicted)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    if options.json:
        print(json.dumps(_as_json(report, options.errors), ensure_ascii=False))
    else:
        print(render(report, options.errors))
    return 0


def _count(gold: Sequence[Scored], predicted: Sequence[Scored]) -> list[int]:
    """Return one passage's counts, in the order of `_COUNTS`."""
    counts = dict.fromkeys(_COUNTS, 0)
    named = _named(gold)
    for label, fits in (("strict", lambda g, p: strict(g, p, named)), ("lenient", lenient)):
        pairs, absorbed = _match(gold, predicted, fits)
        counts[f"{label}_tp"] = len(pairs)
        counts[f"{label}_fn"] = sum(not event.optional for event in gold) - len(pairs)
        counts[f"{label}_fp"] = len(predicted) - len(pairs) - len(absorbed)
        if label == "strict":
            for wanted, found in pairs:
                for name, value in _fields(gold[wanted], predicted[found]).items():
                    counts[name] += value
    return [counts[name] for name in _COUNTS]


def _fields(gold: Scored, predicted: Scored) -> dict[str, int]:
    right = {
        "status": gold.status == predicted.status,
        "country": gold.country == predicted.country,
        "date": same_date(gold.date_value, predicted.date_value),
        "scope": same_scope(gold.scope, predicted.scope),
    }
    return {
        **right,
        "full": all(right.values()) and gold.reasons == predicted.reasons,
        "reason_tp": len(gold.reasons & predicted.reasons),
        "reason_fp": len(predicted.reasons - gold.reasons),
        "reason_fn": len(gold.reasons - predicted.reasons),
    }


def _match(
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
    pairs, absorbed = _match(gold, predicted, lambda g, p: strict(g, p, named))
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


def _rates(counts: np.ndarray[Any, np.dtype[np.int64]]) -> dict[str, Rate]:
    generator = np.random.default_rng(SEED)
    rows = len(counts)
    drawn = generator.multinomial(rows, np.full(rows, 1 / rows), size=REPLICATES) if rows else np.zeros((0, 0), int)
    samples = np.vstack([counts.sum(axis=0), drawn @ counts]) if rows else np.zeros((1, len(_COUNTS)), int)
    rates: dict[str, Rate] = {}
    for label in ("strict", "lenient"):
        tp, fp, fn = (_column(samples, f"{label}_{part}") for part in ("tp", "fp", "fn"))
        rates[f"{label}_precision"] = _rate(tp, tp + fp)
        rates[f"{label}_recall"] = _rate(tp, tp + fn)
        rates[f"{label}_f1"] = _rate(2 * tp, 2 * tp + fp + fn)
    matches = _column(samples, "strict_tp")
    for name, column in (("status", "status"), ("country", "country"), ("date_value", "date"), ("scope", "scope")):
        rates[name] = _rate(_column(samples, column), matches)
    tp, fp, fn = (_column(samples, f"reason_{part}") for part in ("tp", "fp", "fn"))
    rates["reason_classes_f1"] = _rate(2 * tp, 2 * tp + fp + fn)
    rates["full_record"] = _rate(_column(samples, "full"), matches)
    return rates


def _column(samples: np.ndarray[Any, np.dtype[np.int64]], name: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    column: np.ndarray[Any, np.dtype[np.int64]] = samples[:, _COLUMN[name]]
    return column


def _rate(right: np.ndarray[Any, np.dtype[np.int64]], of: np.ndarray[Any, np.dtype[np.int64]]) -> Rate:
    """The first element is the value itself, the others are bootstrap replicates."""
    if not of[0]:
        return Rate(None, None, None)
    values = right[of > 0] / of[of > 0]
    low, high = np.percentile(values[1:], [2.5, 97.5]) if len(values) > 1 else (values[0], values[0])
    return Rate(float(values[0]), float(low), float(high))


def _read(passages: Iterable[Mapping[str, Any]], role: str) -> dict[str, list[Scored]]:
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
    )


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} can't be read: {error}") from error
    parsed = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                parsed.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise InputError(f"{path}, line {number} is no JSON: {error}") from error
    return parsed


def _line(fault: Fault) -> str:
    def shown(event: Scored | None) -> str:
        if event is None:
            return "–"
        return f"{event.actor} {event.action} {event.service} ({event.country}, {event.status}; “{event.trigger}”)"

    return f"  {fault.id} {fault.kind}: {shown(fault.gold)}  ≠  {shown(fault.predicted)}"


def _as_json(report: Report, errors: int) -> dict[str, Any]:
    def event(found: Scored | None) -> dict[str, Any] | None:
        return None if found is None else {**asdict(found), "reasons": sorted(found.reasons)}

    return {
        "passages": report.passages,
        "gold": report.gold,
        "optional": report.optional,
        "predicted": report.predicted,
        "rates": {name: asdict(rate) for name, rate in report.rates.items()},
        "counts": dict(report.counts),
        "faults": [
            {"id": fault.id, "kind": fault.kind, "gold": event(fault.gold), "predicted": event(fault.predicted)}
            for fault in report.faults[:errors]
        ],
    }


if __name__ == "__main__":
    sys.exit(main())

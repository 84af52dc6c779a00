"""What `clampdown eval` tells: rates overall and by corpus, action and status, how far scores can be trusted, faults.

Gold is JSON Lines of the annotation format: {"id", "text", "published", "corpus", "split", "events": [...]}. A line may
name a "file" beside it in place of its text. Matching and counting are those of `extractors.scoring`.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from extractors.scoring import Fault, Report, Scored, read_scored, score, verdicts
from pipeline.errors import InputError
from pipeline.types import Action, Document, Status

BINS = 10
FIELDS = ("action", "actor", "service", "status", "scope", "date", "reason")
CONTEXT = 90  # characters shown on either side of a fault's trigger


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far a probability can be believed over `count` predictions.

    `error` is the expected calibration error: predictions are sorted into ten bins of equal size, and the distance
    between their mean probability and their share of right ones is averaged. None where nothing was predicted.
    """

    count: int
    mean: float | None
    right: float | None
    error: float | None


@dataclass(frozen=True, slots=True)
class Share:
    """One action or status: strict matches, spurious and missed events of that class."""

    matched: int
    spurious: int
    missed: int

    @property
    def f1(self) -> float | None:
        total = 2 * self.matched + self.spurious + self.missed
        return 2 * self.matched / total if total else None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that is told of one set of predictions."""

    overall: Report
    corpora: Mapping[str, Report]
    actions: Mapping[str, Share]
    statuses: Mapping[str, Share]
    calibration: Mapping[str, Calibration]
    empty: int
    """Gold passages without any event …"""
    empty_hit: int
    """… and how many of them got one."""

    def faults(self, kind: str | None = None) -> list[Fault]:
        """Return the faults of one kind, or all."""
        return [fault for fault in self.overall.faults if kind is None or fault.kind == kind]


def read_gold(path: Path, split: str | None = None) -> list[dict[str, Any]]:
    """Read annotated passages, those of one split if it is named. Raises InputError that names file and line."""
    passages = []
    for number, line in read_lines(path):
        if split is not None and line.get("split") != split:
            continue
        if "id" not in line or not isinstance(line.get("events"), list):
            raise InputError(f"{path}, line {number}: an annotated passage has an “id” and a list “events”")
        if "text" not in line and "file" in line:
            beside = path.parent / str(line["file"])
            try:
                line = line | {"text": beside.read_text("utf-8").rstrip()}
            except (OSError, UnicodeDecodeError) as error:
                raise InputError(f"{path}, line {number}: {beside} can't be read: {error}") from None
        passages.append(line)
    if not passages:
        wanted = "" if split is None else f" of the split “{split}”"
        raise InputError(f"{path} holds no annotated passage{wanted}")
    return passages


def read_lines(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """Read a JSON Lines file of objects with their line numbers. Raises InputError."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} can't be read: {error}") from None
    parsed = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                value = json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(f"{path}, line {number} is no JSON: {error}") from None
            if not isinstance(value, dict):
                raise InputError(f"{path}, line {number} is no JSON object")
            parsed.append((number, value))
    return parsed


def documents(gold: Iterable[Mapping[str, Any]]) -> list[Document]:
    """Return what an extractor is given of annotated passages. Raises InputError where a text or date is not one."""
    found = []
    for passage in gold:
        published = passage.get("published")
        try:
            day = date.fromisoformat(published) if published else None
        except (TypeError, ValueError):
            raise InputError(f"passage {passage['id']}: “{published}” is no date (YYYY-MM-DD)") from None
        if not isinstance(passage.get("text"), str):
            raise InputError(
                f"passage {passage['id']} has no text to extract from",
                hint="Name a file of predictions with --predictions, or gold with texts",
            )
        found.append(Document(str(passage["id"]), passage["text"], day))
    return found


def evaluate(gold: Sequence[Mapping[str, Any]], predicted: Sequence[Mapping[str, Any]]) -> Evaluation:
    """Score predicted passages {"id", "events"} against gold ones, in all respects. Raises InputError."""
    overall = score(gold, predicted)
    golds, guesses = read_scored(gold, "gold"), read_scored(predicted, "predicted")
    by_corpus: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for passage in gold:
        by_corpus[str(passage.get("corpus") or "unnamed")].append(passage)
    told = {str(passage["id"]): passage for passage in predicted}
    corpora = {
        name: score(passages, [told[str(p["id"])] for p in passages if str(p["id"]) in told])
        for name, passages in sorted(by_corpus.items())
    }
    judged = [verdict for name, events in golds.items() for verdict in verdicts(events, guesses.get(name, []))]
    bare = [name for name, events in golds.items() if not events]
    return Evaluation(
        overall=overall,
        corpora=corpora if len(corpora) > 1 else {},
        actions=_shares(golds, overall, judged, "action", [str(action) for action in Action]),
        statuses=_shares(golds, overall, judged, "status", [str(status) for status in Status]),
        calibration=_calibrations(judged),
        empty=len(bare),
        empty_hit=sum(bool(guesses.get(name)) for name in bare),
    )


def calibration(probabilities: Sequence[float], right: Sequence[bool]) -> Calibration:
    """Compare probabilities with what came true."""
    if not probabilities:
        return Calibration(0, None, None, None)
    order = np.argsort(np.asarray(probabilities), kind="stable")
    said, true = np.asarray(probabilities)[order], np.asarray(right, float)[order]
    groups = np.array_split(np.arange(len(said)), min(BINS, len(said)))
    error = sum(len(group) * abs(said[group].mean() - true[group].mean()) for group in groups) / len(said)
    return Calibration(len(said), float(said.mean()), float(true.mean()), float(error))


def _calibrations(judged: Sequence[tuple[Scored, bool, Mapping[str, bool]]]) -> dict[str, Calibration]:
    found = {}
    scored = [(event.score, right) for event, right, _ in judged if event.score is not None]
    if scored:
        found["event"] = calibration([said for said, _ in scored], [right for _, right in scored])
    for name in FIELDS:
        pairs = [(e.scores[name], fields[name]) for e, _, fields in judged if name in fields and name in e.scores]
        if pairs:
            found[name] = calibration([said for said, _ in pairs], [right for _, right in pairs])
    return found


def _shares(
    golds: Mapping[str, Sequence[Scored]],
    overall: Report,
    judged: Sequence[tuple[Scored, bool, Mapping[str, bool]]],
    name: str,
    classes: Sequence[str],
) -> dict[str, Share]:
    """Count by the gold's class what was matched and missed, by the prediction's what is spurious."""
    wanted = Counter(getattr(event, name) for events in golds.values() for event in events if not event.optional)
    missed = Counter(getattr(fault.gold, name) for fault in overall.faults if fault.gold is not None)
    spurious = Counter(getattr(event, name) for event, right, _ in judged if not right)
    shares = {kind: Share(wanted[kind] - missed[kind], spurious[kind], missed[kind]) for kind in classes}
    return {kind: share for kind, share in shares.items() if share.f1 is not None}


def excerpt(text: str, trigger: str) -> tuple[str, str, str]:
    """Return the words before a trigger, the trigger as it stands, and the words after it, on one line."""
    at = text.find(trigger) if trigger else -1
    if at < 0:
        return _flat(text[: 2 * CONTEXT]), "", ""
    end = at + len(trigger)
    before, after = text[max(0, at - CONTEXT) : at], text[end : end + CONTEXT]
    return _flat(before), _flat(text[at:end]), _flat(after)


def _flat(text: str) -> str:
    return " ".join(text.split())


def as_json(found: Evaluation, texts: Mapping[str, str], errors: int | None = None) -> dict[str, Any]:
    """Return everything as plain values; `errors` caps the faults listed."""
    return {
        **_report(found.overall),
        "empty_passages": found.empty,
        "empty_passages_with_an_event": found.empty_hit,
        "corpora": {name: _report(report) for name, report in found.corpora.items()},
        "actions": {name: asdict(share) | {"f1": share.f1} for name, share in found.actions.items()},
        "statuses": {name: asdict(share) | {"f1": share.f1} for name, share in found.statuses.items()},
        "calibration": {name: asdict(value) for name, value in found.calibration.items()},
        "faults": [_fault(fault, texts.get(fault.id, "")) for fault in found.overall.faults[:errors]],
    }


def _report(report: Report) -> dict[str, Any]:
    return {
        "passages": report.passages,
        "gold": report.gold,
        "optional": report.optional,
        "predicted": report.predicted,
        "rates": {name: asdict(rate) for name, rate in report.rates.items()},
        "counts": dict(report.counts),
    }


def _fault(fault: Fault, text: str) -> dict[str, Any]:
    def plain(event: Scored | None) -> dict[str, Any] | None:
        return None if event is None else asdict(event) | {"reasons": sorted(event.reasons)}

    event = fault.gold or fault.predicted
    trigger = "" if event is None else event.trigger
    return {
        "id": fault.id,
        "kind": fault.kind,
        "gold": plain(fault.gold),
        "predicted": plain(fault.predicted),
        "text": " ".join(filter(None, excerpt(text, trigger))),
    }

"""How good a model is, and how its logits become one probability. Needs no torch.

`python -m extractors.training.evaluate [--folder DIR]` prints what the bundled model reaches, end to end, on the
held-out passages and on the seeds.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors import scoring
from extractors.decode import ACTIONS, EVIDENCE, RawMention, Thresholds, event_score, logit_of
from extractors.encoder import Tagger
from extractors.evaluation import FIELDS
from extractors.extractor import ClampdownExtractor, passage_record
from extractors.training.data import Passage, load_split, own_passages, read_seeds, shared_folder
from extractors.training.unseen import with_unseen_names
from pipeline.types import Document

ENOUGH = 40  # judged fields that a calibration is fitted on; with fewer the raw probability stays
CUTS = np.arange(0.06, 0.61, 0.03).round(2).tolist()


@dataclass(frozen=True)
class Score:
    """Precision, recall and F1 of events, in per cent."""

    precision: float
    recall: float
    f1: float

    def __str__(self) -> str:
        return f"P {self.precision:.1f} R {self.recall:.1f} F1 {self.f1:.1f}"


def predict(tagger: Tagger, passages: Sequence[Passage]) -> list[list[RawMention]]:
    """Run a tagger over passages."""
    return tagger.tag([document(passage) for passage in passages])


def document(passage: Passage) -> Document:
    """Return what an extractor is given of a passage."""
    return Document(passage.id, passage.text, date.fromisoformat(passage.published) if passage.published else None)


class _Replay:
    """A tagger that repeats what was tagged before, so that one pass serves many thresholds."""

    revision = "replay"

    def __init__(self, told: dict[str, list[RawMention]]) -> None:
        self._told = told

    def tag(self, documents: Sequence[Document]) -> list[list[RawMention]]:
        return [self._told[document.id] for document in documents]


def end_to_end(
    passages: Sequence[Passage], predictions: Sequence[Sequence[RawMention]], least: float
) -> scoring.Report:
    """Normalise and merge the mentions that score at least `least`, and compare the events with the annotation."""
    gold = [{"id": passage.id, "events": passage.raw} for passage in passages]
    return scoring.score(gold, extracted(passages, predictions, least))


def extracted(
    passages: Sequence[Passage], predictions: Sequence[Sequence[RawMention]], least: float
) -> list[dict[str, Any]]:
    """Return the public records of what is left of predictions after normalising, merging and cutting at `least`."""
    told = {passage.id: list(mentions) for passage, mentions in zip(passages, predictions, strict=True)}
    found = ClampdownExtractor(_Replay(told), least).extract([document(passage) for passage in passages])
    return [passage_record(passage.id, mentions) for passage, mentions in zip(passages, found, strict=True)]


def score(passages: Sequence[Passage], predictions: Sequence[Sequence[RawMention]], least: float = 0.0) -> Score:
    """Score mentions of at least `least` against the annotation, by their words (see `matches`)."""
    right = predicted = wanted = 0
    for passage, mentions in zip(passages, predictions, strict=True):
        kept = [mention for mention in mentions if mention.score >= least]
        judged = matches(passage, kept)
        right += sum(j == 1 for j in judged)
        predicted += sum(j >= 0 for j in judged)
        wanted += sum(not event.optional for event in passage.events)
    precision, recall = right / max(predicted, 1), right / max(wanted, 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return Score(100 * precision, 100 * recall, 100 * f1)


def matches(passage: Passage, mentions: Sequence[RawMention]) -> list[int]:
    """Judge each mention: 1 right, 0 wrong, -1 matches an optional event.

    A proxy of the strict matching: action equal; actor and service share their words with the quote or the canonical
    name, one being part of the other. No registry is needed, so it serves to pick checkpoints.
    """
    gold = sorted(zip(passage.events, passage.raw, strict=False), key=lambda pair: pair[0].optional)
    used: set[int] = set()
    judged = []
    for mention in mentions:
        verdict = 0
        for number, (event, raw) in enumerate(gold):
            if number not in used and _agrees(mention, event.action, raw):
                used.add(number)
                verdict = -1 if event.optional else 1
                break
        judged.append(verdict)
    return judged


def _agrees(mention: RawMention, action: int, raw: dict[str, Any]) -> bool:
    if ACTIONS.index(mention.action) != action:
        return False
    service = _same(mention.service.text, raw["service"]) or _same(mention.service.text, raw["service_canonical"])
    if mention.actor is None or raw["actor"] is None:
        return service and mention.actor is None and raw["actor"] is None
    return service and (
        _same(mention.actor.text, raw["actor"]) or _same(mention.actor.text, raw["actor_canonical"] or "")
    )


def _same(one: str, other: str) -> bool:
    a, b = (" ".join(text.casefold().replace("’", "'").split()) for text in (one, other))
    return bool(a and b) and (a in b or b in a)


def calibrated(
    thresholds: Thresholds, passages: Sequence[Passage], predictions: Sequence[Sequence[RawMention]]
) -> Thresholds:
    """Fit scores on held-out passages, whose `predictions` carry raw probabilities, and choose the default cut.

    Event: a logistic regression of being right on the evidence, twice: first judged by words, then, with what scores
    hardly anything left out, end to end after normalising and merging. Fields: one logistic regression each.
    """
    rows, truth = [], []
    for passage, mentions in zip(passages, predictions, strict=True):
        for mention, verdict in zip(mentions, matches(passage, mentions), strict=True):
            if verdict >= 0:
                rows.append([logit_of(mention.scores[name]) for name in EVIDENCE])
                truth.append(verdict)
    fitted = _fitted(thresholds, rows, truth)
    judged = _judged(passages, _rescored(predictions, fitted), least=0.1)
    fitted = _fitted(
        fitted, [[logit_of(e.scores[name]) for name in EVIDENCE] for e, _, _ in judged], [int(r) for _, r, _ in judged]
    )
    fields = {}
    for name in FIELDS:
        known = [(logit_of(e.scores[name]), float(v[name])) for e, _, v in judged if name in v and name in e.scores]
        if len(known) >= ENOUGH:
            (slope,), constant = _logistic(np.array([[x] for x, _ in known]), np.array([y for _, y in known]))
            fields[name] = (round(float(slope), 4), round(constant, 4))
    fitted = replace(fitted, fields=fields)
    rescored = _rescored(predictions, fitted)
    real = [n for n, passage in enumerate(passages) if passage.real]
    own = [n for n, passage in enumerate(passages) if not passage.real]
    parts = [([passages[n] for n in part], [rescored[n] for n in part]) for part in (real, own) if part]
    return replace(fitted, least=best_cut(parts))


def best_cut(parts: Sequence[tuple[Sequence[Passage], Sequence[Sequence[RawMention]]]]) -> float:
    """Return the least score that serves best, end to end: the highest strict F1, that of the first part counted twice.

    Real passages come first. Their optimum is flat, and a cut that serves other texts as well is the safer one on it.
    """
    weights = [2.0, *(1.0 for _ in parts[1:])]

    def mean(cut: float) -> float:
        reports = [end_to_end(passages, predictions, cut) for passages, predictions in parts]
        return sum(weight * report["strict_f1"] for weight, report in zip(weights, reports, strict=True))

    best: float = max(CUTS, key=mean)
    return best


def _fitted(thresholds: Thresholds, rows: Sequence[Sequence[float]], truth: Sequence[int]) -> Thresholds:
    weights, bias = _logistic(np.array(rows), np.array(truth, float))
    named = {name: round(float(weight), 4) for name, weight in zip(EVIDENCE, weights, strict=True)}
    return replace(thresholds, weights=named, bias=round(bias, 4))


def _judged(
    passages: Sequence[Passage], predictions: Sequence[Sequence[RawMention]], least: float
) -> list[tuple[scoring.Scored, bool, dict[str, bool]]]:
    gold = scoring.read_scored([{"id": passage.id, "events": passage.raw} for passage in passages], "gold")
    guesses = scoring.read_scored(extracted(passages, predictions, least), "predicted")
    return [verdict for name, events in gold.items() for verdict in scoring.verdicts(events, guesses[name])]


def _rescored(predictions: Sequence[Sequence[RawMention]], thresholds: Thresholds) -> list[list[RawMention]]:
    return [
        [replace(mention, score=event_score(mention.scores, thresholds)) for mention in mentions]
        for mentions in predictions
    ]


def _logistic(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], float]:
    """Fit by gradient descent with a little shrinkage; no weight falls below zero, as evidence never counts against."""
    weights, bias = np.full(x.shape[1], 0.5), 0.0
    for _ in range(6000):
        error = 1 / (1 + np.exp(-(x @ weights + bias))) - y
        weights = np.maximum(weights - 0.05 * (x.T @ error / len(y) + 0.01 * weights), 0)
        bias -= 0.05 * float(error.mean())
    return weights, bias


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=None, help="a model's folder; the bundled one by default")
    parser.add_argument("--least", type=float, default=None, help="the least score of a mention")
    given = parser.parse_args()
    tagger = Tagger.load(given.folder)
    print(tagger.revision)
    for name, passages in held_out().items():
        report = end_to_end(passages, predict(tagger, passages), tagger.least if given.least is None else given.least)
        print(f"\n# {name}: {report.passages} passages, {report.gold} events", flush=True)
        for rate in report.rates:
            print(f"  {rate:<18} {100 * report[rate]:5.1f}")


def held_out() -> dict[str, list[Passage]]:
    """Return what the model was not trained on, by name; the real parts are absent where the corpora are.

    On "real dev" and "own dev" scores and cut are fitted; the others choose nothing.
    """
    (real, own), test = load_split("dev"), own_passages("test")
    seeds = shared_folder() / "seeds"
    parts = {"real dev": real, "own dev": own, "own test": test, "own test, other names": with_unseen_names(test)}
    if (seeds / "gold.jsonl").is_file():
        parts["seeds"] = read_seeds(seeds)
    return {name: passages for name, passages in parts.items() if passages}


def figures(tagger: Tagger) -> dict[str, dict[str, float]]:
    """Return the rates of each held-out part, in per cent."""
    reports = {
        name: end_to_end(passages, predict(tagger, passages), tagger.least) for name, passages in held_out().items()
    }
    return {part: {name: round(100 * report[name], 1) for name in report.rates} for part, report in reports.items()}


if __name__ == "__main__":
    main()

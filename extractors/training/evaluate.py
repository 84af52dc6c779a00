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
from extractors.decode import ACTIONS, RawMention, Thresholds, logit_of
from extractors.encoder import Tagger
from extractors.extractor import ClampdownExtractor, passage_record
from extractors.training.data import Passage, load_split, read_seeds, shared_folder
from pipeline.types import Document

EVIDENCE = ("trigger", "event", "link", "service")  # in the order of Thresholds.weights


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
    passages: Sequence[Passage], predictions: Sequence[Sequence[RawMention]], least: float = 0.5
) -> scoring.Report:
    """Normalise and merge the mentions that score at least `least`, and compare the events with the annotation."""
    told = {passage.id: list(mentions) for passage, mentions in zip(passages, predictions, strict=True)}
    found = ClampdownExtractor(_Replay(told), least).extract([document(passage) for passage in passages])
    return scoring.score(
        [{"id": passage.id, "events": passage.raw} for passage in passages],
        [passage_record(passage.id, mentions) for passage, mentions in zip(passages, found, strict=True)],
    )


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
    """Fit the score on held-out passages: a logistic regression of being right, moved so that 0.5 is the best cut."""
    rows, truth = [], []
    for passage, mentions in zip(passages, predictions, strict=True):
        for mention, verdict in zip(mentions, matches(passage, mentions), strict=True):
            if verdict >= 0:
                rows.append([logit_of(mention.scores[name]) for name in EVIDENCE])
                truth.append(verdict)
    x, y = np.array(rows), np.array(truth, float)
    weights, bias = _logistic(x, y)
    trigger, event, link, service = (round(float(weight), 4) for weight in weights)
    fitted = replace(thresholds, weights=(trigger, event, link, service), bias=round(bias, 4))
    rescored = [
        [replace(mention, score=_rescored(mention, fitted)) for mention in mentions] for mentions in predictions
    ]
    cut = best_cut(passages, rescored)
    return replace(fitted, bias=round(bias - logit_of(cut), 4))


def best_cut(passages: Sequence[Passage], predictions: Sequence[Sequence[RawMention]]) -> float:
    """Return the least score that serves best, end to end: the highest strict F1.

    Where that has a precision under 0.8, a higher cut is taken that reaches 0.8 if it keeps nine tenths of the F1.
    """
    reports = {cut: end_to_end(passages, predictions, cut) for cut in np.arange(0.1, 0.86, 0.05).round(2).tolist()}
    best: float = max(reports, key=lambda cut: reports[cut]["strict_f1"])
    if reports[best]["strict_precision"] < 0.8:
        precise = [
            cut
            for cut, report in reports.items()
            if report["strict_precision"] >= 0.8 and report["strict_f1"] >= 0.9 * reports[best]["strict_f1"]
        ]
        best = max(precise, key=lambda cut: reports[cut]["strict_f1"], default=best)
    return best


def _rescored(mention: RawMention, thresholds: Thresholds) -> float:
    evidence = (logit_of(mention.scores[name]) for name in EVIDENCE)
    total = thresholds.bias + sum(w * x for w, x in zip(thresholds.weights, evidence, strict=True))
    return float(1 / (1 + np.exp(-total)))


def _logistic(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], float]:
    weights, bias = np.full(x.shape[1], 0.5), 0.0
    for _ in range(4000):
        error = 1 / (1 + np.exp(-(x @ weights + bias))) - y
        weights = np.maximum(weights - 0.05 * (x.T @ error / len(y) + 0.01 * weights), 0)
        bias -= 0.05 * float(error.mean())
    return weights, bias


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=None, help="a model's folder; the bundled one by default")
    parser.add_argument("--least", type=float, default=0.5, help="the least score of a mention")
    given = parser.parse_args()
    tagger = Tagger.load(given.folder)
    print(tagger.revision)
    for name, passages in held_out().items():
        report = end_to_end(passages, predict(tagger, passages), given.least)
        print(f"\n# {name}: {report.passages} passages, {report.gold} events", flush=True)
        for rate in report.rates:
            print(f"  {rate:<18} {100 * report[rate]:5.1f}")


def held_out() -> dict[str, list[Passage]]:
    """Return what the model was not trained on, by name; the real parts are absent where the corpora are."""
    real, written = load_split("dev")
    seeds = shared_folder() / "seeds"
    parts = {"real dev": real, "written dev": written}
    if (seeds / "gold.jsonl").is_file():
        parts["seeds"] = read_seeds(seeds)
    return {name: passages for name, passages in parts.items() if passages}


def figures(tagger: Tagger) -> dict[str, dict[str, float]]:
    """Return the rates of each held-out part, in per cent."""
    reports = {name: end_to_end(passages, predict(tagger, passages)) for name, passages in held_out().items()}
    return {part: {name: round(100 * report[name], 1) for name in report.rates} for part, report in reports.items()}


if __name__ == "__main__":
    main()

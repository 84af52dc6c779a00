"""How good the network is: its mentions against the annotation, and how its logits become one probability."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from extractors.decode import ACTIONS, RawMention, Thresholds, logit_of
from extractors.encoder import Tagger
from extractors.model import Model
from extractors.training.data import Passage
from extractors.training.examples import Layout
from extractors.training.network import Network
from pipeline.types import Document


class TorchSession:
    """A network's part behind the interface of an onnxruntime session, so that the same decoding runs on both."""

    def __init__(self, part: torch.nn.Module, names: Sequence[str]) -> None:
        self._part = part
        self._names = names

    def run(self, _outputs: None, feeds: dict[str, Any]) -> list[NDArray[Any]]:
        with torch.inference_mode():
            answers = self._part(*(torch.from_numpy(feeds[name]) for name in self._names))
        return [answer.numpy() for answer in answers]


ENCODER_INPUTS = ("ids", "features", "first")
ARGUMENT_INPUTS = ("hidden", "marked", "distance", "first")


def tagger(network: Network, layout: Layout, thresholds: Thresholds) -> Tagger:
    """Return a tagger that runs the float network in torch."""
    network.eval()
    return Tagger(
        Model(
            encoder=TorchSession(network.encoder, ENCODER_INPUTS),
            arguments=TorchSession(network.arguments, ARGUMENT_INPUTS),
            tokenizer=layout.tokenizer,
            unknown=layout.unknown,
            first=layout.first,
            last=layout.last,
            max_pieces=layout.max_pieces,
            thresholds=thresholds,
            revision="float",
        ),
        threads=1,
    )


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
    return tagger.tag(
        [Document(p.id, p.text, date.fromisoformat(p.published) if p.published else None) for p in passages]
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
    """Fit the score on held-out passages: a logistic regression of being right, moved so that 0.5 is the best cut.

    The best cut is the one of highest F1 among those with a precision of 0.8, or of all where none reaches that
    without losing a fifth of the best F1.
    """
    rows, truth = [], []
    for passage, mentions in zip(passages, predictions, strict=True):
        for mention, verdict in zip(mentions, matches(passage, mentions), strict=True):
            if verdict >= 0:
                rows.append([logit_of(mention.scores[name]) for name in ("trigger", "event", "link", "service")])
                truth.append(verdict)
    x, y = np.array(rows), np.array(truth, float)
    weights, bias = _logistic(x, y)
    logits = x @ weights + bias
    wanted = sum(not event.optional for passage in passages for event in passage.events)
    order = np.argsort(-logits)
    right = np.cumsum(y[order])
    count = np.arange(1, len(order) + 1)
    precision, f1 = right / count, 2 * right / (count + wanted)
    precise = np.flatnonzero(precision >= 0.8)
    best = int(f1.argmax())
    if len(precise) and f1[precise].max() >= 0.8 * f1[best] and precision[best] < 0.8:
        best = int(precise[f1[precise].argmax()])
    cut = logits[order][best : best + 2].mean()
    trigger, event, link, service = (round(float(weight), 4) for weight in weights)
    return replace(thresholds, weights=(trigger, event, link, service), bias=round(float(bias - cut), 4))


def _logistic(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], float]:
    weights, bias = np.full(x.shape[1], 0.5), 0.0
    for _ in range(4000):
        error = 1 / (1 + np.exp(-(x @ weights + bias))) - y
        weights = np.maximum(weights - 0.05 * (x.T @ error / len(y) + 0.01 * weights), 0)
        bias -= 0.05 * float(error.mean())
    return weights, bias

"""One training step: what the network says of a batch against what it should have said."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from extractors.decode import ROLES, begin_inside, trigger_spans
from extractors.encoder import Piecewise, distance_buckets, marked_pieces
from extractors.training.data import Example, Target
from extractors.training.examples import negative
from extractors.training.network import Network

SMOOTHING = 0.05
MAX_TRIGGERS = 22  # per batch, drawn at random beyond


@dataclass(frozen=True)
class Batch:
    """Examples as padded tensors: ids, mask, marked and so on are (B, T …) by piece, first (B, W) by word."""

    examples: tuple[Example, ...]
    ids: Tensor
    mask: Tensor
    features: Tensor
    first: Tensor
    trigger: Tensor
    trigger_weight: Tensor


def collate(examples: Sequence[Example], device: torch.device | None = None) -> Batch:
    """Pad examples to one length, on a device."""

    def stack(rows: Sequence[np.ndarray]) -> Tensor:
        length = max(len(row) for row in rows)
        out = np.zeros((len(rows), length, *rows[0].shape[1:]), rows[0].dtype)
        for number, row in enumerate(rows):
            out[number, : len(row)] = row
        return torch.from_numpy(out).to(device)

    return Batch(
        examples=tuple(examples),
        ids=stack([e.ids for e in examples]),
        mask=stack([np.ones(len(e.ids), np.float32) for e in examples]),
        features=stack([e.features for e in examples]),
        first=stack([e.first for e in examples]),
        trigger=stack([e.trigger.astype(np.int64) for e in examples]),
        trigger_weight=stack([e.trigger_weight for e in examples]),
    )


def argument_inputs(batch: Batch, chosen: Sequence[tuple[int, int, int]]) -> tuple[Tensor, Tensor, Tensor]:
    """Return rows, marked (N, T) and distance (N, T) for triggers `(row, start, end)`."""
    length = batch.ids.shape[1]
    marked = np.zeros((len(chosen), length), np.float32)
    distance = np.zeros((len(chosen), length), np.int64)
    for number, (row, start, end) in enumerate(chosen):
        example = batch.examples[row]
        marks = marked_pieces(Piecewise(example.ids, example.first, example.features), start, end)
        marked[number, : len(marks)] = marks
        distance[number, : len(marks)] = distance_buckets(marks)
    rows = torch.tensor([row for row, _, _ in chosen])
    device = batch.ids.device
    return rows.to(device), torch.from_numpy(marked).to(device), torch.from_numpy(distance).to(device)


def losses(network: Network, batch: Batch, random: np.random.Generator) -> dict[str, Tensor]:
    """Return the parts of the loss, already weighted against each other."""
    device = batch.ids.device
    mask = network.additive(batch.mask)
    log_probs, hidden = network.encoder(batch.ids, batch.features, batch.first, mask)
    parts = {"trigger": _trigger_loss(log_probs, batch)}
    chosen = _candidates(log_probs, batch, random)
    if not chosen:
        return parts
    rows, marked, distance = argument_inputs(batch, [(row, t.start, t.end) for row, t in chosen])
    answers = network.arguments(hidden[rows], marked, distance, batch.first[rows], mask[rows])
    valid, action, status, roles, reasons, actors, services, no_actor = answers
    targets = [target for _, target in chosen]
    weight = torch.tensor([t.weight for t in targets], device=device)

    truth = torch.tensor([float(t.valid) for t in targets], device=device)
    valid_loss = functional.binary_cross_entropy_with_logits(
        valid, truth.clamp(0, 1) * (1 - SMOOTHING) + SMOOTHING / 2, reduction="none"
    )
    parts["valid"] = (valid_loss * (truth >= 0)).sum() / max(len(targets), 1)

    real = [number for number, target in enumerate(targets) if target.action >= 0]
    if not real:
        return parts
    count = len(real)
    for name, scores, labels in (
        ("action", action[real], [targets[n].action for n in real]),
        ("status", status[real], [targets[n].status for n in real]),
    ):
        loss = functional.nll_loss(scores, torch.tensor(labels, device=device), reduction="none")
        loss = (1 - SMOOTHING) * loss - SMOOTHING * scores.mean(-1)
        parts[name] = (loss * weight[real]).sum() / count

    gold = torch.full((count, roles.shape[1], len(ROLES)), -1, dtype=torch.long)
    for number, n in enumerate(real):
        gold[number, : len(targets[n].roles)] = torch.from_numpy(targets[n].roles.astype(np.int64))
    flat = functional.nll_loss(roles[real].flatten(0, 2), gold.flatten().to(device), ignore_index=-1, reduction="none")
    parts["roles"] = (flat.view(count, -1).sum(1) * weight[real]).sum() / count / 6

    reason_rows = [n for n in real if targets[n].reason and targets[n].reasons.any()]
    if reason_rows:
        logits = torch.stack([reasons[n, s:e].mean(0) for n in reason_rows for s, e in targets[n].reason[:1]])
        wanted = torch.from_numpy(np.stack([targets[n].reasons for n in reason_rows])).to(device)
        reason_loss = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none").sum(1)
        parts["reasons"] = (reason_loss * weight[reason_rows]).sum() / count / 2

    pair_losses = []
    for n in real:
        loss = _pair_loss(targets[n], roles[n].detach(), actors[n], services[n], no_actor[n])
        if loss is not None:
            pair_losses.append(loss * weight[n])
    if pair_losses:
        parts["pairs"] = torch.stack(pair_losses).sum() / count
    return parts


def _trigger_loss(log_probs: Tensor, batch: Batch) -> Tensor:
    loss = functional.nll_loss(log_probs.flatten(0, 1), batch.trigger.flatten(), reduction="none")
    weight = batch.trigger_weight * torch.where(batch.trigger > 0, 1.5, 1.0)
    return (loss.view(batch.trigger.shape) * weight).sum() / len(batch.examples) / 4


def _candidates(log_probs: Tensor, batch: Batch, random: np.random.Generator) -> list[tuple[int, Target]]:
    """Return gold triggers, words that often trigger, and where the network itself now errs."""
    chosen = [(row, target) for row, example in enumerate(batch.examples) for target in example.targets]
    scores = log_probs.detach().cpu().numpy()
    for row, example in enumerate(batch.examples):
        length = len(example.trigger)
        for span in trigger_spans(scores[row, :length], 0.25):
            free = (example.trigger[span.start : span.end] == 0) & (example.trigger_weight[span.start : span.end] == 1)
            if free.all():
                chosen.append((row, negative(span.start, span.end, length)))
    if len(chosen) > MAX_TRIGGERS:
        chosen = [chosen[int(n)] for n in random.permutation(len(chosen))[:MAX_TRIGGERS]]
    return chosen


def _pair_loss(target: Target, roles: Tensor, actors: Tensor, services: Tensor, no_actor: Tensor) -> Tensor | None:
    """Teach which actor and service belong together; spans that the network wrongly finds are the negatives."""
    if not target.pairs:
        return None
    probs = roles[: len(target.roles)].exp().cpu().numpy()
    candidates: dict[str, list[tuple[int, int]]] = {}
    for role, known in (("actor", target.actors), ("service", target.services)):
        column = ROLES.index(role)
        spans = list(known)
        for span in begin_inside(probs[:, column, 0], probs[:, column, 1], 0.3):
            if (target.roles[span.start : span.end, column] == 0).all():
                spans.append((span.start, span.end))
        candidates[role] = spans[: len(known) + 3]
    actor_vectors = torch.stack([no_actor, *(actors[s:e].mean(0) for s, e in candidates["actor"])])
    service_vectors = torch.stack([services[s:e].mean(0) for s, e in candidates["service"]])
    logits = actor_vectors[:, :-1] @ service_vectors[:, :-1].T + actor_vectors[:, -1:] + service_vectors[:, -1]
    truth = torch.zeros_like(logits)
    for actor, service in target.pairs:
        truth[actor + 1, service] = 1
    loss = functional.binary_cross_entropy_with_logits(logits, truth * (1 - SMOOTHING) + SMOOTHING / 2, reduction="sum")
    return loss / len(target.services) ** 0.5 / 2

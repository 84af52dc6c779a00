"""How the weights are moved: rates per layer, their course over time, and the running mean that is exported."""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from extractors.training.network import Network


@dataclass(frozen=True)
class Recipe:
    """Everything that decides how training goes, beside data and base encoder."""

    epochs: int = 14
    batch: int = 16
    encoder_rate: float = 1e-4
    head_rate: float = 1e-3
    layer_decay: float = 0.9
    weight_decay: float = 0.01
    warmup: float = 0.08
    average: float = 0.99
    hide: float = 0.12
    seed: int = 1
    minutes: float | None = None
    """Stop after so much time, the rate having fallen by then, whatever the epoch."""


def parameter_groups(network: Network, recipe: Recipe) -> list[dict[str, Any]]:
    """Give each layer its rate: lower layers learn slower, new heads fast."""
    layers = [*network.encoder.shared, *network.encoder.upper]
    rates: dict[nn.Parameter, float] = {}
    for depth, layer in enumerate(layers):
        for parameter in layer.parameters():
            rates[parameter] = recipe.encoder_rate * recipe.layer_decay ** (len(layers) - 1 - depth)
    for layer in network.arguments.layers:
        for parameter in layer.parameters():
            rates[parameter] = recipe.encoder_rate
    for parameter in network.encoder.embeddings.parameters():
        rates[parameter] = recipe.encoder_rate * recipe.layer_decay ** len(layers)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in network.parameters():
        if parameter.requires_grad:
            decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((rates.get(parameter, recipe.head_rate), decay), []).append(parameter)
    return [{"params": params, "lr": rate, "weight_decay": decay} for (rate, decay), params in groups.items()]


def schedule(step: int, total: int, warmup: float) -> float:
    """Return the share of the full rate at a step: up in a line, down in a line to a fiftieth."""
    up = max(1, int(total * warmup))
    return (step + 1) / up if step < up else max(0.02, 1 - (step - up) / max(1, total - up))


class Average:
    """The running mean of the weights, which is what gets evaluated and exported."""

    def __init__(self, network: Network, decay: float) -> None:
        self.network = copy.deepcopy(network).eval()
        self.steps = 0
        self._decay = decay

    def update(self, network: Network) -> None:
        """Move the mean towards the network's present weights; frozen weights are shared already."""
        self.steps += 1
        decay = min(self._decay, self.steps / (self.steps + 10))
        with torch.no_grad():
            for mine, theirs in zip(self.network.parameters(), network.parameters(), strict=True):
                if theirs.requires_grad:
                    mine.lerp_(theirs, 1 - decay)

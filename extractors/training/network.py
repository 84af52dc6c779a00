"""The network: a Hugging Face encoder read twice, once for triggers and once more for each trigger's arguments.

The lower layers are shared. The upper layers exist twice, both starting from the same pre-trained weights: one copy
finds triggers, the other reads the window again with one trigger marked and finds what belongs to it. So arguments in
other sentences, and one name serving several triggers, cost a few layers per trigger and not a whole pass.
"""

import copy
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from extractors.decode import ACTIONS, REASONS, ROLES, STATUSES
from extractors.encoder import DISTANCE_BUCKETS
from extractors.features import WIDTH

if TYPE_CHECKING:
    from extractors.training.bases import Base

PAIR = 64


@dataclass(frozen=True)
class NetworkConfig:
    """Shapes that are not the base encoder's own."""

    shared_layers: int = 4
    dropout: float = 0.1

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def _head(width: int, hidden: int, out: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, out))


def _gather(hidden: Tensor, first: Tensor) -> Tensor:
    return hidden.gather(1, first.unsqueeze(-1).expand(-1, -1, hidden.shape[-1]))


class EncoderPart(nn.Module):  # type: ignore[misc]  # torch is not type-checked here: it need not be installed
    """Pieces and features in; per-word trigger log-probabilities (B, W, 3) and shared hidden states (B, T, D) out."""

    def __init__(self, base: "Base", config: NetworkConfig) -> None:
        super().__init__()
        width = base.width
        self.embeddings = base.embeddings
        self.shared = nn.ModuleList(base.layers[: config.shared_layers])
        self.upper = nn.ModuleList(base.layers[config.shared_layers :])
        self.features = nn.Linear(WIDTH, width)
        nn.init.normal_(self.features.weight, std=0.002)
        nn.init.zeros_(self.features.bias)
        self.dropout = nn.Dropout(config.dropout)
        self.trigger = _head(width + WIDTH, 192, 3, config.dropout)

    def forward(
        self, ids: Tensor, features: Tensor, first: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        state = self.embeddings(ids) + self.features(features)
        for layer in self.shared:
            state = layer(state, attention_mask=mask)
        hidden = state
        for layer in self.upper:
            state = layer(state, attention_mask=mask)
        words = torch.cat((_gather(self.dropout(state), first), _gather(features, first)), -1)
        return torch.log_softmax(self.trigger(words).float(), -1), hidden


class ArgumentPart(nn.Module):  # type: ignore[misc]  # torch is not type-checked here: it need not be installed
    """Shared hidden states with one trigger marked per row; everything that belongs to that trigger out."""

    def __init__(self, upper: nn.ModuleList, width: int, config: NetworkConfig) -> None:
        super().__init__()
        self.layers = copy.deepcopy(upper)
        self.mark = nn.Parameter(torch.randn(width) * 0.02)
        self.distance = nn.Embedding(DISTANCE_BUCKETS, width)
        nn.init.normal_(self.distance.weight, std=0.02)
        self.dropout = nn.Dropout(config.dropout)
        self.trunk = nn.Sequential(nn.Linear(3 * width, width), nn.GELU(), nn.Dropout(config.dropout))
        self.roles = nn.Linear(width, len(ROLES) * 3)
        self.reasons = nn.Linear(width, len(REASONS))
        self.actors = nn.Linear(width, PAIR + 1)
        self.services = nn.Linear(width, PAIR + 1)
        self.no_actor = _head(2 * width, 128, PAIR + 1, config.dropout)
        self.valid = _head(2 * width, 192, 1, config.dropout)
        self.action = _head(2 * width, 192, len(ACTIONS), config.dropout)
        self.status = _head(2 * width, 192, len(STATUSES), config.dropout)

    def forward(
        self, hidden: Tensor, marked: Tensor, distance: Tensor, first: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        weights = marked.unsqueeze(-1)
        state = hidden + weights * self.mark + self.distance(distance)
        for layer in self.layers:
            state = layer(state, attention_mask=mask)
        state = self.dropout(state)
        trigger = (state * weights).sum(1) / weights.sum(1)
        words = _gather(state, first)
        beside = trigger.unsqueeze(1).expand_as(words)
        trunk = self.trunk(torch.cat((words, beside, words * beside), -1))
        whole = torch.cat((trigger, state[:, 0]), -1)
        roles = self.roles(trunk).float().unflatten(-1, (len(ROLES), 3))
        return (
            self.valid(whole).float().squeeze(-1),
            torch.log_softmax(self.action(whole).float(), -1),
            torch.log_softmax(self.status(whole).float(), -1),
            torch.log_softmax(roles, -1),
            self.reasons(trunk).float(),
            self.actors(trunk).float(),
            self.services(trunk).float(),
            self.no_actor(whole).float(),
        )


class Network(nn.Module):  # type: ignore[misc]  # torch is not type-checked here: it need not be installed
    """Both parts, built on a base encoder."""

    def __init__(self, base: "Base", config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = EncoderPart(base, config)
        self.arguments = ArgumentPart(self.encoder.upper, base.width, config)

    @staticmethod
    def additive(mask: Tensor) -> Tensor:
        """Turn a (B, T) mask of ones and zeros into what the attention adds to its logits."""
        return ((1 - mask) * -1e4)[:, None, None, :]

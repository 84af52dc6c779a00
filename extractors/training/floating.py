"""The float network behind the runtime's interface, so that the same decoding runs on both."""

from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import NDArray

from extractors.decode import Thresholds
from extractors.encoder import Tagger
from extractors.model import Model
from extractors.training.examples import Layout
from extractors.training.network import Network


class TorchSession:
    """A part of the network that is called as an onnxruntime session is."""

    def __init__(self, part: torch.nn.Module, names: Sequence[str]) -> None:
        self._part = part
        self._names = names

    def run(self, _outputs: None, feeds: dict[str, Any]) -> list[NDArray[Any]]:
        with torch.inference_mode():
            device = next(self._part.parameters()).device
            answers = self._part(*(torch.from_numpy(feeds[name]).to(device) for name in self._names))
        return [answer.cpu().numpy() for answer in answers]


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

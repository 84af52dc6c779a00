"""Turn a trained network into the files that run: two int8 ONNX graphs, the tokenizer, and a manifest of their hashes.

`python -m extractors.training.export --from DIR --to extractors/weights` also fits the thresholds on the held-out
passages and checks the int8 graphs against the float network.
"""

import argparse
import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer
from onnxruntime.quantization.shape_inference import quant_pre_process

from extractors.decode import Thresholds
from extractors.encoder import Tagger
from extractors.features import WIDTH
from extractors.model import ARGUMENTS, ENCODER, FORMAT, TOKENIZER
from extractors.training.bases import bundled_base, layout_of
from extractors.training.data import load_split
from extractors.training.evaluate import calibrated, figures, predict
from extractors.training.examples import Layout
from extractors.training.floating import tagger
from extractors.training.network import Network
from extractors.training.train import new_network

FEED_FORWARD = 1024  # a weight matrix this wide or high belongs to a feed-forward or trunk layer
ENCODER_IO = (("ids", "features", "first"), ("log_probs", "hidden"))
ARGUMENTS_IO = (
    ("hidden", "marked", "distance", "first"),
    ("valid", "action", "status", "roles", "reasons", "actors", "services", "no_actor"),
)


def load_network(folders: Sequence[Path], base: Path) -> Network:
    """Read `best.pt` of training folders into a network on `base`, the mean of their weights."""
    states = [torch.load(folder / "best.pt", weights_only=True, map_location="cpu") for folder in folders]
    network = new_network(base)
    first, *others = (state["network"] for state in states)
    for other in others:
        for name, weight in first.items():
            if weight.is_floating_point():
                weight += other[name]
    for weight in first.values():
        if weight.is_floating_point():
            weight /= len(states)
    network.load_state_dict(first)
    network.eval()
    return network


def export(network: Network, layout: Layout, folder: Path) -> None:
    """Write both graphs, int8, and the tokenizer into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    pieces, words = torch.export.Dim("pieces", min=3, max=512), torch.export.Dim("words", min=1, max=510)
    width = network.encoder.features.out_features
    ids = torch.full((1, 24), layout.unknown)
    first = torch.arange(1, 17)[None]
    hidden = torch.zeros(1, 24, width)
    marked = torch.zeros(1, 24)
    marked[0, 3] = 1
    encoder_shapes = {"ids": {1: pieces}, "features": {1: pieces}, "first": {1: words}}
    argument_shapes = {name: {1: pieces} for name in ("hidden", "marked", "distance")}
    with tempfile.TemporaryDirectory() as scratch:
        for part, inputs, names, shapes, name in (
            (network.encoder, (ids, torch.zeros(1, 24, WIDTH), first), ENCODER_IO, encoder_shapes, ENCODER),
            (
                network.arguments,
                (hidden, marked, torch.zeros(1, 24, dtype=torch.long), first),
                ARGUMENTS_IO,
                {**argument_shapes, "first": {1: words}},
                ARGUMENTS,
            ),
        ):
            graph, prepared = Path(scratch) / name, Path(scratch) / f"prepared-{name}"
            torch.onnx.export(
                part,
                inputs,
                graph,
                input_names=list(names[0]),
                output_names=list(names[1]),
                dynamic_shapes=shapes,
                opset_version=20,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
            quant_pre_process(graph, prepared, skip_symbolic_shape=True)
            bare = onnx.load(prepared)
            del bare.graph.value_info[:]  # shapes noted before the rewriting; the quantiser trips over them
            quantise(bare, folder / name)
    layout.tokenizer.save(str(folder / TOKENIZER))


def quantise(model: onnx.ModelProto, target: Path) -> None:
    """Write `model` with eight-bit weights.

    The feed-forward layers, whose activations have far outliers, get a scale per block of 64 values; they make most of
    the error where one scale serves a whole pass. All else gets the plain dynamic quantisation, which is faster.
    """
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    feed_forward = [
        node.name
        for node in model.graph.node
        if node.op_type == "MatMul" and max(shapes.get(node.input[1], (0,))) >= FEED_FORWARD
    ]
    others = [node.name for node in model.graph.node if node.op_type == "MatMul" and node.name not in feed_forward]
    config = DefaultWeightOnlyQuantConfig(block_size=64, is_symmetric=True, accuracy_level=4, bits=8)
    blocked = MatMulNBitsQuantizer(model, nodes_to_exclude=others, algo_config=config)
    blocked.process()
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "blocked.onnx"
        blocked.model.save_model_to_file(str(path), False)
        quantize_dynamic(
            path,
            target,
            weight_type=QuantType.QInt8,
            per_channel=True,
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )


def write_manifest(layout: Layout, thresholds: Thresholds, folder: Path, about: dict[str, Any]) -> None:
    """Pin the files of `folder` by sha256, with what the decoding needs beside them."""
    manifest = {
        "format": FORMAT,
        "about": about,
        "max_pieces": layout.max_pieces,
        "special": {"first": layout.first, "last": layout.last, "unknown": layout.unknown},
        "thresholds": asdict(thresholds),
        "files": {
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (ARGUMENTS, ENCODER, TOKENIZER)
        },
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def make_model(sources: Sequence[Path], folder: Path, base: Path, name: str) -> dict[str, dict[str, dict[str, float]]]:
    """Export training folders' weights as a model, fit its scores, and write what it reaches into its manifest.

    Returns the figures of the float network and of the int8 graphs, by held-out part.
    """
    layout = layout_of(base)
    network = load_network(sources, base)
    dev, own = load_split("dev")
    held_out = [*dev, *own]
    export(network, layout, folder)
    about: dict[str, Any] = {"base": name, "recipe": _recipe(sources[0])}
    write_manifest(layout, Thresholds(), folder, about)
    thresholds = calibrated(Thresholds(), held_out, predict(Tagger.load(folder), held_out))
    write_manifest(layout, thresholds, folder, about)
    about["figures"] = figures(Tagger.load(folder))
    write_manifest(layout, thresholds, folder, about)
    return {"float": figures(tagger(network, layout, thresholds)), "int8": about["figures"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--from",
        dest="sources",
        type=Path,
        nargs="+",
        default=[Path("build/training")],
        help="training folders; the weights of several that went on from one checkpoint are averaged",
    )
    parser.add_argument("--to", type=Path, default=Path("build/weights"))
    parser.add_argument("--base", type=Path, default=None, help="a Hugging Face encoder's folder")
    parser.add_argument("--name", default="all-MiniLM-L6-v2", help="what the manifest calls the base encoder")
    given = parser.parse_args()
    found = make_model(given.sources, given.to, given.base or bundled_base(), given.name)
    for kind, parts in found.items():
        print(kind, json.dumps(parts, indent=1))


def _recipe(folder: Path) -> dict[str, Any]:
    path = folder / "recipe.json"
    recipe: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return recipe


if __name__ == "__main__":
    main()

"""The bundled int8 graphs with their arithmetic in float: the same learned weights, so what differs is the rounding.

Each eight-bit weight matrix becomes the float matrix that it stands for, and what multiplied by it in integers, or by
blocks of integers, becomes one float MatMul. Rounding the trained weights to eight bits can't be undone: this is the
shipped model without the rounding of its activations, not the network that was trained.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from onnx import numpy_helper

GRAPHS: Final = ("encoder.onnx", "arguments.onnx")
_MIDDLE: Final = 128
"""What an unsigned eight-bit weight of a block stands for when it is zero."""


def rewrite(source: str, target: str) -> dict[str, int]:
    """Write float forms of both graphs of `source` into the folder `target`; return how many products each had."""
    Path(target).mkdir(parents=True, exist_ok=True)
    found = {}
    for name in GRAPHS:
        model = onnx.load(str(Path(source) / name))
        found[name] = _in_float(model)
        onnx.save(model, str(Path(target) / name))
    return found


def _in_float(model: Any) -> int:
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    quantised = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "DynamicQuantizeLinear"}
    gone: set[int] = {id(node) for node in graph.node if node.op_type == "DynamicQuantizeLinear"}
    made: dict[int, Any] = {}
    matrices = []
    for node in graph.node:
        if node.op_type == "MatMulNBits":
            matrix, given, result = _of_blocks(node, weights), node.input[0], node.output[0]
        elif node.op_type == "MatMulInteger":
            (cast,) = readers[node.output[0]]
            (scaled,) = readers[cast.output[0]]
            (scales,) = (one for one in graph.node if one.output[0] in scaled.input and one.op_type == "Mul")
            matrix = _of_columns(node, scales, weights)
            given, result = quantised[node.input[0]], scaled.output[0]
            gone |= {id(cast), id(scaled), id(scales)}
        else:
            continue
        name = f"{result}_float_weight"
        matrices.append(numpy_helper.from_array(matrix, name))
        made[id(node)] = onnx.helper.make_node("MatMul", [given, name], [result], name=f"{result}_float")
    nodes = [made.get(id(node), node) for node in graph.node if id(node) not in gone]
    kept = _in_order(nodes, {*weights, *(one.name for one in graph.input), *(one.name for one in matrices)})
    del graph.node[:]
    graph.node.extend(kept)
    graph.initializer.extend(matrices)
    used = {name for node in kept for name in node.input}
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in used]:
        graph.initializer.remove(tensor)
    return len(made)


def _of_blocks(node: Any, weights: dict[str, Any]) -> Any:
    """(N, blocks, 64) unsigned weights with a scale per block, as the float matrix (K, N)."""
    about = {one.name: one.i for one in node.attribute}
    if about["bits"] != 8 or len([name for name in node.input if name]) != 3:
        raise ValueError(f"{node.name}: weights of another form than eight bits around {_MIDDLE}")
    blocks = numpy_helper.to_array(weights[node.input[1]]).astype(np.float32) - _MIDDLE
    scales = numpy_helper.to_array(weights[node.input[2]]).reshape(about["N"], -1, 1)
    return np.ascontiguousarray((blocks * scales).reshape(about["N"], -1)[:, : about["K"]].T)


def _of_columns(node: Any, scales: Any, weights: dict[str, Any]) -> Any:
    """(K, N) signed weights with a scale and a zero point per column, as the float matrix."""
    (scale,) = (name for name in scales.input if name in weights)
    matrix, zero, by = (numpy_helper.to_array(weights[name]) for name in (node.input[1], node.input[3], scale))
    return (matrix.astype(np.float32) - zero.astype(np.float32)) * by.astype(np.float32)


def _in_order(nodes: list[Any], known: set[str]) -> list[Any]:
    """Each node after those that it reads."""
    known, waiting, ordered = known | {""}, list(nodes), []
    while waiting:
        ready = [node for node in waiting if known.issuperset(node.input)]
        if not ready:
            raise ValueError("the graph has a ring, or reads what nobody makes")
        ordered += ready
        known |= {name for node in ready for name in node.output}
        taken = {id(node) for node in ready}
        waiting = [node for node in waiting if id(node) not in taken]
    return ordered

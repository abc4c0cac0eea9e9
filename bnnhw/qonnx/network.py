"""Streamlined networks -> QONNX in MultiThreshold form, as FINN's streamlining leaves a network.

The graph
---------
``global_in`` -> [Transpose] -> [MultiThreshold] -> {[Pad] -> Conv -> MultiThreshold -> [MaxPool]} ... -> [Transpose] ->
[Reshape] -> {MatMul -> MultiThreshold} ... -> MatMul -> Mul -> Add -> ``global_out``. MultiThreshold (domain
``qonnx.custom_op.general``) counts the thresholds that are less than or equal to its input, then scales and biases the
count. Integer types are annotated (``finn_datatype``) as FINN does.

- Raw samples become elements by an input MultiThreshold with one row for all of them, one per channel, or flattened one
  per element; where an element falls with its sample, a Mul of -1 stands before it. A threshold is rounded up to
  float32: for every float32 sample ``x``, ``x >= t`` iff ``x`` is no less than the least float32 that is no less than
  ``t``.
- A MatMul or a Conv gives the dot product of element values and weight values. With ``dot = scale * acc + constant``
  (:mod:`bnnhw.ir.arithmetic`) the threshold ``acc >= T`` is ``dot >= scale * T + constant``.
- Maps are channels first. Padding is a Pad node of the element's value, the Conv's own where that is 0. A pool that
  takes the least of a channel is a MaxPool of the channel turned over; a sum is a depthwise Conv with ones; a residual
  layer is an Add; a layer without thresholds ends in the affine from dot products to accumulators.
- Scores ``multiplier * acc + offset`` are ``(multiplier / scale) * dot + (offset - multiplier * constant / scale)``; of
  numbers that are no accumulators they are what they are.

Exactness
---------
Every number in the graph is an integer or, before the last Add, half of one. Below :data:`FLOAT32` float32 holds all of
them and no partial sum rounds, in whatever order it is added. Scores beyond that are computed in double; what float32
or double can't hold exactly is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto

from bnnhw.errors import NetworkError, UnsupportedError
from bnnhw.ir import Network, Output, dot_affine
from bnnhw.ir.arithmetic import DotAffine, weight_values
from bnnhw.qonnx.encode import add_input
from bnnhw.qonnx.exporters import FLOAT32, add_layers, reach
from bnnhw.qonnx.file import save_model
from bnnhw.qonnx.graph import Graph, Tensor
from bnnhw.qonnx.layers.matrix import dot_product
from bnnhw.qonnx.maps import as_list

__all__ = ["to_qonnx", "write_qonnx"]

OPSET = 13
INPUT, OUTPUT = "global_in", "global_out"

FLOAT64 = 1 << 53
"""float64 holds every integer up to this, and every half of one up to half of this."""

MAX_WEIGHTS = 500_000_000
"""Most weights written: at 4 bytes each the file stays below the 2 GiB that a protobuf may have."""


def _output(graph: Graph, tensor: Tensor, affine: DotAffine, most: Sequence[int], output: Output) -> Tensor:
    """The affine from dot products, or from other numbers, to scores; ``most`` are the greatest of each class."""
    multipliers, offsets, constants = output.multiplier.tolist(), output.offset.tolist(), affine.constants.tolist()
    slopes = [Fraction(m, affine.scale) for m in multipliers]
    shifts = [o - slope * c for slope, o, c in zip(slopes, offsets, constants, strict=True)]
    # In halves, which is what may stand before the last addition.
    bound = max(2 * (abs(slope) * value + abs(shift)) for slope, value, shift in zip(slopes, most, shifts, strict=True))
    if bound > FLOAT64:
        raise UnsupportedError(
            f"layer {output.name}: scores must be below 2**52 to be exact in double, not up to {int(bound // 2)}"
        )
    double = bound > FLOAT32
    dtype = np.float64 if double else np.float32
    if double:
        tensor = graph.node("Cast", f"{output.name}_double", tensor, element=TensorProto.DOUBLE, to=TensorProto.DOUBLE)
    if any(slope != 1 for slope in slopes):
        factor = graph.constant(f"{output.name}_slopes", np.array([float(s) for s in slopes], dtype))
        tensor = graph.node("Mul", f"{output.name}_mul", tensor, factor)
    if any(shifts):
        shift = graph.constant(f"{output.name}_shifts", np.array([float(s) for s in shifts], dtype))
        tensor = graph.node("Add", f"{output.name}_add", tensor, shift)
    return tensor


def to_qonnx(network: Network, batch: int = 1) -> onnx.ModelProto:
    """A streamlined network as a QONNX graph (form and exactness: the module's docstring).

    Parameters
    ----------
    network : Network
    batch : int
        Frames the graph takes at once: QONNX knows fixed shapes only.

    Returns
    -------
    onnx.ModelProto
        Input ``global_in``, float32 (batch, \\*sample_shape): raw samples. Output ``global_out``, (batch, classes):
        scores, in float32, or in double where float32 can't hold them.

    Raises
    ------
    NetworkError
        The network is not streamlined.
    UnsupportedError
        Numbers that floating point can't hold exactly, or more weights than a protobuf holds; names the layer.
    """
    if batch < 1:
        raise ValueError(f"batch must be positive, not {batch}")
    if not network.streamlined:
        raise NetworkError("only a streamlined network can be exported: run the streamlining passes first")
    weights = sum(layer.neurons * layer.synapses for layer in network.matrices)
    if weights > MAX_WEIGHTS:
        raise UnsupportedError(f"an ONNX file must have at most {MAX_WEIGHTS} weights, not {weights}")
    graph = Graph(INPUT, (batch, *network.input.sample_shape), OUTPUT)
    last, output = network.chain[-1], network.output
    matrix = last.matrix
    if matrix is not None and matrix is last and matrix.activation is None:
        # The scores are an affine of its dot products, which are left as they are.
        tensor = add_layers(graph, add_input(graph, network.input), network.chain[:-1])
        tensor, _ = dot_product(graph, tensor, matrix)
        most = np.abs(weight_values(matrix)).sum(axis=1) * reach(matrix.input)
        tensor = _output(graph, tensor, dot_affine(matrix), most.tolist(), output)
    else:
        tensor = add_layers(graph, add_input(graph, network.input), network.chain)
        tensor = as_list(graph, tensor, output.name, last.output)
        plain = DotAffine(1, np.zeros(output.classes, np.int64))
        tensor = _output(graph, tensor, plain, [max(map(abs, last.emitted))] * output.classes, output)
    return graph.model(tensor, "bnnhw", OPSET, network.provenance)


def write_qonnx(network: Network, path: Path) -> None:
    """Write :func:`to_qonnx` of a network, whole or not at all.

    Raises
    ------
    NetworkError, UnsupportedError
        As :func:`to_qonnx`.
    FileError
        The file can't be written.
    """
    save_model(to_qonnx(network), Path(path))

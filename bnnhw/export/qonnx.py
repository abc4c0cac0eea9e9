"""Streamlined networks -> QONNX in MultiThreshold form, as FINN's streamlining leaves a network.

The graph
---------
``global_in`` -> [MultiThreshold] -> {[Pad] -> Conv -> MultiThreshold -> [MaxPool]} ... -> [Transpose] -> [Reshape] ->
{MatMul -> MultiThreshold} ... -> MatMul -> Mul -> Add -> ``global_out``. MultiThreshold (domain
``qonnx.custom_op.general``) counts the thresholds that are less than or equal to its input, then scales and biases the
count. Integer types are annotated (``finn_datatype``) as FINN does.

- Raw samples become elements by an input MultiThreshold with one row for all of them. A threshold is rounded up to
  float32: for every float32 sample ``x``, ``x >= t`` iff ``x`` is no less than the least float32 that is no less
  than ``t``.
- A MatMul or a Conv gives the dot product of element values and weight values. With ``dot = scale * acc + constant``
  (:mod:`bnnhw.ir.arithmetic`) the threshold ``acc >= T`` is ``dot >= scale * T + constant``.
- Maps are channels first. Padding is a Pad node of the element's value, the Conv's own where that is 0. A pool that
  takes the least of a channel is a MaxPool of the channel turned over; a sum is a depthwise Conv with ones; a residual
  layer is an Add; a layer without thresholds ends in the affine from dot products to accumulators.
- Scores ``multiplier * acc + offset`` are ``(multiplier / scale) * dot + (offset - multiplier * constant / scale)``.

Exactness
---------
Every number in the graph is an integer or, before the last Add, half of one. Below :data:`FLOAT32` float32 holds all of
them and no partial sum rounds, in whatever order it is added. Scores beyond that are computed in double; what float32
or double can't hold exactly is refused.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from bnnhw.errors import NetworkError, UnsupportedError
from bnnhw.export.graph import DOMAIN, FLOAT32, INPUT, OUTPUT, Graph, type_name
from bnnhw.export.layers import add_layers
from bnnhw.files import write_whole
from bnnhw.ir import Dense, InputSpec, Network, Output, dot_affine
from bnnhw.ir.arithmetic import weight_values

__all__ = ["to_qonnx", "write_qonnx"]

OPSET = 13
IR_VERSION = 8
"""That of ONNX 1.10, the oldest that knows :data:`OPSET` in full: old readers refuse newer ones."""

FLOAT64 = 1 << 53
"""float64 holds every integer up to this, and every half of one up to half of this."""

MAX_WEIGHTS = 500_000_000
"""Most weights written: at 4 bytes each the file stays below the 2 GiB that a protobuf may have."""


def _rounded_up(thresholds: tuple[float, ...]) -> NDArray[np.float32]:
    """The least float32 values that are no less than the thresholds."""
    exact = np.array(thresholds, np.float64)
    with np.errstate(over="ignore"):
        nearest = exact.astype(np.float32)
    return np.where(nearest.astype(np.float64) < exact, np.nextafter(nearest, np.float32(np.inf)), nearest)


def _input(graph: Graph, spec: InputSpec) -> None:
    if spec.thresholds is None:
        graph.annotate(INPUT, type_name(spec.dtype))
    else:
        graph.multithreshold("encode", _rounded_up(spec.thresholds)[None, :], spec.dtype, "FLOAT32")


def _output(graph: Graph, layer: Dense, output: Output) -> None:
    """The affine from dot products to scores."""
    affine = dot_affine(layer)
    multipliers, offsets, constants = output.multiplier.tolist(), output.offset.tolist(), affine.constants.tolist()
    slopes = [Fraction(m, affine.scale) for m in multipliers]
    shifts = [o - slope * c for slope, o, c in zip(slopes, offsets, constants, strict=True)]
    values = np.abs(weight_values(layer)).sum(axis=1).tolist()
    largest = max(abs(layer.input.minimum), abs(layer.input.maximum))
    # In halves, which is what may stand before the last addition.
    reach = max(
        2 * (abs(slope) * value * largest + abs(shift))
        for slope, value, shift in zip(slopes, values, shifts, strict=True)
    )
    if reach > FLOAT64:
        raise UnsupportedError(
            f"layer {output.name}: scores must be below 2**52 to be exact in double, not up to {int(reach // 2)}"
        )
    double = reach > FLOAT32
    dtype = np.float64 if double else np.float32
    if double:
        graph.element = TensorProto.DOUBLE
        graph.node("Cast", f"{output.name}_double", to=TensorProto.DOUBLE)
    if any(slope != 1 for slope in slopes):
        slope_name = graph.constant(f"{output.name}_slopes", np.array([float(s) for s in slopes], dtype))
        graph.node("Mul", f"{output.name}_mul", slope_name)
    if any(shifts):
        shift_name = graph.constant(f"{output.name}_shifts", np.array([float(s) for s in shifts], dtype))
        graph.node("Add", f"{output.name}_add", shift_name)


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
        Input ``global_in``, float32 (batch, \\*shape): raw samples. Output ``global_out``, (batch, classes): scores, in
        float32, or in double where float32 can't hold them.

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
    graph = Graph((batch, *network.input.shape))
    _input(graph, network.input)
    last = network.matrices[-1]
    add_layers(graph, network.chain, last)
    _output(graph, last, network.output)
    # The last tensor is the graph's output, whatever node wrote it.
    graph.nodes[-1].output[0] = OUTPUT
    for note in graph.annotations:
        if note.tensor_name == graph.tensor:
            note.tensor_name = OUTPUT
    proto = helper.make_graph(
        graph.nodes,
        "bnnhw",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [batch, *network.input.shape])],
        [helper.make_tensor_value_info(OUTPUT, graph.element, graph.shape)],
        graph.initializers,
        # qonnx executes no graph whose tensors have no shapes.
        value_info=graph.tensors[:-1],
    )
    proto.quantization_annotation.extend(graph.annotations)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)]
    model = helper.make_model(proto, opset_imports=opsets, ir_version=IR_VERSION, producer_name="bnnhw")
    helper.set_model_props(model, dict(network.provenance))
    return model


def write_qonnx(network: Network, path: Path) -> None:
    """Write :func:`to_qonnx` of a network, whole or not at all.

    Raises
    ------
    NetworkError, UnsupportedError
        As :func:`to_qonnx`.
    FileError
        The file can't be written.
    """
    write_whole(Path(path), to_qonnx(network).SerializeToString(deterministic=True))

"""Streamlined networks -> QONNX in MultiThreshold form, as FINN's streamlining leaves a network.

The graph
---------
``global_in`` -> [MultiThreshold] -> [Transpose] -> [Reshape] -> {MatMul -> MultiThreshold} ... -> MatMul -> Mul -> Add
-> ``global_out``. MultiThreshold (domain ``qonnx.custom_op.general``) counts the thresholds that are less than or equal
to its input, then scales and biases the count. Integer types are annotated (``finn_datatype``) as FINN does.

- Raw samples become elements by an input MultiThreshold with one row for all of them. A threshold is rounded up to
  float32: for every float32 sample ``x``, ``x >= t`` iff ``x`` is no less than the least float32 that is no less
  than ``t``.
- A MatMul gives the dot product of element values and weight values. With ``dot = scale * acc + constant``
  (:mod:`bnnhw.ir.arithmetic`) the threshold ``acc >= T`` is ``dot >= scale * T + constant``.
- Scores ``multiplier * acc + offset`` are ``(multiplier / scale) * dot + (offset - multiplier * constant / scale)``.

Exactness
---------
Every number in the graph is an integer or, before the last Add, half of one. Below :data:`FLOAT32` float32 holds all of
them and no partial sum rounds, in whatever order it is added. Scores beyond that are computed in double; what float32
or double can't hold exactly is refused.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from bnnhw.errors import NetworkError, UnsupportedError
from bnnhw.ir import DataType, Dense, InputSpec, Network, Output, Thresholds, dot_affine
from bnnhw.ir.arithmetic import weight_values
from bnnhw.ir.file import write_whole

__all__ = ["to_qonnx", "write_qonnx"]

DOMAIN = "qonnx.custom_op.general"
OPSET = 13
IR_VERSION = 8
"""That of ONNX 1.10, the oldest that knows :data:`OPSET` in full: old readers refuse newer ones."""

FLOAT32 = 1 << 24
"""float32 holds every integer up to this, and every half of one up to half of this."""

FLOAT64 = 1 << 53
"""The same of float64."""

MAX_WEIGHTS = 500_000_000
"""Most weights written: at 4 bytes each the file stays below the 2 GiB that a protobuf may have."""

INPUT, OUTPUT = "global_in", "global_out"


class _Graph:
    """A graph in the making: nodes in order, each reading the tensor the last one wrote.

    Parameters
    ----------
    shape : tuple of int
        Of the input, frames included.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.element = TensorProto.FLOAT
        self.tensors: list[onnx.ValueInfoProto] = []
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.annotations: list[onnx.TensorAnnotation] = []
        self.tensor = INPUT
        self._names = {INPUT, OUTPUT}

    def _unique(self, name: str) -> str:
        """``name``, or where it is taken (a layer may have any name) one like it."""
        candidate = name
        for number in itertools.count(1):
            if candidate not in self._names:
                break
            candidate = f"{name}_{number}"
        self._names.add(candidate)
        return candidate

    def constant(self, name: str, array: NDArray[Any], dtype: str | None = None) -> str:
        name = self._unique(name)
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        if dtype is not None:
            self.annotate(name, dtype)
        return name

    def annotate(self, tensor: str, dtype: str) -> None:
        note = onnx.TensorAnnotation(tensor_name=tensor)
        note.quant_parameter_tensor_names.add(key="finn_datatype", value=dtype)
        self.annotations.append(note)

    def node(
        self,
        operator: str,
        name: str,
        *inputs: str,
        shape: tuple[int, ...] | None = None,
        dtype: str | None = None,
        **attributes: Any,
    ) -> None:
        """``shape`` and ``dtype`` are those of its output; None: the shape of its input, no integers."""
        result = self._unique(f"{name}_out")
        self.shape = self.shape if shape is None else shape
        self.tensors.append(helper.make_tensor_value_info(result, self.element, self.shape))
        self.nodes.append(helper.make_node(operator, [self.tensor, *inputs], [result], name, **attributes))
        self.tensor = result
        if dtype is not None:
            self.annotate(result, dtype)

    def multithreshold(self, name: str, thresholds: NDArray[np.float32], dtype: DataType, kind: str) -> None:
        """``kind`` is the type of the thresholds."""
        constant = self.constant(f"{name}_thresholds", thresholds, kind)
        scale = 2.0 if dtype.kind == "bipolar" else 1.0
        self.node(
            "MultiThreshold",
            name,
            constant,
            dtype=_name(dtype),
            domain=DOMAIN,
            out_dtype=_name(dtype),
            out_scale=scale,
            out_bias=float(dtype.minimum),
        )


def _name(dtype: DataType) -> str:
    """QONNX's name of a type; its UINT1 is BINARY."""
    return "BINARY" if str(dtype) == "uint1" else str(dtype).upper()


def _integer_name(low: int, high: int) -> str:
    """QONNX's name of the narrowest integer type that holds ``low..high``."""
    if low >= 0:
        return f"UINT{max(high.bit_length(), 2)}"
    return f"INT{max((-low - 1).bit_length(), high.bit_length(), 1) + 1}"


def _rounded_up(thresholds: tuple[float, ...]) -> NDArray[np.float32]:
    """The least float32 values that are no less than the thresholds."""
    exact = np.array(thresholds, np.float64)
    with np.errstate(over="ignore"):
        nearest = exact.astype(np.float32)
    return np.where(nearest.astype(np.float64) < exact, np.nextafter(nearest, np.float32(np.inf)), nearest)


def _input(graph: _Graph, spec: InputSpec, batch: int) -> None:
    if spec.thresholds is None:
        graph.annotate(INPUT, _name(spec.dtype))
    else:
        graph.multithreshold("encode", _rounded_up(spec.thresholds)[None, :], spec.dtype, "FLOAT32")
    if len(spec.shape) == 3:
        dtype = _name(spec.dtype)
        channels, height, width = spec.shape
        if channels > 1:
            # Elements enter channel fastest.
            shape = (batch, height, width, channels)
            graph.node("Transpose", "channels_last", shape=shape, dtype=dtype, perm=[0, 2, 3, 1])
        flat = (batch, spec.elements)
        graph.node("Reshape", "flatten", graph.constant("frame_shape", np.array(flat)), shape=flat, dtype=dtype)


def _check_dots(layer: Dense, values: NDArray[np.int64]) -> None:
    """Refuse dot products, and thresholds between them, that float32 can't hold."""
    largest = max(abs(layer.input.minimum), abs(layer.input.maximum))
    # A threshold lies at most one step of 2 beyond the dot products.
    reach = int(np.abs(values).sum(axis=1).max()) * largest + 2
    if reach > FLOAT32:
        raise UnsupportedError(
            f"layer {layer.name}: dot products must be below {FLOAT32} to be exact in float32, not up to {reach}"
        )


def _dense(graph: _Graph, layer: Dense) -> None:
    values = weight_values(layer)
    _check_dots(layer, values)
    low, high = int(values.min()), int(values.max())
    kind = "BIPOLAR" if np.isin(values, (-1, 1)).all() else "TERNARY" if (low, high) == (-1, 1) else None
    weights = graph.constant(
        f"{layer.name}_weights", values.T.astype(np.float32), kind or _integer_name(min(low, -1), high)
    )
    largest = max(abs(layer.input.minimum), abs(layer.input.maximum))
    reach = int(np.abs(values).sum(axis=1).max()) * largest
    graph.node(
        "MatMul",
        f"{layer.name}_matmul",
        weights,
        shape=(graph.shape[0], layer.neurons),
        dtype=_integer_name(-reach, reach),
    )
    if isinstance(layer.activation, Thresholds):
        affine = dot_affine(layer)
        dots = affine.scale * layer.activation.values + affine.constants[:, None]
        # Planes can be counted that no dot product reaches: beyond the reach a threshold means never, or always.
        dots = dots.clip(-reach, reach + 1)
        kind = _integer_name(min(int(dots.min()), -1), int(dots.max()))
        graph.multithreshold(layer.name, dots.astype(np.float32), layer.activation.dtype, kind)


def _output(graph: _Graph, layer: Dense, output: Output) -> None:
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
    weights = sum(layer.neurons * layer.synapses for layer in network.dense)
    if weights > MAX_WEIGHTS:
        raise UnsupportedError(f"an ONNX file must have at most {MAX_WEIGHTS} weights, not {weights}")
    graph = _Graph((batch, *network.input.shape))
    _input(graph, network.input, batch)
    for layer in network.dense:
        _dense(graph, layer)
    _output(graph, network.dense[-1], network.output)
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

"""Fully connected layers: the weight matrix of whatever multiplies with one.

What an accumulator is
----------------------
An input element is a sum of bit planes ``x = sum_i a_i * x_i`` (coefficients of its
:class:`~bnnhw.ir.types.DataType`, up to an offset), a weight a sum of weight planes
``w = sum_j d_j * w_j``. The hardware accumulates matches of bits,

    ``acc = sum_i sum_j a_i * d_j * p_ij``,  ``p_ij = popcount(XNOR(x_i, w_j))`` over the K synapses,

and everything downstream of it, thresholds and scores, is stated in units of ``acc``. For bipolar
inputs and weights ``acc`` is the popcount ``p`` itself, and the dot product is ``2p - K``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from bnnhw.errors import NetworkError
from bnnhw.ir.activation import Activation, Thresholds
from bnnhw.ir.bits import BitMatrix
from bnnhw.ir.codec import CODECS, Codec, LayerReader, LayerWriter
from bnnhw.ir.layer import Layer, Shape
from bnnhw.ir.types import MAX_PLANES, DataType

__all__ = ["Dense", "WeightPlane", "describe_dense", "read_dense"]


@dataclass(frozen=True)
class WeightPlane:
    """One binary matrix (neurons x synapses) and its coefficient in the weight."""

    coefficient: int
    bits: BitMatrix


@dataclass(frozen=True)
class Dense(Layer):
    """A fully connected layer.

    Parameters
    ----------
    name : str
    input : DataType
        Type of its input elements.
    weights : tuple of WeightPlane
        One plane of coefficient 1 for binary weights. All of one shape, neurons x synapses.
    activation : FloatActivation, Thresholds, or None
        None: the layer emits its accumulators, as the last one before an output mostly does.
    """

    kind: ClassVar[str] = "dense"

    name: str
    input: DataType
    weights: tuple[WeightPlane, ...]
    activation: Activation | None = field()

    def __post_init__(self) -> None:
        if self.input.bits > MAX_PLANES:
            raise NetworkError(f"layer {self.name}: inputs must have at most {MAX_PLANES} bits, not {self.input.bits}")
        if not self.weights:
            raise NetworkError(f"layer {self.name}: weights must have at least one plane")
        shapes = {(plane.bits.rows, plane.bits.columns) for plane in self.weights}
        if len(shapes) != 1:
            raise NetworkError(f"layer {self.name}: weight planes must have one shape, not {sorted(shapes)}")
        if any(plane.coefficient == 0 for plane in self.weights):
            raise NetworkError(f"layer {self.name}: a weight plane must have a coefficient other than 0")
        if self.activation is not None and self.activation.neurons != self.neurons:
            raise NetworkError(
                f"layer {self.name}: activation must have {self.neurons} neurons, not {self.activation.neurons}"
            )
        if isinstance(self.activation, Thresholds):
            low, high = self.accumulator_range
            values = self.activation.values
            if values.min() < low or values.max() > high + 1:
                raise NetworkError(f"layer {self.name}: thresholds must be in {low}..{high + 1}")

    @property
    def neurons(self) -> int:
        return self.weights[0].bits.rows

    @property
    def synapses(self) -> int:
        """K, the fan-in of a neuron."""
        return self.weights[0].bits.columns

    @cached_property
    def planes(self) -> tuple[tuple[int, int, int], ...]:
        """``(coefficient, input plane, weight plane)`` of every popcount the accumulator sums."""
        return tuple(
            (a * plane.coefficient, i, j)
            for i, a in enumerate(self.input.coefficients)
            for j, plane in enumerate(self.weights)
        )

    @cached_property
    def accumulator_range(self) -> tuple[int, int]:
        """Least and greatest accumulator: every popcount lies in 0..K and planes are independent."""
        coefficients = [c for c, _, _ in self.planes]
        return (
            self.synapses * sum(c for c in coefficients if c < 0),
            self.synapses * sum(c for c in coefficients if c > 0),
        )

    @property
    def output(self) -> DataType:
        if self.activation is None:
            return DataType.emitted(self.name, *self.accumulator_range)
        return self.activation.dtype

    @property
    def emitted(self) -> tuple[int, int]:
        return super().emitted if self.activation is not None else self.accumulator_range

    @property
    def shape_in(self) -> Shape:
        return (self.synapses, 1, 1)

    @property
    def shape_out(self) -> Shape:
        return (self.neurons, 1, 1)

    @property
    def matrix(self) -> Dense:
        return self

    def takes(self, shape: Shape) -> bool:
        """Whether a map has as many elements as the layer has synapses: it is flattened in stream order."""
        return math.prod(shape) == self.synapses

    def mismatch(self, shape: Shape) -> str:
        return f"must take {math.prod(shape)} inputs, not {self.synapses}"

    def with_input(self, dtype: DataType, activation: Activation | None = None) -> Dense:
        return replace(self, input=dtype, activation=self.activation if activation is None else activation)

    def with_activation(self, activation: Activation | None) -> Dense:
        return replace(self, activation=activation)

    def with_matrix(self, matrix: Dense) -> Dense:
        return matrix


def describe_dense(layer: Dense, out: LayerWriter) -> dict[str, Any]:
    """The matrix in the header; its bits, packed, are the arrays ``weights.PLANE`` (rows x ceil(columns / 8))."""
    for i, plane in enumerate(layer.weights):
        packed = np.frombuffer(plane.bits.data, np.uint8)
        out.array(f"weights.{i}", packed.reshape(layer.neurons, plane.bits.stride), "|u1")
    return {
        "neurons": layer.neurons,
        "synapses": layer.synapses,
        "coefficients": [int(plane.coefficient) for plane in layer.weights],
        "activation": out.activation(layer.activation),
    }


def read_dense(entry: LayerReader) -> Dense:
    """The inverse of :func:`describe_dense`."""
    dtype, neurons, synapses = entry.input, entry.size("neurons"), entry.size("synapses")
    planes = []
    for i, coefficient in enumerate(entry.field("coefficients", list)):
        if type(coefficient) is not int or abs(coefficient) >= 1 << 31:
            raise entry.error(f"coefficients must be integers below 2**31, not {coefficient!r:.60}")
        packed = entry.array(f"weights.{i}", "|u1", (neurons, -(-synapses // 8)))
        planes.append(WeightPlane(coefficient, BitMatrix(neurons, synapses, packed.tobytes())))
    return Dense(entry.name, dtype, tuple(planes), entry.activation(neurons))


CODECS.add(Dense, Codec(describe_dense, read_dense))

"""Layers of a network: frozen, validated, errors name the layer.

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

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError
from bnnhw.ir.bits import BitMatrix
from bnnhw.ir.steps import BatchNorm, Quantizer, Step, sign, step_neurons
from bnnhw.ir.types import MAX_PLANES, DataType

__all__ = [
    "Activation",
    "BatchNorm",
    "Dense",
    "FloatActivation",
    "Output",
    "Thresholds",
    "WeightPlane",
    "batch_norm_sign",
]


@dataclass(frozen=True)
class WeightPlane:
    """One binary matrix (neurons x synapses) and its coefficient in the weight."""

    coefficient: int
    bits: BitMatrix


@dataclass(frozen=True)
class FloatActivation:
    """The activation of a layer that is not streamlined: steps on the dot product, then a quantizer.

    Parameters
    ----------
    steps : tuple of Step
        In the order in which they are computed.
    quantizer : Quantizer
    """

    steps: tuple[Step, ...]
    quantizer: Quantizer

    def __post_init__(self) -> None:
        _check_steps(self.steps, self.neurons)

    @property
    def neurons(self) -> int:
        return self.quantizer.neurons

    @property
    def dtype(self) -> DataType:
        return self.quantizer.dtype


def batch_norm_sign(norm: BatchNorm) -> FloatActivation:
    """Batch normalization, then sign (sign(0) = +1): the activation of a binarized network as trained."""
    return FloatActivation((norm,), sign(norm.neurons))


def _check_steps(steps: tuple[Step, ...], neurons: int) -> None:
    for step in steps:
        if step_neurons(step) not in (None, neurons):
            raise NetworkError(f"a step must have {neurons} neurons, not {step_neurons(step)}")


@dataclass(frozen=True, eq=False)
class Thresholds:
    """The activation of a streamlined layer: the output level is how many thresholds ``acc`` meets.

    Parameters
    ----------
    values : int64 array (neurons, levels)
        Ascending in each row; a threshold ``T`` is met iff ``acc >= T``.
    dtype : DataType
        Type of the output element: its level 0 is the least value; ``levels = dtype.levels - 1``.
    """

    values: NDArray[np.int64]
    dtype: DataType

    def __post_init__(self) -> None:
        array = np.array(self.values, np.int64)
        if array.ndim != 2 or array.shape[1] != self.dtype.levels - 1:
            raise NetworkError(
                f"thresholds: {self.dtype} must have shape (neurons, {self.dtype.levels - 1}), not {array.shape}"
            )
        if (np.diff(array, axis=1) < 0).any():
            raise NetworkError("thresholds: each row must ascend")
        array.setflags(write=False)
        object.__setattr__(self, "values", array)

    @property
    def neurons(self) -> int:
        return len(self.values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Thresholds):
            return NotImplemented
        return self.dtype == other.dtype and np.array_equal(self.values, other.values)

    __hash__ = None  # type: ignore[assignment]


Activation: TypeAlias = FloatActivation | Thresholds


@dataclass(frozen=True)
class Dense:
    """A fully connected layer.

    Parameters
    ----------
    name : str
    input : DataType
        Type of its input elements.
    weights : tuple of WeightPlane
        One plane of coefficient 1 for binary weights. All of one shape, neurons x synapses.
    activation : FloatActivation, Thresholds, or None
        None: the layer emits its accumulators (the last one before :class:`Output` does).
    """

    name: str
    input: DataType
    weights: tuple[WeightPlane, ...]
    activation: Activation | None

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

    @property
    def planes(self) -> tuple[tuple[int, int, int], ...]:
        """``(coefficient, input plane, weight plane)`` of every popcount the accumulator sums."""
        return tuple(
            (a * plane.coefficient, i, j)
            for i, a in enumerate(self.input.coefficients)
            for j, plane in enumerate(self.weights)
        )

    @property
    def accumulator_range(self) -> tuple[int, int]:
        """Least and greatest accumulator: every popcount lies in 0..K and planes are independent."""
        coefficients = [c for c, _, _ in self.planes]
        return (
            self.synapses * sum(c for c in coefficients if c < 0),
            self.synapses * sum(c for c in coefficients if c > 0),
        )

    @property
    def output(self) -> DataType | None:
        """Type of the output elements; None when the layer emits accumulators."""
        return None if self.activation is None else self.activation.dtype

    @property
    def stream(self) -> DataType:
        """Type of what the layer emits: output elements, or accumulators."""
        if self.activation is None:
            return DataType.emitted(self.name, *self.accumulator_range)
        return self.activation.dtype

    @property
    def shape_in(self) -> tuple[int]:
        return (self.synapses,)

    @property
    def shape_out(self) -> tuple[int]:
        return (self.neurons,)


@dataclass(frozen=True, eq=False)
class Output:
    """The end of a network: one score per class, and the class with the highest, the lowest index on a tie.

    Parameters
    ----------
    name : str
    multiplier, offset : int64 array (classes,)
        ``score = multiplier * acc + offset``. Streamlining chooses them so that the argmax is that of
        the trained network.
    steps : tuple of Step
        What a network that is not streamlined does to the dot products of its last layer; empty afterwards.
    """

    name: str
    multiplier: NDArray[np.int64]
    offset: NDArray[np.int64]
    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        for name in ("multiplier", "offset"):
            array = np.array(getattr(self, name), np.int64)
            if array.ndim != 1 or len(array) < 1:
                raise NetworkError(f"layer {self.name}: {name} must have one value a class")
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        if len(self.multiplier) != len(self.offset):
            raise NetworkError(f"layer {self.name}: multiplier and offset must have the same length")
        try:
            _check_steps(self.steps, self.classes)
        except NetworkError as error:
            raise NetworkError(f"layer {self.name}: {error}") from None

    @classmethod
    def plain(cls, name: str, classes: int) -> Output:
        """Scores that are the accumulators themselves."""
        return cls(name, np.ones(classes, np.int64), np.zeros(classes, np.int64))

    @property
    def classes(self) -> int:
        return len(self.multiplier)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Output):
            return NotImplemented
        return (
            self.name == other.name
            and np.array_equal(self.multiplier, other.multiplier)
            and np.array_equal(self.offset, other.offset)
            and self.steps == other.steps
        )

    __hash__ = None  # type: ignore[assignment]

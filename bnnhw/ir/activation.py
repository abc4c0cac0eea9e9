"""Activations of a layer: floating-point steps as trained, thresholds once streamlined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError
from bnnhw.ir.steps import BatchNorm, Quantizer, Step, sign, step_neurons
from bnnhw.ir.types import DataType

__all__ = ["Activation", "FloatActivation", "Thresholds", "batch_norm_sign", "check_steps"]


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
        check_steps(self.steps, self.neurons)

    @property
    def neurons(self) -> int:
        return self.quantizer.neurons

    @property
    def dtype(self) -> DataType:
        return self.quantizer.dtype


def batch_norm_sign(norm: BatchNorm) -> FloatActivation:
    """Batch normalization, then sign (sign(0) = +1): the activation of a binarized network as trained."""
    return FloatActivation((norm,), sign(norm.neurons))


def check_steps(steps: tuple[Step, ...], neurons: int) -> None:
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

"""The floating-point part of a network that is not streamlined: monotone steps, then a quantizer.

Between a layer's dot products and its output elements a trained network computes a chain of steps, each
of which is monotone in its one argument, and a quantizer at the end. The same chain without a quantizer
turns the last layer's dot products into scores. Parameters are the float64 values that the model stores;
:func:`apply` is the float64 meaning of a chain, streamlining computes its exact one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, assert_never

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError
from bnnhw.ir.bends import Clip, Gap, PRelu, Relu
from bnnhw.ir.curves import CURVES, STAIRS, Curve, Staircase
from bnnhw.ir.types import DataType
from bnnhw.ir.vectors import Vectors, finite

__all__ = [
    "BatchNorm",
    "Clip",
    "Curve",
    "Divide",
    "Gap",
    "PRelu",
    "Quantizer",
    "Relu",
    "Scale",
    "Shift",
    "Staircase",
    "Step",
    "apply",
    "falling",
    "normalize",
    "sign",
    "standard_deviation",
    "step_neurons",
]


@dataclass(frozen=True, eq=False)
class Scale(Vectors):
    """``y = x * factor``, factor float64 (neurons,)."""

    factor: NDArray[np.float64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "factor", finite("scale: factor", self.factor))


@dataclass(frozen=True, eq=False)
class Divide(Vectors):
    """``y = x / divisor``, divisor float64 (neurons,), not 0. Not a :class:`Scale`: 1 / divisor may not be a float."""

    divisor: NDArray[np.float64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "divisor", finite("divide: divisor", self.divisor))
        if not self.divisor.all():
            raise NetworkError("divide: divisor must not be 0")


@dataclass(frozen=True, eq=False)
class Shift(Vectors):
    """``y = x + offset``, offset float64 (neurons,)."""

    offset: NDArray[np.float64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "offset", finite("shift: offset", self.offset))


@dataclass(frozen=True, eq=False)
class BatchNorm(Vectors):
    """Batch normalization as trained: ``y = gamma * (x - mean) / sqrt(var + eps) + beta``.

    Parameters
    ----------
    gamma, beta, mean, var : float64 array (neurons,)
    eps : float
    """

    gamma: NDArray[np.float64]
    beta: NDArray[np.float64]
    mean: NDArray[np.float64]
    var: NDArray[np.float64]
    eps: float

    def __post_init__(self) -> None:
        size = len(self.gamma)
        for name in ("gamma", "beta", "mean", "var"):
            array = np.array(getattr(self, name), np.float64)
            if array.shape != (size,):
                raise NetworkError(f"batch norm: {name} must have shape ({size},), not {array.shape}")
            object.__setattr__(self, name, finite(f"batch norm: {name}", array))
        if not np.isfinite(self.eps) or ((self.var + self.eps) <= 0).any():
            raise NetworkError("batch norm: var + eps must be positive")

    @property
    def neurons(self) -> int:
        return len(self.gamma)


Step: TypeAlias = Scale | Divide | Shift | BatchNorm | Relu | PRelu | Clip | Gap | Curve | Staircase


def step_neurons(step: Step) -> int | None:
    """Neurons that a step has parameters for; None if it has none."""
    match step:
        case Scale():
            return len(step.factor)
        case Divide():
            return len(step.divisor)
        case Shift():
            return len(step.offset)
        case BatchNorm():
            return step.neurons
        case PRelu():
            return len(step.slope)
        case Clip() | Gap():
            return len(step.low)
        case Relu() | Curve() | Staircase():
            return None
        case _:
            assert_never(step)


@dataclass(frozen=True, eq=False)
class Quantizer(Vectors):
    """The end of a chain: the output level is how many bounds a value reaches.

    Parameters
    ----------
    dtype : DataType
        Type of the output element: its level 0 is the least value.
    bounds : float64 array (neurons, dtype.levels - 1)
        Ascending in each row. Minus infinity is always reached, infinity never.
    strict : bool array (dtype.levels - 1,)
        Whether bound j is reached iff ``y > bound``, otherwise iff ``y >= bound``.
    """

    dtype: DataType
    bounds: NDArray[np.float64]
    strict: NDArray[np.bool_]

    def __post_init__(self) -> None:
        bounds, strict = np.array(self.bounds, np.float64), np.array(self.strict, np.bool_)
        levels = self.dtype.levels - 1
        if bounds.ndim != 2 or bounds.shape[1] != levels or strict.shape != (levels,):
            raise NetworkError(
                f"quantizer: {self.dtype} must have bounds of shape (neurons, {levels}) and strictness of shape "
                f"({levels},), not {bounds.shape} and {strict.shape}"
            )
        # Written so that a NaN anywhere fails too.
        if np.isnan(bounds).any() or not (bounds[:, :-1] <= bounds[:, 1:]).all():
            raise NetworkError("quantizer: each row of bounds must ascend")
        for name, array in (("bounds", bounds), ("strict", strict)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @property
    def neurons(self) -> int:
        return len(self.bounds)

    def levels(self, values: NDArray[np.float64]) -> NDArray[np.unsignedinteger]:
        """Levels of values (..., neurons), of the same shape, in the type of the codes."""
        level = np.zeros(values.shape, self.dtype.code_dtype)
        for bound, strict in zip(self.bounds.T, self.strict.tolist(), strict=True):
            # The infinities mean always and never, whatever the value is.
            level += np.where(np.isinf(bound), bound < 0, values > bound if strict else values >= bound)
        return level


def sign(neurons: int) -> Quantizer:
    """The sign: bipolar, +1 iff ``y >= 0``."""
    return Quantizer(DataType("bipolar", 1), np.zeros((neurons, 1)), np.zeros(1, np.bool_))


def standard_deviation(norm: BatchNorm) -> NDArray[np.float64]:
    """``sqrt(var + eps)`` in float64, both operations rounded, as PyTorch does on float64 tensors.

    Raises :class:`~bnnhw.errors.NetworkError` if ``var + eps`` overflows.
    """
    with np.errstate(over="ignore"):
        variance = norm.var + norm.eps
    if not np.isfinite(variance).all():
        raise NetworkError("batch norm: var + eps must be finite")
    return np.sqrt(variance)


def normalize(norm: BatchNorm, values: NDArray[np.integer] | NDArray[np.float64]) -> NDArray[np.float64]:
    """``gamma * (x - mean) / sqrt(var + eps) + beta`` in float64, in the order written.

    Parameters
    ----------
    norm : BatchNorm
    values : array (..., neurons)
    """
    with np.errstate(over="ignore", under="ignore"):
        return norm.gamma * (np.asarray(values, np.float64) - norm.mean) / standard_deviation(norm) + norm.beta


def falling(steps: tuple[Step, ...], neurons: int) -> NDArray[np.bool_]:
    """In which neurons a chain of steps falls: bool (neurons,). A chain that is constant counts as rising."""
    direction = np.ones(neurons)
    for step in steps:
        match step:
            case Scale():
                direction = direction * np.sign(step.factor)
            case Divide():
                direction = direction * np.sign(step.divisor)
            case BatchNorm():
                direction = direction * np.sign(step.gamma)
            case Shift() | Relu() | PRelu() | Clip() | Gap() | Curve() | Staircase():
                pass
            case _:
                assert_never(step)
    return direction < 0


def apply(steps: tuple[Step, ...], values: NDArray[np.integer] | NDArray[np.float64]) -> NDArray[np.float64]:
    """A chain of steps in float64, one after the other, on values (..., neurons)."""
    y = np.asarray(values, np.float64)
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        for step in steps:
            match step:
                case Scale():
                    y = y * step.factor
                case Divide():
                    y = y / step.divisor
                case Shift():
                    y = y + step.offset
                case BatchNorm():
                    y = normalize(step, y)
                case Relu():
                    y = np.maximum(y, 0.0)
                case PRelu():
                    y = np.where(y < 0, y * step.slope, y)
                case Clip():
                    y = np.minimum(np.maximum(y, step.low), step.high)
                case Gap():
                    y = step.apply(y)
                case Curve():
                    y = CURVES[step.name](y)
                case Staircase():
                    y = STAIRS[step.name](y)
                case _:
                    assert_never(step)
    return y

"""Steps that are monotone and no straight line: rectifiers, clips, and curves such as the hyperbolic tangent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import erf
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError
from bnnhw.ir.vectors import Vectors, finite, one_per_neuron

__all__ = ["CURVES", "STEEPEST", "Clip", "Curve", "PRelu", "Relu", "bend"]


@dataclass(frozen=True)
class Relu:
    """``y = max(x, 0)``."""


@dataclass(frozen=True, eq=False)
class PRelu(Vectors):
    """``y = x`` where ``x >= 0``, ``y = slope * x`` elsewhere, slope float64 (neurons,), not negative.

    A negative slope is refused: it makes a valley, and a level is then reached on both sides of it, which is an
    interval of accumulators and no threshold.

    Source: He et al., "Delving Deep into Rectifiers: Surpassing Human-Level Performance on ImageNet Classification",
    2015, eq. 1.
    """

    slope: NDArray[np.float64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "slope", finite("prelu: slope", self.slope))
        negative = np.flatnonzero(self.slope < 0)
        if len(negative):
            neuron = int(negative[0])
            raise NetworkError(
                f"prelu: slope must not be negative, since it then is not monotone, not {self.slope[neuron]} as in "
                f"neuron {neuron}"
            )


@dataclass(frozen=True, eq=False)
class Clip(Vectors):
    """``y = min(max(x, low), high)``, low and high float64 (neurons,), which may be infinite."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            object.__setattr__(self, name, one_per_neuron(f"clip: {name}", getattr(self, name)))
        if len(self.low) != len(self.high):
            raise NetworkError(
                f"clip: low and high must have the same length, not {len(self.low)} and {len(self.high)}"
            )
        wrong = np.flatnonzero((self.low > self.high) | (self.low == np.inf) | (self.high == -np.inf))
        if len(wrong):
            neuron = int(wrong[0])
            raise NetworkError(
                f"clip: low must be at most high, and something between them, not {self.low[neuron]} and "
                f"{self.high[neuron]} as in neuron {neuron}"
            )


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


def _elu(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(x >= 0, x, np.expm1(np.minimum(x, 0.0)))


CURVES: Mapping[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = MappingProxyType(
    {
        "elu": _elu,
        "erf": np.vectorize(erf, otypes=[np.float64]),
        "sigmoid": _sigmoid,
        "softplus": lambda x: np.logaddexp(0.0, x),
        "softsign": lambda x: x / (1.0 + np.abs(x)),
        "tanh": np.tanh,
    }
)
"""By name: strictly rising functions in float64; nowhere steeper than :data:`STEEPEST`."""

STEEPEST = 1.1284
"""The error function's slope at 0 is ``2 / sqrt(pi)``; no other curve's is more than 1."""


@dataclass(frozen=True)
class Curve:
    """A curve: tanh, sigmoid, erf, softsign, softplus, or elu, which is ``exp(x) - 1`` where x is negative, else x."""

    name: str

    def __post_init__(self) -> None:
        if self.name not in CURVES:
            raise NetworkError(f"curve: must be one of {', '.join(CURVES)}, not {self.name!r:.60}")


def bend(steps: tuple[object, ...]) -> str | None:
    """The name of the first step that is no straight line, in words; None if all are."""
    for step in steps:
        if isinstance(step, Curve):
            return step.name
        if isinstance(step, Relu | PRelu | Clip):
            return type(step).__name__
    return None

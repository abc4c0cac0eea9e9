"""Steps that are monotone and no straight line: rectifiers, clips and gaps; :mod:`bnnhw.ir.curves` has the curves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError
from bnnhw.ir.curves import Curve, Staircase
from bnnhw.ir.vectors import Vectors, finite, one_per_neuron

__all__ = ["Clip", "Gap", "PRelu", "Relu", "bend"]


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


@dataclass(frozen=True, eq=False)
class Gap(Vectors):
    """``y = x + below`` where ``x < low``, ``y = x + above`` where ``x > high``, 0 between them, ends included.

    All are float64 (neurons,); ``low`` and ``high`` may be infinite. It rises, ``low + below <= 0 <= high + above``.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    below: NDArray[np.float64]
    above: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name, check in (("low", one_per_neuron), ("high", one_per_neuron), ("below", finite), ("above", finite)):
            object.__setattr__(self, name, check(f"gap: {name}", getattr(self, name)))
        if len({len(array) for array in (self.low, self.high, self.below, self.above)}) > 1:
            raise NetworkError("gap: low, high, below and above must have the same length")
        rises = (self.low <= self.high) & (self.low + self.below <= 0) & (self.high + self.above >= 0)
        if not rises.all():
            raise NetworkError(f"gap: must rise, low + below <= 0 <= high + above, unlike neuron {rises.argmin()}")

    def apply(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """In float64, of values (..., neurons)."""
        return np.where(x < self.low, x + self.below, np.where(x > self.high, x + self.above, 0.0))


def bend(steps: tuple[object, ...]) -> str | None:
    """The name of the first step that is no straight line, in words; None if all are."""
    for step in steps:
        if isinstance(step, Curve | Staircase):
            return step.name
        if isinstance(step, Relu | PRelu | Clip | Gap):
            return type(step).__name__
    return None

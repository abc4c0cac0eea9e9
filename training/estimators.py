"""Straight-through estimators: what stands in for the derivative of the sign, which is 0 almost everywhere.

An estimator is a function from the sign's argument to that derivative, element by element. Frozen dataclasses, so that
a recipe can hold one and two equal ones compare equal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from bnnhw.errors import RequestError

__all__ = [
    "CLIPPED",
    "IDENTITY",
    "ESTIMATORS",
    "Clipped",
    "Estimator",
    "Identity",
    "Polynomial",
    "Rectified",
    "SwishSign",
    "find_estimator",
]

Estimator: TypeAlias = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Identity:
    """``1``: the gradient passes everywhere.

    Source: Bengio, Leonard and Courville, "Estimating or Propagating Gradients Through Stochastic Neurons for
    Conditional Computation", 2013, section 4 (after Hinton's lectures).
    """

    def __call__(self, x: Tensor) -> Tensor:
        return torch.ones_like(x)


@dataclass(frozen=True)
class Clipped:
    """``1`` where ``|x| <= 1``, else 0: the derivative of the hard tanh.

    Source: Courbariaux, Hubara et al., "Binarized Neural Networks", 2016, eq. 4, ``g_r = g_q * 1(|r| <= 1)``.
    """

    def __call__(self, x: Tensor) -> Tensor:
        return (x.abs() <= 1).to(x.dtype)


@dataclass(frozen=True)
class Polynomial:
    """``2 - 2 |x|`` where ``|x| < 1``, else 0: the derivative of a sign rounded by two parabolas.

    Source: Liu et al., "Bi-Real Net: Enhancing the Performance of 1-bit CNNs", 2018, eq. 7 (ApproxSign).
    """

    def __call__(self, x: Tensor) -> Tensor:
        return (2 - 2 * x.abs()).clamp(min=0)


@dataclass(frozen=True)
class SwishSign:
    """``beta * (2 - beta x tanh(beta x / 2)) / (1 + cosh(beta x))``: negative past ``|x| = 2.4 / beta``.

    The derivative of ``2 s (1 + beta x (1 - s)) - 1`` with ``s = 1 / (1 + exp(-beta x))``.

    Source: Darabi et al., "BNN+: Improved Binary Network Training", 2018, eq. 3.

    Parameters
    ----------
    beta : float
        Steepness; the paper starts from 5.
    """

    beta: float = 5.0

    def __call__(self, x: Tensor) -> Tensor:
        scaled = self.beta * x
        # 1 / (1 + cosh z) = 2 s (1 - s): without the overflow of cosh.
        s = torch.sigmoid(scaled)
        return self.beta * (2 - scaled * torch.tanh(scaled / 2)) * 2 * s * (1 - s)


@dataclass(frozen=True)
class Rectified:
    """ReSTE: the derivative of ``sign(x) |x|**(1 / power)``, ``|x|**(1 / power - 1) / power`` up to ``limit``, else 0.

    Within ``linear`` of 0, where that has no bound, it is the slope of the chord from 0, ``linear**(1 / power - 1)``.
    ``power`` 1 is :class:`Clipped` with another limit; the greater it is, the nearer the sign and the less stable.

    Source: Wu et al., "Estimator Meets Equilibrium Perspective: A Rectified Straight Through Estimator for Binary
    Neural Networks Training", 2023, section 3.2 and 3.3; limit 1.5 and linear 0.1 are theirs.
    """

    power: float = 3.0
    limit: float = 1.5
    linear: float = 0.1

    def __call__(self, x: Tensor) -> Tensor:
        magnitude = x.abs()
        exponent = 1 / self.power - 1
        slope = magnitude.clamp(min=self.linear) ** exponent / self.power
        slope = torch.where(magnitude <= self.linear, self.linear**exponent, slope)
        return torch.where(magnitude <= self.limit, slope, 0.0).to(x.dtype)


CLIPPED = Clipped()
IDENTITY = Identity()
"""The default."""

ESTIMATORS: dict[str, Estimator] = {
    "identity": Identity(),
    "clipped": CLIPPED,
    "polynomial": Polynomial(),
    "swish-sign": SwishSign(),
    "reste": Rectified(),
}


def find_estimator(name: str) -> Estimator:
    """The estimator of that name; :class:`~bnnhw.errors.RequestError` lists the known ones."""
    try:
        return ESTIMATORS[name]
    except KeyError:
        raise RequestError(f"estimator must be one of {', '.join(sorted(ESTIMATORS))}, not {name!r}") from None

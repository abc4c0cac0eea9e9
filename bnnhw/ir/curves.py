"""Rising functions of one number that are no straight lines, such as the hyperbolic tangent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import erf
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError

__all__ = ["CURVES", "DOMAINS", "STAIRS", "Curve", "Staircase", "domain"]

Function: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


def _elu(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(x >= 0, x, np.expm1(np.minimum(x, 0.0)))


def _softsign(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isinf(x), np.sign(x), x / (1.0 + np.abs(x)))


def _reciprocal(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(x == 0, np.inf, -1.0 / x)


INFINITY = float("inf")

DOMAINS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "acos": (-1.0, 1.0),
        "acosh": (1.0, INFINITY),
        "asin": (-1.0, 1.0),
        "atanh": (-1.0, 1.0),
        "cube": (-1e100, 1e100),
        "exp": (-INFINITY, 709.0),
        "log": (0.0, INFINITY),
        "reciprocal": (-INFINITY, 0.0),
        "sinh": (-709.0, 709.0),
        "sqrt": (0.0, INFINITY),
        "square": (0.0, 1e150),
    }
)
"""Where a curve is a number and rises, ends included; all numbers where it is not listed."""


def domain(name: str) -> tuple[float, float]:
    """The least and the greatest number that a curve takes."""
    return DOMAINS.get(name, (-INFINITY, INFINITY))


def _within(name: str, function: Function) -> Function:
    """The function of numbers of its domain; what lies beyond is taken for its end."""
    low, high = domain(name)
    return lambda x: function(np.clip(x, low, high))


CURVES: Mapping[str, Function] = MappingProxyType(
    {
        name: _within(name, function)
        for name, function in {
            "acos": lambda x: np.arccos(-x),
            "acosh": np.arccosh,
            "asin": np.arcsin,
            "asinh": np.arcsinh,
            "atan": np.arctan,
            "atanh": np.arctanh,
            "cube": lambda x: x * x * x,
            "elu": _elu,
            "erf": np.vectorize(erf, otypes=[np.float64]),
            "exp": np.exp,
            "log": np.log,
            "reciprocal": _reciprocal,
            "sigmoid": _sigmoid,
            "sinh": np.sinh,
            "softplus": lambda x: np.logaddexp(0.0, x),
            "softsign": _softsign,
            "sqrt": np.sqrt,
            "square": np.square,
            "tanh": np.tanh,
        }.items()
    }
)
"""By name: strictly rising functions in float64. What falls, ``acos`` and ``reciprocal``, is of the negated number."""


@dataclass(frozen=True)
class Curve:
    """A curve by its name; ``elu`` is ``exp(x) - 1`` where x is negative, else x, ``reciprocal`` is ``-1 / x``."""

    name: str

    def __post_init__(self) -> None:
        if self.name not in CURVES:
            raise NetworkError(f"curve: must be one of {', '.join(CURVES)}, not {self.name!r:.60}")


STAIRS: Mapping[str, Function] = MappingProxyType({"ceil": np.ceil, "floor": np.floor, "round": np.rint})
"""By name: functions to whole numbers, ``round`` to the nearest, ties to even ones."""


@dataclass(frozen=True)
class Staircase:
    """A number rounded to a whole one."""

    name: str

    def __post_init__(self) -> None:
        if self.name not in STAIRS:
            raise NetworkError(f"staircase: must be one of {', '.join(STAIRS)}, not {self.name!r:.60}")

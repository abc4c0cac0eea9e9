"""The curves of :mod:`bnnhw.ir.curves` on mpmath's numbers, written down a second time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath

FORMULAS: dict[str, Callable[[Any], Any]] = {
    "acos": lambda x: mpmath.acos(-x),
    "acosh": mpmath.acosh,
    "asin": mpmath.asin,
    "asinh": mpmath.asinh,
    "atan": mpmath.atan,
    "atanh": mpmath.atanh,
    "cube": lambda x: x**3,
    "elu": lambda x: x if x >= 0 else mpmath.expm1(x),
    "erf": mpmath.erf,
    "exp": mpmath.exp,
    "log": mpmath.log,
    "reciprocal": lambda x: -1 / x,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "sinh": mpmath.sinh,
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "softsign": lambda x: x / (1 + abs(x)),
    "sqrt": mpmath.sqrt,
    "square": lambda x: x * x,
    "tanh": mpmath.tanh,
}

INSIDE: dict[str, tuple[float, float]] = {
    "acos": (-1.0, 1.0),
    "acosh": (1.0, 1e9),
    "asin": (-1.0, 1.0),
    "atanh": (-0.9999, 0.9999),
    "exp": (-700.0, 700.0),
    "log": (2.0**-20, 1e9),
    "reciprocal": (-1e9, -(2.0**-20)),
    "sinh": (-700.0, 700.0),
    "sqrt": (0.0, 1e9),
    "square": (0.0, 1e9),
}
"""Numbers for which those that do not take all of them are finite."""

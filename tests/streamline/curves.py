"""The curves of :mod:`bnnhw.ir.bends` on mpmath's numbers, written down a second time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath

FORMULAS: dict[str, Callable[[Any], Any]] = {
    "elu": lambda x: x if x >= 0 else mpmath.expm1(x),
    "erf": mpmath.erf,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "softsign": lambda x: x / (1 + abs(x)),
    "tanh": mpmath.tanh,
}

"""Functions in front of a quantizer that are curves: by themselves, of the negated number, and powers."""

from __future__ import annotations

import numpy as np

from bnnhw.frontend.onnx.call import Call, handles
from bnnhw.frontend.onnx.reach import bounded
from bnnhw.frontend.onnx.stepped import add_step, stepped
from bnnhw.frontend.onnx.values import Integers, Product, Samples, Value
from bnnhw.ir.curves import Curve, domain
from bnnhw.ir.steps import Scale

__all__ = ["power"]


def _curved(call: Call, value: Samples | Product | Integers, name: str) -> Samples | Product | Integers:
    """A curve of numbers that lie where it is defined."""
    return add_step(call, bounded(call, value, *domain(name)), Curve(name))


def _negated(call: Call, value: Samples | Product | Integers) -> Samples | Product | Integers:
    """The same with its sign turned."""
    return add_step(call, value, Scale(np.full(value.neurons, -1.0)))


@handles(
    *("Asin", "Asinh", "Acosh", "Atan", "Atanh", "Erf", "Exp", "Log", "Sigmoid", "Sinh"),
    *("Softplus", "Softsign", "Sqrt", "Tanh"),
    samples=True,
)
def _curve(call: Call) -> Value:
    """A curve by itself."""
    return _curved(call, stepped(call), call.node.kind.lower())


@handles("Neg", samples=True)
def _neg(call: Call) -> Value:
    """Every number with its sign turned."""
    return _negated(call, stepped(call))


def _of_negated(call: Call, value: Samples | Product | Integers, name: str) -> Value:
    low, high = domain(name)
    return add_step(call, _negated(call, bounded(call, value, -high, -low)), Curve(name))


@handles("Acos", "Reciprocal", samples=True)
def _falling(call: Call) -> Value:
    """A curve that falls, which one of the negated number rises."""
    return _of_negated(call, stepped(call), call.node.kind.lower())


def power(call: Call, value: Samples | Product | Integers, exponent: float) -> Value:
    """A number to a power that never falls where it is defined, or never rises."""
    match exponent:
        case 1:
            return value
        case 2:
            return _curved(call, value, "square")
        case 3:
            return _curved(call, value, "cube")
        case 0.5:
            return _curved(call, value, "sqrt")
        case -1:
            return _of_negated(call, value, "reciprocal")
        case _:
            raise call.unsupported(f"its exponent must be 1, 2, 3, 0.5 or -1, not {exponent!r}")


@handles("Pow", samples=True)
def _pow(call: Call) -> Value:
    """To a constant power."""
    return power(call, stepped(call), call.scalar(1, "exponent"))

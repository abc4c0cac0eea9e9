"""Functions in front of a quantizer that are no straight lines: rectifiers, and those that are refused."""

from __future__ import annotations

import numpy as np

from bnnhw.frontend.onnx.call import Call, handles
from bnnhw.frontend.onnx.samples import grouped
from bnnhw.frontend.onnx.stepped import add_step, stepped
from bnnhw.frontend.onnx.values import Samples, Value
from bnnhw.ir.steps import Clip, Curve, Divide, Gap, PRelu, Relu, Scale, Shift, Step

__all__: list[str] = []


def _attribute(call: Call, name: str, default: float) -> float:
    """A float attribute; ONNX's are float32, their defaults too."""
    return call.attribute(name, float(np.float32(default)))


@handles("Relu", samples=True)
def _relu(call: Call) -> Value:
    """The greater of 0 and the number."""
    return add_step(call, stepped(call), Relu())


@handles("PRelu", samples=True)
def _prelu(call: Call) -> Value:
    """A slope for all neurons or channels, or one for each."""
    value = stepped(call)
    if isinstance(value, Samples):
        value, (slope,) = grouped(call, value, (1, "slope"))
        return add_step(call, value, PRelu(slope))
    return add_step(call, value, PRelu(call.channels(1, "slope", value.neurons, value.index)))


@handles("LeakyRelu", samples=True)
def _leaky_relu(call: Call) -> Value:
    """One slope."""
    value = stepped(call)
    return add_step(call, value, PRelu(np.full(value.neurons, _attribute(call, "alpha", 0.01))))


def _bent(call: Call, neurons: int, alpha: float) -> tuple[Step, ...]:
    """``x`` where it is positive, else ``alpha * (exp(x) - 1)``."""
    if alpha < 0:
        raise call.unsupported(f"its alpha must not be negative, since it then is not monotone, not {alpha!r}")
    return (Curve("elu"), *((PRelu(np.full(neurons, alpha)),) if alpha != 1 else ()))


@handles("Elu", samples=True)
def _elu(call: Call) -> Value:
    """An exponential below 0."""
    value = stepped(call)
    return add_step(call, value, *_bent(call, value.neurons, _attribute(call, "alpha", 1.0)))


@handles("Selu", samples=True)
def _selu(call: Call) -> Value:
    """The same times a factor."""
    value = stepped(call)
    alpha, gamma = _attribute(call, "alpha", 1.67326319217681884765625), _attribute(call, "gamma", 1.0507010221481323)
    return add_step(call, value, *_bent(call, value.neurons, alpha), Scale(np.full(value.neurons, gamma)))


@handles("Celu", samples=True)
def _celu(call: Call) -> Value:
    """The same of a slope of 1 everywhere at 0."""
    value = stepped(call)
    alpha = _attribute(call, "alpha", 1.0)
    if alpha <= 0:
        raise call.unsupported(f"its alpha must be positive, since it then is not monotone, not {alpha!r}")
    column = np.full(value.neurons, alpha)
    return add_step(call, value, *((Curve("elu"),) if alpha == 1 else (Divide(column), Curve("elu"), Scale(column))))


@handles("HardSigmoid", samples=True)
def _hard_sigmoid(call: Call) -> Value:
    """A line between 0 and 1."""
    value = stepped(call)
    alpha, beta = _attribute(call, "alpha", 0.2), _attribute(call, "beta", 0.5)
    ones = np.ones(value.neurons)
    return add_step(call, value, Scale(alpha * ones), Shift(beta * ones), Clip(0 * ones, ones))


@handles("ThresholdedRelu", samples=True)
def _thresholded_relu(call: Call) -> Value:
    """0 up to a number, above it the number itself."""
    value, alpha = stepped(call), _attribute(call, "alpha", 1.0)
    if alpha < 0:
        raise call.unsupported(f"its alpha must not be negative, since it then is not monotone, not {alpha!r}")
    ones = np.ones(value.neurons)
    return add_step(call, value, Gap(-np.inf * ones, alpha * ones, 0 * ones, 0 * ones))


@handles("Shrink", samples=True)
def _shrink(call: Call) -> Value:
    """0 in the middle, beyond it nearer to 0 by a number."""
    value, lambd, bias = stepped(call), _attribute(call, "lambd", 0.5), _attribute(call, "bias", 0.0)
    if lambd < 0 or bias > lambd:
        raise call.unsupported(
            f"its lambd must not be negative, and its bias at most its lambd, since it then is not monotone, not "
            f"{lambd!r} and {bias!r}"
        )
    ones = np.ones(value.neurons)
    return add_step(call, value, Gap(-lambd * ones, lambd * ones, bias * ones, -bias * ones))


_VALLEYS = {
    "Abs": "the absolute value",
    "Cos": "a cosine",
    "Cosh": "a hyperbolic cosine",
    "Gelu": "a Gelu",
    "HardSwish": "a hard swish",
    "Mish": "a Mish",
    "Sin": "a sine",
    "Swish": "a swish",
    "Tan": "a tangent",
}
"""What falls here and rises there."""


@handles(*_VALLEYS)
def _valley(call: Call) -> Value:
    """Refused: a level would be reached on both sides of a valley."""
    raise call.unsupported(
        f"{_VALLEYS[call.node.kind]} is not monotone, so that no threshold says where a level is reached: train with "
        "Relu, Hardtanh or another function that never falls"
    )

"""What each node of a QONNX graph does to the values that it reads: one small function per operator.

To support another operator, write a function from :class:`Call` to a value and register it. A handler
refuses, by node and reason, whatever it can't convert exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import UnsupportedError
from bnnhw.frontend.onnx_graph import Node
from bnnhw.frontend.values import Constant, Elements, Normalized, Product, Samples, Value, Weights, kind_of
from bnnhw.ir.bits import BitMatrix
from bnnhw.ir.layers import BatchNorm, Dense, WeightPlane, batch_norm_sign
from bnnhw.ir.types import MAX_BITS, DataType, InputSpec

__all__ = ["HANDLERS", "Call", "Handler"]

ONNX_DOMAINS = ("", "ai.onnx")
QUANT_DOMAINS = ("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas")
"""QONNX's quantizers, under the names that they had over time."""

BIPOLAR = DataType("bipolar", 1)

DEFAULT_EPSILON = float(np.float32(1e-5))
"""ONNX's default for BatchNormalization; attributes are float32."""

_V = TypeVar("_V", bound=Constant | Samples | Elements | Weights | Product | Normalized)


@dataclass(frozen=True)
class Call:
    """A node together with the values that it reads."""

    node: Node
    inputs: tuple[Value | None, ...]

    def unsupported(self, reason: str) -> UnsupportedError:
        """The error that this node can't be converted, to raise."""
        return UnsupportedError(f"{self.node}: {reason}")

    def input(self, index: int) -> Value | None:
        """An input's value; None if it is omitted."""
        return self.inputs[index] if index < len(self.inputs) else None

    def take(self, index: int, what: str, *kinds: type[_V]) -> _V:
        """An input that must be of one of some kinds; ``what`` names it in the error."""
        value = self.input(index)
        if not isinstance(value, kinds):
            expected = " or ".join(kind_of(kind) for kind in kinds)
            raise self.unsupported(f"its {what} must be {expected}, not {kind_of(value)}")
        return value

    def scalar(self, index: int, what: str) -> float:
        """An input that must be a constant of one value."""
        array = self.take(index, what, Constant).array
        if array.size != 1:
            raise self.unsupported(f"its {what} must be a single value, not of shape {array.shape}")
        return float(array.reshape(()))

    def require(self, what: str, value: Any, *allowed: Any) -> None:
        """Refuse a parameter that is not one of some values."""
        if value not in allowed:
            raise self.unsupported(f"its {what} must be {' or '.join(map(str, allowed))}, not {value!r:.60}")

    def attribute(self, name: str, default: Any) -> Any:
        """An attribute, of the type of its default."""
        value = self.node.attributes.get(name, default)
        if type(value) is not type(default):
            raise self.unsupported(f"its {name} must be of type {type(default).__name__}, not {value!r:.60}")
        return value


@dataclass(frozen=True)
class Handler:
    """A conversion, and the operator domains that it is for."""

    convert: Callable[[Call], Value]
    domains: tuple[str, ...]


HANDLERS: dict[str, Handler] = {}


def _handles(*kinds: str, domains: tuple[str, ...] = ONNX_DOMAINS) -> Callable[..., Callable[[Call], Value]]:
    def register(convert: Callable[[Call], Value]) -> Callable[[Call], Value]:
        HANDLERS.update(dict.fromkeys(kinds, Handler(convert, domains)))
        return convert

    return register


@_handles("BipolarQuant", domains=QUANT_DOMAINS)
def _bipolar_quant(call: Call) -> Value:
    """-1 below 0, otherwise +1: of latent weights, raw samples, products and normalized products."""
    call.require("scale", call.scalar(1, "scale"), 1.0)
    value = call.take(0, "input", Constant, Samples, Product, Normalized)
    if isinstance(value, Constant):
        if value.array.ndim != 2 or not value.array.size:
            raise call.unsupported(f"weights must have 2 dimensions and no size of 0, not shape {value.array.shape}")
        bits = BitMatrix.from_bits(value.array.T >= 0)
        return Weights((WeightPlane(1, bits),), transposed=False)
    if isinstance(value, Samples):
        # raw - shift >= 0 in floating point iff raw >= shift: a difference is 0 only between equals.
        return Elements(BIPOLAR, value.shape, InputSpec(value.frame, BIPOLAR, (value.shift,)), ())
    if isinstance(value, Product):
        ones, zeros = np.ones(value.layer.neurons), np.zeros(value.layer.neurons)
        value = Normalized(value, BatchNorm(ones, zeros, zeros, ones, 0.0))
    layer = replace(value.product.layer, activation=batch_norm_sign(value.norm))
    before = value.product.elements
    return Elements(BIPOLAR, (layer.neurons,), before.input, (*before.layers, layer))


@_handles("Quant", domains=QUANT_DOMAINS)
def _quant(call: Call) -> Value:
    """floor(raw), clipped to an integer type: the quantizer of raw samples."""
    value = call.take(0, "input", Samples)
    call.require("scale", call.scalar(1, "scale"), 1.0)
    call.require("zeropt", call.scalar(2, "zeropt"), 0.0)
    call.require("shift", value.shift, 0.0)
    bits = call.scalar(3, "bitwidth")
    signed = call.attribute("signed", 1)
    call.require("signed", signed, 0, 1)
    call.require("narrow", call.attribute("narrow", 0), 0)
    call.require("rounding_mode", call.attribute("rounding_mode", "ROUND"), "FLOOR")
    if not bits.is_integer() or not 1 + signed <= bits <= MAX_BITS:
        raise call.unsupported(f"its bitwidth must be a whole number in {1 + signed}..{MAX_BITS}, not {bits}")
    dtype = DataType("int" if signed else "uint", int(bits))
    thresholds = tuple(map(float, range(dtype.minimum + 1, dtype.maximum + 1)))
    return Elements(dtype, value.shape, InputSpec(value.frame, dtype, thresholds), ())


@_handles("Sub")
def _sub(call: Call) -> Value:
    """Raw samples less a threshold."""
    samples = call.take(0, "input", Samples)
    call.require("second subtraction of raw samples", samples.shift, 0.0)
    return replace(samples, shift=call.scalar(1, "subtrahend"))


@_handles("BatchNormalization")
def _batch_normalization(call: Call) -> Value:
    """As in inference, on the product of a layer."""
    product = call.take(0, "input", Product)
    call.require("training_mode", call.attribute("training_mode", 0), 0)
    columns = []
    for index, what in enumerate(("gamma", "beta", "mean", "variance"), 1):
        array = call.take(index, what, Constant).array
        if array.shape != (product.layer.neurons,):
            raise call.unsupported(f"its {what} must have shape ({product.layer.neurons},), not {array.shape}")
        columns.append(array.astype(np.float64))
    gamma, beta, mean, variance = columns
    return Normalized(product, BatchNorm(gamma, beta, mean, variance, call.attribute("epsilon", DEFAULT_EPSILON)))


def _product(call: Call, transposed: bool) -> Product:
    elements, weights = call.take(0, "first input", Elements), call.take(1, "second input", Weights)
    if len(elements.shape) != 1:
        raise call.unsupported(f"its first input must be flattened, not of shape {elements.shape}")
    planes = weights.planes
    if weights.transposed != transposed:
        planes = tuple(WeightPlane(p.coefficient, BitMatrix.from_bits(p.bits.bits().T)) for p in planes)
    layer = Dense(f"dense{len(elements.layers)}", elements.dtype, planes, None)
    if layer.synapses != elements.shape[0]:
        raise call.unsupported(f"its weights must take {elements.shape[0]} inputs, not {layer.synapses}")
    return Product(elements, layer)


@_handles("MatMul")
def _matmul(call: Call) -> Value:
    """Elements times weights, (synapses, neurons)."""
    return _product(call, transposed=False)


@_handles("Gemm")
def _gemm(call: Call) -> Value:
    """Elements times weights, without a bias other than 0."""
    call.require("alpha", call.attribute("alpha", 1.0), 1.0)
    call.require("transA", call.attribute("transA", 0), 0)
    transposed = call.attribute("transB", 0)
    call.require("transB", transposed, 0, 1)
    if call.input(2) is not None and call.take(2, "bias", Constant).array.any():
        raise call.unsupported("its bias must be 0: move it into the mean of the batch normalization")
    return _product(call, bool(transposed))


@_handles("Transpose")
def _transpose(call: Call) -> Value:
    """Of a matrix of weights or constants."""
    value = call.take(0, "input", Constant, Weights)
    call.require("perm", call.attribute("perm", (1, 0)), (1, 0))
    if isinstance(value, Weights):
        return replace(value, transposed=not value.transposed)
    if value.array.ndim != 2:
        raise call.unsupported(f"its input must have 2 dimensions, not {value.array.ndim}")
    return Constant(value.array.T)


def _flat(call: Call, value: Samples | Elements) -> Value:
    # A frame's elements enter channel fastest, a flattened graph's channel slowest: the same for one channel.
    if len(value.shape) == 3 and value.shape[0] != 1:
        raise call.unsupported(f"only samples of one channel can be flattened, not of {value.shape[0]}")
    return replace(value, shape=(math.prod(value.shape),))


@_handles("Flatten")
def _flatten(call: Call) -> Value:
    """To (batch, elements)."""
    call.require("axis", call.attribute("axis", 1), 1)
    return _flat(call, call.take(0, "input", Samples, Elements))


@_handles("Reshape")
def _reshape(call: Call) -> Value:
    """To (batch, elements)."""
    value = call.take(0, "input", Samples, Elements)
    target: NDArray[Any] = call.take(1, "shape", Constant).array
    size = math.prod(value.shape)
    if target.shape != (2,) or target.tolist() not in ([-1, size], [1, size], [0, size], [1, -1], [0, -1]):
        raise call.unsupported(f"its shape must be (batch, {size}), not {str(target.tolist())[:60]}")
    return _flat(call, value)


@_handles("Identity")
def _identity(call: Call) -> Value:
    return call.take(0, "input", Constant, Samples, Elements, Weights, Product, Normalized)


@_handles("Constant")
def _constant(call: Call) -> Value:
    value = call.node.attributes.get("value")
    if not isinstance(value, np.ndarray):
        raise call.unsupported("its value must be a tensor")
    return Constant(value)

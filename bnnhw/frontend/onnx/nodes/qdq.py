"""ONNX's own quantizers: ``QuantizeLinear`` and ``DequantizeLinear``, and a ``Clip`` between them for fewer bits.

``QuantizeLinear`` gives the integer ``clip(round(x / scale) + zero_point, low, high)``, rounded half to even, of the
type of its zero point; ``DequantizeLinear`` gives ``(q - zero_point) * scale``. Both have one scale and zero point, or
one for each place of an axis. Weights are integers from the file, or quantized in the graph's own arithmetic.

A zero point is added behind the rounding here and before it in QONNX's ``Quant``: the two differ where it is odd and a
number lies half way.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
import onnx
from numpy.typing import NDArray

from bnnhw.frontend.onnx.call import Call, handles
from bnnhw.frontend.onnx.levels import element_type, quant_bounds
from bnnhw.frontend.onnx.nodes.quant import Meaning, quantize
from bnnhw.frontend.onnx.samples import parted
from bnnhw.frontend.onnx.stepped import add_step
from bnnhw.frontend.onnx.streams import as_integers
from bnnhw.frontend.onnx.tensors import INTEGERS, is_whole, type_word
from bnnhw.frontend.onnx.values import Constant, Elements, Integers, Product, Samples, Value, Weights
from bnnhw.ir.steps import Scale, Shift
from bnnhw.ir.types import MAX_PLANES, narrowest

__all__: list[str] = []

_Quantized = TypeVar("_Quantized", bound=Samples | Product | Integers | Elements)

MAX_WHOLE = (1 << 15) - 1
"""Greatest weight behind its zero point: what 8 bits and a zero point of 8 bits can be, and more."""


def _output_type(call: Call) -> int:
    """The type that a QuantizeLinear gives: its zero point's, or what an attribute says, or uint8."""
    stated = call.attribute("output_dtype", 0)
    if call.input(2) is not None:
        zero = call.take(2, "zero point", Constant).array
        return int(onnx.helper.np_dtype_to_tensor_dtype(zero.dtype))
    return stated or int(onnx.TensorProto.UINT8)


def _places(call: Call, value: Samples | Product | Integers | Elements, index: int, what: str) -> NDArray[np.float64]:
    """A parameter of a quantizer of a tensor: one value, or one per channel; of samples, as they are laid out."""
    array = call.constant(index, what)
    if array.size == 1:
        return array.reshape(1)
    if call.attribute("block_size", 0):
        raise call.unsupported("its block_size must be left out: quantize by tensor or by channel")
    rank = 1 + value.index.ndim
    axis = call.attribute("axis", 1)
    axis += rank if axis < 0 else 0
    if array.ndim != 1 or not 1 <= axis < rank or len(array) != value.index.shape[axis - 1]:
        raise call.unsupported(
            f"its {what} must be a single value, or one per channel along its axis, not of shape {array.shape} along "
            f"axis {axis}"
        )
    column = array.reshape(-1, *[1] * (rank - 1 - axis))
    if isinstance(value, Samples):
        return np.broadcast_to(column, value.index.shape)
    return call.spread(column, what, value.neurons, value.index)


def _parameters(call: Call, value: _Quantized) -> tuple[_Quantized, list[Fraction], list[Fraction]]:
    """Scales and zero points, as many of both: one, or one per channel; samples in groups that have one of each."""
    scales = _places(call, value, 1, "scale")
    if not (scales > 0).all():
        raise call.unsupported("its scale must be positive")
    zeros = _places(call, value, 2, "zero point") if call.input(2) is not None else np.zeros(1)
    if isinstance(value, Samples):
        value, (scales, zeros) = parted(call, value, scales, zeros)
    scales, zeros = np.broadcast_arrays(scales, zeros)
    if len(set(scales.tolist())) == len(set(zeros.tolist())) == 1:
        scales, zeros = scales[:1], zeros[:1]
    return value, [Fraction(s) for s in scales.tolist()], [Fraction(z) for z in zeros.tolist()]


@handles("QuantizeLinear", samples=True)
def _quantize_linear(call: Call) -> Value:
    """Integers of at most 8 bits, of raw samples, products or elements."""
    value = call.take(0, "input", Samples, Product, Integers, Elements)
    value = as_integers(call, value) if isinstance(value, Elements) else value
    kind = INTEGERS.get(_output_type(call))
    if kind is None or kind.bits > MAX_PLANES:
        word = type_word(_output_type(call))
        raise call.unsupported(f"it must quantize to integers of at most {MAX_PLANES} bits, not {word}")
    value, scales, zeros = _parameters(call, value)
    low, high = kind.minimum, kind.maximum
    least, most = low - int(max(zeros)), high - int(min(zeros))
    if len({int(zero) % 2 for zero in zeros}) == 1:
        # Halves are rounded alike in all channels, level by level.
        bounds = [
            quant_bounds(low - int(zero), high - int(zero), scale, Fraction(0), "ROUND")
            for scale, zero in zip(scales, zeros, strict=True)
        ]
        rows = [bound.values for bound in bounds]
        meaning = Meaning([Fraction(1)], [Fraction(0)])
        return quantize(call, value, element_type(low, high), low, rows, bounds[0].strict, meaning)
    if narrowest(least, most)[0] > MAX_PLANES:
        raise call.unsupported(
            f"its zero points, {int(min(zeros))} to {int(max(zeros))}, differ by channel: quantize activations with "
            "one zero point"
        )
    # Levels of all channels count from the zero point; those that a channel has not are reached always or never.
    every = [quant_bounds(least, most, scale, Fraction(0), "ROUND") for scale in scales]
    filled: list[tuple[Fraction | float, ...]] = []
    for bound, zero in zip(every, zeros, strict=True):
        below, above = low - int(zero) - least, most - high + int(zero)
        filled.append((*[-np.inf] * below, *bound.values[below : most - least - above], *[np.inf] * above))
    meaning = Meaning([Fraction(1)] * len(zeros), zeros)
    return quantize(call, value, element_type(least, most), least, filled, every[0].strict, meaning)


@handles("DequantizeLinear", constants=True, samples=True)
def _dequantize_linear(call: Call) -> Value:
    """The numbers that integers stand for: weights and biases from the file, elements behind a QuantizeLinear."""
    value = call.take(0, "input", Constant, Samples, Product, Integers, Elements)
    if isinstance(value, Constant):
        return _constants(call, value.array)
    value, scales, zeros = _parameters(call, value)
    if isinstance(value, Elements) and len(scales) == 1:
        scale = call.fraction("scale", value.scale * scales[0])
        offset = call.fraction("offset", (value.offset - zeros[0]) * scales[0])
        return replace(value, scale=scale, offset=offset)
    value = as_integers(call, value) if isinstance(value, Elements) else value
    every = [np.broadcast_to(np.array([float(f) for f in part]), value.neurons) for part in (zeros, scales)]
    return add_step(call, value, Shift(-every[0]), Scale(every[1]))


def _along(call: Call, array: NDArray[Any], parameter: NDArray[Any], what: str) -> NDArray[Any]:
    """A parameter of constants, of as many dimensions as they have, each 1 or theirs."""
    if parameter.size == 1:
        return parameter.reshape((1,) * array.ndim)
    if call.attribute("block_size", 0):
        raise call.unsupported("its block_size must be left out: quantize weights by tensor or by channel")
    axis = call.attribute("axis", 1)
    axis += array.ndim if axis < 0 else 0
    if not 0 <= axis < array.ndim or parameter.shape != array.shape[axis : axis + 1]:
        raise call.unsupported(
            f"its {what} must be a single value, or one per place of axis {axis} of {array.shape}, not of shape "
            f"{parameter.shape}"
        )
    return parameter.reshape([-1 if place == axis else 1 for place in range(array.ndim)])


def _constants(call: Call, array: NDArray[Any]) -> Weights | Constant:
    if not is_whole(array):
        raise call.unsupported(f"its input must be integers, not {array.dtype}")
    scale = _along(call, array, call.constant(1, "scale"), "scale")
    if not (scale > 0).all():
        raise call.unsupported("its scale must be positive")
    whole = array.astype(np.int64)
    if call.input(2) is not None:
        zeros = call.take(2, "zero point", Constant).array
        if not is_whole(zeros):
            raise call.unsupported(f"its zero point must be an integer, not {zeros.dtype}")
        whole = whole - _along(call, array, zeros.astype(np.int64), "zero point")
    if 2 <= array.ndim <= 4 and array.size and np.abs(whole).max() <= MAX_WHOLE:
        return Weights(whole.astype(np.int16), scale)
    numbers = whole * scale
    # 29 bits of an integer times the 24 of a float32 are exact in float64.
    if array.size and np.abs(whole).max() >= 1 << 29:
        exact = [
            call.exact("output", Fraction(w) * Fraction(s))
            for w, s in zip(whole.ravel().tolist(), np.broadcast_to(scale, whole.shape).ravel().tolist(), strict=True)
        ]
        numbers = np.array(exact).reshape(whole.shape)
    return Constant(numbers)

"""Affine operators: on raw samples, elements, weights, products and constants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bnnhw.frontend.onnx.branches import add_branches
from bnnhw.frontend.onnx.call import Call, handles
from bnnhw.frontend.onnx.fold import fold
from bnnhw.frontend.onnx.lookups import shifted
from bnnhw.frontend.onnx.nodes.curves import power
from bnnhw.frontend.onnx.samples import as_stated, grouped, parted
from bnnhw.frontend.onnx.stepped import add_step, stepped
from bnnhw.frontend.onnx.streams import as_integers
from bnnhw.frontend.onnx.values import (
    Addressed,
    Constant,
    Elements,
    Integers,
    Product,
    Samples,
    Streamed,
    Value,
    Weights,
)
from bnnhw.ir.steps import BatchNorm, Divide, Scale, Shift, Step

__all__: list[str] = []

DEFAULT_EPSILON = float(np.float32(1e-5))
"""ONNX's default for BatchNormalization; attributes are float32."""

NORM = ("gamma", "beta", "mean", "variance")
"""A batch norm's parameters, in the order of its inputs."""

STEPS: dict[str, Callable[[NDArray[np.float64], bool], tuple[Step, ...]]] = {
    "Add": lambda array, _: (Shift(array),),
    "Sub": lambda array, reverse: (Scale(np.full(array.shape, -1.0)), Shift(array)) if reverse else (Shift(-array),),
    "Mul": lambda array, _: (Scale(array),),
    "Div": lambda array, _: (Divide(array),),
}
"""By operator: the steps that it is with a constant, which may be the first of its two inputs."""

RATIONAL: dict[str, Callable[[Fraction, Fraction, Fraction, bool], tuple[Fraction, Fraction]]] = {
    "Add": lambda scale, offset, number, _: (scale, offset + number),
    "Sub": lambda scale, offset, number, reverse: (-scale, number - offset) if reverse else (scale, offset - number),
    "Mul": lambda scale, offset, number, _: (scale * number, offset * number),
    "Div": lambda scale, offset, number, _: (scale / number, offset / number),
}
"""By operator: what becomes of ``scale * x + offset``."""


def _rational(call: Call, value: Elements, number: Fraction, reverse: bool) -> Elements:
    """All elements alike."""
    if call.node.kind == "Div" and not number:
        raise call.unsupported("its divisor must not be 0")
    scale, offset = RATIONAL[call.node.kind](value.scale, value.offset, number, reverse)
    if not scale:
        raise call.unsupported("its factor must not be 0")
    return replace(value, scale=call.fraction("scale", scale), offset=call.fraction("offset", offset))


def _weights(call: Call, weights: Weights, reverse: bool) -> Value:
    """Weights times a scale of rows or of columns; by anything else, the numbers that they then are."""
    array = call.constant(0 if reverse else 1, "factor")
    rank = weights.values.ndim
    array = array.reshape((1,) * (rank - array.ndim) + array.shape) if array.ndim < rank else array
    if array.ndim != rank or any(s not in (1, n) for s, n in zip(array.shape, weights.values.shape, strict=True)):
        raise call.unsupported(f"its factor must fit weights of shape {weights.values.shape}, not {array.shape}")
    scaled = np.broadcast_shapes(array.shape, weights.scale.shape)
    if sum(size > 1 for size in scaled) > 1 or not array.all() or (reverse and call.node.kind == "Div"):
        return fold(call)
    scale, factor = (a.astype(object) for a in np.broadcast_arrays(weights.scale, array))
    exact = [
        Fraction(s) * Fraction(f) if call.node.kind == "Mul" else Fraction(s) / Fraction(f)
        for s, f in zip(scale.ravel().tolist(), factor.ravel().tolist(), strict=True)
    ]
    return replace(weights, scale=np.array([call.exact("scale", e) for e in exact]).reshape(scale.shape))


def _on_samples(call: Call, samples: Samples, place: int, reverse: bool) -> Samples:
    """With a constant that may differ between samples."""
    samples, (array,) = grouped(call, samples, (place, "other input"))
    if call.node.kind == "Div" and not array.all():
        raise call.unsupported(
            "its divisor must not be 0: samples that never vary have no deviation, divide them by 1 or leave them out"
        )
    if call.node.kind == "Mul" and not array.any():
        raise call.unsupported("its factor must not be 0")
    return add_step(call, samples, *STEPS[call.node.kind](array, reverse))


@handles("Add", "Sub", samples=True)
def _add(call: Call) -> Value:
    """The sum or difference of two branches, or of a tensor and a constant."""
    if any(isinstance(value, Addressed) for value in call.inputs):
        return shifted(call)
    if not any(isinstance(value, Constant) for value in call.inputs):
        call = replace(call, inputs=tuple(as_stated(call, v) if isinstance(v, Samples) else v for v in call.inputs))
    first, second = call.input(0), call.input(1)
    if isinstance(first, Streamed) and isinstance(second, Streamed):
        return add_branches(call, first, second, -1 if call.node.kind == "Sub" else 1)
    return _affine(call)


@handles("Mul", "Div", weights=True, samples=True)
def _affine(call: Call) -> Value:
    """With a constant: a single value, or one per neuron or channel."""
    if call.node.kind == "Mul" and len(call.node.inputs) == 2 and len(set(call.node.inputs)) == 1:
        return power(call, stepped(call), 2)
    if all(isinstance(call.input(place), Streamed) for place in (0, 1)):
        what = "product" if call.node.kind == "Mul" else "quotient"
        raise call.unsupported(
            f"the {what} of two branches is no sum of inputs and not monotone in one, as in a SiLU or a gate: train "
            "with Relu, Hardtanh or another function that never falls, and without gates"
        )
    first = call.input(0)
    reverse = isinstance(first, Constant) or (
        isinstance(first, Weights) and isinstance(call.input(1), Streamed | Samples)
    )
    place = 0 if reverse else 1
    value = call.take(1 - place, "input", Samples, Elements, Weights, Product, Integers)
    other = call.take(place, "other input", Constant)
    if isinstance(value, Weights):
        return _weights(call, value, reverse)
    if reverse and call.node.kind == "Div":
        raise call.unsupported(
            "its divisor must be a constant: only scores and elements can be divided, and by a constant"
        )
    vanishes = call.node.kind == "Mul" and not other.array.any()
    if isinstance(value, Samples) and vanishes:
        # Integers are elements, of which a factor of 0 makes a constant.
        value = as_stated(call, value)
    if isinstance(value, Samples):
        return _on_samples(call, value, place, reverse)
    if isinstance(value, Elements) and (other.array.size > 1 or vanishes):
        value = as_integers(call, value)
    if isinstance(value, Product | Integers):
        array = call.channels(place, "other input", value.neurons, value.index)
        return add_step(call, value, *STEPS[call.node.kind](array, reverse))
    return _rational(call, value, Fraction(call.scalar(place, "other input")), reverse)


@handles("BatchNormalization", samples=True)
def _batch_normalization(call: Call) -> Value:
    """As in inference, channel by channel."""
    product = stepped(call)
    call.require("training_mode", call.attribute("training_mode", 0), 0)
    columns = []
    index = product.index
    if not index.ndim:
        raise call.unsupported("its input must have channels behind the batch")
    for place, what in enumerate(NORM, 1):
        array = call.constant(place, what)
        if array.shape != index.shape[:1]:
            raise call.unsupported(f"its {what} must have shape ({len(index)},), not {array.shape}")
        rows = np.broadcast_to(array.reshape(-1, *[1] * (index.ndim - 1)), index.shape)
        if isinstance(product, Samples):
            columns.append(rows)
            continue
        column = np.empty(product.neurons)
        column[index % product.neurons] = rows
        if (column[index % product.neurons] != rows).any():
            raise call.unsupported(f"its {what} must be one per channel ({product.neurons})")
        columns.append(column)
    if isinstance(product, Samples):
        product, columns = parted(call, product, *columns)
    gamma, beta, mean, variance = columns
    norm = BatchNorm(gamma, beta, mean, variance, call.attribute("epsilon", DEFAULT_EPSILON))
    return add_step(call, product, norm)

"""Matrix products."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bnnhw.frontend.onnx.call import Call, handles
from bnnhw.frontend.onnx.nodes.affine import add_step
from bnnhw.frontend.onnx.planes import weight_planes
from bnnhw.frontend.onnx.streams import affine_steps, as_elements, check_planes
from bnnhw.frontend.onnx.values import Constant, Elements, Product, Value, Weights
from bnnhw.ir.layers import Dense
from bnnhw.ir.steps import Scale, Shift, Step

__all__ = ["product_steps", "whole_weights"]

MAX_WEIGHT = 255


def whole_weights(call: Call, rank: int) -> Weights:
    """Quantized weights, the second input; a constant of small whole numbers needs no quantizer."""
    value = call.take(1, "second input", Weights, Constant)
    if isinstance(value, Weights):
        return value
    array = value.array
    whole = (
        array.ndim == rank and array.size and (np.abs(array) <= MAX_WEIGHT).all() and (array == np.rint(array)).all()
    )
    if not whole:
        what = "a matrix" if rank == 2 else "an array"
        raise call.unsupported(f"its second input must be quantized weights, or {what} of small whole numbers")
    return Weights(array.astype(np.int16), np.ones((1,) * rank))


def product_steps(
    call: Call, elements: Elements, rows: NDArray[np.int16], scale: NDArray[np.float64], unit: Fraction
) -> list[Step]:
    """From dots of weight planes to ``sum_k (s q_k + o) * (t w_k)`` = ``t * (s * unit * dot + o * sum_k w_k)``.

    Parameters
    ----------
    call : Call
    elements : Elements
        ``s q + o``.
    rows : int16 array (neurons, synapses)
        w.
    scale : float64 array (neurons or 1, 1)
        t.
    unit : Fraction
        Weights are so much times those of their planes.
    """
    neurons = len(rows)
    sums = rows.sum(axis=1, dtype=np.int64).tolist()
    offsets = [elements.offset * Fraction(total) for total in sums]
    steps = list(affine_steps(call, [unit * elements.scale] * neurons, offsets))
    if (scale != 1).any():
        steps.append(Scale(np.broadcast_to(scale[:, 0], (neurons,))))
    return steps


def _product(call: Call, transposed: bool) -> Product:
    elements, weights = as_elements(call, 0, "first input"), whole_weights(call, 2)
    if elements.index.ndim != 1:
        raise call.unsupported(f"its first input must be flattened, not of shape {elements.index.shape}")
    if weights.values.ndim != 2:
        raise call.unsupported(f"its weights must have 2 dimensions, not shape {weights.values.shape}")
    # Neurons x synapses from here on.
    values, scale = (weights.values, weights.scale) if transposed else (weights.values.T, weights.scale.T)
    neurons, synapses = values.shape
    if synapses != len(elements.index):
        raise call.unsupported(f"its weights must take {len(elements.index)} inputs, not {synapses}")
    if scale.shape[1] != 1:
        raise call.unsupported("its weights must not have a scale for each input")
    ordered: NDArray[np.int16] = np.empty_like(values, order="C")
    ordered[:, elements.index] = values
    check_planes(call, "first input", elements.dtype)
    planes, unit = weight_planes(ordered)
    layer = Dense(f"dense{call.node.position}", elements.dtype, planes, None)
    product = Product(elements, layer, np.arange(neurons, dtype=np.int32))
    return add_step(call, product, *product_steps(call, elements, ordered, scale, unit))


@handles("MatMul")
def _matmul(call: Call) -> Value:
    """Elements times weights, (synapses, neurons)."""
    return _product(call, transposed=False)


@handles("Gemm")
def _gemm(call: Call) -> Value:
    """``alpha * elements * weights + beta * bias``."""
    call.require("transA", call.attribute("transA", 0), 0)
    transposed = call.attribute("transB", 0)
    call.require("transB", transposed, 0, 1)
    alpha, beta = call.attribute("alpha", 1.0), call.attribute("beta", 1.0)
    product = _product(call, bool(transposed))
    neurons = product.neurons
    if alpha != 1:
        product = add_step(call, product, Scale(np.full(neurons, alpha)))
    if call.input(2) is not None:
        bias = call.channels(2, "bias", neurons)
        if bias.any() and beta:
            exact = [call.exact("bias", Fraction(value) * Fraction(beta)) for value in bias.tolist()]
            product = add_step(call, product, Shift(np.array(exact)))
    return product

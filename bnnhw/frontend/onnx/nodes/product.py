"""Matrix products."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bnnhw.frontend.onnx.call import Call, handles
from bnnhw.frontend.onnx.channels import Factor, as_operand, elements_of, factor, streamed
from bnnhw.frontend.onnx.lookups import summed
from bnnhw.frontend.onnx.planes import MAX_WEIGHT, multiples, weight_planes
from bnnhw.frontend.onnx.stepped import add_step
from bnnhw.frontend.onnx.streams import affine_steps, check_planes
from bnnhw.frontend.onnx.values import Addressed, Constant, Product, Value, Weights
from bnnhw.ir.layers import Dense
from bnnhw.ir.steps import Scale, Shift, Step

__all__ = ["product_steps", "whole_weights"]


def whole_weights(call: Call, rank: int, axis: int) -> Weights:
    """Quantized weights, the second input: small integers, with one scale or one per neuron.

    Constants need no quantizer if they are such, and scales of the other dimensions are multiplied out.

    Parameters
    ----------
    call : Call
    rank : int
        Dimensions of the weights.
    axis : int
        The dimension of the neurons.
    """
    value = call.take(1, "second input", Weights, Constant)
    shape = value.values.shape if isinstance(value, Weights) else value.array.shape
    if len(shape) != rank or 0 in shape:
        raise call.unsupported(f"its weights must have {rank} dimensions and no size of 0, not shape {shape}")
    if isinstance(value, Weights) and all(size == 1 for place, size in enumerate(value.scale.shape) if place != axis):
        return value
    array = value.values * value.scale if isinstance(value, Weights) else value.array
    array = array.astype(np.float64)
    if (np.abs(array) <= MAX_WEIGHT).all() and (array == np.rint(array)).all():
        return Weights(array.astype(np.int16), np.ones((1,) * rank))
    turned = np.moveaxis(array, axis, 0)
    found = multiples(turned.reshape(len(turned), -1))
    if found is None:
        if isinstance(value, Weights):
            raise call.unsupported(
                "its weights have a scale for each input, and these have no small common divisor: quantize weights "
                "with one scale, or one per output channel"
            )
        raise call.unsupported(
            f"its second input must be quantized weights, or whole numbers of at most {MAX_WEIGHT} times one scale per "
            "output channel: quantize it (Quant, BipolarQuant, DequantizeLinear)"
        )
    integers, unit = found
    shape = tuple(len(turned) if place == axis else 1 for place in range(rank))
    return Weights(np.moveaxis(integers.reshape(turned.shape), 0, axis), unit.reshape(shape))


def product_steps(call: Call, product: Factor, scale: NDArray[np.float64], unit: Fraction) -> list[Step]:
    """From dots of weight planes to the products of numbers, ``t * (slope * unit * dot + constant)``.

    Parameters
    ----------
    call : Call
    product : Factor
    scale : float64 array (neurons or 1, 1)
        t, of the weights.
    unit : Fraction
        Weights are so much times those of their planes.
    """
    steps = list(affine_steps(call, [unit * slope for slope in product.slopes], product.constants))
    if (scale != 1).any():
        steps.append(Scale(np.broadcast_to(scale[:, 0], (len(product.rows),))))
    return steps


def _product(call: Call, transposed: bool) -> Product:
    operand = as_operand(call, streamed(call, 0, "first input"), "first input")
    weights = whole_weights(call, 2, 0 if transposed else 1)
    index = elements_of(operand).index
    if index.ndim != 1:
        raise call.unsupported(
            f"its first input must be flattened, not of shape {index.shape}: put a Flatten before it"
        )
    # Neurons x synapses from here on.
    values, scale = (weights.values, weights.scale) if transposed else (weights.values.T, weights.scale.T)
    neurons, synapses = values.shape
    if synapses != len(index):
        raise call.unsupported(f"its weights must take {len(index)} inputs, not {synapses}")
    ordered: NDArray[np.int16] = np.empty_like(values, order="C")
    ordered[:, index] = values
    product = factor(call, "first input", operand, ordered, None, False)
    check_planes(call, "first input", product.elements.dtype)
    planes, unit = weight_planes(product.rows)
    layer = Dense(f"dense{call.node.position}", product.elements.dtype, planes, None)
    result = Product(product.elements, layer, np.arange(neurons, dtype=np.int32))
    return add_step(call, result, *product_steps(call, product, scale, unit))


@handles("MatMul")
def _matmul(call: Call) -> Value:
    """Elements times weights, (synapses, neurons); what tables read times the factors of its address."""
    first = call.input(0)
    if isinstance(first, Addressed):
        return summed(call, first)
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

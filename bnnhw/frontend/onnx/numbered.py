"""Sums of a few elements as whole numbers: the addresses of truth tables, wherever products come from.

A Conv whose kernels hold the places of a few elements in an address, and nothing else, gives the addresses of tables at
every position of a map; a MatMul those of one list. What a sum is for every value of its elements is computed exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bnnhw.frontend.onnx.call import Call
from bnnhw.frontend.onnx.exact import exact_affine
from bnnhw.frontend.onnx.streams import as_integers
from bnnhw.frontend.onnx.values import Elements, Integers, Numbered, Product
from bnnhw.ir import Conv2d
from bnnhw.ir.arithmetic import weight_values
from bnnhw.ir.layers.lookup import MAX_ADDRESS
from bnnhw.ir.types import DataType
from bnnhw.ir.window import Window

__all__ = ["numbered", "sums"]


def sums(dtype: DataType, factors: NDArray[np.object_], starts: Sequence[Fraction]) -> NDArray[np.int64] | None:
    """What each neuron's sum is for every value of its elements.

    Parameters
    ----------
    dtype : DataType
        Of the elements.
    factors : array of Fraction (neurons, fan-in)
        What each element's value is multiplied with.
    starts : sequence of Fraction
        What is added, one per neuron.

    Returns
    -------
    int64 array (neurons, addresses)
        In the order of codes, the first element the lowest; None if a sum is no whole number.
    """
    fan_in = factors.shape[1]
    unit = math.lcm(*(number.denominator for number in (*factors.ravel(), *starts)))
    whole = [[int(factor * unit) for factor in row] for row in factors]
    begin = [int(start * unit) for start in starts]
    reach = max(abs(dtype.minimum), abs(dtype.maximum))
    if max(abs(b) + reach * sum(map(abs, row)) for b, row in zip(begin, whole, strict=True)) >= 1 << 53:
        return None
    address = np.arange(1 << (dtype.bits * fan_in))
    codes = address >> (np.arange(fan_in)[:, None] * dtype.bits) & (dtype.levels - 1)
    total = np.array(begin)[:, None] + np.array(whole) @ dtype.values(codes)
    return None if (total % unit).any() else total // unit


def numbered(call: Call, value: Product | Integers | Elements) -> Numbered | None:
    """What layers emit as whole numbers of a few elements each; None if it is no such thing."""
    if isinstance(value, Product):
        return _of_product(value)
    origin, value = value, as_integers(call, value)
    elements, affine = value.elements, exact_affine(value.steps, value.neurons)
    if affine is None or elements.dtype.bits > MAX_ADDRESS:
        return None
    slopes, offsets = affine
    # An element by itself, at every position.
    window = Window(*elements.shape, (1, 1)) if elements.shape[1:] != (1, 1) else None
    sources = np.arange(value.neurons, dtype=np.int32)[:, None]
    numbers = sums(elements.dtype, np.array(slopes, object)[:, None], offsets)
    return None if numbers is None else Numbered(origin, elements, value.index, window, 0, sources, numbers)


def _of_product(product: Product) -> Numbered | None:
    elements, layer = product.elements, product.layer
    weights = weight_values(product.dense)
    fan_in = max(1, int((weights != 0).sum(axis=1).max()))
    if fan_in * elements.dtype.bits > MAX_ADDRESS:
        return None
    affine = exact_affine(product.steps, product.neurons)
    if affine is None:
        return None
    # Elements in the order of their places in the address, the lowest first; those without any behind them.
    order = np.lexsort((np.where(weights == 0, 1 << 30, np.abs(weights)),), axis=1)[:, :fan_in]
    chosen = np.take_along_axis(weights, order, axis=1)
    slopes, offsets = affine
    factors = np.array([[slope * w for w in row] for slope, row in zip(slopes, chosen.tolist(), strict=True)], object)
    numbers = sums(elements.dtype, factors, offsets)
    if numbers is None:
        return None
    sources = np.where(chosen == 0, 0, order)
    code = 0
    if isinstance(layer, Conv2d):
        code = layer.padding_code
        if layer.depthwise:
            channel = np.arange(product.neurons)[:, None] // layer.depth_multiplier
            sources = sources * layer.window.channels + channel
    return Numbered(product, elements, product.index, layer.window, code, sources.astype(np.int32), numbers)

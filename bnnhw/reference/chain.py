"""A chain of stream layers made ready for many batches; residual layers hold chains of their own."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bnnhw.ir import Affine, Conv2d, MaxPool, Quantize, Residual, SumPool
from bnnhw.ir.layer import Layer, follow, walk
from bnnhw.ir.layers import Dense
from bnnhw.ir.network import Network
from bnnhw.reference.convolution import Convolution
from bnnhw.reference.elementwise import affine, quantize
from bnnhw.reference.packed import PackedProduct, packing_pays_for
from bnnhw.reference.pooling import max_pool, sum_pool
from bnnhw.reference.product import Product

__all__ = ["Chain", "Codes", "Record", "batch_size", "dense_product", "one_thread"]

Codes: TypeAlias = NDArray[np.unsignedinteger[Any]]

Record: TypeAlias = Callable[[str, Codes], None]
"""Told the name of each layer and the codes that it emits, (frames, elements), in the order of ``ir.layer.walk``."""

_ELEMENTS = 1 << 22
"""Elements of the widest stream in a batch: activations then stay near the caches."""

_FRAMES = 1024
"""Frames in a batch at most: more don't make BLAS any faster."""


Step: TypeAlias = Callable[[Codes, Record | None], Codes]


def batch_size(network: Network) -> int:
    """How many frames to compute at once: as many as keep the widest stream small."""
    widest = max(math.prod(layer.shape_out) for layer in walk(network.chain))
    return min(_FRAMES, max(1, _ELEMENTS // max(widest, network.input.elements)))


def one_thread() -> AbstractContextManager[object]:
    """BLAS on one thread: a batch's products are so small that its threads mostly wait for each other."""
    return threadpool_limits(limits=1, user_api="blas")


def dense_product(layer: Dense, packed: bool) -> Product | PackedProduct:
    """A matrix layer made ready: counting packed bits where allowed and faster, otherwise by products of numbers."""
    return PackedProduct(layer) if packed and packing_pays_for(layer) else Product(layer)


class Chain:
    """Layers in a row.

    Parameters
    ----------
    layers : tuple of Layer
        Stream layers, streamlined or not; activations in floating point are computed in float64 as trained.
    packed : bool
        Count packed bits wherever that is faster.
    """

    def __init__(self, layers: tuple[Layer, ...], packed: bool = False) -> None:
        self._steps = [(layer.name, _step(layer, packed)) for layer in layers]

    def run(self, codes: Codes, record: Record | None = None) -> Codes:
        """Codes (frames, elements) of the input -> codes of what the last layer emits, both in stream order."""
        for name, step in self._steps:
            codes = step(codes, record)
            if record is not None:
                record(name, codes)
        return codes


def _step(layer: Layer, packed: bool) -> Step:
    match layer:
        case Residual():
            return _residual(layer, packed)
        case Dense():
            function: Callable[[Any], Codes] = dense_product(layer, packed).output
        case Conv2d():
            function = Convolution(layer, packed).output
        case MaxPool():
            function = partial(max_pool, layer)
        case SumPool():
            function = partial(sum_pool, layer)
        case Quantize():
            function = partial(quantize, layer)
        case Affine():
            function = partial(affine, layer)
        case _:
            raise NotImplementedError(type(layer).__name__)
    return lambda codes, _: function(codes)


def _residual(layer: Residual, packed: bool) -> Step:
    branches = [Chain(branch, packed) for branch in (layer.body, layer.shortcut)]
    types = [follow(layer.shape, layer.input, branch)[1] for branch in (layer.body, layer.shortcut)]

    def add(codes: Codes, record: Record | None) -> Codes:
        body, shortcut = (
            dtype.values(branch.run(codes, record)) for branch, dtype in zip(branches, types, strict=True)
        )
        return layer.output.encode(body + shortcut)

    return add

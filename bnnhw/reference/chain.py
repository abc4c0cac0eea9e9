"""Layers in a row made ready for many batches; a layer's branches are chains of their own."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeAlias

from threadpoolctl import threadpool_limits

from bnnhw.ir.layer import Layer, walk
from bnnhw.ir.network import Network
from bnnhw.reference.kernels import PLAIN, Codes, Kernels

__all__ = ["Chain", "Hook", "batch_size", "one_thread"]

Hook: TypeAlias = Callable[[str, Codes], Codes]
"""Told the name of each layer and the codes that it emits, (frames, elements), in the order of ``ir.layer.walk``.

What it returns goes on to the next layer.
"""

_ELEMENTS = 1 << 22
"""Elements of the widest stream in a batch: activations then stay near the caches."""

_FRAMES = 1024
"""Frames in a batch at most: more don't make BLAS any faster."""


def batch_size(network: Network) -> int:
    """How many frames to compute at once: as many as keep the widest stream small."""
    widest = max(math.prod(layer.shape_out) for layer in walk(network.chain))
    return min(_FRAMES, max(1, _ELEMENTS // max(widest, network.input.elements)))


def one_thread() -> AbstractContextManager[object]:
    """BLAS on one thread: a batch's products are so small that its threads mostly wait for each other."""
    return threadpool_limits(limits=1, user_api="blas")


class Chain:
    """Layers in a row.

    Parameters
    ----------
    layers : tuple of Layer
        Streamlined or not; activations in floating point are computed in float64 as trained.
    kernels : Kernels
    """

    def __init__(self, layers: tuple[Layer, ...], kernels: Kernels = PLAIN) -> None:
        self._steps = [
            (layer.name, [Chain(branch, kernels) for branch in layer.branches], kernels.step(layer)) for layer in layers
        ]

    def run(self, codes: Codes, hook: Hook | None = None) -> Codes:
        """Codes (frames, elements) of the input -> codes of what the last layer emits, both in stream order."""
        for name, branches, step in self._steps:
            codes = step(*(branch.run(codes, hook) for branch in branches)) if branches else step(codes)
            if hook is not None:
                codes = hook(name, codes)
        return codes

"""How layers are computed: one reference per kind of layer, and what may stand in for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir.layer import Layer
from bnnhw.registry import Registry

__all__ = ["PLAIN", "REFERENCE", "Codes", "Kernels", "Step"]

Codes: TypeAlias = NDArray[np.unsignedinteger[Any]]

Step: TypeAlias = Callable[..., Codes]
"""A layer made ready for many batches: codes (frames, elements) -> codes that the layer emits, in stream order.

A layer with branches is given the codes at the end of each branch instead of its own input.
"""

REFERENCE: Registry[Callable[[Any], Step]] = Registry("a reference", "bnnhw/reference/{kind}.py")
"""By kind of layer: what makes a layer ready, streamlined or not."""


class Kernels(Protocol):
    """A way to compute all layers. Every way gives the same numbers."""

    def step(self, layer: Layer) -> Step:
        """A layer made ready."""
        ...


class _Plain:
    """The references."""

    def step(self, layer: Layer) -> Step:
        return REFERENCE.of(layer)(layer)


PLAIN: Kernels = _Plain()

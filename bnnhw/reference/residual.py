"""The reference of residual layers."""

from __future__ import annotations

from bnnhw.ir import Residual, follow
from bnnhw.reference.kernels import REFERENCE, Codes, Step

__all__ = ["residual"]


@REFERENCE.register(Residual)
def residual(layer: Residual) -> Step:
    """The sum of what both branches emit."""
    body, shortcut = (follow(layer.shape, layer.input, branch)[1] for branch in layer.branches)

    def add(first: Codes, second: Codes) -> Codes:
        return layer.output.encode(body.values(first) + shortcut.values(second))

    return add

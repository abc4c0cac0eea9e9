"""The reference of fully connected layers."""

from __future__ import annotations

from bnnhw.ir import Dense
from bnnhw.reference.kernels import REFERENCE, Step
from bnnhw.reference.product import Product

__all__ = ["dense"]


@REFERENCE.register(Dense)
def dense(layer: Dense) -> Step:
    """A matrix product, then the activation."""
    return Product(layer).output

"""Fully connected layers that count packed bits."""

from __future__ import annotations

from bnnhw.ir import Dense
from bnnhw.reference.fast.packed import PackedProduct
from bnnhw.reference.kernels import Step

__all__ = ["packed"]


def packed(layer: Dense) -> Step:
    return PackedProduct(layer).output

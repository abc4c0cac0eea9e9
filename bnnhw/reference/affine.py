"""The reference of element-wise affines."""

from __future__ import annotations

import math
from functools import partial

from bnnhw.ir import Affine
from bnnhw.reference.kernels import REFERENCE, Codes, Step

__all__ = ["affine"]


@REFERENCE.register(Affine)
def affine(layer: Affine) -> Step:
    """The integer affine of every element, each channel's own.

    Exact in int64: results at both ends of the input's range fit 32 bits (:attr:`Affine.output` refuses others), so
    ``|multiplier * x| <= |multiplier| * (maximum - minimum) < 2**33``.
    """
    return partial(_affine, layer)


def _affine(layer: Affine, codes: Codes) -> Codes:
    """Codes (frames, elements) -> codes (frames, elements) of the output type."""
    values = layer.input.values(codes).reshape(len(codes), math.prod(layer.shape[1:]), layer.shape[0])
    return layer.output.encode(values * layer.multiplier + layer.offset).reshape(codes.shape)

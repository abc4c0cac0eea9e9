"""The reference of joined branches."""

from __future__ import annotations

import numpy as np

from bnnhw.ir import Concat, follow
from bnnhw.reference.kernels import REFERENCE, Codes, Step

__all__ = ["concat"]


@REFERENCE.register(Concat)
def concat(layer: Concat) -> Step:
    """Position by position what the first branch emits, then what the second does; of lists, one after the other."""
    types = [follow(layer.shape, layer.input, branch)[1] for branch in layer.branches]
    positions = layer.shape_out[1] * layer.shape_out[2]

    def join(*ends: Codes) -> Codes:
        parts = [
            codes if dtype == layer.output else layer.output.encode(dtype.values(codes))
            for codes, dtype in zip(ends, types, strict=True)
        ]
        joined = np.concatenate([part.reshape(len(part), positions, -1) for part in parts], axis=2)
        return joined.reshape(len(joined), -1)

    return join

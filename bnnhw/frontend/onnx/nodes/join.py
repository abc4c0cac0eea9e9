"""Branches joined."""

from __future__ import annotations

from bnnhw.frontend.onnx.call import Call, handles
from bnnhw.frontend.onnx.channels import streamed
from bnnhw.frontend.onnx.joins import join_branches
from bnnhw.frontend.onnx.values import Value

__all__: list[str] = []


@handles("Concat")
def _concat(call: Call) -> Value:
    """Branches of one stream, over channels; features of lists."""
    values = [streamed(call, place, f"input {place + 1}") for place in range(len(call.inputs))]
    if not values:
        raise call.unsupported("it must have inputs")
    rank = 1 + values[0].index.ndim
    axis = call.attribute("axis", 1)
    if axis not in (1, 1 - rank):
        raise call.unsupported(f"its axis must be 1, that of channels or features, not {axis}: join over channels")
    return join_branches(call, values)

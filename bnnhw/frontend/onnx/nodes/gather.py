"""Picks of elements, and tables that are read at an address."""

from __future__ import annotations

from bnnhw.frontend.onnx.call import Call, handles
from bnnhw.frontend.onnx.lookups import looked_up, picked
from bnnhw.frontend.onnx.values import Addressed, Numbered, Value

__all__: list[str] = []


@handles("Gather")
def _gather(call: Call) -> Value:
    """Elements picked for each neuron, or what a constant holds at the address that was made of them."""
    return looked_up(call) if isinstance(call.input(1), Addressed | Numbered) else picked(call)

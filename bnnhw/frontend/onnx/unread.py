"""Operators that users meet and hardware has not: what to train or export instead."""

from __future__ import annotations

from collections.abc import Iterable

from bnnhw.errors import UnsupportedError
from bnnhw.frontend.onnx.graph import Node

__all__ = ["not_read"]

INTEGER = (
    "is onnxruntime's format of integer operators, which is not read: quantize in its QDQ format "
    "(quant_format=QuantFormat.QDQ)"
)
DYNAMIC = "scales by each sample: quantize statically, with scales from calibration"
RECURRENT = "is recurrent, and networks go one way: train convolutions over the signal instead"

INSTEAD = {
    **dict.fromkeys(("ConvInteger", "MatMulInteger", "QGemm", "QLinearAdd", "QLinearConv", "QLinearMatMul"), INTEGER),
    **dict.fromkeys(("DynamicQuantizeLinear", "DynamicQuantizeMatMul"), DYNAMIC),
    **dict.fromkeys(("GRU", "LSTM", "RNN"), RECURRENT),
}


def not_read(node: Node, read: Iterable[str]) -> UnsupportedError:
    """The error that nothing converts a node, to raise; ``read`` are the operators that are."""
    if node.kind in INSTEAD:
        return UnsupportedError(f"{node} {INSTEAD[node.kind]}")
    return UnsupportedError(
        f"{node} is not read: train with operators that are ({', '.join(sorted(read))}), and compute constants with "
        "any of ONNX's own"
    )

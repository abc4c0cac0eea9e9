"""The one writer of QONNX: of networks, for other tools, and of whatever else is written as such a graph."""

from bnnhw.qonnx.network import to_qonnx, write_qonnx

__all__ = ["to_qonnx", "write_qonnx"]

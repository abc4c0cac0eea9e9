"""Writers of formats that other tools read."""

from bnnhw.export.qonnx import to_qonnx, write_qonnx

__all__ = ["to_qonnx", "write_qonnx"]

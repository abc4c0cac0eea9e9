"""The word in which a network's result leaves."""

from __future__ import annotations

from amaranth.hdl import Shape
from amaranth.lib import data

from bnnhw.dataflow.format import ResultFormat

__all__ = ["result_layout"]


def result_layout(result: ResultFormat) -> data.StructLayout:
    """The result of a frame: ``index`` of the class, its ``score``, and where wanted ``score_0``, ``score_1``, ..."""
    return data.StructLayout({name: Shape(bits, signed=signed) for name, bits, signed in result.fields})

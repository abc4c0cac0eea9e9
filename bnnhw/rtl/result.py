"""The word in which a network's result leaves."""

from __future__ import annotations

from amaranth.hdl import Shape, unsigned
from amaranth.lib import data

from bnnhw.dataflow.format import ResultFormat

__all__ = ["result_layout"]


def result_layout(result: ResultFormat) -> data.StructLayout:
    """The result of a frame: ``index`` of the class with the highest score, and that ``score``."""
    score = Shape(result.score_bits, signed=result.score_signed)
    return data.StructLayout({"index": unsigned(result.index_bits), "score": score})

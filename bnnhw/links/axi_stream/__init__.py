"""AXI4-Stream on both ends, for a system on chip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnnhw.errors import RequestError
from bnnhw.links.link import FrameAccelerator, Link, Setting

if TYPE_CHECKING:
    from amaranth.lib import wiring

    from bnnhw.dataflow import Graph
    from bnnhw.links.interface import Interface

__all__ = ["DATA_WIDTHS", "LINK", "Axi"]

DATA_WIDTHS = (8, 16, 32, 64, 128, 256, 512, 1024)
"""Widths of TDATA: whole bytes, as AXI4-Stream wants (ARM IHI 0051A), and powers of two, as its users' parts are."""


@dataclass(frozen=True)
class Axi(Link):
    """Frames packed into beats, results in one beat or packed into several.

    Parameters
    ----------
    data_width : int
        Bits of TDATA at the input, one of :data:`DATA_WIDTHS`.
    result_width : int, optional
        Bits of TDATA at the output, one of :data:`DATA_WIDTHS`; by default as many as a result has in whole bytes.
    """

    name = "axis"
    summary = "AXI4-Stream"
    module = "accelerator_axis"

    data_width: int = 32
    result_width: int | None = None

    def __post_init__(self) -> None:
        for name, width in (("data width", self.data_width), ("result width", self.result_width)):
            if width is not None and width not in DATA_WIDTHS:
                raise RequestError(f"{name} must be one of {', '.join(map(str, DATA_WIDTHS))}, not {width}")

    def gateware(self, accelerator: FrameAccelerator, setting: Setting) -> wiring.Component:
        from bnnhw.links.axi_stream.gateware import AxiStream

        return AxiStream(accelerator, data_width=self.data_width, result_width=self.result_width, own_clock=True)

    def interface(self, graph: Graph, setting: Setting) -> Interface:
        from bnnhw.links.axi_stream.interface import interface

        return interface(graph, self.data_width, self.result_width)


LINK = Axi()

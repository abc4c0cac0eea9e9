"""AXI4-Stream on both ends, for a system on chip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.links.link import FrameAccelerator, Link, Setting

if TYPE_CHECKING:
    from amaranth.lib import wiring

__all__ = ["LINK", "Axi"]


class Axi(Link):
    """Frames packed into beats of 32 bits, a beat per result."""

    name = "axis"
    module = "accelerator_axis"

    def gateware(self, accelerator: FrameAccelerator, setting: Setting) -> wiring.Component:
        from bnnhw.links.axi_stream.gateware import AxiStream

        return AxiStream(accelerator)


LINK = Axi()

"""What stands at the pins of an accelerator between two AXI4-Streams."""

from __future__ import annotations

from typing import Any

from bnnhw.dataflow import Graph
from bnnhw.dataflow.frame import Frame
from bnnhw.folding import predict
from bnnhw.links.interface import Beats, StreamInterface, StreamPorts, behind_converter, result_fields

__all__ = ["AxiInterface", "interface"]


class AxiInterface(StreamInterface):
    """AXI4-Stream on both ends."""

    protocol = "axi4-stream"

    def _describe_input(self) -> dict[str, Any]:
        return super()._describe_input() | {
            "last": "not needed to find frames; on another beat than a frame's last it raises the error port"
        }


def interface(graph: Graph, data_width: int, result_width: int | None) -> AxiInterface:
    """That of :class:`~bnnhw.links.axi_stream.gateware.AxiStream`."""
    frame = Frame.of(graph)
    fields = result_fields(frame, whole_bytes=True)
    bits = fields[-1].offset + fields[-1].bits
    cycles = predict(behind_converter(graph, data_width))
    result = Beats(bits, bits if result_width is None else result_width)
    return AxiInterface(
        frame=Beats(frame.bits, data_width),
        result=result,
        fields=fields,
        cycles_per_frame=max(cycles.cycles_per_frame, result.count),
        # A result of several beats waits in a register for the first of them.
        latency_cycles=cycles.latency_cycles + (result.count > 1),
        source=StreamPorts("s_axis_tdata", "s_axis_tvalid", "s_axis_tready", "s_axis_tlast"),
        sink=StreamPorts(
            "m_axis_tdata",
            "m_axis_tvalid",
            "m_axis_tready",
            "m_axis_tlast",
            None if result_width is None else "m_axis_tkeep",
        ),
        error="frame_error",
        clock="aclk",
        reset="aresetn",
        reset_active=0,
    )

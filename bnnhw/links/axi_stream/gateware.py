"""The accelerator between two AXI4-Streams, for a system on chip."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bnnhw.errors import RequestError
from bnnhw.links.link import FrameAccelerator
from bnnhw.units.width.model import WidthUnit
from bnnhw.units.width.rtl import WidthConverter

__all__ = ["DATA_WIDTHS", "AxiStream", "check_data_width"]

DATA_WIDTHS = (8, 16, 32, 64, 128, 256, 512)
"""Widths of TDATA at the input: whole bytes, as AXI4-Stream wants (ARM IHI 0051A), and powers of two."""


def check_data_width(data_width: int) -> None:
    """:class:`~bnnhw.errors.RequestError` for a width that an AXI4-Stream has not."""
    if data_width not in DATA_WIDTHS:
        raise RequestError(f"data width must be one of {', '.join(map(str, DATA_WIDTHS))}, not {data_width}")


class AxiStream(wiring.Component):
    """An accelerator with an AXI4-Stream on both of its ends.

    - Input: a frame's element codes, packed without gaps, lowest bits first, in ``beats = ceil(frame_bits /
      data_width)`` beats; the surplus bits of the last one are ignored. TLAST is not needed to find frames; where it
      is on another beat than a frame's last, ``frame_error`` goes high, and stays high until the reset: the streams
      are out of step.
    - Output: a beat per frame: the class index in the low bytes, the score above it, each in whole bytes, the score in
      two's complement if it can be negative. TLAST is always high.
    - II: the greater of the accelerator's and the width converter's (``max(beats, words)`` where one width divides the
      other). Latency: both added. Stalls: as the accelerator. Storage: the converter's and the accelerator's.

    Parameters
    ----------
    accelerator : FrameAccelerator
        Becomes a submodule.
    data_width : int
        Of TDATA at the input, one of :data:`DATA_WIDTHS`.

    Members
    -------
    s_axis_tdata, s_axis_tvalid, s_axis_tready, s_axis_tlast
        Frames.
    m_axis_tdata, m_axis_tvalid, m_axis_tready, m_axis_tlast
        Results.
    frame_error : Out(1)
    """

    def __init__(self, accelerator: FrameAccelerator, *, data_width: int = 32) -> None:
        check_data_width(data_width)
        self._accelerator = accelerator
        self._data_width = data_width
        self.beats = -(-accelerator.frame_bits // data_width)
        result = accelerator.output.payload
        self.index_bytes = -(-len(result.index) // 8)
        self.score_bytes = -(-len(result.score) // 8)
        super().__init__(
            {
                "s_axis_tdata": In(data_width),
                "s_axis_tvalid": In(1),
                "s_axis_tready": Out(1),
                "s_axis_tlast": In(1),
                "m_axis_tdata": Out(8 * (self.index_bytes + self.score_bytes)),
                "m_axis_tvalid": Out(1),
                "m_axis_tready": In(1),
                "m_axis_tlast": Out(1),
                "frame_error": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        core = self._accelerator
        m.submodules.accelerator = core
        m.submodules.width = width = WidthConverter(WidthUnit(self._data_width, core.input_width, core.frame_bits))
        wiring.connect(m, width.output, core.input)
        beat, ends = Signal(range(self.beats)), Signal()
        error = Signal()
        m.d.comb += [
            ends.eq(beat == self.beats - 1),
            width.input.payload.eq(self.s_axis_tdata),
            width.input.valid.eq(self.s_axis_tvalid),
            self.s_axis_tready.eq(width.input.ready),
            self.frame_error.eq(error),
        ]
        with m.If(self.s_axis_tvalid & self.s_axis_tready):
            m.d.sync += [beat.eq(Mux(ends, 0, beat + 1)), error.eq(error | (self.s_axis_tlast != ends))]

        result = core.output.payload
        score = result.score
        sign = score[-1] if score.shape().signed else Const(0)
        m.d.comb += [
            self.m_axis_tdata.eq(
                Cat(
                    result.index,
                    Const(0, 8 * self.index_bytes - len(result.index)),
                    score,
                    sign.replicate(8 * self.score_bytes - len(score)),
                )
            ),
            self.m_axis_tvalid.eq(core.output.valid),
            core.output.ready.eq(self.m_axis_tready),
            self.m_axis_tlast.eq(1),
        ]
        return m

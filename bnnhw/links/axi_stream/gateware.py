"""The accelerator between two AXI4-Streams, for a system on chip."""

from __future__ import annotations

from amaranth.hdl import Cat, ClockDomain, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bnnhw.links.link import FrameAccelerator
from bnnhw.units.width.model import WidthUnit
from bnnhw.units.width.rtl import WidthConverter

__all__ = ["AxiStream"]


class AxiStream(wiring.Component):
    """An accelerator with an AXI4-Stream on both of its ends.

    - Input: a frame's element codes, packed without gaps, lowest bits first, in ``beats = ceil(frame_bits /
      data_width)`` beats; the surplus bits of the last one are ignored. TLAST is not needed to find frames; where it
      is on another beat than a frame's last, ``frame_error`` goes high, and stays high until the reset: the streams
      are out of step.
    - Output: a packet per frame: the class index in the low bytes, the score above it, each in whole bytes, the score
      in two's complement if it can be negative; with TLAST on its last beat. Without ``result_width`` that is one beat;
      with it there are ``ceil(bits / result_width)``, the lowest bytes first, and TKEEP marks those of the last beat
      that are used.
    - II: the greater of the accelerator's and the width converter's (``max(beats, words)`` where one width divides the
      other), or the beats of a result where these are more. Latency: the converter and the accelerator one after
      another, and a cycle more where a result has several beats. Stalls: as the accelerator. Storage: the converters'
      and the accelerator's.

    Parameters
    ----------
    accelerator : FrameAccelerator
        Becomes a submodule.
    data_width : int
        Of TDATA at the input.
    result_width : int, optional
        Of TDATA at the output; by default what a result needs.
    own_clock : bool
        Whether clock and reset have ports of their own, named as AXI's users expect them.

    Members
    -------
    aclk, aresetn : In(1)
        With ``own_clock``: the clock, and the synchronous reset, which is active low.
    s_axis_tdata, s_axis_tvalid, s_axis_tready, s_axis_tlast
        Frames.
    m_axis_tdata, m_axis_tvalid, m_axis_tready, m_axis_tlast
        Results; with ``result_width`` also ``m_axis_tkeep``.
    frame_error : Out(1)
    """

    def __init__(
        self,
        accelerator: FrameAccelerator,
        *,
        data_width: int,
        result_width: int | None = None,
        own_clock: bool = False,
    ) -> None:
        self._accelerator = accelerator
        self._data_width = data_width
        self._own_clock = own_clock
        self.beats = -(-accelerator.frame_bits // data_width)
        fields = [accelerator.output.payload[name] for name in accelerator.output.payload.shape().members]
        self._result_bits = 8 * sum(-(-len(field) // 8) for field in fields)
        self._result_width = self._result_bits if result_width is None else result_width
        self.result_beats = -(-self._result_bits // self._result_width)
        keep = {} if result_width is None else {"m_axis_tkeep": Out(result_width // 8)}
        clock = {"aclk": In(1), "aresetn": In(1)} if own_clock else {}
        super().__init__(
            {
                **clock,
                "s_axis_tdata": In(data_width),
                "s_axis_tvalid": In(1),
                "s_axis_tready": Out(1),
                "s_axis_tlast": In(1),
                "m_axis_tdata": Out(self._result_width),
                "m_axis_tvalid": Out(1),
                "m_axis_tready": In(1),
                "m_axis_tlast": Out(1),
                **keep,
                "frame_error": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        core = self._accelerator
        if self._own_clock:
            m.domains.sync = domain = ClockDomain("sync")
            m.d.comb += [domain.clk.eq(self.aclk), domain.rst.eq(~self.aresetn)]
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

        self._results(m)
        return m

    def _results(self, m: Module) -> None:
        """Results in whole bytes, and those in beats."""
        core = self._accelerator
        payload = core.output.payload
        parts: list[Value] = []
        for name in payload.shape().members:
            field = payload[name]
            sign = field[-1] if field.shape().signed else Const(0)
            parts += [field, sign.replicate(-len(field) % 8)]
        last: Value = Const(1)
        if self.result_beats == 1:
            m.d.comb += [
                self.m_axis_tdata.eq(Cat(*parts)),
                self.m_axis_tvalid.eq(core.output.valid),
                core.output.ready.eq(self.m_axis_tready),
            ]
        else:
            padded = self.result_beats * self._result_width
            m.submodules.beats = beats = WidthConverter(WidthUnit(padded, self._result_width, padded))
            sent = Signal(range(self.result_beats))
            last = Signal()
            m.d.comb += [
                beats.input.payload.eq(Cat(*parts)),
                beats.input.valid.eq(core.output.valid),
                core.output.ready.eq(beats.input.ready),
                self.m_axis_tdata.eq(beats.output.payload),
                self.m_axis_tvalid.eq(beats.output.valid),
                beats.output.ready.eq(self.m_axis_tready),
                last.eq(sent == self.result_beats - 1),
            ]
            with m.If(self.m_axis_tvalid & self.m_axis_tready):
                m.d.sync += sent.eq(Mux(last, 0, sent + 1))
        m.d.comb += self.m_axis_tlast.eq(last)
        if "m_axis_tkeep" in self.signature.members:
            rest = (self._result_bits - (self.result_beats - 1) * self._result_width) // 8
            every = (1 << (self._result_width // 8)) - 1
            m.d.comb += self.m_axis_tkeep.eq(Mux(last, (1 << rest) - 1, every))

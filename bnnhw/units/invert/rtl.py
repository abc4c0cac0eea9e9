"""Channels of which a pool takes the minimum, complemented in front of its window unit."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.rtl.inverted import inverted
from bnnhw.units.invert.model import InvertUnit

__all__ = ["ChannelInverter"]


class ChannelInverter(wiring.Component):
    """Complements the codes of the channels that a pool takes the minimum of: wires and inverters.

    The complement of a code reverses the order of its type, unsigned or two's complement. A layer with no such channel
    needs none; where all channels are such ones it has no register.

    With ``words`` of :class:`~bnnhw.units.invert.model.InvertUnit`'s format:

    - Input, output: ``words`` per frame; channel ``c`` of a position is lane ``c % lanes`` of its word
      ``c // lanes``.
    - II = ``words`` cycles per frame. Latency = ``words - 1``: a word is offered while it is offered.
    - Stalls: with the output.
    - Storage: a counter of the channel words, and the inversion of the next one.

    Parameters
    ----------
    model : InvertUnit

    Members
    -------
    input, output : streams of ``unsigned(lanes * layer.input.bits)``
    """

    def __init__(self, model: InvertUnit) -> None:
        self.model = model
        signature = stream.Signature(unsigned(model.inputs[0].width))
        super().__init__({"input": In(signature), "output": Out(signature)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        accept = Signal()
        layer = self.model.layer
        bits = inverted(m, layer.minimum, self.model.lanes, accept)
        mask = Cat(*(bit.replicate(layer.input.bits) for bit in bits))
        m.d.comb += [
            self.output.valid.eq(self.input.valid),
            self.output.payload.eq(self.input.payload ^ mask),
            self.input.ready.eq(self.output.ready),
            accept.eq(self.input.valid & self.output.ready),
        ]
        return m

"""Pooling: the words of a window's taps, reduced to one."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.ir import MaxPool
from bnnhw.rtl.inverted import inverted
from bnnhw.units.pool.model import PoolUnit

__all__ = ["PoolReduce"]


class PoolReduce(wiring.Component):
    """Reduces the taps of a window, channel by channel, to their maximum, minimum or sum.

    It stands behind a window unit that gives channel word by channel word. A channel that takes the minimum comes in
    complemented (:class:`~bnnhw.units.invert.rtl.ChannelInverter`, in front of the window unit), in which its order is
    reversed: so the window unit needs one padding code only, the least, and this unit knows only maxima. It complements
    such a channel's maximum on its way out.

    With ``t`` of :class:`~bnnhw.units.pool.model.PoolTiming`:

    - Input: ``t.words_in`` words per frame; for each position of the window, for each channel word, ``t.area`` taps.
      Channel ``c`` is lane ``c % lanes`` of channel word ``c // lanes``. Lanes past the last channel are ignored.
    - Output: ``t.words_out`` words per frame, position by position, ``ceil(channels / lanes)`` per position.
    - II = ``t.words_in`` cycles per frame, without a bubble between words or frames. Latency = ``t.latency``: a word is
      offered in the cycle after its last tap.
    - Stalls: a word's last tap waits until the word before has left the output register.
    - Storage: two registers per lane, and where channels differ in what they take a table of that.

    Parameters
    ----------
    model : PoolUnit

    Members
    -------
    input : stream of ``unsigned(lanes * layer.input.bits)``
    output : stream of ``unsigned(lanes * layer.output.bits)``
    """

    def __init__(self, model: PoolUnit) -> None:
        self.model = model
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(model.inputs[0].width))),
                "output": Out(stream.Signature(unsigned(model.outputs[0].width))),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        layer, area = self.model.layer, self.model.timing.area
        tap, first, last = Signal(range(area)), Signal(init=1), Signal(init=area == 1)
        valid, accept, finishes = Signal(), Signal(), Signal()
        held = Signal(len(self.output.payload), reset_less=True)
        # With several taps per word the register has been emptied by the time the next one is due, if it is taken at
        # once; nothing but a register then stands before the input's ready.
        room = ~valid | self.output.ready if area == 1 else ~valid
        m.d.comb += [
            self.input.ready.eq(~last | room),
            accept.eq(self.input.valid & self.input.ready),
            finishes.eq(accept & last),
            self.output.valid.eq(valid),
            self.output.payload.eq(held),
        ]
        results = self._reduced(m, accept, first)
        if isinstance(layer, MaxPool):
            bits = inverted(m, layer.minimum, self.model.lanes, finishes)
            results = [r ^ bit.replicate(len(r)) for r, bit in zip(results, bits, strict=True)]
        with m.If(self.output.ready):
            m.d.sync += valid.eq(0)
        with m.If(accept):
            m.d.sync += first.eq(last)
            if area > 1:
                m.d.sync += [tap.eq(Mux(last, 0, tap + 1)), last.eq(~last & (tap == area - 2))]
        with m.If(finishes):
            m.d.sync += [valid.eq(1), held.eq(Cat(*results))]
        return m

    def _reduced(self, m: Module, accept: Value, first: Value) -> list[Value]:
        """Each lane's reduction of the taps accepted before and the one that is offered."""
        dtype, out = self.model.layer.input, self.model.layer.output
        results: list[Value] = []
        for lane in range(self.model.lanes):
            element: Value = self.input.payload.word_select(lane, dtype.bits)
            total = Signal(out.bits, name=f"total_{lane}", reset_less=True)
            reduced = Signal(out.bits, name=f"reduced_{lane}")
            value = element.as_signed() if dtype.kind == "int" else element
            if self.model.sums:
                joined: Value = total + value
            elif dtype.bits == 1:
                joined = total | element
            else:
                joined = Mux(value > (total.as_signed() if dtype.kind == "int" else total), element, total)
            m.d.comb += reduced.eq(Mux(first, value, joined))
            with m.If(accept):
                m.d.sync += total.eq(reduced)
            results.append(reduced)
        return results

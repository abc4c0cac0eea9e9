"""What is proved of a width converter: the bits of a frame that come out are those that went in."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, Value

from bnnhw.rtl.contract import Rules
from bnnhw.rtl.stream_contract import StreamContract, Traffic, Way
from bnnhw.units.width.rtl import WidthConverter

__all__ = ["WidthContract"]


class WidthContract(StreamContract):
    """The contract of :class:`~bnnhw.units.width.rtl.WidthConverter` with unequal widths (equal ones are wires).

    - ``result``: bit ``b`` of a frame, ``b`` being any, leaves in its place and as it entered.
    - ``count``: at most two frames are inside.
    - ``accept``: where no word can be accepted, one is offered.
    - ``serve``: a word is offered in every cycle in which all of its bits have been accepted before.
    - ``fill``: a frame's last word has ones past the frame's end.
    """

    properties = (*StreamContract.properties, "fill")
    covers = ("followed", "full", "together")

    def __init__(self, unit: WidthConverter) -> None:
        t = unit.model.timing
        if t.kind == "wire":
            raise ValueError(f"widths must differ, not both be {t.input_width}")
        self._timing = t
        bit = (t.frame_bits - 1).bit_length()
        super().__init__(unit, t.words_in, t.words_out, capacity=2, patience=0, extra={"bit": bit})

    def picks(self) -> Value:
        # Where the bits of a frame are no power of two, `bit` can be none of them.
        return self.pick & (self.bit < self._timing.frame_bits)

    def due(self, m: Module, traffic: Traffic, way: Way) -> Value:
        t, watch = self._timing, way.watch
        chosen, latched = Signal.like(self.bit), Signal.like(self.bit)
        m.d.sync += latched.eq(chosen)
        m.d.comb += chosen.eq(latched)
        with m.If(watch.capturing & (watch.in_index == 0)):
            m.d.comb += chosen.eq(self.bit)
        value, shown, here = Signal(), Signal(), Signal()
        with m.Switch(chosen):
            for b in range(t.frame_bits):
                with m.Case(b):
                    word, place = divmod(b, t.input_width)
                    with m.If(watch.capturing & (watch.in_index == word)):
                        m.d.sync += value.eq(traffic.entering["input"][place])
        with m.Switch(latched):
            for b in range(t.frame_bits):
                with m.Case(b):
                    word, place = divmod(b, t.output_width)
                    m.d.comb += [shown.eq(way.payload[place]), here.eq(watch.out_index == word)]
        return ~here | (shown == value)

    def there(self, m: Module, traffic: Traffic, way: Way) -> Value:
        t, watch = self._timing, way.watch
        accepted, needed = Signal(range(t.frame_bits + 1)), Signal(range(t.frame_bits + 1))
        with m.If(watch.complete):
            m.d.comb += accepted.eq(t.frame_bits)
        with m.Elif(watch.inside != 0):
            m.d.comb += accepted.eq(watch.in_index * t.input_width)
        with m.If(watch.out_index == t.words_out - 1):
            m.d.comb += needed.eq(t.frame_bits)
        with m.Else():
            m.d.comb += needed.eq((watch.out_index + 1) * t.output_width)
        return accepted >= needed

    def accepts(self, m: Module, traffic: Traffic) -> Value:
        return traffic.input.ready | traffic.way.output.valid

    def particulars(self, m: Module, traffic: Traffic, rules: Rules) -> None:
        t, way = self._timing, traffic.way
        last = t.words_out - 1
        surplus = way.payload[t.frame_bits - last * t.output_width :]
        rules.check("fill", ~(way.output.valid & (way.watch.out_index == last)) | surplus.all())
        # One frame ends and the next begins without a cycle in between.
        rules.cover("together", way.leave & traffic.enter & (way.watch.out_index == last))

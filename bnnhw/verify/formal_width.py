"""The contract of a width converter: the bits of a frame that come out are those that went in."""

from __future__ import annotations

from amaranth.hdl import Module, Signal

from bnnhw.rtl.emit import shared
from bnnhw.units.width.rtl import WidthConverter
from bnnhw.verify.formal_contract import Contract, FrameWatch, Rules, stays

__all__ = ["WidthContract"]


class WidthContract(Contract):
    """Of :class:`~bnnhw.units.width.rtl.WidthConverter` with unequal widths (equal ones are wires).

    - ``stable``: an offered word holds until it is taken.
    - ``bits``: bit ``b`` of a frame, ``b`` being any, leaves in its place and as it entered.
    - ``fill``: a frame's last word has ones past the frame's end.
    - ``count``: no word is invented; at most two frames are inside.
    - ``offer``: a word is offered in exactly the cycles in which all of its bits have been accepted before.
    - ``progress``: where no word can be accepted, one is offered.
    """

    properties = ("stable", "bits", "fill", "count", "offer", "progress")
    covers = ("followed", "together")

    def __init__(self, unit: WidthConverter) -> None:
        g = unit.gearbox
        if g.kind == "wire":
            raise ValueError(f"widths must differ, not both be {g.input_width}")
        self._unit = unit
        super().__init__(
            {
                "input_valid": 1,
                "input_payload": g.input_width,
                "output_ready": 1,
                "pick": 1,
                "bit": (g.frame_bits - 1).bit_length(),
            }
        )

    def state(self, m: Module, platform: object, rules: Rules) -> None:
        unit = self._unit
        g = unit.gearbox
        m.submodules.unit = shared(platform, unit)
        m.submodules.watch = watch = FrameWatch(g.words_in, g.words_out, 2)
        m.d.comb += [
            unit.input.valid.eq(self.input_valid),
            unit.input.payload.eq(self.input_payload),
            unit.output.ready.eq(self.output_ready),
            watch.enter.eq(unit.input.valid & unit.input.ready),
            watch.leave.eq(unit.output.valid & unit.output.ready),
            # Where the bits of a frame are no power of two, `bit` can be none of them.
            watch.pick.eq(self.pick & (self.bit < g.frame_bits)),
        ]
        chosen, latched = Signal.like(self.bit), Signal.like(self.bit)
        m.d.sync += latched.eq(chosen)
        m.d.comb += chosen.eq(latched)
        with m.If(watch.capturing & (watch.in_index == 0)):
            m.d.comb += chosen.eq(self.bit)
        value, shown, due = Signal(), Signal(), Signal()
        with m.Switch(chosen):
            for b in range(g.frame_bits):
                with m.Case(b):
                    word, place = divmod(b, g.input_width)
                    with m.If(watch.capturing & (watch.in_index == word)):
                        m.d.sync += value.eq(unit.input.payload[place])
        with m.Switch(latched):
            for b in range(g.frame_bits):
                with m.Case(b):
                    word, place = divmod(b, g.output_width)
                    m.d.comb += [shown.eq(unit.output.payload[place]), due.eq(watch.out_index == word)]

        accepted, needed = Signal(range(g.frame_bits + 1)), Signal(range(g.frame_bits + 1))
        with m.If(watch.complete):
            m.d.comb += accepted.eq(g.frame_bits)
        with m.Elif(watch.inside != 0):
            m.d.comb += accepted.eq(watch.in_index * g.input_width)
        last = g.words_out - 1
        with m.If(watch.out_index == last):
            m.d.comb += needed.eq(g.frame_bits)
        with m.Else():
            m.d.comb += needed.eq((watch.out_index + 1) * g.output_width)
        surplus = unit.output.payload[g.frame_bits - last * g.output_width :]

        rules.check("stable", stays(m, unit.output.valid, unit.output.ready, unit.output.payload))
        rules.check("bits", ~(watch.checking & watch.leave & due) | (shown == value))
        rules.check("fill", ~(unit.output.valid & (watch.out_index == last)) | surplus.all())
        rules.check("count", watch.within)
        rules.check("offer", unit.output.valid == (accepted >= needed))
        rules.check("progress", unit.input.ready | unit.output.valid)
        rules.cover("followed", watch.checking & watch.leave & due & value)
        # One frame ends and the next begins without a cycle in between.
        rules.cover("together", watch.leave & watch.enter & (watch.out_index == last))

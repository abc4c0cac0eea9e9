"""Two streams to one, their sum."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.rtl.elements import element_value
from bnnhw.units.add.model import AddUnit

__all__ = ["Add"]


class Add(wiring.Component):
    """Adds two streams element by element.

    - Inputs: words of ``lanes`` elements, each stream of its own type.
    - Output: words of ``lanes`` sums. Bipolar elements add as -1 and +1.
    - II = 1. Latency = 1.
    - Stalls: both words of a pair are accepted in one cycle: once both are offered and the sum before is taken.
    - Storage: a word of sums.

    Parameters
    ----------
    model : AddUnit

    Members
    -------
    first : stream of ``unsigned(lanes * model.first.bits)``
    second : stream of ``unsigned(lanes * model.second.bits)``
    output : stream of ``unsigned(lanes * model.dtype.bits)``
    """

    clocked = True

    def __init__(self, model: AddUnit) -> None:
        self.model = model
        super().__init__(
            {
                "first": In(stream.Signature(unsigned(model.inputs[0].width))),
                "second": In(stream.Signature(unsigned(model.inputs[1].width))),
                "output": Out(stream.Signature(unsigned(model.outputs[0].width))),
            }
        )

    @property
    def module_name(self) -> str:
        return f"bnnhw_add_{self.model.first}_{self.model.second}_{self.model.lanes}"

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        valid, room = Signal(), Signal()
        held = Signal(len(self.output.payload), reset_less=True)
        m.d.comb += [
            room.eq(~valid | self.output.ready),
            self.first.ready.eq(self.second.valid & room),
            self.second.ready.eq(self.first.valid & room),
            self.output.valid.eq(valid),
            self.output.payload.eq(held),
        ]
        sums: list[Value] = []
        first, second, dtype = self.model.first, self.model.second, self.model.dtype
        for lane in range(self.model.lanes):
            a = element_value(self.first.payload.word_select(lane, first.bits), first)
            b = element_value(self.second.payload.word_select(lane, second.bits), second)
            sums.append((a + b)[: dtype.bits])
        with m.If(room):
            m.d.sync += [valid.eq(self.first.valid & self.second.valid), held.eq(Cat(*sums))]
        return m

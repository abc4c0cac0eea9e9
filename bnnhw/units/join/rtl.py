"""Two streams to one, in turn."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.ir import DataType
from bnnhw.rtl.elements import element_value
from bnnhw.units.join.model import JoinUnit

__all__ = ["Join"]


class Join(wiring.Component):
    """Joins two streams: a group of the first, then a group of the second, and so on.

    - Inputs: words of ``lanes`` elements, each stream of its own type, in groups of ``G1`` and ``G2`` words.
    - Output: the words, their elements as numbers of a type that holds both; groups of ``G1 + G2`` words.
    - II = ``P * (G1 + G2)`` with ``P`` groups per frame. Latency = ``P * (G1 + G2)``, 1 per word.
    - Stalls: a word is accepted of the stream whose turn it is, once the word before is taken or gone; the other
      stream waits.
    - Storage: a word.

    Parameters
    ----------
    model : JoinUnit

    Members
    -------
    first : stream of ``unsigned(lanes * model.first.bits)``
    second : stream of ``unsigned(lanes * model.second.bits)``
    output : stream of ``unsigned(lanes * model.dtype.bits)``
    """

    clocked = True

    def __init__(self, model: JoinUnit) -> None:
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
        model, timing = self.model, self.model.timing
        return f"bnnhw_join_{model.first}_{model.second}_{model.dtype}_{model.lanes}_{timing.first}_{timing.second}"

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        timing = self.model.timing
        words = timing.first + timing.second
        count = Signal(range(words))
        valid, room, second, offered = Signal(), Signal(), Signal(), Signal()
        held = Signal(len(self.output.payload), reset_less=True)
        m.d.comb += [
            second.eq(count >= timing.first),
            room.eq(~valid | self.output.ready),
            self.first.ready.eq(room & ~second),
            self.second.ready.eq(room & second),
            offered.eq(Mux(second, self.second.valid, self.first.valid)),
            self.output.valid.eq(valid),
            self.output.payload.eq(held),
        ]
        one, two = Signal(len(held)), Signal(len(held))
        m.d.comb += [
            one.eq(self._converted(self.first.payload, self.model.first)),
            two.eq(self._converted(self.second.payload, self.model.second)),
        ]
        with m.If(room):
            m.d.sync += [valid.eq(offered), held.eq(Mux(second, two, one))]
            with m.If(offered):
                m.d.sync += count.eq(Mux(count == words - 1, 0, count + 1))
        return m

    def _converted(self, payload: Value, dtype: DataType) -> Value:
        """A word's elements in the type of the output: the same numbers."""
        output = self.model.dtype
        if dtype == output:
            return payload
        elements: list[Value] = []
        for lane in range(self.model.lanes):
            number = element_value(payload.word_select(lane, dtype.bits), dtype)
            elements.append((number + Const(0, output.bits + 1))[: output.bits])
        return Cat(*elements)

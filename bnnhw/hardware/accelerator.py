"""The accelerator: a network's units and the streams between them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Elaboratable, Module, ResetSignal, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.devices import Technology, technology
from bnnhw.folding import FoldedNetwork
from bnnhw.folding.chain import chain
from bnnhw.folding.units import (
    AddUnit,
    AffineUnit,
    ArgmaxUnit,
    BufferUnit,
    ForkUnit,
    InverterUnit,
    MvuUnit,
    PoolUnit,
    QuantizeUnit,
    Unit,
    WidthUnit,
    WindowUnit,
)
from bnnhw.hardware import elementwise, pool, residual, window
from bnnhw.hardware.argmax import Argmax, score_layout
from bnnhw.hardware.copy import Copy
from bnnhw.hardware.emit import apart, shared
from bnnhw.hardware.mvu import Mvu
from bnnhw.hardware.width import WidthConverter

__all__ = ["Accelerator"]


class Accelerator(wiring.Component):
    """A whole network: frames in, classes out. Wiring only; the units are those of :func:`bnnhw.folding.chain.chain`.

    - Input: ``input_words`` words a frame; element ``e`` of the frame is lane ``e % input_lanes`` of word
      ``e // input_lanes``, lane ``l`` in bits ``[l * b, (l + 1) * b)``. Surplus lanes of the last word are ignored.
      ``input_lanes`` is the first layer's SIMD where that is fully connected, and where it works on a map as many of
      its channels as the first unit takes at once.
    - Output: one word a frame: ``index`` of the class with the highest score (the lowest on a tie), and ``score``.
    - II and latency: :func:`bnnhw.folding.cycles.predict`.
    - Reset: in the first cycle after it no word is accepted or offered.
    - Stalls: while the output is not taken, units stop one after another from the end; nothing is lost.
    - Storage: that of its units.

    Parameters
    ----------
    folded : FoldedNetwork
    technology_name : str
        Or the name of a device family: the structure of the datapaths.

    Members
    -------
    input : stream of ``unsigned(input_width)``
    output : stream of :func:`~bnnhw.hardware.argmax.score_layout`
    """

    def __init__(self, folded: FoldedNetwork, technology_name: str = "generic") -> None:
        self.folded = folded
        self.technology = technology(technology_name)
        self.chain = chain(folded, self.technology)
        self.input_lanes = self.chain.input.lanes
        self.input_width = self.chain.input.width
        self.input_words = self.chain.input.words
        self.frame_bits = folded.network.input.elements * folded.network.input.dtype.bits
        layout = score_layout(folded.network.output, *folded.pairs[-1])
        self.index_width: int = layout.members["index"].width
        self.score_width: int = layout.members["score"].width
        self.score_signed: bool = layout.members["score"].signed
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(self.input_width))),
                "output": Out(stream.Signature(layout)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        # Units are reset a cycle late, each by a register of its own: one for all would be the design's longest wire.
        # In that cycle, the first one after a reset, no word passes in or out.
        held = Signal(init=1, reset_less=True)
        m.d.sync += held.eq(ResetSignal(allow_reset_less=True))
        given = stream.Signature(unsigned(self.input_width)).create()
        m.d.comb += [
            given.payload.eq(self.input.payload),
            given.valid.eq(self.input.valid & ~held),
            self.input.ready.eq(given.ready & ~held),
        ]
        streams: dict[int, Any] = {0: given}
        for stage in self.chain.stages:
            unit = _component(stage.unit, self.technology)
            reset = Copy(1, init=1, reset_less=True)
            m.submodules[f"{stage.name}_reset"] = shared(platform, reset)
            m.d.comb += reset.d.eq(ResetSignal(allow_reset_less=True))
            m.submodules[stage.name] = apart(platform, unit, stage.name, reset.q)
            # Their streams come from their signatures, where a type checker can't see them.
            ends: Any = unit
            inputs = [ends.first, ends.second] if isinstance(unit, residual.Add) else [ends.input]
            outputs = [ends.first, ends.second] if isinstance(unit, residual.Fork) else [ends.output]
            for number, end in zip(stage.sources, inputs, strict=True):
                wiring.connect(m, streams[number], end)
            streams.update(zip(stage.sinks, outputs, strict=True))
        result = streams[self.chain.output]
        m.d.comb += [
            self.output.payload.eq(result.payload),
            self.output.valid.eq(result.valid & ~held),
            result.ready.eq(self.output.ready),
        ]
        return m


def _component(unit: Unit, tech: Technology) -> wiring.Component:
    """The hardware of a unit."""
    match unit:
        case MvuUnit():
            return Mvu(unit.layer, unit.folding, tech, multiplier=unit.pipeline.multiplier)
        case WidthUnit():
            gearbox = unit.pipeline
            return WidthConverter(gearbox.input_width, gearbox.output_width, gearbox.frame_bits)
        case WindowUnit():
            return window.WindowUnit(
                unit.window, unit.bits, unit.lanes, unit.padding_code, unit.order, tech, unit.pipeline.spare
            )
        case InverterUnit():
            return pool.ChannelInverter(unit.layer, unit.lanes)
        case PoolUnit():
            return pool.PoolReduce(unit.layer, unit.lanes)
        case QuantizeUnit():
            return elementwise.Quantize(unit.layer, unit.lanes)
        case AffineUnit():
            return elementwise.Affine(unit.layer, unit.lanes)
        case ForkUnit():
            return residual.Fork(unit.width)
        case BufferUnit():
            return residual.StreamBuffer(unit.pipeline.width, unit.pipeline.depth, tech)
        case AddUnit():
            return residual.Add(unit.first, unit.second, unit.lanes)
        case ArgmaxUnit():
            return Argmax(unit.output, unit.layer, unit.folding)

"""The accelerator: a network's units in a chain."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.folding import FoldedNetwork
from bnnhw.folding.chain import chain
from bnnhw.folding.counter import technology
from bnnhw.hardware.argmax import Argmax, score_layout
from bnnhw.hardware.emit import shared
from bnnhw.hardware.mvu import Mvu
from bnnhw.hardware.width import WidthConverter

__all__ = ["Accelerator"]


class Accelerator(wiring.Component):
    """A whole network: frames in, classes out. Wiring only; the units are those of :func:`bnnhw.folding.chain.chain`.

    - Input: ``input_words`` words a frame; element ``e`` of the frame is lane ``e % SIMD`` of word ``e // SIMD``,
      SIMD being the first layer's; lane ``l`` sits in bits ``[l * b, (l + 1) * b)``. Surplus lanes are ignored.
    - Output: one word a frame: ``index`` of the class with the highest score (the lowest on a tie), and ``score``.
    - II and latency: :func:`bnnhw.folding.cycles.predict`; II is that of the slowest unit.
    - Stalls: while the output is not taken, units stop one after another from the end; nothing is lost.
    - Storage: that of its units.

    Parameters
    ----------
    folded : FoldedNetwork
    technology_name : str
        ``"generic"``, ``"ice40"`` or ``"ecp5"``: the structure of the datapaths.

    Members
    -------
    input : stream of ``unsigned(input_width)``
    output : stream of :func:`~bnnhw.hardware.argmax.score_layout`
    """

    def __init__(self, folded: FoldedNetwork, technology_name: str = "generic") -> None:
        self.folded = folded
        self.technology = technology(technology_name)
        layer, folding = folded.pairs[0]
        self.input_width = folding.simd * layer.input.bits
        self.input_words = folding.synapse_folds(layer)
        self.frame_bits = folded.network.input.elements * layer.input.bits
        layer, folding = folded.pairs[-1]
        layout = score_layout(folded.network.output, layer, folding)
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
        upstream = wiring.flipped(self.input)
        for stage in chain(self.folded, self.technology):
            if stage.converter is not None:
                g = stage.converter
                converter = WidthConverter(g.input_width, g.output_width, g.frame_bits)
                m.submodules[f"{stage.name}_width"] = shared(platform, converter)
                wiring.connect(m, upstream, converter.input)
                upstream = converter.output
            unit = Mvu(stage.layer, stage.folding, self.technology)
            m.submodules[stage.name] = unit
            wiring.connect(m, upstream, unit.input)
            upstream = unit.output
        layer, folding = self.folded.pairs[-1]
        output = Argmax(self.folded.network.output, layer, folding)
        m.submodules.output = output
        wiring.connect(m, upstream, output.input)
        wiring.connect(m, output.output, wiring.flipped(self.output))
        return m

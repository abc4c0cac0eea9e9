"""The accelerator: the units of a dataflow graph and the streams between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from amaranth.hdl import Elaboratable, Module, ResetSignal, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.dataflow import Graph
from bnnhw.rtl.copy import Copy
from bnnhw.rtl.emit import apart, shared
from bnnhw.rtl.load import LoadCounter, LoadSignature
from bnnhw.rtl.result import result_layout
from bnnhw.rtl.seam import Seam

__all__ = ["Accelerator"]


class Accelerator(wiring.Component):
    """A whole network: frames in, classes out. Wiring only; it knows no particular unit.

    - Input: ``graph.input.words`` words per frame; element ``e`` of the frame is lane ``e % lanes`` of word
      ``e // lanes``, lane ``l`` in bits ``[l * b, (l + 1) * b)``. Surplus lanes of the last word are ignored.
      ``lanes`` is the first layer's SIMD where that is fully connected, and where it works on a map as many of its
      channels as the first unit takes at once.
    - Output: one word per frame: ``index`` of the class with the highest score (the lowest on a tie), and ``score``.
    - II and latency: :func:`bnnhw.folding.predict.predict`.
    - Reset: in the first cycle after it no word is accepted or offered.
    - Stalls: while the output is not taken, units stop one after another from the end; nothing is lost.
    - Storage: that of its units.

    Parameters
    ----------
    graph : Graph

    Attributes
    ----------
    input_width, frame_bits : int
        Bits per input word, and per frame: what a link must know.

    Members
    -------
    input : stream of ``unsigned(graph.input.width)``
    output : stream of :func:`~bnnhw.rtl.result.result_layout`
    load : In(LoadSignature)
        Where some memories are written while the device runs: fills them, with no frame inside.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.input_width = graph.input.width
        self.frame_bits = graph.frame_bits
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(graph.input.width))),
                "output": Out(stream.Signature(result_layout(graph.result))),
                **({"load": In(LoadSignature())} if graph.loads else {}),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        # Units are reset a cycle late, each by a register of its own: one for all would be the design's longest wire.
        # In that cycle, the first one after a reset, no word passes in or out.
        held = Signal(init=1, reset_less=True)
        m.d.sync += held.eq(ResetSignal(allow_reset_less=True))
        given = stream.Signature(unsigned(self.graph.input.width)).create()
        m.d.comb += [
            given.payload.eq(self.input.payload),
            given.valid.eq(self.input.valid & ~held),
            self.input.ready.eq(given.ready & ~held),
        ]
        # Streams come from signatures, where a type checker can't see them.
        streams: dict[int, Any] = {0: given}
        filled = self._filled(m)
        for node in self.graph.nodes:
            component = node.unit.component()
            reset = Copy(1, init=1, reset_less=True)
            m.submodules[f"{node.name}_reset"] = shared(platform, reset)
            m.d.comb += reset.d.eq(ResetSignal(allow_reset_less=True))
            m.submodules[node.name] = apart(platform, component, node.name, reset.q)
            for memory in node.unit.loads:
                wiring.connect(m, next(filled), getattr(component, f"load_{memory.name}"))
            for number, port in zip(node.sources, node.unit.input_ports, strict=True):
                given = self._seen(m, platform, f"{node.name}_{port}", streams[number])
                wiring.connect(m, given, getattr(component, port))
            for number, port in zip(node.sinks, node.unit.output_ports, strict=True):
                streams[number] = getattr(component, port)
        result = streams[self.graph.output]
        m.d.comb += [
            self.output.payload.eq(result.payload),
            self.output.valid.eq(result.valid & ~held),
            result.ready.eq(self.output.ready),
        ]
        return m

    def _seen(self, m: Module, platform: object, name: str, given: Any) -> Any:
        """A stream as the unit behind it sees it."""
        if not self.graph.technology.seams:
            return given
        m.submodules[f"{name}_seam"] = shared(platform, seam := Seam())
        seen = stream.Signature(given.payload.shape()).create()
        m.d.comb += [
            seam.d.eq(given.valid),
            seen.valid.eq(seam.q),
            seen.payload.eq(given.payload),
            given.ready.eq(seen.ready),
        ]
        return seen

    def _filled(self, m: Module) -> Iterator[Any]:
        """What fills each memory that is written while the device runs, in the order of their image."""
        if not self.graph.loads:
            return iter(())
        m.submodules.load = counter = LoadCounter(self.graph.loads)
        wiring.connect(m, wiring.flipped(self.load), counter.load)
        return (getattr(counter, f"to_{number}") for number in range(len(self.graph.loads)))

"""An accelerator's Verilog as the bench sees it: ports, probes and promised cycles."""

from __future__ import annotations

from dataclasses import dataclass

from bnnhw.dataflow import Graph, Probe
from bnnhw.dataflow.frame import Frame
from bnnhw.dataflow.loads import image
from bnnhw.folding.predict import predict
from bnnhw.sim.ports import Field, Interface, Port

__all__ = ["Core"]


@dataclass(frozen=True)
class Core:
    """What is known of an accelerator besides its text.

    Parameters
    ----------
    module : str
        Its Verilog module, with the ports of :class:`bnnhw.rtl.accelerator.Accelerator`.
    technology : str
        Whose cells it may instantiate.
    frame : Frame
    probes : tuple of Probe
        The streams that layers give.
    cycles_per_frame, latency_cycles : int
        As predicted.
    load : bytes
        The words that fill its memories, two bytes each, the least significant first; none where it has no load port.
    """

    module: str
    technology: str
    frame: Frame
    probes: tuple[Probe, ...]
    cycles_per_frame: int
    latency_cycles: int
    load: bytes = b""

    @classmethod
    def of(cls, graph: Graph, module: str = "accelerator") -> Core:
        """That of the accelerator made of a graph."""
        cycles = predict(graph)
        load = image(graph.loads).astype("<u2").tobytes()
        return cls(
            module,
            graph.technology.name,
            Frame.of(graph),
            graph.probes,
            cycles.cycles_per_frame,
            cycles.latency_cycles,
            load,
        )

    @property
    def watchdog(self) -> int:
        """Cycles without a word moving that make a hang: a frame moves one at least every ``cycles_per_frame`` once the
        pipeline is full; the rest is margin.
        """
        return 4 * (self.latency_cycles + self.cycles_per_frame) + 1000

    @property
    def interface(self) -> Interface:
        """The ports that the bench drives."""
        frame = self.frame
        payload = Port.plain("input_payload", frame.word_bits)
        fields = tuple(Field(*field) for field in frame.result.fields)
        output = (Port("output_payload", fields),)
        return Interface(self.module, payload, frame.words, output, loads=bool(self.load))

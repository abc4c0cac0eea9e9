"""The clock that a design should reach, before it is synthesized."""

from __future__ import annotations

from bnnhw.boards import Board
from bnnhw.dataflow import Resources
from bnnhw.dataflow.graph import Graph
from bnnhw.devices.speeds import speed

__all__ = ["aligned", "clock_words", "estimated_mhz", "widest"]


def widest(graph: Graph) -> int:
    """Bits of the widest stream between units."""
    return max(stream.width for node in graph.nodes for stream in (*node.unit.inputs, *node.unit.outputs))


def aligned(graph: Graph) -> bool:
    """Whether words of the accelerator's input are whole bytes, or parts of one."""
    return graph.input.width % 8 == 0 or 8 % graph.input.width == 0


def estimated_mhz(graph: Graph, whole: Resources, link: Resources, board: Board) -> float | None:
    """About the Fmax that nextpnr finds; None for a part whose clock was never measured.

    Parameters
    ----------
    whole : Resources
        With the link.
    link : Resources
        Of that what the link takes, the frames that wait in it included.
    """
    part = speed(board.speed)
    if part is None:
        return None
    found = part.fmax_mhz(whole.cells, widest(graph), memory=link.bram > 0, aligned=aligned(graph))
    return None if found is None else round(found, 1)


def clock_words(estimated: float | None, asked: float) -> str:
    """What a folding promises of the clock, in a line; clocks in MHz."""
    if estimated is None:
        return f"no clock of this device was ever measured: whether {asked:g} MHz are reached, only a build says"
    if estimated < asked:
        return f"about {estimated:.0f} MHz expected, below the {asked:g} asked for: it may miss timing"
    return f"about {estimated:.0f} MHz expected, {asked:g} asked for"

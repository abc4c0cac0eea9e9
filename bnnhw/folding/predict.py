"""The cycle model: exactly how long a frame takes, before anything is simulated.

Every unit has a flow model (:mod:`bnnhw.dataflow.flow`): in which cycle each of its words moves, given in which cycles
its neighbours move theirs. All of them, let loose on each other from reset on in an environment that never waits, give
every cycle in which anything moves: converters, windows, forks, joins, queues and back-pressure included. Tests compare
both figures with simulation.

Steady state
------------
No frame takes less than the interval of the slowest unit. A chain of fully connected layers always runs at it: every
matrix-vector unit holds two vectors, so while it works on one, the whole next one can arrive. Behind a window unit
words come in bursts, which the line buffers smooth out up to their size; where they do not do it wholly, a frame takes
longer than any unit does, and how much is seen from the flow alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from bnnhw.dataflow import Graph
from bnnhw.dataflow.same import Same
from bnnhw.dataflow.throughput import settle

__all__ = ["LayerCycles", "Prediction", "predict"]

KEPT = 8
"""Graphs whose cycles are kept: what was chosen is asked for them again and again."""


@dataclass(frozen=True)
class LayerCycles:
    """Cycles per frame of one unit.

    Parameters
    ----------
    name : str
        The layer's; a width converter's is that of the layer behind it.
    unit : str
        Its kind: ``"mvu"``, ``"width"``, ``"window"``, ``"pool"``, ``"argmax"`` and others
        (:mod:`bnnhw.units`).
    cycles : int
        II: the unit alone, neither side waiting.
    """

    name: str
    unit: str
    cycles: int


@dataclass(frozen=True)
class Prediction:
    """What :func:`predict` returns.

    Parameters
    ----------
    cycles_per_frame : int
        Cycles between two frames in steady state, neither side waiting.
    latency_cycles : int
        From the first input word accepted to the result offered, of a frame that meets an empty accelerator.
    layers : tuple of LayerCycles
        Every unit; ``cycles_per_frame`` is at least that of the slowest.
    """

    cycles_per_frame: int
    latency_cycles: int
    layers: tuple[LayerCycles, ...]


def predict(graph: Graph) -> Prediction:
    """The exact cycles of an accelerator (its technology's datapaths decide the latency, not the interval)."""
    latency, per_frame = graph.settled or _settled(Same(graph))
    units = tuple(LayerCycles(node.layer, node.unit.kind, node.unit.interval) for node in graph.nodes)
    return Prediction(per_frame, latency, units)


@lru_cache(maxsize=KEPT)
def _settled(graph: Same[Graph]) -> tuple[int, int]:
    """Latency, and cycles per frame."""
    found = settle(graph.one)
    return found.latency, found.per_frame

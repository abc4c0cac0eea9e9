"""The cycle model: exactly how long a frame takes, before anything is simulated.

Steady state
------------
A chain of units with enough buffer between them runs at the interval of the slowest. The buffers are enough:
every matrix-vector unit holds two vectors, so while it works on one, the whole next one can arrive; its output
queue covers its pipeline. ``docs/decisions`` has the proof, and tests compare the figure with simulation.

Latency
-------
Of a frame that meets an empty accelerator. No unit is ever held up by the one behind it longer than that one's own
pace (the same argument), so the cycle in which each word is offered follows from those of its inputs alone, unit by
unit: a recurrence over the words of one frame.
"""

from __future__ import annotations

from dataclasses import dataclass

from bnnhw.folding.chain import Stage, chain
from bnnhw.folding.counter import Technology, technology
from bnnhw.folding.folded import FoldedNetwork
from bnnhw.folding.pipeline import ArgmaxPipeline, MvuPipeline, argmax_pipeline

__all__ = ["LayerCycles", "Prediction", "predict"]


@dataclass(frozen=True)
class LayerCycles:
    """Cycles a frame of one unit.

    Parameters
    ----------
    name : str
        The layer's; a converter's is that of the layer behind it.
    unit : str
        ``"mvu"``, ``"width"`` or ``"argmax"``.
    cycles : int
        II.
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
        Every unit; the slowest decides ``cycles_per_frame``.
    """

    cycles_per_frame: int
    latency_cycles: int
    layers: tuple[LayerCycles, ...]


def _mvu_schedule(pipeline: MvuPipeline, arrivals: list[int]) -> list[int]:
    """When each output word is offered, given when each input word is."""
    sf, nf = pipeline.synapse_folds, pipeline.neuron_folds
    issued: list[int] = []
    cycle = arrivals[0]
    for arrival in arrivals:
        # A word accepted in a cycle can be issued in the next.
        cycle = max(arrival, cycle) + 1
        issued.append(cycle)
    first_fold_ends = issued[sf - 1]
    return [first_fold_ends + fold * sf + pipeline.depth for fold in range(nf)]


def _argmax_offered(pipeline: ArgmaxPipeline, arrivals: list[int]) -> int:
    cycle = arrivals[0] - 1
    for arrival in arrivals:
        cycle = max(arrival, cycle + 1)
    return cycle + pipeline.depth


def _units(stages: tuple[Stage, ...], output: ArgmaxPipeline, name: str) -> tuple[LayerCycles, ...]:
    units: list[LayerCycles] = []
    for stage in stages:
        if stage.converter is not None:
            units.append(LayerCycles(stage.layer.name, "width", stage.converter.interval))
        units.append(LayerCycles(stage.layer.name, "mvu", stage.pipeline.interval))
    return (*units, LayerCycles(name, "argmax", output.interval))


def predict(folded: FoldedNetwork, tech: Technology | str = "generic") -> Prediction:
    """The exact cycles of a folded network on a technology (whose datapaths decide the latency, not the interval)."""
    tech = technology(tech) if isinstance(tech, str) else tech
    stages = chain(folded, tech)
    output = argmax_pipeline(folded.network.output, *folded.pairs[-1])
    words = list(range(stages[0].pipeline.synapse_folds))
    for stage in stages:
        if stage.converter is not None:
            words = stage.converter.schedule(words)
        words = _mvu_schedule(stage.pipeline, words)
    units = _units(stages, output, folded.network.output.name)
    return Prediction(max(unit.cycles for unit in units), _argmax_offered(output, words), units)

"""The units an accelerator is a chain of."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bnnhw.folding.counter import Technology
from bnnhw.folding.folded import FoldedNetwork, LayerFolding
from bnnhw.folding.gearbox import Gearbox
from bnnhw.folding.pipeline import MvuPipeline, mvu_pipeline
from bnnhw.ir import Dense

__all__ = ["Stage", "chain"]


@dataclass(frozen=True)
class Stage:
    """One matrix layer, and the width converter before it where its input words are not the previous output words.

    Parameters
    ----------
    name : str
        Of the unit in hardware: the layer's, made a legal and unique identifier.
    layer : Dense
    folding : LayerFolding
    converter : Gearbox or None
    pipeline : MvuPipeline
    """

    name: str
    layer: Dense
    folding: LayerFolding
    converter: Gearbox | None
    pipeline: MvuPipeline


def chain(folded: FoldedNetwork, tech: Technology) -> tuple[Stage, ...]:
    """The stages of a folded network, in order."""
    stages: list[Stage] = []
    previous: LayerFolding | None = None
    for number, (layer, folding) in enumerate(folded.pairs):
        bits = layer.input.bits
        converter = None
        if previous is not None and previous.pe != folding.simd:
            converter = Gearbox(previous.pe * bits, folding.simd * bits, layer.synapses * bits)
        name = f"layer{number}_{re.sub(r'[^A-Za-z0-9]+', '_', layer.name).strip('_')}"
        stages.append(Stage(name, layer, folding, converter, mvu_pipeline(layer, folding, tech)))
        previous = folding
    return tuple(stages)

"""A network together with how each of its layers is spread over time: the only thing units are made of."""

from __future__ import annotations

from dataclasses import dataclass

from bnnhw.dataflow import Graph
from bnnhw.dataflow.engine import ENGINES, LayerFolding
from bnnhw.devices import Technology
from bnnhw.errors import FoldingError
from bnnhw.ir import Dense, Layer, Network, walk
from bnnhw.lowering import lower
from bnnhw.lowering.columns import columns_misfit

__all__ = ["FoldedNetwork"]


@dataclass(frozen=True)
class FoldedNetwork:
    """A streamlined network and one folding for each of its weight matrices.

    Raises :class:`~bnnhw.errors.FoldingError`, naming the layer and the nearest legal values, for a
    folding that can't be built.
    """

    network: Network
    foldings: tuple[LayerFolding, ...]

    def __post_init__(self) -> None:
        if not self.network.streamlined:
            raise FoldingError("only a streamlined network can be folded: run the streamlining passes first")
        if len(self.foldings) != len(self.layers):
            raise FoldingError(f"folding: must have {len(self.layers)} layers, not {len(self.foldings)}")
        for layer, folding in zip(self.layers, self.foldings, strict=True):
            if folding.columns and (misfit := columns_misfit(layer)):
                raise FoldingError(f"layer {layer.name}: {misfit}")
            ENGINES.named(folding.engine).check(layer, folding)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that have a weight matrix, in the order of :func:`~bnnhw.ir.walk`."""
        return tuple(layer for layer in walk(self.network.chain) if layer.matrix is not None)

    @property
    def pairs(self) -> tuple[tuple[Dense, LayerFolding], ...]:
        """Each weight matrix with its folding, in order."""
        return tuple(zip(self.network.matrices, self.foldings, strict=True))

    def graph(self, technology: Technology, *, quick: bool = False, scores: bool = False) -> Graph:
        """The dataflow graph on a technology (:func:`bnnhw.lowering.lower`); it is derived anew at each call."""
        foldings = {layer.name: folding for layer, folding in zip(self.layers, self.foldings, strict=True)}
        return lower(self.network, foldings, technology, quick=quick, scores=scores)

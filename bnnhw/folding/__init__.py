"""How a network is spread over time: PE and SIMD, cycles, resources."""

from bnnhw.folding.folded import FoldedNetwork, LayerFolding

__all__ = ["FoldedNetwork", "LayerFolding"]

"""The network of the virtual board's tests: one compiled simulation serves those of the verbs too."""

from __future__ import annotations

from bnnhw.folding import FoldedNetwork, LayerFolding
from tests.cli.conftest import make_network

__all__ = ["FOLDED", "NETWORK"]

NETWORK = make_network()
FOLDED = FoldedNetwork(NETWORK, (LayerFolding(5, 8), LayerFolding(2, 5, "lut")))

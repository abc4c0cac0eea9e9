"""How a network is spread over time: the choice for each layer, its file, its cycles, and the solver that chooses."""

from bnnhw.dataflow.engine import ENGINES, LayerFolding
from bnnhw.folding.folded import FoldedNetwork
from bnnhw.folding.predict import LayerCycles, Prediction, predict

__all__ = ["ENGINES", "FoldedNetwork", "LayerCycles", "LayerFolding", "Prediction", "predict"]

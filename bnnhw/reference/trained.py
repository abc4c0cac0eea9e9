"""What a network that is not streamlined says: exact dot products, then the float64 formula as trained.

It is the yardstick for streamlining, and for the trainer's own figures: the only rounding is that of the steps
between dot product and quantizer in float64 (:mod:`bnnhw.ir.steps`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir.layers import FloatActivation
from bnnhw.ir.network import Network
from bnnhw.ir.steps import apply
from bnnhw.reference.evaluate import BATCH, Progress
from bnnhw.reference.product import Product, check_codes

__all__ = ["TrainedScores", "evaluate_trained"]


@dataclass(frozen=True, eq=False)
class TrainedScores:
    """Parameters: ``scores``, float64 (frames, classes), and ``classes``, int64 (frames,), lowest index on a tie."""

    scores: NDArray[np.float64]
    classes: NDArray[np.int64]


def evaluate_trained(
    network: Network, codes: NDArray[Any], progress: Progress | None = None, batch: int = BATCH
) -> TrainedScores:
    """Scores and classes of frames by the float64 formula.

    Parameters
    ----------
    network : Network
        Streamlined or not, or partly; without steps at the end, scores are those of the output.
    codes, progress, batch
        As for :func:`bnnhw.reference.evaluate.evaluate`.
    """
    products = [Product(layer) for layer in network.dense]
    codes = check_codes(codes, network.input.elements, network.input.dtype.levels)
    output = network.output
    scores = np.empty((len(codes), output.classes), np.float64)
    for start in range(0, len(codes), batch):
        x = codes[start : start + batch]
        for product in products[:-1]:
            activation = product.layer.activation
            if isinstance(activation, FloatActivation):
                levels = activation.quantizer.levels(apply(activation.steps, product.dots(x)))
                x = activation.dtype.codes(levels)
            else:
                x = product.output(x)
        if output.steps:
            result = apply(output.steps, products[-1].dots(x))
        else:
            result = output.multiplier * products[-1].accumulators(x) + output.offset
        scores[start : start + batch] = result
        if progress is not None:
            progress(min(start + batch, len(codes)))
    return TrainedScores(scores, scores.argmax(axis=1).astype(np.int64))

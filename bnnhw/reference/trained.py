"""What a network that is not streamlined says: exact dot products, then the float64 formula as trained.

It is the yardstick for streamlining, and for the trainer's own figures: the only rounding is that of the steps
between dot product and quantizer in float64 (:mod:`bnnhw.ir.steps`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir.arithmetic import emitted_affine
from bnnhw.ir.network import Network
from bnnhw.ir.steps import apply
from bnnhw.reference.chain import Chain, batch_size, one_thread
from bnnhw.reference.kernels import PLAIN, Kernels
from bnnhw.reference.product import check_codes
from bnnhw.reference.streamlined import Progress

__all__ = ["TrainedScores", "evaluate_trained"]


@dataclass(frozen=True, eq=False)
class TrainedScores:
    """Parameters: ``scores``, float64 (frames, classes), and ``classes``, int64 (frames,), as the output decides."""

    scores: NDArray[np.float64]
    classes: NDArray[np.int64]


def evaluate_trained(
    network: Network,
    codes: NDArray[Any],
    progress: Progress | None = None,
    batch: int | None = None,
    kernels: Kernels = PLAIN,
) -> TrainedScores:
    """Scores and classes of frames by the float64 formula.

    Parameters
    ----------
    network : Network
        Streamlined or not, or partly; without steps at the end, scores are those of the output.
    codes, progress, batch, kernels
        As for :func:`bnnhw.reference.streamlined.evaluate`.
    """
    chain, last = Chain(network.chain, kernels), network.chain[-1]
    affine = emitted_affine(last)
    codes = check_codes(codes, network.input.elements, network.input.dtype.levels)
    batch = batch or batch_size(network)
    output = network.output
    scores = np.empty((len(codes), output.classes), np.float64)
    with one_thread():
        for start in range(0, len(codes), batch):
            emitted = last.output.values(chain.run(codes[start : start + batch]))
            if output.steps:
                result = apply(output.steps, affine.scale * emitted + affine.constants)
            else:
                result = output.multiplier * emitted + output.offset
            scores[start : start + batch] = result
            if progress is not None:
                progress(min(start + batch, len(codes)))
    return TrainedScores(scores, output.decide(scores))

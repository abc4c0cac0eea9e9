"""The evaluations of :mod:`bnnhw.reference`, each on the kernels that are fastest for its frames."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir.network import Network
from bnnhw.reference import streamlined, trained
from bnnhw.reference.fast.kernels import kernels_for
from bnnhw.reference.streamlined import Accuracy, Progress, Scores
from bnnhw.reference.trained import TrainedScores

__all__ = ["accuracy", "evaluate", "evaluate_trained", "trace"]


def evaluate(
    network: Network, codes: NDArray[Any], progress: Progress | None = None, batch: int | None = None
) -> Scores:
    """Scores and classes of frames, as :func:`bnnhw.reference.streamlined.evaluate` says."""
    return streamlined.evaluate(network, codes, progress, batch, kernels_for(network, len(codes)))


def trace(network: Network, codes: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Every layer's result for some frames, as :func:`bnnhw.reference.streamlined.trace` says."""
    return streamlined.trace(network, codes, kernels_for(network, len(codes)))


def accuracy(
    network: Network, codes: NDArray[Any], labels: NDArray[np.integer], progress: Progress | None = None
) -> Accuracy:
    """How many frames get their label, as :func:`bnnhw.reference.streamlined.accuracy` says."""
    return streamlined.accuracy(network, codes, labels, progress, kernels_for(network, len(codes)))


def evaluate_trained(
    network: Network, codes: NDArray[Any], progress: Progress | None = None, batch: int | None = None
) -> TrainedScores:
    """Scores and classes by the float64 formula, as :func:`bnnhw.reference.trained.evaluate_trained` says."""
    return trained.evaluate_trained(network, codes, progress, batch, kernels_for(network, len(codes)))

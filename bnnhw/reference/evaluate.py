"""The integer meaning of a streamlined network: what hardware must reproduce, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError
from bnnhw.ir.layers import Dense, Output
from bnnhw.ir.network import Network
from bnnhw.reference.product import Product, check_codes

__all__ = ["Accuracy", "Progress", "Scores", "accuracy", "evaluate", "trace"]

Progress: TypeAlias = Callable[[int], None]
"""Called after each batch with the number of frames done."""

BATCH = 1024
"""Frames a batch: the activations of a 1024-wide layer then fit the caches, and BLAS runs at full speed."""


@dataclass(frozen=True, eq=False)
class Scores:
    """What a network says about some frames.

    Parameters
    ----------
    scores : int64 array (frames, classes)
        ``multiplier * acc + offset`` of the output.
    classes : int64 array (frames,)
        The class of the highest score; the lowest index on a tie.
    """

    scores: NDArray[np.int64]
    classes: NDArray[np.int64]


@dataclass(frozen=True)
class Accuracy:
    """How many of some frames got their label."""

    frames: int
    correct: int

    @property
    def fraction(self) -> float:
        """Correct frames over frames, 0..1; 0 for no frames."""
        return self.correct / self.frames if self.frames else 0.0


def _products(network: Network) -> list[Product]:
    if not network.streamlined:
        raise NetworkError("only a streamlined network has an integer meaning: run the streamlining passes first")
    return [Product(layer) for layer in network.dense]


def _check_scores(layer: Dense, output: Output) -> None:
    """Refuse multipliers and offsets with which a score could leave int64."""
    reach = max(map(abs, layer.accumulator_range))
    multiplier, offset = (max(map(abs, array.tolist())) for array in (output.multiplier, output.offset))
    if multiplier * reach + offset >= 1 << 63:
        raise NetworkError(f"layer {output.name}: scores must be below 2**63")


def _score(output: Output, accumulators: NDArray[np.int64]) -> NDArray[np.int64]:
    return output.multiplier * accumulators + output.offset


def evaluate(network: Network, codes: NDArray[Any], progress: Progress | None = None, batch: int = BATCH) -> Scores:
    """Scores and classes of frames.

    Parameters
    ----------
    network : Network
        Streamlined.
    codes : uint8 array (frames, elements)
        As ``network.input.encode`` makes them.
    progress : callable, optional
        Told the number of frames done after each batch.
    batch : int
        Frames computed at once.

    Raises
    ------
    NetworkError
        For a network that is not streamlined, and for codes of a wrong type, shape or range.
    """
    products = _products(network)
    _check_scores(network.dense[-1], network.output)
    codes = check_codes(codes, network.input.elements, network.input.dtype.levels)
    scores = np.empty((len(codes), network.output.classes), np.int64)
    for start in range(0, len(codes), batch):
        x = codes[start : start + batch]
        for product in products[:-1]:
            x = product.output(x)
        scores[start : start + batch] = _score(network.output, products[-1].accumulators(x))
        if progress is not None:
            progress(min(start + batch, len(codes)))
    return Scores(scores, scores.argmax(axis=1).astype(np.int64))


def trace(network: Network, codes: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Every layer's result for some frames, by layer name, in order.

    A layer with thresholds gives its output codes, uint8 (frames, neurons); the last matrix layer its
    accumulators, int64 (frames, neurons); the output its scores, int64 (frames, classes). Parameters and
    errors as for :func:`evaluate`.
    """
    products = _products(network)
    _check_scores(network.dense[-1], network.output)
    x = check_codes(codes, network.input.elements, network.input.dtype.levels)
    results: dict[str, NDArray[Any]] = {}
    for product in products[:-1]:
        x = results[product.layer.name] = product.output(x)
    accumulators = results[products[-1].layer.name] = products[-1].accumulators(x)
    results[network.output.name] = _score(network.output, accumulators)
    return results


def accuracy(
    network: Network, codes: NDArray[Any], labels: NDArray[np.integer], progress: Progress | None = None
) -> Accuracy:
    """How many frames get their label. Parameters and errors as for :func:`evaluate`."""
    labels = np.asarray(labels)
    if labels.shape != (len(codes),):
        raise NetworkError(f"labels must have shape ({len(codes)},), not {labels.shape}")
    classes = evaluate(network, codes, progress).classes
    return Accuracy(len(labels), int((classes == labels).sum()))

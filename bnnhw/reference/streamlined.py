"""The integer meaning of a streamlined network: what hardware must reproduce, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError
from bnnhw.ir.layer import Layer
from bnnhw.ir.layers import Output
from bnnhw.ir.network import Network
from bnnhw.reference.chain import Chain, batch_size, one_thread
from bnnhw.reference.kernels import PLAIN, Kernels
from bnnhw.reference.product import check_codes

__all__ = ["Accuracy", "Progress", "Scores", "accuracy", "evaluate", "trace"]

Progress: TypeAlias = Callable[[int], None]
"""Called after each batch with the number of frames done."""


@dataclass(frozen=True, eq=False)
class Scores:
    """What a network says about some frames.

    Parameters
    ----------
    scores : int64 array (frames, classes)
        ``multiplier * acc + offset`` of the output.
    classes : int64 array (frames,)
        The class of the highest score; the lowest index on a tie. Of a single score: whether it is not negative.
    """

    scores: NDArray[np.int64]
    classes: NDArray[np.int64]

    @property
    def best(self) -> NDArray[np.int64]:
        """The score that goes with each frame's class: the highest, or the only one."""
        return self.scores.max(axis=1)


@dataclass(frozen=True)
class Accuracy:
    """How many of some frames got their label."""

    frames: int
    correct: int

    @property
    def fraction(self) -> float:
        """Correct frames over frames, 0..1; 0 for no frames."""
        return self.correct / self.frames if self.frames else 0.0


def _prepare(network: Network, kernels: Kernels) -> Chain:
    """The layers before the output, made ready."""
    if not network.streamlined:
        raise NetworkError("only a streamlined network has an integer meaning: run the streamlining passes first")
    _check_scores(network.chain[-1], network.output)
    return Chain(network.chain, kernels)


def _check_scores(layer: Layer, output: Output) -> None:
    """Refuse multipliers and offsets with which a score could leave int64."""
    reach = max(map(abs, layer.emitted))
    multiplier, offset = (max(map(abs, array.tolist())) for array in (output.multiplier, output.offset))
    if multiplier * reach + offset >= 1 << 63:
        raise NetworkError(f"layer {output.name}: scores must be below 2**63")


def _score(output: Output, emitted: NDArray[np.int64]) -> NDArray[np.int64]:
    return output.multiplier * emitted + output.offset


def evaluate(
    network: Network,
    codes: NDArray[Any],
    progress: Progress | None = None,
    batch: int | None = None,
    kernels: Kernels = PLAIN,
) -> Scores:
    """Scores and classes of frames.

    Parameters
    ----------
    network : Network
        Streamlined.
    codes : uint8 array (frames, elements)
        As ``network.input.encode`` makes them, in stream order.
    progress : callable, optional
        Told the number of frames done after each batch.
    batch : int, optional
        Frames computed at once; None chooses.
    kernels : Kernels

    Raises
    ------
    NetworkError
        For a network that is not streamlined, and for codes of a wrong type, shape or range.
    """
    chain, last = _prepare(network, kernels), network.chain[-1]
    codes = check_codes(codes, network.input.elements, network.input.dtype.levels)
    batch = batch or batch_size(network)
    scores = np.empty((len(codes), network.output.classes), np.int64)
    with one_thread():
        for start in range(0, len(codes), batch):
            x = chain.run(codes[start : start + batch])
            scores[start : start + batch] = _score(network.output, last.output.values(x))
            if progress is not None:
                progress(min(start + batch, len(codes)))
    return Scores(scores, network.output.decide(scores))


def trace(network: Network, codes: NDArray[Any], kernels: Kernels = PLAIN) -> dict[str, NDArray[Any]]:
    """Every layer's result for some frames, by layer name, in the order of :func:`bnnhw.ir.layer.walk`.

    - The last layer gives the numbers that it emits (of a matrix its accumulators), the output its scores, both int64
      (frames, classes).
    - Every other layer, those inside branches included, gives the codes that its stream carries: array
      (frames, elements) in stream order (a map position by position, channels fastest) of its type's ``code_dtype``.
      Where such a layer emits integers (a matrix without activation, a sum, an affine), they are codes too: ``values``
      of its type turns them into numbers.

    Parameters and errors as for :func:`evaluate`.
    """
    chain, last = _prepare(network, kernels), network.chain[-1]
    codes = check_codes(codes, network.input.elements, network.input.dtype.levels)
    batches: dict[str, list[NDArray[Any]]] = {}

    def record(name: str, found: NDArray[Any]) -> NDArray[Any]:
        batches.setdefault(name, []).append(last.output.values(found) if name == last.name else found)
        return found

    batch = batch_size(network)
    with one_thread():
        for start in range(0, max(len(codes), 1), batch):
            chain.run(codes[start : start + batch], record)
            record(network.output.name, _score(network.output, batches[last.name][-1]))
    return {name: np.concatenate(found) for name, found in batches.items()}


def accuracy(
    network: Network,
    codes: NDArray[Any],
    labels: NDArray[np.integer],
    progress: Progress | None = None,
    kernels: Kernels = PLAIN,
) -> Accuracy:
    """How many frames get their label. Parameters and errors as for :func:`evaluate`."""
    labels = np.asarray(labels)
    if labels.shape != (len(codes),):
        raise NetworkError(f"labels must have shape ({len(codes)},), not {labels.shape}")
    classes = evaluate(network, codes, progress, kernels=kernels).classes
    return Accuracy(len(labels), int((classes == labels).sum()))

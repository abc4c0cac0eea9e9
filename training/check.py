"""Whether an exported model, read back and streamlined, is the trained one: equal, not close."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from torch import nn

from bnnhw.errors import CheckError
from bnnhw.files import scratch
from bnnhw.frontend import read_model
from bnnhw.ir import Lookup, LookupConv, MaxPool, Network
from bnnhw.ir.activation import Thresholds
from bnnhw.ir.layer import Layer
from bnnhw.reference import evaluate, evaluate_trained, trace
from bnnhw.streamline import streamline
from bnnhw.training.evaluation import evaluate_float64, slices
from bnnhw.training.export import write_onnx

__all__ = ["as_file", "check_export", "check_readable"]


@contextmanager
def as_file(exported: onnx.ModelProto, name: str) -> Iterator[Path]:
    """A model as a temporary file: checks read the file, as everything after them will."""
    with scratch() as folder:
        path = folder / name
        write_onnx(exported, path)
        yield path


def check_export(model: nn.Module, path: Path, samples: NDArray[np.float32]) -> None:
    """Compare a model in float64 with its ONNX file, read back, streamlined and evaluated in integers.

    Over ``samples``, the scores of the network as imported must be the model's, to the last bit; every
    hidden activation and every class of the streamlined one must be the model's too.

    Parameters
    ----------
    model : torch.nn.Module
    path : Path
        The file that :mod:`bnnhw.training.export` wrote of it.
    samples : float32 array (frames, features) or (frames, channels, height, width)
        Raw samples.

    Raises
    ------
    CheckError
        They differ; the message says where, and in how many frames.
    """
    imported = read_model(path).network
    streamlined = streamline(imported).network
    different: Counter[str] = Counter()
    for some in slices(len(samples)):
        for what, actual, expected in _compared(model, imported, streamlined, samples[some]):
            different[what] += _different(what, actual, expected)
    for what, frames in different.items():
        if frames:
            raise CheckError(
                f"{what} must equal those of the trained model, and differ in {frames} of {len(samples)} frames"
            )


def _compared(
    model: nn.Module, imported: Network, streamlined: Network, samples: NDArray[np.float32]
) -> Iterator[tuple[str, NDArray[np.generic], NDArray[np.generic]]]:
    """What of a network must be the model's: its name, and as either computes it for the same frames."""
    hidden, scores = evaluate_float64(model, samples)
    codes = imported.input.encode(samples.reshape(len(samples), -1))

    yield "scores of the imported model", evaluate_trained(imported, codes).scores, scores
    integer = evaluate(streamlined, codes)
    yield (
        "classes of the streamlined network",
        integer.classes[:, None],
        streamlined.output.decide(scores)[:, None],
    )
    outputs = trace(streamlined, codes)
    layers = _activations(streamlined.chain)
    if len(layers) != len(hidden):
        raise CheckError(f"the streamlined network must have {len(hidden)} hidden layers, not {len(layers)}")
    for layer, expected in zip(layers, hidden, strict=True):
        values = layer.output.values(outputs[layer.name]).reshape(len(samples), -1)
        yield f"activations of layer {layer.name}", values, _streamed(expected)


def check_readable(path: Path) -> None:
    """Whether the compiler knows everything in a model's ONNX file: reads and streamlines it.

    For before the training; values may still be any. Raises :class:`~bnnhw.errors.UnsupportedError`, which names the
    node, or another error of the project's.
    """
    streamline(read_model(path).network)


def _activations(layers: tuple[Layer, ...]) -> list[Layer]:
    """The layers whose output is an activation of the model, the pool that follows one included, in its order."""
    found: list[Layer] = []
    activated = False
    for layer in layers:
        for branch in layer.branches:
            found += _activations(branch)
        if isinstance(layer, MaxPool) and activated:
            found[-1] = layer
        activated = isinstance(layer.activation, Thresholds) or isinstance(layer, Lookup | LookupConv)
        if activated:
            found.append(layer)
    return found


def _streamed(activations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Frames of elements in stream order: of a map, position after position, channels fastest."""
    if activations.ndim == 4:
        activations = activations.transpose(0, 2, 3, 1)
    return activations.reshape(len(activations), -1)


def _different(what: str, actual: NDArray[np.generic], expected: NDArray[np.generic]) -> int:
    """In how many frames two differ, which must be of one shape."""
    if actual.shape != expected.shape:
        raise CheckError(f"{what} must have shape {expected.shape} as in the trained model, not {actual.shape}")
    return int((actual != expected).any(axis=1).sum())

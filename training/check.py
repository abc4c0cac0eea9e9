"""Whether an exported model, read back and streamlined, is the trained one: equal, not close."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from bnnhw.errors import CheckError
from bnnhw.frontend import read_model
from bnnhw.reference import evaluate, evaluate_trained, trace
from bnnhw.streamline import streamline
from bnnhw.training.models import evaluate_float64

__all__ = ["check_export"]


def check_export(model: nn.Sequential, path: Path, samples: NDArray[np.float32]) -> None:
    """Compare a model in float64 with its ONNX file, read back, streamlined and evaluated in integers.

    Over ``samples``, the scores of the network as imported must be the model's, to the last bit; every
    hidden activation and every class of the streamlined one must be the model's too.

    Parameters
    ----------
    model : torch.nn.Sequential
    path : Path
        The file that :mod:`bnnhw.training.export` wrote of it.
    samples : float32 array (frames, features)
        Raw samples.

    Raises
    ------
    CheckError
        They differ; the message says where, and in how many frames.
    """
    imported = read_model(path).network
    streamlined = streamline(imported).network
    hidden, scores = evaluate_float64(model, samples)
    codes = imported.input.encode(samples)

    trained = evaluate_trained(imported, codes)
    _compare("scores of the imported model", trained.scores, scores)
    integer = evaluate(streamlined, codes)
    _compare("classes of the streamlined network", integer.classes[:, None], scores.argmax(axis=1)[:, None])
    layers = streamlined.dense[:-1]
    outputs = trace(streamlined, codes)
    if len(layers) != len(hidden):
        raise CheckError(f"the streamlined network must have {len(hidden)} hidden layers, not {len(layers)}")
    for layer, expected in zip(layers, hidden, strict=True):
        assert layer.output is not None
        _compare(f"activations of layer {layer.name}", layer.output.values(outputs[layer.name]), expected)


def _compare(what: str, actual: NDArray[np.generic], expected: NDArray[np.generic]) -> None:
    if actual.shape != expected.shape:
        raise CheckError(f"{what} must have shape {expected.shape} as in the trained model, not {actual.shape}")
    different = int((actual != expected).any(axis=1).sum())
    if different:
        raise CheckError(
            f"{what} must equal those of the trained model, and differ in {different} of {len(expected)} frames"
        )

"""What a model computes: activations and scores, in float64 where they must be exact."""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn

from bnnhw.training.conv import MaxPool
from bnnhw.training.export.walk import followed
from bnnhw.training.gates import GateLayer
from bnnhw.training.layers import Activation, BinaryLayer
from bnnhw.training.lookup import LookupLayer
from bnnhw.training.tracing import Recorder, in_order

__all__ = ["evaluate_float64", "hidden_activations", "scores_float64", "slices", "weight_bits"]

SLICE = 250
"""Frames that are evaluated at once: 18 maps of 16,384 elements in float64, of 10,000 frames, are 23 GiB."""


def _module(root: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    return root.get_submodule(str(node.target)) if node.op == "call_module" else None


def _activations(root: fx.GraphModule) -> dict[fx.Node, float]:
    """The calls of activations, each in the order of an imported network's layers, and the step of its values.

    Of an activation that only a pool reads the pool is taken instead: hardware pools what it emits.
    """
    found: dict[fx.Node, float] = {}
    for node in in_order(root.graph):
        module = _module(root, node)
        if isinstance(module, Activation):
            found[node] = module.step
        elif isinstance(module, MaxPool):
            (before,) = node.all_input_nodes
            activation = _module(root, before)
            # One pool behind an activation is part of it, another one behind that pool is not.
            if isinstance(activation, Activation) and not activation.pooled and len(before.users) == 1:
                found[node] = found.pop(before)
    return found


def hidden_activations(model: nn.Module, samples: Tensor) -> tuple[list[Tensor], Tensor]:
    """The output of every activation for ``samples``, in order, its pool included where it has one, and the scores.

    Of two branches that are added, those of the first come first. Activations of several bits are given in steps: whole
    numbers from 0.
    """
    root = followed(model)
    steps = _activations(root)
    recorder = Recorder(root, set(steps))
    scores = recorder.run(samples)
    return [recorder.kept[node] / step for node, step in steps.items()], scores


def evaluate_float64(
    model: nn.Module, samples: NDArray[np.float32]
) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
    """Evaluate a model in float64 on the CPU.

    Parameters
    ----------
    model : torch.nn.Module
    samples : float32 array (frames, features) or (frames, channels, height, width)
        Raw samples.

    Returns
    -------
    hidden : list of float64 array (frames, neurons) or (frames, channels, height, width)
        The output of each activation, -1 and +1.
    scores : float64 array (frames, classes)
    """
    exact = copy.deepcopy(model).cpu().double().eval()
    with torch.no_grad():
        hidden, scores = hidden_activations(exact, torch.from_numpy(samples).double())
    return [layer.numpy() for layer in hidden], scores.numpy()


def scores_float64(model: nn.Module, samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """The scores of :func:`evaluate_float64` alone, a slice of frames after the other: memory is that of one slice."""
    return np.concatenate([evaluate_float64(model, samples[some])[1] for some in slices(len(samples))])


def slices(frames: int) -> list[slice]:
    """All of some frames, at least one, in parts of :data:`SLICE` at most."""
    return [slice(start, start + SLICE) for start in range(0, max(frames, 1), SLICE)]


def weight_bits(model: nn.Module) -> int:
    """Binary weights in a model, and entries of truth tables."""
    weights = sum(module.latent.numel() for module in model.modules() if isinstance(module, BinaryLayer))
    tables = (module for module in model.modules() if isinstance(module, LookupLayer | GateLayer))
    return weights + sum(module.entries.numel() for module in tables)

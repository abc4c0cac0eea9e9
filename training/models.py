"""Builders of whole networks."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bnnhw.errors import RequestError
from bnnhw.training.layers import (
    BatchNorm,
    BinaryActivation,
    BinaryLinear,
    InputQuantizer,
    TensorNorm,
    ThresholdInput,
    UnsignedInput,
)
from bnnhw.training.recipes import InputRecipe

__all__ = ["evaluate_float64", "hidden_activations", "input_quantizer", "mlp", "weight_bits"]


def input_quantizer(recipe: InputRecipe) -> InputQuantizer:
    """The quantizer a recipe describes: bit planes, or one bit at a threshold."""
    if recipe.threshold is not None:
        return ThresholdInput(recipe.threshold)
    return UnsignedInput(recipe.bits)


def mlp(
    quantizer: InputQuantizer, features: int, widths: Sequence[int], classes: int, generator: torch.Generator
) -> nn.Sequential:
    """A multilayer perceptron with binary weights and activations.

    ``quantizer -> [BinaryLinear -> BatchNorm -> BinaryActivation] for each width -> BinaryLinear ->
    TensorNorm``: input ``(frames, features)`` raw samples, output ``(frames, classes)`` scores.

    Parameters
    ----------
    quantizer : InputQuantizer
    features, classes : int
    widths : sequence of int
        Neurons of each hidden layer.
    generator : torch.Generator
        Source of the initial weights.

    Raises
    ------
    RequestError
        A size is less than 1.
    """
    sizes = [features, *widths, classes]
    if min(sizes) < 1:
        raise RequestError(f"every width must be at least 1, not {min(sizes)}")
    modules: list[nn.Module] = [quantizer]
    for inputs, outputs in zip(sizes, sizes[1:], strict=False):
        modules += [BinaryLinear(inputs, outputs, generator), BatchNorm(outputs), BinaryActivation()]
    return nn.Sequential(*modules[:-2], TensorNorm(classes))


def hidden_activations(model: nn.Sequential, samples: Tensor) -> tuple[list[Tensor], Tensor]:
    """The output of every :class:`BinaryActivation` for ``samples``, in order, and the scores."""
    hidden: list[Tensor] = []
    x = samples
    for module in model:
        x = module(x)
        if isinstance(module, BinaryActivation):
            hidden.append(x)
    return hidden, x


def evaluate_float64(
    model: nn.Sequential, samples: NDArray[np.float32]
) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
    """Evaluate a model in float64 on the CPU.

    Parameters
    ----------
    model : torch.nn.Sequential
    samples : float32 array (frames, features)
        Raw samples.

    Returns
    -------
    hidden : list of float64 array (frames, neurons)
        The output of each activation, -1 and +1.
    scores : float64 array (frames, classes)
    """
    exact = copy.deepcopy(model).cpu().double().eval()
    with torch.no_grad():
        hidden, scores = hidden_activations(exact, torch.from_numpy(samples).double())
    return [layer.numpy() for layer in hidden], scores.numpy()


def weight_bits(model: nn.Module) -> int:
    """Binary weights in a model."""
    return sum(module.latent.numel() for module in model.modules() if isinstance(module, BinaryLinear))

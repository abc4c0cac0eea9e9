"""Builders of whole networks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bnnhw.errors import RequestError
from bnnhw.training.layers import (
    BatchNorm,
    BinaryActivation,
    BinaryLinear,
    InputQuantizer,
    ThresholdInput,
    UnsignedInput,
)
from bnnhw.training.recipes import InputRecipe

__all__ = ["hidden_activations", "input_quantizer", "mlp", "weight_bits"]


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
    BatchNorm``: input ``(frames, features)`` raw samples, output ``(frames, classes)`` scores.

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
    return nn.Sequential(*modules[:-1])


def hidden_activations(model: nn.Sequential, samples: Tensor) -> tuple[list[Tensor], Tensor]:
    """The output of every :class:`BinaryActivation` for ``samples``, in order, and the scores."""
    hidden: list[Tensor] = []
    x = samples
    for module in model:
        x = module(x)
        if isinstance(module, BinaryActivation):
            hidden.append(x)
    return hidden, x


def weight_bits(model: nn.Module) -> int:
    """Binary weights in a model."""
    return sum(module.latent.numel() for module in model.modules() if isinstance(module, BinaryLinear))

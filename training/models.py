"""Builders of whole networks."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bnnhw.errors import RequestError
from bnnhw.training.conv import BinaryConv2d, MaxPool, SignPool
from bnnhw.training.layers import (
    BatchNorm,
    BinaryActivation,
    BinaryLayer,
    BinaryLinear,
    InputQuantizer,
    SignedInput,
    TensorNorm,
    ThresholdInput,
    UnsignedInput,
)
from bnnhw.training.recipes import ConvRecipe, InputRecipe, Recipe
from bnnhw.training.thermometer import Thermometer

__all__ = ["build", "conv_net", "evaluate_float64", "hidden_activations", "input_quantizer", "mlp", "weight_bits"]


def input_quantizer(recipe: InputRecipe) -> InputQuantizer:
    """The quantizer a recipe describes: bit planes, signed or not, or one bit at a threshold."""
    if recipe.threshold is not None:
        return ThresholdInput(recipe.threshold)
    if recipe.scale is not None:
        return SignedInput(recipe.bits, recipe.scale)
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


def conv_net(
    quantizer: InputQuantizer,
    shape: tuple[int, int, int],
    convs: Sequence[ConvRecipe],
    widths: Sequence[int],
    classes: int,
    generator: torch.Generator,
) -> nn.Sequential:
    """A convolutional network with binary weights and activations.

    ``quantizer -> [BinaryConv2d -> BatchNorm -> BinaryActivation or SignPool] for each convolution -> Flatten ->`` the
    layers of :func:`mlp`; a convolution in the order ``"pool-norm-sign"`` is
    ``BinaryConv2d -> MaxPool -> BatchNorm -> BinaryActivation``. Input ``(frames, *shape)`` raw samples, output
    ``(frames, classes)`` scores.

    Parameters
    ----------
    quantizer : InputQuantizer
    shape : (int, int, int)
        Channels, height, width of a sample.
    convs : sequence of ConvRecipe
    widths, classes, generator
        As for :func:`mlp`.

    Raises
    ------
    RequestError
        A size is less than 1, or a window larger than its map.
    """
    modules: list[nn.Module] = [quantizer]
    channels = shape[0]
    with torch.no_grad():
        # A frame of zeros shows every shape on the way.
        x = torch.zeros(1, *shape)
        for number, conv in enumerate(convs):
            layer, *rest = _conv_block(conv, channels, generator)
            try:
                for module in (layer, *(m for m in rest if isinstance(m, MaxPool))):
                    x = module(x)
            except RuntimeError:
                raise RequestError(
                    f"convolution {number}: its windows must fit a map of {' x '.join(map(str, x.shape[1:]))}"
                ) from None
            modules += [layer, *rest]
            channels = conv.channels
    head = mlp(quantizer, x[0].numel(), widths, classes, generator)
    return nn.Sequential(*modules, nn.Flatten(), *head[1:])


def _conv_block(conv: ConvRecipe, channels: int, generator: torch.Generator) -> list[nn.Module]:
    layer = BinaryConv2d(
        channels,
        conv.channels,
        conv.kernel,
        stride=conv.stride,
        dilation=conv.dilation,
        padding=conv.padding,
        padding_value=conv.padding_value,
        depthwise=conv.depthwise,
        generator=generator,
    )
    norm = BatchNorm(conv.channels)
    if conv.pool is None:
        return [layer, norm, BinaryActivation()]
    if conv.order == "pool-norm-sign":
        return [layer, MaxPool(conv.pool), norm, BinaryActivation()]
    return [layer, norm, SignPool(conv.pool)]


def build(recipe: Recipe, features: int, classes: int, generator: torch.Generator) -> nn.Sequential:
    """The network that a recipe describes.

    Parameters
    ----------
    recipe : Recipe
    features : int
        Elements of a sample.
    classes : int
    generator : torch.Generator

    Raises
    ------
    RequestError
        The recipe's shape does not hold so many elements.
    """
    quantizer = input_quantizer(recipe.input)
    if recipe.shape is None:
        return mlp(quantizer, features, recipe.widths, classes, generator)
    if math.prod(recipe.shape) != features:
        sizes = " x ".join(map(str, recipe.shape))
        raise RequestError(f"recipe {recipe.name}: a sample of {sizes} must have {features} elements")
    return conv_net(quantizer, recipe.shape, recipe.convs, recipe.widths, classes, generator)


def hidden_activations(model: nn.Sequential, samples: Tensor) -> tuple[list[Tensor], Tensor]:
    """The output of every sign for ``samples``, in order, its pool included where it has one, and the scores."""
    hidden: list[Tensor] = []
    x = samples
    for module in model:
        x = module(x)
        if isinstance(module, BinaryActivation | SignPool | Thermometer):
            hidden.append(x)
    return hidden, x


def evaluate_float64(
    model: nn.Sequential, samples: NDArray[np.float32]
) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
    """Evaluate a model in float64 on the CPU.

    Parameters
    ----------
    model : torch.nn.Sequential
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


def weight_bits(model: nn.Module) -> int:
    """Binary weights in a model."""
    return sum(module.latent.numel() for module in model.modules() if isinstance(module, BinaryLayer))

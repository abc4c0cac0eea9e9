"""Builders of whole networks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bnnhw.errors import RequestError
from bnnhw.training.components import Factory
from bnnhw.training.conv import BinaryConv2d, MaxPool
from bnnhw.training.fitted import FittedInput
from bnnhw.training.input_recipe import InputRecipe
from bnnhw.training.layer_recipes import USUAL, Components, ConvRecipe
from bnnhw.training.layers import (
    InputQuantizer,
    SignedInput,
    TensorNorm,
    ThresholdInput,
    UnsignedInput,
)
from bnnhw.training.lookup import varying
from bnnhw.training.lookup_net import lookup_net
from bnnhw.training.recipe import Recipe
from bnnhw.training.shortcut import Shortcut
from bnnhw.training.thermometer import Thermometer

__all__ = ["build", "conv_net", "input_quantizer", "mlp"]


def input_quantizer(recipe: InputRecipe, samples: Tensor | None = None) -> InputQuantizer:
    """The quantizer a recipe describes: bit planes, signed or not, fitted levels, or one bit at a threshold."""
    if recipe.levels != "steps":
        if samples is None:
            raise RequestError("an input whose levels are fitted needs samples")
        return FittedInput(samples, recipe)
    if recipe.threshold is not None:
        return ThresholdInput(recipe.threshold)
    return (SignedInput if recipe.signed else UnsignedInput)(recipe.bits, recipe.scale)


def mlp(
    quantizer: InputQuantizer,
    features: int,
    widths: Sequence[int],
    classes: int,
    generator: torch.Generator,
    components: Components = USUAL,
    bits: Sequence[int] = (),
    real: bool = False,
    candidates: Tensor | None = None,
) -> nn.Sequential:
    """A multilayer perceptron with binary weights and activations.

    ``quantizer -> [linear -> norm -> activation] for each width -> linear -> TensorNorm``, of the components
    asked for: input ``(frames, features)`` raw samples, output ``(frames, classes)`` scores.

    Parameters
    ----------
    quantizer : InputQuantizer
    features, classes : int
    widths : sequence of int
        Neurons of each hidden layer.
    generator : torch.Generator
        Source of the initial weights.
    components : Components
    bits : sequence of int
        Of the elements that each hidden layer gives; 1 each if empty.
    real : bool
        The real-valued twin instead (:class:`~bnnhw.training.components.Factory`).
    candidates : int64 tensor, optional
        The inputs that the first layer's neurons may keep where their fan-in is limited; all without it.

    Raises
    ------
    RequestError
        A size is less than 1.
    """
    sizes = [features, *widths, classes]
    if min(sizes) < 1:
        raise RequestError(f"every width must be at least 1, not {min(sizes)}")
    factory = Factory(components, generator, real)
    modules: list[nn.Module] = [quantizer]
    *limits, last = factory.limits(len(sizes) - 1)
    for inputs, outputs, limit, width in zip(sizes, widths, limits, bits or (1,) * len(widths), strict=False):
        linear = factory.linear(inputs, outputs, limit, candidates)
        modules += [linear, factory.norm(outputs), *factory.activation(outputs, width)]
        candidates = None
    return nn.Sequential(*modules, factory.linear(sizes[-2], classes, last, candidates), TensorNorm(classes))


def conv_net(
    first: Sequence[nn.Module],
    shape: tuple[int, int, int],
    convs: Sequence[ConvRecipe],
    widths: Sequence[int],
    classes: int,
    generator: torch.Generator,
    components: Components = USUAL,
    bits: Sequence[int] = (),
    real: bool = False,
    candidates: Tensor | None = None,
) -> nn.Sequential:
    """A convolutional network with binary weights and activations.

    ``first ->`` the blocks of :meth:`~bnnhw.training.components.Factory.block` ``-> Flatten ->`` the layers of
    :func:`mlp`. Input ``(frames, *shape)`` raw samples, output ``(frames, classes)`` scores.

    Parameters
    ----------
    first : sequence of Module
        An input quantizer, and perhaps a thermometer.
    shape : (int, int, int)
        Channels, height, width behind ``first``.
    convs : sequence of ConvRecipe
    widths, classes, generator, components, bits, real, candidates
        As for :func:`mlp`.

    Raises
    ------
    RequestError
        A size is less than 1, a window larger than its map, or a shortcut between maps that differ.
    """
    factory = Factory(components, generator, real)
    modules, activation = list(first), list[nn.Module]()
    with torch.no_grad():
        # A frame of zeros shows every shape on the way.
        x = torch.zeros(1, *shape)
        for number, conv in enumerate(convs):
            inputs = x.shape[1]
            try:
                if conv.shortcut:
                    if not activation or isinstance(activation[-1], MaxPool):
                        raise RequestError(
                            f"convolution {number}: a shortcut needs a block before it that ends in its activation"
                        )
                    del modules[-len(activation) :]
                    block, activation = factory.shortcut_block(conv, inputs, activation)
                    x = _across(number, block[0], x)
                else:
                    dyadic = number + 1 < len(convs) and convs[number + 1].shortcut
                    block, activation = factory.block(conv, inputs, dyadic)
                for module in (*block, *activation):
                    if isinstance(module, BinaryConv2d | MaxPool):
                        x = module(x)
            except RuntimeError:
                sizes = " x ".join(map(str, x.shape[1:]))
                raise RequestError(f"convolution {number}: its windows must fit a map of {sizes}") from None
            modules += [*block, *activation]
    head = mlp(InputQuantizer(), x[0].numel(), widths, classes, generator, components, bits, real, candidates)
    return nn.Sequential(*modules, nn.Flatten(), *list(head)[1:])


def _across(number: int, module: nn.Module, x: Tensor) -> Tensor:
    """A map behind a shortcut, whose two ways must end in one shape."""
    assert isinstance(module, Shortcut)
    (conv,) = (layer for layer in module.body if isinstance(layer, BinaryConv2d))
    body, skip = (" x ".join(map(str, way(x).shape[1:])) for way in (conv, module.skip))
    if body != skip:
        raise RequestError(f"convolution {number}: a shortcut needs a map of {skip}, not {body}")
    return module.skip(x)


def build(
    recipe: Recipe,
    features: int,
    classes: int,
    generator: torch.Generator,
    samples: Tensor | None = None,
    real: bool = False,
) -> nn.Sequential:
    """The network that a recipe describes.

    Parameters
    ----------
    recipe : Recipe
    features : int
        Elements of a sample.
    classes : int
    generator : torch.Generator
    samples : tensor (frames, channels, height, width), optional
        Raw samples for training, which fitted levels, a thermometer's first thresholds and the inputs worth keeping are
        taken from.
    real : bool
        The real-valued twin instead (:class:`~bnnhw.training.components.Factory`).

    Raises
    ------
    RequestError
        The recipe's shape does not hold so many elements.
    """
    quantizer, components = input_quantizer(recipe.input, samples), recipe.components
    if recipe.lookup is not None and (recipe.shape is None or math.prod(recipe.shape) == features):
        if real:
            raise RequestError(f"recipe {recipe.name}: a network of tables has no real-valued twin to be a teacher")
        return lookup_net(
            quantizer, recipe.shape or (features,), recipe.lookup, classes, generator, samples, recipe.convs
        )
    candidates = None
    if components.rarest and samples is not None:
        values = quantizer(samples).flatten(1)
        candidates = varying((values > values.amin()).float() - 0.5, components.rarest)
    widths, bits = recipe.widths, recipe.width_bits
    if recipe.shape is None:
        return mlp(quantizer, features, widths, classes, generator, components, bits, real, candidates)
    if math.prod(recipe.shape) != features:
        sizes = " x ".join(map(str, recipe.shape))
        raise RequestError(f"recipe {recipe.name}: a sample of {sizes} must have {features} elements")
    first: list[nn.Module] = [quantizer]
    channels, height, width = recipe.shape
    if components.thermometer is not None:
        if samples is None:
            raise RequestError(f"recipe {recipe.name}: a thermometer needs samples")
        first.append(Thermometer(quantizer(samples), components.thermometer))
        channels *= components.thermometer
    maps = (channels, height, width)
    return conv_net(first, maps, recipe.convs, widths, classes, generator, components, bits, real, candidates)

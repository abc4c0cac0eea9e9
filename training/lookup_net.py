"""Builder of networks of learned truth tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bnnhw.errors import RequestError
from bnnhw.training.gates import GateLayer
from bnnhw.training.layer_recipes import ConvRecipe, LookupRecipe
from bnnhw.training.layers import InputQuantizer, IntegerInput
from bnnhw.training.lookup import ClassSums, LookupLayer, Unary, varying
from bnnhw.training.lookup_conv import LookupConv2d

__all__ = ["lookup_net"]


def lookup_net(
    quantizer: InputQuantizer,
    shape: tuple[int, ...],
    recipe: LookupRecipe,
    classes: int,
    generator: torch.Generator,
    samples: Tensor | None = None,
    convs: Sequence[ConvRecipe] = (),
) -> nn.Sequential:
    """A network of learned truth tables.

    ``quantizer -> [Unary] -> LookupConv2d for each of convs -> Flatten -> LookupLayer or GateLayer for each of
    recipe.neurons -> ClassSums``: input raw samples, output ``(frames, classes)`` scores. Without convolutions samples
    are flattened before the unary code.

    Parameters
    ----------
    quantizer : InputQuantizer
        Where its elements have several bits, tables read their unary code.
    shape : tuple of int
        Of a sample: features, or channels, height and width.
    classes : int
    recipe : LookupRecipe
    generator : torch.Generator
        Source of the first tables and wiring.
    samples : tensor, optional
        Raw samples, of which ``recipe.rarest`` says what is worth reading; without them everything is.
    convs : sequence of ConvRecipe
        Their channels are tables at every position.

    Raises
    ------
    RequestError
        The last layer's neurons are no multiple of the classes, or a window is larger than its map.
    """
    modules: list[nn.Module] = [quantizer] if convs else [quantizer, nn.Flatten()]
    channels, dtype = shape[0] if convs else math.prod(shape), quantizer.dtype
    if dtype.bits > 1:
        step = quantizer.scale if isinstance(quantizer, IntegerInput) else 1.0
        modules.append(Unary(dtype.minimum * step, step, dtype.levels))
        channels *= dtype.levels - 1
    candidates = None
    if samples is not None:
        read = nn.Sequential(*modules)(samples)
        # Of a map, the channels that vary at any position.
        candidates = varying(read.transpose(0, 1).flatten(1).T, recipe.rarest)
    # A frame of zeros shows every shape on the way.
    x = torch.zeros(1, channels, *(shape[1:] if convs else ()))
    for number, conv in enumerate(convs):
        modules.append(_convolution(conv, x.shape[1], recipe, generator, candidates))
        try:
            with torch.no_grad():
                x = modules[-1](x)
        except RuntimeError:
            sizes = " x ".join(map(str, x.shape[1:]))
            raise RequestError(f"convolution {number}: its windows must fit a map of {sizes}") from None
        candidates = None
    if convs:
        modules.append(nn.Flatten())
        channels = x[0].numel()
    for neurons in recipe.neurons:
        if recipe.learned == "gates":
            modules.append(GateLayer(channels, neurons, recipe.choices, generator, candidates))
        else:
            modules.append(LookupLayer(channels, neurons, recipe.fan_in, generator, candidates))
        channels, candidates = neurons, None
    return nn.Sequential(*modules, ClassSums(channels, classes, recipe.temperature))


def _convolution(
    conv: ConvRecipe, inputs: int, recipe: LookupRecipe, generator: torch.Generator, readable: Tensor | None
) -> LookupConv2d:
    return LookupConv2d(
        inputs,
        conv.channels,
        recipe.fan_in,
        conv.kernel,
        stride=conv.stride,
        dilation=conv.dilation,
        padding=conv.padding,
        padding_value=conv.padding_value,
        pool=conv.pool,
        generator=generator,
        readable=readable,
    )

"""What a recipe's blocks are made of: which weights, norm and activation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from bnnhw.training.conv import BinaryConv2d, MaxPool, SignPool
from bnnhw.training.estimators import Estimator, find_estimator
from bnnhw.training.fan_in import FanInLinear
from bnnhw.training.layers import BatchNorm, BinaryActivation, BinaryLinear
from bnnhw.training.react import RPReLU, RSign
from bnnhw.training.recipes import Components, ConvRecipe
from bnnhw.training.scaling import ScaledConv2d, ScaledLinear
from bnnhw.training.shift import ShiftBatchNorm
from bnnhw.training.stochastic import StochasticActivation

__all__ = ["Factory"]


@dataclass(frozen=True, eq=False)
class Factory:
    """Makes the modules of a network.

    Parameters
    ----------
    components : Components
    generator : torch.Generator
        Source of initial weights and of stochastic activations.
    """

    components: Components
    generator: torch.Generator

    @property
    def estimator(self) -> Estimator:
        return find_estimator(self.components.estimator)

    def linear(self, inputs: int, outputs: int, limited: bool = True) -> BinaryLinear:
        """A fully connected layer; ``limited`` says whether the fan-in limit holds for it."""
        fan_in = self.components.fan_in
        if limited and fan_in is not None and fan_in < inputs:
            layer: BinaryLinear = FanInLinear(inputs, outputs, fan_in, self.generator)
        else:
            layer = (ScaledLinear if self.components.scaled else BinaryLinear)(inputs, outputs, self.generator)
        layer.estimator = self.estimator
        return layer

    def conv(self, recipe: ConvRecipe, inputs: int) -> BinaryConv2d:
        """A convolution of ``inputs`` channels."""
        layer = (ScaledConv2d if self.components.scaled else BinaryConv2d)(
            inputs,
            recipe.channels,
            recipe.kernel,
            stride=recipe.stride,
            dilation=recipe.dilation,
            padding=recipe.padding,
            padding_value=recipe.padding_value,
            depthwise=recipe.depthwise,
            generator=self.generator,
        )
        layer.estimator = self.estimator
        return layer

    def norm(self, channels: int) -> BatchNorm:
        return ShiftBatchNorm(channels) if self.components.norm == "shift" else BatchNorm(channels)

    def activation(self, channels: int) -> list[nn.Module]:
        """What stands between a norm and the next layer."""
        match self.components.activation:
            case "stochastic":
                return [StochasticActivation(self.estimator, self.generator)]
            case "rsign":
                return [RSign(channels, self.estimator)]
            case "rprelu-rsign":
                return [RPReLU(channels), RSign(channels, self.estimator)]
            case _:
                return [BinaryActivation(self.estimator)]

    def block(self, recipe: ConvRecipe, inputs: int) -> list[nn.Module]:
        """A convolution, its norm, its activation, its pool."""
        layer, norm = self.conv(recipe, inputs), self.norm(recipe.channels)
        activation = self.activation(recipe.channels)
        if recipe.pool is None:
            return [layer, norm, *activation]
        if recipe.order == "pool-norm-sign":
            return [layer, MaxPool(recipe.pool), norm, *activation]
        if self.components.activation == "sign":
            return [layer, norm, SignPool(recipe.pool, estimator=self.estimator)]
        return [layer, norm, *activation, MaxPool(recipe.pool)]

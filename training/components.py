"""What a recipe's blocks are made of: which weights, norm and activation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import torch
from torch import Tensor, nn

from bnnhw.training.conv import BinaryConv2d, MaxPool, SignPool
from bnnhw.training.estimators import Estimator, find_estimator
from bnnhw.training.fan_in import FanInLinear
from bnnhw.training.layer_recipes import Components, ConvRecipe
from bnnhw.training.layers import BatchNorm, BinaryActivation, BinaryLinear
from bnnhw.training.quantize import QuantActivation
from bnnhw.training.react import RPReLU, RSign
from bnnhw.training.scaling import ScaledConv2d, ScaledLinear
from bnnhw.training.shift import ShiftBatchNorm
from bnnhw.training.shortcut import DyadicNorm, Shortcut
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
    real : bool
        Real-valued weights, and rectifiers for activations: the network's real-valued twin, a teacher.
    """

    components: Components
    generator: torch.Generator
    real: bool = False

    @property
    def estimator(self) -> Estimator:
        return find_estimator(self.components.estimator)

    def limits(self, layers: int) -> tuple[int | None, ...]:
        """Fan-in limits of so many fully connected layers, that of the classes last."""
        return self.components.fan_ins or (*(self.components.fan_in,) * (layers - 1), None)

    def linear(self, inputs: int, outputs: int, fan_in: int | None, candidates: Tensor | None = None) -> BinaryLinear:
        """A fully connected layer; with a limit it keeps none but candidates."""
        if fan_in is not None and fan_in < inputs:
            narrowing = self.components.narrowing
            layer: BinaryLinear = FanInLinear(inputs, outputs, fan_in, self.generator, candidates, narrowing)
        else:
            layer = (ScaledLinear if self.components.scaled else BinaryLinear)(inputs, outputs, self.generator)
        layer.estimator, layer.real = self.estimator, self.real
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
        layer.estimator, layer.real = self.estimator, self.real
        return layer

    def norm(self, channels: int, dyadic: bool = False) -> BatchNorm:
        """``dyadic``: of values that a shortcut carries on."""
        if dyadic and not self.real:
            return DyadicNorm(channels)
        match self.components.norm:
            case "shift":
                return ShiftBatchNorm(channels)
            case "batch":
                return BatchNorm(channels)
            case _:
                assert_never(self.components.norm)

    def activation(self, channels: int, bits: int = 1) -> list[nn.Module]:
        """What stands between a norm and the next layer."""
        if self.real:
            return [nn.ReLU()]
        if bits > 1:
            return [QuantActivation(bits)]
        match self.components.activation:
            case "stochastic":
                return [StochasticActivation(self.estimator, self.generator)]
            case "rsign":
                return [RSign(channels, self.estimator)]
            case "rprelu-rsign":
                return [RPReLU(channels), RSign(channels, self.estimator)]
            case "sign":
                return [BinaryActivation(self.estimator)]
            case _:
                assert_never(self.components.activation)

    def _pooled(self, recipe: ConvRecipe) -> list[nn.Module]:
        """An activation and the pool behind it, if there is one."""
        activation = self.activation(recipe.channels, recipe.bits)
        if recipe.pool is None or recipe.order == "pool-norm-sign":
            return activation
        if len(activation) == 1 and type(activation[0]) is BinaryActivation:
            return [SignPool(recipe.pool, estimator=self.estimator)]
        return [*activation, MaxPool(recipe.pool)]

    def block(self, recipe: ConvRecipe, inputs: int, dyadic: bool = False) -> list[list[nn.Module]]:
        """A convolution, perhaps its pool, and its norm; then its activation, perhaps its pool."""
        layers: list[nn.Module] = [self.conv(recipe, inputs)]
        if recipe.pool is not None and recipe.order == "pool-norm-sign":
            layers.append(MaxPool(recipe.pool))
        return [[*layers, self.norm(recipe.channels, dyadic)], self._pooled(recipe)]

    def shortcut_block(self, recipe: ConvRecipe, inputs: int, activation: list[nn.Module]) -> list[list[nn.Module]]:
        """A block around a shortcut, from the activation of the block before it; then as :meth:`block`."""
        body = nn.Sequential(*activation, self.conv(recipe, inputs), self.norm(recipe.channels, dyadic=True))
        return [[Shortcut(body, recipe.stride)], self._pooled(recipe)]

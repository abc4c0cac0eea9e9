"""Learned sparsity: a limit on how many synapses a neuron may keep."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bnnhw.errors import RequestError
from bnnhw.training.binarize import sign
from bnnhw.training.estimators import Estimator
from bnnhw.training.layers import BinaryLinear

__all__ = ["FanInLinear", "strongest"]


def strongest(weights: Tensor, number: int) -> Tensor:
    """1 at the ``number`` greatest ``|w|`` of each row, 0 elsewhere; the first ones of equals."""
    order = weights.abs().argsort(dim=1, descending=True, stable=True)[:, :number]
    return torch.zeros_like(weights).scatter_(1, order, 1.0)


class _SparseSigns(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weights: Tensor, number: int, estimator: Estimator) -> Tensor:
        ctx.save_for_backward(weights)
        ctx.estimator = estimator
        return sign(weights) * strongest(weights, number)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None]:
        (weights,) = ctx.saved_tensors
        return grad_outputs[0] * ctx.estimator(weights), None, None


class FanInLinear(BinaryLinear):
    """A binary layer in which each neuron keeps its ``fan_in`` strongest synapses and has none elsewhere.

    The gradient reaches all latent weights, so that a synapse that was left out comes back when it grows past another:
    which ones to keep is learned with their signs. A limit on the fan-in is what makes a neuron a small truth table:
    Umuroglu et al., "LogicNets: Co-Designed Neural Networks and Circuits for Extreme-Throughput Applications", 2020,
    section 3 (there drawn at random, and fixed). Choosing by magnitude with a straight-through gradient: Ramanujan et
    al., "What's Hidden in a Randomly Weighted Neural Network?", 2020, section 3.

    Parameters
    ----------
    inputs, outputs, generator
        As for :class:`~bnnhw.training.layers.BinaryLinear`.
    fan_in : int
        1 to ``inputs``.

    Raises
    ------
    RequestError
        For another fan-in.
    """

    def __init__(self, inputs: int, outputs: int, fan_in: int, generator: torch.Generator | None = None) -> None:
        if not 1 <= fan_in <= inputs:
            raise RequestError(f"fan-in must be in 1..{inputs}, not {fan_in}")
        super().__init__(inputs, outputs, generator)
        self.fan_in = fan_in

    @property
    def signs(self) -> Tensor:
        """The weights in use, -1.0, 0.0 and +1.0 unless ``real``, ``(outputs, inputs)``."""
        if self.real:
            return self.latent * strongest(self.latent.detach(), self.fan_in)
        result = _SparseSigns.apply(self.latent, self.fan_in, self.estimator)
        assert isinstance(result, Tensor)
        return result

"""Layers of a binarized network, and the input quantizers in front of them."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from bnnhw.ir import DataType
from bnnhw.training.binarize import binarize

__all__ = [
    "NORM_EPS",
    "BatchNorm",
    "BinaryActivation",
    "BinaryLinear",
    "InputQuantizer",
    "TensorNorm",
    "ThresholdInput",
    "UnsignedInput",
    "clip_latent",
]

NORM_EPS = 2.0**-16
"""Epsilon of batch normalization: near PyTorch's 1e-5, and exact in the float32 attribute of an ONNX node."""


class BinaryLinear(nn.Module):
    """Fully connected layer without bias whose weights are the signs of real-valued latent weights.

    The latent weights take the gradient steps and are clipped to [-1, 1] after each
    (:func:`clip_latent`), since past it they would grow without any effect on their sign:
    Courbariaux, Hubara et al., 2016, section 1.3 and algorithm 1.

    Parameters
    ----------
    inputs, outputs : int
        Fan-in of a neuron, neurons.
    generator : torch.Generator, optional
        Source of the initial latent weights, uniform in ``+-sqrt(6 / (inputs + outputs))`` (Glorot and
        Bengio, 2010, eq. 16).

    Input: ``(frames, inputs)``. Output: the dot products ``(frames, outputs)``.
    """

    def __init__(self, inputs: int, outputs: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        bound = math.sqrt(6 / (inputs + outputs))
        self.latent = nn.Parameter((torch.rand(outputs, inputs, generator=generator) * 2 - 1) * bound)

    @property
    def signs(self) -> Tensor:
        """The weights in use, -1.0 and +1.0, ``(outputs, inputs)``."""
        return binarize(self.latent)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.signs)

    def clip_(self) -> None:
        """Clip the latent weights to [-1, 1]."""
        with torch.no_grad():
            self.latent.clamp_(-1, 1)


class BinaryActivation(nn.Module):
    """Sign of each element, sign(0) = +1, with the clipped straight-through gradient."""

    def forward(self, x: Tensor) -> Tensor:
        return binarize(x)


class BatchNorm(nn.BatchNorm1d):
    """Batch normalization per channel: ``gamma * (a - mean) / sqrt(var + eps) + beta`` (Ioffe and Szegedy, 2015).

    In training the mean and variance are those of the batch; in evaluation the running ones, updated
    with a momentum of 0.1 a batch, and the operations are done in the order written, so that float64
    evaluation rounds as :func:`bnnhw.ir.arithmetic.normalize` does.

    Input and output: ``(frames, channels)``.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=NORM_EPS)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name it overrides
        if self.training:
            return super().forward(input)
        assert self.running_mean is not None and self.running_var is not None
        # NumPy's square root is correctly rounded as IEEE 754 asks; PyTorch's comes from MKL on x86, and is not.
        deviation = torch.from_numpy(np.sqrt((self.running_var + self.eps).cpu().numpy())).to(input.device)
        return self.weight * (input - self.running_mean) / deviation + self.bias


class TensorNorm(BatchNorm):
    """Batch normalization of a whole layer: one mean, variance, gamma and beta for all its channels.

    The scores of classes are normalized with it (as in the networks that FINN trains with Brevitas): a gamma per class
    would become a multiplication per class in hardware, and a beta per class an addition. With one of each for all, the
    highest accumulator is the highest score.

    Input and output: ``(frames, channels)``.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(1)
        self.channels = channels

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name it overrides
        return super().forward(input.reshape(-1, 1)).reshape(input.shape)


class InputQuantizer(nn.Module):
    """How a raw sample becomes an element of the network's input; ``dtype`` is the element's type."""

    dtype: DataType


class UnsignedInput(InputQuantizer):
    """Unsigned integers of ``bits`` bits: ``clip(floor(x), 0, 2**bits - 1)``. No gradient: it is the first layer."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.dtype = DataType("uint", bits)

    def forward(self, x: Tensor) -> Tensor:
        return x.floor().clamp(0, self.dtype.maximum)


class ThresholdInput(InputQuantizer):
    """One bit: +1 where ``x >= threshold``, -1 elsewhere. No gradient: it is the first layer.

    Parameters
    ----------
    threshold : float
        Exact in float32, so that the exported model holds the very same.
    """

    def __init__(self, threshold: float) -> None:
        super().__init__()
        if threshold != torch.tensor(threshold, dtype=torch.float32).item():
            raise ValueError(f"threshold must be exact in float32, not {threshold!r}")
        self.threshold = threshold
        self.dtype = DataType("bipolar", 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.where(x >= self.threshold, 1.0, -1.0).to(x.dtype)


def clip_latent(model: nn.Module) -> None:
    """Clip the latent weights of every binary layer of ``model``; call it after each optimizer step."""
    for module in model.modules():
        if isinstance(module, BinaryLinear):
            module.clip_()

"""Layers of a binarized network, and the input quantizers in front of them."""

from __future__ import annotations

import math
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from bnnhw.ir import DataType
from bnnhw.training.binarize import binarize
from bnnhw.training.estimators import CLIPPED, Estimator

__all__ = [
    "NORM_EPS",
    "Activation",
    "BatchNorm",
    "BinaryActivation",
    "BinaryLayer",
    "BinaryLinear",
    "InputQuantizer",
    "IntegerInput",
    "Narrowing",
    "SignedInput",
    "TensorNorm",
    "ThresholdInput",
    "UnsignedInput",
    "clip_latent",
    "glorot_bound",
]

NORM_EPS = 2.0**-16
"""Epsilon of batch normalization: near PyTorch's 1e-5, and exact in the float32 attribute of an ONNX node."""


def glorot_bound(fans: int) -> float:
    """``sqrt(6 / (fan_in + fan_out))`` (Glorot and Bengio, 2010, eq. 16), for the sum of both fans."""
    return math.sqrt(6 / fans)


class BinaryLayer(nn.Module):
    """A layer whose weights are the signs of real-valued latent weights.

    The latent weights take the gradient steps and are clipped to [-1, 1] after each
    (:func:`clip_latent`), since past it they would grow without any effect on their sign:
    Courbariaux, Hubara et al., 2016, section 1.3 and algorithm 1.

    Parameters
    ----------
    latent : float32 tensor (outputs, ...)
        The initial latent weights.

    Members
    -------
    estimator : Estimator
        Of the gradient of the signs; may be replaced.
    real : bool
        Use the latent weights themselves: in the first of two stages of training, and in teachers.
    """

    def __init__(self, latent: Tensor) -> None:
        super().__init__()
        self.latent = nn.Parameter(latent)
        self.estimator: Estimator = CLIPPED
        self.real = False

    @property
    def signs(self) -> Tensor:
        """The weights in use, -1.0 and +1.0 unless ``real``, of the shape of ``latent``."""
        return self.latent if self.real else binarize(self.latent, self.estimator)

    def clip_(self) -> None:
        """Clip the latent weights to [-1, 1]."""
        with torch.no_grad():
            self.latent.clamp_(-1, 1)


class BinaryLinear(BinaryLayer):
    """Fully connected layer without bias whose weights are the signs of real-valued latent weights.

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
        bound = glorot_bound(inputs + outputs)
        super().__init__((torch.rand(outputs, inputs, generator=generator) * 2 - 1) * bound)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.signs)


class Activation(nn.Module):
    """What gives the elements that the next layer takes.

    Members
    -------
    step : float
        Between two values of its output: 1 for -1 and +1 too, which are given as they are.
    pooled : bool
        Whether a max pool is part of it.
    """

    @property
    def step(self) -> float:
        return 1.0

    @property
    def pooled(self) -> bool:
        return False


class BinaryActivation(Activation):
    """Sign of each element, sign(0) = +1, with a straight-through gradient.

    Parameters
    ----------
    estimator : Estimator
        One of :mod:`bnnhw.training.estimators`.
    """

    def __init__(self, estimator: Estimator = CLIPPED) -> None:
        super().__init__()
        self.estimator = estimator

    def forward(self, x: Tensor) -> Tensor:
        return binarize(x, self.estimator)


class BatchNorm(nn.BatchNorm1d):
    """Batch normalization per channel: ``gamma * (a - mean) / sqrt(var + eps) + beta`` (Ioffe and Szegedy, 2015).

    In training the mean and variance are those of the batch; in evaluation the running ones, updated
    with a momentum of 0.1 a batch, and the operations are done in the order written, so that float64
    evaluation rounds as :func:`bnnhw.ir.arithmetic.normalize` does.

    Input and output: ``(frames, channels)``, or maps ``(frames, channels, height, width)``.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=NORM_EPS)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name it overrides
        if self.training:
            return super().forward(input.flatten(2) if input.ndim > 2 else input).reshape(input.shape)
        assert self.running_mean is not None and self.running_var is not None
        # NumPy's square root is correctly rounded as IEEE 754 asks; PyTorch's comes from MKL on x86, and is not.
        deviation = torch.from_numpy(np.sqrt((self.running_var + self.eps).cpu().numpy())).to(input.device)
        weight, mean, deviation, bias = (
            channel.reshape(-1, *[1] * (input.ndim - 2))
            for channel in (self.weight, self.running_mean, deviation, self.bias)
        )
        return weight * (input - mean) / deviation + bias

    def inference(self) -> dict[str, Tensor]:
        """What evaluation computes with: ``gamma``, ``beta``, ``mean`` and ``var``, one value per channel."""
        assert self.running_mean is not None and self.running_var is not None
        return {"gamma": self.weight, "beta": self.bias, "mean": self.running_mean, "var": self.running_var}


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


class IntegerInput(InputQuantizer):
    """Integers of a type in steps of ``scale``: ``scale * clip(floor(x / scale), minimum, maximum)``.

    No gradient: it is the first layer.

    Parameters
    ----------
    dtype : DataType
    scale : float
        A power of two, so that nothing downstream rounds because of it.
    """

    def __init__(self, dtype: DataType, scale: float = 1.0) -> None:
        super().__init__()
        if scale <= 0 or math.frexp(scale)[0] != 0.5:
            raise ValueError(f"scale must be a power of two, not {scale!r}")
        self.dtype = dtype
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        return (x / self.scale).floor().clamp(self.dtype.minimum, self.dtype.maximum) * self.scale


class UnsignedInput(IntegerInput):
    """:class:`IntegerInput` of 0 to ``2**bits - 1`` steps."""

    def __init__(self, bits: int, scale: float = 1.0) -> None:
        super().__init__(DataType("uint", bits), scale)


class SignedInput(IntegerInput):
    """:class:`IntegerInput` of ``-2**(bits - 1)`` to ``2**(bits - 1) - 1`` steps."""

    def __init__(self, bits: int, scale: float = 1.0) -> None:
        super().__init__(DataType("int", bits), scale)


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


@runtime_checkable
class Ranged(Protocol):
    """A module with parameters that must stay in a range."""

    def clip_(self) -> None:
        """Take them back into it."""


@runtime_checkable
class Narrowing(Protocol):
    """A module that begins with more freedom than it will have in the end."""

    def progress(self, done: float) -> None:
        """Say which share of the training is over."""

    @property
    def settled(self) -> bool:
        """Whether it is as it will be."""
        ...


def clip_latent(model: nn.Module) -> None:
    """Clip what has a range, the latent weights of every binary layer above all; call it after each optimizer step."""
    for module in model.modules():
        if isinstance(module, Ranged):
            module.clip_()

"""XNOR-Net's scaling factors: alpha of the weights, K of the inputs.

Alpha, a positive number per neuron, folds into the neuron's threshold exactly: it costs nothing in hardware, and
behind a batch normalization it changes nothing but the training. K is a real number at each position of the map, made
from the real-valued activations before their sign: hardware would have to keep those beside the bits, sum ``|x|``
over the channels, filter the sums, and multiply every dot product by the result, one multiplier per PE. A threshold
can't hold it, since it differs from frame to frame. The authors report that it is worth less than 1 % of AlexNet's
accuracy; leave it out for hardware.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from bnnhw.training.binarize import binarize, sign
from bnnhw.training.conv import BinaryConv2d
from bnnhw.training.estimators import CLIPPED, Estimator
from bnnhw.training.layers import BinaryLayer, BinaryLinear

__all__ = [
    "InputScaledConv2d",
    "ScaledConv2d",
    "ScaledLayer",
    "ScaledLinear",
    "input_scale",
    "scaled_signs",
    "weight_scale",
]


def weight_scale(weights: Tensor) -> Tensor:
    """Alpha, the mean of ``|W|`` over each output's weights: ``(outputs, ...)`` -> ``(outputs,)``.

    The least squares optimum of ``W = alpha * sign(W)``. Source: Rastegari et al., "XNOR-Net: ImageNet Classification
    Using Binary Convolutional Neural Networks", 2016, eq. 6.
    """
    return weights.abs().flatten(1).mean(1)


class _ScaledSigns(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weights: Tensor, estimator: Estimator) -> Tensor:
        alpha = weight_scale(weights).reshape(-1, *[1] * (weights.ndim - 1))
        ctx.save_for_backward(weights, alpha)
        ctx.estimator = estimator
        return alpha * sign(weights)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        weights, alpha = ctx.saved_tensors
        return grad_outputs[0] * (1 / weights[0].numel() + alpha * ctx.estimator(weights)), None


def scaled_signs(weights: Tensor, estimator: Estimator = CLIPPED) -> Tensor:
    """``alpha * sign(W)``, with the gradient ``g * (1 / n + alpha * d sign(W))``, n weights per output.

    Source: Rastegari et al., 2016, section 3.1, "Training Binary-Weights-Networks".
    """
    result = _ScaledSigns.apply(weights, estimator)
    assert isinstance(result, Tensor)
    return result


class ScaledLayer(BinaryLayer):
    """A layer whose signs are scaled by :func:`weight_scale`."""

    @property
    def alpha(self) -> Tensor:
        """Alpha of each output, ``(outputs,)``; always the float32 value, which is what is exported."""
        return weight_scale(self.latent.detach().float()).to(self.latent.dtype)


class ScaledLinear(BinaryLinear, ScaledLayer):
    """:class:`~bnnhw.training.layers.BinaryLinear` with alpha: output ``alpha * (x . sign(W))``."""

    def forward(self, x: Tensor) -> Tensor:
        if self.real:
            return super().forward(x)
        if self.training:
            return nn.functional.linear(x, scaled_signs(self.latent, self.estimator))
        # The dot product first, exact, as the compiler reads it.
        return super().forward(x) * self.alpha


class ScaledConv2d(BinaryConv2d, ScaledLayer):
    """:class:`~bnnhw.training.conv.BinaryConv2d` with alpha: output ``alpha * (x * sign(W))``."""

    def forward(self, x: Tensor) -> Tensor:
        if self.real:
            return super().forward(x)
        if self.training:
            return self.convolve(x, scaled_signs(self.latent, self.estimator))
        return super().forward(x) * self.alpha.reshape(-1, 1, 1)


def input_scale(
    x: Tensor,
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int, int, int] = (0, 0, 0, 0),
) -> Tensor:
    """K: the mean of ``|x|`` over the channels, averaged under the window.

    Source: Rastegari et al., 2016, eq. 11, ``K = A * k``, A the mean over the channels, k filled with ``1 / (w h)``.

    Parameters
    ----------
    x : tensor (frames, channels, height, width)
        Real-valued activations.
    kernel, stride : (int, int)
    padding : (int, int, int, int)
        Top, left, bottom, right: positions of size 0.

    Returns
    -------
    tensor (frames, 1, out_height, out_width)
    """
    top, left, bottom, right = padding
    sizes = nn.functional.pad(x.abs().mean(1, keepdim=True), (left, right, top, bottom))
    return nn.functional.avg_pool2d(sizes, kernel, stride)


class InputScaledConv2d(ScaledConv2d):
    """A whole XNOR convolution: ``K * alpha * (sign(x) * sign(W))`` of real-valued activations ``x``.

    It has no export, for the reasons above: train with it to compare, and with :class:`ScaledConv2d` for hardware.
    Without dilation.
    """

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(binarize(x, self.estimator)) * input_scale(x, self.kernel, self.stride, self.padding)

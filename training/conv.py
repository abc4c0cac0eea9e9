"""Binary convolution over feature maps, and the pooling that belongs to it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bnnhw.training.binarize import binarize
from bnnhw.training.estimators import CLIPPED, Estimator
from bnnhw.training.layers import Activation, BinaryLayer, glorot_bound

__all__ = ["BinaryConv1d", "BinaryConv2d", "MaxPool", "SignPool", "pair"]


def pair(value: int | tuple[int, int]) -> tuple[int, int]:
    """Vertical and horizontal, one number standing for both."""
    return (value, value) if isinstance(value, int) else value


class BinaryConv2d(BinaryLayer):
    """Convolution without bias whose weights are the signs of real-valued latent weights.

    The padding holds -1 or +1: a bit has no third value, and hardware pads with an element
    (:class:`bnnhw.ir.Conv2d`). 0 is for inputs of several bits; of bits it would make numbers of two bits.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    kernel : int or (int, int)
        Vertical, horizontal; as are ``stride`` and ``dilation``.
    stride, dilation : int or (int, int)
    padding : (int, int, int, int)
        Top, left, bottom, right.
    padding_value : int
        -1, 0 or +1.
    depthwise : bool
        Each output channel sees one input channel, channel ``n // (outputs / inputs)``.
    generator : torch.Generator, optional
        Source of the initial latent weights, uniform in ``+-sqrt(6 / (fan_in + fan_out))`` (Glorot and
        Bengio, 2010, eq. 16), the fans being those of one position.

    Raises
    ------
    ValueError
        For another padding value, or a depthwise convolution whose outputs are no multiple of its inputs.

    Input: ``(frames, inputs, height, width)``. Output: the dot products
    ``(frames, outputs, out_height, out_width)``.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int | tuple[int, int],
        *,
        stride: int | tuple[int, int] = 1,
        dilation: int | tuple[int, int] = 1,
        padding: tuple[int, int, int, int] = (0, 0, 0, 0),
        padding_value: int = -1,
        depthwise: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        if padding_value not in (-1, 0, 1):
            raise ValueError(f"padding_value must be -1, 0 or +1, not {padding_value!r}")
        if depthwise and outputs % inputs:
            raise ValueError(f"outputs of a depthwise convolution must be a multiple of {inputs}, not {outputs}")
        self.kernel, self.stride, self.dilation = pair(kernel), pair(stride), pair(dilation)
        self.padding, self.padding_value = padding, padding_value
        self.groups = inputs if depthwise else 1
        area = self.kernel[0] * self.kernel[1]
        fans = area * (inputs + outputs) // self.groups
        shape = (outputs, inputs // self.groups, *self.kernel)
        super().__init__((torch.rand(shape, generator=generator) * 2 - 1) * glorot_bound(fans))

    @property
    def outputs(self) -> int:
        """Output channels."""
        return self.latent.shape[0]

    def convolve(self, x: Tensor, weights: Tensor) -> Tensor:
        """``x``, padded, with some weights of the shape of ``latent``."""
        if any(self.padding):
            top, left, bottom, right = self.padding
            x = nn.functional.pad(x, (left, right, top, bottom), value=float(self.padding_value))
        return nn.functional.conv2d(x, weights, stride=self.stride, dilation=self.dilation, groups=self.groups)

    def forward(self, x: Tensor) -> Tensor:
        return self.convolve(x, self.signs)


class BinaryConv1d(BinaryConv2d):
    """A binary convolution along a signal: :class:`BinaryConv2d` over a map of height 1.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    kernel, stride, dilation : int
    padding : (int, int)
        Before, behind.
    padding_value, depthwise, generator
        As for :class:`BinaryConv2d`.

    Input: ``(frames, inputs, 1, length)``. Output: ``(frames, outputs, 1, out_length)``.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        padding: tuple[int, int] = (0, 0),
        padding_value: int = -1,
        depthwise: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(
            inputs,
            outputs,
            (1, kernel),
            stride=(1, stride),
            dilation=(1, dilation),
            padding=(0, padding[0], 0, padding[1]),
            padding_value=padding_value,
            depthwise=depthwise,
            generator=generator,
        )


class MaxPool(nn.Module):
    """The greatest element under a window without padding, channel by channel.

    Parameters
    ----------
    kernel : int or (int, int)
        Vertical, horizontal.
    stride : int or (int, int), optional
        The kernel's size if not given.

    Input: ``(frames, channels, height, width)``. Output: the same with the smaller height and width.
    """

    def __init__(self, kernel: int | tuple[int, int], stride: int | tuple[int, int] | None = None) -> None:
        super().__init__()
        self.kernel = pair(kernel)
        self.stride = self.kernel if stride is None else pair(stride)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.max_pool2d(x, self.kernel, self.stride)


class SignPool(MaxPool, Activation):
    """Sign, then max pool: what hardware does with an OR of bits.

    Computed as max pool, then sign, which is the same since sign is monotone. The gradient then reaches the greatest
    element under the window; after the sign all +1s tie, and it would reach the first of them whatever its size.

    Parameters and shapes: as for :class:`MaxPool`, and the ``estimator`` of the sign's gradient.
    """

    def __init__(
        self,
        kernel: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        estimator: Estimator = CLIPPED,
    ) -> None:
        super().__init__(kernel, stride)
        self.estimator = estimator

    @property
    def pooled(self) -> bool:
        return True

    def forward(self, x: Tensor) -> Tensor:
        return binarize(super().forward(x), self.estimator)

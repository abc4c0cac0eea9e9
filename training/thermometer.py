"""Learned thermometer encoding: each element of a sample becomes several bits, one a learned threshold."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bnnhw.errors import RequestError
from bnnhw.training.binarize import binarize
from bnnhw.training.estimators import CLIPPED, Estimator
from bnnhw.training.layers import Activation

__all__ = ["Thermometer"]


class Thermometer(Activation):
    """``levels`` bits per channel: bit ``k`` of channel ``c`` is +1 where ``x >= thresholds[c, k]``.

    The thresholds start at equally filled quantiles of each channel, which is the distributive thermometer of Bacellar
    et al., "Distributive Thermometer: A New Unary Encoding for Weightless Neural Networks", 2022; here they learn with
    the network, by the straight-through gradient of ``(x - threshold) / spread``.

    In hardware it is a comparator for each bit: a depthwise 1 x 1 convolution with weights of +1 and these thresholds,
    which is how it is exported. Behind it, an input element costs ``levels`` synapses of one bit instead of one synapse
    of several bit planes, each with a weight of its own.

    Parameters
    ----------
    samples : tensor (frames, channels, height, width)
        Quantized samples, as they come out of the input quantizer in front of this layer.
    levels : int
        Bits a channel.
    estimator : Estimator

    Raises
    ------
    RequestError
        Fewer than one level.

    Input: ``(frames, channels, height, width)``. Output: ``(frames, channels * levels, height, width)`` of -1 and +1,
    the bits of a channel side by side.
    """

    spread: Tensor

    def __init__(self, samples: Tensor, levels: int, estimator: Estimator = CLIPPED) -> None:
        super().__init__()
        if levels < 1:
            raise RequestError(f"levels of a thermometer must be at least 1, not {levels}")
        channels = samples.transpose(0, 1).flatten(1)
        ranks = torch.arange(1, levels + 1, dtype=channels.dtype) / (levels + 1)
        # Sorted by hand: torch.quantile refuses more than 16 million values.
        places = (ranks * (channels.shape[1] - 1)).round().long()
        self.thresholds = nn.Parameter(channels.sort(dim=1).values[:, places].clone())
        # The gradient's window is as wide as the data, whatever their unit. Division by it changes no sign.
        self.register_buffer("spread", channels.std(dim=1, correction=0).clamp(min=2.0**-20))
        self.estimator = estimator

    @property
    def levels(self) -> int:
        """Bits a channel."""
        return self.thresholds.shape[1]

    def forward(self, x: Tensor) -> Tensor:
        thresholds = self.thresholds[..., None, None]
        bits = binarize((x[:, :, None] - thresholds) / self.spread[:, None, None, None], self.estimator)
        return bits.flatten(1, 2)

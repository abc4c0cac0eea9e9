"""ReActNet's learned activations: a sign with a shift, a PReLU with shifts on both sides.

Both are monotone for slopes that are not negative, so that the chain RPReLU - RSign is one threshold per neuron in
hardware. Training keeps the slopes there: a negative one makes a valley, and a neuron would fire on both its sides.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bnnhw.training.binarize import binarize
from bnnhw.training.estimators import CLIPPED, Estimator
from bnnhw.training.layers import BinaryActivation

__all__ = ["RPReLU", "RSign"]


def _channels(parameter: Tensor, x: Tensor) -> Tensor:
    return parameter.reshape(-1, *[1] * (x.ndim - 2))


class RSign(BinaryActivation):
    """``sign(x - shift)``, a learned shift per channel: +1 where ``x >= shift``.

    Source: Liu et al., "ReActNet: Towards Precise Binary Neural Network with Generalized Activation Functions", 2020,
    eq. 4 (which gives -1 at equality).

    Parameters
    ----------
    channels : int
    estimator : Estimator

    Input and output: ``(frames, channels)``, or maps ``(frames, channels, height, width)``.
    """

    def __init__(self, channels: int, estimator: Estimator = CLIPPED) -> None:
        super().__init__(estimator)
        self.shift = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return binarize(x - _channels(self.shift, x), self.estimator)


class RPReLU(nn.Module):
    """``prelu(x - shift_in) + shift_out``: slope 1 above ``shift_in``, a learned slope below it.

    Source: Liu et al., 2020, eq. 5: ``x - gamma + zeta`` where ``x > gamma``, else ``beta (x - gamma) + zeta``.

    Parameters
    ----------
    channels : int
        Each has its own shifts and slope; slopes start at 0.25 and never fall below 0 (:meth:`clip_`).

    Input and output: ``(frames, channels)``, or maps ``(frames, channels, height, width)``.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift_in = nn.Parameter(torch.zeros(channels))
        self.slope = nn.Parameter(torch.full((channels,), 0.25))
        self.shift_out = nn.Parameter(torch.zeros(channels))

    def clip_(self) -> None:
        """Take negative slopes back to 0."""
        with torch.no_grad():
            self.slope.clamp_(min=0)

    def forward(self, x: Tensor) -> Tensor:
        centred = x - _channels(self.shift_in, x)
        bent = torch.where(centred > 0, centred, _channels(self.slope, x) * centred)
        return bent + _channels(self.shift_out, x)

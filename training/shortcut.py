"""Shortcuts of real values around binary convolutions, and the norm that keeps those values whole numbers in hardware.

Bi-Real Net (Liu et al., "Bi-Real Net: Enhancing the Performance of 1-bit CNNs With Improved Representational Capability
and Advanced Training Algorithm", 2018, section 3.1 and fig. 3) adds what a block takes, before its sign, to what its
batch normalization gives, block after block: ``y = norm(conv(sign(x))) + x``. Those sums are real numbers, because the
norms have real slopes. With slopes that are powers of two and offsets on one grid they are integers times such a power:
hardware shifts and adds, and everything is exact.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bnnhw.training.shift import ShiftBatchNorm

__all__ = ["GRID", "LEAST_SLOPE", "DyadicNorm", "Shortcut"]

LEAST_SLOPE = 2.0**-8
"""Least slope of a :class:`DyadicNorm`: bounds how wide sums become, 8 bits more than an accumulator."""

GRID = 2.0**-12
"""Step of the offsets of a :class:`DyadicNorm`: the sum of hundreds of them, below 2**11, is exact in float32."""


class DyadicNorm(ShiftBatchNorm):
    """Shift-based batch normalization that evaluates as ``slope * x + offset`` of few bits.

    The slope is :class:`~bnnhw.training.shift.ShiftBatchNorm`'s power of two between :data:`LEAST_SLOPE` and 1; in
    evaluation the offset ``beta - slope * mean`` is rounded to :data:`GRID`.

    Input and output: ``(frames, channels)``, or maps ``(frames, channels, height, width)``.
    """

    def factor(self, var: Tensor) -> Tensor:
        slope = super().factor(var)
        # The gradient passes the limits: they would otherwise hold a gamma that reached them.
        limited = torch.where(slope < 0, -1.0, 1.0).to(slope.dtype) * slope.abs().clamp(LEAST_SLOPE, 1.0)
        return slope + (limited - slope).detach()

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name it overrides
        if self.training:
            return super().forward(input)
        shape = (1, -1, *[1] * (input.ndim - 2))
        found = self.inference()
        return found["gamma"].reshape(shape) * input + found["beta"].reshape(shape)

    def inference(self) -> dict[str, Tensor]:
        """As a plain batch normalization of mean 0 and deviation 1."""
        found = super().inference()
        # In float64 always: the float32 model must round to the same multiple as the float64 one.
        gamma, beta, mean = (found[name].detach().double() for name in ("gamma", "beta", "mean"))
        offset = ((beta - gamma * mean) / GRID).round() * GRID
        return {**found, "beta": offset.to(found["beta"].dtype), "mean": torch.zeros_like(found["mean"])}


class Shortcut(nn.Module):
    """``body(x) + x``; where the body makes the map smaller, ``x`` is averaged.

    Parameters
    ----------
    body : nn.Sequential
        Its activation first, its norm last.
    stride : (int, int)
        Vertical, horizontal: the window of the average and its stride. Powers of two keep it exact.

    Input: ``(frames, channels, height, width)``. Output: of the same channels, divided by the stride.
    """

    def __init__(self, body: nn.Sequential, stride: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        self.body, self.stride = body, stride

    @property
    def pooled(self) -> bool:
        return self.stride != (1, 1)

    def skip(self, x: Tensor) -> Tensor:
        """What is added to the body's result."""
        return nn.functional.avg_pool2d(x, self.stride) if self.pooled else x

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.skip(x)

"""Learned truth tables at every position of a map: the same tables and wiring under each window."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bnnhw.training.binarize import binarize
from bnnhw.training.conv import pair
from bnnhw.training.estimators import IDENTITY
from bnnhw.training.lookup import LookupLayer

__all__ = ["LookupConv2d"]


class LookupConv2d(LookupLayer):
    """A convolution of truth tables: at every position each neuron reads a few of the elements under the window.

    Tables and wiring are those of one :class:`~bnnhw.training.lookup.LookupLayer` (:class:`bnnhw.ir.LookupConv`), and
    learn what all positions ask of them. A max pool may follow: an OR of what neighbours give. It is taken of the
    entries, before their signs, which is the same since the sign is monotone; the gradient then reaches the greatest
    entry under the pool's window, as in :class:`~bnnhw.training.conv.SignPool`.

    Parameters
    ----------
    inputs : int
        Channels, of -1 and +1.
    outputs : int
        Neurons: channels of what comes out.
    fan_in : int
        Elements that a neuron reads, 1 to 8.
    kernel, stride, dilation : int or (int, int)
        Vertical, horizontal.
    padding : (int, int, int, int)
        Top, left, bottom, right.
    padding_value : int
        -1 or +1.
    pool : int or (int, int), optional
        Window of the max pool, which is its stride too.
    generator : torch.Generator, optional
    readable : int64 tensor, optional
        The channels that neurons may read; all without it.

    Members
    -------
    sources : int64 tensor (outputs, fan_in)
        Elements under the window: (kernel y, kernel x, channel), channel fastest.

    Raises
    ------
    RequestError
        For another fan-in.
    ValueError
        For another padding value.

    Input: ``(frames, inputs, height, width)``. Output: ``(frames, outputs, out_height, out_width)`` of -1 and +1.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        fan_in: int,
        kernel: int | tuple[int, int],
        *,
        stride: int | tuple[int, int] = 1,
        dilation: int | tuple[int, int] = 1,
        padding: tuple[int, int, int, int] = (0, 0, 0, 0),
        padding_value: int = -1,
        pool: int | tuple[int, int] | None = None,
        generator: torch.Generator | None = None,
        readable: Tensor | None = None,
    ) -> None:
        if padding_value not in (-1, 1):
            raise ValueError(f"padding_value must be -1 or +1, not {padding_value!r}")
        self.channels = inputs
        self.kernel, self.stride, self.dilation = pair(kernel), pair(stride), pair(dilation)
        self.padding, self.padding_value = padding, padding_value
        self.pool = None if pool is None else pair(pool)
        area = self.kernel[0] * self.kernel[1]
        candidates = None
        if readable is not None:
            candidates = (torch.arange(area)[:, None] * inputs + readable).flatten()
        super().__init__(inputs * area, outputs, fan_in, generator, candidates)

    @property
    def pooled(self) -> bool:
        return self.pool is not None

    def windows(self, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """What lies under each window, ``(frames * positions, elements)``, and the positions down and across."""
        top, left, bottom, right = self.padding
        x = nn.functional.pad(x, (left, right, top, bottom), value=float(self.padding_value))
        spans = [d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel, strict=True)]
        sizes = [(n - span) // s + 1 for n, span, s in zip(x.shape[2:], spans, self.stride, strict=True)]
        if min(sizes) < 1:
            raise RuntimeError(f"a window of {spans[0]} x {spans[1]} must fit a map of {x.shape[2]} x {x.shape[3]}")
        found = nn.functional.unfold(x, self.kernel, self.dilation, stride=self.stride)
        by_channel = found.reshape(len(x), self.channels, -1, found.shape[2])
        return by_channel.permute(0, 3, 2, 1).reshape(-1, self.inputs), (sizes[0], sizes[1])

    def forward(self, x: Tensor) -> Tensor:
        read, sizes = self.windows(x)
        found = self.look_up(read).reshape(len(x), *sizes, -1).movedim(3, 1)
        if self.pool is not None:
            found = nn.functional.max_pool2d(found, self.pool)
        return binarize(found, IDENTITY)

"""The geometry of a window that slides over a feature map: kernel, stride, dilation, padding."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError

__all__ = ["MAX_ELEMENTS", "MAX_TAPS", "Window"]

_LIMIT = 1 << 20
"""Bound of every size: far above any feature map that fits a chip, and products of a few stay exact."""

MAX_TAPS = 1 << 26
"""Most taps of all windows of a frame: :meth:`Window.taps` holds them all. AlexNet's first layer has 366,025."""

MAX_ELEMENTS = (1 << 31) - 1
"""Most elements of a map, padding included: those of a network's input in its file."""


@dataclass(frozen=True)
class Window:
    """A window sliding over a feature map of ``channels`` x ``height`` x ``width``.

    A feature map is streamed position by position, row after row, and within a position channel after channel:
    element ``(c, y, x)`` is number ``(y * width + x) * channels + c``. A one-dimensional signal has height 1.

    Parameters
    ----------
    channels, height, width : int
        Size of the map that the window slides over, without padding.
    kernel, stride, dilation : (int, int)
        Vertical, horizontal.
    padding : (int, int, int, int)
        Top, left, bottom, right; what the padding holds is the layer's matter.

    Raises
    ------
    NetworkError
        For sizes that are no positive integers, for a window larger than the padded map, for a padded map of more
        than :data:`MAX_ELEMENTS` elements, and for more than :data:`MAX_TAPS` taps per frame.
    """

    channels: int
    height: int
    width: int
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)

    def __post_init__(self) -> None:
        sizes = (self.channels, self.height, self.width, *self.kernel, *self.stride, *self.dilation)
        if any(not 1 <= size < _LIMIT for size in sizes) or any(not 0 <= size < _LIMIT for size in self.padding):
            raise NetworkError(f"window: sizes must be in 1..{_LIMIT - 1}, padding in 0..{_LIMIT - 1}, not {self}")
        if self.out_height < 1 or self.out_width < 1:
            raise NetworkError(
                f"window: kernel {self.kernel[0]} x {self.kernel[1]} with dilation {self.dilation[0]} x "
                f"{self.dilation[1]} must fit the padded map of {self.padded_height} x {self.padded_width}"
            )
        padded = self.channels * self.padded_height * self.padded_width
        if padded > MAX_ELEMENTS:
            raise NetworkError(f"window: the padded map must have at most {MAX_ELEMENTS} elements, not {padded}")
        taps = self.positions * self.area
        if taps > MAX_TAPS:
            raise NetworkError(f"window: positions times kernel must be at most {MAX_TAPS} taps per frame, not {taps}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width of the map that the window slides over."""
        return (self.channels, self.height, self.width)

    @property
    def padded_height(self) -> int:
        return self.height + self.padding[0] + self.padding[2]

    @property
    def padded_width(self) -> int:
        return self.width + self.padding[1] + self.padding[3]

    @property
    def span(self) -> tuple[int, int]:
        """Rows and columns from a window's first to its last tap, both included."""
        return (
            self.dilation[0] * (self.kernel[0] - 1) + 1,
            self.dilation[1] * (self.kernel[1] - 1) + 1,
        )

    @cached_property
    def out_height(self) -> int:
        return (self.padded_height - self.span[0]) // self.stride[0] + 1

    @cached_property
    def out_width(self) -> int:
        return (self.padded_width - self.span[1]) // self.stride[1] + 1

    @cached_property
    def positions(self) -> int:
        """Where the window stops: output positions per frame."""
        return self.out_height * self.out_width

    @cached_property
    def area(self) -> int:
        """Taps of a window."""
        return self.kernel[0] * self.kernel[1]

    @property
    def elements(self) -> int:
        """Elements per frame of the map that the window slides over."""
        return self.channels * self.height * self.width

    @property
    def padded(self) -> bool:
        """Whether any tap of any window lies in the padding."""
        return any(
            before > 0 or (count - 1) * stride + span > before + size
            for size, count, stride, span, before in zip(
                (self.height, self.width),
                (self.out_height, self.out_width),
                self.stride,
                self.span,
                self.padding[:2],
                strict=True,
            )
        )

    @property
    def lost(self) -> bool:
        """Whether any window lies wholly in the padding, so that it sees no element of the map."""
        y = self._sees(self.height, self.out_height, self.stride[0], self.kernel[0], self.dilation[0], self.padding[0])
        x = self._sees(self.width, self.out_width, self.stride[1], self.kernel[1], self.dilation[1], self.padding[1])
        return not (y and x)

    @staticmethod
    def _sees(size: int, count: int, stride: int, kernel: int, dilation: int, before: int) -> bool:
        """Whether every window has a tap inside along one axis: from the first tap that isn't before the map."""
        start = np.arange(count) * stride - before
        skipped = np.maximum(-start + dilation - 1, 0) // dilation
        return bool(((skipped < kernel) & (start + skipped * dilation < size)).all())

    def taps(self) -> NDArray[np.int64]:
        """The input position of every tap of every window.

        Returns
        -------
        int64 array (positions, area)
            ``y * width + x`` of a tap; -1 where it lies in the padding. Taps run over kernel y, then kernel x.
        """
        y = self._axis(self.out_height, self.stride[0], self.kernel[0], self.dilation[0], self.padding[0])
        x = self._axis(self.out_width, self.stride[1], self.kernel[1], self.dilation[1], self.padding[1])
        y4, x4 = y[:, None, :, None], x[None, :, None, :]
        inside = (y4 >= 0) & (y4 < self.height) & (x4 >= 0) & (x4 < self.width)
        return np.where(inside, y4 * self.width + x4, -1).reshape(self.positions, self.area)

    @staticmethod
    def _axis(count: int, stride: int, kernel: int, dilation: int, before: int) -> NDArray[np.int64]:
        """Coordinates along one axis: (outputs, taps)."""
        return np.arange(count)[:, None] * stride + np.arange(kernel)[None, :] * dilation - before

"""The reference of convolutions: windows gathered into rows of a matrix (im2col), then one product per few frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir import Conv2d
from bnnhw.reference.kernels import REFERENCE, Codes, Step
from bnnhw.reference.product import Product, multiply
from bnnhw.reference.windows import pad, windows

__all__ = ["Convolution", "conv", "in_batches"]

_GATHERED = 1 << 20
"""Numbers gathered at a time: a few megabytes, so that the product finds them in the cache."""


@REFERENCE.register(Conv2d)
def conv(layer: Conv2d) -> Step:
    """A matrix product at every position of the window, then the activation."""
    return Convolution(layer).output


def in_batches(
    conv: Conv2d, codes: NDArray[np.uint8], size: int, compute: Callable[[NDArray[np.uint8]], Codes]
) -> Codes:
    """Codes that a convolution emits, so many frames at a time.

    Parameters
    ----------
    conv : Conv2d
    codes : uint8 array (frames, elements)
        In stream order.
    size : int
        Frames at a time.
    compute : callable
        Codes (frames * positions, neurons) of some frames.

    Returns
    -------
    array (frames, positions * neurons) of the stream's code type
    """
    result = np.empty((len(codes), conv.window.positions * conv.dense.neurons), conv.output.code_dtype)
    for start in range(0, len(codes), size):
        batch = codes[start : start + size]
        result[start : start + size] = compute(batch).reshape(len(batch), result.shape[1])
    return result


class Convolution:
    """A convolution made ready for many batches.

    Parameters
    ----------
    conv : Conv2d
        Streamlined or not.
    """

    def __init__(self, conv: Conv2d) -> None:
        self.conv = conv
        self._product = Product(conv.dense)
        self._batch = max(1, _GATHERED // (conv.window.positions * conv.window.area * conv.window.channels))

    def output(self, codes: NDArray[np.uint8]) -> Codes:
        """Codes (frames, elements) -> codes (frames, positions * neurons) of the output type."""
        return in_batches(self.conv, codes, self._batch, self._compute)

    def _compute(self, codes: NDArray[np.uint8]) -> Codes:
        product = self._product
        maps = pad(codes, self.conv.window, self.conv.padding_code)
        taps = windows(product.numbers(maps), self.conv.window)
        if self.conv.depthwise:
            return product.activate(self._depthwise(taps))
        return product.activate(multiply(taps.reshape(-1, self.conv.dense.synapses), product.weights))

    def _depthwise(self, taps: NDArray[Any]) -> NDArray[Any]:
        """Dot products (frames * positions, neurons) where neuron ``n`` sees channel ``n // multiplier`` alone.

        Takes windows (frames, y, x, kernel y, kernel x, channels), tap after tap, all channels at once.
        """
        frames, height, width, _, kernel_x, channels = taps.shape
        neurons = self.conv.dense.neurons
        dots = np.zeros((frames, height, width, channels, neurons // channels), self._product.dtype)
        for tap, weights in enumerate(self._product.weights):
            dots += taps[:, :, :, tap // kernel_x, tap % kernel_x, :, None] * weights.reshape(channels, -1)
        return dots.reshape(-1, neurons)

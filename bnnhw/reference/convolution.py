"""Convolutions: windows gathered into rows of a matrix (im2col), a few frames at a time, then one product."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir.maps import Conv2d
from bnnhw.reference.product import Product
from bnnhw.reference.windows import pad, windows

__all__ = ["Convolution"]

_GATHERED = 1 << 20
"""Numbers gathered at a time: a few megabytes, so that the product finds them in the cache."""


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

    def output(self, codes: NDArray[np.uint8]) -> NDArray[np.unsignedinteger]:
        """Codes of the stream that the layer emits.

        Parameters
        ----------
        codes : uint8 array (frames, elements)
            In stream order.

        Returns
        -------
        array (frames, positions * neurons) of the stream's code type
        """
        window, neurons = self.conv.window, self.conv.dense.neurons
        result = np.empty((len(codes), window.positions * neurons), self.conv.output.code_dtype)
        dots = self._depthwise if self.conv.depthwise else self._full
        for start in range(0, len(codes), self._batch):
            maps = pad(codes[start : start + self._batch], window, self.conv.padding_code)
            found = self._product.activate(dots(windows(self._product.numbers(maps), window)))
            result[start : start + self._batch] = found.reshape(len(maps), result.shape[1])
        return result

    def _full(self, taps: NDArray[Any]) -> NDArray[Any]:
        """Dot products (frames * positions, neurons) of windows (frames, y, x, kernel y, kernel x, channels)."""
        return taps.reshape(-1, self.conv.dense.synapses) @ self._product.weights

    def _depthwise(self, taps: NDArray[Any]) -> NDArray[Any]:
        """The same where neuron ``n`` sees channel ``n // multiplier`` alone: tap after tap, all channels at once."""
        frames, height, width, _, kernel_x, channels = taps.shape
        neurons = self.conv.dense.neurons
        dots = np.zeros((frames, height, width, channels, neurons // channels), self._product.dtype)
        for tap, weights in enumerate(self._product.weights):
            dots += taps[:, :, :, tap // kernel_x, tap % kernel_x, :, None] * weights.reshape(channels, -1)
        return dots.reshape(-1, neurons)

"""Convolutions: windows gathered into rows of a matrix (im2col), a few frames at a time, then one product.

Where the product counts packed bits, positions are packed first, and words are gathered.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir import Conv2d
from bnnhw.reference.packed import PackedProduct, packing_pays_for
from bnnhw.reference.product import Product
from bnnhw.reference.windows import pad, windows

__all__ = ["Convolution"]

_GATHERED = 1 << 20
"""Numbers gathered at a time: a few megabytes, so that the product finds them in the cache."""


_COUNTED = 1 << 18
"""Results of a packed product at a time: a megabyte, for the same reason."""


class Convolution:
    """A convolution made ready for many batches.

    Parameters
    ----------
    conv : Conv2d
        Streamlined or not.
    packed : bool
        Count packed bits where that is faster.
    """

    def __init__(self, conv: Conv2d, packed: bool = False) -> None:
        self.conv = conv
        window = conv.window
        self._product: Product | PackedProduct
        if packed and not conv.depthwise and packing_pays_for(conv.dense, window.area):
            self._product = PackedProduct(conv.dense, window.area)
            self._batch = max(1, _COUNTED // (window.positions * conv.dense.neurons))
        else:
            self._product = Product(conv.dense)
            self._batch = max(1, _GATHERED // (window.positions * window.area * window.channels))

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
        for start in range(0, len(codes), self._batch):
            batch = codes[start : start + self._batch]
            if isinstance(self._product, PackedProduct):
                found = self._packed(self._product, batch)
            else:
                found = self._plain(self._product, batch)
            result[start : start + self._batch] = found.reshape(len(batch), result.shape[1])
        return result

    def _packed(self, product: PackedProduct, codes: NDArray[np.uint8]) -> NDArray[np.unsignedinteger]:
        """Codes (frames * positions, neurons) by counting packed bits."""
        window = self.conv.window
        padding = product.planes(np.full((1, window.channels), self.conv.padding_code, np.uint8))
        rows = []
        for words, fill in zip(product.planes(codes.reshape(-1, window.channels)), padding, strict=True):
            of_words = replace(window, channels=words.shape[1])
            maps = pad(words.reshape(len(codes), -1), of_words, fill)
            rows.append(windows(maps, of_words).reshape(len(codes) * window.positions, -1))
        return product.activate(product.count(rows))

    def _plain(self, product: Product, codes: NDArray[np.uint8]) -> NDArray[np.unsignedinteger]:
        """Codes (frames * positions, neurons) by products of numbers."""
        maps = pad(codes, self.conv.window, self.conv.padding_code)
        taps = windows(product.numbers(maps), self.conv.window)
        if self.conv.depthwise:
            return product.activate(self._depthwise(product, taps))
        return product.activate(taps.reshape(-1, self.conv.dense.synapses) @ product.weights)

    def _depthwise(self, product: Product, taps: NDArray[Any]) -> NDArray[Any]:
        """Dot products (frames * positions, neurons) where neuron ``n`` sees channel ``n // multiplier`` alone.

        Of windows (frames, y, x, kernel y, kernel x, channels), tap after tap, all channels at once.
        """
        frames, height, width, _, kernel_x, channels = taps.shape
        neurons = self.conv.dense.neurons
        dots = np.zeros((frames, height, width, channels, neurons // channels), product.dtype)
        for tap, weights in enumerate(product.weights):
            dots += taps[:, :, :, tap // kernel_x, tap % kernel_x, :, None] * weights.reshape(channels, -1)
        return dots.reshape(-1, neurons)

"""Convolutions that count packed bits: positions are packed first, and words are gathered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir import Conv2d
from bnnhw.reference.conv import in_batches
from bnnhw.reference.fast.packed import PackedProduct
from bnnhw.reference.kernels import Codes, Step
from bnnhw.reference.windows import pad, windows

__all__ = ["PackedConvolution", "packed"]

_COUNTED = 1 << 18
"""Results of a product at a time: a megabyte, so that what follows finds them in the cache."""


def packed(layer: Conv2d) -> Step | None:
    """A convolution that counts packed bits; None of a depthwise one, whose words would hold a bit each."""
    return None if layer.depthwise else PackedConvolution(layer).output


class PackedConvolution:
    """Results as those of :class:`bnnhw.reference.conv.Convolution`; not depthwise."""

    def __init__(self, conv: Conv2d) -> None:
        self.conv = conv
        self._product = PackedProduct(conv.dense, conv.window.area)
        self._batch = max(1, _COUNTED // (conv.window.positions * conv.dense.neurons))

    def output(self, codes: NDArray[np.uint8]) -> Codes:
        """Codes (frames, elements) -> codes (frames, positions * neurons) of the output type."""
        return in_batches(self.conv, codes, self._batch, self._compute)

    def _compute(self, codes: NDArray[np.uint8]) -> Codes:
        product, window = self._product, self.conv.window
        padding = product.planes(np.full((1, window.channels), self.conv.padding_code, np.uint8))
        rows = []
        for words, fill in zip(product.planes(codes.reshape(-1, window.channels)), padding, strict=True):
            of_words = replace(window, channels=words.shape[1])
            maps = pad(words.reshape(len(codes), -1), of_words, fill)
            rows.append(windows(maps, of_words).reshape(len(codes) * window.positions, -1))
        return product.activate(product.count(rows))

"""Convolutions whose taps come as columns of the kernel, side by side: a window down, and a window across.

One window unit gives one tap per cycle, so ``positions * area`` words per frame, however wide they are. A window of one
column slides down the map first, its ``kernel_y`` taps are joined to one word, and a window of one row slides across
these: ``positions * kernel_x`` words, behind ``out_height * width * kernel_y``. Either is a window unit as any other.
Taps then come column after column, so the synapses of the matrix are taken in that order too.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from bnnhw.dataflow.same import Same
from bnnhw.ir import BitMatrix, Dense, Layer, WeightPlane, Window

__all__ = ["column_windows", "columns_misfit", "in_columns"]

KEPT = 64
"""Windows and matrices that are kept: a search for foldings asks for those of its layers again and again."""


def columns_misfit(layer: Layer) -> str | None:
    """Why a layer's taps can't come as columns; None if they can."""
    window = layer.window
    if window is None:
        return "columns are of convolutions"
    if layer.depth_multiplier:
        return "columns are not of depthwise convolutions"
    if min(window.kernel) == 1:
        return f"columns need a kernel of several rows and columns, not {window.kernel[0]} x {window.kernel[1]}"
    return None


@lru_cache(maxsize=KEPT)
def column_windows(window: Window) -> tuple[Window, Window]:
    """The window that slides down, and that which slides across the words of its columns."""
    (kernel_y, kernel_x), (stride_y, stride_x), (dilation_y, dilation_x) = window.kernel, window.stride, window.dilation
    top, left, bottom, right = window.padding
    down = replace(
        window, kernel=(kernel_y, 1), stride=(stride_y, 1), dilation=(dilation_y, 1), padding=(top, 0, bottom, 0)
    )
    across = Window(
        window.channels * kernel_y, down.out_height, window.width, (1, kernel_x), (1, stride_x), (1, dilation_x),
        (0, left, 0, right),
    )  # fmt: skip
    return down, across


def in_columns(matrix: Dense, window: Window) -> Dense:
    """The matrix for elements in the order (kernel x, kernel y, channel), channel fastest; the same each time."""
    return _in_columns(Same(matrix), window)


@lru_cache(maxsize=KEPT)
def _in_columns(same: Same[Dense], window: Window) -> Dense:
    matrix = same.one

    def turned(plane: WeightPlane) -> WeightPlane:
        bits = plane.bits.bits()
        taps = bits.reshape(len(bits), *window.kernel, window.channels)
        return replace(plane, bits=BitMatrix.from_bits(taps.transpose(0, 2, 1, 3).reshape(bits.shape)))

    return replace(matrix, weights=tuple(map(turned, matrix.weights)))

"""The elements under every window of a feature map, without copying them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from bnnhw.ir.window import Window

__all__ = ["pad", "windows"]


def pad(elements: NDArray[Any], window: Window, fill: int | NDArray[Any]) -> NDArray[Any]:
    """The padded maps of some frames.

    Parameters
    ----------
    elements : array (frames, window.elements)
        In stream order.
    window : Window
    fill : int, or array (channels,)
        What the padding holds.

    Returns
    -------
    array (frames, padded height, padded width, channels)
        C-contiguous; a view of ``elements`` where nothing is padded.
    """
    frames = len(elements)
    maps = np.ascontiguousarray(elements).reshape(frames, window.height, window.width, window.channels)
    if not any(window.padding):
        return maps
    padded = np.full((frames, window.padded_height, window.padded_width, window.channels), fill, maps.dtype)
    top, left = window.padding[:2]
    padded[:, top : top + window.height, left : left + window.width] = maps
    return padded


def windows(maps: NDArray[Any], window: Window) -> NDArray[Any]:
    """What lies under every window of padded maps, a read-only view.

    Parameters
    ----------
    maps : array (frames, padded height, padded width, channels)
        As :func:`pad` makes them.
    window : Window

    Returns
    -------
    array (frames, out height, out width, kernel height, kernel width, channels)
    """
    frame, row, column, channel = maps.strides
    (sy, sx), (dy, dx) = window.stride, window.dilation
    return as_strided(
        maps,
        (len(maps), window.out_height, window.out_width, *window.kernel, window.channels),
        (frame, sy * row, sx * column, dy * row, dx * column, channel),
        writeable=False,
    )

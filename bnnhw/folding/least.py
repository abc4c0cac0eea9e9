"""Cycles per frame below which no folding of a layer goes."""

from __future__ import annotations

from bnnhw.ir import Layer, Window
from bnnhw.lowering.columns import column_windows, columns_misfit

__all__ = ["least", "least_in_columns"]


def least(layer: Layer) -> int:
    """Cycles per frame that a layer's window unit takes with all channels in a word; no folding makes it quicker."""
    return 1 if layer.window is None else _words(layer.window)


def least_in_columns(layer: Layer) -> int:
    """The same, with the taps of a window that has columns of them coming as such."""
    window = layer.window
    if window is None or columns_misfit(layer):
        return least(layer)
    return min(_words(window), max(map(_words, column_windows(window))))


def _words(window: Window) -> int:
    """Words per frame on the busier side of a window unit, all channels in one."""
    return max(window.height * window.width, window.positions * window.area)

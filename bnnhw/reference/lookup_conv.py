"""The reference of truth tables at every position: what lies under each window, then the tables."""

from __future__ import annotations

import numpy as np

from bnnhw.ir import LookupConv
from bnnhw.reference.kernels import REFERENCE, Codes, Step
from bnnhw.reference.lookup import lookup
from bnnhw.reference.windows import pad, windows

__all__ = ["lookup_conv"]

_GATHERED = 1 << 20
"""Codes gathered at a time: a megabyte, so that the tables' reads find them in the cache."""


@REFERENCE.register(LookupConv)
def lookup_conv(layer: LookupConv) -> Step:
    """What each neuron's table holds at every position, a few frames at a time."""
    window, tables = layer.window, lookup(layer.tables)
    inputs = layer.tables.inputs
    batch = max(1, _GATHERED // (window.positions * inputs))

    def read(codes: Codes) -> Codes:
        found = np.empty((len(codes), window.positions * layer.tables.neurons), np.uint8)
        for start in range(0, len(codes), batch):
            taps = windows(pad(codes[start : start + batch], window, layer.padding_code), window)
            looked_up = tables(taps.reshape(-1, inputs))
            found[start : start + batch] = looked_up.reshape(len(taps), -1)
        return found

    return read

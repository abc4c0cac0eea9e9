"""Layers that make each channel of the one that comes in: pools and thresholds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bnnhw.ir import Layer, MaxPool, Quantize, SumPool, Thresholds
from bnnhw.lowering.live.registry import LIVENESS, UNKNOWN, Channels, Codes, Place

__all__ = ["LiveMaxPool", "LiveQuantize", "LiveSumPool"]


class _Channelwise:
    """Reads what is wanted of it."""

    drops = False

    def gives_less(self, layer: Layer, given_less: bool) -> bool:
        return given_less

    def constants(self, layer: Layer, place: Place) -> Codes:
        return np.full(len(place.given), UNKNOWN)

    def reads(self, layer: Layer, wanted: Channels, place: Place) -> Channels:
        return wanted


class LiveMaxPool(_Channelwise):
    """What is live of a :class:`~bnnhw.ir.MaxPool`."""

    def without(self, layer: MaxPool, taken: Channels, wanted: Channels, place: Place) -> tuple[Layer, int]:
        window = replace(layer.window, channels=int(wanted.sum()))
        return replace(layer, window=window, minimum=layer.minimum[wanted]), 0


class LiveSumPool(_Channelwise):
    """What is live of a :class:`~bnnhw.ir.SumPool`."""

    def without(self, layer: SumPool, taken: Channels, wanted: Channels, place: Place) -> tuple[Layer, int]:
        return replace(layer, window=replace(layer.window, channels=int(wanted.sum()))), 0


class LiveQuantize(_Channelwise):
    """What is live of a :class:`~bnnhw.ir.Quantize`."""

    def without(self, layer: Quantize, taken: Channels, wanted: Channels, place: Place) -> tuple[Layer, int]:
        thresholds = layer.activation
        assert isinstance(thresholds, Thresholds), "only a streamlined network becomes units"
        activation = Thresholds(thresholds.values[wanted], thresholds.dtype)
        return replace(layer, shape=(int(wanted.sum()), *layer.shape[1:]), activation=activation), 0


LIVENESS.add(MaxPool, LiveMaxPool())
LIVENESS.add(SumPool, LiveSumPool())
LIVENESS.add(Quantize, LiveQuantize())

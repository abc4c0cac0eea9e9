"""Convolutions: a channel is one column for each tap. Depthwise ones are left whole, they are always folded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bnnhw.ir import Conv2d, Layer
from bnnhw.lowering.live.registry import LIVENESS, UNKNOWN, Channels, Codes, Place
from bnnhw.lowering.live.weights import Weights

__all__ = ["LiveConv"]


class LiveConv:
    """What is live of a :class:`~bnnhw.ir.Conv2d`."""

    drops = False

    def gives_less(self, layer: Conv2d, given_less: bool) -> bool:
        return not layer.depthwise

    def constants(self, layer: Conv2d, place: Place) -> Codes:
        if layer.depthwise:
            return np.full(layer.dense.neurons, UNKNOWN)
        return _weights(layer, place).constants

    def reads(self, layer: Conv2d, wanted: Channels, place: Place) -> Channels:
        if layer.depthwise or not place.drops:
            return np.ones(len(place.given), np.bool_)
        return np.any(_weights(layer, place).columns(wanted, place.last).reshape(-1, len(place.given)), axis=0)

    def without(self, layer: Conv2d, taken: Channels, wanted: Channels, place: Place) -> tuple[Layer, int]:
        matrix, lacking = _weights(layer, place).without(np.tile(taken, layer.window.area), wanted)
        return replace(layer, window=replace(layer.window, channels=int(taken.sum())), dense=matrix), lacking


def _weights(layer: Conv2d, place: Place) -> Weights:
    # At the border a tap holds the padding instead of the channel.
    same = ~np.bool_(layer.window.padded) | (place.given == layer.padding_code)
    return Weights(layer.dense, np.tile(np.where(same, place.given, UNKNOWN), layer.window.area))


LIVENESS.add(Conv2d, LiveConv())

"""Fully connected layers: a channel of a map is one column for each of its positions."""

from __future__ import annotations

import numpy as np

from bnnhw.ir import Dense, Layer
from bnnhw.lowering.live.registry import LIVENESS, Channels, Codes, Place
from bnnhw.lowering.live.weights import Weights

__all__ = ["LiveDense"]


class LiveDense:
    """What is live of a :class:`~bnnhw.ir.Dense`."""

    drops = False

    def gives_less(self, layer: Dense, given_less: bool) -> bool:
        return True

    def constants(self, layer: Dense, place: Place) -> Codes:
        return _weights(layer, place).constants

    def reads(self, layer: Dense, wanted: Channels, place: Place) -> Channels:
        if not place.drops:
            return np.ones(len(place.given), np.bool_)
        return np.any(_weights(layer, place).columns(wanted, place.last).reshape(-1, len(place.given)), axis=0)

    def without(self, layer: Dense, taken: Channels, wanted: Channels, place: Place) -> tuple[Layer, int]:
        return _weights(layer, place).without(np.tile(taken, layer.synapses // len(taken)), wanted)


def _weights(layer: Dense, place: Place) -> Weights:
    return Weights(layer, np.tile(place.given, layer.synapses // len(place.given)))


LIVENESS.add(Dense, LiveDense())

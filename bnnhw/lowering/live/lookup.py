"""Truth tables: an input that is constant, or that nothing depends on, is taken out of the address."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir import Layer, Lookup
from bnnhw.lowering.live.registry import LIVENESS, UNKNOWN, Channels, Codes, Place

__all__ = ["LiveLookup"]


class LiveLookup:
    """What is live of a :class:`~bnnhw.ir.Lookup`."""

    drops = True

    def gives_less(self, layer: Lookup, given_less: bool) -> bool:
        return True

    def constants(self, layer: Lookup, place: Place) -> Codes:
        tables = _known(layer, place)
        return np.where((tables == tables[:, :1]).all(axis=1), tables[:, 0].astype(np.int64), UNKNOWN)

    def reads(self, layer: Lookup, wanted: Channels, place: Place) -> Channels:
        tables = _known(layer, place)
        found = np.zeros(len(place.given), np.bool_)
        for number in range(layer.fan_in):
            depends = (tables != tables[:, _held(layer, number, np.zeros(1, np.int64))[0]]).any(axis=1)
            found[layer.sources[wanted & depends, number] % len(place.given)] = True
        return found

    def without(self, layer: Lookup, taken: Channels, wanted: Channels, place: Place) -> tuple[Layer, int]:
        # Nothing depends on a source that is left out: any other may stand there.
        tables, number = _known(layer, place), np.cumsum(taken) - 1
        positions, channels = layer.inputs // len(taken), len(taken)
        position, channel = np.divmod(layer.sources[wanted], channels)
        sources = np.where(taken[channel], position * int(taken.sum()) + number[channel], 0)
        inputs = positions * int(taken.sum())
        return replace(layer, inputs=inputs, sources=sources.astype(np.int32), tables=tables[wanted]), 0


def _known(layer: Lookup, place: Place) -> NDArray[np.uint8]:
    """The tables, with what constant inputs hold put in everywhere."""
    tables = layer.tables
    for number in range(layer.fan_in):
        code = place.given[layer.sources[:, number] % len(place.given)]
        known = code != UNKNOWN
        held = np.take_along_axis(tables, _held(layer, number, np.where(known, code, 0)), axis=1)
        tables = np.where(known[:, None], held, tables)
    return tables


def _held(layer: Lookup, number: int, codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each code (rows) every address (columns) with that code in the place of a source."""
    bits = layer.input.bits
    address = np.arange(1 << layer.address_bits)
    field = (layer.input.levels - 1) << (number * bits)
    return address & ~field | codes[:, None] << (number * bits)


LIVENESS.add(Lookup, LiveLookup())

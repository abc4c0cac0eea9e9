"""The reference of truth tables."""

from __future__ import annotations

import numpy as np

from bnnhw.ir import Lookup
from bnnhw.reference.kernels import REFERENCE, Codes, Step

__all__ = ["lookup"]


@REFERENCE.register(Lookup)
def lookup(layer: Lookup) -> Step:
    """What each neuron's table holds at the address that its sources' codes make."""
    starts = np.arange(layer.neurons, dtype=np.int32) << layer.address_bits
    tables = layer.tables.ravel()

    def read(codes: Codes) -> Codes:
        address = np.zeros((len(codes), layer.neurons), np.uint8)
        for place in range(layer.fan_in):
            address |= codes[:, layer.sources[:, place]] << np.uint8(place * layer.input.bits)
        return tables[starts + address]

    return read

"""Layers of gates become layers of tables of four inputs: two LUT4 levels and the registers between them, one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir import Layer, Lookup, Network
from bnnhw.units.lookup.model import LUT_INPUTS

__all__ = ["merged"]


def merged(network: Network) -> Network:
    """The network with each layer of tables that reads one of tables made of that one's inputs, where they fit a LUT4.

    A table of two tables of two inputs is one of four inputs: a LUT4 as before, and the layer in between is not there,
    whoever read it, nor the cycle that it took. Its stream can't be observed; that of the layer behind it is.
    """
    chain: list[Layer] = []
    for layer in network.chain:
        while isinstance(layer, Lookup) and chain and isinstance(first := chain[-1], Lookup) and _fits(first, layer):
            layer = _of_both(first, layer)
            chain.pop()
        chain.append(layer)
    return network if len(chain) == len(network.chain) else replace(network, layers=(*chain, network.output))


def _fits(first: Lookup, second: Lookup) -> bool:
    return second.fan_in * first.address_bits <= LUT_INPUTS


def _of_both(first: Lookup, second: Lookup) -> Lookup:
    """What the second layer computes, of the inputs of the first."""
    sources = first.sources[second.sources]
    address = np.arange(1 << (second.fan_in * first.address_bits))
    before: NDArray[np.int64] = np.zeros((second.neurons, len(address)), np.int64)
    for place in range(second.fan_in):
        part = address >> (place * first.address_bits) & ((1 << first.address_bits) - 1)
        before |= first.tables[second.sources[:, place]][:, part].astype(np.int64) << (place * second.input.bits)
    return replace(
        second,
        inputs=first.inputs,
        input=first.input,
        sources=sources.reshape(second.neurons, -1),
        tables=np.take_along_axis(second.tables, before, axis=1),
    )

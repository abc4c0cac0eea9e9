"""Truth tables to test, and what they mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bnnhw.ir import DataType, Lookup

__all__ = ["looked_up", "tables"]


def tables(inputs: int, neurons: int, fan_in: int, dtype: str, emits: str, seed: int) -> Lookup:
    """Random sources and tables; a constant neuron, and one that reads one element only, where there are enough."""
    rng = np.random.default_rng(seed)
    code, out = DataType.parse(dtype), DataType.parse(emits)
    sources = rng.integers(0, inputs, (neurons, fan_in))
    found = rng.integers(0, out.levels, (neurons, 1 << (fan_in * code.bits)))
    if neurons > 3:
        found[1] = out.levels - 1
        sources[2] = sources[2, 0]
    return Lookup("layer", inputs, code, sources, found, out)


def looked_up(layer: Lookup, codes: Sequence[int]) -> list[int]:
    """The codes of all neurons for the codes of all elements, bit by bit of each address."""
    found = []
    for sources, table in zip(layer.sources.tolist(), layer.tables.tolist(), strict=True):
        address = 0
        for place, source in enumerate(sources):
            address += codes[source] * layer.input.levels**place
        found.append(table[address])
    return found

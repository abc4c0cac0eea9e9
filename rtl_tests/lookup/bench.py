"""What is simulated of truth tables."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from bnnhw.ir import Lookup
from bnnhw.units.lookup.model import LookupUnit
from rtl_tests.case import StreamUnit
from rtl_tests.lanes import Expected, expected_groups, random_words, split
from rtl_tests.lookup.layers import looked_up, tables

__all__ = ["UNITS"]


@dataclass(frozen=True)
class LookupModel:
    """Every neuron by itself."""

    layer: Lookup

    def frame(self, rng: random.Random) -> list[int]:
        return random_words(rng, self.layer.input.bits, self.layer.inputs, 1)

    def result(self, words: Sequence[int]) -> list[Expected]:
        (word,) = words
        codes = looked_up(self.layer, split(word, self.layer.input.bits, self.layer.inputs))
        return expected_groups([codes], self.layer.output.bits, self.layer.neurons)


def _lookup(name: str, layer: Lookup) -> StreamUnit:
    unit = LookupUnit(layer)
    return StreamUnit(name, unit.component, LookupModel(layer), 1, 1, 1)


UNITS = (
    _lookup("lookup", tables(9, 7, 4, "bipolar", "bipolar", 1)),
    _lookup("lookup_codes", tables(5, 6, 3, "uint2", "int2", 2)),
)

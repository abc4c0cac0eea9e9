"""What is simulated of spatial matrix units."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bnnhw.devices import technology
from bnnhw.ir import Dense
from bnnhw.reference.product import Product
from bnnhw.units.spatial.model import SpatialUnit
from rtl_tests.case import StreamUnit
from rtl_tests.lanes import Expected, expected_groups, join, split
from tests.layers import class_sums, random_layer

__all__ = ["UNITS"]


@dataclass(frozen=True)
class SpatialModel:
    """Vectors of one word, and their results."""

    unit: SpatialUnit

    def frame(self, rng: random.Random) -> list[int]:
        layer = self.unit.matrix
        return [join([rng.randrange(layer.input.levels) for _ in range(layer.synapses)], layer.input.bits)]

    def result(self, words: Sequence[int]) -> list[Expected]:
        layer = self.unit.matrix
        product = Product(layer)
        vector = np.array([split(words[0], layer.input.bits, layer.synapses)], np.uint8)
        values = product.accumulators(vector) if layer.activation is None else product.output(vector)
        if self.unit.bare and (coding := self.unit.coding) is not None:
            values = (values - coding.offset) // coding.step
        return expected_groups(values.tolist(), self.unit.lane_bits, layer.neurons)


def _spatial(name: str, layer: Dense, family: str, bare: bool = False, free: bool | None = None) -> StreamUnit:
    unit = SpatialUnit(layer, technology(family), bare=bare, runs_free=free)
    t = unit.timing
    return StreamUnit(name, unit.component, SpatialModel(unit), t.interval, t.latency, unit.places)


def _layer(seed: int, synapses: int, neurons: int, dtype: str, output: str | None, *coefficients: int) -> Dense:
    return random_layer(np.random.default_rng(seed), neurons, synapses, dtype, output, coefficients or (1,))


UNITS = (
    _spatial("spatial", _layer(1, 40, 12, "bipolar", "bipolar"), "ice40"),
    _spatial("spatial_levels", _layer(2, 9, 5, "uint2", "int2"), "ecp5"),
    _spatial("spatial_accumulators", _layer(3, 9, 4, "bipolar", None, 1, 1), "generic"),
    _spatial("spatial_bare", class_sums(12, 3), "ice40", bare=True),
    _spatial("spatial_free", _layer(4, 20, 6, "bipolar", "bipolar"), "ecp5", free=True),
)

"""What is simulated of pooling units."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bnnhw.ir import DataType, MaxPool, SumPool, Window
from bnnhw.units.pool.model import PoolUnit
from rtl_tests.case import StreamUnit
from rtl_tests.lanes import Expected, expected_groups, random_words, split

__all__ = ["UNITS"]


@dataclass(frozen=True)
class PoolModel:
    """Channels that take the minimum come in complemented."""

    layer: MaxPool | SumPool
    lanes: int

    def frame(self, rng: random.Random) -> list[int]:
        window = self.layer.window
        count = window.positions * window.area * -(-window.channels // self.lanes)
        return random_words(rng, self.layer.input.bits, self.lanes, count)

    def result(self, words: Sequence[int]) -> list[Expected]:
        layer, window = self.layer, self.layer.window
        folds = -(-window.channels // self.lanes)
        codes = np.array([split(word, layer.input.bits, self.lanes) for word in words], np.int64)
        # (positions, area, channels)
        taps = codes.reshape(window.positions, folds, window.area, self.lanes).transpose(0, 2, 1, 3)
        taps = taps.reshape(window.positions, window.area, -1)[:, :, : window.channels]
        if isinstance(layer, SumPool):
            values = taps if layer.input.kind == "bipolar" else layer.input.values(taps)
            rows = layer.output.encode(values.sum(axis=1))
        else:
            values = layer.input.values(np.where(layer.minimum, layer.input.levels - 1 - taps, taps))
            rows = layer.input.encode(np.where(layer.minimum, values.min(axis=1), values.max(axis=1)))
        return expected_groups(rows.tolist(), layer.output.bits, self.lanes)


def _pool(name: str, layer: MaxPool | SumPool, lanes: int) -> StreamUnit:
    unit = PoolUnit(layer, lanes)
    t = unit.timing
    # A word in the register, and all taps but the last of the next one.
    stored = 2 * t.area - 1
    return StreamUnit(name, unit.component, PoolModel(layer, lanes), t.interval, t.latency, stored)


_WINDOW = Window(5, 4, 3, (2, 2), (1, 1))

UNITS = (
    _pool("pool_max", MaxPool("pool", _WINDOW, DataType.parse("int4"), np.array([0, 1, 1, 0, 1])), 2),
    _pool("pool_sum", SumPool("pool", _WINDOW, DataType.parse("bipolar")), 3),
)

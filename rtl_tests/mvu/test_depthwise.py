# amaranth: UnusedElaboratable=no
"""Depthwise matrix-vector units against products of signs in NumPy, and against the formulas of the ordinary ones."""

from __future__ import annotations

import random
from dataclasses import dataclass
from math import ceil

import numpy as np
import pytest

from bnnhw.devices import technology
from bnnhw.folding import LayerFolding
from bnnhw.ir import Dense
from bnnhw.units.mvu.model import MvuUnit
from bnnhw.units.mvu.rtl import Mvu
from rtl_tests.golden import accumulators, activations
from rtl_tests.lanes import join, split
from rtl_tests.streams import Driver, Monitor, Run, differences, simulate
from tests.layers import random_layer


@dataclass(frozen=True)
class Case:
    """C channels, K taps, PE, M neurons per channel, and what flows."""

    channels: int
    taps: int
    pe: int
    memory: str
    technology: str
    input: str = "bipolar"
    output: str | None = "bipolar"
    coefficients: tuple[int, ...] = (1,)
    order: str = "parallel"
    multiplier: int = 1

    def unit(self) -> Mvu:
        rng = np.random.default_rng(self.channels * 100 + self.taps)
        neurons = self.channels * self.multiplier
        layer = random_layer(rng, neurons, self.taps, self.input, self.output, self.coefficients)
        folding = LayerFolding(self.pe, 1, self.memory, planes=self.order)
        return Mvu(MvuUnit(layer, folding, technology(self.technology), self.multiplier))


CASES = [
    Case(4, 9, 2, "lut", "generic"),
    Case(4, 9, 2, "block", "ice40"),
    Case(4, 9, 2, "block", "ecp5"),
    # PE = 1, PE = C, PE that does not divide C; one tap; one channel.
    Case(3, 4, 1, "block", "generic"),
    Case(5, 9, 5, "lut", "ecp5"),
    Case(7, 9, 3, "block", "ice40"),
    Case(5, 1, 2, "lut", "ice40"),
    Case(3, 1, 3, "block", "ecp5"),
    Case(1, 9, 1, "lut", "generic"),
    # Several planes, several levels, accumulators.
    Case(4, 9, 3, "block", "ecp5", "uint2", "uint2"),
    Case(5, 4, 2, "lut", "ice40", "int3", None),
    Case(4, 9, 2, "block", "generic", "uint8", "bipolar", (1, -2)),
    # Planes one after another, as many times the cycles.
    Case(4, 9, 3, "block", "ecp5", "uint2", "uint2", order="serial"),
    Case(5, 4, 2, "lut", "ice40", "int3", None, order="serial"),
    Case(3, 1, 2, "lut", "generic", "uint2", order="serial"),
    # Several neurons per channel, PE a multiple: one channel, two that divide and do not divide theirs, all of them.
    Case(3, 4, 2, "lut", "generic", multiplier=2),
    Case(4, 9, 4, "block", "ecp5", "uint2", "uint2", multiplier=2),
    Case(3, 4, 6, "lut", "ice40", "int3", None, multiplier=3),
    Case(2, 3, 6, "block", "ice40", "uint8", "bipolar", (1, -2), multiplier=3),
    Case(3, 1, 4, "block", "generic", "uint8", multiplier=2),
    # So many for a channel that they take their lane out of several registers.
    Case(2, 3, 10, "lut", "ecp5", "uint2", multiplier=10),
    Case(3, 2, 18, "block", "ecp5", multiplier=9),
    # PE a divisor: the words of a channel are replayed; one tap; one neuron per fold; planes one after another.
    Case(3, 4, 2, "lut", "ice40", multiplier=4),
    Case(2, 9, 3, "block", "ecp5", "uint2", "uint2", multiplier=6),
    Case(3, 1, 2, "block", "generic", "uint8", multiplier=6),
    Case(2, 4, 1, "lut", "generic", "int3", None, multiplier=3),
    Case(3, 1, 1, "block", "ice40", multiplier=2),
    Case(2, 3, 2, "block", "ecp5", "int3", "uint2", order="serial", multiplier=4),
    Case(3, 3, 4, "lut", "ice40", "uint2", order="serial", multiplier=2),
    Case(3, 1, 1, "lut", "generic", "uint4", order="serial", multiplier=2),
]


def result(layer: Dense, codes: np.ndarray) -> np.ndarray:
    """What comes of codes (frames, channels, taps): each neuron's value for its own channel alone."""
    multiplier = layer.neurons // codes.shape[1]
    own = [accumulators(layer, codes[:, n // multiplier])[:, n] for n in range(layer.neurons)]
    return activations(layer, np.stack(own, axis=1))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_depthwise(case: Case) -> None:
    unit = case.unit()
    layer, folds, bits = (
        unit.model.matrix,
        ceil(case.channels * case.multiplier / case.pe),
        unit.model.matrix.input.bits,
    )
    planes = bits if case.order == "serial" else 1
    lanes = max(case.pe // case.multiplier, 1)
    replays = max(case.multiplier // case.pe, 1)
    interval = folds * case.taps * planes
    assert (unit.model.timing.interval, unit.model.timing.latency) == (interval, interval + unit.model.timing.depth)
    assert unit.model.timing.buffer_words == (2 if planes * replays == 1 else 2 * case.taps)
    assert len(unit.input.payload) == lanes * bits
    rng, noise = np.random.default_rng(1), random.Random(1)

    def traffic(count: int) -> tuple[list[int], np.ndarray]:
        codes = rng.integers(0, layer.input.levels, (count, case.channels, case.taps))
        words = []
        for frame in codes:
            for first in range(0, case.channels, lanes):
                own = frame[first : first + lanes]
                for tap in range(case.taps):
                    filled = [*own[:, tap], *(noise.getrandbits(bits) for _ in range(lanes - len(own)))]
                    words.append(join(filled, bits))
        return words, result(layer, codes)

    def read(words: list[int]) -> np.ndarray:
        lanes_out = np.array([split(word, unit.model.lane_bits, case.pe) for word in words], np.int64)
        values = lanes_out.reshape(-1, folds * case.pe)[:, : layer.neurons]
        if layer.activation is None and layer.accumulator_range[0] < 0:
            values = np.where(values >> (unit.model.lane_bits - 1) == 1, values - 2**unit.model.lane_bits, values)
        return values

    async def scenario(bench: Run) -> None:
        # Full speed: no bubble between vectors, from the first on.
        sent, due = traffic(4)
        assert len(sent) * planes * replays == 4 * interval
        driver, monitor = Driver(sent), Monitor(4 * folds)
        await bench.stream(driver, monitor)
        assert (read(monitor.words) == due).all()
        assert monitor.offered[folds - 1] - driver.accepted[0] == unit.model.timing.latency
        assert set(differences(monitor.offered)) <= {case.taps * planes}
        for gap, stall, deaf in ((0.6, 0, 0), (0, 0.6, 0), (0.4, 0.4, 0), (0, 0, 5 * unit.model.timing.latency)):
            sent, due = traffic(4)
            driver, monitor = Driver(sent, gap), Monitor(4 * folds, stall, deaf)
            await bench.stream(driver, monitor)
            assert (read(monitor.words) == due).all()
        # A reset in the middle of a vector; then as if new.
        sent, _ = traffic(3)
        await bench.stream(Driver(sent, 0.2), Monitor(3 * folds, 0.5), cycles=interval + 2)
        await bench.reset()
        sent, due = traffic(2)
        driver, monitor = Driver(sent), Monitor(2 * folds)
        await bench.stream(driver, monitor)
        assert (read(monitor.words) == due).all()
        assert monitor.offered[folds - 1] - driver.accepted[0] == unit.model.timing.latency

    simulate(unit, scenario, seed=4)


def test_one_lane_a_processing_element() -> None:
    layer = random_layer(np.random.default_rng(0), 4, 9, name="conv1")
    with pytest.raises(ValueError, match=r"^layer conv1: SIMD must be 1 in a depthwise unit, not 3$"):
        Mvu(MvuUnit(layer, LayerFolding(2, 3), technology("generic"), 1))


def test_parts_of_a_channel_or_whole_channels() -> None:
    layer = random_layer(np.random.default_rng(0), 12, 9, name="conv1")
    message = (
        r"^layer conv1: PE of a depthwise convolution must be a divisor or a multiple of its 4 neurons per channel, "
        r"not 6; nearest: 4 or 8$"
    )
    with pytest.raises(ValueError, match=message):
        Mvu(MvuUnit(layer, LayerFolding(6, 1), technology("generic"), 4))

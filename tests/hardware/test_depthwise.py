# amaranth: UnusedElaboratable=no
"""Depthwise matrix-vector units against products of signs in NumPy, and against the formulas of the ordinary ones."""

from __future__ import annotations

import random
from dataclasses import dataclass
from math import ceil

import numpy as np
import pytest

from bnnhw.folding import LayerFolding
from bnnhw.folding.counter import technology
from bnnhw.hardware.mvu import Mvu
from bnnhw.ir import Dense
from tests.hardware.bench import (
    Driver,
    Monitor,
    Run,
    accumulators,
    activations,
    differences,
    join,
    random_layer,
    simulate,
    split,
)


@dataclass(frozen=True)
class Case:
    """C channels, K taps, PE, and what flows."""

    channels: int
    taps: int
    pe: int
    memory: str
    technology: str
    input: str = "bipolar"
    output: str | None = "bipolar"
    coefficients: tuple[int, ...] = (1,)
    order: str = "parallel"

    def unit(self) -> Mvu:
        rng = np.random.default_rng(self.channels * 100 + self.taps)
        layer = random_layer(rng, self.channels, self.taps, self.input, self.output, self.coefficients)
        folding = LayerFolding(self.pe, 1, self.memory, planes=self.order)
        return Mvu(layer, folding, technology(self.technology), depthwise=True)


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
]


def result(layer: Dense, codes: np.ndarray) -> np.ndarray:
    """What comes of codes (frames, channels, taps): each neuron's value for its own channel alone."""
    own = [accumulators(layer, codes[:, n])[:, n] for n in range(layer.neurons)]
    return activations(layer, np.stack(own, axis=1))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_depthwise(case: Case) -> None:
    unit = case.unit()
    layer, folds, bits = unit.layer, ceil(case.channels / case.pe), unit.layer.input.bits
    planes = bits if case.order == "serial" else 1
    interval = folds * case.taps * planes
    assert (unit.pipeline.interval, unit.pipeline.latency) == (interval, interval + unit.pipeline.depth)
    assert unit.pipeline.buffer_words == (2 if planes == 1 else 2 * case.taps)
    assert len(unit.input.payload) == case.pe * bits
    rng, noise = np.random.default_rng(1), random.Random(1)

    def traffic(count: int) -> tuple[list[int], np.ndarray]:
        codes = rng.integers(0, layer.input.levels, (count, case.channels, case.taps))
        words = []
        for frame in codes:
            for first in range(0, case.channels, case.pe):
                own = frame[first : first + case.pe]
                for tap in range(case.taps):
                    lanes = [*own[:, tap], *(noise.getrandbits(bits) for _ in range(case.pe - len(own)))]
                    words.append(join(lanes, bits))
        return words, result(layer, codes)

    def read(words: list[int]) -> np.ndarray:
        lanes = np.array([split(word, case.pe, unit.lane_bits) for word in words], np.int64)
        values = lanes.reshape(-1, folds * case.pe)[:, : case.channels]
        if layer.output is None and layer.accumulator_range[0] < 0:
            values = np.where(values >> (unit.lane_bits - 1) == 1, values - 2**unit.lane_bits, values)
        return values

    async def scenario(bench: Run) -> None:
        # Full speed: no bubble between vectors, from the first on.
        sent, due = traffic(4)
        assert len(sent) * planes == 4 * interval
        driver, monitor = Driver(sent), Monitor(4 * folds)
        await bench.stream(driver, monitor)
        assert (read(monitor.words) == due).all()
        assert monitor.offered[folds - 1] - driver.accepted[0] == unit.pipeline.latency
        assert set(differences(monitor.offered)) <= {case.taps * planes}
        for gap, stall, deaf in ((0.6, 0, 0), (0, 0.6, 0), (0.4, 0.4, 0), (0, 0, 5 * unit.pipeline.latency)):
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
        assert monitor.offered[folds - 1] - driver.accepted[0] == unit.pipeline.latency

    simulate(unit, scenario, seed=4)


def test_one_lane_a_processing_element() -> None:
    layer = random_layer(np.random.default_rng(0), 4, 9, name="conv1")
    with pytest.raises(ValueError, match=r"^layer conv1: SIMD must be 1 in a depthwise unit, not 3$"):
        Mvu(layer, LayerFolding(2, 3), technology("generic"), depthwise=True)

"""What units that work element by element do to frames, and their bench in Amaranth's simulator."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir import Affine, Quantize, Thresholds
from bnnhw.units.affine.rtl import Affiner
from bnnhw.units.quantize.rtl import Quantizer
from rtl_tests.flow import check_cycles, random_arrivals, random_readiness
from rtl_tests.lanes import Expected, expected_groups, join_words, random_words, split, split_words
from rtl_tests.streams import Driver, Monitor, differences

__all__ = ["SIZES", "TRAFFIC", "ElementModel", "check", "check_mix", "random_maps"]

TRAFFIC = [(0, 0, 0), (0.3, 0, 0), (0, 0.5, 0), (0.4, 0.4, 0), (0, 0, 60)]
"""Gaps at the input, stalls at the output, cycles at the beginning that nothing is taken in."""

SIZES = [(1, 1), (3, 1), (5, 2), (4, 4), (3, 4), (7, 3)]
"""Channels and lanes."""


@dataclass(frozen=True)
class ElementModel:
    """Every element by itself, with the constants of its channel."""

    layer: Quantize | Affine
    lanes: int

    def frame(self, rng: random.Random) -> list[int]:
        channels, height, width = self.layer.shape
        count = height * width * -(-channels // self.lanes)
        return random_words(rng, self.layer.input.bits, self.lanes, count)

    def result(self, words: Sequence[int]) -> list[Expected]:
        layer = self.layer
        channels, height, width = layer.shape
        codes = np.array([split(word, layer.input.bits, self.lanes) for word in words], np.int64)
        values = layer.input.values(codes.reshape(height * width, -1)[:, :channels])
        if isinstance(layer, Affine):
            rows = layer.output.encode(values * layer.multiplier + layer.offset)
        else:
            assert isinstance(layer.activation, Thresholds)
            rows = layer.output.codes((values[:, :, None] >= layer.activation.values[None]).sum(axis=2))
        return expected_groups(rows.tolist(), layer.output.bits, self.lanes)


def random_maps(layer: Quantize | Affine, frames: int, seed: int) -> list[NDArray[np.int64]]:
    """Codes (positions, channels) of so many frames."""
    rng = np.random.default_rng(seed)
    channels, height, width = layer.shape
    return [rng.integers(0, layer.input.levels, (height * width, channels)) for _ in range(frames)]


def check(
    dut: Quantizer | Affiner, due: list[NDArray[np.int64]], maps: list[NDArray[np.int64]], traffic: tuple, seed: int
) -> tuple[Driver, Monitor]:
    """Frames of codes (positions, channels) through a unit; every word and its cycles."""
    rng = random.Random(seed)
    gap, stall, deaf = traffic
    layer, lanes = dut.model.layer, dut.model.lanes
    sent = [w for codes in maps for row in codes.tolist() for w in join_words(row, layer.input.bits, lanes, rng)]
    driver = Driver(sent, arrivals=random_arrivals(rng, len(sent), gap))
    monitor = Monitor(len(sent), readiness=random_readiness(rng, stall, deaf))
    check_cycles(dut, {"input": driver}, {"output": monitor}, dut.model.timing.flow, len(maps))
    channels = layer.shape[0]
    folds = -(-channels // lanes)
    rows = [row for codes in due for row in codes.tolist()]
    for position, row in enumerate(rows):
        words = monitor.words[position * folds : (position + 1) * folds]
        assert split_words(words, layer.output.bits, lanes, channels) == row, position
    assert dut.model.timing.words == len(sent) // len(maps)
    return driver, monitor


def check_mix(
    dut: Quantizer | Affiner,
    meaning: Callable[[NDArray[np.int64]], NDArray[np.int64]],
    depth: int,
    traffic: tuple[float, float, int],
) -> None:
    """A mix of gaps and stalls; without any the interval and the latency, without room what is accepted."""
    maps = random_maps(dut.model.layer, 3, 5)
    timing = dut.model.timing
    driver, monitor = check(dut, [meaning(codes) for codes in maps], maps, traffic, 3)
    assert timing.depth == depth
    if traffic == (0, 0, 0):
        assert set(differences(driver.accepted)) == {1}
        assert monitor.offered[timing.words - 1] - driver.accepted[0] == timing.latency
        assert set(differences(monitor.offered)) == {1}
    if traffic[2]:
        assert sum(cycle < traffic[2] for cycle in driver.accepted) == timing.credits

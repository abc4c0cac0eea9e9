"""The estimated cost of matrix-vector units, added up by hand; docs/benchmarks.md has estimates beside syntheses."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.dataflow import Resources
from bnnhw.devices import technology
from bnnhw.folding import LayerFolding
from bnnhw.units.mvu.model import MvuUnit
from tests.layers import random_layer

CONTROL = Resources(70, 60, 0)
"""Counters and handshake."""

THRESHOLDS, WEIGHTS = Resources(2 * 5, 2 * 5, 0), Resources(2 * 3, 2 * 3, 0)
"""ROMs of up to 16 words behind a register: of 2 neurons, a threshold of 5 bits and 3 weights each."""

QUEUE, BUFFER = Resources(2, 4, 0), Resources(3 * 7, 3 * 9, 0)
"""Two results of two bits; two vectors of four words of three bits."""


def cost(
    sizes: tuple[int, int],
    folding: LayerFolding,
    tech: str,
    types: tuple[str, str | None] = ("bipolar", "bipolar"),
    coefficients: tuple[int, ...] = (1,),
    multiplier: int = 0,
) -> Resources:
    layer = random_layer(np.random.default_rng(0), *sizes, *types, coefficients)
    return MvuUnit(layer, folding, technology(tech), multiplier).resources()


@pytest.mark.parametrize(
    "tech, memory, accumulator, registers, weights",
    [
        # A carry chain of one bit per cell, or two. Block RAM on iCE40 has no register behind it, and none beside it.
        ("generic", "lut", 4, 3, WEIGHTS),
        ("ecp5", "lut", 8, 3, WEIGHTS),
        ("ecp5", "block", 8, 3, Resources(0, 0, 1)),
        ("ice40", "block", 4, 0, Resources(0, 0, 1)),
    ],
)
def test_plain(tech: str, memory: str, accumulator: int, registers: int, weights: Resources) -> None:
    """8 neurons of 12 synapses, PE 2, SIMD 3: a popcount of 4 tables, accumulators of 4 bits, thresholds of 5."""
    parts = Resources(2 * (4 + accumulator + 5), 2 * (3 + 2 * 4) + registers, 0)
    due = Resources.total([CONTROL, parts, THRESHOLDS, weights, QUEUE, BUFFER])
    assert cost((8, 12), LayerFolding(2, 3, memory), tech) == due


def test_planes_side_by_side() -> None:
    """Two popcounts, their sum, accumulators of 6 bits, three thresholds of 7, counted by two tables each."""
    element = 2 * 4 + (2 + 3) + 6 + 3 * 7 + 2 * 3
    parts = Resources(2 * element, 2 * (2 * 3 + 6 * 4) + 6, 0)
    thresholds, queue, buffer = Resources(42, 42, 0), Resources(4 * 2, 4 * 3, 0), Resources(6 * 7, 6 * 9, 0)
    due = Resources.total([CONTROL, parts, thresholds, WEIGHTS, queue, buffer])
    assert cost((8, 12), LayerFolding(2, 3, "lut"), "generic", ("uint2", "uint2")) == due


def test_planes_one_after_another() -> None:
    """One popcount, two sums of 8 bits; two tables choose one bit of four, from a word in a register."""
    element = 4 + 2 * 8 + 3 * 9 + 2 * 3
    parts = Resources(2 * element + 3 * 2, 2 * (3 + 8 * 4) + 3 + 12 + 2 * 8, 0)
    thresholds, queue, buffer = Resources(54, 54, 0), Resources(0, 4, 0), Resources(12 * 7, 12 * 9, 0)
    due = Resources.total([CONTROL, parts, thresholds, WEIGHTS, queue, buffer])
    assert cost((8, 12), LayerFolding(2, 3, "lut", planes="serial"), "generic", ("uint4", "uint2")) == due


def test_one_neuron_fold() -> None:
    """Thresholds are constants; each eight elements on ECP5 have registers of their own for what they read."""
    parts = Resources(20 * (4 + 8 + 5), 20 * (3 + 8) + 3 * 3, 0)
    # 60 weights side by side, and nothing to replay: two words are held.
    due = Resources.total([CONTROL, parts, Resources(0, 0, 2), Resources(20, 40, 0), Resources(3, 9, 0)])
    assert cost((20, 12), LayerFolding(20, 3, "block"), "ecp5") == due


def test_one_word() -> None:
    """One fold of either kind: weights are constants too, in whatever memory; nothing is accumulated."""
    for memory in ("lut", "block"):
        parts = Resources(8 * (24 + 5), 8 * (12 + 2 * 4) + 12, 0)
        due = Resources.total([CONTROL, parts, Resources(8 * 6, 8 * 7, 0), Resources(12, 36, 0)])
        assert cost((8, 12), LayerFolding(8, 12, memory), "generic") == due


def test_depthwise() -> None:
    """Two neurons per channel read the same lane, however many channels there are side by side."""
    parts = Resources(16 * (1 + 8 + 5), 16 * (1 + 2 * 4) + 8, 0)
    # 18 words of weights: a table of 16 words and an eighth of one per bit, and their choice.
    memories = Resources(16 * 5 + round(16 * 18 / 8), 16 * 5 + 16, 0)
    due = Resources.total([CONTROL, parts, memories, Resources(0, 16, 0), Resources(8, 24, 0)])
    assert cost((32, 9), LayerFolding(16, 1, "lut"), "ecp5", multiplier=2) == due
    # Two of four neurons of a channel: nine words of one lane are kept twice, for those that are to be replayed.
    parts = Resources(2 * (1 + 8 + 5), 2 * (1 + 2 * 4) + 1, 0)
    memories = Resources(2 * 5 + 2 * 18, 2 * 5 + 2, 0)
    due = Resources.total([CONTROL, parts, memories, Resources(0, 2, 0), Resources(17, 19, 0)])
    assert cost((32, 9), LayerFolding(2, 1, "lut"), "ecp5", multiplier=4) == due


def test_weights_of_two_planes() -> None:
    """-2 and 1 times 35 lanes for 4 neurons: a RAM per cycle of popcounts; sums of 9 bits leave as they come."""
    parts = Resources(4 * (2 * 79 + 6 + 3 + 9), 4 * (2 * 35 + 9), 0)
    due = Resources.total([CONTROL, parts, Resources(0, 0, 18 + 3), Resources(4 * 36, 5 * 36, 0)])
    assert cost((8, 70), LayerFolding(4, 35, "block"), "ice40", ("bipolar", None), (1, -2)) == due

# amaranth: UnusedElaboratable=no
"""The output stage against NumPy: ties, signs, multipliers and offsets, padding lanes."""

from __future__ import annotations

import random
from math import ceil, log2

import numpy as np
import pytest

from bnnhw.ir import BatchNorm, Dense, Output
from bnnhw.ir.types import narrowest
from bnnhw.units.argmax.model import ArgmaxUnit
from bnnhw.units.argmax.rtl import Argmax
from rtl_tests.flow import check_flow
from rtl_tests.lanes import join
from rtl_tests.storage import memories
from rtl_tests.streams import Driver, Monitor, Run, differences, simulate
from tests.layers import random_layer

# Classes, PE; 1 class, 1 lane, PE = classes, non-divisors, more lanes than classes.
SIZES = [(1, 1), (2, 1), (2, 2), (3, 2), (4, 2), (5, 3), (5, 4), (7, 7), (10, 1), (10, 10), (11, 4), (3, 5), (1, 4)]
AFFINES = {
    "plain": (1, 1, 0, 0),
    "multipliers": (1, 6, 0, 0),
    "offsets": (1, 1, -9, 9),
    "affine": (1, 6, -40, 40),
    "negative": (-5, 5, -300, -200),
    "below": (0, 3, -60, -50),
}
COEFFICIENTS = {"unsigned": (1,), "signed": (1, -2), "never positive": (-1,)}


def traffic(layer: Dense, output: Output, pe: int, frames: int, seed: int) -> tuple[list[int], list[tuple[int, int]]]:
    """Words of some frames, noise in lanes past the last class; the index and score due, by NumPy's argmax.

    Accumulators are random, all equal, few values (ties), and the ends of their range.
    """
    rng, noise = np.random.default_rng(seed), random.Random(seed)
    low, high = layer.accumulator_range
    width, _ = narrowest(low, high)
    draws = [
        lambda: rng.integers(low, high + 1, output.classes),
        lambda: np.full(output.classes, rng.integers(low, high + 1)),
        lambda: rng.choice([low, low + 1], output.classes),
        lambda: rng.choice([low, high], output.classes),
        lambda: np.full(output.classes, low),
    ]
    words: list[int] = []
    due: list[tuple[int, int]] = []
    for frame in range(frames):
        values = draws[frame % len(draws)]()
        scores = output.multiplier * values + output.offset
        due.append((int(output.decide(scores[None])[0]), int(scores.max())))
        padding = -len(values) % pe
        lanes = [*values.tolist(), *(noise.choice([high, noise.getrandbits(width)]) for _ in range(padding))]
        words += [join(lanes[i : i + pe], width) for i in range(0, len(lanes), pe)]
    return words, due


def read(unit: Argmax, words: list[int]) -> list[tuple[int, int]]:
    layout = unit.output.payload.shape()
    index, score = layout.members["index"], layout.members["score"]
    pairs = []
    for word in words:
        value = word >> index.width
        if score.signed and value >> (score.width - 1):
            value -= 1 << score.width
        pairs.append((word & ((1 << index.width) - 1), value))
    return pairs


def check(output: Output, layer: Dense, pe: int) -> None:
    """Full speed by the formulas, then gaps and stalls, then a reset between two words of a frame."""
    unit = Argmax(ArgmaxUnit(output, layer.accumulator_range, pe))
    words = ceil(output.classes / pe)
    depth = 3 + bool((output.multiplier != 1).any()) + bool((output.offset != 0).any()) + ceil(log2(pe))
    assert unit.model.timing.depth == depth

    async def scenario(bench: Run) -> None:
        sent, due = traffic(layer, output, pe, 10, 1)
        driver, monitor = Driver(sent), Monitor(len(due))
        await bench.stream(driver, monitor)
        assert read(unit, monitor.words) == due
        assert monitor.offered[0] - driver.accepted[0] == words - 1 + depth
        assert set(differences(monitor.offered)) == {words}
        sent, due = traffic(layer, output, pe, 10, 2)
        driver, monitor = Driver(sent, 0.3), Monitor(len(due), 0.4, deaf=3 * depth)
        await bench.stream(driver, monitor)
        assert read(unit, monitor.words) == due
        await bench.stream(Driver(sent), Monitor(len(due)), cycles=words + 1)
        await bench.reset()
        driver, monitor = Driver(sent), Monitor(len(due))
        await bench.stream(driver, monitor)
        assert read(unit, monitor.words) == due

    simulate(unit, scenario, seed=output.classes)


@pytest.mark.parametrize("affine", AFFINES.values(), ids=AFFINES)
@pytest.mark.parametrize("sign", COEFFICIENTS)
def test_argmax(sign: str, affine: tuple[int, int, int, int]) -> None:
    rng = np.random.default_rng(7)
    # A third of the sizes for each kind of accumulator and affine, so that each size meets each kind of either.
    start = (list(COEFFICIENTS).index(sign) + list(AFFINES.values()).index(affine)) % 3
    least, most, below, above = affine
    for classes, pe in SIZES[start::3]:
        layer = random_layer(rng, classes, 7, output=None, coefficients=COEFFICIENTS[sign])
        output = Output("out", rng.integers(least, most + 1, classes), rng.integers(below, above + 1, classes))
        check(output, layer, pe)


def test_every_class_can_win_a_tie() -> None:
    """All pairs of equal maxima among 5 classes on 2 lanes: the lower index wins."""
    layer = random_layer(np.random.default_rng(0), 5, 3, output=None)
    output = Output.plain("out", 5)
    unit = Argmax(ArgmaxUnit(output, layer.accumulator_range, 2))
    pairs = [(a, b) for a in range(5) for b in range(a, 5)]
    words = []
    for pair in pairs:
        lanes = [3 if n in pair else 2 for n in range(5)] + [3]
        words += [join(lanes[i : i + 2], 2) for i in (0, 2, 4)]

    async def scenario(bench: Run) -> None:
        monitor = Monitor(len(pairs))
        await bench.stream(Driver(words), monitor)
        assert read(unit, monitor.words) == [(a, 3) for a, _ in pairs]

    simulate(unit, scenario)


def test_storage() -> None:
    """A multiplier and an offset a class where there are any; ceil((depth + 1) / words) results."""
    layer = random_layer(np.random.default_rng(0), 6, 7, output=None)
    plain = Argmax(ArgmaxUnit(Output.plain("out", 6), layer.accumulator_range, 2))
    assert memories(plain) == {}
    # Capture, one level of a tree, running best, queue: 4 cycles, 3 words per frame.
    assert (plain.model.timing.depth, plain.model.timing.credits) == (4, 2)
    affine = Argmax(ArgmaxUnit(Output("out", np.full(6, 5), np.arange(-2, 4)), layer.accumulator_range, 2))
    # 3 bits each: a multiplier of 5, offsets of -2..3.
    assert sorted(memories(affine).values()) == [(3, 2 * 3), (3, 2 * 3)]
    assert (affine.model.timing.depth, affine.model.timing.credits) == (6, 3)


def test_needs_a_streamlined_output() -> None:
    ones, zeros = np.ones(3), np.zeros(3)
    norm = BatchNorm(ones, zeros, zeros, ones, 0.0)
    output = Output("scores", np.ones(3, np.int64), np.zeros(3, np.int64), (norm,))
    layer = random_layer(np.random.default_rng(0), 3, 4, output=None)
    with pytest.raises(ValueError, match=r"^layer scores must be streamlined$"):
        Argmax(ArgmaxUnit(output, layer.accumulator_range, 1))


@pytest.mark.parametrize("classes, pe, multiplier", [(1, 1, 1), (2, 1, 3), (10, 3, 1), (10, 10, 2), (7, 1, 1)])
def test_flow(classes: int, pe: int, multiplier: int) -> None:
    layer = random_layer(np.random.default_rng(0), classes, 7, output=None)
    output = Output("out", np.full(classes, multiplier), np.zeros(classes, np.int64))
    unit = Argmax(ArgmaxUnit(output, layer.accumulator_range, pe))
    check_flow(unit, unit.model.timing.flow, unit.model.timing.words, 1, frames=12, seed=classes)


@pytest.mark.parametrize("classes, pe", [(1, 1), (5, 5), (3, 5)])
def test_a_frame_per_cycle(classes: int, pe: int) -> None:
    """No word is compared with an earlier one, whose scores may be higher."""
    layer = random_layer(np.random.default_rng(0), classes, 7, output=None)
    output = Output("out", np.full(classes, 2), np.full(classes, -7))
    unit = Argmax(ArgmaxUnit(output, layer.accumulator_range, pe, every_cycle=True))
    words, due = traffic(layer, output, pe, 40, classes)

    async def scenario(bench: Run) -> None:
        driver, monitor = Driver(words), Monitor(len(due))
        await bench.stream(driver, monitor)
        assert read(unit, monitor.words) == due
        assert set(differences(driver.accepted)) == {1}

    simulate(unit, scenario)


def test_a_frame_per_cycle_is_one_word() -> None:
    layer = random_layer(np.random.default_rng(0), 5, 7, output=None)
    with pytest.raises(ValueError, match=r"^lanes must be all 5 scores for a frame per cycle, not 3$"):
        ArgmaxUnit(Output.plain("out", 5), layer.accumulator_range, 3, every_cycle=True)

# amaranth: UnusedElaboratable=no
"""The output unit of a frame per cycle against NumPy: ties, signs, one score; the cycle of every word."""

from __future__ import annotations

import random

import numpy as np
import pytest

from bnnhw.devices import technology
from bnnhw.ir import Output
from bnnhw.units.best.model import BestUnit
from bnnhw.units.best.rtl import Best
from rtl_tests.flow import check_cycles, check_flow, random_arrivals, random_readiness
from rtl_tests.lanes import join
from rtl_tests.storage import register_bits
from rtl_tests.streams import Driver, Monitor, differences

CLASSES = (1, 2, 3, 4, 5, 7, 10)
AFFINES = ((1, 0), (2, -7), (3, 40), (1, -9))
NUMBERS = ((0, 12), (-9, 6), (-12, -1), (0, 1))
TRAFFIC = ((0.0, 0.0, 0), (0.3, 0.0, 0), (0.0, 0.5, 0), (0.4, 0.4, 0), (0.0, 0.0, 30))
"""Gaps at the input, stalls at the output, cycles at the beginning in which nothing is taken."""


def make(classes: int, affine: tuple[int, int], numbers: tuple[int, int], family: str, more: int = 0) -> Best:
    output = Output("out", np.full(classes, affine[0]), np.full(classes, affine[1]))
    return Best(BestUnit(output, numbers, classes + more, technology(family)))


def frames_of(unit: Best, frames: int, seed: int) -> tuple[list[int], list[int]]:
    """Words of some frames, noise in lanes past the last class, and the words due: by NumPy's argmax.

    Numbers are random, all equal, few values (ties), and the ends of their range.
    """
    rng, model = np.random.default_rng(seed), unit.model
    (low, high), output = model.number_range, model.output
    draws = [
        lambda: rng.integers(low, high + 1, output.classes),
        lambda: np.full(output.classes, rng.integers(low, high + 1)),
        lambda: rng.choice([low, low + 1], output.classes),
        lambda: rng.choice([low, high], output.classes),
    ]
    words: list[int] = []
    due: list[int] = []
    result = model.outputs[0]
    for frame in range(frames):
        values = draws[frame % len(draws)]()
        scores = output.multiplier * values + output.offset
        noise = rng.integers(low, high + 1, model.lanes - output.classes)
        words.append(join([*values.tolist(), *noise.tolist()], model.number_bits))
        score = int(scores.max()) & ((1 << result.score_bits) - 1)
        due.append(int(output.decide(scores[None])[0]) | score << result.index_bits)
    return words, due


def check(unit: Best, seed: int) -> tuple[Driver, Monitor]:
    """Frames through a unit; every word and its cycle."""
    frames = 30
    words, due = frames_of(unit, frames, seed)
    gap, stall, deaf = TRAFFIC[seed % len(TRAFFIC)]
    rng = random.Random(seed)
    driver = Driver(words, arrivals=random_arrivals(rng, frames, gap))
    monitor = Monitor(frames, readiness=random_readiness(rng, stall, deaf))
    check_cycles(unit, {"input": driver}, {"output": monitor}, unit.model.timing.flow, frames)
    assert monitor.words == due
    return driver, monitor


@pytest.mark.parametrize("family", ["ice40", "ecp5"])
@pytest.mark.parametrize("classes", CLASSES)
def test_best(classes: int, family: str) -> None:
    """A quarter of the affines and ranges for each size, so that each size meets each of either in turn."""
    for turn, affine in enumerate(AFFINES):
        numbers = NUMBERS[(classes + turn) % len(NUMBERS)]
        check(make(classes, affine, numbers, family, more=turn % 2), classes + turn)


@pytest.mark.parametrize("family", ["ice40", "ecp5"])
def test_a_frame_per_cycle(family: str) -> None:
    driver, monitor = check(make(5, (2, -7), (0, 12), family), 0)
    assert set(differences(driver.accepted)) == set(differences(monitor.offered)) == {1}


def test_every_class_can_win_a_tie() -> None:
    """All pairs of equal maxima among 5 classes: the lower index wins."""
    unit = make(5, (1, 0), (0, 3), "ice40")
    pairs = [(a, b) for a in range(5) for b in range(a, 5)]
    words = [join([3 if n in pair else 2 for n in range(5)], 2) for pair in pairs]
    monitor = Monitor(len(pairs))
    check_cycles(unit, {"input": Driver(words)}, {"output": monitor}, unit.model.timing.flow, len(pairs))
    assert monitor.words == [a | 3 << 3 for a, _ in pairs]


def test_registers() -> None:
    """5 numbers of 4 bits, then 3, 2 and 1, a score of 6 bits and an index of 3 bits; a bit for each stage.

    The index of a pair takes 1 bit, that of four 2, that of all 3, and that of the last class alone none.
    """
    assert register_bits(make(5, (3, -5), (0, 12), "ice40")) == 5 * 4 + 6 * 4 + (1 + 1) + 2 + 3 + 6 + 3 + 5
    # A stage more for each comparison: its pair, and which of them is higher; what waits.
    again = 5 * 4 + 2 + 3 * 4 + (1 + 1) + 1 + 2 * 4 + 2 + 1
    queued = make(5, (1, 0), (0, 12), "ecp5")
    assert register_bits(queued) == 5 * 4 + 6 * 4 + 2 + 2 + 3 + again + 7 + queued.model.timing.credits * (7 + 2)


@pytest.mark.parametrize("family", ["ice40", "ecp5"])
def test_flow(family: str) -> None:
    unit = make(4, (1, 0), (0, 5), family)
    check_flow(unit, unit.model.timing.flow, 1, 1, frames=20)

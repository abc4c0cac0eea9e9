"""The cycles of each part of an output unit, counted by hand; that hardware keeps them is shown in test_rtl.py."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bnnhw.dataflow import ResultFormat, StreamFormat
from bnnhw.ir import BatchNorm, Output
from bnnhw.units.argmax.model import ArgmaxUnit
from tests.layers import random_layer


@pytest.mark.parametrize(
    "pe, multiplier, offset, depth",
    [(1, 1, 0, 3), (2, 1, 0, 4), (3, 1, 0, 5), (10, 1, 0, 7), (1, 2, 0, 4), (1, 1, -1, 4), (4, 3, 5, 7)],
)
def test_timing(pe: int, multiplier: int, offset: int, depth: int) -> None:
    """Capture, multiply and add where they do something, ceil(log2 PE) comparisons, running best, queue."""
    layer = random_layer(np.random.default_rng(0), 10, 12, output=None)
    output = Output("out", np.full(10, multiplier), np.full(10, offset))
    unit = ArgmaxUnit(output, layer.accumulator_range, pe)
    p = unit.timing
    words = -(-10 // pe)
    assert (p.lanes, p.words, p.interval, p.depth) == (pe, words, words, depth)
    assert p.latency == words - 1 + depth
    assert unit.score_range == (offset, 12 * multiplier + offset)


def test_score_range_of_mixed_signs() -> None:
    layer = random_layer(np.random.default_rng(0), 3, 12, output=None, coefficients=(1, -2))
    unit = ArgmaxUnit(Output("out", np.array([1, -5, 0]), np.array([0, 7, 500])), layer.accumulator_range, 1)
    # Accumulators are in -24..12.
    assert unit.score_range == (-5 * 12 + 7, max(-5 * -24 + 7, 500))


@pytest.mark.parametrize("classes, index", [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (10, 4)])
def test_streams(classes: int, index: int) -> None:
    """As many bits as accumulators, the class and scores need; a single score decides between two classes."""
    unit = ArgmaxUnit(Output("out", np.full(classes, 2), np.full(classes, -30)), (0, 12), 3)
    assert unit.inputs == (StreamFormat(3, 4, classes, classes),)
    assert unit.outputs == (ResultFormat(index, 6, True),)
    every = ArgmaxUnit(Output("out", np.full(classes, 2), np.full(classes, 3)), (0, 12), 3, scores=True)
    assert every.outputs == (ResultFormat(index, 5, False, classes),)


def test_places_of_the_queue() -> None:
    """Enough results for what is on its way at full speed."""
    for lanes, places in ((1, 1), (2, 1), (5, 4), (10, 8)):
        unit = ArgmaxUnit(Output.plain("out", 10), (0, 12), lanes)
        assert unit.timing.credits == places == -(-(unit.timing.depth + 1) // unit.timing.words)


def test_errors() -> None:
    steps = (BatchNorm(np.ones(3), np.zeros(3), np.zeros(3), np.ones(3), 1e-5),)
    with pytest.raises(ValueError, match=r"^layer out must be streamlined$"):
        ArgmaxUnit(replace(Output.plain("out", 3), steps=steps), (0, 12), 1)

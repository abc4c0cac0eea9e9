"""Two-bit elements that are -1 and +1 alone become bipolar ones."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from bnnhw.ir import (
    Affine,
    BitMatrix,
    Conv2d,
    DataType,
    Dense,
    FloatActivation,
    InputSpec,
    Network,
    Output,
    Quantizer,
    Scale,
    Shift,
    SumPool,
    WeightPlane,
    Window,
    sign,
)
from bnnhw.reference import evaluate, evaluate_trained
from bnnhw.streamline import streamline

BIPOLAR = DataType("bipolar", 1)


@pytest.mark.parametrize(
    "bounds, becomes",
    [
        ([-np.inf, 0.5, 0.5], "bipolar"),
        ([-np.inf, 0.5, 1.5], "int2"),
        ([-1.5, 0.5, 0.5], "int2"),
    ],
)
def test_two_values_of_two_bits_are_one_bit(bounds: list[float], becomes: str) -> None:
    """-1 and +1 alone, in front of a layer that is stated in dot products, are bipolar; with -2 or 0 they are not."""
    plane = WeightPlane(1, BitMatrix.from_bits(np.array([[1, 1, 0], [1, 0, 1]])))
    quantizer = Quantizer(DataType("int", 2), np.array([bounds, bounds]), np.zeros(3, np.bool_))
    first = Dense("first", BIPOLAR, (plane,), FloatActivation((), quantizer))
    behind = WeightPlane(1, BitMatrix.from_bits(np.array([[1, 0], [1, 1], [0, 1]])))
    norm = FloatActivation((Shift(np.array([0.5, -0.5, 1.5])),), sign(3))
    second = Dense("second", DataType("int", 2), (behind,), norm)
    last = Dense("last", BIPOLAR, (plane,), None)
    before = Network(InputSpec((3,), BIPOLAR), (first, second, last, Output.plain("output", 2)))
    after = streamline(before).network
    assert str(after.matrices[1].input) == becomes
    codes = np.array(list(itertools.product((0, 1), repeat=3)), np.uint8)
    assert np.array_equal(evaluate(after, codes).scores, evaluate_trained(before, codes).scores)
    # An output of scores as they are takes the elements that there are.
    ends = Network(before.input, (first, replace(second, activation=None), Output.plain("output", 3)))
    assert str(streamline(ends).network.matrices[1].input) == "int2"
    # Scores behind steps are stated in dot products; what is done to elements in between is not.
    steps = (Scale(np.array([1.0, 0.5, -1.0])), Shift(np.array([0.25, 0.0, 2.0])))
    scored = replace(Output.plain("output", 3), steps=steps)
    matrix = replace(second, activation=None)
    ends = Network(before.input, (first, matrix, scored))
    assert str(streamline(ends).network.matrices[1].input) == becomes
    assert np.array_equal(evaluate(streamline(ends).network, codes).classes, evaluate_trained(ends, codes).classes)
    moved = Affine("moved", (3, 1, 1), matrix.output, np.array([1, 2, -1]), np.array([0, 1, 2]))
    ends = Network(before.input, (first, matrix, moved, scored))
    assert str(streamline(ends).network.matrices[1].input) == "int2"
    assert np.array_equal(evaluate(streamline(ends).network, codes).classes, evaluate_trained(ends, codes).classes)


def test_what_is_about_values_keeps_them() -> None:
    """A sum of -1 and +1 is none of the bits."""
    quantizer = Quantizer(DataType("int", 2), np.array([[-np.inf, 0.5, 0.5]]), np.zeros(3, np.bool_))
    plane = WeightPlane(1, BitMatrix.from_bits(np.array([[1]])))
    first = Conv2d(Window(1, 2, 2, (1, 1)), Dense("first", BIPOLAR, (plane,), FloatActivation((), quantizer)))
    summed = SumPool("sum", Window(1, 2, 2, (2, 1)), DataType("int", 2))
    weights = WeightPlane(1, BitMatrix.from_bits(np.array([[1, 0], [1, 1]])))
    norm = FloatActivation((Shift(np.array([0.5, -0.5])),), sign(2))
    second = Dense("second", summed.output, (weights,), norm)
    last = Dense("last", BIPOLAR, (weights,), None)
    before = Network(InputSpec((1, 2, 2), BIPOLAR), (first, summed, second, last, Output.plain("output", 2)))
    after = streamline(before).network
    assert str(after.layers[0].output) == "int2"
    codes = np.array(list(itertools.product((0, 1), repeat=4)), np.uint8)
    assert np.array_equal(evaluate(after, codes).scores, evaluate_trained(before, codes).scores)

"""Integer scores from lines and candidates, and decisions, by hand; their limits on small layers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from bnnhw.errors import CheckError, NetworkError
from bnnhw.ir import (
    BatchNorm,
    BitMatrix,
    DataType,
    Dense,
    Divide,
    InputSpec,
    Network,
    Output,
    Quantize,
    Relu,
    Scale,
    Shift,
    Step,
    Thresholds,
    WeightPlane,
    batch_norm_sign,
)
from bnnhw.streamline import decision as decisions
from bnnhw.streamline import lines
from bnnhw.streamline import order as orders
from bnnhw.streamline import output_affine as module
from bnnhw.streamline.decision import constant_class, decision
from bnnhw.streamline.order import ScoreOrder
from bnnhw.streamline.output_affine import output_affine

BIPOLAR = DataType("bipolar", 1)


def row(*values: float) -> np.ndarray:
    return np.array(values, np.float64)


def layer(classes: int = 2, synapses: int = 6) -> Dense:
    """Accumulators of 0..synapses; dot products of twice as much, less synapses."""
    return Dense("d", BIPOLAR, (WeightPlane(1, BitMatrix.from_bits(np.ones((classes, synapses), np.uint8))),), None)


def converted(given: Dense, *steps: Step) -> tuple[Output, tuple[str, ...]]:
    plain = replace(Output.plain("output", given.neurons), steps=steps)
    found = output_affine(Network(InputSpec((given.synapses,), BIPOLAR), (given, plain)))
    return found.network.output, found.warnings


def test_factors_are_dense_and_then_sixteen_per_octave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_MULTIPLIER", 512)
    assert list(module._factors()) == [
        *range(1, 64),
        *range(64, 128, 4),
        *range(128, 256, 8),
        *range(256, 512, 16),
        512,
    ]
    monkeypatch.setattr(module, "MAX_MULTIPLIER", 511)
    assert list(module._factors())[-1] == 496


@pytest.mark.parametrize("low, high, bits", [
    (0, 0, 1), (0, 1, 2), (-1, 0, 1), (-2, 1, 2), (-3, 1, 3), (-4, 3, 3), (-1, 4, 4), (-128, 127, 8), (-129, 5, 9),
])  # fmt: skip
def test_widths(low: int, high: int, bits: int) -> None:
    assert module._width(low, high) == bits


THIRD = ((1 << 62) - 1) // 3
"""Accumulators of 0..6 times it lie just within 62 bits about their middle."""


@pytest.mark.parametrize("multiplier, offset, expected", [
    ([1, 1], [0, 0], ([1, 1], [0, 0])), ([1, 1], [5, 9], ([1, 1], [-5, -1])),
    ([1, 1], [5, 6], ([1, 1], [-4, -3])), ([1, -1], [0, 0], ([1, -1], [0, 0])),
    ([1, -1], [0, 6], ([1, -1], [-3, 3])), ([0, 0], [7, 8], ([0, 0], [-1, 0])), ([2, 1], [-3, 4], ([2, 1], [-7, 0])),
    ([THIRD, 0], [0, 0], ([THIRD, 0], [-3 * THIRD] * 2)), ([THIRD + 1, 0], [0, 0], None),
    ([1, 1], [(1 << 62) - 1, 0], ([1, 1], [(1 << 61) - 4, -(1 << 61) - 3])), ([1, 1], [1 << 62, 0], None),
    ([1, 1], [-(1 << 62), 0], None), ([1 << 62, 1], [0, 0], None),
])  # fmt: skip
def test_a_common_offset(
    multiplier: list[int], offset: list[int], expected: tuple[list[int], list[int]] | None
) -> None:
    """The least is 0, or where that is narrower the scores are centred; None where they need more than 62 bits."""
    found = module._output("o", multiplier, offset, layer())
    if expected is None:
        assert found is None
        return
    assert found is not None
    assert (found.multiplier.tolist(), found.offset.tolist()) == expected


@pytest.mark.parametrize("most, multiplier", [(4, 4), (3, 2), (1, 1), (8, 8)])
def test_the_finest_scores(monkeypatch: pytest.MonkeyPatch, most: int, multiplier: int) -> None:
    """Slopes in no proportion, listed nowhere: as fine as may be tried."""
    monkeypatch.setattr(module, "EXHAUST", 0)
    monkeypatch.setattr(module, "MAX_MULTIPLIER", most)
    monkeypatch.setattr(lines, "MAX_PROPORTION", 1)
    output, warnings = converted(layer(), Scale(row(1.0, 0.7)))
    assert output.multiplier.max() == multiplier and len(warnings) == 1


def test_the_best_of_those_that_are_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no scores are proved, constant ones and those of powers of two are compared, the finest first."""
    seen: list[int] = []

    class NeverHolds:
        def __init__(self, *_: object) -> None:
            """Of any scores."""

        def holds(self, output: Output) -> bool:
            return False

        def margin(self, output: Output, limit: float) -> float:
            seen.append(int(output.multiplier.max()))
            return abs(seen[-1] - 4) + 1.0

        def misfits(self, output: Output) -> int:
            return 5

    monkeypatch.setattr(module, "ScoreOrder", NeverHolds)
    monkeypatch.setattr(module, "MAX_MULTIPLIER", 9)
    output, warnings = converted(layer(), Scale(row(1.0, 0.7)))
    # All below 64 are tried, of which those are kept.
    assert seen == [32, 16, 8, 4, 2, 1, 0]
    assert output.multiplier.max() == 4
    assert len(warnings) == 1 and "5 of 49 pairs of scores are ordered otherwise, none more than 1 apart" in warnings[0]


def test_nothing_is_suspected_at_first() -> None:
    assert len(ScoreOrder(layer(), (), np.zeros(2, np.bool_))._suspects) == 0


def test_scores_are_listed_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two classes of seven accumulators each."""
    for exhaust, listed in ((14, True), (13, False)):
        monkeypatch.setattr(module, "EXHAUST", exhaust)
        monkeypatch.setattr(module, "_bounded", lambda head: (head.constant(), ["bounded"]))
        assert (converted(layer(), Scale(row(1.0, 0.7)))[1] == ()) is listed


@pytest.mark.parametrize("step, slope, offset", [
    (Scale(row(9.0, 3.0)), 6, 15), (Divide(row(9.0, 4.0)), Fraction(1, 2), Fraction(5, 4)),
    (Shift(row(9.0, 3.0)), 2, 8),
    (BatchNorm(row(9.0, 9.0), row(9.0, 1.5), row(9.0, 2.0), row(9.0, 8.0), 1.0), 6, Fraction(21, 2)),
])  # fmt: skip
def test_a_line_through_a_step(step: Step, slope: Fraction | int, offset: Fraction | int) -> None:
    """Of ``2 * a + 5``, with the parameters of the second neuron."""
    assert lines._line((step,), 1, Fraction(2), Fraction(5)) == (slope, offset)
    twice = lines._line((step, Shift(row(0.0, -1.0)), Scale(row(1.0, -2.0))), 1, Fraction(2), Fraction(5))
    assert twice == (-2 * slope, -2 * (offset - 1))


def test_a_line_has_no_bends() -> None:
    with pytest.raises(NetworkError, match=r"^scores must be affine, without a relu$"):
        lines._line((Relu(),), 0, Fraction(1), Fraction(0))


@pytest.mark.parametrize("value", [Fraction(2), Fraction(1, 3), Fraction(7, 1 << 40), Fraction(10**30 + 1)])
def test_roots_to_256_bits(value: Fraction) -> None:
    root = lines._root(value)
    assert root * root <= value and 0 <= value - root * root < Fraction(3 * (1 + value), 1 << 256)
    assert root.denominator % (1 << 200) == 0
    assert lines._root(value * value) == value


def test_places_that_are_close() -> None:
    """On a circle of length 1, within the errors of both; each pair once, whichever way round is shorter."""
    grid = [Fraction(n, 16) for n in (0, 1, 3, 8, 15)]
    for errors in (
        [Fraction(1, 32)] * 5,
        [Fraction(0)] * 5,
        [Fraction(1, 16), Fraction(0), Fraction(1, 8), Fraction(0), Fraction(1)],
    ):
        found = list(lines._close(grid, errors))
        expected = set()
        for i, j in combinations(range(5), 2):
            apart = (grid[j] - grid[i]) % 1
            if min(apart, 1 - apart) <= errors[i] + errors[j]:
                expected.add((i, j))
        assert set(found) == expected
    assert list(lines._close([Fraction(1, 4)] * 3, [Fraction(0)] * 3)) == [(0, 1), (0, 2), (1, 2)]


def test_all_orders_of_two_classes() -> None:
    """Candidates against every pair, with ties: how many are ordered otherwise, and how far apart they are."""
    given = layer(2, 4)
    generator = np.random.default_rng(5)
    acc = np.arange(5)
    for _ in range(60):
        slope, shift = generator.integers(-2, 3, 2) / 2, generator.integers(-3, 4, 2) / 2
        y = (2 * acc[:, None] - 4) * slope + shift
        falling = (y[-1] < y[0]) | (slope < 0)
        order = ScoreOrder(given, (Scale(slope), Shift(shift)), falling)
        for _ in range(4):
            m = np.where(slope == 0, 0, np.sign(slope) * generator.integers(0, 3, 2)).astype(np.int64)
            output = Output("o", m, generator.integers(-3, 4, 2))
            s = m * acc[:, None] + output.offset
            wrong = (s[:, 0, None] >= s[None, :, 1]) != (y[:, 0, None] >= y[None, :, 1])
            # Scores of one class that are equal in integers and not in float64 are no fault.
            assert order.misfits(output) == wrong.sum()
            assert order.holds(output) == (not wrong.any())
            gaps = np.abs(y[:, 0, None] - y[None, :, 1])[wrong]
            assert order.margin(output) == (gaps.max() if len(gaps) else 0)


def test_a_margin_beyond_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any gap above the limit will do then, and the widest otherwise."""
    monkeypatch.setattr(orders, "SUSPECTS", 2)
    given = layer(2, 20)
    order = ScoreOrder(given, (Scale(row(1.0, 1.0)),), np.zeros(2, np.bool_))
    output = Output("o", np.array([0, 1]), np.array([0, 0]))
    widest = order.margin(output)
    assert widest == 38 == order.margin(output, 38) and 10 < order.margin(output, 10) <= 38


def test_ranks_of_scores_that_are_too_large_to_be_numbered(monkeypatch: pytest.MonkeyPatch) -> None:
    given = layer(2, 6)
    order = ScoreOrder(given, (Scale(row(1.0, 0.5)), Shift(row(0.0, 0.25))), np.zeros(2, np.bool_))
    output = Output("o", np.array([2, 1]), np.array([-6, -3]))
    plain = order.margin(output), order.misfits(output)
    for most in (1, 12, 13, 24):
        monkeypatch.setattr(orders, "MOST", most)
        assert (order.margin(output), order.misfits(output)) == plain
    monkeypatch.undo()
    # Three times these would be more than int64 holds.
    order = ScoreOrder(layer(3, 6), (Scale(row(1.0, 1.0, 1.0)),), np.zeros(3, np.bool_))
    output = Output("o", np.full(3, 1 << 59), np.zeros(3, np.int64))
    assert order.holds(output) and (order.margin(output), order.misfits(output)) == (0.0, 0)


@pytest.mark.parametrize("steps, multiplier, offset, said", [
    ((), 1, -3, []), ((Shift(row(1.0)),), 1, -3, []), ((Shift(row(2.0)),), 1, -2, []), ((Shift(row(-1.0)),), 1, -4, []),
    ((Scale(row(-1.0)),), -1, 3, []), ((Scale(row(-1.0)), Shift(row(-1.0))), -1, 2, []),
    ((Scale(row(0.0)),), 0, 0, ["its one score is never negative: every sample is of class 1"]),
    ((Scale(row(0.0)), Shift(row(-0.5))), 0, -1, ["its one score is always negative: every sample is of class 0"]),
    ((Shift(row(6.0)),), 1, 0, ["its one score is never negative: every sample is of class 1"]),
    ((Shift(row(5.0)),), 1, -1, []), ((Shift(row(-6.0)),), 1, -6, []),
    ((Shift(row(-7.0)),), 1, -7, ["its one score is always negative: every sample is of class 0"]),
    ((Shift(row(float(1 << 40))),), 1, 1 << 30, ["its one score is never negative: every sample is of class 1"]),
    ((Shift(row(-float(1 << 40))),), 1, -6 - (1 << 30),
    ["its one score is always negative: every sample is of class 0"]),
])  # fmt: skip
def test_decisions(steps: tuple[Step, ...], multiplier: int, offset: int, said: list[str]) -> None:
    """Of dot products from -6 to 6, in steps of 2."""
    output, warnings = decision("o", steps, 2, -6, 0, 6)
    assert (output.multiplier.tolist(), output.offset.tolist()) == ([multiplier], [offset])
    assert warnings == [f"layer o: {text}" for text in said]
    assert decisions.FAR == 1 << 30


@pytest.mark.parametrize("thresholds, dtype, matrix, ends", [
    ([3], "bipolar", True, (-1, 1)), ([0], "bipolar", True, (1, 1)), ([7], "bipolar", True, (-1, -1)),
    ([6], "uint1", True, (0, 1)),
    ([1, 2, 7], "uint2", True, (0, 2)), ([0, 2, 6], "uint2", True, (1, 3)), ([0, 4, 5], "int2", True, (-1, 1)),
    ([3], "bipolar", False, (-1, 1)), ([4], "bipolar", False, (-1, -1)), ([0, 1, 4], "uint2", False, (1, 2)),
])  # fmt: skip
def test_levels_that_are_ever_given(thresholds: list[int], dtype: str, matrix: bool, ends: tuple[int, int]) -> None:
    """Of sums from 0 to 6, or of elements from 0 to 3."""
    activation = Thresholds(np.array([thresholds]), DataType.parse(dtype))
    given = (
        layer(1).with_activation(activation) if matrix else Quantize("q", (1, 1, 1), DataType("uint", 2), activation)
    )
    assert module._reached(given) == ends


def test_all_that_a_layer_emits_is_reached() -> None:
    assert module._reached(layer(1)) == (0, 6)
    float_activation = batch_norm_sign(BatchNorm(row(1.0), row(0.0), row(0.0), row(1.0), 0.0))
    assert module._reached(layer(1).with_activation(float_activation)) == (-1, 1)


@pytest.mark.parametrize("multiplier, offset, word", [
    (1, 0, "never"), (1, -1, None), (1, -6, None), (1, -7, "always"), (-1, 6, "never"), (-1, 5, None), (-1, 0, None),
    (-1, -1, "always"), (0, 0, "never"), (0, -1, "always"),
])  # fmt: skip
def test_one_class_for_all(multiplier: int, offset: int, word: str | None) -> None:
    kind = {"never": 1, "always": 0}
    said = [] if word is None else [f"layer o: its one score is {word} negative: every sample is of class {kind[word]}"]
    assert constant_class(Output("o", np.array([multiplier]), np.array([offset])), 0, 6) == said


@pytest.mark.parametrize("steps, message", [
    ((Relu(), Shift(row(1.0))), "its one score is never negative, whatever the sample is: it must not end in a Relu"),
    ((Relu(), Scale(row(-1.0)), Shift(row(-1.0))),
     "its one score is always negative, whatever the sample is: it must not end in a Relu"),
    ((Scale(row(1e308)), Scale(row(1e10))), "scores must be finite"),
])  # fmt: skip
def test_decisions_that_are_none(steps: tuple[Step, ...], message: str) -> None:
    with pytest.raises(NetworkError, match=rf"^layer o: {message}$"):
        decision("o", steps, 2, -6, 0, 6)


def test_rounding_decides_beside_the_threshold() -> None:
    """0.1 * 3 is more than 0.3 in float64, and exactly too; of 0.1 * 6 and 0.6 float64 sees no difference."""
    output, warnings = decision("o", (Scale(row(0.1)), Shift(row(-0.6000000000000001))), 1, 0, 0, 9)
    assert output.offset.tolist() == [-7] and len(warnings) == 1
    assert warnings[0].startswith("layer o: at acc = 6: float64 decides by rounding, y = ")
    assert warnings[0].endswith("; exactly, it is of class 0")


def test_a_wrong_decision_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong, acc, y in ((-4, 3, 0.0), (-2, 2, -2.0)):
        monkeypatch.setattr(decisions, "_threshold", lambda *_, wrong=wrong: (1, wrong))
        if not y:
            assert decision("o", (), 2, -6, 0, 6)[1][0].startswith(f"layer o: at acc = {acc}: float64 decides by round")
            continue
        with pytest.raises(CheckError, match=rf"^layer o: at acc = {acc}: class 1 contradicts float64, y = {y}$"):
            decision("o", (), 2, -6, 0, 6)

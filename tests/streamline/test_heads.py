"""A last layer's slopes, shifts and their middle, which scores fall, and which integers are kept."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bnnhw.errors import NetworkError
from bnnhw.ir import InputSpec, Network, Output, Scale, Shift, Step
from bnnhw.ir.layer import Layer
from bnnhw.streamline import lines
from bnnhw.streamline import order as orders
from bnnhw.streamline import output_affine as module
from bnnhw.streamline.decision import decision
from bnnhw.streamline.order import ScoreOrder
from bnnhw.streamline.output_affine import output_affine
from tests.layers import random_layer
from tests.streamline.test_scores import BIPOLAR, converted, layer, row


@pytest.mark.parametrize("steps, slope, shift, falling, middle", [
    ((Scale(row(1.0, -0.5)), Shift(row(3.0, 1.0))), [2, -1], [-3, 4], [False, True], 3.0),
    # Of one slope: the shift that is nearest to the middle of all scores, 19.5 and -19.5.
    ((Shift(row(3.0, 36.0)),), [2, 2], [-3, 30], [False, False], 30.0),
    ((Shift(row(-3.0, -36.0)),), [2, 2], [-9, -42], [False, False], -9.0),
    ((Scale(row(0.25, 0.0)), Shift(row(0.0, 7.0))), [0.5, 0], [-1.5, 7], [False, False], 2.75),
    # A slope that is lost beside the shift, and one that is too small where what it multiplies is not.
    ((Scale(row(-1e-30, 1.0)), Shift(row(1.0, 0.0))), [-2e-30, 2], [1, -6], [True, False], 0.0),
    ((Scale(row(1e-200, 1.0)), Scale(row(-1e-124, 1.0))), [0, 2], [5e-324, -6], [True, False], 0.0),
])  # fmt: skip
def test_heads(
    steps: tuple[Step, ...], slope: list[float], shift: list[float], falling: list[bool], middle: float
) -> None:
    """Of dot products ``2 * acc - 6``, accumulators from 0 to 6."""
    head = module._Head("o", layer(), steps)
    assert (head.slope.tolist(), head.shift.tolist(), head.falling.tolist()) == (slope, shift, falling)
    assert head.middle == middle and head.greatest == max(map(abs, slope))


@pytest.mark.parametrize("most, multiplier, offset, emitted, expected", [
    (13, [2, 2], [0, 0], (0, 6), ([2, 2], [0, 0])), (12, [2, 2], [0, 0], (0, 6), None),
    # Centred, -9..0 is -5..4, and takes a bit less; the offset then is 15.
    (16, [-4, 0], [11, 0], (3, 5), ([-4, 0], [15, 4])), (15, [-4, 0], [11, 0], (3, 5), None),
    (99, [-4, 0], [0, 0], (0, 6), ([-4, 0], [12, 12])),
])  # fmt: skip
def test_scores_below_a_limit(
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    multiplier: list[int],
    offset: list[int],
    emitted: tuple[int, int],
    expected: tuple[list[int], list[int]] | None,
) -> None:
    """Multipliers, offsets and scores, also where the offset is no score: accumulators that begin above 0."""
    monkeypatch.setattr(module, "MAX_SCORE", most)
    given: Any = SimpleNamespace(emitted=emitted)
    found = module._output("o", multiplier, offset, given)
    assert (found and (found.multiplier.tolist(), found.offset.tolist())) == expected


class Unproved:
    """Never proves anything; counts pairs as told."""

    misfit: dict[int, int]

    def __init__(self, *_: object) -> None:
        """Of any scores."""

    def holds(self, output: Output) -> bool:
        return False

    def margin(self, output: Output, limit: float) -> float:
        return 1.0

    def misfits(self, output: Output) -> int:
        return self.misfit.get(int(output.multiplier.max()), 9)


@pytest.mark.parametrize("misfit, kept", [({4: 3}, 4), ({4: 3, 2: 3}, 2), ({8: 10}, 0), ({1: 8, 8: 7}, 8)])
def test_fewest_pairs_of_those_as_far_apart(monkeypatch: pytest.MonkeyPatch, misfit: dict[int, int], kept: int) -> None:
    """Of as many the coarsest; constant scores are the first of all."""
    monkeypatch.setattr(module, "ScoreOrder", type("Told", (Unproved,), {"misfit": misfit}))
    monkeypatch.setattr(module, "MAX_MULTIPLIER", 9)
    assert converted(layer(), Scale(row(1.0, 0.7)))[0].multiplier.max() == kept


@pytest.mark.parametrize("dtype", ["bipolar", "int2", "uint2"])
def test_how_many_pairs_there_are(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    """Of three classes: three times the accumulators squared, wherever they begin."""
    monkeypatch.setattr(module, "ScoreOrder", type("Told", (Unproved,), {"misfit": {}}))
    given = random_layer(np.random.default_rng(1), 3, 5, dtype, None)
    plain = replace(Output.plain("output", 3), steps=(Scale(row(1.0, 0.7, 0.3)),))
    (said,) = output_affine(Network(InputSpec((5,), given.input), (given, plain))).warnings
    numbers = len(range(given.accumulator_range[0], given.accumulator_range[1] + 1))
    assert f": 9 of {3 * numbers * numbers} pairs of scores" in said


@pytest.mark.parametrize("off, kept", [
    ({4: 1.0, 2: 4.5, 1: 0.5}, 4), ({4: 1.0, 2: 4.0, 1: 0.5}, 1), ({4: 1.0, 2: 1.0, 1: 1.0}, 4),
    ({4: 3.0, 2: 2.0, 1: 2.5}, 2), ({4: 99.0, 2: 99.0, 1: 99.0}, 0),
])  # fmt: skip
def test_candidates_are_compared_while_they_may_be_better(
    monkeypatch: pytest.MonkeyPatch, off: dict[int, float], kept: int
) -> None:
    """From the finest on, up to one that is off by more than four times the best; where all reach too far, none."""
    monkeypatch.setattr(module, "EXHAUST", 0)
    monkeypatch.setattr(module, "MAX_MULTIPLIER", 4)
    monkeypatch.setattr(lines, "MAX_PROPORTION", 1)
    monkeypatch.setattr(lines.ScoreLines, "margin", lambda _self, output, _: off[int(output.multiplier.max())])
    output, warnings = converted(layer(), Scale(row(1.0, 0.7)))
    assert output.multiplier.max() == kept and len(warnings) == 1


@pytest.mark.parametrize("ratio, proportional", [(8.0, True), (9.0, False)])
def test_slopes_in_proportion_up_to_a_limit(monkeypatch: pytest.MonkeyPatch, ratio: float, proportional: bool) -> None:
    monkeypatch.setattr(lines, "MAX_PROPORTION", 8)
    found = lines.ScoreLines(layer(), (Scale(row(1.0, ratio)),)).proportional()
    assert (found is not None) is proportional


@pytest.mark.parametrize("offsets, right", [((0, 1), False), ((1, 0), True), ((0, 0), True)])
def test_constant_scores_of_a_tie(offsets: tuple[int, int], right: bool) -> None:
    """Scores that are always equal give the lower class, and so must the integers."""
    found = lines.ScoreLines(layer(), (Scale(row(0.0, 0.0)),))
    assert found.constant(Output("o", np.zeros(2, np.int64), np.array(offsets))) is right


@pytest.mark.parametrize("wrong", [0, 1, 1022, 1023])
def test_every_tie_is_looked_at(monkeypatch: pytest.MonkeyPatch, wrong: int) -> None:
    """The first and the last too; and what is looked at is what a budget is spent on."""
    found = lines.ScoreLines(layer(), (Scale(row(1.0, 1.0)),))
    points = range(1024), range(1024)
    found._budget = 1024
    assert found._decides((0, 1), points, True) and found._budget == 0
    dot = found._affine.scale * wrong + int(found._affine.constants[0])
    monkeypatch.setattr(lines, "apply", lambda _, dots: np.stack([dots[:, 0], dots[:, 1] + (dots[:, 1] == dot)], 1))
    found._budget = 1024
    assert not found._decides((0, 1), points, True)


@pytest.mark.parametrize("error, margin", [(Fraction(1, 2), 1.0), (Fraction(3, 8), 0.375)])
@pytest.mark.parametrize("unit", [Fraction(1), Fraction(1, 4)])
def test_errors_as_wide_as_a_step_of_the_accumulators(unit: Fraction, error: Fraction, margin: float) -> None:
    """Two classes that compute the same are told apart by a step, if both errors together are less."""
    given = layer(3)
    found = lines.ScoreLines(given, (Scale(row(1.0, 1.0, 1.0)),))
    found._lines = [
        replace(line, error=e * unit) for line, e in zip(found._lines, (error, error, Fraction(0)), strict=True)
    ]
    found._parameters = [(b"0",), (b"0",), (b"1",)]
    found._ties = lambda *_: None  # type: ignore[method-assign]
    assert found._undecided(unit, [1, 1, 1], [Fraction(0), Fraction(1, 8), Fraction(1, 4)]) == margin * unit


def test_scores_far_below_zero_are_ranked_too() -> None:
    """Three times these would be less than int64 holds."""
    order = ScoreOrder(layer(3), (Scale(row(-1.0, -1.0, -1.0)),), np.ones(3, np.bool_))
    output = Output("o", np.full(3, -(1 << 59)), np.zeros(3, np.int64))
    assert order.holds(output) and (order.margin(output), order.misfits(output)) == (0.0, 0)
    assert orders.MOST == 1 << 62


@pytest.mark.parametrize("factor, finite", [(2.5e307, True), (3.5e307, False)])
def test_decisions_are_finite_at_the_ends(factor: float, finite: bool) -> None:
    """Dot products from -6 to 6."""
    if finite:
        assert decision("o", (Scale(row(factor)),), 2, -6, 0, 6)[0].offset.tolist() == [-3]
        return
    with pytest.raises(NetworkError, match=r"^layer o: scores must be finite$"):
        decision("o", (Scale(row(factor)),), 2, -6, 0, 6)


def test_one_class_for_all_is_said_of_one_score_alone() -> None:
    def said(*multiplier: int) -> tuple[str, ...]:
        given: Layer = layer(len(multiplier))
        output = Output("o", np.array(multiplier), np.zeros(len(multiplier), np.int64))
        return output_affine(Network(InputSpec((6,), BIPOLAR), (given, output))).warnings

    assert said(0) == ("layer o: its one score is never negative: every sample is of class 1",)
    assert said(0, 1) == said(1, 1) == ()

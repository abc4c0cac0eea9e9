"""Scores of layers too wide to be listed: the proof by lines, held to the proof by all pairs where both can be had."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from math import gcd

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.errors import NetworkError
from bnnhw.ir import BitMatrix, DataType, Dense, Divide, InputSpec, Network, Output, Scale, Shift, Step, WeightPlane
from bnnhw.ir.arithmetic import dot_affine
from bnnhw.ir.steps import apply
from bnnhw.streamline import lines
from bnnhw.streamline import output_affine as module
from bnnhw.streamline.float_error import apply_bounded, bound
from bnnhw.streamline.order import _inversions
from bnnhw.streamline.output_affine import output_affine
from tests.strategies import DTYPES, PARAMETERS, fixed, planes, steps

UINT8 = DataType("uint", 8)
FACTORS = st.sampled_from([1.0, 1.0, 2.0, 0.5, -1.0, 0.1, 0.0])


def convert(layer: Dense, chain: tuple[Step, ...]) -> tuple[Output, tuple[str, ...]]:
    plain = Output.plain("output", layer.neurons)
    spec = InputSpec((layer.synapses,), layer.input)
    result = output_affine(Network(spec, (layer, replace(plain, steps=chain))))
    return result.network.output, result.warnings


def disputed(layer: Dense, chain: tuple[Step, ...], output: Output) -> float:
    """The widest gap between two scores that are ordered otherwise than in float64, over all pairs; -1 for none."""
    low, high = layer.accumulator_range
    acc = np.arange(low, high + 1)[:, None]
    affine = dot_affine(layer)
    y, s = apply(chain, affine.scale * acc + affine.constants), output.multiplier * acc + output.offset
    widest = -1.0
    for i, j in combinations(range(layer.neurons), 2):
        gap = y[:, i, None] - y[None, :, j]
        wrong = (s[:, i, None] >= s[None, :, j]) != (gap >= 0)
        widest = max(widest, float(np.abs(gap[wrong]).max(initial=-1.0)))
    return widest


def column(values: list[float]) -> np.ndarray:
    return np.array(values, np.float64)


@st.composite
def heads(draw: st.DrawFn) -> tuple[Dense, tuple[Step, ...]]:
    """Any affine tail, or one whose slopes are alike, as those of most networks are."""
    classes, synapses = draw(st.integers(2, 5)), draw(st.integers(1, 7))
    layer = Dense("d", draw(DTYPES), draw(planes(classes, synapses)), None)
    if draw(st.booleans()):
        return layer, draw(steps(classes, relu=False).filter(bool))
    size = {"min_size": classes, "max_size": classes}
    common = draw(PARAMETERS.filter(bool))
    chain: tuple[Step, ...] = (
        Scale(common * column(draw(st.lists(FACTORS, **size)))),
        Shift(column(draw(st.lists(PARAMETERS, **size)))),
    )
    if draw(st.booleans()):
        chain = (*chain, Divide(np.full(classes, draw(st.sampled_from([0.7, 3.0, 4.0])))))
    return layer, chain


@fixed
@given(heads())
def test_the_bounded_proof_holds(head: tuple[Dense, tuple[Step, ...]]) -> None:
    """Without a warning all pairs are ordered as in float64, and with one those that are not are no further apart."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "EXHAUST", 0)
        output, warnings = convert(*head)
    found = disputed(*head, output)
    if not warnings:
        assert found == -1
    else:
        (text,) = warnings
        (margin,) = re.findall(r"scores up to (\S+) apart", text)
        assert found <= float(margin) * 1.001


@fixed
@given(heads())
def test_errors_of_whole_ranges(head: tuple[Dense, tuple[Step, ...]]) -> None:
    """No accumulator's error is more than the range's, and where that is 0 float64 is exact."""
    layer, chain = head
    low, high = layer.accumulator_range
    affine = dot_affine(layer)
    dots = affine.scale * np.arange(low, high + 1)[:, None] + affine.constants
    limit = bound(chain, dots[[0, -1]])
    inexact = limit > 0
    assert (apply_bounded(chain, dots)[1] <= limit * 1.001)[:, inexact].all()
    wide = apply(chain, dots)[:, ~inexact]
    by_fractions = np.array([[_exactly(chain, n, int(d)) for d in column] for n, column in enumerate(dots.T)]).T
    assert (wide == by_fractions[:, ~inexact]).all()


def _exactly(chain: tuple[Step, ...], neuron: int, dot: int) -> float:
    """A chain without rounding, if it needs none: in 64 more bits than float64 has."""
    y = Fraction(dot)
    for step in chain:
        match step:
            case Scale():
                y *= Fraction(float(step.factor[neuron]))
            case Divide():
                y /= Fraction(float(step.divisor[neuron]))
            case Shift():
                y += Fraction(float(step.offset[neuron]))
            case _:
                return float("nan")
    return float(y)


def wide(classes: int, synapses: int, seed: int = 0) -> Dense:
    """8-bit weights and inputs: 64,770 accumulators per synapse."""
    rng = np.random.default_rng(seed)
    shares = [1, 2, 4, 8, 16, 32, 64, 127]
    bits = [BitMatrix.from_bits(rng.integers(0, 2, (classes, synapses))) for _ in shares]
    return Dense("d", UINT8, tuple(WeightPlane(c, b) for c, b in zip(shares, bits, strict=True)), None)


def sampled(layer: Dense, chain: tuple[Step, ...], output: Output) -> int:
    """Pairs ordered otherwise, of pairs of scores that are as close as two can be: about a score of the one class."""
    rng = np.random.default_rng(1)
    affine, (low, high) = dot_affine(layer), layer.accumulator_range
    i, j = np.sort(rng.integers(0, layer.neurons, (2, 20_000)), axis=0)
    number = 0
    slopes, shifts = (apply(chain, affine.scale * np.full((1, layer.neurons), v) + affine.constants)[0] for v in (1, 0))
    slopes = slopes - shifts
    a = rng.integers(low, high + 1, len(i))
    for away in range(-2, 3):
        b = np.rint((slopes[i] * a + shifts[i] - shifts[j]) / slopes[j]).astype(np.int64) + away
        inside = (b >= low) & (b <= high) & (i < j)
        p, q, acc, other = i[inside], j[inside], a[inside], b[inside]
        y = [_one(chain, k, affine.scale * n + affine.constants[k]) for k, n in ((p, acc), (q, other))]
        s = [output.multiplier[k] * n + output.offset[k] for k, n in ((p, acc), (q, other))]
        number += int(((y[0] >= y[1]) != (s[0] >= s[1])).sum())
    return number


def _one(chain: tuple[Step, ...], classes: np.ndarray, dots: np.ndarray) -> np.ndarray:
    """The scores of chosen classes, one dot product each; scales, divisions and shifts."""
    y = dots.astype(np.float64)
    for step in chain:
        if isinstance(step, Scale):
            y = y * step.factor[classes]
        elif isinstance(step, Divide):
            y = y / step.divisor[classes]
        else:
            assert isinstance(step, Shift)
            y = y + step.offset[classes]
    return y


def test_a_thousand_classes_of_4096_synapses() -> None:
    """265 million accumulators each: with and without a bias, nothing is listed."""
    layer = wide(1000, 4096)
    rng = np.random.default_rng(2)
    scale = np.full(1000, float(np.float32(0.0123)))
    output, warnings = convert(layer, (Scale(scale),))
    assert warnings == () and (output.multiplier == 1).all()
    # Dot products differ from accumulators by a constant of each class's own.
    assert np.ptp(output.offset - dot_affine(layer).constants) == 0
    chain: tuple[Step, ...] = (Scale(scale), Shift(rng.normal(size=1000).astype(np.float32).astype(float)))
    output, warnings = convert(layer, chain)
    assert warnings == () and len(set(output.multiplier.tolist())) == 1 and output.multiplier[0] <= 1000
    assert sampled(layer, chain, output) == 0


def test_powers_of_two_are_in_proportion() -> None:
    layer = wide(20, 200)
    rng = np.random.default_rng(3)
    chain: tuple[Step, ...] = (Scale(2.0 ** rng.integers(-9, -3, 20)), Shift(rng.integers(-999, 999, 20) / 1024))
    output, warnings = convert(layer, chain)
    assert warnings == () and sampled(layer, chain, output) == 0


def test_scales_of_each_class_say_how_far_apart() -> None:
    layer = wide(20, 512)
    rng = np.random.default_rng(4)
    chain: tuple[Step, ...] = (Scale(rng.uniform(0.001, 0.002, 20).astype(np.float32).astype(float)),)
    output, warnings = convert(layer, chain)
    (text,) = warnings
    assert re.fullmatch(
        r"layer output: the integer argmax can't be proved equal to float64's: scores up to (\S+) apart may be ordered "
        r"otherwise",
        text,
    )
    assert float(re.findall(r"up to (\S+) apart", text)[0]) < 1e-6
    assert np.abs(output.multiplier).max() * 512 * 64770 < 1 << 62


def test_ties_that_float64_breaks_are_a_warning() -> None:
    """Biases of whole scales in exact arithmetic, behind two roundings: float64 breaks the ties either way."""
    layer = wide(3, 512)
    chain: tuple[Step, ...] = (Divide(np.full(3, 3.0)), Scale(np.full(3, 0.3)), Shift(column([0.1, 0.2, 0.4])))
    output, warnings = convert(layer, chain)
    assert len(warnings) == 1 and re.search(
        r"it is that of the exact scores; float64 decides by rounding between scores up to \S+ apart$", warnings[0]
    )
    assert output.multiplier[0] <= 3


def test_ties_that_float64_keeps_are_proved() -> None:
    """Divided by 3 and doubled, ties of whole differences are ties in float64 too: each is looked at."""
    layer = wide(2, 64)
    chain: tuple[Step, ...] = (Divide(np.full(2, 3.0)), Scale(np.array([2.0, 2.0])), Shift(np.array([0.0, 0.0])))
    output, warnings = convert(layer, chain)
    assert warnings == () and (output.multiplier == 1).all()
    # Parameters that differ, though no score does.
    chain = (Divide(np.array([3.0, 1.5])), Scale(np.array([2.0, 1.0])))
    output, warnings = convert(layer, chain)
    assert warnings == () and (output.multiplier == 1).all()


def test_ties_of_scores_that_fall() -> None:
    """One class falls where the other rises: its scores are those of the accumulators from the other end."""
    layer = wide(2, 64)
    for divisors, factors in (((3.0, -3.0), (2.0, 2.0)), ((3.0, -1.5), (2.0, 1.0)), ((-3.0, 3.0), (2.0, 2.0))):
        output, warnings = convert(layer, (Divide(column(list(divisors))), Scale(column(list(factors)))))
        assert warnings == ()
        assert output.multiplier.tolist() == np.sign(divisors).tolist()


def test_ties_are_looked_at_within_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too much to look at is said not to be proved."""
    layer = wide(2, 64)
    chain: tuple[Step, ...] = (Divide(column([3.0, 1.5])), Scale(column([2.0, 1.0])))
    assert convert(layer, chain)[1] == ()
    monkeypatch.setattr(lines, "BUDGET", 1 << 16)
    output, warnings = convert(layer, chain)
    assert len(warnings) == 1 and (output.multiplier == 1).all()


def test_classes_that_never_meet_have_constant_scores() -> None:
    layer = wide(3, 512)
    output, warnings = convert(layer, (Scale(np.full(3, 1e-9)), Shift(column([0.0, 5.0, -5.0]))))
    assert warnings == () and not output.multiplier.any() and output.offset.tolist() == [0, 1, -1]


def test_scores_must_be_finite() -> None:
    with pytest.raises(NetworkError, match=r"^layer output: scores must be finite$"):
        convert(wide(3, 512), (Scale(np.full(3, 1e308)),))


def test_two_scores_are_off_by_their_own_errors() -> None:
    """Scores that are whole numbers but for rounding, in integers the same: all that is left is the rounding of two."""
    layer, divisor = wide(3, 512), column([3.0, 5.0, 7.0])
    chain: tuple[Step, ...] = (Divide(divisor), Scale(divisor))
    affine = dot_affine(layer)
    output = Output("o", np.full(3, affine.scale), affine.constants)
    errors = bound(chain, affine.scale * np.array(layer.accumulator_range)[:, None] + affine.constants)
    assert (errors > 0).all()
    assert lines.ScoreLines(layer, chain).margin(output, Fraction(1)) == pytest.approx(errors.sum() - errors.min())


@pytest.mark.parametrize("first", range(5))
@pytest.mark.parametrize("second", range(5))
def test_ties_are_all_accumulators_of_a_difference(first: int, second: int) -> None:
    """Of the range 3..11; a class whose scores do not vary stands for all of its accumulators with the least."""
    layer = Dense("d", UINT8, (WeightPlane(1, BitMatrix.from_bits(np.ones((2, 2), np.uint8))),), None)
    found = lines.ScoreLines(layer, (Scale(column([first, second])),))
    found._low, found._high = 3, 11
    for t in range(-40, 41):
        every = [
            (a, b)
            for a in (range(3, 12) if first else (3,))
            for b in (range(3, 12) if second else (3,))
            if first * a - second * b == t
        ]
        ties = found._ties(first, second, t)
        if first and second and first != second:
            # No single line, unless there is no such difference at all.
            assert (ties is None) == (t % gcd(first, second) == 0)
        if ties is not None:
            assert list(zip(*ties, strict=True)) == every


def three(*steps: Step) -> lines.ScoreLines:
    """Three classes of the same weights: accumulators, and dot products, from 0 to 510."""
    layer = Dense("d", UINT8, (WeightPlane(1, BitMatrix.from_bits(np.ones((3, 2), np.uint8))),), None)
    return lines.ScoreLines(layer, steps)


@pytest.mark.parametrize("offsets, close", [
    ([0.1, 0.5, 1.1], True), ([0.1, 1.1, 0.5], True), ([0.5, 0.1, 2.1], True), ([-0.1, 0.5, 0.9], True),
    ([1.1, 0.5, 0.1], False), ([0.1, 0.5, 0.6], False), ([0.1, 0.7, 1.4], False), ([0.0, 1.0, 2.0], False),
])  # fmt: skip
def test_offsets_a_whole_number_of_slopes_apart(offsets: list[float], close: bool) -> None:
    """Such a pair is as good as tied, whatever stands between them and however far apart they are."""
    steps = (Scale(column([1.0] * 3)), Shift(column(offsets)))
    found = three(*steps).proportional()
    assert found is not None and (found.margin > 0) is close
    acc = np.arange(511)[:, None]
    y, s = apply(steps, 1.0 * acc), np.array(found.multiplier) * acc + np.array(found.offset)
    pairs = combinations(range(3), 2)
    wrong = [(y[:, i, None] >= y[None, :, j]) != (s[:, i, None] >= s[None, :, j]) for i, j in pairs]
    assert np.any(wrong) == close


@pytest.mark.parametrize("error, looked_at", [(Fraction(1, 4), False), (Fraction(1, 4) - Fraction(1, 99), True)])
def test_one_difference_within_the_errors_is_looked_at(error: Fraction, looked_at: bool) -> None:
    """Errors of half a unit together may reach two whole numbers: then nothing is looked at, or proved."""
    found = three(Scale(column([1.0] * 3)))
    found._lines = [replace(line, error=error) for line in found._lines]
    found._parameters = [(b"0",), (b"1",), (b"2",)]
    asked: list[int] = []
    found._ties = lambda first, second, t: asked.append(t)  # type: ignore[method-assign,func-returns-value]
    margin = found._undecided(Fraction(1), [1, 1, 1], [Fraction(0), Fraction(17, 16), Fraction(5, 2)])
    assert (margin, asked) == (2 * float(error), [1, 1] if looked_at else [])


@pytest.mark.parametrize("slopes", [[1.0, 1.0, 1.0], [1.0, -1.0, 2.0], [0.5, 0.25, -4.0]])
def test_how_far_integers_are_off_the_lines(slopes: list[float]) -> None:
    """Between the most and the least of what they are off, at the ends of the range, in units of the scores."""
    found, factor = three(Scale(column(slopes))), Fraction(1, 2)
    output = Output("o", np.array([1, -1, 3]), np.array([0, 3, -7]))
    ends = np.array([0, 510])[:, None]
    off = 2.0 * (output.multiplier * ends + output.offset) - column(slopes) * ends
    assert found.margin(output, factor) == off.max() - off.min()


@fixed
@given(st.permutations(range(9)))
def test_inversions(order: list[int]) -> None:
    expected = sum(a > b for a, b in combinations(order, 2))
    assert _inversions(np.array(order)) == expected

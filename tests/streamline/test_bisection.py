"""Thresholds by bisection, and numbers with roots: all levels and neurons against what each accumulator gives."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from bnnhw.errors import NetworkError
from bnnhw.ir import DataType, FloatActivation, Quantizer, Relu, Scale, Shift, Step
from bnnhw.ir.arithmetic import DotAffine
from bnnhw.ir.steps import apply
from bnnhw.streamline import roots, search
from bnnhw.streamline.roots import Number, ceil_root, floor_root
from bnnhw.streamline.search import Accumulators, first_reached, reaches


def row(*values: float) -> np.ndarray:
    return np.array(values, np.float64)


BOUNDS = np.array([[-np.inf, -2.0, 1.5], [0.0, 0.0, np.inf], [-7.0, 3.0, 9.0], [-1.0, 4.0, 100.0]])
STRICT = np.array([False, True, False])


@pytest.mark.parametrize("chunk", [1, 4, 8, 100])
@pytest.mark.parametrize("steps", [
    (), (Scale(row(1.0, 2.0, -1.0, 0.5)),), (Scale(row(1.0, -2.0, 3.0, 0.5)), Relu(), Shift(row(-1.0, 0.0, 2.0, -3.0))),
    (Scale(row(0.1, -0.1, 0.1, 0.0)), Shift(row(-0.3, 0.3, 0.0, 4.0))),
])  # fmt: skip
def test_the_first_accumulator_of_every_level(
    monkeypatch: pytest.MonkeyPatch, steps: tuple[Step, ...], chunk: int
) -> None:
    """Rows that fall are counted from the other end; what no accumulator reaches is one beyond the last."""
    monkeypatch.setattr(search, "CHUNK", chunk)
    layer = Accumulators("a", DotAffine(2, np.array([-9, -8, -7, -9])), -1, 10)
    slopes = next((step.factor for step in steps if isinstance(step, Scale)), np.ones(4))
    flipped = slopes < 0
    activation = FloatActivation((*steps, Shift(np.zeros(4))), Quantizer(DataType("uint", 2), BOUNDS, STRICT))
    values, exact = first_reached(activation, layer, flipped)
    acc = np.arange(-1, 11)
    y = apply(steps, layer.dots(acc[:, None], flipped))
    for level, neuron in product(range(3), range(4)):
        met = reaches(BOUNDS.T, STRICT, y[:, None, :])[:, level, neuron]
        found = np.flatnonzero(met)
        assert values[level, neuron] == (acc[found[0]] if len(found) else 11)
    # Whole numbers and halves are never rounded.
    if all(np.all(array * 2 % 1 == 0) for step in steps for array in vars(step).values()):
        assert exact.all()


def test_dots() -> None:
    layer = Accumulators("a", DotAffine(3, np.array([5, 7])), -2, 4)
    found = layer.dots(np.array([[-2, -2], [1, 4]]), np.array([False, True]))
    assert found.tolist() == [[-1, 19], [8, 1]]


def test_what_is_reached() -> None:
    """Infinities always and never; on the bound by its strictness."""
    bounds = row(-np.inf, 1.0, 1.0, np.inf)[:, None]
    strict = np.array([True, False, True, False])
    found = [reaches(bounds, strict, np.full((1, 1), y))[:, 0].tolist() for y in (0.0, 1.0, 2.0, -np.inf, np.inf)]
    assert found == [
        [True, False, False, False], [True, True, False, False], [True, True, True, False], [True, False, False, False],
        [True, True, True, False],
    ]  # fmt: skip


def test_what_is_too_close_is_not_exact() -> None:
    """0.1 * 2 is 0.2, and 0.1 * 3 is near 0.3; below the range there is nothing that could be too close."""
    quantizer = Quantizer(DataType("uint", 2), np.array([[0.2, 0.25, 0.3]]), np.zeros(3, np.bool_))
    layer = Accumulators("a", DotAffine(1, np.zeros(1, np.int64)), 0, 9)
    values, exact = first_reached(FloatActivation((Scale(row(0.1)),), quantizer), layer, np.zeros(1, np.bool_))
    assert values.ravel().tolist() == [2, 3, 3] and exact.ravel().tolist() == [False, True, False]
    for ends, expected in (((3, 9), [True, True, False]), ((4, 9), [True] * 3)):
        values, exact = first_reached(
            FloatActivation((Scale(row(0.1)),), quantizer),
            Accumulators("a", layer.affine, *ends),
            np.zeros(1, np.bool_),
        )
        assert exact.ravel().tolist() == expected


GRID = [Fraction(n, 3) for n in range(-9, 10)]
SQUARES = [Fraction(n, 4) for n in range(20)]


def test_floors_and_ceilings_of_roots() -> None:
    """On a grid, whole numbers among them: by whole numbers on either side, squared."""

    def below(whole: int, rational: Fraction, square: Fraction, sign: int) -> bool:
        """Whether ``whole <= rational + sign * sqrt(square)``."""
        left = Fraction(whole) - rational
        if sign > 0:
            return left <= 0 or left * left <= square
        return left <= 0 and left * left >= square

    for rational, square, sign in product(GRID, SQUARES, (-1, 1)):
        floor = floor_root(rational, square, sign)
        assert below(floor, rational, square, sign) and not below(floor + 1, rational, square, sign)
        ceiling = ceil_root(rational, square, sign)
        assert -ceiling == floor_root(-rational, square, -sign) and ceiling - floor in (0, 1)


def test_exact_roots() -> None:
    assert [roots._exact_root(Fraction(*pair)) for pair in ((9, 4), (2, 1), (1, 3), (0, 1), (4, 3), (3, 4))] == [
        Fraction(3, 2), None, None, 0, None, None,
    ]  # fmt: skip


def test_signs_floors_and_ceilings_of_numbers() -> None:
    for rational, square, sign in product(GRID, (Fraction(2), Fraction(1, 2), Fraction(7, 3)), (-1, 1)):
        number = Number(rational, ((sign, square),))
        assert number.floor() == floor_root(rational, square, sign) and number.ceil() == number.floor() + 1
        # Never 0: the root is irrational.
        positive = (rational > 0 or square > rational**2) if sign > 0 else (rational > 0 and rational**2 > square)
        assert number.sign() == (1 if positive else -1)
        # Twice and minus once.
        assert (number * Fraction(2)).sign() == number.sign() == -(-number).sign()
        assert (number + Fraction(1)).floor() == number.floor() + 1
    for rational in GRID:
        assert Number(rational).sign() == (rational > 0) - (rational < 0)
        assert (Number(rational).floor(), Number(rational).ceil()) == (rational // 1, -(-rational // 1))
    assert Number(Fraction(3), ((1, Fraction(2)),)) * Fraction(0) == Number(Fraction(0))


def test_several_roots() -> None:
    """sqrt(2) + sqrt(3) - 3 = 0.146; of what is a whole number no digits tell."""
    number = Number(Fraction(-3), ((1, Fraction(2)), (1, Fraction(3))))
    assert (number.floor(), number.ceil(), number.sign()) == (0, 1, 1)
    assert ((-number).floor(), (-number).ceil(), (-number).sign()) == (-1, 0, -1)
    assert (number * Fraction(100)).floor() == 14 and (number * Fraction(1000)).floor() == 146
    assert (number * Fraction(1000)).floors() == -3000 + 1414 + 1732
    tiny = Number(Fraction(0), ((1, Fraction(2)), (-1, Fraction(2) + Fraction(1, 1 << 300))))
    assert tiny.floor() == -1
    nothing = Number(Fraction(0), ((1, Fraction(2)), (-1, Fraction(2))))
    with pytest.raises(NetworkError, match="a bound on a sum of square roots is too close to a whole number"):
        nothing.floor()


def test_times_a_root() -> None:
    """Roots multiply, and become rational where they are."""
    number = Number(Fraction(-2), ((1, Fraction(2)), (-1, Fraction(3))))
    assert number.times_root(Fraction(4, 9)) == number * Fraction(2, 3)
    assert number.times_root(Fraction(2)) == Number(Fraction(2), ((-1, Fraction(8)), (-1, Fraction(6))))
    assert number.times_root(Fraction(3)) == Number(Fraction(-3), ((-1, Fraction(12)), (1, Fraction(6))))
    assert Number(Fraction(0), ((1, Fraction(2)),)).times_root(Fraction(1, 2)) == Number(Fraction(1))
    assert Number(Fraction(3)).times_root(Fraction(5)) == Number(Fraction(0), ((1, Fraction(45)),))


def test_doubling_rounds_nothing() -> None:
    """A range that ends at 2 is multiplied by 0.1 exactly, so that all is, on a bound too."""
    quantizer = Quantizer(DataType("uint", 2), np.array([[0.1, 0.2, 0.3]]), np.zeros(3, np.bool_))
    layer = Accumulators("a", DotAffine(1, np.zeros(1, np.int64)), 0, 2)
    values, exact = first_reached(FloatActivation((Scale(row(0.1)),), quantizer), layer, np.zeros(1, np.bool_))
    assert values.ravel().tolist() == [1, 2, 3] and exact.all()

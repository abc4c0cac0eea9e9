"""Scores as exact lines over the accumulators, for layers of which all scores are too many to be listed.

Class i scores ``Y_i(a) = p_i * a + q_i`` on its accumulator a, exactly, and float64 computes it with an error of at
most ``E_i``. So float64 orders two scores as the exact numbers do wherever these are more than ``E_i + E_j`` apart.

Slopes in proportion
--------------------
Let ``p_i = k_i * u`` with whole ``k_i``, none of them large: one scale for the whole layer, or powers of two. (A class
that falls counts its accumulators from the other end, and rises.) Then ``Y_i(a) >= Y_j(b)`` iff the integer
``t = k_i * a - k_j * b`` reaches ``x_j - x_i``, ``x = q / u``. With ``x_i = n_i + r_i``, ``0 <= r_i < 1``, and
``rank_i`` the place of ``r_i`` among the m different ones, the integer scores ``m * k_i * a + m * n_i + rank_i`` are
ordered as the exact ones, all of them: ``t >= n_j - n_i``, or one more iff ``r_j > r_i``.

Exact and float64's order agree for a pair of classes

- if neither error is more than 0 (every rounding of theirs is exact, see :func:`~bnnhw.streamline.float_error.bound`);
- if both compute the same steps, and neighbouring scores are further apart than their errors;
- if no t lies within ``(E_i + E_j) / u`` of ``x_j - x_i``, which ``r_i`` and ``r_j`` say;
- if it does, but float64 itself decides all pairs of that t as the exact numbers do: these are put through the steps,
  within :data:`BUDGET`.

Other slopes
------------
Two classes of R accumulators each come as close as ``p / R``, so a proof needs multipliers of about ``R**2`` and
scores of ``R**3``, which here is more than 62 bits hold. What remains is a bound of how far apart two scores can be
that the integers order otherwise: no further than the integers, in units of the scores, are off them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from math import gcd, isqrt, lcm
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError
from bnnhw.ir.arithmetic import emitted_affine
from bnnhw.ir.layer import Layer
from bnnhw.ir.layers import Output
from bnnhw.ir.steps import BatchNorm, Clip, Curve, Divide, Gap, PRelu, Relu, Scale, Shift, Staircase, Step, apply
from bnnhw.streamline.float_error import bound

__all__ = ["ScoreLines"]

ROOT_BITS = 256
"""Precision of a square root: what it leaves is far below float64's errors, which are doubled."""

MAX_PROPORTION = 1 << 20
"""Greatest slope in units of the common one."""

BUDGET = 1 << 26
"""Most scores that are put through the steps to decide ties: seconds."""

CHUNK = 1 << 18
FIRST = 1 << 9
"""Most scores put through the steps at once, and fewest: most ties are broken either way at once."""


def _root(value: Fraction) -> Fraction:
    """The square root, exact where it is rational and otherwise to :data:`ROOT_BITS`."""
    parts = isqrt(value.numerator), isqrt(value.denominator)
    root = Fraction(*parts)
    if root * root == value:
        return root
    return Fraction(isqrt(value.numerator * value.denominator << (2 * ROOT_BITS)), value.denominator << ROOT_BITS)


def _line(steps: tuple[Step, ...], neuron: int, slope: Fraction, offset: Fraction) -> tuple[Fraction, Fraction]:
    """Slope and offset of a chain of affine steps on ``slope * a + offset``."""
    for step in steps:
        match step:
            case Scale():
                factor = Fraction(float(step.factor[neuron]))
                slope, offset = slope * factor, offset * factor
            case Divide():
                divisor = Fraction(float(step.divisor[neuron]))
                slope, offset = slope / divisor, offset / divisor
            case Shift():
                offset += Fraction(float(step.offset[neuron]))
            case BatchNorm():
                gamma, beta, mean = (Fraction(float(a[neuron])) for a in (step.gamma, step.beta, step.mean))
                factor = gamma / _root(Fraction(float(step.var[neuron]) + step.eps))
                slope, offset = slope * factor, (offset - mean) * factor + beta
            case Relu() | PRelu() | Clip() | Gap() | Curve() | Staircase():
                raise NetworkError(f"scores must be affine, without a {type(step).__name__.lower()}")
            case _:
                assert_never(step)
    return slope, offset


@dataclass(frozen=True)
class _Line:
    """A class's scores: ``slope * a + offset``, its accumulators counted so that it rises; float64 is off by error."""

    slope: Fraction
    offset: Fraction
    error: Fraction


@dataclass(frozen=True)
class Proportion:
    """Integer scores that are ordered as the exact ones.

    Parameters
    ----------
    multiplier, offset : list of int
        One per class.
    margin : float
        How far apart two scores can be that float64 may order otherwise; 0 if it orders none.
    """

    multiplier: list[int]
    offset: list[int]
    margin: float


class ScoreLines:
    """The scores of all classes as lines.

    Parameters
    ----------
    layer : Layer
    steps : tuple of Step
        Affine, from what it emits to finite scores.
    """

    def __init__(self, layer: Layer, steps: tuple[Step, ...]) -> None:
        self._steps = steps
        self._affine, (self._low, self._high) = emitted_affine(layer), layer.emitted
        scale, constants = self._affine.scale, self._affine.constants
        ends = scale * np.array([self._low, self._high])[:, None] + constants
        errors = bound(steps, ends)
        if not np.isfinite(errors).all():
            raise NetworkError("scores must be finite")
        exact = [_line(steps, i, Fraction(scale), Fraction(c)) for i, c in enumerate(constants.tolist())]
        self.falling = np.array([slope < 0 for slope, _ in exact])
        self._lines = [
            _Line(abs(slope), offset + (slope * (self._low + self._high) if slope < 0 else 0), Fraction(error))
            for (slope, offset), error in zip(exact, errors.tolist(), strict=True)
        ]
        y = apply(steps, ends)
        self._least, self._greatest = y.min(axis=0), y.max(axis=0)
        # What the steps of a class compute with: classes of the same bytes compute the same.
        arrays = [array for step in steps for array in _arrays(step).values()]
        self._parameters = [tuple(array[i].tobytes() for array in arrays) for i in range(len(self._affine.constants))]

    def constant(self, output: Output) -> bool:
        """Whether scores that do not vary, in the order of the offsets, order all pairs as in float64."""
        order = np.lexsort((-np.arange(output.classes), output.offset))
        least, greatest = self._least[order][1:], self._greatest[order][:-1]
        return bool(((greatest < least) | ((greatest == least) & (order[:-1] > order[1:]))).all())

    def proportional(self) -> Proportion | None:
        """Scores of slopes in proportion; None if they are in none."""
        slopes = [line.slope for line in self._lines]
        denominator = lcm(*{slope.denominator for slope in slopes})
        unit = Fraction(gcd(*(int(slope * denominator) for slope in slopes)), denominator)
        if not unit or max(slopes) / unit > MAX_PROPORTION:
            return None
        factors = [int(slope / unit) for slope in slopes]
        places = [line.offset / unit for line in self._lines]
        ranks = {rest: rank for rank, rest in enumerate(sorted({place % 1 for place in places}))}
        multiplier = [factor * len(ranks) for factor in factors]
        offset = [place // 1 * len(ranks) + ranks[place % 1] for place in places]
        # Back from the accumulators as they rise to those that there are.
        for i in np.flatnonzero(self.falling).tolist():
            offset[i] += multiplier[i] * (self._low + self._high)
            multiplier[i] = -multiplier[i]
        return Proportion(multiplier, offset, self._undecided(unit, factors, places))

    def _undecided(self, unit: Fraction, factors: list[int], places: list[Fraction]) -> float:
        """How far apart two scores can be that float64 may order otherwise than exactly; 0 if there are none."""
        errors = [line.error / unit for line in self._lines]
        if not any(errors) or (len(set(self._parameters)) == 1 and 2 * max(errors) < max(factors)):
            return 0.0
        worst, self._budget = Fraction(0), BUDGET
        for i, j in _close([place % 1 for place in places], errors):
            reach = errors[i] + errors[j]
            if not reach or (self._parameters[i] == self._parameters[j] and reach < factors[i]):
                continue
            gap = places[j] - places[i]
            points = self._ties(factors[i], factors[j], round(gap)) if 2 * reach < 1 else None
            if points is None or not self._decides((i, j), points, round(gap) >= gap):
                worst = max(worst, reach)
        return float(worst * unit)

    def _ties(self, first: int, second: int, t: int) -> tuple[range, range] | None:
        """All accumulators with ``first * a - second * b = t``, side by side; None where they are no single line."""
        low, high = self._low, self._high
        if first == second and first:
            step, rest = divmod(t, first)
            start, end = max(low, low - step), min(high, high - step)
            return (range(0), range(0)) if rest else (range(start + step, end + step + 1), range(start, end + 1))
        if first and second:
            return None if t % gcd(first, second) == 0 else (range(0), range(0))
        a, b = t // first if first else low, -t // second if second else low
        exists = first * a - second * b == t and low <= a <= high and low <= b <= high
        return (range(a, a + exists), range(b, b + exists))

    def _decides(self, pair: tuple[int, int], points: tuple[range, range], exact: bool) -> bool:
        """Whether float64 finds the first score no less than the second at all points, or less at all, as is exact."""
        steps = tuple(
            replace(step, **{name: array[list(pair)] for name, array in _arrays(step).items()}) for step in self._steps
        )
        start, size = 0, FIRST
        while start < len(points[0]):
            size = min(2 * size, CHUNK)
            self._budget -= size
            if self._budget < 0:
                return False
            parts = [p[start : start + size] for p in points]
            # NumPy takes a range number by number.
            acc = np.stack([np.arange(p.start, p.stop, p.step, dtype=np.int64) for p in parts], axis=1)
            acc = np.where(self.falling[list(pair)], self._low + self._high - acc, acc)
            y = apply(steps, self._affine.scale * acc + self._affine.constants[list(pair)])
            if ((y[:, 0] >= y[:, 1]) != exact).any():
                return False
            start += size
        return True

    def margin(self, output: Output, factor: Fraction) -> float:
        """How far apart two scores can be that integers, about ``factor`` times the scores, order otherwise."""
        off: list[Fraction] = []
        for line, falls, m, o in zip(
            self._lines, self.falling.tolist(), output.multiplier.tolist(), output.offset.tolist(), strict=True
        ):
            for acc in (self._low, self._high):
                risen = self._low + self._high - acc if falls else acc
                off.append((m * acc + o) / factor - (line.slope * risen + line.offset))
        errors = sorted(line.error for line in self._lines)[-2:]
        return float(max(off) - min(off) + sum(errors))

    @property
    def reach(self) -> float:
        """How far apart two scores can be at all."""
        return float(self._greatest.max() - self._least.min())


def _arrays(step: Step) -> dict[str, NDArray[np.float64]]:
    """The parameters of a step, by name."""
    found = {f.name: getattr(step, f.name) for f in fields(step)}
    return {name: array for name, array in found.items() if isinstance(array, np.ndarray)}


def _close(rests: list[Fraction], errors: list[Fraction]) -> Iterator[tuple[int, int]]:
    """Pairs i < j whose places differ by a whole number within their errors: neighbours on a circle of length 1."""
    order = sorted(range(len(rests)), key=lambda i: rests[i])
    greatest = max(errors)
    for position, i in enumerate(order):
        for ahead in range(1, len(order)):
            j = order[(position + ahead) % len(order)]
            distance = (rests[j] - rests[i]) % 1
            if distance > errors[i] + greatest:
                break
            # Of two that are close both ways round, one way is enough.
            if distance <= errors[i] + errors[j] and (ahead + position < len(order) or distance):
                yield min(i, j), max(i, j)

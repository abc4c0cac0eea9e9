"""The pass from the final affine steps (a batch norm, scalings, shifts) to an integer multiplier and offset per class.

Assumes: an output with steps has multiplier 1 and offset 0. Leaves: an output without steps, whose
integer argmax (the lowest index on a tie) is the float64 argmax for every reachable set of scores, or a
warning that says by how much that can't be proved. Nothing else is touched; an output without steps is
left as it is. An output of one class decides by the sign of its score (:mod:`bnnhw.streamline.decision`).

Method
------
Class i scores ``y_i``, the steps in float64 on ``dot_i = scale * acc_i + constant_i``: up to rounding
``slope_i * acc_i + shift_i``. The integer score is ``round(f * slope_i) * acc_i + round(f * shift_i)``
with one factor f for all classes, less an offset common to all. (A negative slope gives a negative multiplier.)
Classes of one slope and shift have accumulators for scores: multiplier 1, offset 0, nothing to compute. Otherwise
the common offset makes the least of the offsets 0, or, if a score is narrower then, centres the scores on 0.

Constant scores are tried first, then factors in ascending order, as the greatest multiplier they give: every one below
:data:`DENSE`, then :data:`PER_OCTAVE` to each power of two. The first that is proved for all pairs, by
the order of all scores (:mod:`bnnhw.streamline.order`), is taken.

Of layers with more than :data:`EXHAUST` scores nothing is listed: constant scores, or scores from exact lines
(:mod:`bnnhw.streamline.lines`).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import NetworkError
from bnnhw.ir.activation import Thresholds
from bnnhw.ir.arithmetic import emitted_affine
from bnnhw.ir.layer import Layer
from bnnhw.ir.layers import Output
from bnnhw.ir.network import Network
from bnnhw.ir.steps import (
    BatchNorm,
    Clip,
    Curve,
    Divide,
    Gap,
    PRelu,
    Relu,
    Scale,
    Shift,
    Staircase,
    Step,
    apply,
    standard_deviation,
)
from bnnhw.streamline.decision import constant_class, decision
from bnnhw.streamline.lines import ScoreLines
from bnnhw.streamline.order import ScoreOrder
from bnnhw.streamline.result import StreamlineResult

__all__ = ["output_affine"]

DENSE = 64
PER_OCTAVE = 16
MAX_MULTIPLIER = 1 << 48
"""Greatest multiplier tried: slopes are known to 53 bits, less a few for the roundings they went through."""

MAX_SCORE = 1 << 62
"""Scores stay below this: int64 holds them, and the difference of any two."""

EXHAUST = 1 << 22
"""Most scores, accumulators x classes, that are listed: a quarter of a GiB, seconds."""


def _factors() -> Iterator[int]:
    yield from range(1, DENSE)
    step = DENSE // PER_OCTAVE
    value = DENSE
    while value <= MAX_MULTIPLIER:
        yield value
        value += step
        if value == step * PER_OCTAVE * 2:
            step *= 2


def _width(low: int, high: int) -> int:
    """Bits of a signed number in a range."""
    return 1 + max(v.bit_length() if v >= 0 else (~v).bit_length() for v in (low, high))


def _output(
    name: str, multiplier: NDArray[np.float64] | list[int], offset: NDArray[np.float64] | list[int], layer: Layer
) -> Output | None:
    """An output with the common offset chosen as the module's docstring says; None if scores are too large."""
    if not all(abs(v) < MAX_SCORE for v in (*multiplier, *offset)):
        return None
    m, o = [int(v) for v in multiplier], [int(v) for v in offset]
    reach = layer.emitted
    ends = [a * acc + b for a, b in zip(m, o, strict=True) for acc in reach]
    base, centre = min(o), (min(ends) + max(ends) + 1) // 2
    alike = len(set(o)) == len(set(m)) == 1 and m[0]
    if not alike and _width(min(ends) - centre, max(ends) - centre) < _width(min(ends) - base, max(ends) - base):
        base = centre
    if max(abs(end - base) for end in ends) >= MAX_SCORE or max(abs(b - base) for b in o) >= MAX_SCORE:
        return None
    return Output(name, np.array(m, np.int64), np.array([b - base for b in o], np.int64))


def _slopes(name: str, steps: tuple[Step, ...], scale: int, classes: int) -> NDArray[np.float64]:
    """What the steps multiply accumulators by."""
    slope = np.full(classes, float(scale))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for step in steps:
            match step:
                case Scale():
                    slope = slope * step.factor
                case Divide():
                    slope = slope / step.divisor
                case BatchNorm():
                    slope = step.gamma * slope / standard_deviation(step)
                case Relu() | PRelu() | Clip() | Gap() | Curve() | Staircase():
                    kind = type(step).__name__.lower()
                    raise NetworkError(f"layer {name}: scores must be affine, without a {kind}")
                case Shift():
                    pass
                case _:
                    assert_never(step)
    return slope


class _Head:
    """A last layer and the affine steps on what it emits, which make finite scores.

    Parameters
    ----------
    name : str
        Of the output.
    layer : Layer
    steps : tuple of Step
    """

    def __init__(self, name: str, layer: Layer, steps: tuple[Step, ...]) -> None:
        self.name, self.layer, self.steps = name, layer, steps
        affine, (low, high) = emitted_affine(layer), layer.emitted
        self.slope = _slopes(name, steps, affine.scale, len(affine.constants))
        ends = apply(steps, affine.scale * np.array([low, high])[:, None] + affine.constants)
        self.shift = apply(steps, affine.constants)
        if not (np.isfinite(self.slope).all() and np.isfinite(ends).all()):
            raise NetworkError(f"layer {name}: scores must be finite")
        self.falling = (ends[1] < ends[0]) | (self.slope < 0)
        self.greatest = float(np.abs(self.slope).max())
        # Scores relative to their middle: an offset common to all classes decides nothing, and costs precision.
        self.middle = float(ends.max()) / 2 + float(ends.min()) / 2
        if (self.slope == self.slope[0]).all():
            # Shifts that differ by whole steps of the accumulators then come out as integers, not as halves.
            self.middle = min(self.shift.tolist(), key=lambda value: abs(value - self.middle))

    def constant(self) -> Output:
        """Constant scores, the ranks of the classes: for classes that are never close, or do not vary at all."""
        ranks = np.unique(self.shift, return_inverse=True)[1].astype(np.float64)
        output = _output(self.name, np.zeros(len(ranks)), ranks, self.layer)
        assert output is not None
        return output

    def scaled(self, factor: int) -> Output | None:
        """Scores whose greatest multiplier is about a factor; None if they are too large."""
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            multiplier = np.rint(self.slope / self.greatest * factor)
            offset = np.rint((self.shift - self.middle) / self.greatest * factor)
        return _output(self.name, multiplier, offset, self.layer)


def _listed(head: _Head) -> tuple[Output, list[str]]:
    """The first scores that are proved against all scores, or the best, and a warning."""
    order = ScoreOrder(head.layer, head.steps, head.falling)
    if order.holds(constant := head.constant()):
        return constant, []
    candidates = [constant]
    for factor in _factors():
        output = head.scaled(factor)
        if output is None:
            break
        if order.holds(output):
            return output, []
        if factor & (factor - 1) == 0:
            candidates.append(output)
    # Finer scores are off by less, as a rule: the rest is soon known to be worse.
    margins = [np.inf] * len(candidates)
    for i, candidate in reversed(list(enumerate(candidates))):
        margins[i] = order.margin(candidate, min(margins))
    pairs, best = min(
        ((order.misfits(candidate), i) for i, candidate in enumerate(candidates) if margins[i] == min(margins))
    )
    low, high = head.layer.emitted
    classes = len(head.slope)
    total = classes * (classes - 1) // 2 * (high - low + 1) ** 2
    warning = (
        f"layer {head.name}: the integer argmax can't be proved equal to float64's: {pairs} of {total} "
        f"pairs of scores are ordered otherwise, none more than {margins[best]:.3g} apart"
    )
    return candidates[best], [warning]


def _bounded(head: _Head) -> tuple[Output, list[str]]:
    """Scores that are proved by their lines, or the best, and a warning."""
    try:
        lines = ScoreLines(head.layer, head.steps)
    except NetworkError as error:
        raise NetworkError(f"layer {head.name}: {error}") from None
    if lines.constant(constant := head.constant()):
        return constant, []
    unproved = f"layer {head.name}: the integer argmax can't be proved equal to float64's"
    proportion = lines.proportional()
    if proportion is not None:
        output = _output(head.name, proportion.multiplier, proportion.offset, head.layer)
        if output is not None:
            exactly = (
                f"{unproved}: it is that of the exact scores; float64 decides by rounding between scores up to "
                f"{proportion.margin:.3g} apart"
            )
            return output, [exactly] if proportion.margin else []
    candidates: list[tuple[int, Output]] = []
    factor = 1
    while factor <= MAX_MULTIPLIER and (output := head.scaled(factor)) is not None:
        candidates.append((factor, output))
        factor *= 2
    margin, output = lines.reach, constant
    # Finer scores are off by less, up to where float64's own errors are all that is left.
    for factor, candidate in reversed(candidates):
        off = lines.margin(candidate, Fraction(factor) / Fraction(head.greatest))
        if off > 4 * margin:
            break
        if off < margin:
            margin, output = off, candidate
    return output, [f"{unproved}: scores up to {margin:.3g} apart may be ordered otherwise"]


def _reached(layer: Layer) -> tuple[int, int]:
    """The least and the greatest number that a layer of one channel emits: of levels, those that are ever given."""
    activation = layer.activation
    if not isinstance(activation, Thresholds):
        return layer.emitted
    ends = (layer.input.minimum, layer.input.maximum) if layer.matrix is None else layer.matrix.accumulator_range
    levels = np.array([(activation.values[0] <= end).sum() for end in ends])
    least, most = activation.dtype.values(activation.dtype.codes(levels)).tolist()
    return least, most


def _convert(name: str, layer: Layer, steps: tuple[Step, ...]) -> tuple[Output, list[str]]:
    affine, (low, high) = emitted_affine(layer), layer.emitted
    classes = len(affine.constants)
    if classes == 1:
        return decision(name, steps, affine.scale, int(affine.constants[0]), *_reached(layer))
    head = _Head(name, layer, steps)
    return _listed(head) if (high - low + 1) * classes <= EXHAUST else _bounded(head)


def output_affine(network: Network) -> StreamlineResult:
    """Run the pass (contract and method: the module's docstring).

    Raises
    ------
    NetworkError
        Naming the output, if scores are not finite or not affine, or its multiplier and offset are not plain.
    """
    output = network.output
    if not output.steps:
        warnings = constant_class(output, *_reached(network.chain[-1])) if output.classes == 1 else []
        return StreamlineResult(network, tuple(warnings))
    if (output.multiplier != 1).any() or output.offset.any():
        raise NetworkError(f"layer {output.name}: an output with steps must have multiplier 1 and offset 0")
    converted, warnings = _convert(output.name, network.chain[-1], output.steps)
    return StreamlineResult(
        Network(network.input, (*network.layers[:-1], converted), network.provenance), tuple(warnings)
    )

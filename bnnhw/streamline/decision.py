"""The end of a network of one output: a decision, class 1 iff its score is not negative.

Formula
-------
The steps are one monotone function ``y(acc)``, so ``y >= 0`` says ``acc >= T`` or ``acc <= T``, found exactly
(:mod:`bnnhw.streamline.preimage`). The integer score is ``acc - T``, or ``T - acc`` where ``y`` falls: its order is
that of ``y``, its sign too, and where the steps are affine, of slope ``c`` per accumulator, it is
``floor(y / abs(c))``: the output in units of one accumulator, rounded down. A constant ``y`` gives 0 or -1. ``T`` is
clamped to :data:`FAR` beyond the accumulators: then the score is never, or always, negative.

The decision is put through the steps in float64 on both sides of ``T``, which decides everywhere else as well, since
every rounding is monotone. Where the two differ the exact one wins, and a warning says so.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from bnnhw.errors import CheckError, NetworkError
from bnnhw.ir.bends import bend
from bnnhw.ir.layers import Output
from bnnhw.ir.steps import BatchNorm, Step, apply, standard_deviation
from bnnhw.streamline.float_error import apply_bounded
from bnnhw.streamline.preimage import preimage

__all__ = ["FAR", "constant_class", "decision"]

FAR = 1 << 30
"""How far from the accumulators the least score that is not negative may be: scores have 32 bits or so at most."""


def _threshold(steps: tuple[Step, ...], scale: int, constant: int, low: int, high: int) -> tuple[int, int]:
    """Multiplier and offset of the score."""
    line = preimage(steps, 0, 0.0, False)
    if isinstance(line, bool):
        return 0, 0 if line else -1
    line = line.scaled(Fraction(1, scale), Fraction(-constant, scale))
    end = line.end.ceil() if line.above else line.end.floor()
    end = min(max(end, low - FAR), high + FAR)
    return (1, -end) if line.above else (-1, end)


def decision(
    name: str, steps: tuple[Step, ...], scale: int, constant: int, low: int, high: int
) -> tuple[Output, list[str]]:
    """The output of a network of one score, and warnings.

    Parameters
    ----------
    name : str
    steps : tuple of Step
        On ``scale * acc + constant``.
    scale, constant : int
    low, high : int
        Range of the accumulator.

    Raises
    ------
    NetworkError
        Scores are not finite, or never negative because of a Relu or the like.
    """
    try:
        for step in steps:
            if isinstance(step, BatchNorm):
                standard_deviation(step)  # refuses an overflow
    except NetworkError as error:
        raise NetworkError(f"layer {name}: {error}") from None
    ends = scale * np.array([[low], [high]]) + constant
    y = apply(steps, ends)
    if not np.isfinite(y).all():
        raise NetworkError(f"layer {name}: scores must be finite")
    multiplier, offset = _threshold(steps, scale, constant, low, high)
    if not multiplier and y[0, 0] != y[1, 0]:
        raise NetworkError(
            f"layer {name}: its one score is {'never' if offset == 0 else 'always'} negative, whatever the sample is: "
            f"it must not end in a {bend(steps)}"
        )
    output = Output(name, np.array([multiplier]), np.array([offset]))
    return output, [*constant_class(output, low, high), *_prove(output, steps, scale, constant, low, high)]


def constant_class(output: Output, low: int, high: int) -> list[str]:
    """A warning if an output of one score gives one class, whatever number of a range the layer before it emits."""
    ends = [int(output.multiplier[0]) * end + int(output.offset[0]) for end in (low, high)]
    if min(ends) >= 0:
        return [f"layer {output.name}: its one score is never negative: every sample is of class 1"]
    if max(ends) < 0:
        return [f"layer {output.name}: its one score is always negative: every sample is of class 0"]
    return []


def _prove(output: Output, steps: tuple[Step, ...], scale: int, constant: int, low: int, high: int) -> list[str]:
    """The decision against float64, beside the threshold and at the ends."""
    multiplier, offset = int(output.multiplier[0]), int(output.offset[0])
    # Scores of 0 and -1; a threshold out of reach is next to an end.
    near = [(score - offset) * multiplier for score in (0, -1)]
    points = sorted({min(max(acc, low), high) for acc in (*near, low, high)})
    acc = np.array(points)[:, None]
    y, error = apply_bounded(steps, scale * acc + constant)
    warnings: list[str] = []
    for a, value, limit in zip(points, y[:, 0].tolist(), error[:, 0].tolist(), strict=True):
        exact = multiplier * a + offset >= 0
        if exact == (value >= 0):
            continue
        where = f"layer {output.name}: at acc = {a}"
        if abs(value) > limit:
            raise CheckError(f"{where}: class {int(exact)} contradicts float64, y = {value!r}")
        warnings.append(f"{where}: float64 decides by rounding, y = {value!r}; exactly, it is of class {int(exact)}")
    return warnings

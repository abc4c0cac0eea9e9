"""The pass from batch normalization and sign to integer thresholds.

Assumes: any network. Leaves: no :class:`~bnnhw.ir.layers.BatchNormSign`; every layer that had one has
bipolar :class:`~bnnhw.ir.layers.Thresholds` and fires for the same accumulators; the output is untouched.

Formula
-------
A neuron fires iff ``gamma * (dot - mean) / s + beta >= 0``, with ``s = sqrt(var + eps) > 0`` and
``dot = scale * acc + constant`` (:mod:`bnnhw.ir.arithmetic`, for bipolar elements and bit planes alike).
Let ``c = mean - beta * s / gamma`` and ``x = (c - constant) / scale``.

- gamma > 0: it fires iff ``dot >= c``, that is ``acc >= x``: ``T = ceil(x)``.
- gamma < 0: it fires iff ``acc <= x``. Complementing the bits of the neuron's row in every weight plane
  turns each popcount ``p`` into ``K - p``, hence ``acc`` into ``R - acc`` with
  ``R = K * sum of coefficients = low + high``, the ends of the accumulator's range. So it fires iff
  ``R - acc >= R - floor(x)``: ``T = R - floor(x)``. The complemented row is the only record of it.
- gamma = 0: it fires iff ``beta >= 0``: ``T = low`` (always), else ``high + 1`` (never).

T is clamped to ``low .. high + 1``. For bipolar elements and weights this is section 4 of the design:
``T = ceil((K + c) / 2)``.

Exactness
---------
gamma, beta, mean and ``var + eps`` are taken as the rational numbers that their float64 values are; the
sum ``var + eps`` is the float64 sum, rounded, because that is what PyTorch computes on float64 tensors.
The square root is never rounded: ``beta * s / gamma`` enters through its square
(:mod:`bnnhw.streamline.roots`).

Then every accumulator in ``low .. high`` is put through the float64 formula, for every neuron. Where the
two differ, the exact threshold wins: it is what the stored parameters say, and does not depend on the
order of roundings, on fused multiply-adds or on the library that a framework happens to use. Such a place is
a warning that names layer, neuron and accumulator if float64 could not have known better (its result
lies within the error bound of its own roundings of 0), and otherwise a
:class:`~bnnhw.errors.CheckError`, since then one of the two computations is wrong.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import CheckError, NetworkError
from bnnhw.ir.arithmetic import dot_affine, normalize, standard_deviation
from bnnhw.ir.bits import BitMatrix
from bnnhw.ir.layers import BatchNorm, BatchNormSign, Dense, Layer, Thresholds, WeightPlane
from bnnhw.ir.network import Network
from bnnhw.streamline.result import StreamlineResult
from bnnhw.streamline.roots import ceil_root, floor_root

__all__ = ["batchnorm_sign", "exact_threshold"]

CHUNK = 1 << 21
"""Accumulators put through the float64 formula at once: 16 MiB a temporary array."""

ROUNDINGS = 8 * 2.0**-53
"""Bound of the relative error that the formula's summand ``gamma * (dot - mean) / s`` collects in float64:
four roundings (difference, product, root, quotient) of 2**-53 each, doubled. The sum with beta can't
change a sign, and ``var + eps`` is rounded on both sides alike."""


def exact_threshold(
    gamma: float, beta: float, mean: float, variance: float, scale: int, constant: int, low: int, high: int
) -> int:
    """The threshold of one neuron, on its row complemented where gamma < 0.

    Parameters
    ----------
    gamma, beta, mean : float
    variance : float
        ``var + eps``, positive.
    scale, constant : int
        ``dot = scale * acc + constant``, before complementing.
    low, high : int
        Range of the accumulator.
    """
    if gamma == 0:
        return low if beta >= 0 else high + 1
    rational = (Fraction(mean) - constant) / scale
    term = -Fraction(beta) / (Fraction(gamma) * scale)
    square, sign = term * term * Fraction(variance), (term > 0) - (term < 0)
    if gamma > 0:
        threshold = ceil_root(rational, square, sign)
    else:
        threshold = low + high - floor_root(rational, square, sign)
    return min(max(threshold, low), high + 1)


def _exhaust(layer: Dense, norm: BatchNorm, thresholds: NDArray[np.int64]) -> list[str]:
    """Every neuron at every accumulator against the float64 formula; warnings, or a CheckError."""
    affine, (low, high) = dot_affine(layer), layer.accumulator_range
    warnings = []
    step = max(1, CHUNK // layer.neurons)
    flipped = norm.gamma < 0
    for start in range(low, high + 1, step):
        acc = np.arange(start, min(start + step, high + 1))[:, None]
        y = normalize(norm, affine.scale * acc + affine.constants)
        fires = np.where(flipped, low + high - acc, acc) >= thresholds
        for row, neuron in np.argwhere(fires != (y >= 0)).tolist():
            value, beta = float(y[row, neuron]), float(norm.beta[neuron])
            where = f"layer {layer.name}: neuron {neuron} at acc = {start + row}"
            # The other summand of y; infinite where the product overflowed.
            if not abs(value) <= ROUNDINGS * (abs(value - beta) + abs(beta)):
                raise CheckError(f"{where}: threshold {thresholds[neuron]} contradicts float64, y = {value!r}")
            fires_exactly = "fires" if fires[row, neuron] else "does not fire"
            warnings.append(f"{where}: float64 decides by rounding, y = {value!r}; exactly, it {fires_exactly}")
    return warnings


def _convert(layer: Dense, norm: BatchNorm) -> tuple[Dense, list[str]]:
    affine, (low, high) = dot_affine(layer), layer.accumulator_range
    standard_deviation(norm)  # refuses an overflow
    columns = (norm.gamma, norm.beta, norm.mean, norm.var + norm.eps, affine.constants)
    thresholds = np.array(
        [
            exact_threshold(gamma, beta, mean, variance, affine.scale, constant, low, high)
            for gamma, beta, mean, variance, constant in zip(*(c.tolist() for c in columns), strict=True)
        ],
        np.int64,
    )
    warnings = _exhaust(layer, norm, thresholds)
    flip = (norm.gamma < 0).astype(np.uint8)[:, None]
    planes = tuple(WeightPlane(p.coefficient, BitMatrix.from_bits(p.bits.bits() ^ flip)) for p in layer.weights)
    activation = Thresholds(thresholds[:, None], BatchNormSign(norm).dtype)
    return Dense(layer.name, layer.input, planes, activation), warnings


def batchnorm_sign(network: Network) -> StreamlineResult:
    """Run the pass (contract, formula and exactness: the module's docstring).

    Raises
    ------
    NetworkError
        Naming the layer, if ``var + eps`` overflows float64.
    CheckError
        If a threshold contradicts the float64 formula beyond rounding.
    """
    layers: list[Layer] = []
    warnings: list[str] = []
    for layer in network.layers:
        if isinstance(layer, Dense) and isinstance(layer.activation, BatchNormSign):
            try:
                converted, found = _convert(layer, layer.activation.norm)
            except NetworkError as error:
                raise NetworkError(f"layer {layer.name}: {error}") from None
            layers.append(converted)
            warnings += found
        else:
            layers.append(layer)
    return StreamlineResult(Network(network.input, tuple(layers), network.provenance), tuple(warnings))

"""The pass from floating-point activations to integer thresholds.

Assumes: any network. Leaves: no :class:`~bnnhw.ir.activation.FloatActivation`; every layer that had one has
:class:`~bnnhw.ir.activation.Thresholds` and gives the same elements for the same accumulators; the output is untouched.
That holds for fully connected layers, for the matrices in convolutions, whose padding is elements like any others, and
for element-wise quantization, at any depth of residual layers.

Formula
-------
A level is reached iff the chain of steps, applied to the dot product, reaches the quantizer's bound. Carried back
through the steps (:mod:`bnnhw.streamline.preimage`) this says ``dot >= c``, or another half-line, and with
``dot = scale * acc + constant`` (:mod:`bnnhw.ir.arithmetic`) that ``acc >= x``, ``x = (c - constant) / scale``.

- ``acc >= x``: ``T = ceil(x)``. ``acc > x``: ``T = floor(x) + 1``.
- ``acc <= x``: complementing the bits of the neuron's row in every weight plane turns each popcount ``p`` into
  ``K - p``, hence ``acc`` into ``R - acc`` with ``R = K * sum of coefficients = low + high``, the ends of the
  accumulator's range. So the level is reached iff ``R - acc >= R - floor(x)``: ``T = R - floor(x)``. The complemented
  row is the only record of it. ``acc < x``: ``T = R - ceil(x) + 1``.
- Reached always: ``T = low``; never: ``T = high + 1``.

Element-wise quantization has no row to complement: its elements are the accumulator, ``low .. high`` is the range of
their type, and an :class:`~bnnhw.ir.Affine` before it turns ``x`` into ``R - x`` in the channels that need it.

T is clamped to ``low .. high + 1``. The direction is that of the chain, so it is one for all levels of a neuron.
For bipolar elements and weights, batch norm and sign this is section 4 of the design: ``T = ceil((K + c) / 2)``.

A layer whose elements turn out to be -1 and +1 alone although their type has more (a sign that gives 0 for 0, of
accumulators that are never 0) becomes bipolar: then the next layer needs one plane of inputs.

Exactness
---------
Parameters are the rational numbers that their float64 values are, and nothing is rounded. Then accumulators are
put through the chain in float64: every one of ``low .. high`` for every neuron, or, of layers with more than
:data:`EXHAUST` of these, both sides of each threshold and both ends of the range, which decides all others as well,
since every rounding is monotone. Where the two differ, the exact threshold wins: it is what the stored parameters
say, and does not depend on the order of roundings, on fused multiply-adds or on the library that a framework happens
to use. Such a place is a warning that names layer, neuron and accumulator if float64 could not have known better
(its result lies within the bound of its own error, :mod:`bnnhw.streamline.float_error`), and otherwise a
:class:`~bnnhw.errors.CheckError`, since then one of the two computations is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import CheckError, NetworkError
from bnnhw.ir import Affine
from bnnhw.ir.activation import FloatActivation, Thresholds
from bnnhw.ir.arithmetic import DotAffine, dot_affine
from bnnhw.ir.bits import BitMatrix
from bnnhw.ir.layer import Layer, walk
from bnnhw.ir.layers import Dense, WeightPlane
from bnnhw.ir.network import Network
from bnnhw.ir.steps import BatchNorm, standard_deviation
from bnnhw.ir.types import DataType
from bnnhw.streamline.float_error import apply_bounded
from bnnhw.streamline.preimage import HalfLine, preimage
from bnnhw.streamline.result import StreamlineResult

__all__ = ["exact_thresholds", "thresholds"]

CHUNK = 1 << 20
"""Accumulators put through the chain at once: 8 MiB per temporary array."""

EXHAUST = 1 << 27
"""Most evaluations (accumulators x neurons x levels) up to which a layer is exhausted: seconds."""

MAX_WARNINGS = 20
"""Warnings of a layer that are listed singly."""

BIPOLAR = DataType("bipolar", 1)


def exact_thresholds(
    activation: FloatActivation, neuron: int, scale: int, constant: int, low: int, high: int
) -> tuple[list[int], bool]:
    """The thresholds of one neuron, and whether its row must be complemented for them.

    Parameters
    ----------
    activation : FloatActivation
    neuron : int
    scale, constant : int
        ``dot = scale * acc + constant``, before complementing.
    low, high : int
        Range of the accumulator.
    """
    quantizer = activation.quantizer
    found: list[int | HalfLine] = []
    for bound, strict in zip(quantizer.bounds[neuron].tolist(), quantizer.strict.tolist(), strict=True):
        line = preimage(activation.steps, neuron, bound, strict) if np.isfinite(bound) else bound < 0
        if isinstance(line, bool):
            found.append(low if line else high + 1)
        else:
            found.append(line.scaled(Fraction(1, scale), Fraction(-constant, scale)))
    directions = {line.above for line in found if isinstance(line, HalfLine)}
    assert len(directions) <= 1
    falling = directions == {False}
    row = []
    for item in found:
        if not isinstance(item, HalfLine):
            row.append(item)
            continue
        if item.above:
            threshold = item.end.floor() + 1 if item.strict else item.end.ceil()
        else:
            threshold = low + high - (item.end.ceil() - 1 if item.strict else item.end.floor())
        row.append(min(max(threshold, low), high + 1))
    # Bounds of one value, one strict and one not, may come in either order.
    return sorted(row), falling


@dataclass(frozen=True, eq=False)
class _Accumulators:
    """What an activation is applied to: accumulators of a range, and how dot products follow from them."""

    name: str
    affine: DotAffine
    low: int
    high: int


def _points(layer: _Accumulators, values: NDArray[np.int64], flipped: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Accumulators to be put through the chain, in blocks (rows, neurons or 1)."""
    low, high = layer.low, layer.high
    neurons, levels = values.shape
    if (high - low + 1) * neurons * levels <= EXHAUST:
        step = max(1, CHUNK // neurons)
        return [
            np.arange(start, min(start + step, high + 1), dtype=np.int64)[:, None]
            for start in range(low, high + 1, step)
        ]
    ends = np.array([[low], [high]])
    near = np.concatenate([values.T - 1, values.T, np.broadcast_to(ends, (2, neurons))]).clip(low, high)
    return [np.where(flipped, low + high - near, near)]


def _prove(
    layer: _Accumulators, activation: FloatActivation, values: NDArray[np.int64], flipped: NDArray[np.bool_]
) -> list[str]:
    """Thresholds against the chain in float64; warnings, or a CheckError."""
    affine, low, high = layer.affine, layer.low, layer.high
    quantizer = activation.quantizer
    warnings: list[str] = []
    number = 0
    for acc in _points(layer, values, flipped):
        y, error = apply_bounded(activation.steps, affine.scale * acc + affine.constants)
        met = np.where(flipped, low + high - acc, acc)
        for level, (threshold, bound, strict) in enumerate(
            zip(values.T, quantizer.bounds.T, quantizer.strict.tolist(), strict=True), 1
        ):
            reached = np.where(np.isinf(bound), bound < 0, y > bound if strict else y >= bound)
            exact = met >= threshold
            for row, neuron in np.argwhere(exact != reached).tolist():
                value, limit = float(y[row, neuron]), float(bound[neuron])
                a = int(acc[row, neuron if acc.shape[1] > 1 else 0])
                where = f"layer {layer.name}: neuron {neuron} at acc = {a}"
                # The error is infinite where the chain overflowed.
                if abs(value - limit) > error[row, neuron]:
                    raise CheckError(f"{where}: threshold {threshold[neuron]} contradicts float64, y = {value!r}")
                number += 1
                if number <= MAX_WARNINGS:
                    says = "reaches" if exact[row, neuron] else "does not reach"
                    warnings.append(
                        f"{where}: float64 decides by rounding, y = {value!r}; exactly, it {says} level {level}"
                    )
    if number > MAX_WARNINGS:
        warnings.append(f"layer {layer.name}: float64 decides by rounding in {number - MAX_WARNINGS} more places")
    return warnings


def _narrowed(values: NDArray[np.int64], dtype: DataType, low: int) -> tuple[NDArray[np.int64], DataType]:
    """Bipolar thresholds where a two-bit type holds -1 and +1 alone."""
    if dtype == DataType("int", 2) and (values[:, 0] == low).all() and (values[:, 1] == values[:, 2]).all():
        return values[:, 1:2], BIPOLAR
    return values, dtype


def _exact(
    layer: _Accumulators, activation: FloatActivation, narrow: bool
) -> tuple[Thresholds, NDArray[np.bool_], list[str]]:
    """Thresholds, the neurons that must be complemented for them, and warnings."""
    try:
        for step in activation.steps:
            if isinstance(step, BatchNorm):
                standard_deviation(step)  # refuses an overflow
        rows = [
            exact_thresholds(activation, neuron, layer.affine.scale, constant, layer.low, layer.high)
            for neuron, constant in enumerate(layer.affine.constants.tolist())
        ]
    except NetworkError as error:
        raise NetworkError(f"layer {layer.name}: {error}") from None
    values = np.array([row for row, _ in rows], np.int64)
    flipped = np.array([falling for _, falling in rows])
    warnings = _prove(layer, activation, values, flipped)
    values, dtype = _narrowed(values, activation.dtype, layer.low) if narrow else (values, activation.dtype)
    return Thresholds(values, dtype), flipped, warnings


class _Pass:
    """One run over a network.

    Parameters
    ----------
    network : Network
    """

    def __init__(self, network: Network) -> None:
        self._output = network.output
        self._names = {layer.name for layer in walk(network.layers)}
        self.warnings: list[str] = []

    def chain(self, layers: tuple[Layer, ...], dtype: DataType, last: bool = False) -> tuple[Layer, ...]:
        """Layers that take elements of a type, which may have become narrower, converted."""
        found: list[Layer] = []
        for place, layer in enumerate(layers):
            narrow = self._about_dots(layers[place + 1 :], last)
            layer = layer.with_branches(tuple(self.chain(branch, dtype) for branch in layer.branches), dtype)
            if layer.matrix is not None:
                layer = layer.with_matrix(self._dense(layer.matrix, narrow))
            elif isinstance(layer.activation, FloatActivation):
                before, layer = self._element_wise(layer, layer.activation, narrow)
                found += before
            dtype = layer.output
            found.append(layer)
        return tuple(found)

    def _about_dots(self, layers: tuple[Layer, ...], last: bool) -> bool:
        """Whether what follows is stated in dot products, which do not depend on the type of the elements."""
        behind = [layer for layer in layers if not layer.selects]
        if not behind or behind[0].matrix is None or not behind[0].keeps(BIPOLAR):
            return False
        scores = last and len(behind) == 1 and bool(self._output.steps)
        return isinstance(behind[0].activation, FloatActivation) or scores

    def _dense(self, layer: Dense, narrow: bool) -> Dense:
        if not isinstance(layer.activation, FloatActivation):
            return layer
        accumulators = _Accumulators(layer.name, dot_affine(layer), *layer.accumulator_range)
        activation, flipped, warnings = _exact(accumulators, layer.activation, narrow)
        self.warnings += warnings
        flip = flipped.astype(np.uint8)[:, None]
        planes = tuple(WeightPlane(p.coefficient, BitMatrix.from_bits(p.bits.bits() ^ flip)) for p in layer.weights)
        return Dense(layer.name, layer.input, planes, activation)

    def _element_wise(self, layer: Layer, activation: FloatActivation, narrow: bool) -> tuple[list[Affine], Layer]:
        """A layer that applies an activation to its elements, and the affine that it needs before it, if any."""
        shape, low, high = layer.shape_in, layer.input.minimum, layer.input.maximum
        elements = _Accumulators(layer.name, DotAffine(1, np.zeros(shape[0], np.int64)), low, high)
        exact, flipped, warnings = _exact(elements, activation, narrow)
        self.warnings += warnings
        if not flipped.any():
            return [], layer.with_activation(exact)
        multiplier, offset = np.where(flipped, -1, 1), np.where(flipped, low + high, 0)
        affine = Affine(self._unique(f"{layer.name}_negated"), shape, layer.input, multiplier, offset)
        return [affine], layer.with_input(affine.output, exact)

    def _unique(self, name: str) -> str:
        while name in self._names:
            name += "_"
        self._names.add(name)
        return name


def thresholds(network: Network) -> StreamlineResult:
    """Run the pass (contract, formula and exactness: the module's docstring).

    Raises
    ------
    NetworkError
        Naming the layer, if ``var + eps`` overflows float64, or a threshold can't be decided.
    CheckError
        If a threshold contradicts float64 beyond rounding.
    """
    run = _Pass(network)
    layers = run.chain(network.chain, network.input.dtype, last=True)
    return StreamlineResult(Network(network.input, (*layers, network.output), network.provenance), tuple(run.warnings))

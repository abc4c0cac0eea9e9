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
Parameters are the rational numbers that their float64 values are, and nothing is rounded. Thresholds are found by
bisection in float64 wherever its errors leave no doubt (:mod:`bnnhw.streamline.search`), and otherwise from the exact
bound. Then accumulators are put through the chain in float64: every one of ``low .. high`` for every neuron, or, of
layers with more than :data:`EXHAUST` of these, both sides of each threshold and both ends of the range, which decides
all others as well, since every rounding is monotone. Where the two differ, the exact threshold wins: it is what the
stored parameters say, and does not depend on the order of roundings, on fused multiply-adds or on the library that a
framework happens to use. Such a place is a warning that names layer, neuron and accumulator if float64 could not have
known better (its result lies within the bound of its own error, :mod:`bnnhw.streamline.float_error`), and otherwise a
:class:`~bnnhw.errors.CheckError`, since then one of the two computations is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
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
from bnnhw.ir.steps import BatchNorm, falling, standard_deviation
from bnnhw.ir.types import DataType
from bnnhw.streamline.float_error import apply_bounded
from bnnhw.streamline.preimage import HalfLine, preimage
from bnnhw.streamline.result import StreamlineResult
from bnnhw.streamline.search import Accumulators, first_reached, reaches

__all__ = ["exact_thresholds", "thresholds"]

CHUNK = 1 << 20
"""Comparisons made at once: 8 MiB per temporary array."""

EXHAUST = 1 << 24
"""Most comparisons (accumulators x neurons x levels) up to which a layer is exhausted: a second."""

MAX_WARNINGS = 20
"""Warnings of a layer that are listed singly."""

BIPOLAR = DataType("bipolar", 1)


def exact_threshold(activation: FloatActivation, level: int, neuron: int, layer: Accumulators, flipped: bool) -> int:
    """One threshold, in exact arithmetic.

    Parameters
    ----------
    activation : FloatActivation
    level, neuron : int
    layer : Accumulators
    flipped : bool
        Whether the neuron's row is complemented.
    """
    line = _preimage(activation, level, neuron)
    low, high = layer.low, layer.high
    if isinstance(line, bool):
        return low if line else high + 1
    scale, constant = layer.affine.scale, int(layer.affine.constants[neuron])
    line = line.scaled(Fraction(1, scale), Fraction(-constant, scale))
    assert line.above != flipped
    if line.above:
        threshold = line.end.floor() + 1 if line.strict else line.end.ceil()
    else:
        threshold = low + high - (line.end.ceil() - 1 if line.strict else line.end.floor())
    return min(max(threshold, low), high + 1)


def _preimage(activation: FloatActivation, level: int, neuron: int) -> HalfLine | bool:
    """The dot products for which a level is reached."""
    bound, strict = float(activation.quantizer.bounds[neuron, level]), bool(activation.quantizer.strict[level])
    return preimage(activation.steps, neuron, bound, strict) if np.isfinite(bound) else bound < 0


def _flipped(activation: FloatActivation) -> NDArray[np.bool_]:
    """The neurons whose rows must be complemented: they fall, and not every level is reached always or never."""
    found = falling(activation.steps, activation.neurons)
    for neuron in np.flatnonzero(found).tolist():
        levels = range(activation.dtype.levels - 1)
        found[neuron] = any(isinstance(_preimage(activation, level, neuron), HalfLine) for level in levels)
    return found


def exact_thresholds(activation: FloatActivation, layer: Accumulators) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The thresholds of a layer, and which rows must be complemented for them.

    Parameters
    ----------
    activation : FloatActivation
    layer : Accumulators

    Returns
    -------
    values : int64 array (neurons, levels)
        Ascending.
    flipped : bool array (neurons,)
    """
    flipped = _flipped(activation)
    values, exact = first_reached(activation, layer, flipped)
    for level, neuron in np.argwhere(~exact).tolist():
        values[level, neuron] = exact_threshold(activation, level, neuron, layer, bool(flipped[neuron]))
    # Bounds of one value, one strict and one not, may come in either order.
    return np.sort(values.T, axis=1), flipped


def _points(layer: Accumulators, values: NDArray[np.int64]) -> Iterator[tuple[slice, NDArray[np.int64]]]:
    """Levels, and the accumulators to be put through the chain for them: (rows, levels or 1, neurons or 1)."""
    low, high = layer.low, layer.high
    neurons, levels = values.shape
    every = slice(0, levels)
    if (high - low + 1) * values.size <= EXHAUST:
        step = max(1, CHUNK // values.size)
        for start in range(low, high + 1, step):
            yield every, np.arange(start, min(start + step, high + 1), dtype=np.int64)[:, None, None]
        return
    yield every, np.array([low, high], np.int64)[:, None, None]
    step = max(1, CHUNK // neurons)
    for start in range(0, levels, step):
        some = slice(start, min(start + step, levels))
        yield some, np.stack([values.T[some] - 1, values.T[some]]).clip(low, high)


def _prove(
    layer: Accumulators, activation: FloatActivation, values: NDArray[np.int64], flipped: NDArray[np.bool_]
) -> list[str]:
    """Thresholds against the chain in float64; warnings, or a CheckError."""
    bounds, strict = activation.quantizer.bounds.T, activation.quantizer.strict
    found: dict[tuple[int, int, int], str] = {}
    for some, met in _points(layer, values):
        y, error = apply_bounded(activation.steps, layer.dots(met, flipped))
        exact = met >= values.T[some]
        wrong = np.argwhere(exact != reaches(bounds[some], strict[some], y))
        y, error, acc = (np.broadcast_to(a, exact.shape) for a in (y, error, met))
        for row, level, neuron in wrong.tolist():
            place = (row, level, neuron)
            value, limit = float(y[place]), float(bounds[some][level, neuron])
            a = int(acc[place])
            a = layer.low + layer.high - a if flipped[neuron] else a
            where = f"layer {layer.name}: neuron {neuron} at acc = {a}"
            # The error is infinite where the chain overflowed.
            if abs(value - limit) > error[place]:
                threshold = values[neuron, some.start + level]
                raise CheckError(f"{where}: threshold {threshold} contradicts float64, y = {value!r}")
            says = "reaches" if exact[place] else "does not reach"
            found[neuron, some.start + level, a] = (
                f"{where}: float64 decides by rounding, y = {value!r}; exactly, it {says} level "
                f"{some.start + level + 1}"
            )
    warnings = list(found.values())
    if len(warnings) > MAX_WARNINGS:
        more = f"layer {layer.name}: float64 decides by rounding in {len(warnings) - MAX_WARNINGS} more places"
        return [*warnings[:MAX_WARNINGS], more]
    return warnings


def _narrowed(values: NDArray[np.int64], dtype: DataType, low: int) -> tuple[NDArray[np.int64], DataType]:
    """Bipolar thresholds where a two-bit type holds -1 and +1 alone."""
    if dtype == DataType("int", 2) and (values[:, 0] == low).all() and (values[:, 1] == values[:, 2]).all():
        return values[:, 1:2], BIPOLAR
    return values, dtype


def _exact(
    layer: Accumulators, activation: FloatActivation, narrow: bool
) -> tuple[Thresholds, NDArray[np.bool_], list[str]]:
    """Thresholds, the neurons that must be complemented for them, and warnings."""
    try:
        for step in activation.steps:
            if isinstance(step, BatchNorm):
                standard_deviation(step)  # refuses an overflow
        values, flipped = exact_thresholds(activation, layer)
    except NetworkError as error:
        raise NetworkError(f"layer {layer.name}: {error}") from None
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
        accumulators = Accumulators(layer.name, dot_affine(layer), *layer.accumulator_range)
        activation, flipped, warnings = _exact(accumulators, layer.activation, narrow)
        self.warnings += warnings
        flip = flipped.astype(np.uint8)[:, None]
        planes = tuple(WeightPlane(p.coefficient, BitMatrix.from_bits(p.bits.bits() ^ flip)) for p in layer.weights)
        return Dense(layer.name, layer.input, planes, activation)

    def _element_wise(self, layer: Layer, activation: FloatActivation, narrow: bool) -> tuple[list[Affine], Layer]:
        """A layer that applies an activation to its elements, and the affine that it needs before it, if any."""
        shape, low, high = layer.shape_in, layer.input.minimum, layer.input.maximum
        elements = Accumulators(layer.name, DotAffine(1, np.zeros(shape[0], np.int64)), low, high)
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

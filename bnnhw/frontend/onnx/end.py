"""The end of a graph: from the value that its output stands for to a network.

Scores
------
A network ends in a score per class, and the class with the highest, the lowest index on a tie; a single score decides
between two classes by its sign. The scores are an affine of what a last layer emits: dot products, sums of branches or
of positions, or the levels of a quantizer. What rises with every score, by the same function for all classes, changes
no class and is left out (:mod:`bnnhw.frontend.onnx.nodes.ends`).

Quantizers
----------
A quantizer at the end makes scores equal, and so decides which class is the first of the highest: it stays, and a note
says what it costs. Of a single score it stays too, unless it is but a sign, of two values or -1, 0 and +1: then the
score is what it was before, less the bound. An offset behind it counts as behind any score, and beyond the two values
it makes one class of all; but where the lesser value is 0 the two are labels, and class 1 is the greater.

A sigmoid of a single score is a probability: class 1 from its half on, behind a quantizer too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import assert_never

import numpy as np

from bnnhw.errors import UnsupportedError
from bnnhw.frontend.onnx.call import Call
from bnnhw.frontend.onnx.streams import as_integers
from bnnhw.frontend.onnx.values import Elements, Integers, Product, Ranked, Streamed, Value, kind_of
from bnnhw.ir.activation import FloatActivation
from bnnhw.ir.arithmetic import dot_output, emitted_affine, steps_on_dots
from bnnhw.ir.bends import bend
from bnnhw.ir.curves import CURVES
from bnnhw.ir.layer import Layer, walk
from bnnhw.ir.layers import Output
from bnnhw.ir.network import Network
from bnnhw.ir.steps import BatchNorm, Clip, Curve, Divide, Gap, PRelu, Relu, Scale, Shift, Staircase, Step, apply

__all__ = ["network_of"]


def _last(product: Product) -> Layer:
    """The matrix that ends a network: of a convolution over the whole map, the fully connected layer that it is."""
    window, dense = product.layer.window, product.dense
    if window is None:
        return dense
    whole = window.kernel == (window.height, window.width) and window.positions == 1 and not window.padded
    # A neuron of a depthwise convolution sees one channel.
    return dense if whole and dense.synapses == math.prod(product.layer.shape_in) else product.layer


def _named(layers: tuple[Layer, ...], numbers: Iterator[int]) -> tuple[Layer, ...]:
    """Layers named by the word for their kind and their number in the order of :func:`~bnnhw.ir.layer.walk`."""
    found: list[Layer] = []
    for layer in layers:
        layer = layer.with_branches(tuple(_named(branch, numbers) for branch in layer.branches))
        found.append(layer.renamed(f"{layer.stem}{next(numbers)}"))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class _Tail:
    """Layers, and the steps to the scores, as :class:`~bnnhw.ir.layers.Output` has them."""

    layers: tuple[Layer, ...]
    steps: tuple[Step, ...]

    @property
    def quantizer(self) -> FloatActivation | None:
        """The activation of the last layer."""
        activation = self.layers[-1].activation if self.layers else None
        return activation if isinstance(activation, FloatActivation) else None


def _on_emitted(layers: tuple[Layer, ...], steps: tuple[Step, ...]) -> _Tail:
    """Steps that are stated in what the last layer emits, of a matrix in its accumulators."""
    matrix = layers[-1].matrix if layers else None
    if matrix is None or matrix.activation is not None:
        return _Tail(layers, steps)
    return _Tail(layers, steps_on_dots(matrix, steps))


def _tail(call: Call, end: Streamed) -> _Tail:
    if isinstance(end, Product):
        return _Tail((*end.elements.layers, _last(end)), end.steps)
    integers = as_integers(call, end)
    return _on_emitted(integers.elements.layers, integers.steps)


def _unquantized(tail: _Tail, activation: FloatActivation, *steps: Step) -> _Tail:
    """The scores in front of the last quantizer, and steps on them."""
    *before, last = tail.layers
    steps = (*activation.steps, *steps)
    if last.matrix is None:
        return _on_emitted(tuple(before), steps)
    return _Tail((*before, last.with_activation(None)), steps)


def _least_of_class_one(values: list[float]) -> float:
    """The least of the numbers that a sign, or bits, can end as that is of class 1.

    No number is negative, and 0 is one of them: these are labels, and 0 is that of class 0.
    """
    least = min(values)
    return min((value for value in values if value > 0), default=0.0) if least == 0 else 0.0


def _sign(tail: _Tail) -> _Tail:
    """A single score without a quantizer that is but its sign; any other as it is."""
    activation = tail.quantizer
    if activation is None or activation.neurons != 1:
        return tail
    quantizer = activation.quantizer
    bounds = set(quantizer.bounds[np.isfinite(quantizer.bounds)].tolist())
    if len(bounds) > 1 or (not bounds and activation.dtype.bits > 1):
        probable = bend(activation.steps[-1:]) == "sigmoid" and not tail.steps[1:]
        return replace(tail, steps=(*tail.steps, Shift(np.array([-0.5])))) if probable else tail
    if not bounds:
        # Bits of which one is never given.
        least = _least_of_class_one(apply(tail.steps, activation.dtype.values(np.array([[0], [1]])))[:, 0].tolist())
        return replace(tail, steps=(*tail.steps, Shift(np.array([-least])))) if least else tail
    (bound,) = bounds
    near = np.array([[np.nextafter(bound, -np.inf)], [bound], [np.nextafter(bound, np.inf)]])
    codes = activation.dtype.codes(quantizer.levels(near))
    below, at, above = values = apply(tail.steps, activation.dtype.values(codes))[:, 0].tolist()
    least = _least_of_class_one(values)
    if (below >= least) == (above >= least):
        # An offset beyond them, or a factor of 0: one class, whatever the sign is.
        return tail
    if at < least:
        # No score says "above the bound, and not at it": the levels do.
        return replace(tail, steps=(*tail.steps, Shift(np.array([-least])))) if least else tail
    shift = Shift(np.array([-bound]))
    return _unquantized(tail, activation, *((shift,) if above > below else (shift, Scale(np.array([-1.0])))))


def _rises(step: Step) -> bool:
    """Whether a step rises everywhere, and treats all classes alike."""
    match step:
        case PRelu():
            return bool((step.slope == step.slope[0]).all() and step.slope[0] > 0)
        case Scale():
            return bool((step.factor == step.factor[0]).all() and step.factor[0] > 0)
        case Divide():
            return bool((step.divisor == step.divisor[0]).all() and step.divisor[0] > 0)
        case Shift():
            return bool((step.offset == step.offset[0]).all())
        case Curve():
            return True
        case BatchNorm() | Relu() | Clip() | Gap() | Staircase():
            return False
        case _:
            assert_never(step)


def _without_idle(layer: Layer, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Steps without the bends that no number reaches, such as a clip far away."""
    affine = emitted_affine(layer)
    y = affine.scale * np.array(layer.emitted)[:, None] + affine.constants
    kept: list[Step] = []
    for step in steps:
        after = apply((step,), y)
        if isinstance(step, Curve) or not bend((step,)) or (after != y).any():
            kept.append(step)
        y = after
    return tuple(kept)


def _decides(step: Step, last: bool) -> bool:
    """Whether the sign of a single score, or of a sigmoid at the very end its half, is what a bend leaves."""
    if not isinstance(step, Curve):
        return True
    return last if step.name == "sigmoid" else bool(CURVES[step.name](np.zeros(1))[0] == 0)


def _without_rising(steps: tuple[Step, ...], single: bool) -> tuple[Step, ...]:
    """Steps without those at their end that bend, but change no class."""
    given = steps
    while True:
        if single and steps and isinstance(clip := steps[-1], Clip) and clip.low[0] < 0 <= clip.high[0]:
            # It keeps the sign.
            steps = steps[:-1]
        place = max((i for i, step in enumerate(steps) if bend((step,))), default=None)
        if place is None or not all(map(_rises, steps[place:])):
            return steps
        # The sign of a single score: of a sigmoid at the very end, a probability, that of its half; others keep 0.
        if single and (place < len(steps) - 1 or not _decides(steps[place], steps == given)):
            return steps
        steps = steps[:place]


def _saturated(layer: Layer, steps: tuple[Step, ...], kept: int) -> str | None:
    """The curve that makes numbers equal in float64 which are not, among the greatest scores that are told apart."""
    low, high = layer.emitted
    affine = emitted_affine(layer)
    near = affine.scale * np.array([[low], [low + 1], [high - 1], [high]]) + affine.constants
    before, behind = apply(steps[:kept], near), apply(steps, near)
    equal = (np.diff(behind, axis=0) == 0) & (np.diff(before, axis=0) != 0)
    return bend(steps[kept:]) if equal[[0, 2]].any() else None


def network_of(name: str, end: Value | None, call: Call) -> tuple[Network, tuple[str, ...]]:
    """The network that ends in a value, and what was assumed on the way.

    Parameters
    ----------
    name : str
        Of the graph's output.
    end : Value or None
        What it stands for.
    call : Call
        Of the node that gives it.

    Raises
    ------
    UnsupportedError
        It stands for no scores; says why.
    """
    where = f"graph output {name!r:.60}"
    notes: tuple[str, ...] = ()
    signed = isinstance(end, Ranked) and end.signed
    if isinstance(end, Ranked):
        end, notes = end.scores, end.notes
    if not isinstance(end, Product | Integers | Elements):
        raise UnsupportedError(f"{where}: must be {kind_of(Product)}, not {kind_of(end)}")
    tail = _tail(call, end) if signed else _sign(_tail(call, end))
    layers = tail.layers
    if all(layer.matrix is None for layer in walk(layers)):
        raise UnsupportedError(f"{where}: must come from at least one matrix product or convolution")
    classes, height, width = layers[-1].shape_out
    if height * width > 1:
        raise UnsupportedError(
            f"{where}: must be one score per class, not a map of {classes} x {height} x {width}: end the graph in a "
            "pool of all positions, or a matrix product"
        )
    if not np.array_equal(end.index.ravel(), np.arange(classes)):
        raise UnsupportedError(f"{where}: must have its classes in the order of its matrix product")
    given = _without_idle(layers[-1], tail.steps)
    steps = _without_rising(given, classes == 1)
    bent = bend(steps)
    if bent and (classes > 1 or bend(steps[-1:])):
        raise UnsupportedError(
            f"{where}: must be affine in a matrix product, without a {bent}: end the graph before it"
        )
    if tail.quantizer is not None and classes > 1:
        levels = tail.quantizer.dtype.levels - 1
        notes = (
            *notes,
            f"{where}: its quantizer makes scores equal, of which the lowest index counts, as in the model; a graph "
            f"that ends before it tells them apart, without {levels} threshold{'s' * (levels > 1)} per class",
        )
    if len(steps) < len(given) and classes > 1 and (curve := _saturated(layers[-1], given, len(steps))):
        notes = (
            *notes,
            f"{where}: its {curve} makes scores equal in float64 that differ: here the greater counts; scale what it "
            "is given, or end the graph before it",
        )
    layers = _named(layers, count())
    output = dot_output("output", layers[-1])
    if steps:
        output = Output(output.name, np.ones_like(output.multiplier), np.zeros_like(output.offset), steps)
    elements = end if isinstance(end, Elements) else end.elements
    return Network(elements.input, (*layers, output)), (*elements.notes, *notes)

"""What a tensor of a foreign graph stands for, once the nodes before it are understood."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir.layers import Dense
from bnnhw.ir.steps import Step
from bnnhw.ir.types import DataType, InputSpec

__all__ = ["Constant", "Dimensions", "Elements", "Product", "Samples", "Value", "Weights", "cost", "kind_of"]


@dataclass(frozen=True, eq=False)
class Constant:
    """An array known at compile time."""

    array: NDArray[Any]


@dataclass(frozen=True)
class Dimensions:
    """A shape, or part of one, that depends on the batch.

    Parameters
    ----------
    sizes : tuple of int or None
        None stands for the number of frames.
    scalar : bool
        Whether it is a single number, not a list of one.
    """

    sizes: tuple[int | None, ...]
    scalar: bool = False


@dataclass(frozen=True, eq=False)
class Samples:
    """Raw samples: ``scale * x + offset``, x what the graph takes.

    Parameters
    ----------
    frame : tuple of int
        Shape of a sample as the graph's input has it.
    index : int32 array
        Of the shape that a sample has here; the place of each element in the order in which elements enter
        the accelerator (channel fastest, then width, then height).
    scale, offset : Fraction
    input_scale : Fraction, optional
        What the graph takes is a raw sample times this; None if nobody has said so.
    """

    frame: tuple[int, ...]
    index: NDArray[np.int32]
    scale: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)
    input_scale: Fraction | None = None


@dataclass(frozen=True, eq=False)
class Elements:
    """Quantized elements: the network's input after its quantizer, or the output of its last layer so far.

    Parameters
    ----------
    dtype : DataType
    index : int32 array
        As that of :class:`Samples`.
    input : InputSpec
    layers : tuple of Dense
        Everything between the input and these elements.
    scale, offset : Fraction
        An element of value v, in ``dtype``, stands for the number ``scale * v + offset``.
    notes : tuple of str
        What was assumed on the way.
    """

    dtype: DataType
    index: NDArray[np.int32]
    input: InputSpec
    layers: tuple[Dense, ...]
    scale: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Weights:
    """Quantized weights: ``scale * values``.

    Parameters
    ----------
    values : int16 array (rows, columns)
        As the graph has them.
    scale : float64 array (rows or 1, columns or 1)
    """

    values: NDArray[np.int16]
    scale: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Product:
    """Dot products of elements with weights, and what was done to them since.

    Parameters
    ----------
    elements : Elements
    layer : Dense
        Without an activation yet.
    steps : tuple of Step
    """

    elements: Elements
    layer: Dense
    steps: tuple[Step, ...] = field(default=())


Value: TypeAlias = Constant | Dimensions | Samples | Elements | Weights | Product

_WORDS = {
    Constant: "a constant",
    Dimensions: "a shape",
    Samples: "raw samples",
    Elements: "quantized elements",
    Weights: "quantized weights",
    Product: "a matrix product",
}


def kind_of(value: Value | type[Value] | None) -> str:
    """What a value is, in words."""
    if value is None:
        return "nothing"
    return _WORDS[value if isinstance(value, type) else type(value)]


def cost(value: Value) -> int:
    """How many numbers a node holds in its output, beyond those that it read."""
    match value:
        case Constant():
            return int(value.array.size)
        case Weights():
            return int(value.values.size)
        case Product():
            planes = len(value.layer.weights) * value.layer.synapses if not value.steps else 1
            return value.layer.neurons * planes
        case Elements() if value.layers:
            return value.layers[-1].neurons * value.dtype.levels
        case _:
            return 0
